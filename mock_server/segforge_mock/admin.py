"""The admin API, below /_mock: what a test sets up and asks about, as JSON. The tenant is the caller's."""

import hmac
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from segforge_mock import settings as bounds
from segforge_mock.faults.scenarios import Scenario
from segforge_mock.faults.stubs import read_stub
from segforge_mock.gateway.routing import ROUTES
from segforge_mock.http.answers import Answer, json_answer
from segforge_mock.http.callers import Callers
from segforge_mock.http.counts import values_refusal
from segforge_mock.http.request import IncomingRequest
from segforge_mock.jobs.job import state
from segforge_mock.jobs.policy import read_policy
from segforge_mock.stores.base import Store
from segforge_mock.tenants.history import MAX_ENTRIES, HistoryEntry
from segforge_mock.tenants.tenants import Tenant, Tenants

PREFIX: Final = "/_mock/"
TOKEN_HEADER: Final = b"x-mock-token"
MAX_WAIT: Final = 60.0
_PRIVATE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)

Query: TypeAlias = Mapping[str, str]
Handler: TypeAlias = Callable[[Tenant, Query, Any], Awaitable[Any]]


class BadCall(bounds.BadSetting):
    """A call of the admin API that can't be carried out; the message says why."""


class Names(NamedTuple):
    """What a setting may name: scenarios, the slugs of models (None: any), profiles."""

    scenarios: Mapping[str, Scenario]
    slugs: Collection[str] | None
    profiles: Collection[str]


class WaitedInVain(Exception):
    """The time of a wait is over, and too few exchanges match; these do."""

    def __init__(self, count: int, seconds: float, found: list[HistoryEntry]) -> None:
        super().__init__(f"waited {seconds:g} s for {count} requests; {len(found)} came")
        self.found = found


class Admin:
    """The admin API over tenants and store. `token`: what `callers` must show in x-mock-token, if anything."""

    def __init__(
        self,
        tenants: Tenants,
        store: Store,
        names: Names,
        now: Callable[[Tenant], float],
        token: str | None,
        callers: Callers,
    ) -> None:
        self._tenants = tenants
        self._store = store
        self._names = names
        self._now = now
        self._token = token
        self._callers = callers
        self._routes: dict[tuple[str, str], Handler] = {
            ("GET", "scenarios"): self.scenarios,
            ("POST", "rules"): self.add_stub,
            ("DELETE", "rules"): self.clear_stubs,
            ("GET", "requests"): self.requests,
            ("GET", "requests/count"): self.count,
            ("GET", "requests/wait"): self.wait,
            ("DELETE", "requests"): self.clear_requests,
            ("GET", "clock"): self.clock,
            ("POST", "clock"): self.advance,
            ("GET", "jobs"): self.jobs,
            ("POST", "jobs/policy"): self.set_policy,
            ("POST", "jobs/release"): self.release,
            ("GET", "credits"): self.credits,
            ("PUT", "credits"): self.set_credits,
            ("PUT", "rate-limit"): self.set_rate_limit,
            ("PUT", "profile"): self.set_profile,
            ("POST", "reset"): self.reset,
        }

    async def answer(self, request: IncomingRequest, tenant: Tenant) -> Answer:
        """Answer a call: 403 or 415 as `callers` says, 401 without the token, 404 or 405 off the table, else 400."""
        answer = self._callers.refusal(request) or await self._answer(request, tenant)
        answer.headers.extend(_PRIVATE)
        return answer

    async def _answer(self, request: IncomingRequest, tenant: Tenant) -> Answer:
        if self._token is not None and not hmac.compare_digest(
            request.headers.get(TOKEN_HEADER, b""), self._token.encode()
        ):
            return json_answer(401, {"error": "x-mock-token is missing or wrong"})
        name = request.path.removeprefix(PREFIX).strip("/")
        handler = self._routes.get((request.method, name))
        if handler is None:
            verbs = [method for method, known in self._routes if known == name]
            paths = sorted({f"{PREFIX}{known}" for _, known in self._routes})
            hint = f"use {' or '.join(verbs)}" if verbs else f"there are: {', '.join(paths)}"
            return json_answer(405 if verbs else 404, {"error": f"no {request.method} {request.path}; {hint}"})
        refusal = values_refusal(request.body)
        if refusal is not None:
            return refusal
        query = dict(parse_qsl(request.scope.get("query_string", b"").decode("latin-1")))
        try:
            body = msgspec.json.decode(request.body) if request.body else {}
            return json_answer(200, await handler(tenant, query, body))
        except WaitedInVain as vain:
            return json_answer(504, {"error": str(vain), "requests": [entry.as_json() for entry in vain.found]})
        except (bounds.BadSetting, msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return json_answer(400, {"error": str(error)})

    async def scenarios(self, _tenant: Tenant, _query: Query, _body: Any) -> Any:
        """Every scenario with what it does."""
        return {name: scenario.description for name, scenario in self._names.scenarios.items()}

    async def add_stub(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Add a rule after those that are there."""
        self._tenants.add_stub(tenant, read_stub(body, self._names.scenarios, self._names.slugs))
        return {}

    async def clear_stubs(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """Drop all rules."""
        self._tenants.clear_stubs(tenant)
        return {}

    async def requests(self, tenant: Tenant, query: Query, _body: Any) -> Any:
        """The exchanges that match."""
        return [entry.as_json() for entry in tenant.history.matching(_wanted(query))]

    async def count(self, tenant: Tenant, query: Query, _body: Any) -> Any:
        """How many exchanges match."""
        return {"count": len(tenant.history.matching(_wanted(query)))}

    async def wait(self, tenant: Tenant, query: Query, _body: Any) -> Any:
        """Wait for `count` matching exchanges, at most `timeout` seconds (default 5); gives those that do, or 504."""
        count = bounds.whole("count", _number(query, "count", int, 1), MAX_ENTRIES)
        seconds = bounds.number("timeout", _number(query, "timeout", float, 5.0), MAX_WAIT)
        found = await tenant.history.wait(_wanted(query), count, seconds)
        if len(found) < count:
            raise WaitedInVain(count, seconds, found)
        return [entry.as_json() for entry in found]

    async def clear_requests(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """Forget all exchanges."""
        tenant.history.clear()
        return {}

    async def clock(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """The tenant's time."""
        return {"now": self._now(tenant), "offset": tenant.clock_offset}

    async def advance(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Move the tenant's clock by `advance` seconds, forward."""
        tenant.clock_offset += bounds.advance(_field(body, "advance"), tenant.clock_offset)
        return {"now": self._now(tenant), "offset": tenant.clock_offset}

    async def jobs(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """The tenant's jobs with their states."""
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
        """How the next jobs move: `policy` is one of instant, seconds=S, polls=N, held, or null for their own time."""
        text = _field(body, "policy")
        tenant.policy = None if text is None else read_policy(text)
        return {}

    async def release(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Release a held job (`request_id`), or all of the tenant's."""
        named = body.get("request_id") if isinstance(body, dict) else None
        released = [job.request_id for job in await self._store.jobs(tenant.name) if named in (None, job.request_id)]
        if named is not None and not released:
            raise BadCall(f"no job {named!r}")
        for request_id in released:
            await self._store.release(request_id)
        return {"released": released}

    async def credits(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """The tenant's balance."""
        return {"credits": await self._store.balance(tenant.name)}

    async def set_credits(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Set the tenant's balance to `credits`."""
        await self._store.set_balance(tenant.name, bounds.credits(_field(body, "credits")))
        return {"credits": await self._store.balance(tenant.name)}

    async def set_rate_limit(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Set how many requests a minute the tenant has: `per_minute`, a number or a plan, null for no limit."""
        tenant.rate_limit = bounds.rate_limit(_field(body, "per_minute"))
        return {}

    async def set_profile(self, tenant: Tenant, _query: Query, body: Any) -> Any:
        """Set the tenant's `profile`, null for the server's own."""
        name = _field(body, "profile")
        tenant.profile = None if name is None else bounds.one_of("profile", name, self._names.profiles)
        return {}

    async def reset(self, tenant: Tenant, _query: Query, _body: Any) -> Any:
        """Forget all of the tenant: jobs, balance, rules, clock, journal."""
        self._tenants.reset(tenant.name)
        await self._store.reset(tenant.name)
        return {}


def _field(body: Any, name: str) -> Any:
    if not isinstance(body, dict) or name not in body:
        raise BadCall(f"expected a JSON object with {name}")
    return body[name]


def _number(query: Query, name: str, kind: type[int] | type[float], default: float) -> object:
    """A parameter as a number, or as the text that it is where that spells none."""
    text = query.get(name, default)
    try:
        return kind(text)
    except ValueError:
        return text


def _wanted(query: Query) -> Callable[[HistoryEntry], bool]:
    """A predicate from the filters method, path, route, slug, scenario and status."""
    filters = {name: query[name] for name in ("method", "path", "route", "slug", "scenario", "status") if name in query}
    unknown = set(query) - set(filters) - {"count", "timeout"}
    if unknown:
        raise BadCall(f"unknown filter {min(unknown)!r}; there are: method, path, route, slug, scenario, status")
    if "route" in filters:
        bounds.one_of("route", filters["route"], ROUTES)
    return lambda entry: all(str(getattr(entry, name)) == value for name, value in filters.items())
