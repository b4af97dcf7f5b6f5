"""The work of a test process on a store. It is a module of its own, so that a process imports little."""

import asyncio
from multiprocessing.synchronize import Barrier

from segforge_mock import Store
from segforge_mock.jobs.job import Job
from segforge_mock.stores import open_store


def job(request_id: str = "id", tenant: str = "a", cost: float = 1.0, body: bytes = b"{}") -> Job:
    return Job(request_id, tenant, "slug", body, 1.5, 0.25, 2.0, 0.0, 0.0, cost)


async def charges(store: Store, attempts: int, cost: float) -> list[float]:
    """Charges repeatedly. Returns the remaining credits after each successful charge."""
    return [left for _ in range(attempts) if (left := await store.charge("a", cost)) is not None]


async def submits(store: Store, name: str, attempts: int, cost: float) -> list[float]:
    """Submits repeatedly. Returns the remaining credits after each accepted submit."""
    kept = [await store.submit(job(f"{name}-{number}", cost=cost)) for number in range(attempts)]
    return [each.remaining_credits for each in kept if each is not None]


async def _hit(store: Store, attempts: int) -> list[float]:
    return [await store.hit("a", 7) for _ in range(attempts)]


def meet(barrier: Barrier) -> None:
    """Waits until all processes have started."""
    barrier.wait(30)


def work(url: str, name: str, attempts: int, cost: float) -> tuple[list[float], list[float]]:
    """Opens a store and returns the results of charges and submits, and of hits."""

    async def run() -> tuple[list[float], list[float]]:
        store = open_store(url, 100.0)
        charged = await charges(store, attempts // 2, cost) + await submits(store, name, attempts // 2, cost)
        counted = await _hit(store, attempts)
        await store.close()
        return charged, counted

    return asyncio.run(run())
