"""The admin API under /_mock: tests set and read the state of a tenant, the caller's, as JSON."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Final, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from segforge_mock import bounds
from segforge_mock.console.console import CALLS, Console
from segforge_mock.faults.reading import read_stub
from segforge_mock.gateway.routing import ROUTES
from segforge_mock.http.answers import Answer, json_answer
from segforge_mock.http.callers import Callers
from segforge_mock.http.counts import values_refusal
from segforge_mock.http.request import IncomingRequest
from segforge_mock.jobs.job import state
from segforge_mock.jobs.policy import read_policy
from segforge_mock.settings import Names
from segforge_mock.stores.base import Store
from segforge_mock.tenants.edits import JobEdits
from segforge_mock.tenants.history import MAX_ENTRIES, HistoryEntry
from segforge_mock.tenants.tenants import Tenant, Tenants

PREFIX: Final = "/_mock/"
TOKEN_HEADER: Final = b"x-mock-token"
MAX_WAIT: Final = 60.0
FILTERS: Final = ("number", "method", "path", "route", "slug", "scenario", "status")
_PRIVATE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)

Query: TypeAlias = Mapping[str, str]
Handler: TypeAlias = Callable[["Admin", Tenant, Query, Any], Awaitable[Any]]


class BadCall(bounds.BadSetting):
    """A call of the admin API that is not valid; the message says why."""


class TooFewRequests(Exception):
    """A wait ended before enough requests matched; `found` are those that did."""

    def __init__(self, count: int, seconds: float, found: list[HistoryEntry]) -> None:
        super().__init__(f"expected {count} requests within {seconds:g} s, found {len(found)}")
        self.found = found


class Admin:
    """The admin API over tenants and store. With `token`, calls need it in x-mock-token; `callers` limits the hosts."""

    def __init__(
        self,
        console: Console,
        tenants: Tenants,
        store: Store,
        names: Names,
        now: Callable[[Tenant], float],
        token: str | None,
        callers: Callers,
        edits: JobEdits,
    ) -> None:
        self._console = console
        self._tenants = tenants
        self._store = store
        self._names = names
        self._now = now
        self._token = token
        self._callers = callers
        self._edits = edits

    async def answer(self, request: IncomingRequest, tenant: Tenant) -> Answer:
        """Answers a call. Refusals are 403 or 415 (`callers`), 401 (the token), 404 or 405 (the route), 400 and 413."""
        refusal = self._callers.refusal(request)
        page = self._console.page(request) if refusal is None else None
        if page is not None:
            return page
        answer = refusal or await self._answer(request, tenant)
        answer.headers.extend(_PRIVATE)
        return answer

    async def _answer(self, request: IncomingRequest, tenant: Tenant) -> Answer:
        if self._token is not None and not hmac.compare_digest(
            request.headers.get(TOKEN_HEADER, b""), self._token.encode()
        ):
            return json_answer(401, {"error": "x-mock-token is missing or wrong; send the mock's --admin-token"})
        name = request.path.removeprefix(PREFIX).strip("/")
        try:
            tenant = self._console.watched(request) or tenant
            shown = self._console.answer(request, name, tenant)
        except bounds.BadSetting as error:
            return json_answer(400, {"error": str(error)})
        if shown is not None:
            return shown
        handler = self.ROUTES.get((request.method, name))
        if handler is None:
            routes = [*self.ROUTES, *(("GET", call) for call in CALLS)]
            verbs = [method for method, known in routes if known == name]
            paths = sorted({f"{PREFIX}{known}" for _, known in routes})
            expected = " or ".join(verbs) if verbs else f"one of {', '.join(paths)}"
            return json_answer(
                405 if verbs else 404, {"error": f"no route {request.method} {request.path}; expected {expected}"}
            )
        refusal = values_refusal(request.body)
        if refusal is not None:
            return refusal
        query = dict(parse_qsl(request.scope.get("query_string", b"").decode("latin-1")))
        try:
            body = msgspec.json.decode(request.body) if request.body else {}
            return json_answer(200, await handler(self, tenant, query, body))
        except TooFewRequests as error:
            return json_answer(504, {"error": str(error), "requests": [entry.as_json() for entry in error.found]})
        except (bounds.BadSetting, msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return json_answer(400, {"error": str(error)})

    async def scenarios(self, _tenant: Tenant, _query: Query, _body: Any) -> Any:
        """Returns every scenario with its description."""
        return {name: scenario.description for name, scenario in self._names.scenarios.items()}

    async def stubs(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """Returns the stubs in their order, each with the number of requests that matched it, and that it changed."""
        return tenant.stubs.as_json()

    async def add_stub(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Adds a stub after the others."""
        self._tenants.add_stub(tenant, read_stub(body, self._names.scenarios, self._names.slugs))
        return {}

    async def clear_stubs(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """Removes all stubs."""
        self._tenants.clear_stubs(tenant)
        return {}

    async def requests(self, tenant: Tenant, query: Query, _body: Any) -> Any:
        """Returns the history entries that match."""
        return [entry.as_json() for entry in tenant.history.matching(_wanted(query))]

    async def count(self, tenant: Tenant, query: Query, _body: Any) -> Any:
        """Returns the number of history entries that match."""
        return {"count": len(tenant.history.matching(_wanted(query)))}

    async def wait(self, tenant: Tenant, query: Query, _body: Any) -> Any:
        """Waits at most `timeout` seconds (default 5) for `count` matching entries. Returns them, or 504 if fewer."""
        count = bounds.whole("count", _number(query, "count", int, 1), MAX_ENTRIES)
        seconds = bounds.number("timeout", _number(query, "timeout", float, 5.0), MAX_WAIT)
        found = await tenant.history.wait(_wanted(query), count, seconds)
        if len(found) < count:
            raise TooFewRequests(count, seconds, found)
        return [entry.as_json() for entry in found]

    async def clear_requests(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """Clears the history."""
        tenant.history.clear()
        return {}

    async def clock(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """Returns the tenant's time, in seconds since the epoch."""
        return {"now": self._now(tenant), "offset": tenant.clock_offset}

    async def advance(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Moves the tenant's clock forward by `advance` seconds."""
        tenant.clock_offset += bounds.advance(_field(body, "advance"), tenant.clock_offset)
        return {"now": self._now(tenant), "offset": tenant.clock_offset}

    async def jobs(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """Returns the tenant's jobs with their states."""
        now = self._now(tenant)
        return [
            {
                "request_id": job.request_id,
                "slug": job.slug,
                "status": state(job, now, await self._store.progress(job.request_id)),
                "payload": msgspec.Raw(job.body),
                "submitted_at": job.submitted_at,
                "error": job.error,
                "cost": job.cost,
            }
            for job in await self._store.jobs(tenant.name)
        ]

    async def set_policy(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Sets how the next jobs progress: `policy` is instant, seconds=S, polls=N, held, or null (their own time)."""
        text = _field(body, "policy")
        tenant.policy = None if text is None else read_policy(text)
        return {}

    async def release(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Releases a held job (`request_id`), or all of the tenant's."""
        named = body.get("request_id") if isinstance(body, dict) else None
        released = [job.request_id for job in await self._store.jobs(tenant.name) if named in (None, job.request_id)]
        if named is not None and not released:
            raise BadCall(f"request_id: no job {named!r}; GET {PREFIX}jobs lists the jobs")
        for request_id in released:
            await self._store.release(request_id)
        return {"released": released}

    async def finish_job(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Ends the job `request_id` now."""
        request_id = _field(body, "request_id")
        _no_more(body, "request_id")
        await self._edits.finish(tenant.name, request_id)
        return {}

    async def fail_job(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Fails the job `request_id` now, with the text `error` and, if it is stated, the status `failed_status`."""
        request_id, error = _field(body, "request_id"), _field(body, "error")
        _no_more(body, "request_id", "error", "failed_status")
        await self._edits.fail(tenant.name, request_id, error, body.get("failed_status"))
        return {}

    async def edit_job(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Changes the job `request_id` by the other fields, which are those of the `effect` of a stub."""
        request_id = _field(body, "request_id")
        fields = {name: value for name, value in body.items() if name != "request_id"}
        await self._edits.edit(tenant.name, request_id, fields)
        return {}

    async def credits(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """Returns the tenant's balance."""
        return {"credits": await self._store.balance(tenant.name)}

    async def set_credits(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Sets the tenant's balance to `credits`."""
        await self._store.set_balance(tenant.name, bounds.credits(_field(body, "credits")))
        return {"credits": await self._store.balance(tenant.name)}

    async def set_rate_limit(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Sets the tenant's requests per minute: `per_minute` is a number, a plan, or null for no limit."""
        tenant.rate_limit = bounds.rate_limit(_field(body, "per_minute"))
        return {}

    async def set_profile(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Sets the tenant's `profile`; null for the mock's own."""
        name = _field(body, "profile")
        tenant.profile = None if name is None else bounds.one_of("profile", name, self._names.profiles)
        return {}

    async def reset(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """Clears the tenant's jobs, balance, stubs, clock and history."""
        self._tenants.reset(tenant.name)
        await self._store.reset(tenant.name)
        return {}

    ROUTES: ClassVar[Mapping[tuple[str, str], Handler]] = {
        ("GET", "scenarios"): scenarios,
        ("GET", "rules"): stubs,
        ("POST", "rules"): add_stub,
        ("DELETE", "rules"): clear_stubs,
        ("GET", "requests"): requests,
        ("GET", "requests/count"): count,
        ("GET", "requests/wait"): wait,
        ("DELETE", "requests"): clear_requests,
        ("GET", "clock"): clock,
        ("POST", "clock"): advance,
        ("GET", "jobs"): jobs,
        ("POST", "jobs/policy"): set_policy,
        ("POST", "jobs/release"): release,
        ("POST", "jobs/finish"): finish_job,
        ("POST", "jobs/fail"): fail_job,
        ("POST", "jobs/edit"): edit_job,
        ("GET", "credits"): credits,
        ("PUT", "credits"): set_credits,
        ("PUT", "rate-limit"): set_rate_limit,
        ("PUT", "profile"): set_profile,
        ("POST", "reset"): reset,
    }
    """The function of each method and path under /_mock/."""


def _field(body: Any, name: str) -> Any:
    if not isinstance(body, dict) or name not in body:
        raise BadCall(f"{name}: expected a JSON object with this key")
    return body[name]


def _no_more(body: Mapping[str, Any], *names: str) -> None:
    """Raises BadCall for a field that is none of these."""
    unknown = sorted(set(body) - set(names))
    if unknown:
        raise BadCall(f"unknown field {unknown[0][:100]!r}; expected {', '.join(names)}")


def _number(query: Query, name: str, kind: type[int] | type[float], default: float) -> object:
    """Returns a query parameter as a number, or unchanged if it doesn't spell one."""
    text = query.get(name, default)
    try:
        return kind(text)
    except ValueError:
        return text


def _wanted(query: Query) -> Callable[[HistoryEntry], bool]:
    """Returns a predicate for the filters method, path, route, slug, scenario and status. Raises BadSetting."""
    filters = {name: query[name] for name in FILTERS if name in query}
    unknown = set(query) - set(filters) - {"count", "timeout"}
    if unknown:
        raise BadCall(f"unknown filter {min(unknown)!r}; expected {', '.join(FILTERS)}")
    if "route" in filters:
        bounds.one_of("route", filters["route"], ROUTES)
    return lambda entry: all(str(getattr(entry, name)) == value for name, value in filters.items())
