"""The check that every case passes before it is sent: the specs must agree with it."""

from typing import Final

from segforge.spec.catalog import Model
from segforge.spec.values import payload_verdict, violations
from segforge_contract.cases.case import Case
from segforge_contract.cases.payloads import base_payload
from segforge_contract.rules.table import RULES

UNSOUND: Final = "the specs contradict the case"
"""The reason in a report for a case that isn't sent."""


def sound(model: Model | None, case: Case) -> bool:
    """Returns whether the specs agree with a case.

    An accepted case must have a valid payload, and a refused case must break its rule. An undecided case is always
    sound. A case without a payload is judged by the base payload. A case that names no parameter, as a test snippet's,
    may break its rule with any parameter.
    """
    if model is None or case.undecided:
        return True
    if case.accepted:
        return payload_verdict(model, base_payload(model) if case.payload is None else case.payload) == "valid"
    if case.payload is None or RULES[case.rule].family != "parameter":
        return True
    found = violations(model.parameters, case.payload)
    return any(each.rule == case.rule and case.parameter in (None, each.parameter) for each in found)
