"""Controls a mock that runs in a thread of this process: its faults, its clock, its jobs and its history."""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from segforge_mock import bounds
from segforge_mock.app import App, create_app
from segforge_mock.environment import without_proxy
from segforge_mock.faults.reading import any_file, read_stub
from segforge_mock.faults.stubs import Distribution, Latency, RouteName, Stub
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
    """A request and its answer, with secrets masked. Status 0: no answer was sent, or none yet if it is `running`.

    `client` is the User-Agent, and `traceparent` the header of that name; None without the header.
    """

    method: str
    path: str
    route: str
    slug: str
    scenario: str | None
    status: int
    running: bool
    client: str | None
    traceparent: str | None
    headers: dict[str, str]
    body: str
    response_headers: dict[str, str]
    response_body: str

    @property
    def json(self) -> Any:
        """The request's body, decoded. Raises ValueError if it isn't JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class RecordedJob:
    """A v2 job that the mock accepted. `cost` is in credits."""

    request_id: str
    slug: str
    status: StateName
    payload: Any
    error: str | None
    cost: float


class Clock:
    """The clock of a mock's key. It runs, and can be moved forward."""

    __slots__ = ("_mock",)

    def __init__(self, mock: "Mock") -> None:
        self._mock = mock

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self._mock.app.now(self._mock.tenant)

    def advance(self, seconds: float) -> None:
        """Moves the clock forward by seconds. Raises BadSetting below 0, or beyond MAX_OFFSET in all."""
        tenant = self._mock.tenant
        tenant.clock_offset += bounds.advance(seconds, tenant.clock_offset)


class Mock:
    """A mock on a free port, in a thread of this process: `with Mock() as mock:`. Options are those of `create_app`.

    The methods act on the tenant of `key`. A value that is not valid raises BadSetting, a ValueError, at the call.
    """

    __slots__ = ("__weakref__", "_clock", "_server", "app", "key")

    def __init__(self, *, key: str = KEY, **options: Any) -> None:
        self.key = bounds.filled("key", key)
        self.app: App = create_app(**options)
        self._clock = Clock(self)
        self._server = BackgroundServer(self.app)

    def __setattr__(self, name: str, value: object) -> None:
        """Sets an attribute. Assigning to a method, as in `mock.profile = "observed"`, raises AttributeError."""
        call = "clock.advance" if name == "clock" else name
        if name == "clock" or callable(getattr(type(self), name, None)):
            raise AttributeError(f"{name} can't be assigned; call mock.{call}({value!r}) instead")
        super().__setattr__(name, value)

    @property
    def clock(self) -> Clock:
        """The clock, which `clock.advance(seconds)` moves."""
        return self._clock

    @property
    def url(self) -> str:
        """The origin, such as http://127.0.0.1:51234. Raises RuntimeError before the start."""
        return self._server.url

    @property
    def base_url(self) -> str:
        """The base URL of the official SDK, which ends with /v1. Raises RuntimeError before the start."""
        return f"{self.url}/v1"

    @property
    def tenant(self) -> Tenant:
        """The tenant of the mock's key."""
        return self._on_loop(lambda: self.app.tenants.get(self.key.encode("latin-1")))

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point clients to this mock, and past a proxy that the environment names."""
        key = self.app.models.gateway.auth.environment
        return {"SEGMIND_BASE_URL": self.url, key: self.key, **without_proxy(os.environ)}

    def start(self) -> "Mock":
        """Starts the server, and returns once it accepts connections."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Stops the server."""
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
        """Runs a function between two requests, since the server's thread owns its state, and returns its result."""

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
        """Plays a scenario (see `segforge mock --list-scenarios`) for requests to this route and model.

        It skips the first `after` of them, then applies to every `every`-th one, at most `times` times. `seconds` is
        the length of a slow body. Raises BadStub.
        """
        self._add(Stub(name, None, route, slug, after, every, times, seconds))

    def latency(
        self,
        seconds: float,
        distribution: Distribution = "constant",
        *,
        sigma: float = 0.5,
        slug: str | None = None,
        route: RouteName | None = None,
        after_effect: bool = False,
    ) -> None:
        """Delays answers by `seconds`, or by a time drawn from a distribution with that scale. Raises BadStub.

        With `after_effect`, the delay is between the effect of the request, such as a new job, and the answer.
        """
        self._add(Stub(latency=Latency(distribution, seconds, sigma, after_effect), slug=slug, route=route))

    def stub(self, route: RouteName | None = None, **fields: Any) -> None:
        """Adds a stub with these fields, as in a script: `answer`, `edit`, `effect`, `times` and others.

        A `file` in them is a path relative to the working directory; `base64` may be bytes. Raises BadStub.
        """
        self._add(fields if route is None else {"route": route, **fields})

    @property
    def stubs(self) -> list[dict[str, Any]]:
        """The stubs in their order, each with the number of requests that it matched and applied to."""
        tenant = self.tenant
        return self._on_loop(tenant.stubs.as_json)

    def _add(self, stub: Stub | dict[str, Any]) -> None:
        names = self.app.names
        checked, tenant = read_stub(stub, names.scenarios, names.slugs, any_file), self.tenant
        self._on_loop(lambda: self.app.tenants.add_stub(tenant, checked))

    def clear_scenarios(self) -> None:
        """Removes all stubs: scenarios, latencies and answers, those of the settings included."""
        tenant = self.tenant
        self._on_loop(lambda: self.app.tenants.clear_stubs(tenant))

    def job_policy(self, text: str | None) -> None:
        """Sets how the next jobs progress: instant, seconds=S, polls=N, held, or None for their own time.

        Raises BadPolicy.
        """
        self.tenant.policy = None if text is None else read_policy(text)

    def release(self) -> None:
        """Releases all held jobs."""
        for job in self.jobs:
            self._run(self.app.store.release(job.request_id))

    def finish_job(self, request_id: str) -> None:
        """Ends a job now. Raises BadSetting for an unknown id."""
        self._run(self.app.edits.finish(self.tenant.name, request_id))

    def fail_job(self, request_id: str, error: str, *, failed_status: int | None = None) -> None:
        """Fails a job now with the text of an error. `failed_status`: that of its polls (422). Raises BadSetting."""
        self._run(self.app.edits.fail(self.tenant.name, request_id, error, failed_status))

    def edit_job(self, request_id: str, **fields: Any) -> None:
        """Changes a job by the fields of the `effect` of a stub, such as `outputs`. Raises BadSetting."""
        self._run(self.app.edits.edit(self.tenant.name, request_id, fields, any_file))

    def profile(self, name: str | None) -> None:
        """Sets the profile: documented, observed, or None for the one of the settings. Raises BadSetting."""
        self.tenant.profile = None if name is None else bounds.one_of("profile", name, self.app.names.profiles)

    def rate_limit(self, per_minute: int | str | None) -> None:
        """Sets the requests per minute: a number, a plan such as free, or None (no limit). Raises BadSetting."""
        self.tenant.rate_limit = bounds.rate_limit(per_minute)

    @property
    def credits(self) -> float:
        """The balance of the key, in credits."""
        return self._run(self.app.store.balance(self.tenant.name))

    @credits.setter
    def credits(self, amount: float) -> None:
        self._run(self.app.store.set_balance(self.tenant.name, bounds.credits(amount)))

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests so far, the oldest first; at most MAX_ENTRIES."""
        history = self.tenant.history
        return [_recorded(entry) for entry in self._on_loop(lambda: history.matching(lambda _: True))]

    def wait_for(self, count: int, *, route: str | None = None, timeout: float = 5.0) -> list[RecordedRequest]:
        """Waits at most `timeout` seconds for `count` requests, and returns all that arrived. `route` filters them.

        Raises TimeoutError, with the number that arrived, if they are fewer. Raises BadSetting.
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
            raise TimeoutError(f"expected {asked} within {timeout:g} s, found {len(found)}")
        return [_recorded(entry) for entry in found]

    @property
    def jobs(self) -> list[RecordedJob]:
        """The v2 jobs so far with their current states, the oldest first."""
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
        """Clears the jobs, balance, scenarios, clock and history of the key."""
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
        running=data["running"],
        client=data["client"],
        traceparent=data["traceparent"],
        headers=data["request"]["headers"],
        body=data["request"]["body"],
        response_headers=data["response"]["headers"],
        response_body=data["response"]["body"],
    )
