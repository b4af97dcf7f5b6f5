"""The stand-in's validation of payloads: jsonschema decides, and each fault is one line of a table."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, ValidationError

from segforge.emit.schemas import request_schema
from segforge.spec.catalog import ABSENT, Condition, Model, Parameter

Cast = Callable[[Parameter, Any], Any]


def _string_to_integer(parameter: Parameter, value: Any) -> Any:
    numeric = parameter.type == "integer" and isinstance(value, str) and value.lstrip("-").isdecimal()
    return int(value) if numeric else value


def _string_to_number(parameter: Parameter, value: Any) -> Any:
    numeric = parameter.type == "number" and isinstance(value, str) and value.replace(".", "").isdecimal()
    return float(value) if numeric else value


def _string_to_boolean(parameter: Parameter, value: Any) -> Any:
    return value == "true" if parameter.type == "boolean" and value in ("true", "false") else value


def _integer_to_boolean(parameter: Parameter, value: Any) -> Any:
    return bool(value) if parameter.type == "boolean" and value in (0, 1) else value


def _number_to_boolean(parameter: Parameter, value: Any) -> Any:
    return bool(value) if parameter.type == "boolean" and isinstance(value, float) else value


def _boolean_to_integer(parameter: Parameter, value: Any) -> Any:
    return int(value) if parameter.type == "integer" and isinstance(value, bool) else value


def _boolean_to_number(parameter: Parameter, value: Any) -> Any:
    return float(value) if parameter.type == "number" and isinstance(value, bool) else value


def _fraction_truncated(parameter: Parameter, value: Any) -> Any:
    cut = parameter.type == "integer" and isinstance(value, float) and math.isfinite(value)
    return int(value) if cut else value


def _scalar_to_string(parameter: Parameter, value: Any) -> Any:
    return str(value) if parameter.type == "string" and isinstance(value, int | float) else value


def _array_unpacked(_: Parameter, value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _object_unpacked(_: Parameter, value: Any) -> Any:
    return next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value


def _enum_case_folded(parameter: Parameter, value: Any) -> Any:
    return value.lower() if parameter.choices is not None and isinstance(value, str) else value


def _enum_stripped(parameter: Parameter, value: Any) -> Any:
    return value.strip() if parameter.choices is not None and isinstance(value, str) else value


def _range_rounded(parameter: Parameter, value: Any) -> Any:
    return round(value, 2) if parameter.type == "number" and isinstance(value, float) else value


def _range_clamped(parameter: Parameter, value: Any) -> Any:
    if isinstance(value, bool | str | list | dict | None) or parameter.minimum is None or parameter.maximum is None:
        return value
    return min(max(value, parameter.minimum), parameter.maximum)


CASTS: Mapping[str, Cast] = {
    "string_to_integer": _string_to_integer,
    "string_to_number": _string_to_number,
    "string_to_boolean": _string_to_boolean,
    "integer_to_boolean": _integer_to_boolean,
    "number_to_boolean": _number_to_boolean,
    "boolean_to_integer": _boolean_to_integer,
    "boolean_to_number": _boolean_to_number,
    "fraction_truncated": _fraction_truncated,
    "scalar_to_string": _scalar_to_string,
    "array_unpacked": _array_unpacked,
    "object_unpacked": _object_unpacked,
    "enum_case_folded": _enum_case_folded,
    "enum_stripped": _enum_stripped,
    "range_rounded": _range_rounded,
    "range_clamped": _range_clamped,
}
"""Casts of a lax gateway, by fault."""

OVERLOOKED: Mapping[str, Callable[[Any], bool]] = {
    "below_accepted": lambda error: error.validator == "minimum",
    "above_accepted": lambda error: error.validator == "maximum",
    "steps_unbounded": lambda error: error.validator == "maximum" and "steps" in str(error.absolute_path),
    "enum_unchecked": lambda error: error.validator == "enum" and isinstance(error.instance, str),
    "missing_accepted": lambda error: error.validator == "required",
    "null_accepted": lambda error: error.instance is None,
}
"""Violations that a lax gateway ignores, by fault."""

INVENTED: Mapping[str, Callable[[Model, Parameter, Mapping[str, Any]], bool]] = {
    "minimum_exclusive": lambda m, p, v: p.minimum is not None and v.get(p.name) == p.minimum and not _sample(m, p, v),
    "maximum_exclusive": lambda m, p, v: p.maximum is not None and v.get(p.name) == p.maximum and not _sample(m, p, v),
    "enum_value_lost": lambda _, p, v: p.choices is not None and v.get(p.name) == p.choices.known[-1],
    "optional_required": lambda m, p, v: p.name not in v and p.name in m.valid_example,
    "null_refused": lambda _, p, v: p.nullable and p.name in v and v[p.name] is None,
    "default_refused": lambda m, p, v: p.name in v and v[p.name] == p.default and not _sample(m, p, v),
    "true_refused": lambda _, p, v: v.get(p.name) is True,
    "pair_refused": lambda _m, _p, v: v.get("base64") is True and v.get("samples") in (3, 4),
}
"""Valid payloads that a strict gateway refuses, by fault."""


def _sample(model: Model, parameter: Parameter, payload: Mapping[str, Any]) -> bool:
    return bool(payload.get(parameter.name) == model.valid_example.get(parameter.name))


def wrong_formats(parameters: Iterable[Parameter], payload: Mapping[str, Any]) -> Iterator[str]:
    """Yields the formats that the texts of a payload lack."""
    for parameter in parameters:
        value = payload.get(parameter.name)
        items = value if isinstance(value, list) else [value]
        part = parameter.items if isinstance(value, list) and parameter.items is not None else parameter
        for text in items:
            if isinstance(text, dict):
                yield from wrong_formats(part.properties, text)
            elif isinstance(text, str) and part.format is not None and part.choices is None and not _fits(part, text):
                yield part.format


def _fits(part: Parameter, text: str) -> bool:
    try:
        if part.format == "uri":
            return bool(urlsplit(text).scheme) and not any(letter.isspace() for letter in text)
    except ValueError:
        return False
    plain = text.partition(";base64,")[2] if text.startswith("data:") else text
    return re.fullmatch("[A-Za-z0-9+/]*={0,2}", plain) is not None


class _Exactly:
    """A payload as a key: unlike in Python, 1 and 1.0 and true differ, and NaN equals itself."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self.payload, self.text = payload, repr(payload)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Exactly) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


@lru_cache(maxsize=100)
def _validator(model: Model) -> Draft202012Validator:
    return Draft202012Validator(request_schema(model))


@lru_cache(maxsize=10_000)
def _errors(model: Model, payload: _Exactly) -> tuple[ValidationError, ...]:
    """Returns the violations of a payload. Most campaigns send the same payloads, so each is validated once."""
    return (*_validator(model).iter_errors(payload.payload), *broken_conditions(model, payload.payload))


def broken_conditions(model: Model, payload: Mapping[str, Any]) -> Iterator[ValidationError]:
    """Yields the violations of the stated conditions, by their translation to JSON Schema."""
    defaults = {one.name: one.default for one in model.parameters if one.default is not ABSENT}
    for condition in model.conditions:
        if not condition.inferred:
            seen = {**defaults, **payload} if condition.with_defaults else payload
            yield from Draft202012Validator(condition_schema(condition)).iter_errors(dict(seen))


def condition_schema(condition: Condition) -> dict[str, Any]:
    """Returns a JSON Schema of the payloads that keep a condition."""
    rules: list[dict[str, Any]] = []
    if condition.exactly_one_of:
        rules.append({"oneOf": [{"required": [name]} for name in condition.exactly_one_of]})
    rules += [{"if": {"required": [name]}, "then": _has_values(condition.only_when)} for name in condition.parameters]
    if condition.when or condition.when_present:
        forbidden = [{"required": [name]} for name in condition.forbids]
        forbidden += [_has_values({name: values}) for name, values in condition.forbids_values.items()]
        then: dict[str, Any] = {"required": list(condition.requires), "not": {"anyOf": forbidden}}
        premise = {"allOf": [_has_values(condition.when), {"required": list(condition.when_present)}]}
        rules.append({"if": premise, "then": then if forbidden else {"required": list(condition.requires)}})
    return {"allOf": rules} if rules else {}


def _has_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"required": list(values), "properties": {name: {"enum": list(known)} for name, known in values.items()}}


class Validation:
    """Validates payloads of a model, with some faults enabled."""

    def __init__(self, model: Model, faults: frozenset[str]) -> None:
        self.model = model
        self.casts = [cast for name, cast in CASTS.items() if name in faults]
        self.formats = "formats_ignored" not in faults
        self.overlooked = [overlooks for name, overlooks in OVERLOOKED.items() if name in faults]
        self.invented = [refuses for name, refuses in INVENTED.items() if name in faults]

    def read(self, payload: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Returns the payload after casts, and the violated jsonschema keywords."""
        parameters = self.model.parameters_by_name
        read = dict(payload)
        for name in read.keys() & parameters.keys():
            for cast in self.casts:
                read[name] = cast(parameters[name], read[name])
        found = [
            str(error.validator)
            for error in _errors(self.model, _Exactly(read))
            if not any(overlooks(error) for overlooks in self.overlooked)
        ]
        picky = any(refuses(self.model, p, read) for p in self.model.parameters for refuses in self.invented)
        formats = list(wrong_formats(self.model.parameters, read)) if self.formats else []
        return read, [*found, *formats, *(["whim"] if picky else [])]
