"""Situations set up by the mock's admin API: the mock raises no alarm, and a different mock does."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from segforge import Catalog
from segforge.spec.price import usual_credits
from segforge_contract import open_session
from segforge_contract.cases.case import under_profile
from segforge_contract.engine.phases.stages import stages
from segforge_contract.engine.session import Session
from segforge_contract.targets.open import open_target
from tests.contract.campaigns import session as standin_session
from tests.contract.standin import StandIn
from tests.seeds import whole_catalog

MODEL = "flux-img2img"
BILLED = usual_credits(whole_catalog().gateway, whole_catalog().model(MODEL))
"""What the mock bills for a call."""


def staged(catalog: Catalog, believed: Catalog, cost: float = BILLED) -> tuple[set[str], Session]:
    """Returns the rules that a mock of one catalog breaks if it is tested against another catalog."""
    target = open_target("mock", None, catalog)
    try:
        session = open_session(believed, target, sleep=lambda _: None)
        session.follower.account.cost = cost
        found = [failure.broken.rule for step in stages(session, believed.model(MODEL)) for failure in step]
    finally:
        target.close()
    return set(found), session


@pytest.mark.parametrize("profile", ["documented", "observed"])
def test_no_alarm_on_the_mock_and_every_rule_ran(catalog: Catalog, profile: str) -> None:
    catalog = under_profile(catalog, profile)
    broken, session = staged(catalog, catalog)
    assert broken == set()
    staging = ("job.kept", "job.expired", "money.balance_covers", "money.balance_too_low", "rate.limited")
    assert set(staging) <= {case.rule for case in session.sent}


def _retention(factor: float) -> Callable[[Catalog], Catalog]:
    def changed(catalog: Catalog) -> Catalog:
        lifecycle = catalog.gateway.lifecycle
        lifecycle = replace(lifecycle, retention_seconds=lifecycle.retention_seconds * factor)
        return replace(catalog, gateway=replace(catalog.gateway, lifecycle=lifecycle))

    return changed


def _no_429(catalog: Catalog) -> Catalog:
    statuses = tuple(replace(status, code=420) if status.code == 429 else status for status in catalog.gateway.statuses)
    return replace(catalog, gateway=replace(catalog.gateway, statuses=statuses))


@pytest.mark.parametrize(
    ("believes", "cost", "broken"),
    [
        (_retention(0.5), BILLED, {"job.expired"}),
        (_retention(1.5), BILLED, {"job.kept"}),
        (lambda catalog: catalog, BILLED * 0.8, {"money.balance_covers"}),
        (lambda catalog: catalog, 0.06, {"money.balance_too_low"}),
        (_no_429, BILLED, {"rate.limited"}),
    ],
)
def test_difference_is_found(
    catalog: Catalog, believes: Callable[[Catalog], Catalog], cost: float, broken: set[str]
) -> None:
    assert staged(catalog, believes(catalog), cost)[0] == broken


def test_a_target_without_a_clock_is_reported_and_breaks_no_rule(catalog: Catalog) -> None:
    with standin_session(catalog, StandIn(catalog)) as session:
        assert [step for step in stages(session, catalog.model(MODEL)) if step] == []
        [reason] = session.unsent
    assert "clock" in reason
    assert "job.expired" in reason
