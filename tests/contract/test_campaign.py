"""A campaign keeps to its plan, follows its jobs, and stops once the target disappears."""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from segforge import Catalog
from segforge_contract import AsgiTarget, NoAnswer, Request, Response, Unreachable, plan, run
from segforge_contract.checks.job import Pace
from segforge_contract.engine.session import Session
from tests.contract.campaigns import Clock, broken_rules
from tests.contract.standin import KEY, StandIn

IP = "flux-ipadapter"

FREE = re.compile(
    r"^GET .*(/requests/|/generations/|/get-user-credits|/_mock/)"
    r"|^(HEAD|DELETE) /v2/requests/[0-9a-f]{8}(?<!00000000)-"  # of an existing job
)
Spying: TypeAlias = Callable[..., "Spy"]


class Spy:
    """A target that counts requests, and calls a function before it forwards one."""

    def __init__(
        self, standin: StandIn, before: Callable[[int], None] = lambda _: None, *, loopback: bool = True
    ) -> None:
        self.inner = AsgiTarget(standin, KEY)
        self.base_url = self.inner.base_url
        self.loopback = loopback
        self.before = before
        self.calls = 0
        self.sent: list[Request] = []
        self.billed = 0

    def send(self, request: Request) -> Response:
        self.before(self.calls)
        self.sent.append(request)
        response = self.inner.send(request)
        self.calls += not FREE.search(f"{request.method} {request.path}")
        self.billed += response.status == 200 and request.method == "POST"
        return response

    def close(self) -> None:
        self.inner.close()


@pytest.fixture
def spying() -> Iterator[Spying]:
    """Makes a Spy that is closed after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(contextlib.closing(Spy(*args, **options)))


def session(catalog: Catalog, spy: Spy, clock: Clock | None = None) -> Session:
    clock = clock or Clock()
    return Session(catalog, spy, Pace(0.01, deadline=2, sleep=clock.sleep, clock=clock.now))


@pytest.mark.parametrize("faults", [(), ("pair_refused",), ("above_accepted", "below_accepted", "missing_accepted")])
@pytest.mark.parametrize("max_examples", [0, 7])
def test_campaign_sends_and_is_billed_no_more_than_planned(
    catalog: Catalog, spying: Spying, faults: tuple[str, ...], max_examples: int
) -> None:
    spy = spying(StandIn(catalog, *faults), loopback=False)
    planned = plan(catalog, [catalog.model(IP)], max_examples=max_examples, seed=3)
    outcome = run(planned, session(catalog, spy))
    polls_without_job = 9 + 6  # unknown ids, and polls without a key or with a wrong one
    assert spy.calls <= planned.requests - polls_without_job
    assert spy.billed == outcome.billed <= planned.billed(broken=bool(faults)).total()


def test_same_request_is_planned_once(catalog: Catalog) -> None:
    cases = plan(catalog, catalog.models, max_examples=0, seed=0).cases
    assert len({case.request for case in cases}) == len(cases)


def test_same_seed_sends_the_same_requests(catalog: Catalog, spying: Spying) -> None:
    runs = []
    for _ in range(2):
        spy = spying(StandIn(catalog))
        run(plan(catalog, [catalog.model(IP)], max_examples=5, seed=11), session(catalog, spy))
        runs.append([sent for sent in spy.sent if not FREE.search(f"{sent.method} {sent.path}")])
    assert runs[0] == runs[1]


def test_target_that_disappears_stops_the_run(catalog: Catalog, spying: Spying) -> None:
    def gone(calls: int) -> None:
        if calls >= 150:
            raise NoAnswer("no connection: refused", refused=True)

    spy = spying(StandIn(catalog, "no_key_accepted"), gone)
    outcome = run(plan(catalog, catalog.models, max_examples=5, seed=0), session(catalog, spy))
    assert outcome.stopped is not None
    assert "refused" in outcome.stopped
    assert outcome.requests < 220
    assert "auth.missing" in broken_rules(outcome)


def test_target_that_never_answers_is_unreachable(catalog: Catalog, spying: Spying) -> None:
    def mute(_: int) -> None:
        raise NoAnswer("no answer: RemoteProtocolError")

    spy = spying(StandIn(catalog), mute)
    with pytest.raises(Unreachable, match="RemoteProtocolError"):
        run(plan(catalog, catalog.models, max_examples=5, seed=0), session(catalog, spy))


def test_missing_answer_breaks_the_rule_of_its_case(catalog: Catalog, spying: Spying) -> None:
    def hangs(calls: int) -> None:
        if calls == 50:
            spy.calls += 1
            raise NoAnswer("no answer: ReadTimeout")

    spy = spying(StandIn(catalog), hangs)
    planned = plan(catalog, [catalog.model(IP)], max_examples=0, seed=0)
    outcome = run(planned, session(catalog, spy))
    [failure] = outcome.failures
    assert failure.broken.rule == failure.case.rule
    assert failure.broken.found == "no answer: ReadTimeout"


def test_jobs_of_a_long_campaign_are_polled_before_they_expire(catalog: Catalog, spying: Spying) -> None:
    clock = Clock()
    standin = StandIn(catalog)

    def slow(_: int) -> None:
        clock.seconds += 0.1
        kept = list(standin.looks)[-12:]  # the gateway deletes old records
        standin.looks = dict.fromkeys(kept, 3)  # and all jobs have ended

    spy = spying(standin, slow)
    outcome = run(plan(catalog, [catalog.model(IP)], max_examples=0, seed=0), session(catalog, spy, clock))
    assert broken_rules(outcome) == {"job.kept"}  # the first job is gone at the end, and no other was missed


def test_key_is_sent_only_to_the_target(catalog: Catalog, spying: Spying) -> None:
    standin = StandIn(catalog)
    spy = spying(standin)
    run(plan(catalog, [catalog.model(IP)], max_examples=0, seed=0), session(catalog, spy))
    polled = {path for _, path, key in standin.seen if key == KEY and "/requests/" in path}
    assert any(path.endswith("/status") for path in polled)
    assert all(path.startswith(("/v1/requests/", "/v2/requests/")) for path in polled)
