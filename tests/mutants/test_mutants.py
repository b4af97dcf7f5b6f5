"""The contract tests kill every mutant, and their report names the broken rule and the parameter."""

import pytest

from segforge import Catalog
from segforge_contract import RULES
from segforge_contract.cases.case import under_profile
from tests.harness.mutants.matrix import PAGE, row
from tests.harness.mutants.mutant import ADAPTER, CONTROLNET, STYLE, TUNED
from tests.harness.mutants.own import OWN, with_own
from tests.harness.mutants.table import MUTANTS
from tests.harness.mutants.trial import Clock, campaign, correct, try_out

MATRIX = PAGE.read_text("utf-8").splitlines()
OUT_OF_DATE = "tests/mutants/kill-matrix.md is out of date: run `make kill-matrix`"


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_killed_and_the_report_names_rule_and_field(catalog: Catalog, name: str) -> None:
    mutant = MUTANTS[name]
    trial = try_out(catalog, mutant)
    assert trial.killed
    assert trial.names(mutant.breaks, mutant.field), f"{mutant.breaks} {mutant.field}: {trial.rules}"
    assert row(mutant, trial) in MATRIX, OUT_OF_DATE


def test_every_rule_kills_a_mutant() -> None:
    lines = {line.split("`")[1]: line for line in MATRIX[MATRIX.index("## Rules") :] if line.startswith("| `")}
    assert lines.keys() == RULES.keys(), OUT_OF_DATE
    assert [rule for rule, line in lines.items() if "**none**" in line] == []


def test_matrix_has_a_line_for_each_mutant_and_no_other() -> None:
    table = MATRIX[MATRIX.index("## Mutants") : MATRIX.index("## Rules")]
    assert [line.split("`")[1] for line in table if line.startswith("| `")] == list(MUTANTS)


@pytest.mark.parametrize("profile", ["documented", "observed"])
@pytest.mark.parametrize("model", [ADAPTER, CONTROLNET, STYLE, TUNED, *OWN])
def test_no_alarm_without_a_fault(catalog: Catalog, model: str, profile: str) -> None:
    clock = Clock()
    catalog = with_own(catalog, model)
    app = correct(model, profile, clock)
    trial = campaign(under_profile(catalog, profile), app, model, clock, max_examples=5)
    assert trial.failures == ()
