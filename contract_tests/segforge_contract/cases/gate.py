"""The one gate for all cases, tables, drawn ones, packs and comparisons: none is sent against the specs' own word."""

from typing import Final

from segforge.spec.catalog import Model
from segforge.spec.values import payload_verdict, violations
from segforge_contract.cases.case import Case
from segforge_contract.cases.payloads import base_payload
from segforge_contract.rules.table import RULES

UNSOUND: Final = "not what the specs themselves call right or wrong"
"""Why a case was held back."""


def sound(model: Model | None, case: Case) -> bool:
    """Whether the specs agree with a case.

    What is to be accepted must be valid, and what is to be refused must break the case's rule; one that may end either
    way is always sound. A body without a payload of its own is made from the base payload.
    """
    if model is None or case.undecided:
        return True
    if case.accepted:
        return payload_verdict(model, base_payload(model) if case.payload is None else case.payload) == "valid"
    if case.payload is None or RULES[case.rule].family != "parameter":
        return True
    found = violations(model.parameters, case.payload)
    return any((each.rule, each.parameter) == (case.rule, case.parameter) for each in found)
