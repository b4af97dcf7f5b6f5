"""Batches that are killed at a random moment and resumed, checked against the mock's own book of jobs and credits.

`make batch-proof` runs two hundred of them. Each batch is a process of its own, which SIGKILL ends.
"""

import json
import math
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from segforge_mock import Mock
from segmind_client import Gathered
from tests.client import batch_program
from tests.client.batch_program import CALLS, CONCURRENCY, gathered
from tests.shared import run_proof

OPENING: Final = 1000.0
LONGEST: Final = 0.9
"""The seconds after the first request within which a batch is killed. A batch without faults takes about as long."""


@dataclass(frozen=True)
class Killed:
    """The facts about a batch that was killed and resumed.

    Attributes:
        accepted: the ids in the journal when the process was killed, by position.
        resumed: the outcome of the second run.
        book: how often each position was paid for after the second run, by the mock's book.
        resent: the same after a third run, which sent the calls in doubt again.
    """

    seed: int
    was_killed: bool
    accepted: dict[int, str]
    resumed: Gathered
    book: Counter[int]
    resent: Counter[int]

    @property
    def doubts(self) -> list[int]:
        """The positions in doubt after the second run."""
        return list(self.resumed.in_doubt)


def run(seed: int, mock: Mock, folder: Path) -> Killed:
    """Runs a batch, kills it, resumes it, and resumes it again with the calls that were in doubt."""
    draw = random.Random(seed)
    mock.reset()
    mock.credits = OPENING
    mock.job_policy("seconds=0.02")
    mock.latency(0.03, "lognormal", route="submit", after_effect=draw.random() < 0.5)
    mock.latency(0.01, "lognormal", route="status")
    kind = draw.choice(("blocking", "asynchronous"))
    journal = folder / f"{seed}.jsonl"
    given = (kind, mock.key, mock.url, str(journal), str(folder / str(seed)))
    was_killed = _killed(given, draw.uniform(0, LONGEST), mock)
    accepted = dict(_accepted(journal))
    if was_killed and draw.random() < 0.5:
        with journal.open("ab") as torn:  # a line that a kill cut off
            torn.write(b'{"call": 3, "event": "acc')
    mock.clear_scenarios()
    resumed = gathered(*given)
    book = _book(mock)
    gathered(*given, resend=True)
    return Killed(seed, was_killed, accepted, resumed, book, _book(mock))


def check(killed: Killed) -> None:
    """Raises AssertionError if a call was paid for twice, or if a job was lost whose id was on disk."""
    doubts = killed.doubts
    failures = {place: type(error).__name__ for place, error in killed.resumed.failures.items()}
    assert failures == dict.fromkeys(doubts, "InDoubt"), killed
    assert len(doubts) <= CONCURRENCY, killed
    for place in range(CALLS):
        paid = killed.book[place]
        assert paid in ((0, 1) if place in doubts else (1,)), (place, killed)
        assert killed.resent[place] == (paid + 1 if place in doubts else 1), (place, killed)
        assert len(killed.resumed.files.get(place, ())) == (place not in doubts), (place, killed)
    results = killed.resumed.results
    assert {place: results[place].request_id for place in killed.accepted} == killed.accepted, killed


def _killed(given: tuple[str, ...], seconds: float, mock: Mock) -> bool:
    """Runs a batch and kills it a while after its first request. Returns whether it was killed before its end."""
    with subprocess.Popen([sys.executable, batch_program.__file__, *given]) as process:
        mock.wait_for(1, timeout=60)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait(60) != 0


def _accepted(journal: Path) -> Iterator[tuple[int, str]]:
    """Yields the ids in a journal, by position. A line without its end does not count."""
    whole = journal.read_bytes().rpartition(b"\n")[0] if journal.exists() else b""
    for line in whole.splitlines():
        event = json.loads(line)
        if event.get("event") == "accepted":
            yield event["call"], event["id"]


def _book(mock: Mock) -> Counter[int]:
    """Returns how often each position was paid for. The balance must agree with the jobs."""
    jobs = mock.jobs
    assert math.isclose(OPENING - mock.credits, sum(job.cost for job in jobs), abs_tol=1e-4)
    return Counter(int(job.payload["prompt"].removeprefix("call ")) for job in jobs)


def prove(count: int, first: int = 0) -> list[Killed]:
    """Runs batches one after another, and checks each."""
    memory = Path("/dev/shm")  # the proof is about killed processes, not about machines that lose power
    with (
        Mock(time_scale=0, images="tiny") as mock,
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
    ):
        results = []
        for seed in range(first, first + count):
            results.append(run(seed, mock, Path(folder)))
            check(results[-1])
        return results


def summary(results: list[Killed]) -> str:
    """The result of the proof in a few lines."""
    doubts = sorted(len(each.doubts) for each in results)
    paid = sum(each.book[place] for each in results for place in each.doubts)
    return (
        f"{len(results)} batches of {CALLS} jobs, {sum(each.was_killed for each in results)} killed before their end\n"
        f"0 jobs paid twice, 0 lost of {sum(len(each.accepted) for each in results)} whose id was on disk at the kill\n"
        f"in doubt: {sum(doubts)} calls, median {doubts[len(doubts) // 2]} and at most {doubts[-1]} a kill; "
        f"{paid} of them had been paid"
    )


if __name__ == "__main__":
    run_proof(__doc__, prove, summary)
