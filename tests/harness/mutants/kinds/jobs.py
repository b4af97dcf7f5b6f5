"""Faults in jobs that show only in a certain order of reads, at the same time, or late, and URLs of another origin."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests.harness.mutants.faults import body
from tests.harness.mutants.mutant import Mutant
from tests.harness.mutants.original import Answer, Asked, Fault, Original, refusal

POLLS = ("status", "result", "poll")
_GONE = "Request not found"


def _counted(change: Callable[[str, int, Answer], Answer], route: str) -> Callable[[], Fault]:
    """Returns a fault that changes the answers of a route for completed jobs, given the job's id and earlier reads."""

    def make() -> Fault:
        reads: Counter[str] = Counter()

        async def fault(asked: Asked, original: Original) -> Answer:
            answer, match = await original(asked), original.match(asked)
            if match.route != route or answer.status != 200 or (answer.json or {}).get("status") != "COMPLETED":
                return answer
            reads[match.value] += 1
            return change(match.value, reads[match.value] - 1, answer)

        return fault

    return make


def _repeated_reads() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, change: Callable[[str, int, Answer], Answer], route: str) -> Mutant:
        return Mutant(f"read-{name}", does, f"job.{breaks}", _counted(change, route))

    def once(_: str, reads: int, answer: Answer) -> Answer:
        return refusal(404, _GONE) if reads else answer

    def other(_: str, reads: int, answer: Answer) -> Answer:
        return answer.with_json({**answer.json, "output": f"{answer.json['output']}-{reads}"}) if reads else answer

    def empty(_: str, reads: int, answer: Answer) -> Answer:
        return answer.with_json({**answer.json, "output": ""}) if reads else answer

    def fewer(_: str, reads: int, answer: Answer) -> Answer:
        return answer.with_json({**answer.json, "images": answer.json["images"][1:]}) if reads else answer

    def dearer(_: str, reads: int, answer: Answer) -> Answer:
        return (
            answer.with_json({**answer.json, "metrics": {**answer.json["metrics"], "cost": 9.0}}) if reads else answer
        )

    yield made("fewer-images", "lists fewer images each time", "result_stable", fewer, "result")
    yield made("other-cost", "states another cost each time", "result_stable", dearer, "result")
    yield Mutant("read-failure-once", "serves a failed job's result once only", "job.terminal_stable", _failure_once)
    yield made("once", "serves a result once only", "result_stable", once, "result")
    yield made("other-output", "states another output each time", "result_stable", other, "result")
    yield made("then-empty", "empties the output once it was read", "result_stable", empty, "result")


def _failure_once() -> Fault:
    read: set[str] = set()

    async def fault(asked: Asked, original: Original) -> Answer:
        answer, match = await original(asked), original.match(asked)
        if match.route != "result" or answer.status != 422:
            return answer
        if match.value in read:
            return refusal(404, _GONE)
        read.add(match.value)
        return answer

    return fault


def _ordered(first: str, then: str) -> Callable[[], Fault]:
    """Returns a fault that forgets a job for one route as soon as another route was read."""

    def make() -> Fault:
        read: set[str] = set()

        async def fault(asked: Asked, original: Original) -> Answer:
            answer, match = await original(asked), original.match(asked)
            if match.route == then and match.value in read and answer.status == 200:
                return refusal(404, _GONE)
            if match.route == first and answer.status == 200 and (answer.json or {}).get("status") == "COMPLETED":
                read.add(match.value)
            return answer

        return fault

    return make


def _result_first() -> Fault:
    """Forgets a job whose result is requested before its status was polled."""
    polled: set[str] = set()
    lost: set[str] = set()

    async def fault(asked: Asked, original: Original) -> Answer:
        answer, match = await original(asked), original.match(asked)
        if match.route not in POLLS or answer.status != 200:
            return answer
        if match.route == "status":
            polled.add(match.value)
        elif match.value not in polled:
            lost.add(match.value)
        return refusal(404, _GONE) if match.value in lost else answer

    return fault


def _orders() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, make: Callable[[], Fault]) -> Mutant:
        return Mutant(f"reads-{name}", does, f"job.{breaks}", make)

    yield made(
        "poll-url-gone-after-result", "forgets the v1 poll URL once the result was read", "poll_url_serves",
        _ordered("result", "poll"),
    )  # fmt: skip
    yield made(
        "result-gone-after-poll-url", "forgets the result once the v1 poll URL was read", "ends_with_result",
        _ordered("poll", "result"),
    )  # fmt: skip
    yield made("result-first", "forgets a job whose result is requested first", "pollable", _result_first)


def _crossed(pair: Callable[[int], int]) -> Callable[[], Fault]:
    """Returns a fault that sends, for the n-th of the jobs that wait together, the output of another one of them."""

    def make() -> Fault:
        waiting: list[str] = []
        partner: dict[str, str] = {}

        async def fault(asked: Asked, original: Original) -> Answer:
            match = original.match(asked)
            if match.route == "submit":
                answer = await original(asked)
                if answer.status == 200:
                    waiting.append(answer.json["request_id"])
                return answer
            if match.route == "status" and waiting:
                for index, each in enumerate(waiting):
                    partner[each] = waiting[min(pair(index), len(waiting) - 1)]
                waiting.clear()
            answer = await original(asked)
            own, other = match.value, partner.get(match.value, "")
            if match.route not in ("result", "poll") or other in ("", own) or not isinstance(answer.json, dict):
                return answer
            text = answer.body.replace(own.encode(), other.encode())
            return answer.with_json({**answer._replace(body=text).json, "request_id": own})

        return fault

    return make


def _polls_other() -> Fault:
    before: dict[str, str] = {}
    newest = [""]

    async def fault(asked: Asked, original: Original) -> Answer:
        answer, match = await original(asked), original.match(asked)
        if match.route == "submit" and answer.status == 200:
            newest.append(answer.json["request_id"])
            before[newest[-1]] = newest[-2]
        other = before.get(match.value)
        if match.route != "poll" or not other or not isinstance(answer.json, dict) or "output" not in answer.json:
            return answer
        return answer.with_json({**answer.json, "output": answer.json["output"].replace(match.value, other)})

    return fault


def _at_once() -> Iterator[Mutant]:
    yield Mutant(
        "crossed-neighbors", "swaps the outputs of neighbors among jobs that wait together", "job.result_own",
        _crossed(lambda index: index ^ 1),
    )  # fmt: skip
    yield Mutant(
        "crossed-poll-url", "sends the output of the job before on the v1 poll URL", "job.poll_url_serves", _polls_other
    )
    yield Mutant(
        "crossed-shifted", "sends the output of the next job among those that wait together", "job.result_own",
        _crossed(lambda index: index + 1),
    )  # fmt: skip


def _late(gone: Callable[[int, int], bool]) -> Callable[[], Fault]:
    """Returns a fault that forgets some jobs, given a job's number and how many were submitted."""

    def make() -> Fault:
        jobs: dict[str, int] = {}

        async def fault(asked: Asked, original: Original) -> Answer:
            answer, match = await original(asked), original.match(asked)
            if match.route == "submit" and answer.status == 200:
                jobs[answer.json["request_id"]] = len(jobs)
            if match.route in POLLS and match.value in jobs and gone(jobs[match.value], len(jobs)):
                return refusal(404, _GONE)
            return answer

        return fault

    return make


def _early_expiry() -> Iterator[Mutant]:
    def made(name: str, does: str, gone: Callable[[int, int], bool]) -> Mutant:
        return Mutant(f"kept-{name}", does, "job.kept", _late(gone))

    yield made("last-jobs", "keeps the last 30 jobs only", lambda number, total: number < total - 30)
    yield made("first-lost", "forgets its first jobs after a while", lambda number, total: number < 20 and total > 40)


def _origins() -> Iterator[Mutant]:
    def made(name: str, does: str, change: Callable[[dict[str, Any]], object], *routes: str) -> Mutant:
        return Mutant(f"origin-{name}", does, "job.urls_own", lambda: body(change, *routes))

    def moved(origin: str, *names: str) -> Callable[[dict[str, Any]], None]:
        def change(data: dict[str, Any]) -> None:
            for name in names:
                if name in data:
                    data[name] = origin + data[name][data[name].index("/v", 8) :]

        return change

    names = ("poll_url", "status_url", "response_url")
    yield made("of-production", "sends the URLs of api.segmind.com", moved("https://api.segmind.com", *names), "submit")
    yield made("of-another-port", "sends URLs without the port", moved("http://127.0.0.1", *names), "submit")

    def foreign(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "response_url": "http://mock.internal/v2/requests/1"}

    yield Mutant(
        "origin-in-result", "sends a URL of another host in the result", "job.urls_own", lambda: body(foreign, "result")
    )
    yield Mutant(
        "origin-in-poll",
        "sends a URL of another host on the v1 poll URL",
        "job.urls_own",
        lambda: body(foreign, "poll"),
    )
    yield made("in-status", "sends URLs of another host in the status", moved("http://mock.internal", *names), "status")


def _unreadable() -> Iterator[Mutant]:
    def as_text(data: dict[str, Any]) -> None:
        data.update({name: str(value) for name, value in data.items()})

    def metrics_as_text(data: dict[str, Any]) -> None:
        as_text(data.get("metrics", {}))

    def free_as_text(data: dict[str, Any]) -> None:
        data["free-credits"] = str(data["free-credits"])

    def nested(data: dict[str, Any]) -> dict[str, Any]:
        return {"data": data}

    for name, does, change, routes in (
        ("balance-as-text", "states the balance as text", as_text, ("credits",)),
        ("free-as-text", "states the free credits as text", free_as_text, ("credits",)),
        ("balance-nested", "nests the balance in an object", nested, ("credits",)),
        ("cost-as-text", "states the cost of a job as text", metrics_as_text, ("status", "result")),
    ):
        yield Mutant(
            f"money-{name}",
            does,
            "money.readable",
            lambda change=change, routes=routes: body(change, *routes),  # type: ignore[misc]
        )


def job_order_mutants() -> Iterator[Mutant]:
    """Yields the mutants of this module, in the order of their families."""
    for family in (_repeated_reads, _orders, _at_once, _early_expiry, _origins, _unreadable):
        yield from family()
