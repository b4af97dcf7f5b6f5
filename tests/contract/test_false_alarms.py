"""A few seeds of `python -m tests.contract.false_alarms`: the correct mock raises no alarm on either profile."""

import contextlib
import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import pytest

from segforge import Catalog
from segforge_contract import RULES, NoAnswer, Request, Response, open_session, plan, run
from segforge_contract.cases.case import under_profile
from segforge_contract.targets.base import Target
from segforge_contract.targets.open import IN_PROCESS, open_target
from tests.contract.false_alarms import Weather, alarms, campaign

Outcome: TypeAlias = Callable[[Target, Request], Response]


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


class Disturbed:
    """A target whose first request of a kind has another outcome."""

    def __init__(self, target: Target, is_one: Callable[[Request], bool], outcome: Outcome) -> None:
        self.base_url, self.loopback = target.base_url, target.loopback
        self.disturbed = 0
        self._target, self._is_one, self._outcome = target, is_one, outcome

    def send(self, request: Request) -> Response:
        if self._is_one(request) and not self.disturbed:
            self.disturbed += 1
            return self._outcome(self._target, request)
        return self._target.send(request)

    def close(self) -> None:
        self._target.close()


def limited(_target: Target, _request: Request) -> Response:
    """The 429 of another limit, which names the time to wait."""
    return Response(429, {"content-type": "application/json", "retry-after": "1"}, b'{"error": "Too many"}')


def lost(target: Target, request: Request) -> Response:
    """Carries out the request, and loses the answer."""
    target.send(request)
    raise NoAnswer("no answer: the connection was reset")


@pytest.mark.parametrize(
    ("is_one", "outcome", "rule"),
    [
        (lambda request: request.expects == "limit", limited, "rate.limited"),
        (lambda request: request.path == "/_mock/rules", lost, "job.failed_is_422"),
    ],
    ids=["another limit answers first", "the answer to a stub is lost"],
)
def test_one_disturbed_request_changes_no_verdict(
    catalog: Catalog, is_one: Callable[[Request], bool], outcome: Outcome, rule: str
) -> None:
    model = dataclasses.replace(catalog, models=(catalog.model("flux-controlnet"),))
    with contextlib.closing(open_target(IN_PROCESS, None, catalog)) as target:
        disturbed = Disturbed(target, is_one, outcome)
        session = open_session(model, disturbed, sleep=lambda _: None)
        found = run(plan(model, model.models, max_examples=1, seed=0), session)
    assert alarms(found) == []
    assert disturbed.disturbed == 1
    assert rule in {case.rule for case in found.sent}
