"""Random catalogs with any types, bounds, sets, names and controls that lint accepts."""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from segforge.spec.catalog import File, Model, Parameter, ParameterType, PriceUnit
from segforge.spec.lint import CONTROL_TYPES, lint_model
from segforge.spec.load import build_model
from segforge.spec.shapes import with_shapes
from segforge.spec.source import SourceFile
from segforge.spec.values import LIMITS

SLUGS = (
    "constructor", "to-string", "object", "promise", "map", "error", "url", "blob", "array", "list", "dict", "type",
    "str", "model", "3d", "segmind", "params", "result", "math", "date", "json", "symbol", "uint8-array",
)  # fmt: skip
NAMES = (
    "constructor", "toString", "valueOf", "hasOwnProperty", "toJSON", "then", "__proto__", "prototype",
    "toLocaleString",
    "str", "int", "float", "bool", "Literal", "Annotated", "OneOf", "Printed", "StepsRange", "steps", "ScaleValues",
    "MaxLen", "scale", "class", "self", "params", "slug", "msgspec", "typing", "field", "Ge", "ImageInput",
    "with space", "with-hyphen",
    'quo"te', "back\\slash", "'", "1st", "naïve", "日本", "*/", "${x}", "{{ x }}", "None", "undefined",
    "UNSET", "__init__", "_private", "items", "keys", "copy",
)  # fmt: skip
INTEGERS = st.integers(-50, 50) | st.sampled_from(
    (0, 2**31, 2**53 - 1, 2**53 + 1, 2**63, 2**64 - 1, -(2**63) - 1, 10**30)
)
FLOATS = st.floats(-50, 50) | st.sampled_from((0.1, 1.5, 2.0, 1e16, 1.7e308, -1.7e308, 5e-324))
TEXTS = st.sampled_from(
    ("", "a", "A", "1", "0o17", "not a uri", "https://a.test/x.png", '"', "\\", "*/", "`${x}`", "猫")
)
URIS = st.sampled_from(("https://a.test/x.png", "data:image/png;base64,AAAA", "", "not a uri"))
UNITS = (None, *get_args(PriceUnit))
ENDS = tuple(
    (lower, upper)
    for lower in ("", "", "minimum", "exclusive_minimum")
    for upper in ("", "", "maximum", "exclusive_maximum")
)
"""The names of the ends of a range; empty for none."""
LENGTHS = st.integers(0, 3) | st.sampled_from((30, 400, 10**7))
FORMATS = ("jpeg", "jpg", "png", "webp")
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)
"""Checks of Hypothesis that would fail on a busy machine."""
SCALAR_TYPES: tuple[ParameterType, ...] = ("string", "integer", "number", "boolean")


@cache
def values(type_: str, format_: str | None = None) -> st.SearchStrategy[Any]:
    """Draws values of a type, including those near its limits."""
    if type_ == "string":
        return URIS if format_ else TEXTS
    return {"integer": INTEGERS, "number": INTEGERS | FLOATS, "boolean": st.booleans()}[type_]


@cache
@st.composite
def parameters(draw: st.DrawFn) -> dict[str, Any]:
    """Draws the data of a parameter: any combination of facts, including contradictions."""
    type_: ParameterType = draw(st.sampled_from(SCALAR_TYPES))
    data: dict[str, Any] = {"type": type_, "required": draw(st.booleans()), "description": "What it does."}
    if type_ == "string" and draw(st.booleans()):
        data["format"] = "uri"
    if draw(st.integers(0, 3)) == 0:
        data["nullable"] = True
    if type_ in ("integer", "number"):
        low, high = sorted(draw(st.tuples(values(type_), values(type_))))
        lower, upper = draw(st.sampled_from(ENDS))
        data |= {key: end for key, end in ((lower, low), (upper, high)) if key}
        if draw(st.integers(0, 3)) == 0:
            data["multiple_of"] = draw(st.sampled_from((1, 2, 3, 8)))
    elif type_ == "string":
        shortest, longest = sorted(draw(st.tuples(LENGTHS, LENGTHS)))
        data |= draw(
            st.sampled_from(
                (
                    {},
                    {},
                    {"min_length": shortest},
                    {"max_length": longest},
                    {"min_length": shortest, "max_length": longest},
                )
            )
        )
    drawn = values(type_, data.get("format"))
    if draw(st.integers(0, 2)) == 0:
        known = draw(st.lists(drawn, min_size=1, max_size=4, unique=True))
        data["enum"] = {"known": known, "total": len(known) + draw(st.integers(0, 1))}
        drawn = st.sampled_from(known) | drawn
    if draw(st.booleans()):
        data["default"] = draw(st.none() | drawn if data.get("nullable") else drawn)
    return data


@cache
@st.composite
def nested_parameters(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """Draws the data of a parameter that may have parts, down to a depth, and facts that scalars alone don't have."""
    kind = draw(st.sampled_from(("scalar", "scalar", "array", "object", "union", "any") if depth else ("scalar",)))
    if kind == "scalar":
        data = draw(parameters())
        known = data.get("enum", {}).get("known", ())
        if known and draw(st.booleans()):
            data["enum"] = {**data["enum"], "known": [{"value": one, "label": draw(TEXTS) or "x"} for one in known]}
        if data["type"] == "string" and draw(st.booleans()):
            data |= {"file": draw(st.sampled_from(get_args(File))), "accepts": ["url", "base64"]}
    else:
        data = {"type": kind, "required": draw(st.booleans()), "description": "What it does."}
        data |= draw(nested_parts(kind, depth - 1))
        if draw(st.integers(0, 3)) == 0:
            data["nullable"] = True
    data |= draw(st.sampled_from(({}, {}, {"deprecated": True}, {"affects_price": True}, {"required": "unknown"})))
    return data


@cache
@st.composite
def nested_parts(draw: st.DrawFn, kind: str, depth: int) -> dict[str, Any]:
    """Draws the facts about the parts of an array, an object or a union."""
    part = nested_parameters(depth)
    if kind == "array":
        few, many = sorted(draw(st.tuples(st.integers(0, 3), st.integers(0, 3))))
        sizes = draw(
            st.sampled_from(({}, {"min_items": few}, {"max_items": many}, {"min_items": few, "max_items": many}))
        )
        return {**sizes, **({"items": draw(part)} if draw(st.booleans()) else {})}
    if kind == "object":
        names = draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
        return {"properties": {name: draw(part) for name in names}} if names else {}
    if kind == "union":
        titles = draw(
            st.lists(st.sampled_from(("preset", "custom", "url", "type")), min_size=2, max_size=3, unique=True)
        )
        return {"type": "any", "any_of": [{**draw(part), "title": title} for title in titles]}
    return {}


def nested_values(data: dict[str, Any], depth: int = 3) -> st.SearchStrategy[Any]:
    """Draws values for a parameter with parts: mostly of its form, sometimes any JSON value."""
    scalars = INTEGERS | FLOATS | TEXTS | URIS | st.booleans()
    anything = st.none() | scalars | st.lists(scalars, max_size=2) | st.dictionaries(TEXTS, scalars, max_size=2)
    if "any_of" in data and depth:
        return st.one_of(*(nested_values(one, depth - 1) for one in data["any_of"]), anything)
    type_ = data.get("type", "any")
    if type_ == "array" and depth:
        return st.lists(nested_values(data.get("items", {}), depth - 1), max_size=4) | anything
    if type_ == "object" and depth:
        parts = {name: nested_values(one, depth - 1) for name, one in data.get("properties", {}).items()}
        return st.fixed_dictionaries({}, optional=parts) | anything
    if type_ in SCALAR_TYPES:
        known = [one["value"] if isinstance(one, dict) else one for one in data.get("enum", {}).get("known", ())]
        return st.one_of(values(type_, data.get("format")), *([st.sampled_from(known)] if known else []))
    return anything


@cache
@st.composite
def prices(draw: st.DrawFn) -> dict[str, Any]:
    """Draws the data of a price: one amount, a range, or one end only, per unit or without one, in awkward text."""
    low, high = sorted(draw(st.tuples(*[st.decimals(0, 2000, places=draw(st.integers(0, 6)))] * 2)))
    text, ends = draw(
        st.sampled_from(
            (
                (f"${low}", {"from": low, "to": low}),
                (f"${low} - ${high}", {"from": low, "to": high}),
                (f"from ${low}", {"from": low}),
                (f"up to ${high:,}", {"to": high}),
                ("varies", {}),
            )
        )
    )
    unit = draw(st.sampled_from(UNITS))
    words = f" per {unit.replace('_', ' ')}" if unit else ""
    data = {"printed": f"{text}{words}{draw(TEXTS)}", **{end: float(amount) for end, amount in ends.items()}}
    return data | ({"unit": unit} if unit else {})


def most(fact: dict[str, Any], sample: Any) -> float:
    """Returns the largest number that a page allows or prints for a parameter."""
    numbers: list[float] = [value for value in (*printed(fact), sample) if isinstance(value, int)]
    numbers.append(fact.get("maximum", fact.get("exclusive_maximum", math.inf)))
    return max(numbers)


def printed(fact: dict[str, Any]) -> list[Any]:
    """Returns the values that a page prints for a parameter."""
    known = [one["value"] if isinstance(one, dict) else one for one in fact.get("enum", {}).get("known", ())]
    return [*known, fact.get("default", "https://a.test/x.png")]


def sample_of(fact: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Draws a value of a parameter in the page's sample."""
    if fact["type"] not in SCALAR_TYPES:
        return nested_values(fact)
    return values(fact["type"], fact.get("format")) | st.sampled_from(printed(fact))


@st.composite
def conditions(draw: st.DrawFn, facts: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Draws conditions between two parameters that are not required."""
    free = [name for name, fact in facts.items() if fact["required"] is not True]
    if len(free) < 2:
        return []
    one, two = draw(st.permutations(free))[:2]
    forms: list[dict[str, Any]] = [
        {"exactly_one_of": [one, two]},
        {"when_present": [one], "forbids": [two]},
        {"when_present": [one], "requires": [two]},
    ]
    if facts[one]["type"] in SCALAR_TYPES:
        known = draw(st.lists(sample_of(facts[one]).filter(lambda value: value is not None), min_size=1, max_size=2))
        forms.append({"only_when": {one: known}, "parameters": [two]})
        if facts[two]["type"] in SCALAR_TYPES:
            other = draw(
                st.lists(sample_of(facts[two]).filter(lambda value: value is not None), min_size=1, max_size=2)
            )
            forms.append({"when": {one: known}, "forbids_values": {two: other}})
    form = draw(st.sampled_from(forms))
    return [form | draw(st.sampled_from(({}, {}, {"inferred": True}, {"with_defaults": True})))]


@st.composite
def models(draw: st.DrawFn, *, nested: bool = False) -> Model:
    """Draws a model that lint accepts, possibly with warnings. `nested` adds arrays, objects, unions and conditions."""
    name: st.SearchStrategy[str] = st.one_of(st.sampled_from(NAMES), st.text("abAB_1 -é", min_size=1))
    names = draw(st.lists(name, min_size=1, max_size=6, unique=True))
    facts = {name: draw(nested_parameters() if nested else parameters()) for name in names}
    image = draw(st.booleans())
    returns: dict[str, Any] = {"media": "image" if image else "json"}
    if image:
        returns["formats"] = draw(st.lists(st.sampled_from(FORMATS), min_size=1, unique=True))
    example = {
        name: draw(sample_of(fact)) for name, fact in facts.items() if fact["required"] is True or draw(st.booleans())
    }
    controls: dict[str, str] = {}
    for control, types in CONTROL_TYPES.items():
        fitting = [name for name in names if facts[name]["type"] in types]
        if control == "count":  # the mock returns at most 100 outputs
            fitting = [name for name in fitting if most(facts[name], example.get(name)) <= 100]
        if draw(st.booleans()) and fitting:
            controls[control] = draw(st.sampled_from(fitting))
    data: dict[str, Any] = {
        "slug": "any",
        "title": "Any",
        "description": "Any.",
        "source": {"url": "https://example.com", "reviewed": "2026-11-21"},
        "versions": draw(st.sampled_from((["v1"], ["v2"], ["v1", "v2"]))),
        "returns": {**returns, "controls": controls},
        "parameters": facts,
        "example": example,
        **({"price": draw(prices())} if draw(st.booleans()) else {}),
    }
    if nested and (drawn := draw(conditions(facts))):
        data["conditions"] = drawn
    source, _ = with_shapes(SourceFile(Path("any.yaml"), "any.yaml", data, {}, {}), {})
    assume(not any(finding.severity == "error" for finding in lint_model(source)))
    return build_model(source.data)


def drawn_models(count: int, *, nested: bool = False) -> list[Model]:
    """Returns `count` models, always the same, whose names differ in every language."""
    from tests.harness import pool

    slugs = [*SLUGS, *(f"any-{number}" for number in range(count))]
    drawn = pool.models(count, nested=nested)
    return [replace(model, slug=slug) for model, slug in zip(drawn, slugs, strict=False)]


def drawn_payloads(model: Model, count: int) -> list[dict[str, Any]]:
    """Returns payloads of a model, always the same: its example with valid, invalid and missing values."""
    found: list[dict[str, Any]] = []
    scalars = INTEGERS | FLOATS | TEXTS | URIS | st.booleans()
    anything: st.SearchStrategy[Any] = st.none() | scalars | st.just([]) | st.just({})

    def of(parameter: Parameter, depth: int = 3) -> st.SearchStrategy[Any]:
        if not depth or (parameter.type == "any" and not parameter.any_of):
            return anything
        if parameter.any_of:
            return st.one_of(*(of(member, depth - 1) for member in parameter.any_of), anything)
        if parameter.type == "array":
            item = of(parameter.items, depth - 1) if parameter.items is not None else anything
            return st.lists(item, max_size=4) | anything
        if parameter.type == "object":
            parts = {part.name: of(part, depth - 1) for part in parameter.properties}
            return st.fixed_dictionaries({}, optional=parts) | anything
        known = parameter.choices.known if parameter.choices is not None else ()
        limits = [getattr(parameter, name) for name in LIMITS]
        ends = [end + more for end in limits if end is not None for more in (0, 1)]
        texts = ["é" * end for end in ends if parameter.type == "string" and end < 1_000]
        edges = [value for value in (*known, *parameter.disputed, *ends, *texts) if value is not None]
        drawn = values(parameter.type, parameter.format)
        return st.one_of(drawn, *([st.sampled_from(edges)] if edges else []), anything)

    @settings(max_examples=count, phases=[Phase.generate], database=None, derandomize=True, suppress_health_check=SLOW)
    @given(params=st.fixed_dictionaries({}, optional={each.name: of(each) for each in model.parameters}))
    def collect(params: dict[str, Any]) -> None:
        found.append(params)

    collect()
    return found[-count:]


def sends_null_of_unknown_type(model: Model, payload: dict[str, Any]) -> bool:
    """Returns whether a payload sends null for a parameter of which no source says that it may be null or may not."""
    return any(
        one.name in payload and payload[one.name] is None and one.takes_null and not one.nullable
        for one in model.parameters
    )
