"""Every store behaves like a few lines of plain Python, also if processes share it."""

import asyncio
import multiprocessing
from collections.abc import Coroutine
from concurrent.futures import ProcessPoolExecutor
from typing import ClassVar, TypeVar

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from segforge_mock import Store
from segforge_mock.jobs.job import Job, Progress
from tests.mock.stores.charger import charges, job, meet, submits, work
from tests.mock.stores.conftest import Kind

T = TypeVar("T")

TENANTS = ["SG_0123456789abcdef", "b", "'; DROP TABLE jobs; --", "ü:*\n\x00"]
OPENING = 10.0
MOST = 6

tenants = st.sampled_from(TENANTS)
amounts = st.integers(0, 6_000_000).map(lambda millionths: millionths / 1_000_000)
minutes = st.integers(29_000_000, 29_000_003)


class Plain:
    """The behaviour of a store, in plain Python."""

    def __init__(self) -> None:
        self.credits: dict[str, int] = {}
        self.kept: dict[str, Job] = {}
        self.progress: dict[str, Progress] = {}
        self.hits: dict[tuple[str, int], int] = {}

    def balance(self, tenant: str) -> float:
        return self.credits.get(tenant, 10_000_000) / 1_000_000

    def charge(self, tenant: str, cost: float) -> float | None:
        remaining = round(self.balance(tenant) * 1_000_000) - round(cost * 1_000_000)
        if remaining < 0:
            return None
        self.credits[tenant] = remaining
        return remaining / 1_000_000

    def submit(self, submitted: Job) -> Job | None:
        remaining = self.charge(submitted.tenant, submitted.cost)
        if remaining is None:
            return None
        kept = msgspec.structs.replace(submitted, remaining_credits=remaining)
        self.kept[kept.request_id] = kept
        self.progress[kept.request_id] = Progress()
        if len(self.kept) > MOST:
            self.forget(next(iter(self.kept)))
        return kept

    def forget(self, request_id: str) -> None:
        del self.kept[request_id], self.progress[request_id]

    def jobs(self, tenant: str) -> list[Job]:
        return [kept for kept in self.kept.values() if kept.tenant == tenant]

    def hit(self, tenant: str, minute: int) -> int:
        self.hits = {
            (whose, when): count
            for (whose, when), count in self.hits.items()
            if whose != tenant or abs(when - minute) < 2
        }
        self.hits[tenant, minute] = self.hits.get((tenant, minute), 0) + 1
        return self.hits[tenant, minute]

    def reset(self, tenant: str) -> None:
        self.credits.pop(tenant, None)
        self.hits = {key: count for key, count in self.hits.items() if key[0] != tenant}
        for kept in self.jobs(tenant):
            self.forget(kept.request_id)


class Comparison(RuleBasedStateMachine):
    """Calls a store and Plain with the same arguments, and compares their results."""

    kind: ClassVar[Kind]
    ids = Bundle[str]("ids")

    def __init__(self) -> None:
        super().__init__()
        self.kind.wipe()
        self.plain = Plain()
        self.runner = asyncio.Runner()
        self.store: Store = self.kind.store(OPENING, MOST)
        self.submitted = 0

    def do(self, call: Coroutine[object, object, T]) -> T:
        return self.runner.run(call)

    @rule(target=ids, tenant=tenants, cost=amounts, body=st.binary(max_size=20), error=st.none() | st.text(max_size=5))
    def submit(self, tenant: str, cost: float, body: bytes, error: str | None) -> str:
        self.submitted += 1
        request_id = f"{self.submitted:032x}"
        submitted = msgspec.structs.replace(job(request_id, tenant, cost, body), error=error)
        assert self.do(self.store.submit(submitted)) == self.plain.submit(submitted)
        return request_id

    @rule(tenant=tenants, cost=amounts)
    def charge(self, tenant: str, cost: float) -> None:
        assert self.do(self.store.charge(tenant, cost)) == self.plain.charge(tenant, cost)

    @rule(tenant=tenants, amount=amounts)
    def set_balance(self, tenant: str, amount: float) -> None:
        self.do(self.store.set_balance(tenant, amount))
        self.plain.credits[tenant] = round(amount * 1_000_000)

    @rule(request_id=ids)
    def count_poll(self, request_id: str) -> None:
        before = self.plain.progress.get(request_id)
        expected = Progress() if before is None else Progress(before.polls + 1, before.released)
        assert self.do(self.store.count_poll(request_id)) == expected
        if before is not None:
            self.plain.progress[request_id] = expected

    @rule(request_id=ids)
    def release(self, request_id: str) -> None:
        self.do(self.store.release(request_id))
        if request_id in self.plain.progress:
            self.plain.progress[request_id] = Progress(self.plain.progress[request_id].polls, released=True)

    @rule(request_id=ids, cost=amounts, error=st.none() | st.text(max_size=5))
    def replace(self, request_id: str, cost: float, error: str | None) -> None:
        kept = self.plain.kept.get(request_id) or job(request_id, TENANTS[0])
        changed = msgspec.structs.replace(kept, cost=cost, error=error)
        self.do(self.store.replace(changed))
        if request_id in self.plain.kept:
            self.plain.kept[request_id] = changed

    @rule(request_id=ids)
    def get(self, request_id: str) -> None:
        assert self.do(self.store.get(request_id)) == self.plain.kept.get(request_id)
        assert self.do(self.store.progress(request_id)) == self.plain.progress.get(request_id, Progress())

    @rule(tenant=tenants, minute=minutes)
    def hit(self, tenant: str, minute: int) -> None:
        assert self.do(self.store.hit(tenant, minute)) == self.plain.hit(tenant, minute)

    @rule(tenant=tenants)
    def reset(self, tenant: str) -> None:
        self.do(self.store.reset(tenant))
        self.plain.reset(tenant)

    @precondition(lambda self: self.kind.lasts)
    @rule()
    def reopen(self) -> None:
        self.do(self.store.close())
        self.store = self.kind.store(OPENING, MOST)

    @invariant()
    def every_tenant_has_what_is_its_own(self) -> None:
        for tenant in TENANTS:
            assert self.do(self.store.balance(tenant)) == self.plain.balance(tenant)
            assert self.do(self.store.jobs(tenant)) == self.plain.jobs(tenant)

    def teardown(self) -> None:
        self.do(self.store.close())
        self.runner.close()


def test_it_behaves_like_plain_python(kind: Kind) -> None:
    class OfKind(Comparison):
        pass

    OfKind.kind = kind
    run_state_machine_as_test(OfKind, settings=settings(max_examples=30, stateful_step_count=40))


def test_unknown_ids_are_nothing_and_leave_nothing(kind: Kind) -> None:
    async def run() -> None:
        store = kind.store()
        await store.release("x")
        assert await store.count_poll("x") == Progress()
        assert await store.get("x") is None
        await store.submit(job("x"))
        assert await store.progress("x") == Progress()
        await store.close()

    asyncio.run(run())


def test_tasks_that_charge_at_once_share_the_balance_exactly(kind: Kind) -> None:
    async def run() -> None:
        store = kind.store(100.0)
        parts = await asyncio.gather(
            *[charges(store, 50, 0.07) for _ in range(20)], *[submits(store, str(n), 50, 0.07) for n in range(20)]
        )
        assert sorted(left for part in parts for left in part) == _remainders(100.0, 0.07)
        assert await store.balance("a") == 0.04
        await store.close()

    asyncio.run(run())


def test_processes_that_charge_at_once_share_the_balance_exactly(shared: Kind) -> None:
    """The processes also open the store at once."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, spawn, initializer=meet, initargs=(spawn.Barrier(3),)) as processes:
        parts = list(processes.map(work, [shared.url] * 3, "xyz", [600] * 3, [0.07] * 3, timeout=60))
    assert sorted(left for charged, _ in parts for left in charged) == _remainders(100.0, 0.07)
    assert sorted(count for _, counted in parts for count in counted) == list(range(1, 1801))


def _remainders(opening: float, cost: float) -> list[float]:
    """The remaining credits after each charge until the balance is too low, in ascending order."""
    opening_millionths, cost_millionths = round(opening * 1_000_000), round(cost * 1_000_000)
    times = opening_millionths // cost_millionths
    return [(opening_millionths - number * cost_millionths) / 1_000_000 for number in range(times, 0, -1)]


@pytest.mark.parametrize("opening", [10.0, 50.0])
def test_balances_outlive_another_opening_balance(shared: Kind, opening: float) -> None:
    async def run() -> None:
        first = shared.store(10.0)
        await first.charge("a", 4)
        await first.close()
        second = shared.store(opening)
        assert await second.balance("a") == 6.0
        assert await second.balance("b") == opening
        await second.close()

    asyncio.run(run())
