"""Faults in the validation of parameters: ranges, sets of values, types, required parameters, defaults."""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

from segforge.spec.catalog import Absent, Model, Parameter
from tests.harness.mutants.faults import OMITTED, Payload, Repair, lax, picky, reads
from tests.harness.mutants.mutant import ADAPTER, CONTROLNET, STYLE, Mutant
from tests.harness.mutants.original import Fault

STEPS = "num_inference_steps"


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bounds(parameter: Parameter) -> tuple[float, float]:
    low, high = parameter.minimum, parameter.maximum
    return -math.inf if low is None else low, math.inf if high is None else high


def _raised(parameter: Parameter, value: Any) -> Any:
    return max(value, _bounds(parameter)[0]) if _number(value) else value


def _lowered(parameter: Parameter, value: Any) -> Any:
    return min(value, _bounds(parameter)[1]) if _number(value) else value


def _clamped(parameter: Parameter, value: Any) -> Any:
    return _lowered(parameter, _raised(parameter, value))


def _near(repair: Repair, margin: float) -> Repair:
    """Returns a repair of numbers within a margin of their range."""

    def near(parameter: Parameter, value: Any) -> Any:
        repaired = repair(parameter, value)
        return repaired if _number(value) and abs(repaired - value) <= margin else value

    return near


def _wrapped(parameter: Parameter, value: Any) -> Any:
    return value % 2**32 if parameter.type == "integer" and isinstance(value, int) and abs(value) >= 2**32 else value


def _huge_dropped(_: Parameter, value: Any) -> Any:
    return OMITTED if _number(value) and abs(value) > 1e15 else value


def _unsigned(parameter: Parameter, value: Any) -> Any:
    return abs(value) if _number(value) and parameter.minimum is not None else value


def _at(bound: str) -> Callable[[Model, Parameter, Payload], bool]:
    """Returns a predicate: does a payload send a parameter's bound, and is that not the sample's value?"""

    def holds(model: Model, parameter: Parameter, payload: Payload) -> bool:
        limit = getattr(parameter, bound)
        is_sample = payload.get(parameter.name) == model.valid_example.get(parameter.name)
        return limit is not None and payload.get(parameter.name) == limit and not is_sample

    return holds


def _ranges() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, fault: Fault, field: str | None = None) -> Mutant:
        return Mutant(f"range-{name}", does, breaks, lambda: fault, field=field)

    yield made("minimum-ignored", "accepts any value below a minimum", "range.below", lax(_raised))
    yield made("maximum-ignored", "accepts any value above a maximum", "range.above", lax(_lowered))
    yield made(
        "minimum-off-by-one", "accepts the integer below a minimum", "range.below", lax(_near(_raised, 1), STEPS), STEPS
    )
    yield made(
        "maximum-off-by-one",
        "accepts the integer above a maximum",
        "range.above",
        lax(_near(_lowered, 1), "quality"),
        "quality",
    )
    yield made(
        "minimum-loose",
        "accepts a number 0.001 below a minimum",
        "range.below",
        lax(_near(_raised, 1e-3), "true_gs"),
        "true_gs",
    )
    yield made("minimum-exclusive", "refuses a minimum itself", "range.at_minimum", picky(_at("minimum")))
    yield made("maximum-exclusive", "refuses a maximum itself", "range.at_maximum", picky(_at("maximum")))
    yield made("clamped", "clamps values to their range", "range", lax(_clamped))
    yield made(
        "one-parameter", "ignores the range of one parameter, on v2 only", "range",
        lax(_clamped, "guidance_scale", route="submit"), "guidance_scale",
    )  # fmt: skip
    yield made(
        "minimum-lost-on-v1", "treats a minimum of 0 as missing, on v1 only", "range.at_minimum",
        picky(_at("minimum"), "adapter_strength", route="run"), "adapter_strength",
    )  # fmt: skip
    yield made("wraps-at-32-bits", "reduces integers modulo 2**32", "range.above", lax(_wrapped))
    yield made("huge-dropped", "treats a value beyond 1e15 as omitted", "range", lax(_huge_dropped))
    yield made("sign-dropped", "treats -20 as 20", "range.below", lax(_unsigned))


def _prefixed(parameter: Parameter, value: Any) -> Any:
    if parameter.choices is None or not isinstance(value, str):
        return value
    return next((known for known in parameter.choices.known if value.startswith(str(known))), value)


def _folded(parameter: Parameter, value: Any) -> Any:
    if parameter.choices is None or not isinstance(value, str):
        return value
    return next((known for known in parameter.choices.known if value.lower() == str(known).lower()), value)


def _choice(change: Callable[[str], Any]) -> Repair:
    return lambda parameter, value: change(value) if parameter.choices is not None and isinstance(value, str) else value


def _known_only(parameter: Parameter, value: Any) -> Any:
    choices = parameter.choices
    unknown = choices is not None and not choices.open and isinstance(value, str) and value not in choices.known
    return choices.known[0] if choices is not None and unknown else value


def _last_choice(_: Model, parameter: Parameter, payload: Payload) -> bool:
    return parameter.choices is not None and payload.get(parameter.name) == parameter.choices.known[-1]


def _enums() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, fault: Fault, field: str | None = None, model: str = ADAPTER) -> Mutant:
        return Mutant(f"enum-{name}", does, breaks, lambda: fault, model, field)

    unknown = "enum.unknown"
    yield made("unknown-accepted", "accepts any text for a closed set", unknown, lax(_known_only))
    yield made("one-unchecked", "accepts any text for one set", unknown, lax(_known_only, "model"), "model", STYLE)
    yield made("known-refused", "refuses the last value of each set", "enum.each", picky(_last_choice))
    yield made(
        "one-lost-on-v2", "refuses one printed value, on v2 only", "enum.each",
        picky(lambda _m, p, payload: payload.get(p.name) == "png", "image_format", route="submit"), "image_format",
    )  # fmt: skip
    yield made(
        "open-set-closed", "refuses a printed value of a partly shown set", "enum.each",
        picky(lambda _m, p, payload: payload.get(p.name) == "heunpp2", "sampler"), "sampler", CONTROLNET,
    )  # fmt: skip
    yield made("case-folded", "accepts values in any case", unknown, lax(_folded))
    yield made("stripped", "accepts values with space around them", unknown, lax(_choice(str.strip)))
    yield made("empty-is-default", "treats an empty text as the default", unknown, lax(_choice(lambda v: v or OMITTED)))
    yield made("prefix-matched", "accepts a text that starts with a value", unknown, lax(_prefixed))


def _cast(sent: type, wanted: str, change: Callable[[Any], Any]) -> Repair:
    """Returns a repair that casts values of one type to another; values that can't be cast stay unchanged."""

    def repair(parameter: Parameter, value: Any) -> Any:
        if parameter.type != wanted or type(value) is not sent:
            return value
        try:
            return change(value)
        except (ValueError, KeyError, IndexError):
            return value

    return repair


def _unpacked(_: Parameter, value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _unwrapped(_: Parameter, value: Any) -> Any:
    return next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value


_CASTS: tuple[tuple[str, str, str, Repair], ...] = (
    ("string-to-integer", 'treats "20" as 20', "string_for_integer", _cast(str, "integer", int)),
    ("string-to-number", 'treats "0.5" as 0.5', "string_for_number", _cast(str, "number", float)),
    ("string-to-boolean", 'treats "true" as true', "string_for_boolean", _cast(str, "boolean", json.loads)),
    ("integer-to-boolean", "treats 1 as true", "integer_for_boolean", _cast(int, "boolean", bool)),
    ("number-to-boolean", "treats 1.5 as true", "number_for_boolean", _cast(float, "boolean", bool)),
    ("boolean-to-integer", "treats true as 1", "boolean_for_integer", _cast(bool, "integer", int)),
    ("boolean-to-number", "treats true as 1.0", "boolean_for_number", _cast(bool, "number", float)),
    ("fraction-cut", "treats 20.25 as 20", "number_for_integer", _cast(float, "integer", int)),
    ("integer-to-text", 'treats 1 as "1"', "integer_for_string", _cast(int, "string", str)),
    ("number-to-text", 'treats 1.5 as "1.5"', "number_for_string", _cast(float, "string", str)),
    ("boolean-to-text", 'treats true as "true"', "boolean_for_string", _cast(bool, "string", json.dumps)),
    ("list-unpacked", "treats a list of one value as the value", "array_for", _unpacked),
    ("object-unwrapped", "treats an object of one value as the value", "object_for", _unwrapped),
)


def _lax_about(repair: Repair, *names: str, route: str | None = None) -> Callable[[], Fault]:
    return lambda: lax(repair, *names, route=route)


def _types() -> Iterator[Mutant]:
    for name, does, breaks, repair in _CASTS:
        yield Mutant(f"type-{name}", does, f"type.{breaks}", _lax_about(repair))
    yield Mutant(
        "type-string-to-integer-once", 'treats "95" as 95 for one parameter, on v2 only', "type.string_for_integer",
        _lax_about(_cast(str, "integer", int), "quality", route="submit"), field="quality",
    )  # fmt: skip
    yield Mutant(
        "type-list-to-text", 'treats ["a"] as the text "[\'a\']", for the prompt only', "type.array_for_string",
        _lax_about(_cast(list, "string", str), "prompt"), field="prompt",
    )  # fmt: skip


def _filled(parameter: Parameter, value: Any) -> Any:
    default = "text" if isinstance(parameter.default, Absent) else parameter.default
    return default if parameter.required and value is OMITTED else value


def _null_dropped(parameter: Parameter, value: Any) -> Any:
    if value is not None or parameter.nullable:
        return value
    return _filled(parameter, OMITTED)


def _several_without(_: Model, parameter: Parameter, payload: Payload) -> bool:
    return parameter.name in payload and payload.get("samples", 1) != 1


def _instead(name: str, value: Any) -> Fault:
    """Returns a fault that fills in another value than the printed default for an omitted parameter."""
    return reads(lambda _, payload: payload if name in payload else {**payload, name: value})


def _presence() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, fault: Fault, field: str | None = None, model: str = ADAPTER) -> Mutant:
        return Mutant(name, does, breaks, lambda: fault, model, field)

    yield made("required-missing-accepted", "fills in required parameters", "required.missing", lax(_filled))
    yield made(
        "required-one-forgotten", "fills in the prompt, on v2 only", "required.missing",
        lax(_filled, "prompt", route="submit"), "prompt",
    )  # fmt: skip
    yield made("null-accepted", "treats null as omitted", "null.not_nullable", lax(_null_dropped))
    yield made(
        "null-one-accepted", "accepts null for a required image", "null.not_nullable",
        lax(_null_dropped, "image"), "image",
    )  # fmt: skip
    yield made(
        "null-refused", "refuses null, the printed default", "null.nullable",
        picky(lambda _m, p, payload: p.nullable and p.name in payload and payload[p.name] is None), None, STYLE,
    )  # fmt: skip
    yield made(
        "boolean-true-refused", "refuses true", "boolean.each",
        picky(lambda _m, p, payload: payload.get(p.name) is True), "base64",
    )  # fmt: skip
    yield made(
        "optional-required", "refuses a payload without one optional parameter", "optional.omitted",
        picky(lambda _m, p, payload: p.name not in payload, "seed"), "seed",
    )  # fmt: skip
    yield made(
        "default-refused", "refuses a printed default that the sample doesn't send", "default.explicit",
        picky(lambda _m, p, payload: payload.get(p.name) == 0.45, "cn_strength"), "cn_strength", CONTROLNET,
    )  # fmt: skip
    yield Mutant(
        "pair-refused", "refuses a pair of valid parameters", "payload.valid",
        lambda: picky(_several_without, "negative_prompt"),
    )  # fmt: skip
    yield made("default-quality", "uses quality 50 as the default", "default", _instead("quality", 50), "quality")
    yield made("default-seed", "uses seed 1 as the default", "default", _instead("seed", 1), "seed")
    yield made(
        "default-guidance",
        "uses 7.5 as the default guidance",
        "default",
        _instead("guidance_scale", 7.5),
        "guidance_scale",
    )
    yield made("default-format", "uses png as the default", "bytes.match_format", _instead("image_format", "png"))
    yield made("default-size", "uses width 512 as the default", "bytes.match_size", _instead("width", 512), None, STYLE)


def parameter_mutants() -> Iterator[Mutant]:
    """Yields the mutants of this module, in the order of their families."""
    for family in (_ranges, _enums, _types, _presence):
        yield from family()
