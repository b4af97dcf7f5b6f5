"""The tables: one test for each rule on each model and version."""

from collections import defaultdict

import pytest

from segforge_contract import Contract, plan
from segforge_contract.cases.case import Case
from segforge_contract.pytest_plugin import own_catalog


def _by_rule() -> dict[str, list[Case]]:
    catalog = own_catalog()
    groups: defaultdict[str, list[Case]] = defaultdict(list)
    for case in plan(catalog, catalog.models, max_examples=0, seed=0).cases:
        groups[f"{case.model or 'gateway'}-{case.operation}-{case.rule}"].append(case)
    return groups


CASES = _by_rule()


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES)
def test_rule_holds(segforge_contract: Contract, cases: list[Case]) -> None:
    """Each case of a rule ends in an outcome that the rule promises."""
    segforge_contract.holds(cases)
