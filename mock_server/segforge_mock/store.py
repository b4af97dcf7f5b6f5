"""Where jobs and balances are kept. This one is the memory of one process."""

from collections import OrderedDict
from typing import Protocol

from segforge_mock.jobs import Job

MICRO = 1_000_000


class Store(Protocol):
    """What the mock needs to keep. Balances are exact, whoever charges them at the same time."""

    async def add(self, job: Job) -> None:
        """Keep a job."""

    async def get(self, request_id: str) -> Job | None:
        """The job of that id, or None."""

    async def balance(self, key: str) -> float:
        """Credits of a key; a key not seen before has the opening balance."""

    async def charge(self, key: str, cost: float) -> float | None:
        """Take credits from a key's balance; gives what remains, or None (taking nothing) where they don't suffice."""


class MemoryStore:
    """Keeps jobs in the order of their submit and forgets those that are older than `retention` seconds."""

    def __init__(self, opening_credits: float, retention: float) -> None:
        self._opening = round(opening_credits * MICRO)
        self._retention = retention
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._balances: dict[str, int] = {}

    async def add(self, job: Job) -> None:
        """Keep a job, and forget the expired ones."""
        self._jobs[job.request_id] = job
        while next(iter(self._jobs.values())).submitted_at < job.submitted_at - self._retention:
            self._jobs.popitem(last=False)

    async def get(self, request_id: str) -> Job | None:
        """The job of that id, or None."""
        return self._jobs.get(request_id)

    async def balance(self, key: str) -> float:
        """Credits of a key."""
        return self._balances.get(key, self._opening) / MICRO

    async def charge(self, key: str, cost: float) -> float | None:
        """Take credits, in whole millionths so that sums stay exact."""
        remaining = self._balances.get(key, self._opening) - round(cost * MICRO)
        if remaining < 0:
            return None
        self._balances[key] = remaining
        return remaining / MICRO
