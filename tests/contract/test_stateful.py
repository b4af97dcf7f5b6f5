"""The state machine: correct gateways raise no alarm, and faults that need several steps are found."""

from dataclasses import replace

import pytest

from segforge import Catalog
from segforge_contract import open_session
from segforge_contract.cases.case import under_profile
from segforge_contract.engine.phases.lives import explore
from segforge_contract.targets.open import open_target
from tests.contract.campaigns import session as standin_session
from tests.contract.standin import StandIn

MODEL = "flux-img2img"


def on_the_mock(catalog: Catalog, believed: Catalog, *, examples: int, seed: int = 0) -> set[str]:
    target = open_target("mock", None, catalog)
    try:
        accounts = open_session(believed, target).accounts()
        assert len(accounts) == 2
        failures = explore(accounts, believed.model(MODEL), seed=seed, max_examples=examples)
    finally:
        target.close()
    return {failure.broken.rule for failure in failures}


@pytest.mark.parametrize("profile", ["documented", "observed"])
def test_no_alarm_on_the_mock(catalog: Catalog, profile: str) -> None:
    catalog = under_profile(catalog, profile)
    assert on_the_mock(catalog, catalog, examples=8) == set()


def test_a_job_kept_after_its_retention_is_found(catalog: Catalog) -> None:
    lifecycle = replace(catalog.gateway.lifecycle, retention_seconds=1800)
    believed = replace(catalog, gateway=replace(catalog.gateway, lifecycle=lifecycle))
    assert on_the_mock(catalog, believed, examples=30) == {"job.expired"}


def test_a_job_forgotten_too_early_is_found(catalog: Catalog) -> None:
    lifecycle = replace(catalog.gateway.lifecycle, retention_seconds=7200)
    believed = replace(catalog, gateway=replace(catalog.gateway, lifecycle=lifecycle))
    assert on_the_mock(catalog, believed, examples=30) == {"job.pollable"}


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("goes_back", "job.states_monotone"),
        ("id_repeated", "job.id_unique"),
        ("output_early", "job.no_early_result"),
    ],
)
def test_a_fault_is_found_and_shrunk_to_one_rule(catalog: Catalog, fault: str, rule: str) -> None:
    with standin_session(catalog, StandIn(catalog, fault)) as session:
        failures = explore([session], catalog.model(MODEL), seed=0, max_examples=30)
    assert {failure.broken.rule for failure in failures} == {rule}
