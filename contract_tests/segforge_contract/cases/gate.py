"""The check that every case passes before it is sent: the specs must agree with it."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from segforge.spec.catalog import Absent, Encoding, Model, Parameter
from segforge.spec.values import is_among, payload_verdict, payload_violations, value_violations
from segforge_contract.cases.case import Case
from segforge_contract.cases.parts import anywhere
from segforge_contract.cases.payloads import base_payload
from segforge_contract.cases.values import contradictions
from segforge_contract.rules.table import RULES

UNSOUND: Final = "the specs contradict the case"
"""The reason in a report for a case that isn't sent."""

_FACTS: Final[Mapping[str, str]] = {
    "range.at_minimum": "minimum",
    "range.below": "minimum",
    "range.at_maximum": "maximum",
    "range.above": "maximum",
    "range.off_step": "multiple_of",
    "range.at_shortest": "min_length",
    "range.too_short": "min_length",
    "range.at_longest": "max_length",
    "range.too_long": "max_length",
    "range.at_fewest": "min_items",
    "range.too_few": "min_items",
    "range.at_most": "max_items",
    "range.too_many": "max_items",
    "enum": "enum",
    "required": "required",
    "optional": "required",
    "null": "nullable",
    "default": "default",
    "format": "format",
    "type": "type",
}
"""The fact of a parameter behind each rule, or behind all rules whose names start with a word."""
_TYPE_RULES: Final = ("type.", "null.")


def sound(model: Model | None, case: Case) -> bool:
    """Returns whether the specs agree with a case.

    An accepted case must have a valid payload, and a refused case must break its rule, and no rule that may have other
    outcomes. The payload of an undecided case must not break a rule. A case without a payload is judged by the base
    payload. A case that names no parameter, as a test snippet's, may break its rule with any parameter. A rule about a
    fact that the page contradicts, or that was only inferred, is not tested.
    """
    if model is None:
        return True
    payload = base_payload(model) if case.payload is None else case.payload
    if case.undecided:
        return not payload_violations(model, payload)
    if case.accepted:
        is_form = (case.request.content_type or "").startswith("multipart/")
        return is_surely_valid(model, payload, "multipart" if is_form else "json")
    if case.payload is None or RULES[case.rule].family != "parameter":
        return True
    found = payload_violations(model, payload)
    places = {each.parameter for each in found if each.rule == case.rule}
    if case.parameter is not None:
        places &= {case.parameter}
    alike = {_family(each.rule) for each in found} == {_family(case.rule)}
    return alike and any(is_certain(model, case.rule, place) for place in places)


def _family(rule: str) -> str:
    """Returns the name under which a profile lists the outcomes of a rule."""
    return rule.partition(".")[0].replace("condition", "required")


def is_certain(model: Model, rule: str, place: str) -> bool:
    """Returns whether a source states the fact behind a rule at a place, and the page doesn't contradict it."""
    return (rule, anywhere(place)) not in _doubted(model) and _is_stated(model, rule, place)


def has_valid_payloads(model: Model, encoding: Encoding = "json") -> bool:
    """Returns whether a payload of a model in an encoding may be surely valid: the page must print the encoding.

    A sample shows that its parameters are enough. Without one, a partial spec may lack a required parameter.
    """
    return encoding in model.encodings and (model.level != "partial" or bool(model.example))


def is_surely_valid(model: Model, payload: Mapping[str, Any], encoding: Encoding = "json") -> bool:
    """Returns whether a payload is valid, holds no value that the page contradicts, and omits nothing it may need."""
    if not has_valid_payloads(model, encoding) or payload_verdict(model, payload) != "valid":
        return False
    if any(is_among(value, contradictions(model, name)) for name, value in payload.items()):
        return False
    chosen = {name for condition in model.conditions for name in condition.exactly_one_of}
    unsure = (each.name for each in model.parameters if each.required is None and each.name in model.example)
    return all(name in payload or name in chosen for name in unsure)


def _is_stated(model: Model, rule: str, place: str) -> bool:
    """Returns whether a source states the fact behind a rule: it wasn't concluded from a sample."""
    if rule == "null.not_nullable" and model.level == "partial":
        return False
    part = _parts(model).get(anywhere(place))
    fact = _FACTS.get(rule) or _FACTS.get(rule.partition(".")[0])
    return part is None or fact not in part.inferred


@lru_cache(maxsize=1000)
def _doubted(model: Model) -> frozenset[tuple[str, str]]:
    """Returns the rules, with places, about a type that the page itself breaks, and about a doubted requirement."""
    doubted = {("required.missing", quirk.at.removeprefix("required.")) for quirk in model.quirks}
    for parameter in model.parameters:
        sample = [model.example[parameter.name]] if parameter.name in model.example else []
        default = [] if isinstance(parameter.default, Absent) else [parameter.default]
        for value in (*sample, *default, *contradictions(model, parameter.name)):
            found = value_violations(parameter, value)
            doubted |= {(each.rule, anywhere(each.parameter)) for each in found if each.rule.startswith(_TYPE_RULES)}
    return frozenset(doubted)


@lru_cache(maxsize=1000)
def _parts(model: Model) -> dict[str, Parameter]:
    """Returns each parameter and nested part by its place, without the positions of items."""
    return {place: part for parameter in model.parameters for place, part in _placed(parameter, parameter.name)}


def _placed(part: Parameter, place: str) -> Iterator[tuple[str, Parameter]]:
    yield place, part
    if part.items is not None:
        yield from _placed(part.items, f"{place}[]")
    for one in part.properties:
        yield from _placed(one, f"{place}.{one.name}")
