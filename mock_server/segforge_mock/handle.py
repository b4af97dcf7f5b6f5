"""A mock in this process, held in the hand: start it, break it, move its clock, look at what it was asked."""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from segforge_mock import settings as bounds
from segforge_mock.app import App, create_app
from segforge_mock.environment import without_proxy
from segforge_mock.faults.stubs import Distribution, Latency, RouteName, Stub, read_stub
from segforge_mock.gateway.routing import ROUTES
from segforge_mock.http.server import BackgroundServer
from segforge_mock.jobs.job import StateName, state
from segforge_mock.jobs.policy import read_policy
from segforge_mock.tenants.history import MAX_ENTRIES, HistoryEntry
from segforge_mock.tenants.tenants import Tenant

T = TypeVar("T")
KEY = "SG_0123456789abcdef"
MAX_WAIT = 86_400.0


@dataclass(frozen=True)
class RecordedRequest:
    """A request that the mock was sent, and what it answered; secrets are masked. Status 0: dropped unread."""

    method: str
    path: str
    route: str
    slug: str
    scenario: str | None
    status: int
    headers: dict[str, str]
    body: str
    response_headers: dict[str, str]
    response_body: str

    @property
    def json(self) -> Any:
        """The request's body as JSON. Raises ValueError if it is none."""
        return json.loads(self.body)


@dataclass(frozen=True)
class RecordedJob:
    """A v2 job that the mock took."""

    request_id: str
    slug: str
    status: StateName
    payload: Any
    error: str | None
    cost: float


class Clock:
    """The clock of a mock's tenant; it runs on by itself and can be moved forward."""

    __slots__ = ("_mock",)

    def __init__(self, mock: "Mock") -> None:
        self._mock = mock

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self._mock.app.now(self._mock.tenant)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by seconds. Raises BadSetting where it would go back, or centuries ahead."""
        tenant = self._mock.tenant
        tenant.clock_offset += bounds.advance(seconds, tenant.clock_offset)


class Mock:
    """A server on a free port in a thread of this process: `with Mock() as mock:`. Options are those of `create_app`.

    `key` is a key that it knows. What can't be set raises a ValueError (BadStub, BadPolicy, BadSetting) at the call.
    """

    __slots__ = ("__weakref__", "_clock", "_server", "app", "key")

    def __init__(self, *, key: str = KEY, **options: Any) -> None:
        self.key = bounds.filled("key", key)
        self.app: App = create_app(**options)
        self._clock = Clock(self)
        self._server = BackgroundServer(self.app)

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute. Raises AttributeError for `mock.profile = "observed"`, and says what to call instead."""
        call = "clock.advance" if name == "clock" else name
        if name == "clock" or callable(getattr(type(self), name, None)):
            raise AttributeError(f"{name} can't be assigned; call mock.{call}({value!r})")
        super().__setattr__(name, value)

    @property
    def clock(self) -> Clock:
        """The clock, which `clock.advance(seconds)` moves."""
        return self._clock

    @property
    def url(self) -> str:
        """Its origin. Raises RuntimeError before the start."""
        return self._server.url

    @property
    def base_url(self) -> str:
        """What the official SDK takes. Raises RuntimeError before the start."""
        return f"{self.url}/v1"

    @property
    def tenant(self) -> Tenant:
        """What belongs to the mock's key."""
        return self._on_loop(lambda: self.app.tenants.get(self.key.encode("latin-1")))

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that lead clients here, past a proxy that the environment names."""
        key = self.app.models.gateway.auth.environment
        return {"SEGMIND_BASE_URL": self.url, key: self.key, **without_proxy(os.environ)}

    def start(self) -> "Mock":
        """Start serving; comes back once connections are accepted."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop()

    def __enter__(self) -> "Mock":
        return self.start()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            loop = self._server.loop
        except RuntimeError:
            work.close()
            raise
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    def _on_loop(self, work: Callable[[], T]) -> T:
        """What a function returns that runs between two requests, since what is kept belongs to the server's thread."""

        async def run() -> T:
            return work()

        return self._run(run()) if self._server.running else work()

    def scenario(
        self,
        name: str,
        *,
        times: int | None = None,
        after: int = 0,
        every: int = 1,
        route: RouteName | None = None,
        slug: str | None = None,
        seconds: float | None = None,
    ) -> None:
        """Let something go wrong (see `segforge mock --list-scenarios`) with the requests that match.

        It spares the first `after`, takes every `every`-th, and ends after `times`. Raises BadStub.
        """
        self._add(Stub(name, None, route, slug, after, every, times, seconds))

    def latency(
        self,
        seconds: float,
        distribution: Distribution = "constant",
        *,
        sigma: float = 0.5,
        slug: str | None = None,
    ) -> None:
        """Let answers take their time, drawn from a distribution. Raises BadStub."""
        self._add(Stub(latency=Latency(distribution, seconds, sigma), slug=slug))

    def _add(self, stub: Stub) -> None:
        names = self.app.names
        checked, tenant = read_stub(stub, names.scenarios, names.slugs), self.tenant
        self._on_loop(lambda: self.app.tenants.add_stub(tenant, checked))

    def clear_scenarios(self) -> None:
        """Let everything go right again."""
        tenant = self.tenant
        self._on_loop(lambda: self.app.tenants.clear_stubs(tenant))

    def job_policy(self, text: str | None) -> None:
        """How the next jobs move: instant, seconds=S, polls=N, held; None for their own time. Raises BadPolicy."""
        self.tenant.policy = None if text is None else read_policy(text)

    def release(self) -> None:
        """Release all held jobs."""
        for job in self.jobs:
            self._run(self.app.store.release(job.request_id))

    def profile(self, name: str | None) -> None:
        """Answer as this profile of the specs says: documented or observed; None: as it did. Raises BadSetting."""
        self.tenant.profile = None if name is None else bounds.one_of("profile", name, self.app.names.profiles)

    def rate_limit(self, per_minute: int | str | None) -> None:
        """Allow so many requests a minute: a number, free, pro, business or scale, None for all. Raises BadSetting."""
        self.tenant.rate_limit = bounds.rate_limit(per_minute)

    @property
    def credits(self) -> float:
        """The balance of the key."""
        return self._run(self.app.store.balance(self.tenant.name))

    @credits.setter
    def credits(self, amount: float) -> None:
        self._run(self.app.store.set_balance(self.tenant.name, bounds.credits(amount)))

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request so far, the oldest first."""
        history = self.tenant.history
        return [_recorded(entry) for entry in self._on_loop(lambda: history.matching(lambda _: True))]

    def wait_for(self, count: int, *, route: str | None = None, timeout: float = 5.0) -> list[RecordedRequest]:
        """Wait for `count` requests (on a route), at most `timeout` seconds; gives all that came.

        Raises TimeoutError, which says how many came, where they were fewer, and BadSetting.
        """
        bounds.whole("count", count, MAX_ENTRIES)
        bounds.number("timeout", timeout, MAX_WAIT)
        if route is not None:
            bounds.one_of("route", route, ROUTES)

        def wanted(entry: HistoryEntry) -> bool:
            return route is None or entry.route == route

        found = self._run(self.tenant.history.wait(wanted, count, timeout))
        if len(found) < count:
            asked = f"{count} requests" if route is None else f"{count} requests to {route}"
            raise TimeoutError(f"waited {timeout:g} s for {asked}; {len(found)} came")
        return [_recorded(entry) for entry in found]

    @property
    def jobs(self) -> list[RecordedJob]:
        """Every v2 job so far with its state now, the oldest first."""
        now = self.clock.now
        jobs = self._run(self.app.store.jobs(self.tenant.name))
        return [
            RecordedJob(
                job.request_id,
                job.slug,
                state(job, now, self._run(self.app.store.progress(job.request_id))),
                json.loads(job.body),
                job.error,
                job.cost,
            )
            for job in jobs
        ]

    def reset(self) -> None:
        """Forget jobs, balance, scenarios, clock and requests."""
        name = self.tenant.name
        self._on_loop(lambda: self.app.tenants.reset(name))
        self._run(self.app.store.reset(name))


def _recorded(entry: HistoryEntry) -> RecordedRequest:
    data = entry.as_json()
    return RecordedRequest(
        method=data["method"],
        path=data["path"],
        route=data["route"],
        slug=data["slug"],
        scenario=data["scenario"],
        status=data["status"],
        headers=data["request"]["headers"],
        body=data["request"]["body"],
        response_headers=data["response"]["headers"],
        response_body=data["response"]["body"],
    )
