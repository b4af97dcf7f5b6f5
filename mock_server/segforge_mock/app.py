"""The mock as an ASGI application: tenants, scenarios and the journal around the gateway, the admin API beside it."""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, get_args
from urllib.parse import urlsplit

from segforge.spec.catalog import Profile
from segforge_mock import settings as bounds
from segforge_mock.admin import PREFIX as ADMIN_PREFIX
from segforge_mock.admin import Admin, Names
from segforge_mock.faults.scenarios import NOTHING, Fault, Scenario, read_chaos, scenarios
from segforge_mock.faults.stubs import Stub, Stubs, read_stub
from segforge_mock.gateway.bodies import body_refusal
from segforge_mock.gateway.gateway import Call, MockGateway
from segforge_mock.gateway.outputs import Detail, Outputs
from segforge_mock.gateway.routing import REMEMBERED_PATH, Match, Router
from segforge_mock.http.answers import Answer, case_answer, file_answer, json_answer
from segforge_mock.http.callers import Callers, host_name
from segforge_mock.http.delivery import deliver, deliver_at_once, drop, with_cors
from segforge_mock.http.request import BODY, Disconnected, IncomingRequest, Receive, Scope, Send, read_body
from segforge_mock.http.waiting import SMALL_BODY, WAITING_BYTES, pause, until_left
from segforge_mock.jobs.policy import BadPolicy, read_policy
from segforge_mock.memory import DEFAULT_MIB, MIB, Full, Hold, Memory
from segforge_mock.metrics import metrics
from segforge_mock.models.served import ServedModels, packaged_models
from segforge_mock.stores.base import MemoryStore, Store, StoreError
from segforge_mock.tenants.history import Histories
from segforge_mock.tenants.tenants import Tenant, Tenants

DEFAULT_TIME_SCALE: Final = 0.01
SCENARIO_HEADER: Final = b"x-mock-scenario"
PROFILE_HEADER: Final = b"x-mock-profile"
TENANT_HEADER: Final = b"x-mock-tenant"
JOB_HEADER: Final = b"x-mock-job"
_HEALTH: Final = frozenset({"/healthz", "/readyz"})
_OWN_PATHS: Final = _HEALTH | {"/metrics"}
_NO_ROUTE: Final = Match("", "", "")


class BadHeader(ValueError):
    """One of the mock's own request headers asks for something that there is not."""


@dataclass(frozen=True)
class Settings:
    """How the mock behaves around the gateway; see `create_app`."""

    now: Callable[[], float]
    profile: str
    stubs: tuple[Stub, ...]
    chaos: str | None
    seed: int
    rate_limit: int | None
    job_policy: str | None
    any_model: bool
    admin: bool
    admin_token: str | None
    callers: Callers
    log: bool


class App:
    """The mock. Make it with `create_app`."""

    def __init__(
        self, gateway: MockGateway, models: ServedModels, store: Store, memory: Memory, settings: Settings
    ) -> None:
        self.store = store
        self.eager = isinstance(store, MemoryStore)
        """Whether a request may start outside a task, see `protocol`; the clients of the other stores can't."""
        self.memory = memory
        """What everything that is kept in this process counts towards."""
        self.models = models
        self.scenarios = scenarios(models.gateway)
        self._gateway = gateway
        self._settings = settings
        self._profiles = {known.name: known for known in models.gateway.profiles}
        self._profile = self._profiles[bounds.one_of("profile", settings.profile, self._profiles)]
        self.names = Names(self.scenarios, None if settings.any_model else models.slugs, tuple(self._profiles))
        """What settings may name."""
        self._router = Router(models.gateway.routes)
        self._chaos = read_chaos(settings.chaos, self.scenarios, settings.seed) if settings.chaos is not None else None
        self._counts: Counter[tuple[str, int]] = Counter()
        policy = read_policy(settings.job_policy) if settings.job_policy is not None else None
        stubs = [read_stub(stub, self.scenarios, self.names.slugs) for stub in settings.stubs]
        histories = Histories(memory)

        def new_tenant(name: str) -> Tenant:
            own = Stubs(self.scenarios, stubs, settings.seed)
            return Tenant(name, own, policy, settings.rate_limit, histories.new())

        self.tenants = Tenants(new_tenant, memory)
        admin = Admin(self.tenants, store, self.names, self.now, settings.admin_token, settings.callers)
        self._admin = admin if settings.admin else None

    def now(self, tenant: Tenant) -> float:
        """A tenant's time, in seconds since the epoch."""
        return self._settings.now() + tenant.clock_offset

    async def close(self) -> None:
        """Give back what the store holds open."""
        await self.store.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; the gateway speaks nothing else."""
        if scope["type"] != "http":
            raise NotImplementedError(f"the gateway does not speak {scope['type']}")
        body: bytes | None = (scope.get("extensions") or {}).get(BODY)
        try:
            if body is not None and len(body) <= SMALL_BODY:
                return await self._answer(scope, body, send)
            with Hold(self.memory) as hold:
                return await self._answer(scope, await read_body(scope, receive, hold.grow), send)
        except Disconnected:
            return None
        except Full as error:
            reason = str(error)
        except StoreError as error:
            reason = f"The mock's store failed: {error}"
        return await deliver(json_answer(503, {"error": reason}), "", 0, scope, send)

    def _answer(self, scope: Scope, body: bytes | None, send: Send) -> Awaitable[None]:
        """What answers a request whose body is here; None stands for one that is too large."""
        request = IncomingRequest(scope, body or b"")
        tenant = self.tenants.get(request.headers.get(TENANT_HEADER) or self._gateway.key(request))
        if body is None or b"content-encoding" in request.headers:
            refusal = body_refusal(request.header(b"content-encoding"), body)
            if refusal is not None:
                return deliver(refusal, "", 0, scope, send)
        return self._own(request, tenant, send) if _is_own(request) else self._exchange(request, tenant, send)

    async def _own(self, request: IncomingRequest, tenant: Tenant, send: Send) -> None:
        return await deliver(await self._own_answer(request, tenant), "", 0, request.scope, send)

    async def _own_answer(self, request: IncomingRequest, tenant: Tenant) -> Answer:
        """The answer to what is not the gateway's: admin, health, metrics, a browser's preflight."""
        if request.path.startswith(ADMIN_PREFIX):
            if self._admin is None:
                return json_answer(403, {"error": "the admin API is off; see segforge mock --help, --admin-token"})
            with Hold(self.memory, WAITING_BYTES):
                return await until_left(request.scope, asyncio.ensure_future(self._admin.answer(request, tenant)))
        if request.path == "/metrics":
            text = metrics(self._counts, self.memory)
            return file_answer("text/plain; version=0.0.4; charset=utf-8", text.encode())
        if request.path in _HEALTH:
            if request.path == "/readyz":
                await self.store.get("")
            return json_answer(200, {"status": "ok"})
        return _preflight(request)

    async def _exchange(self, request: IncomingRequest, tenant: Tenant, send: Send) -> None:
        """One request to the gateway, from its scenario to the journal."""
        find = self._router.match if len(request.path) <= REMEMBERED_PATH else self._router.find
        match = find(request.path) or _NO_ROUTE
        if match.route == "image":
            tenant = await self._owner(match, tenant)
        try:
            answer, plan = await self._planned(request, tenant, match)
        except (BadHeader, BadPolicy) as error:
            answer, plan = json_answer(400, {"error": str(error)}), NOTHING
        except Full as error:
            answer, plan = json_answer(503, {"error": str(error)}), NOTHING
        except Disconnected:
            answer, plan = None, NOTHING
        scenario = plan.scenario
        fault = scenario.name if scenario is not None and scenario.kind == "fault" else ""
        name = scenario.name if scenario is not None else ""
        if answer is not None and b"origin" in request.headers:
            with_cors(answer.headers, request.headers[b"origin"])
        slug = match.value if match.route in ("run", "submit") else ""
        tenant.history.add(self.now(tenant), request, (match.route, slug, name), answer)
        self._counts[match.route, answer.status if answer is not None else 0] += 1
        if self._settings.log:
            self._write_log(request, tenant, match, answer, name)
        if answer is None:
            return drop(request.scope)
        if not fault and deliver_at_once(answer, request.scope):
            return None
        try:
            wait = partial(pause, self.memory, request, tenant) if fault == "slow-body" else asyncio.sleep
            return await deliver(answer, fault, plan.seconds, request.scope, send, wait)
        except Disconnected:
            return None

    async def _planned(self, request: IncomingRequest, tenant: Tenant, match: Match) -> tuple[Answer | None, Fault]:
        """The answer, and what the plan wants done to it; no answer where the connection is dropped before."""
        plan = NOTHING
        if SCENARIO_HEADER in request.headers or self._chaos is not None or tenant.stubs:
            plan = self._plan(request, tenant, match)
        profile = self._profile
        if PROFILE_HEADER in request.headers or tenant.profile is not None:
            profile = self._profile_of(request, tenant)
        if plan.delay:
            await pause(self.memory, request, tenant, plan.delay)
        scenario = plan.scenario
        if scenario is not None and scenario.name == "drop-before":
            return None, plan
        call = Call(request, match, tenant, self.now(tenant), profile)
        if scenario is not None and (scenario.kind == "case" or (scenario.kind == "job" and match.route != "submit")):
            return self._case(call, scenario), plan
        call.scenario = scenario
        if JOB_HEADER in request.headers:
            call.policy = read_policy(request.header(JOB_HEADER))
        if match is _NO_ROUTE:
            refusal = self._gateway.check_key(request)
            return refusal or case_answer(self._gateway.cases, "route.unknown", {"path": request.path}), plan
        return await self._gateway.answer(call), plan

    def _plan(self, request: IncomingRequest, tenant: Tenant, match: Match) -> Fault:
        name = request.header(SCENARIO_HEADER)
        if name:
            scenario = self.scenarios.get(name)
            if scenario is None:
                known = ", ".join(self.scenarios)
                raise BadHeader(f"x-mock-scenario: no scenario {name!r}; there are: {known}")
            return Fault(scenario)
        plan = tenant.stubs.fault(match.route, match.value if match.route in ("run", "submit") else "")
        if plan.scenario is None and self._chaos is not None:
            return plan._replace(scenario=self._chaos.fault().scenario)
        return plan

    def _profile_of(self, request: IncomingRequest, tenant: Tenant) -> Profile:
        name = request.header(PROFILE_HEADER) if PROFILE_HEADER in request.headers else tenant.profile
        if not name:
            return self._profile
        profile = self._profiles.get(name)
        if profile is None:
            known = ", ".join(self._profiles)
            raise BadHeader(f"x-mock-profile: no profile {name!r}; there are: {known}")
        return profile

    def _case(self, call: Call, scenario: Scenario) -> Answer:
        """The answer of a status case that was asked for; what its text names is filled in where it is known."""
        if scenario.case == "rate.limited":
            return self._gateway.rate_limited(call.now)
        value = call.match.value
        values = {
            "slug": value,
            "request_id": value,
            "path": call.request.path,
            "balance": "0.0",
            "cost": "0.05",
            "cap": "50",
            "period": "month",
            "reason": "asked for by the scenario",
            "violations": "asked for by the scenario",
        }
        return case_answer(self._gateway.cases, scenario.case, values)

    async def _owner(self, match: Match, caller: Tenant) -> Tenant:
        """The tenant whose clock decides about a picture: the one that submitted the job."""
        name, _, _ = match.value.rpartition("-")
        job = await self.store.get(name)
        return (self.tenants.named(job.tenant) if job is not None else None) or caller

    def _write_log(
        self, request: IncomingRequest, tenant: Tenant, match: Match, answer: Answer | None, scenario: str
    ) -> None:
        """One line of JSON on standard error; nothing that a caller keeps secret is in it."""
        entry = {
            "time": self.now(tenant),
            "method": request.method,
            "path": request.path,
            "route": match.route or None,
            "status": answer.status if answer is not None else None,
            "bytes": len(answer.body) if answer is not None else 0,
            "scenario": scenario or None,
        }
        sys.stderr.write(json.dumps(entry) + "\n")


def _is_own(request: IncomingRequest) -> bool:
    """Whether a request is for the mock itself, and not for the gateway."""
    if request.method == "OPTIONS" and b"access-control-request-method" in request.headers:
        return True
    return request.path in _OWN_PATHS or request.path.startswith(ADMIN_PREFIX)


def _preflight(request: IncomingRequest) -> Answer:
    answer = Answer(204, [(b"content-length", b"0")], b"")
    with_cors(answer.headers, request.headers.get(b"origin", b"*"))
    asked = request.headers.get(b"access-control-request-headers", b"*")
    answer.headers.append((b"access-control-allow-methods", b"GET, POST, PUT, DELETE"))
    answer.headers.append((b"access-control-allow-headers", asked))
    answer.headers.append((b"access-control-max-age", b"600"))
    return answer


def create_app(  # noqa: PLR0913 - settings, each by its name
    *,
    models: ServedModels | None = None,
    store: Store | None = None,
    now: Callable[[], float] = time.time,
    time_scale: float = DEFAULT_TIME_SCALE,
    keys: Iterable[str] | None = None,
    profile: str = "documented",
    images: Detail = "full",
    stubs: tuple[Stub, ...] = (),
    chaos: str | None = None,
    seed: int = 0,
    rate_limit: int | str | None = None,
    job_policy: str | None = None,
    public_url: str | None = None,
    any_model: bool = False,
    admin: bool = True,
    admin_token: str | None = None,
    allow_hosts: Iterable[str] = (),
    log: bool = False,
    max_memory: int = DEFAULT_MIB,
) -> App:
    """The mock gateway as an ASGI 3 application.

    `models`: what it serves (default: the models that travel with segforge). `store`: where jobs are kept (default: in
    memory). `now`: the clock, in seconds. `time_scale`: how long a run takes here against the real gateway, 0 for no
    time. `keys`: the API keys that it knows (default: every well-formed one). `profile`: one of the specs' profiles.
    `images`: "full", or for speed "plain" (of one colour) or "tiny" (at most 16 pixels wide and high). `stubs`,
    `chaos` and `seed`: faults on purpose, see `scenarios`.
    `rate_limit`: requests a minute and tenant, or the name of a plan. `job_policy`: how jobs move, see `policies`.
    `public_url`: what URLs in answers start with (default: the address that the caller used). `any_model`: serve slugs
    without a spec. `admin`, `admin_token`: the admin API. `allow_hosts`: names by which it is reached, see `callers`.
    `log`: a line of JSON for each request on standard error. `max_memory`: how many MiB everything that the mock keeps
    may need; a MemoryStore that is given has its own limit.

    Raises BadSetting (BadStub and BadPolicy are such), a ValueError, for settings that can't be used.
    """
    bounds.number("time_scale", time_scale, bounds.MAX_TIME_SCALE)
    bounds.one_of("images", images, get_args(Detail))
    if admin_token is not None:
        bounds.filled("admin_token", admin_token)
    for name, value in (("keys", keys), ("allow_hosts", allow_hosts)):
        if isinstance(value, str):
            raise bounds.BadSetting(f"{name}: expected a list, found a text")
    models = models or packaged_models()
    limit = bounds.memory("max_memory", max_memory)
    if store is None:
        opening = float(models.gateway.assumptions["opening_credits"].value)
        store = MemoryStore(opening, memory=Memory(limit * MIB))
    memory = store.memory if isinstance(store, MemoryStore) else Memory(limit * MIB)
    gateway = MockGateway(
        models,
        store,
        Outputs(models.gateway, images, memory),
        memory,
        keys=None if keys is None else frozenset(bounds.filled("keys", key) for key in keys),
        time_scale=time_scale,
        public_url=None if public_url is None else bounds.web_url("public_url", public_url),
        any_model=any_model,
    )
    limited = bounds.rate_limit(rate_limit, "rate_limit")
    hosts = [host_name("allow_hosts", host) for host in allow_hosts]
    if public_url is not None:
        hosts.append(host_name("public_url", urlsplit(public_url).hostname))
    callers = Callers(hosts)
    settings = Settings(
        now, profile, stubs, chaos, seed, limited, job_policy, any_model, admin, admin_token, callers, log
    )
    return App(gateway, models, store, memory, settings)
