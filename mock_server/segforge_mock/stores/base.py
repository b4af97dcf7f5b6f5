"""The protocol of a store, which keeps jobs, balances and rate windows.

All of them belong to a tenant: the caller's key, or the name in the request's x-mock-tenant header. So parallel tests
share nothing. Credits are counted in whole millionths, which keeps sums exact.
"""

import zlib
from typing import Final, Protocol

from segforge_mock.http.endpoint import Unavailable
from segforge_mock.jobs.job import Job, Progress

MICRO: Final = 1_000_000
MAX_JOBS: Final = 100_000

KEEP_SECONDS: Final = 7 * 86_400
"""How long a shared store keeps unused entries, in real time. The gateway keeps images as long."""

FORMAT: Final = zlib.crc32(",".join(Job.__struct_fields__).encode()) & 0x7FFF_FFFF
"""Identifies the fields of a record, so that a store never reads records of another version of the mock."""


class StoreError(Unavailable):
    """A store that can't be opened or reached. The message says why and never holds a password."""

    @property
    def reason(self) -> str:
        """The text of the answer to a request that needs the store."""
        return f"The mock's store failed: {self}"


def micros(amount: float) -> int:
    """Returns credits in whole millionths."""
    return round(amount * MICRO)


class Store(Protocol):
    """Keeps the state of jobs and tenants. Every method is atomic, also if processes share the store."""

    async def submit(self, job: Job) -> Job | None:
        """Charges and keeps a job. Returns it with the remaining credits, or None if the balance is too low."""

    async def charge(self, tenant: str, cost: float) -> float | None:
        """Charges a cost without a job (v1). Returns the remaining credits, or None if the balance is too low."""

    async def balance(self, tenant: str) -> float:
        """Returns the credits of a tenant; a new one has the opening balance."""

    async def set_balance(self, tenant: str, amount: float) -> None:
        """Sets the credits of a tenant."""

    async def get(self, request_id: str) -> Job | None:
        """Returns the job with this id, or None."""

    async def jobs(self, tenant: str, most: int | None = None) -> list[Job]:
        """Returns the jobs of a tenant, or at most `most` of the newest ones, the oldest first."""

    async def replace(self, job: Job) -> None:
        """Replaces the record of the job with this id, without a charge. An unknown job is ignored."""

    async def progress(self, request_id: str) -> Progress:
        """Returns the changes of a job since its submit; of an unknown job, no changes."""

    async def count_poll(self, request_id: str) -> Progress:
        """Counts a poll of a job's status and returns the job's progress. An unknown job has none."""

    async def release(self, request_id: str) -> None:
        """Releases a held job. An unknown job is ignored."""

    async def hit(self, tenant: str, window: int) -> int:
        """Counts a request in a rate window (whole minutes since the epoch) and returns the window's requests.

        Windows more than a minute apart are dropped. The previous window stays, since the clocks of workers differ.
        """

    async def reset(self, tenant: str) -> None:
        """Removes the jobs, the balance and the rate windows of a tenant."""

    async def close(self) -> None:
        """Closes files and connections."""
