"""Faults in v2 jobs: states, results, ids and URLs."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests.harness.mutants.faults import answers, body
from tests.harness.mutants.mutant import Mutant
from tests.harness.mutants.original import Answer, Asked, Fault, Original, refusal

POLLS = ("status", "result", "poll")
IMAGE = "https://images.segmind.com/generations/image.jpeg"


def _words(words: dict[str, str], *routes: str) -> Fault:
    """Returns a fault that renames states."""

    def change(data: dict[str, Any]) -> None:
        data["status"] = words.get(data["status"], data["status"])

    return body(change, *routes)


def _looks(change: Callable[[int, str, dict[str, Any]], Answer | None]) -> Callable[[], Fault]:
    """Returns a fault that changes a job's status, given the number of polls since its end, its state and its data."""

    def make() -> Fault:
        ended: Counter[str] = Counter()

        async def fault(asked: Asked, original: Original) -> Answer:
            answer = await original(asked)
            match, data = original.match(asked), answer.json
            if match.route != "status" or not isinstance(data, dict) or "status" not in data:
                return answer
            seen = ended[match.value]
            ended[match.value] += data["status"] in ("COMPLETED", "FAILED")
            return change(seen, data["status"], data) or answer

        return fault

    return make


def _record(code: int, data: dict[str, Any], **changed: Any) -> Answer:
    return Answer(code, {}, b"").with_json({**data, **changed})


def _goes_back(seen: int, state: str, data: dict[str, Any]) -> Answer | None:
    return _record(200, data, status="QUEUED") if state == "COMPLETED" and seen == 0 else None


def _fails_later(seen: int, state: str, data: dict[str, Any]) -> Answer | None:
    return _record(422, data, status="FAILED", error="lost") if state == "COMPLETED" and seen else None


def _runs_again(seen: int, state: str, data: dict[str, Any]) -> Answer | None:
    return _record(200, data, status="PROCESSING") if state == "COMPLETED" and seen else None


def _forgets(seen: int, state: str, _: dict[str, Any]) -> Answer | None:
    return refusal(404, "Request not found") if state == "COMPLETED" and seen else None


def _states() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, make: Callable[[], Fault]) -> Mutant:
        return Mutant(f"job-{name}", does, breaks if "." in breaks else f"job.{breaks}", make)

    lower = {state: state.lower() for state in ("QUEUED", "PROCESSING", "COMPLETED", "FAILED")}
    yield made("goes-back", "is QUEUED again after PROCESSING", "states_monotone", _looks(_goes_back))
    yield made("fails-later", "is FAILED after COMPLETED", "terminal_stable", _looks(_fails_later))
    yield made("runs-again", "is PROCESSING after COMPLETED", "terminal_stable", _looks(_runs_again))
    yield made("forgotten", "is unknown after its end was polled", "", _looks(_forgets))
    yield made("lower-case", "sends states in lower case", "status_shape", lambda: _words(lower, "status"))
    yield made(
        "unknown-word", "sends another name for PROCESSING", "status_shape",
        lambda: _words({"PROCESSING": "RUNNING"}, "status"),
    )  # fmt: skip
    yield made(
        "never-ends", "stays PROCESSING forever", "ends_with_result",
        lambda: _words({"COMPLETED": "PROCESSING"}, "status", "result"),
    )  # fmt: skip
    yield made(
        "running-is-202", "answers 202 while a job runs", "state_is_200",
        _looks(lambda _, state, data: _record(202, data) if state == "PROCESSING" else None),
    )  # fmt: skip

    yield made("valid-fails", "fails every job", "payload.valid", _looks(_doomed))
    yield made(
        "id-of-another", "sends another id in a job's status", "status_shape",
        lambda: body(lambda data: data.update(request_id="00000000-0000-4000-8000-000000000000"), "status"),
    )  # fmt: skip


def _doomed(_: int, state: str, data: dict[str, Any]) -> Answer | None:
    return _record(422, data, status="FAILED", error="no luck") if state == "COMPLETED" else None


def _unknown(route: str) -> Fault:
    return answers(lambda _, answer: refusal(404, "not found") if answer.status == 200 else answer, route)


def _early(state: str) -> Fault:
    """Returns a fault that sends an output before the job is COMPLETED, with this state."""

    def change(data: dict[str, Any]) -> None:
        if data["status"] in ("QUEUED", "PROCESSING"):
            data.update(status=state or data["status"], output=IMAGE, metrics={"inference_time": 1.0})

    return body(change, "result")


def _crossed() -> Fault:
    """Returns the first result for each completed job, under the job's own id."""
    first: list[dict[str, Any]] = []

    async def fault(asked: Asked, original: Original) -> Answer:
        answer = await original(asked)
        data = answer.json
        if original.match(asked).route != "result" or not isinstance(data, dict) or data.get("status") != "COMPLETED":
            return answer
        first.append(data)
        return answer.with_json({**first[0], "request_id": data["request_id"]})

    return fault


def _results() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, make: Callable[[], Fault]) -> Mutant:
        return Mutant(f"result-{name}", does, f"job.{breaks}", make)

    def done(change: Callable[[dict[str, Any]], object]) -> Callable[[], Fault]:
        def edit(data: dict[str, Any]) -> None:
            if data["status"] == "COMPLETED":
                change(data)

        return lambda: body(edit, "result")

    early = "no_early_result"
    yield made("early", "sends an output while a job runs", early, lambda: _early(""))
    yield made("early-completed", "sends COMPLETED while the status is QUEUED", "", lambda: _early("COMPLETED"))
    yield made(
        "in-status-early", "sends an output in the status of a running job", early,
        _looks(lambda _, state, data: _record(200, data, output=IMAGE) if state == "PROCESSING" else None),
    )  # fmt: skip
    yield made("without-output", "omits the output", "ends_with_result", done(lambda data: data.pop("output")))
    yield made(
        "output-relative", "sends a path as the output", "ends_with_result",
        done(lambda data: data.update(output="/generations/image.jpeg")),
    )  # fmt: skip
    yield made("disagrees", "sends PROCESSING for a completed job", "ends_with_result",
               done(lambda data: data.update(status="PROCESSING")))  # fmt: skip
    yield made("another-id", "sends another id", "ends_with_result", done(lambda data: data.update(request_id="0")))
    yield made("without-metrics", "omits the metrics", "metrics_present", done(lambda data: data.pop("metrics")))

    yield made(
        "total-too-short", "sends a total time shorter than the run", "metrics_add_up",
        done(lambda data: data["metrics"].update(total_time=0.1)),
    )  # fmt: skip
    yield made(
        "negative-time", "sends a negative queue time", "metrics_add_up",
        done(lambda data: data["metrics"].update(queue_time=-0.2)),
    )  # fmt: skip
    yield made("poll-url-404", "answers 404 on the v1 poll URL", "poll_url_serves", lambda: _unknown("poll"))

    yield made("crossed", "sends the first output for every job", "", _crossed)


def _expired() -> Callable[[], Fault]:
    """Returns a fault that keeps completed jobs forever."""

    def make() -> Fault:
        kept: dict[str, Answer] = {}

        async def fault(asked: Asked, original: Original) -> Answer:
            answer = await original(asked)
            if original.match(asked).route not in POLLS:
                return answer
            if answer.status == 404 and asked.path in kept:
                return kept[asked.path]
            if answer.status == 200 and (answer.json or {}).get("status") == "COMPLETED":
                kept[asked.path] = answer
            return answer

        return fault

    return make


def _forgetful() -> Fault:
    """Forgets all jobs once the clock was moved by more than half an hour."""
    moved: list[float] = []

    async def fault(asked: Asked, original: Original) -> Answer:
        if asked.path == "/_mock/clock" and asked.method == "POST":
            moved.append(asked.json["advance"])
        late = sum(moved) > 1800 and original.match(asked).route in POLLS
        return refusal(404, "not found") if late else await original(asked)

    return fault


def _named_refusals() -> Fault:
    return body(lambda data: data.update(request_id="2c7f59ea-13f1-402c-9353-915a2b5a2124"), "submit", status=400)


def _failures() -> Iterator[Mutant]:
    """Yields mutants of failed jobs. Only the observed profile has jobs that fail for their parameters."""

    def made(name: str, does: str, breaks: str, fault: Fault) -> Mutant:
        return Mutant(f"failed-{name}", does, breaks, lambda: fault, profile="observed")

    def as_200(_: Asked, answer: Answer) -> Answer:
        return answer._replace(status=200)

    def completes(_: Asked, answer: Answer) -> Answer:
        return _record(200, {**answer.json, "metrics": {"inference_time": 1.0}}, status="COMPLETED", error=None)

    failed = "job.failed_is_422"
    yield made("is-200", "answers 200 to the status of a failed job", failed, answers(as_200, "status", status=422))
    yield made(
        "is-200-on-result", "answers 200 to the result of a failed job", "job", answers(as_200, "result", status=422)
    )
    yield made(
        "without-error", "omits the error of a failed job", failed, body(lambda d: d.pop("error"), "status", status=422)
    )

    yield made("with-output", "sends an output for a failed job", "job",
               body(lambda data: data.update(output=IMAGE), *POLLS, status=422))  # fmt: skip
    yield made("completes", "completes a job that must fail", "range", answers(completes, "status", status=422))


def _repeated(every: int) -> Callable[[], Fault]:
    """Returns a fault that sends the first id for every n-th submit."""

    def make() -> Fault:
        submitted: list[Answer] = []

        async def fault(asked: Asked, original: Original) -> Answer:
            answer = await original(asked)
            if original.match(asked).route != "submit" or answer.status != 200:
                return answer
            submitted.append(answer)
            return submitted[0] if len(submitted) % every == 0 else answer

        return fault

    return make


def _racing() -> Callable[[], Fault]:
    """Returns a fault that sends the same id for concurrent submits."""

    def make() -> Fault:
        under_way: list[Asked] = []
        given: list[Answer] = []

        async def fault(asked: Asked, original: Original) -> Answer:
            if original.match(asked).route != "submit":
                return await original(asked)
            under_way.append(asked)
            await asyncio.sleep(0.01)
            answer = await original(asked)
            if answer.status == 200 and (given or len(under_way) > 1):
                given.append(answer)
                answer = given[0]
            under_way.pop()
            if not under_way:
                given.clear()
            return answer

        return fault

    return make


def _ids() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, make: Callable[[], Fault]) -> Mutant:
        return Mutant(name, does, breaks if "." in breaks else f"job.{breaks}", make)

    def submit(change: Callable[[dict[str, Any]], object]) -> Callable[[], Fault]:
        return lambda: body(change, "submit")

    def moved(data: dict[str, Any]) -> None:
        data["poll_url"] = f"http://localhost:8000/v1/requests/{data['request_id']}"

    def relative(data: dict[str, Any]) -> None:
        data["status_url"] = f"/v2/requests/{data['request_id']}/status"

    def other(data: dict[str, Any]) -> None:
        data["response_url"] = data["response_url"].replace(data["request_id"], "0")

    unique, urls, shape = "id_unique", "urls", "submit_shape"
    yield made("id-repeated", "sends the same id for every submit", unique, _repeated(1))
    yield made("id-repeated-at-times", "sends the first id for every seventh submit", unique, _repeated(7))
    yield made("id-repeated-in-a-race", "sends the same id for concurrent submits", unique, _racing())
    yield made("url-relative", "sends a path as status_url", urls, submit(relative))
    yield made("url-of-another-job", "sends another id in response_url", urls, submit(other))
    yield made("url-of-the-result", "sends the result's URL as status_url", urls,
               submit(lambda data: data.update(status_url=data["response_url"])))  # fmt: skip
    yield made("url-of-another-host", "sends a poll_url on localhost", urls, submit(moved))
    yield made("submit-without-id", "omits request_id", shape, submit(lambda data: data.pop("request_id")))
    yield made("submit-without-poll-url", "omits poll_url", shape, submit(lambda data: data.pop("poll_url")))
    yield made("submit-completed", "sends COMPLETED for a new job", shape,
               submit(lambda data: data.update(status="COMPLETED")))  # fmt: skip

    yield made("refusal-with-a-job", "sends an id with a refused submit", "error.names_no_job", _named_refusals)
    yield made("expired-early", "forgets jobs after half an hour", "kept", _forgetful)
    yield made("expired-served", "serves a job after its retention", "expired", _expired())


def job_mutants() -> Iterator[Mutant]:
    """Yields the mutants of this module, in the order of their families."""
    for family in (_states, _results, _failures, _ids):
        yield from family()
