"""The tables: one test for each rule on each model and version."""

from segforge_contract import Contract
from segforge_contract.cases.case import Case


def test_rule_holds(segforge_contract: Contract, cases: list[Case]) -> None:
    """Each case of a rule ends in an outcome that the rule promises."""
    segforge_contract.holds(cases)
