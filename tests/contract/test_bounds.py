"""Every wait of a run has a bound: limits, lost answers, jobs that never end, and servers that hang."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from segforge import Catalog
from segforge.cli import main
from segforge_contract import AsgiTarget, NoAnswer, Request, Response, open_session, run
from segforge_contract.engine.campaign import RunResult
from segforge_contract.engine.waiting import NOT_AWAITED
from segforge_contract.targets.base import Target
from tests.contract import billing
from tests.contract.campaigns import Clock, broken_rules, planned
from tests.contract.serving import serve
from tests.contract.standin import BASE_URL, KEY, Answer, StandIn
from tests.seeds import seed_specs

MODEL = ("--specs", str(seed_specs()), "--models", "style-transfer", "--max-examples", "0", "--seed", "1", "--forget")


Answered: TypeAlias = Callable[[], Response]


class Between:
    """A stand-in behind a function of the request, its number, and the stand-in's answer, which it may ask for."""

    def __init__(self, standin: StandIn, change: Callable[[Request, int, Answered], Response]) -> None:
        self.base_url, self.loopback, self.requests = BASE_URL, True, 0
        self._target, self._change = AsgiTarget(standin, KEY, base_url=BASE_URL), change

    def send(self, request: Request) -> Response:
        self.requests += 1
        return self._change(request, self.requests, lambda: self._target.send(request))

    def close(self) -> None:
        self._target.close()


def campaign(
    catalog: Catalog, target: Target, clock: Clock, *, deadline: float = 60, max_examples: int = 0
) -> RunResult:
    """Runs a campaign for one model whose waits move the clock only."""
    session = open_session(catalog, target, sleep=clock.sleep, clock=clock.now, deadline=deadline)
    made = planned(catalog, ("style-transfer",), max_examples, 0)
    try:
        return run(made, session)
    finally:
        target.close()


@pytest.mark.parametrize("headers", [{"retry-after": "1"}, {"retry-after": "0"}, {}])
def test_limit_of_thirty_requests_a_second_is_waited_out(catalog: Catalog, headers: dict[str, str]) -> None:
    clock, sent = Clock(), [0, 0]

    def limit(_request: Request, _number: int, answer: Answered) -> Response:
        sent[:] = [int(clock.seconds), sent[1] + 1 if sent[0] == int(clock.seconds) else 1]
        return answer() if sent[1] <= 30 else Response(429, headers, b"")

    result = campaign(catalog, Between(StandIn(catalog), limit), clock)
    assert (result.failures, result.stopped) == ((), None)
    assert clock.seconds >= result.requests / 30 - 2


def test_limit_that_never_ends_ends_the_run(catalog: Catalog) -> None:
    clock = Clock()

    def limit(_request: Request, number: int, answer: Answered) -> Response:
        return answer() if number <= 30 else Response(429, {"retry-after": "100000"}, b"")

    result = campaign(catalog, Between(StandIn(catalog), limit), clock)
    assert result.stopped is not None
    assert "429" in result.stopped
    assert clock.seconds <= 3 * 4 * 120 + 1


def test_billed_call_without_an_answer_breaks_no_rule_about_money(catalog: Catalog) -> None:
    clock, lost = Clock(), set[int]()

    def lose(request: Request, number: int, answer: Answered) -> Response:
        answered = answer()
        if answered.status == 200 and request.method == "POST" and len(lost) < 3:
            lost.add(number)
            raise NoAnswer("no answer: the connection was reset")
        return answered

    result = campaign(catalog, Between(StandIn(catalog), lose), clock)
    assert len(lost) == 3
    assert result.failures == ()
    assert any("answers were lost" in reason for reason in result.unsent)


def test_request_that_never_gets_an_answer_is_a_finding(catalog: Catalog) -> None:
    def lose(request: Request, _number: int, answer: Answered) -> Response:
        if b'"output_quality": 100' in (request.body or b""):
            raise NoAnswer("no answer: the connection was reset")
        return answer()

    result = campaign(catalog, Between(StandIn(catalog), lose), Clock())
    assert {failure.broken.found for failure in result.failures} == {"no answer: the connection was reset, 5 times"}


def test_time_of_a_job_counts_from_the_first_look(catalog: Catalog) -> None:
    clock = Clock()

    def load(_request: Request, _number: int, answer: Answered) -> Response:
        clock.sleep(0.5)  # so that the jobs of the tables are polled long after their submits
        return answer()

    result = campaign(catalog, Between(StandIn(catalog), load), clock, deadline=5)
    assert result.failures == ()
    assert clock.seconds > 100


@pytest.mark.parametrize("deadline", [20.0, 300.0])
def test_status_that_never_ends_costs_one_deadline(catalog: Catalog, deadline: float) -> None:
    clock = Clock()
    result = campaign(
        catalog, AsgiTarget(StandIn(catalog, "never_ends"), KEY), clock, deadline=deadline, max_examples=3
    )
    assert broken_rules(result) == {"job.ends_with_result"}
    assert result.unsent[NOT_AWAITED] > 0
    assert clock.seconds < deadline * 1.05 + 5


def test_one_job_that_never_ends_does_not_hide_faults_of_others(catalog: Catalog) -> None:
    stuck, clock = set[str](), Clock()

    def hang(request: Request, _number: int, answer: Answered) -> Response:
        answered = answer()
        if b'"output_quality": 100' in (request.body or b"") and isinstance(answered.json, dict):
            stuck.add(str(answered.json.get("request_id")))
        parts = request.path.split("/")
        if parts[-1] == "status" and parts[-2] in stuck:
            body = json.dumps({**answered.json, "status": "PROCESSING", "metrics": {}}).encode()
            return Response(200, {"content-type": "application/json"}, body)
        return answered

    result = campaign(catalog, Between(StandIn(catalog, "poll_lost"), hang), clock)
    assert broken_rules(result) >= {"job.ends_with_result", "job.poll_url_serves"}
    assert clock.seconds < 65


def test_two_timeouts_in_a_row_are_a_target_that_is_gone(catalog: Catalog) -> None:
    def hang(request: Request, number: int, answer: Answered) -> Response:
        if number > 100 or (number > 20 and request.method == "POST" and not hung):
            hung.append(number)
            raise NoAnswer("no answer: ReadTimeout", slow=True)
        return answer()

    hung: list[int] = []
    target = Between(StandIn(catalog), hang)
    result = campaign(catalog, target, Clock())
    assert result.stopped is not None
    assert result.stopped.startswith("the target no longer answers")
    assert hung[1:] == [101, 102]
    assert [each.broken.found for each in result.failures] == ["no answer: ReadTimeout"]  # the one before


def test_balance_that_hangs_is_not_read_again(catalog: Catalog) -> None:
    def hang(request: Request, number: int, answer: Answered) -> Response:
        if number > 1 and request.path.endswith("credits"):
            read.append(number)
            raise NoAnswer("no answer: ReadTimeout", slow=True)
        return answer()

    read: list[int] = []
    result = campaign(catalog, Between(StandIn(catalog), hang), Clock())
    assert (result.failures, result.stopped) == ((), None)
    assert len(read) <= 2  # one reading, and the question whether the mock accepts any key


class Html(StandIn):
    """A gateway whose error bodies are HTML, and that has no balance to read."""

    def refusal(self, status: int, error: str, headers: Any) -> Answer:  # noqa: ARG002 - overrides
        return Answer(status, "text/html", f"<h1>{status} {error}</h1>".encode())

    def route(self, method: str, parts: list[str], headers: Any, body: bytes) -> Answer:
        if parts[1:] == ["get-user-credits"]:
            return Answer(404, "text/html", b"<h1>404 Not Found</h1>")
        return super().route(method, parts, headers, body)


def test_gateway_with_html_errors_is_tested(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    report = tmp_path / "report.json"
    with serve(Html(catalog)) as url:
        options = ("--max-spend", "0", "--json", str(report))
        assert main(["contract", "--target", url, *MODEL, *options]) == 1
    found = {each["rule"] for each in json.loads(report.read_text("utf-8"))["failures"]}
    assert "error.shape" in found


@pytest.mark.parametrize("kind", ["balance", "unknown", "keyless"])
@pytest.mark.parametrize("told", [False, True])
def test_cap_of_0_ends_at_the_first_free_request_that_is_billed(
    catalog: Catalog, kind: str, told: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    gateway = billing.Gateway(catalog, billing.Faults(free_billed=(kind,), free_told=told))
    with billing.serve(gateway) as url:
        assert main(["contract", "--target", url, *MODEL, "--max-spend", "0"]) == 1
    assert len(gateway.book.entries) <= 2
    assert "halted: " in capsys.readouterr().out


def test_free_requests_that_are_billed_halt_a_run_with_a_cap(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    gateway = billing.Gateway(catalog, billing.Faults(free_billed=("balance",)))
    with billing.serve(gateway) as url:
        main(["contract", "--target", url, *MODEL, "--max-spend", "1"])
    assert len(gateway.book.entries) <= 3
    assert "halted: the balance dropped by 0.01 for calls that may cost at most 0" in capsys.readouterr().out
