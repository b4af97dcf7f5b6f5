"""Hypothesis strategies for models as docs pages describe them, including hostile ones."""

from dataclasses import replace
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
    facts["affects_price"] = draw(st.booleans())  # printed by the oldest pages only
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


def _with_labels(draw: st.DrawFn, one: Parameter) -> Parameter:
    if one.type != "string" or one.choices is None or draw(flags):
        return one
    labels = tuple(draw(plain_values).rstrip(" :") for _ in one.choices.known)
    return replace(one, choices=replace(one.choices, labels=labels))


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


TITLES = ("Ready Color Palette", "Own Palette", "By URL", "A list of words", "Base64 text", "As a number")
flags = st.booleans()


@st.composite
def parts(draw: st.DrawFn, name: str, depth: int) -> Parameter:
    """Draws a nested parameter: a scalar without a sample, or one with parts."""
    if depth == 0 or draw(st.integers(0, 2)):
        one = draw(parameters(name))
        return replace(one, description="") if draw(flags) else one
    return draw(nesting_parameters(name, depth))


@st.composite
def nesting_parameters(draw: st.DrawFn, name: str, depth: int = 2) -> Parameter:
    """Draws an array, an object or a union, as pages print them."""
    facts: dict[str, Any] = {"name": name, "required": draw(flags), "description": draw(_descriptions())}
    kind = draw(st.sampled_from(("list", "objects", "objects", "object", "union", "any")))
    if kind == "union":
        return Parameter(type="any", any_of=tuple(draw(members())), **facts)
    if kind == "list":
        types: list[ParameterType] = ["string", "integer", "number", "object", "array"]
        inner = draw(st.sampled_from([*map(_plain, types), None]))
        return Parameter(type="array", items=inner, **facts)
    if kind == "any":
        return Parameter(type="any", **facts)
    properties = tuple(draw(keys(depth - 1)))
    if kind == "object":
        return Parameter(type="object", properties=properties, **facts)
    return Parameter(type="array", items=replace(_plain("object"), properties=properties), **facts)


def _plain(type_: ParameterType) -> Parameter:
    return Parameter(name="items", type=type_, required=None, description="")


@st.composite
def keys(draw: st.DrawFn, depth: int) -> list[Parameter]:
    chosen = draw(st.lists(simple_names, min_size=1, max_size=3, unique=True))
    return [draw(parts(name, depth)) for name in chosen]


@st.composite
def members(draw: st.DrawFn) -> list[Parameter]:
    """Draws the members of a union, under titles or numbers."""
    count = draw(st.integers(2, 3))
    titles = draw(st.permutations(TITLES)) if draw(flags) else [f"Option {number}" for number in range(1, count + 1)]
    made = []
    for title in titles[:count]:
        one = Parameter(name=title, type="any", required=False, description=draw(st.sampled_from(("", "", "A form."))))
        kind = draw(st.sampled_from(("any", "any", "string", "uri", "number", "list")))
        if kind == "any":
            made.append(replace(one, properties=tuple(draw(keys(0)))) if draw(flags) else one)
        elif kind == "list":
            made.append(replace(one, type="array", items=_plain("string")))
        else:
            made.append(replace(one, type="number" if kind == "number" else "string"))
            made[-1] = replace(made[-1], format="uri") if kind == "uri" else made[-1]
    return made


def _nested_value(draw: st.DrawFn, one: Parameter) -> Any:
    """Draws a value of a nested parameter's form. Keys that are not required may be missing."""
    if one.any_of:
        return _nested_value(draw, draw(st.sampled_from(one.any_of)))
    if one.items is not None and one.items.properties:
        return [_keys_value(draw, one.items.properties) for _ in range(draw(st.integers(0, 2)))]
    if one.type == "array":
        inner = one.items.type if one.items is not None else "string"
        return [] if inner in ("array", "object") else [_value_for(draw, _plain(inner)) for _ in range(2)]
    if one.properties or one.type == "object":
        return _keys_value(draw, one.properties)
    return "text" if one.type == "any" else _value_for(draw, one)


def _keys_value(draw: st.DrawFn, properties: tuple[Parameter, ...]) -> dict[str, Any]:
    return {one.name: _nested_value(draw, one) for one in properties if one.required or draw(flags)}


@st.composite
def models(draw: st.DrawFn, *, nested: bool = False) -> Model:
    """Draws a model whose page the tests render. `nested` adds arrays, objects, unions and labelled values."""
    chosen = draw(st.lists(names, min_size=1, max_size=9, unique=True))
    made = [draw(parameters(name)) for name in chosen]
    if nested:
        made = [draw(nesting_parameters(one.name)) if draw(flags) else _with_labels(draw, one) for one in made]
    made = sorted(made, key=lambda one: (not one.required, one.name))
    shown = {one.name: _nested_value(draw, one) for one in made if one.required or draw(st.integers(0, 4))}
    if not shown:
        shown = {made[0].name: _nested_value(draw, made[0])}
    medias: list[Media] = ["image", "json", "video", "audio", "model3d"] if nested else ["image", "json"]
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
