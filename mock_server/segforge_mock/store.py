"""Where jobs, balances and rate windows are kept: the protocol, and the store in the memory of one process.

Everything belongs to a tenant (the caller's key, unless a header names another), so that parallel tests don't meet.
Credits are counted in whole millionths, so that sums stay exact.
"""

from collections import OrderedDict
from typing import Final, Protocol

import msgspec

from segforge_mock.jobs import Job, Progress

MICRO: Final = 1_000_000
MAX_JOBS: Final = 100_000


class Store(Protocol):
    """What the mock needs to keep. Every method is atomic, whoever else works on the same store."""

    async def submit(self, job: Job) -> Job | None:
        """Charge a job and keep it; gives it with what remains, or None, keeping nothing, on a low balance."""

    async def charge(self, tenant: str, cost: float) -> float | None:
        """Charge a cost without a job (v1); gives what remains, or None (charging nothing) on a low balance."""

    async def balance(self, tenant: str) -> float:
        """Credits of a tenant; one not seen before has the opening balance."""

    async def set_balance(self, tenant: str, amount: float) -> None:
        """Set the credits of a tenant."""

    async def get(self, request_id: str) -> Job | None:
        """The job of that id, or None."""

    async def jobs(self, tenant: str) -> list[Job]:
        """The jobs of a tenant, the oldest first."""

    async def progress(self, request_id: str) -> Progress:
        """What changed about a job since its submit."""

    async def count_poll(self, request_id: str) -> Progress:
        """Count one more poll of a job's status; gives the progress with it."""

    async def release(self, request_id: str) -> None:
        """Release a held job."""

    async def hit(self, tenant: str, window: int) -> int:
        """Count a request in a rate window (whole minutes since the epoch); gives how many there are now."""

    async def reset(self, tenant: str) -> None:
        """Forget a tenant: its jobs, its balance, its rate window."""

    async def close(self) -> None:
        """Give back what the store holds open."""


class _Account(msgspec.Struct):
    """What a tenant has in memory."""

    credits: int
    jobs: OrderedDict[str, None] = msgspec.field(default_factory=OrderedDict)
    window: int = 0
    hits: int = 0


class MemoryStore:
    """Keeps everything in this process, and of the jobs the newest MAX_JOBS."""

    def __init__(self, opening_credits: float) -> None:
        self._opening = round(opening_credits * MICRO)
        self._accounts: dict[str, _Account] = {}
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._progress: dict[str, Progress] = {}

    def _account(self, tenant: str) -> _Account:
        account = self._accounts.get(tenant)
        if account is None:
            account = self._accounts[tenant] = _Account(self._opening)
        return account

    async def submit(self, job: Job) -> Job | None:
        """Charge and keep a job."""
        remaining = await self.charge(job.tenant, job.cost)
        if remaining is None:
            return None
        kept = msgspec.structs.replace(job, remaining_credits=remaining)
        self._jobs[job.request_id] = kept
        self._account(job.tenant).jobs[job.request_id] = None
        if len(self._jobs) > MAX_JOBS:
            self._forget(next(iter(self._jobs.values())))
        return kept

    def _forget(self, job: Job) -> None:
        del self._jobs[job.request_id]
        self._progress.pop(job.request_id, None)
        self._account(job.tenant).jobs.pop(job.request_id, None)

    async def charge(self, tenant: str, cost: float) -> float | None:
        """Charge a cost."""
        account = self._account(tenant)
        remaining = account.credits - round(cost * MICRO)
        if remaining < 0:
            return None
        account.credits = remaining
        return remaining / MICRO

    async def balance(self, tenant: str) -> float:
        """Credits of a tenant."""
        return self._account(tenant).credits / MICRO

    async def set_balance(self, tenant: str, amount: float) -> None:
        """Set the credits of a tenant."""
        self._account(tenant).credits = round(amount * MICRO)

    async def get(self, request_id: str) -> Job | None:
        """The job of that id, or None."""
        return self._jobs.get(request_id)

    async def jobs(self, tenant: str) -> list[Job]:
        """The jobs of a tenant."""
        return [self._jobs[request_id] for request_id in self._account(tenant).jobs]

    async def progress(self, request_id: str) -> Progress:
        """What changed about a job."""
        return self._progress.get(request_id) or Progress()

    async def count_poll(self, request_id: str) -> Progress:
        """Count a poll."""
        before = await self.progress(request_id)
        after = self._progress[request_id] = Progress(before.polls + 1, before.released)
        return after

    async def release(self, request_id: str) -> None:
        """Release a held job."""
        before = await self.progress(request_id)
        self._progress[request_id] = Progress(before.polls, released=True)

    async def hit(self, tenant: str, window: int) -> int:
        """Count a request in a rate window."""
        account = self._account(tenant)
        account.hits = account.hits + 1 if account.window == window else 1
        account.window = window
        return account.hits

    async def reset(self, tenant: str) -> None:
        """Forget a tenant."""
        account = self._accounts.pop(tenant, None)
        for request_id in account.jobs if account is not None else ():
            del self._jobs[request_id]
            self._progress.pop(request_id, None)

    async def close(self) -> None:
        """Nothing is held open."""
