"""Where jobs, balances and rate windows are kept: the protocol, and the store in the memory of one process.

Everything belongs to a tenant (the caller's key, unless a header names another), so that parallel tests don't meet.
Credits are counted in whole millionths, so that sums stay exact.
"""

import sys
import zlib
from typing import Final, Protocol

import msgspec

from segforge_mock.http.endpoint import Unavailable
from segforge_mock.jobs.job import Job, Progress
from segforge_mock.memory import STATE_SHARE, Kept, Memory, Shelf

MICRO: Final = 1_000_000
MAX_JOBS: Final = 100_000

JOB_BYTES: Final = 900
"""What a job needs in memory beside its body: record, id, times, progress and its place among the tenant's jobs."""
ACCOUNT_BYTES: Final = 250
"""What a balance needs in memory, with the tenant's name; a tenant with jobs or rate windows needs more."""
PART_BYTES: Final = 350

KEEP_SECONDS: Final = 7 * 86_400
"""How long a store that outlives the process keeps what nobody uses, by real time: as the gateway keeps pictures."""

FORMAT: Final = zlib.crc32(",".join(Job.__struct_fields__).encode()) & 0x7FFF_FFFF
"""Names what a kept record is made of, so that a store never reads the records of another version of the mock."""


class StoreError(Unavailable):
    """A store can't be opened or has failed. The message says why and never contains a password."""

    @property
    def reason(self) -> str:
        """The text of the answer to a request that needed the store."""
        return f"The mock's store failed: {self}"


def micros(amount: float) -> int:
    """Credits in whole millionths."""
    return round(amount * MICRO)


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
        """What changed about a job since its submit; nothing where there is no such job."""

    async def count_poll(self, request_id: str) -> Progress:
        """Count one more poll of a job's status, where there is such a job; gives the progress with it."""

    async def release(self, request_id: str) -> None:
        """Release a held job, where there is such a job."""

    async def hit(self, tenant: str, window: int) -> int:
        """Count a request in a rate window (whole minutes since the epoch); gives how many there are now.

        Windows further than a minute away are forgotten, but not the one before: workers don't turn the minute at once.
        """

    async def reset(self, tenant: str) -> None:
        """Forget a tenant: its jobs, its balance, its rate windows."""

    async def close(self) -> None:
        """Give back what the store holds open."""


class _Account(msgspec.Struct):
    """What a tenant has in memory."""

    credits: int
    jobs: dict[str, None] | None = None
    hits: dict[int, int] | None = None

    def charge(self, cost: float) -> float | None:
        """See Store."""
        remaining = self.credits - micros(cost)
        if remaining < 0:
            return None
        self.credits = remaining
        return remaining / MICRO


class MemoryStore:
    """Keeps everything in this process: of the jobs the newest `max_jobs`, and of all what fits into `memory`.

    A tenant whose balance was forgotten for want of room starts again with the opening balance, and without jobs. Those
    that were not charged for the longest time are forgotten first.
    """

    def __init__(self, opening_credits: float, max_jobs: int = MAX_JOBS, memory: Memory | None = None) -> None:
        self.memory = memory = memory or Memory()
        self._opening = micros(opening_credits)
        self._accounts: Shelf[str, _Account] = Shelf(
            memory, "balances", most_bytes=memory.limit // STATE_SHARE, forget=self._forget_account, last=True
        )
        self._jobs: Shelf[str, Job] = Shelf(memory, "jobs", most=max_jobs, forget=self._forget_job)
        self._progress: dict[str, Progress] = {}

    def _account(self, tenant: str) -> Kept[str, _Account]:
        """The account of a tenant, opened if there is none; it becomes the newest."""
        return self._accounts.use(tenant) or self._open(tenant)

    def _open(self, tenant: str) -> Kept[str, _Account]:
        return self._accounts.put(tenant, _Account(self._opening), ACCOUNT_BYTES)

    async def submit(self, job: Job) -> Job | None:
        """Charge and keep a job."""
        kept_account = self._accounts.use(job.tenant) or self._open(job.tenant)
        account = kept_account.thing
        remaining = account.charge(job.cost)
        if remaining is None:
            return None
        kept = msgspec.structs.replace(job, remaining_credits=remaining)
        if account.jobs is None:
            account.jobs = {}
            self._accounts.grow(kept_account, PART_BYTES)
        account.jobs[job.request_id] = None
        size = JOB_BYTES + len(job.body) + len(job.slug)
        self._jobs.put(job.request_id, kept, size if job.error is None else size + sys.getsizeof(job.error))
        return kept

    def _forget_job(self, job: Job) -> None:
        self._progress.pop(job.request_id, None)
        account = self._accounts.get(job.tenant)
        if account is not None and account.jobs is not None:
            account.jobs.pop(job.request_id, None)

    def _forget_account(self, account: _Account) -> None:
        for request_id in account.jobs or ():
            self._jobs.pop(request_id)
            self._progress.pop(request_id, None)

    async def charge(self, tenant: str, cost: float) -> float | None:
        """Charge a cost."""
        return self._account(tenant).thing.charge(cost)

    async def balance(self, tenant: str) -> float:
        """Credits of a tenant."""
        kept = self._accounts.use(tenant)
        return (self._opening if kept is None else kept.thing.credits) / MICRO

    async def set_balance(self, tenant: str, amount: float) -> None:
        """Set the credits of a tenant."""
        self._account(tenant).thing.credits = micros(amount)

    async def get(self, request_id: str) -> Job | None:
        """The job of that id, or None."""
        return self._jobs.get(request_id)

    async def jobs(self, tenant: str) -> list[Job]:
        """The jobs of a tenant."""
        account = self._accounts.get(tenant)
        ids = (account.jobs if account is not None else None) or ()
        return [job for request_id in ids if (job := self._jobs.get(request_id)) is not None]

    async def progress(self, request_id: str) -> Progress:
        """What changed about a job."""
        return self._progress.get(request_id) or Progress()

    async def count_poll(self, request_id: str) -> Progress:
        """Count a poll."""
        before = await self.progress(request_id)
        if request_id not in self._jobs:
            return before
        after = self._progress[request_id] = Progress(before.polls + 1, before.released)
        return after

    async def release(self, request_id: str) -> None:
        """Release a held job."""
        if request_id in self._jobs:
            before = await self.progress(request_id)
            self._progress[request_id] = Progress(before.polls, released=True)

    async def hit(self, tenant: str, window: int) -> int:
        """Count a request in a rate window."""
        kept = self._account(tenant)
        account = kept.thing
        if account.hits is None:
            account.hits = {}
            self._accounts.grow(kept, PART_BYTES)
        hits = account.hits
        hits[window] = hits.get(window, 0) + 1
        if hits[window] == 1:
            for other in [other for other in hits if abs(other - window) > 1]:
                del hits[other]
        return hits[window]

    async def reset(self, tenant: str) -> None:
        """Forget a tenant."""
        account = self._accounts.pop(tenant)
        if account is not None:
            self._forget_account(account)

    async def close(self) -> None:
        """Nothing is held open."""
