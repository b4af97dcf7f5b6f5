"""The store in the memory of one process."""

import sys
from itertools import islice
from typing import Final

import msgspec

from segforge_mock.jobs.job import Job, Progress
from segforge_mock.memory import STATE_SHARE, Kept, Memory, Shelf
from segforge_mock.stores.base import MAX_JOBS, MICRO, micros

JOB_BYTES: Final = 900
"""Memory that a job takes beside its body: record, id, times, progress and its entry among the tenant's jobs."""
ACCOUNT_BYTES: Final = 250
"""Memory that a balance takes, with the tenant's name."""
GIVEN_BYTES: Final = 300
"""Memory that the parts of a job take that a stub states, beside its files."""
GIVEN_FILE_BYTES: Final = 600
"""Memory that the record of a file takes that a stub states, with its texts."""
PART_BYTES: Final = 350
"""Memory that the table of a tenant's jobs takes, or that of its rate windows."""


class _Account(msgspec.Struct):
    """The balance, jobs and rate windows of a tenant."""

    credits: int
    jobs: dict[str, None] | None = None
    hits: dict[int, int] | None = None

    def charge(self, cost: float) -> float | None:
        """Charges a cost; see Store."""
        remaining = self.credits - round(cost * MICRO)
        if remaining < 0:
            return None
        self.credits = remaining
        return remaining / MICRO


class MemoryStore:
    """Keeps everything in this process: at most the newest `max_jobs`, and at most as much as fits into `memory`.

    If the memory is full, the balances that were not charged for the longest time are dropped first, with their jobs.
    Their tenants start again with the opening balance.
    """

    def __init__(self, opening_credits: float, max_jobs: int = MAX_JOBS, memory: Memory | None = None) -> None:
        self.memory = memory = memory or Memory()
        self._opening = micros(opening_credits)
        self._accounts: Shelf[str, _Account] = Shelf(
            memory, "balances", most_bytes=memory.limit // STATE_SHARE, forget=self._forget_account, last=True
        )
        self._jobs: Shelf[str, Job] = Shelf(memory, "jobs", most=max_jobs, forget=self._forget_job, leaves=True)
        self._progress: dict[str, Progress] = {}

    def _account(self, tenant: str) -> Kept[str, _Account]:
        """Returns the account of a tenant as the last one used; opens it if necessary."""
        return self._accounts.use(tenant) or self._open(tenant)

    def _open(self, tenant: str) -> Kept[str, _Account]:
        return self._accounts.put(tenant, _Account(self._opening), ACCOUNT_BYTES)

    async def submit(self, job: Job) -> Job | None:
        """Charges and keeps a job."""
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
        self._keep(kept)
        return kept

    def _keep(self, job: Job) -> None:
        size = JOB_BYTES + len(job.body) + len(job.slug)
        if job.given is not None:
            size += GIVEN_BYTES + GIVEN_FILE_BYTES * len(job.given.files)
        self._jobs.put(job.request_id, job, size if job.error is None else size + sys.getsizeof(job.error))

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
        """Charges a cost."""
        return (self._accounts.use(tenant) or self._open(tenant)).thing.charge(cost)

    async def balance(self, tenant: str) -> float:
        """Returns the credits of a tenant."""
        kept = self._accounts.use(tenant)
        return (self._opening if kept is None else kept.thing.credits) / MICRO

    async def set_balance(self, tenant: str, amount: float) -> None:
        """Sets the credits of a tenant."""
        self._account(tenant).thing.credits = micros(amount)

    async def get(self, request_id: str) -> Job | None:
        """Returns the job with this id, or None."""
        return self._jobs.get(request_id)

    async def jobs(self, tenant: str, most: int | None = None) -> list[Job]:
        """Returns the jobs of a tenant."""
        account = self._accounts.get(tenant)
        ids = reversed((account.jobs if account is not None else None) or {})
        newest = [job for request_id in islice(ids, most) if (job := self._jobs.get(request_id)) is not None]
        return newest[::-1]

    async def replace(self, job: Job) -> None:
        """Replaces the record of a job."""
        if job.request_id in self._jobs:
            self._keep(job)

    async def progress(self, request_id: str) -> Progress:
        """Returns the changes of a job since its submit."""
        return self._progress.get(request_id) or Progress()

    async def count_poll(self, request_id: str) -> Progress:
        """Counts a poll."""
        before = await self.progress(request_id)
        if request_id not in self._jobs:
            return before
        after = self._progress[request_id] = Progress(before.polls + 1, before.released)
        return after

    async def release(self, request_id: str) -> None:
        """Releases a held job."""
        if request_id in self._jobs:
            before = await self.progress(request_id)
            self._progress[request_id] = Progress(before.polls, released=True)

    async def hit(self, tenant: str, window: int) -> int:
        """Counts a request in a rate window."""
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
        """Removes a tenant."""
        account = self._accounts.pop(tenant)
        if account is not None:
            self._forget_account(account)

    async def close(self) -> None:
        """Does nothing: no file or connection is open."""
