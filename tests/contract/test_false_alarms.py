"""A few seeds of `python -m tests.contract.false_alarms`: the correct mock raises no alarm on either profile."""

import pytest

from segforge import Catalog
from segforge_contract import RULES
from segforge_contract.cases.case import under_profile
from tests.contract.false_alarms import Weather, alarms, campaign


@pytest.mark.parametrize("profile", ["documented", "observed"])
@pytest.mark.parametrize("seed", range(2))
def test_no_alarm_on_the_correct_mock(catalog: Catalog, profile: str, seed: int) -> None:
    outcome = campaign(under_profile(catalog, profile), seed=seed, max_examples=3)
    assert alarms(outcome) == []
    assert outcome.unsent == {}
    relations = {name for name, rule in RULES.items() if rule.family in ("relation", "stage")}
    assert relations - {case.rule for case in outcome.sent} <= {"money.failed_job_is_free", "money.readable"}


@pytest.mark.parametrize("profile", ["documented", "observed"])
@pytest.mark.parametrize(
    "weather",
    [Weather(limit=30), Weather(lost=0.01), Weather(latency=0.2), Weather(limit=30, lost=0.03, latency=0.02)],
    ids=["limited", "lossy", "slow", "all"],
)
def test_no_alarm_on_the_correct_mock_behind_a_bad_connection(catalog: Catalog, profile: str, weather: Weather) -> None:
    outcome = campaign(
        under_profile(catalog, profile), "style-transfer", "flux-img2img", seed=1, max_examples=2, weather=weather
    )
    assert alarms(outcome) == []
    assert outcome.stopped is None
