"""Conditions between parameters as JSON Schemas (2020-12) of the whole payload.

Each schema carries the condition itself under `CONDITION`, since the same schema may stand for different conditions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from segforge.spec.catalog import ABSENT, Condition, Json, Model, Scalar
from segforge.spec.values import in_words, is_among, premise_in_words

CONDITION: Final = "x-condition"
"""The keyword that holds a condition in the form of a spec."""


def condition_schemas(model: Model) -> list[dict[str, Any]]:
    """Returns the schema of each condition, with a sentence. That of an inferred condition restricts nothing."""
    defaults = {one.name: one.default for one in model.parameters if one.default is not ABSENT}
    return [_schema(condition, defaults) for condition in model.conditions]


def condition_data(condition: Condition) -> dict[str, Any]:
    """Returns a condition in the form of a spec."""
    found = {field.name: getattr(condition, field.name) for field in fields(condition)}
    return {name: _plain(value) for name, value in found.items() if value}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: list(known) for name, known in value.items()}
    return list(value) if isinstance(value, tuple) else value


def condition_sentence(condition: Condition) -> str:
    """Returns a condition as a sentence. That of an inferred condition says so."""
    parts = []
    if condition.exactly_one_of:
        parts.append(f"exactly one of {_names(condition.exactly_one_of)} is sent")
    if condition.only_when:
        parts.append(f"only with {in_words(condition.only_when)}, {_names(condition.parameters)} may be sent")
    premise = premise_in_words(condition)
    if premise and condition.requires:
        parts.append(f"with {premise}, {_names(condition.requires)} must be sent")
    if premise and condition.forbids:
        parts.append(f"with {premise}, {_names(condition.forbids)} must not be sent")
    if premise and condition.forbids_values:
        parts.append(f"with {premise}, {in_words(condition.forbids_values)} must not be sent")
    defaults = " Defaults of parameters that are not sent count, too." if condition.with_defaults else ""
    source = " This was concluded from a description; nothing checks it." if condition.inferred else ""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}.{defaults}{source}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)


def _schema(condition: Condition, defaults: Mapping[str, Json]) -> dict[str, Any]:
    told = {"description": condition_sentence(condition), CONDITION: condition_data(condition)}
    if condition.inferred:
        return told
    stated = _Stated(condition, defaults if condition.with_defaults else {}).schemas()
    return {**told, **stated[0]} if len(stated) == 1 else {**told, **({"allOf": stated} if stated else {})}


@dataclass(frozen=True)
class _Stated:
    """The schemas of a condition. `defaults` are those that count as sent."""

    condition: Condition
    defaults: Mapping[str, Json]

    def schemas(self) -> list[dict[str, Any]]:
        condition = self.condition
        found: list[dict[str, Any]] = []
        if condition.exactly_one_of:
            found.append({"oneOf": [self._sent(name) for name in condition.exactly_one_of]})
        if condition.only_when:
            holds = self._holds(condition.only_when)
            found += [self._if(self._sent(name), holds) for name in condition.parameters]
        if condition.when or condition.when_present:
            premise = self._holds(condition.when, condition.when_present)
            found += [self._if(premise, consequence) for consequence in self._consequences()]
        return found

    def _if(self, premise: dict[str, Any], consequence: dict[str, Any]) -> dict[str, Any]:
        """The schema of payloads that fit the consequence if they fit the premise, by the plainest keyword."""
        if not premise:
            return consequence
        if premise.keys() == {"required"} and len(premise["required"]) == 1:
            (name,) = premise["required"]
            if consequence.keys() == {"required"}:
                return {"dependentRequired": {name: consequence["required"]}}
            return {"dependentSchemas": {name: _named(consequence)}}
        return {"if": _named(premise), "then": _named(consequence)}

    def _sent(self, name: str) -> dict[str, Any]:
        """The schema of payloads in which a parameter is sent. It is empty if the default counts."""
        return {} if name in self.defaults else {"required": [name]}

    def _holds(self, values: Mapping[str, tuple[Scalar, ...]], present: Iterable[str] = ()) -> dict[str, Any]:
        """The schema of payloads in which each parameter has one of its values, and those in `present` are sent."""
        absent_fits = {name for name, known in values.items() if is_among(self.defaults.get(name, ABSENT), known)}
        needed = [name for name in values if name not in absent_fits]
        needed += [name for name in present if name not in self.defaults and name not in needed]
        enums = {name: {"enum": list(known)} for name, known in values.items()}
        return {**({"properties": enums} if enums else {}), **({"required": needed} if needed else {})}

    def _consequences(self) -> Iterable[dict[str, Any]]:
        condition = self.condition
        if condition.requires:
            needed = [name for name in condition.requires if name not in self.defaults]
            yield {"required": needed}
        if condition.forbids:
            sent = [self._sent(name) for name in condition.forbids]
            yield {"not": sent[0] if len(sent) == 1 else {"anyOf": sent}}
        if condition.forbids_values:
            fits = {name: {"not": {"enum": list(known)}} for name, known in condition.forbids_values.items()}
            wrong = [name for name, known in condition.forbids_values.items() if self._defaults_to(name, known)]
            yield {"properties": fits, **({"required": wrong} if wrong else {})}

    def _defaults_to(self, name: str, known: tuple[Scalar, ...]) -> bool:
        return name in self.defaults and is_among(self.defaults[name], known)


def _named(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns a schema whose required properties are listed as properties, too, as linters of OpenAPI demand."""
    made = dict(schema)
    if "required" in made:
        made["properties"] = {**{name: {} for name in made["required"]}, **made.get("properties", {})}
    if "not" in made:
        made["not"] = _named(made["not"])
    if "anyOf" in made:
        made["anyOf"] = [_named(one) for one in made["anyOf"]]
    return made
