"""A few seeds of `python -m tests.contract.false_alarms`: the correct mock raises no alarm on either profile."""

import contextlib
import dataclasses

import pytest

from segforge import Catalog
from segforge_contract import RULES, NoAnswer, Request, Response, open_session, plan, run
from segforge_contract.cases.case import under_profile
from segforge_contract.targets.base import Target
from segforge_contract.targets.open import IN_PROCESS, open_target
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


class Busy:
    """A target whose first 429 is that of another limit, which names the time to wait."""

    def __init__(self, target: Target) -> None:
        self.base_url, self.loopback = target.base_url, target.loopback
        self.refused = 0
        self._target = target

    def send(self, request: Request) -> Response:
        if request.expects == "limit" and not self.refused:
            self.refused += 1
            return Response(429, {"content-type": "application/json", "retry-after": "1"}, b'{"error": "Too many"}')
        return self._target.send(request)

    def close(self) -> None:
        self._target.close()


def test_another_limit_that_answers_first_is_no_finding(catalog: Catalog) -> None:
    model = dataclasses.replace(catalog, models=(catalog.model("flux-controlnet"),))
    with contextlib.closing(open_target(IN_PROCESS, None, catalog)) as target:
        busy = Busy(target)
        session = open_session(model, busy, sleep=lambda _: None)
        outcome = run(plan(model, model.models, max_examples=1, seed=0), session)
    assert alarms(outcome) == []
    assert busy.refused == 1


class Forgetful:
    """A target that adds the first stub of the mock's admin API and loses the answer."""

    def __init__(self, target: Target) -> None:
        self.base_url, self.loopback = target.base_url, target.loopback
        self.lost = 0
        self._target = target

    def send(self, request: Request) -> Response:
        answer = self._target.send(request)
        if request.path == "/_mock/rules" and not self.lost:
            self.lost += 1
            raise NoAnswer("no answer: the connection was reset")
        return answer

    def close(self) -> None:
        self._target.close()


def test_a_stub_whose_answer_was_lost_changes_no_later_case(catalog: Catalog) -> None:
    model = dataclasses.replace(catalog, models=(catalog.model("flux-controlnet"),))
    with contextlib.closing(open_target(IN_PROCESS, None, catalog)) as target:
        forgetful = Forgetful(target)
        outcome = run(plan(model, model.models, max_examples=1, seed=0), open_session(model, forgetful))
    assert alarms(outcome) == []
    assert forgetful.lost == 1
    assert "job.failed_is_422" in {case.rule for case in outcome.sent}
