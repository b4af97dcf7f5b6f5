"""Batches with a journal: what is sent, resumed, refused and written, with both clients on the mock."""

import asyncio
import inspect
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from segforge_mock import Mock
from segmind_client import (
    AsyncSegmind,
    ConnectionFailed,
    DownloadFailed,
    Gathered,
    InDoubt,
    InferenceFailed,
    JournalError,
    ResultExpired,
    Segmind,
    SpendLimit,
    Unauthorized,
)
from tests.client import killed_batches
from tests.client.batch_program import CALLS
from tests.client.conftest import KEY, Answer, Gateway, json_answer

IMAGE = "https://host.test/a.png"
CALL: Any = {"image": IMAGE, "prompt": "a cat"}


@pytest.fixture
def ours(mock: Mock) -> Iterator[Segmind]:
    with Segmind(mock.key, mock.url, retries=0) as client:
        yield client


def work(client: Any, count: int = 3) -> list[Any]:
    return [partial(client.flux_ipadapter.submit, image=IMAGE, prompt=f"{place}") for place in range(count)]


def submits(mock: Mock) -> Counter[str]:
    """Returns how often each prompt was paid for, by the mock's book."""
    return Counter(str(job.payload["prompt"]) for job in mock.jobs)


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_batch_pays_for_nothing_twice_and_loses_nothing(seed: int) -> None:
    [killed] = killed_batches.prove(1, first=seed)
    assert set(killed.resent) == set(range(CALLS))


@pytest.mark.parametrize("kind", [Segmind, AsyncSegmind])
def test_a_batch_that_is_done_sends_nothing_again(mock: Mock, tmp_path: Path, kind: type[Any]) -> None:
    async def run() -> Any:
        client = kind(mock.key, mock.url)
        made = client.gather(work(client), journal=tmp_path / "run.jsonl", folder=tmp_path / "out")
        done = await made if inspect.isawaitable(made) else made
        closed = client.aclose() if isinstance(client, AsyncSegmind) else client.close()
        await closed if closed is not None else None
        return done

    first = asyncio.run(run())
    assert [result.output[-5:] for result in first.results] == [".jpeg"] * 3
    assert (first.failures, first.in_doubt, submits(mock)) == ({}, (), {"0": 1, "1": 1, "2": 1})
    assert all(path.read_bytes().startswith(b"\xff\xd8\xff") for paths in first.files.values() for path in paths)
    sent = len(mock.requests)
    assert asyncio.run(run()) == first
    assert len(mock.requests) == sent
    first.files[1][0].unlink()
    assert asyncio.run(run()) == first
    assert [request.route for request in mock.requests[sent:]] == ["image"]


def test_each_beginning_of_a_journal_is_resumed(ours: Segmind, mock: Mock, tmp_path: Path) -> None:
    """A kill leaves a beginning of the journal. Whatever it is, a call is sent at most once unless it is in doubt."""
    ours.gather(work(ours), journal=tmp_path / "whole.jsonl", concurrency=2)
    whole = (tmp_path / "whole.jsonl").read_bytes()
    head = whole.index(b"\n") + 1
    cuts = [
        0,
        1,
        head - 1,
        head,
        *range(head, len(whole), 97),
        *(at + 1 for at, byte in enumerate(whole) if byte == 10),
    ]
    for cut in cuts:
        file = tmp_path / "cut.jsonl"
        file.write_bytes(whole[:cut])
        events = [json.loads(line) for line in whole[:cut].split(b"\n")[1:-1]]
        known = {event["call"] for event in events if event["event"] == "accepted"}
        in_doubt = {event["call"] for event in events if event["event"] == "send"} - known
        before = submits(mock)
        done = ours.gather(work(ours), journal=file)
        assert done.in_doubt == tuple(sorted(in_doubt))
        assert {place: type(error) for place, error in done.failures.items()} == dict.fromkeys(in_doubt, InDoubt)
        assert submits(mock) - before == Counter(str(place) for place in {0, 1, 2} - known - in_doubt)
        assert ours.gather(work(ours), journal=file).results == done.results


def test_a_lost_submit_is_in_doubt_and_sent_again_only_on_request(ours: Segmind, mock: Mock, tmp_path: Path) -> None:
    mock.scenario("drop-after", route="submit", after=1, times=1)
    run = partial(ours.gather, work(ours), journal=tmp_path / "run.jsonl", concurrency=1)
    done = run()
    assert (done.in_doubt, type(done.failures[1])) == ((1,), ConnectionFailed)
    again = run()
    assert (again.in_doubt, type(again.failures[1])) == ((1,), InDoubt)
    assert again.results == done.results
    assert again.failures[1].maybe_billed  # type: ignore[attr-defined]
    assert submits(mock)["1"] == 1
    last = run(resend_in_doubt=True)
    assert (last.in_doubt, last.failures, submits(mock)["1"]) == ((), {}, 2)


def test_a_refused_submit_is_sent_again(ours: Segmind, mock: Mock, tmp_path: Path) -> None:
    mock.scenario("auth-invalid", route="submit", times=2)
    run = partial(ours.gather, work(ours), journal=tmp_path / "run.jsonl", concurrency=1)
    done = run()
    assert [type(error) for error in done.failures.values()] == [Unauthorized] * 2
    assert done.in_doubt == ()
    assert run().failures == {}
    assert submits(mock) == {"0": 1, "1": 1, "2": 1}


def test_a_failed_job_fails_again_without_a_request(ours: Segmind, mock: Mock, tmp_path: Path) -> None:
    mock.scenario("job-failed", route="submit", times=1)
    run = partial(ours.gather, work(ours), journal=tmp_path / "run.jsonl", concurrency=1)
    failures = [run().failures[0], run().failures[0]]
    assert [type(error) for error in failures] == [InferenceFailed] * 2
    assert str(failures[0]) == str(failures[1])
    assert submits(mock)["0"] == 1


def test_results_outlive_their_records(ours: Segmind, mock: Mock, tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    done = ours.gather(work(ours), journal=journal)
    mock.clock.advance(3601)
    later = ours.gather(work(ours), journal=journal, folder=tmp_path)
    assert (later.results, later.failures, len(later.files)) == (done.results, {}, 3)
    kept = [
        line for line in journal.read_text().splitlines() if not line.startswith('{"call": 1, "event": "completed"')
    ]
    journal.write_text("\n".join([*kept, ""]))
    lost = ours.gather(work(ours), journal=journal)
    assert (type(lost.failures[1]), submits(mock)["1"]) == (ResultExpired, 1)


def test_files_that_can_not_be_downloaded_are_fetched_next_time(ours: Segmind, mock: Mock, tmp_path: Path) -> None:
    mock.stub(
        "submit", times=1, effect={"outputs": [{"base64": b"", "media_type": "image/png", "download_status": 500}]}
    )
    run = partial(ours.gather, work(ours, 1), journal=tmp_path / "run.jsonl", folder=tmp_path)
    done = run()
    assert isinstance(done.failures[0], DownloadFailed)
    assert done.results[0]["status"] == "COMPLETED"
    assert isinstance(run().failures[0], DownloadFailed)
    assert len(mock.jobs) == 1


def test_max_spend_counts_the_calls_of_earlier_runs(ours: Segmind, mock: Mock, tmp_path: Path) -> None:
    most = ours.flux_ipadapter.estimate(**CALL)
    assert most is not None
    limit = 2.2 * most.credits_high
    run = partial(ours.gather, work(ours, 40), journal=tmp_path / "run.jsonl", max_spend=limit)
    for concurrency in (1, 8, 8):
        done = run(concurrency=concurrency)
        assert {type(error) for error in done.failures.values()} == {SpendLimit}
        spent = sum(job.cost for job in mock.jobs)
        assert limit - most.credits_high < spent <= limit
    with pytest.raises(ValueError, match="max_spend"):
        run(max_spend=-1)


def test_several_models_over_several_inputs(ours: Segmind, tmp_path: Path) -> None:
    inputs = [CALL, {"prompt": 7}]
    found = ours.map_models(["flux-ipadapter", "no-such-model"], inputs, journal=tmp_path / "run.jsonl")
    assert list(found) == ["flux-ipadapter", "no-such-model"]
    assert [list(each.failures) for each in found.values()] == [[1], [0, 1]]
    assert found["flux-ipadapter"].results[0]["status"] == "COMPLETED"
    assert ours.map_models("flux-ipadapter", CALL)["flux-ipadapter"].failures == {}
    with pytest.raises(TypeError, match=r"inputs\[0\] is a str; expected the parameters of a call"):
        ours.map_models("flux-ipadapter", "a cat")  # type: ignore[arg-type]


def test_a_journal_is_refused_before_anything_is_sent(ours: Segmind, mock: Mock, tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    ours.gather(work(ours), journal=journal)
    kept = journal.read_text()
    sent = len(mock.requests)
    other = Segmind(KEY, "http://127.0.0.1:9")
    wrong = {
        "notes": "my notes\n",
        "object": '{"a": 1}\n',
        "damaged": kept.replace('"event": "accepted"', '"event": "acc', 1),
        "place": kept + '{"call": 99, "event": "send", "at": 1}\n',
        "path": kept + '{"call": 0, "event": "saved", "files": ["../../x"]}\n',
        "version": kept.replace('"segmind_batch": 1', '"segmind_batch": 2'),
    }
    for name, text in wrong.items():
        (tmp_path / name).write_text(text)
    os.mkfifo(tmp_path / "pipe")
    attempts: list[tuple[Any, Path, str]] = [
        (work(ours)[::-1], journal, "call 0 has another model or other parameters"),
        (work(ours, 4), journal, "is of a batch of 3 calls; this one has 4"),
        (work(other), journal, "is for 'http://127.0.0.1:"),
        (work(ours), tmp_path / "notes", "is not the journal of a batch"),
        (work(ours), tmp_path / "object", "is not the journal of a batch"),
        (work(ours), tmp_path / "damaged", "line [2-9] of the journal .* is damaged"),
        (work(ours), tmp_path / "place", "is damaged"),
        (work(ours), tmp_path / "path", "is damaged"),
        (work(ours), tmp_path / "version", "version 2, not 1"),
        (work(ours), tmp_path / "pipe", "not a regular file"),
        (work(ours), tmp_path, "can't be opened"),
        (work(ours), tmp_path / "none" / "run.jsonl", "can't be opened"),
    ]
    for calls, path, said in attempts:
        client = other if "127.0.0.1:" in said else ours
        with pytest.raises(JournalError, match=said):
            client.gather(calls, journal=path)
    assert (tmp_path / "notes").read_text() == "my notes\n"
    assert len(mock.requests) == sent


def test_two_batches_can_not_share_a_journal(ours: Segmind, mock: Mock, tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    refused: list[JournalError] = []

    def meanwhile(_: object) -> None:
        if not refused:
            with pytest.raises(JournalError, match="is in use by another batch") as caught:
                ours.gather(work(ours), journal=journal)
            refused.append(caught.value)

    with Segmind(mock.key, mock.url, on_event=meanwhile) as client:
        assert client.gather(work(client), journal=journal).failures == {}
    assert refused
    assert ours.gather(work(ours), journal=journal).failures == {}


def test_the_journal_contains_no_key_and_no_inputs(client: Segmind, gateway: Gateway, tmp_path: Path) -> None:
    gateway.job("../../r1", slug="any")
    quoted = {"status": "COMPLETED", "output": f"{gateway.url}/1.png", "seen": f"the key {KEY}"}
    gateway.on("GET", "/v2/requests/..%2F..%2Fr1/status", json_answer(quoted))
    gateway.on("GET", "/v2/requests/..%2F..%2Fr1", json_answer(quoted))
    gateway.on("GET", "/1.png", Answer(200, b"\x89PNG\r\n\x1a\n", {"Content-Type": "image/png/../../x"}))
    secret = tmp_path / "input.png"
    secret.write_bytes(b"\x89PNG\r\n\x1a\nsecret")
    calls: list[Any] = [partial(client.submit_async, "any", image=secret, prompt="my prompt", other=b"\xff\xd8\xff!")]
    journal, folder = tmp_path / "run.jsonl", tmp_path / "in" / "out"
    done = client.gather(calls, journal=journal, folder=folder)
    text = journal.read_text()
    for hidden in (KEY, "my prompt", "secret", "input.png"):
        assert hidden not in text
    assert journal.stat().st_mode & 0o77 == 0
    assert [path.parent for path in done.files[0]] == [folder]
    assert [path.name for path in folder.iterdir()] == [done.files[0][0].name]
    secret.write_bytes(b"\x89PNG\r\n\x1a\nother")
    with pytest.raises(JournalError, match="other parameters"):
        client.gather(calls, journal=journal)


def test_work_that_can_not_be_resumed_is_rejected(ours: Segmind, mock: Mock, tmp_path: Path) -> None:
    job = ours.flux_ipadapter.submit(**CALL)
    pipe = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    pipe.seekable = lambda: False  # type: ignore[method-assign]
    wrong: list[tuple[Any, str]] = [
        (lambda: None, r"work\[0\] is a function; .*functools\.partial\(client"),
        (partial(ours.flux_ipadapter.run, **CALL), "is a call of 'run', whose result can't be collected"),
        (job, "is a job, which was already submitted"),
        (partial(ours.submit_async, "any", image=pipe), "a stream that can be read only once"),
        (partial(ours.submit_async, "any", image=object()), r"work\[0\]: a parameter can't be sent"),
    ]
    for item, said in wrong:
        with pytest.raises(TypeError, match=said):
            ours.gather([item], journal=tmp_path / "run.jsonl")
    with pytest.raises(ValueError, match="can't be sent"):
        ours.gather([partial(ours.submit_async, "any", image=Path("none"))], journal=tmp_path / "run.jsonl")
    with pytest.raises(ValueError, match="resend_in_doubt has no effect without journal"):
        ours.gather(work(ours), resend_in_doubt=True)
    assert len(mock.requests) == 1


def test_a_journal_that_can_not_be_written_ends_the_batch(
    ours: Segmind, mock: Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id of the job can't be noted, so it is in the exception."""
    real, calls = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 3:  # the opening, its folder and the first send
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(JournalError, match="No space left on device") as caught:
        ours.gather(work(ours), journal=tmp_path / "run.jsonl", concurrency=1)
    [job] = mock.jobs
    assert caught.value.request_id == job.request_id
    monkeypatch.undo()
    again = ours.gather(work(ours), journal=tmp_path / "run.jsonl")
    assert set(submits(mock).values()) == {1}
    assert again.failures.keys() <= {0}


def test_progress_is_plain_outside_of_a_terminal(ours: Segmind, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    done: Gathered = ours.gather([partial(ours.run_sync, "no-such-model")] * 25, concurrency=1, progress=True)
    assert len(done.failures) == 25
    lines = pipe.getvalue().splitlines()
    assert (len(lines), lines[0], lines[-1]) == (10, "3/25, 3 failed", "25/25, 25 failed")
