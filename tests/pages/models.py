"""Hypothesis strategies for models as docs pages describe them, including hostile ones."""

from typing import Any

from hypothesis import strategies as st

from segforge.spec.catalog import ABSENT, Choices, Media, Model, Parameter, ParameterType, Returns, Source

WORDS = (
    "string", "integer", "number", "boolean", "object", "array", "required", "optional", "default", "range", "base64",
    "true_gs", "nullable", "seed2", "x1024", "img2img", "e5_model", "false_color", "requiredness", "is_optional",
    "steps75",
    "Parameters", "allowed_values", "more", "returns", "größe", "名前", "naïve_prompt", "n_samples1", "d", "t5",
)  # fmt: skip
PHRASES = (
    "required", "optional", "Default:", "Default: 5", "Range: 1 - 5", "requiredstring", "x optionalinteger",
    "Allowed values :",
    "string (uri)", "+3 more", '"quoted"', "{{ name }}", "<b>bold</b>", "&amp;", "Response Type", "Returns: Image",
    "``` */",
    "Parameters", "0 - 1", "null", "true", "1024", "it's", "a required string", "Range: 0 - 1base64optionalboolean",
    "100%",
)  # fmt: skip
PLAIN = (
    "the", "a", "of", "image", "strength", "how", "many", "steps", "to", "run", "prompt", "guidance", "scale", "output",
    "seed", "noise", "model", "style",
)  # fmt: skip

simple_names = st.from_regex(r"[a-z][a-z0-9_]{0,14}", fullmatch=True)
names = st.one_of(simple_names, simple_names, simple_names, st.sampled_from(WORDS))
prose = st.lists(st.one_of(*[st.sampled_from(PLAIN)] * 6, st.sampled_from(PHRASES)), min_size=1, max_size=14).map(
    " ".join
)
loose_text = st.text(st.characters(exclude_categories=["Cs", "Cc"], max_codepoint=0x2FFF), max_size=12)
plain_values = st.from_regex(r"[A-Za-z][A-Za-z0-9_:. -]{0,12}", fullmatch=True)
strings = st.one_of(
    plain_values,
    plain_values,
    st.sampled_from(
        [
            "",
            "a",
            "1:1",
            'say "hi"',
            "back\\slash",
            "two\nlines",
            "tab\there",
            "  spaces  ",
            "x requiredstring",
            "👍",
            "é",
            "</script>",
        ]
    ),
    loose_text,
)
urls = st.from_regex(r"https://[a-z]{3,9}\.example/[a-z0-9]{1,9}\.(png|webp)", fullmatch=True)
integers = st.one_of(st.integers(-100, 5000), st.integers(0, 10**15))
floats = st.integers(-(10**5), 10**5).map(lambda number: number / 1000)


def _descriptions() -> st.SearchStrategy[str]:
    return prose.map(lambda text: " ".join(text.split()))


@st.composite
def ranges(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> tuple[Any, Any]:
    low, high = sorted([draw(values), draw(values)])
    return low, high


@st.composite
def parameters(draw: st.DrawFn, name: str) -> Parameter:
    """Draws one parameter with a consistent type, default, range and enum, as on pages."""
    types: list[ParameterType] = ["string", "string", "integer", "number", "boolean"]
    type_ = draw(st.sampled_from(types))
    facts: dict[str, Any] = {}
    if type_ == "string":
        _string(draw, facts)
    elif type_ == "boolean":
        if draw(st.integers(0, 9)):
            facts["default"] = draw(st.booleans())
    else:
        _number(draw, facts, integers if type_ == "integer" else st.one_of(floats, st.integers(-50, 50)))
    if facts.get("default") is None and "default" in facts:
        facts["nullable"] = True
    return Parameter(name=name, type=type_, required=draw(st.booleans()), description=draw(_descriptions()), **facts)


def _string(draw: st.DrawFn, facts: dict[str, Any]) -> None:
    kind = draw(st.integers(0, 9))
    if kind == 0:
        facts["default"] = None
    elif kind < 4:
        known = draw(st.lists(plain_values, min_size=2, max_size=10, unique=True))
        facts["choices"] = Choices(tuple(known), len(known) + draw(st.sampled_from([0, 0, 0, 1, 16])))
        if draw(st.integers(0, 19)):
            facts["default"] = draw(st.sampled_from(known))
    elif kind < 6:
        facts["format"] = "uri"
        facts["default"] = draw(urls)
    elif kind < 9:
        facts["default"] = draw(strings)


def _number(draw: st.DrawFn, facts: dict[str, Any], values: st.SearchStrategy[Any]) -> None:
    kind = draw(st.integers(0, 19))
    if kind < 10:
        low, high = draw(ranges(values))
        facts |= {
            "minimum": low,
            "maximum": high,
            "default": draw(st.sampled_from([low, high])) if draw(st.booleans()) else None,
        }
        middle = (low + high) / 2
        facts["default"] = (
            facts["default"]
            if facts["default"] is not None
            else int(middle)
            if isinstance(low + high, int)
            else round(middle, 4)
        )
    elif kind < 16:
        facts["default"] = draw(values)
    elif kind == 16:
        facts["default"] = None
    elif kind == 17:
        known = draw(
            st.lists(
                st.sampled_from([1, 2, 4, 5, 14, 25, 256, 512, 768, 1024, 2048]), min_size=1, max_size=4, unique=True
            )
        )
        facts |= {"choices": Choices(tuple(known), len(known)), "default": draw(st.sampled_from(known))}


def _value_for(draw: st.DrawFn, parameter: Parameter) -> Any:
    if parameter.choices is not None:
        return draw(st.sampled_from(parameter.choices.known))
    if parameter.default is not ABSENT and parameter.default is not None and draw(st.integers(0, 3)):
        return parameter.default
    match parameter.type:
        case "string":
            return draw(strings)
        case "boolean":
            return draw(st.booleans())
        case "integer":
            return draw(integers)
        case _:
            return draw(st.one_of(floats, st.integers(-50, 50)))


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Draws a model whose page the tests render."""
    chosen = draw(st.lists(names, min_size=1, max_size=9, unique=True))
    made = sorted((draw(parameters(name)) for name in chosen), key=lambda one: (not one.required, one.name))
    shown = {one.name: _value_for(draw, one) for one in made if one.required or draw(st.integers(0, 4))}
    if not shown:
        shown = {made[0].name: _value_for(draw, made[0])}
    medias: list[Media] = ["image", "json"]
    media = draw(st.sampled_from(medias))
    return Model(
        slug=draw(
            st.from_regex(r"[a-z][a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True).filter(
                lambda slug: slug != "requests"
            )
        ),
        title=draw(st.from_regex(r"[A-Z][A-Za-z0-9]{1,8}( [A-Z][a-z0-9.]{0,8}){0,3}", fullmatch=True)),
        description=draw(prose).capitalize(),
        source=Source("https://www.segmind.com/models/x/api", "2026-11-21"),
        versions=draw(st.sampled_from([("v1",), ("v1", "v2")])),
        returns=Returns(media=media, formats=("jpeg",) if media == "image" else ()),
        parameters=tuple(made),
        example=shown,
        typical_seconds=draw(st.one_of(st.none(), st.integers(1, 9999).map(lambda number: number / 100))),
    )
