"""The mock gateway. It decides the order of all refusals.

A request is checked in this order: size (413), Content-Encoding (415), the mock's own paths, the mock's own headers
(400), the answer of a stub or scenario, key (401), rate limit (429), slug or route (404), method (405), Content-Type
(406), JSON (400), parameters (400, or as the profile says), balance (406, or as the profile says). Images and uploads
that a caller downloads need no key.
"""

from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

from segforge_mock.faults.scenarios import NOTHING
from segforge_mock.gateway.bodies import encoding_refusal, size_refusal
from segforge_mock.gateway.call import NO_ROUTE, Call
from segforge_mock.gateway.faults import NO_EFFECT, SCENARIO_HEADER, Faults, delivered, finished, scripted_answer
from segforge_mock.gateway.files import Files
from segforge_mock.gateway.jobs import Jobs
from segforge_mock.gateway.log import write_log
from segforge_mock.gateway.outputs import Outputs
from segforge_mock.gateway.profile import PROFILE_HEADER, BadHeader, Profiles
from segforge_mock.gateway.refusals import Refusals
from segforge_mock.gateway.routing import CONTROL_ROUTES, OPEN_ROUTES, REMEMBERED_PATH, Match, Router, path_hint
from segforge_mock.gateway.runs import Runs
from segforge_mock.gateway.urls import Urls
from segforge_mock.http.answers import NO_ANSWER, Answer, json_answer
from segforge_mock.http.callers import WebhookRules
from segforge_mock.http.delivery import with_cors
from segforge_mock.http.endpoint import Unavailable
from segforge_mock.http.request import Disconnected, IncomingRequest
from segforge_mock.http.waiting import pause
from segforge_mock.jobs.policy import BadPolicy, read_policy
from segforge_mock.memory import Full, Memory
from segforge_mock.models.served import ServedModels
from segforge_mock.stores.base import Store
from segforge_mock.tenants.keys import Keys
from segforge_mock.tenants.tenants import Tenant, Tenants

if TYPE_CHECKING:
    from segforge_mock.gateway.control.control import Control

TENANT_HEADER = b"x-mock-tenant"
JOB_HEADER = b"x-mock-job"


_POLLS: Final = frozenset({"status", "result", "poll"})


class OwnPaths(Protocol):
    """Answers requests to the mock itself: the admin API, health, metrics, a browser's preflight."""

    def has(self, request: IncomingRequest) -> bool:
        """Returns whether a request is for the mock itself. Called for unknown routes and for OPTIONS."""

    async def answer(self, request: IncomingRequest, tenant: Tenant) -> Answer:
        """Answers a request to the mock itself."""


class MockGateway:
    """Answers requests from the models' specs and a store.

    `own` answers requests to the mock itself. `counts` counts requests by route and status. `now` is the mock's clock,
    in seconds since the epoch. `keys` decides which keys are accepted. `time_scale`: seconds here per second of the
    real gateway. `webhooks`: who may add webhooks, and their hosts. `log` writes one line of JSON per request to
    standard error. `replay` returns the recorded answer to a call, or None.
    """

    def __init__(  # noqa: PLR0913 - the parts and settings of a gateway
        self,
        models: ServedModels,
        store: Store,
        tenants: Tenants,
        outputs: Outputs,
        memory: Memory,
        own: OwnPaths,
        *,
        profiles: Profiles,
        faults: Faults,
        counts: Counter[tuple[str, int]],
        now: Callable[[], float],
        keys: Keys,
        time_scale: float,
        public_url: str | None,
        any_model: bool,
        webhooks: WebhookRules,
        log: bool,
        replay: Callable[[Call], Answer | None] | None = None,
    ) -> None:
        facts = models.gateway
        self._models = models
        self._store = store
        self._outputs = outputs
        self._tenants = tenants
        self._memory = memory
        self._own = own
        self._profiles = profiles
        self._profile = profiles.own
        self._faults = faults
        self._counts = counts
        self._now = now
        self._log = log
        self._replay = replay
        self._may_play = faults.chaos is not None or replay is not None
        self._key_header = facts.auth.header.lower().encode()
        self._router = Router(facts.routes, models.paths, models.slugs, facts.other_routes)
        self._keys = keys
        self._accepts = keys.accept
        self._refusals = Refusals(facts, keys)
        urls = Urls(facts.routes, public_url)
        self._runs = Runs(
            models, store, outputs, self._refusals, urls, memory, time_scale=time_scale, any_model=any_model
        )
        self._jobs = Jobs(models, store, outputs, self._refusals, urls)
        self._files = Files(store, self._jobs, outputs, self._refusals, urls, memory)
        tenants.on_forget(self._files.forget)
        self._urls = urls
        self._webhooks = webhooks
        self._time_scale = time_scale
        self._bearer_routes = frozenset(one.name for one in facts.other_routes if "bearer" in one.auth)

    async def answer(self, request: IncomingRequest) -> Answer:
        """Answers a request. Raises StoreError, and Full if the memory has no room for a waiting admin call."""
        headers, path = request.headers, request.path
        key = headers.get(self._key_header, b"")
        tenant = self._tenants.get(headers.get(TENANT_HEADER) or key)
        match = self._router.match(path) if len(path) <= REMEMBERED_PATH else self._router.find(path)
        if match is None or request.method == "OPTIONS":
            if self._own.has(request):
                return _refusal(request) or await self._own.answer(request, tenant)
            match = match or NO_ROUTE
        if not key and b"authorization" in headers and (key := await self._bearer(headers[b"authorization"], match)):
            tenant = self._tenants.get(headers.get(TENANT_HEADER) or key)
        if match.route == "image":
            owner = await self._files.owner_of(match.value)
            tenant = (self._tenants.named(owner) if owner is not None else None) or tenant
        now = self._now() + tenant.clock_offset
        end = tenant.history.arrive(now, request, match.route, match.slug)
        call = Call(request, match, key, tenant, now, end, self._profile, tenant.policy)
        try:
            answer = await self._answer(call)
            if call.fault is not NOTHING:
                answer = await finished(call, answer, self._memory)
        except (BadHeader, BadPolicy) as error:
            answer = _failed(call, json_answer(400, {"error": str(error)}))
        except Full as error:
            answer = _failed(call, json_answer(503, {"error": str(error)}))
        except Unavailable as error:
            answer = _failed(call, json_answer(503, {"error": error.reason}))
        except Disconnected:
            answer = _failed(call, NO_ANSWER)
        return self._recorded(call, answer)

    async def _bearer(self, authorization: bytes, match: Match) -> bytes:
        """Returns the key of a Bearer header if the page of the model or flow prints one; otherwise an empty key."""
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            return b""
        if match.route in self._bearer_routes:
            return token.strip()
        slug = match.slug
        if match.route in ("status", "result", "poll"):
            job = await self._store.get(match.value)
            slug = job.slug if job is not None else ""
        served = self._models.get(slug)
        return token.strip() if served is not None and "bearer" in served.model.auth else b""

    async def close(self) -> None:
        """Closes the store and stops making outputs."""
        self._outputs.close()
        if "_control" in vars(self):
            await self._control.close()
        await self._store.close()

    async def _answer(self, call: Call) -> Answer:
        """Answers a call on one of the gateway's routes. Raises BadHeader, BadPolicy, Full and Disconnected."""
        request, match, tenant = call.request, call.match, call.tenant
        headers, route = request.headers, match.route
        if request.is_too_large or b"content-encoding" in headers:
            refusal = _refusal(request) if self._replay is None else size_refusal(request)
            if refusal is not None:
                return refusal
        if SCENARIO_HEADER in headers or tenant.stubs or self._may_play:
            refusal = await self._play(call)
            if refusal is not None:
                return refusal
        if PROFILE_HEADER in headers or tenant.profile is not None:
            call.profile = self._profiles.of(call)
        if JOB_HEADER in headers:
            call.policy = read_policy(request.header(JOB_HEADER))
        if route in OPEN_ROUTES:
            return await self._answer_open(call)
        refusal = None if self._accepts(call.key) else self._refusals.key(request, call.key)
        if refusal is None and tenant.rate_limit is not None and match is not NO_ROUTE:
            refusal = await self._rate_refusal(call, tenant.rate_limit)
        if refusal is not None:
            return refusal
        if route == "run":
            return await self._runs.run(call)
        if route == "submit":
            return await self._runs.submit(call)
        if route in _POLLS and request.method == match.method:
            return await self._jobs.answer(call)
        return await self._answer_other(call)

    @cached_property
    def _control(self) -> "Control":
        """What answers the routes beside those of models. It is made late, since most processes don't need it."""
        from segforge_mock.gateway.control.control import Control, GatewayParts

        parts = GatewayParts(
            self._models,
            self._store,
            self._tenants,
            self._memory,
            self._refusals,
            self._urls,
            self._runs,
            self._jobs,
            self._files,
        )
        return Control(parts, self._webhooks, lambda tenant: self._now() + tenant.clock_offset, self._time_scale)

    async def _answer_open(self, call: Call) -> Answer:
        """Answers a call on a route that needs no key."""
        if call.match.route == "image":
            return await self._files.image(call)
        if call.match.route == "asset":
            return self._files.asset(call)
        return await self._answer_other(call)

    async def _answer_other(self, call: Call) -> Answer:
        """Answers a call on a route that names no model."""
        request, match = call.request, call.match
        if match is NO_ROUTE:
            hint = path_hint(request.path, self._router, self._models.gateway.routes, self._models)
            return self._refusals.unknown_route(request.path, hint)
        if request.method != match.method:
            return self._refusals.wrong_method(match)
        if match.route == "credits":
            balance = await self._store.balance(call.tenant.name)
            answer = call.json(200, {"credits": balance, "free-credits": 0.0})
            if self._keys.accepts_any:
                answer.headers.append((b"x-mock-keys", b"any"))
            return answer
        if match.route == "upload":
            return self._files.upload(call)
        if match.route in CONTROL_ROUTES:
            return await self._control.answer(call)
        return await self._jobs.answer(call)

    async def _play(self, call: Call) -> Answer | None:
        """Chooses the fault of a call. Returns the answer of its scenario, stub or recording, or None without one."""
        call.fault = fault = self._faults.of(call)
        self._profiles.of(call)  # a bad profile is refused before any scenario
        if fault.delay:
            await pause(self._memory, call.request, call.tenant, fault.delay)
            call.now = self._now() + call.tenant.clock_offset
        if fault.scenario is not None and fault.scenario.name in NO_EFFECT:
            return NO_EFFECT[fault.scenario.name]
        answer = scripted_answer(call, self._refusals)
        if answer is None and self._replay is not None:
            answer = self._replay(call) or encoding_refusal(call.request)
        return answer

    async def _rate_refusal(self, call: Call, limit: int) -> Answer | None:
        if await self._store.hit(call.tenant.name, int(call.now // 60)) <= limit:
            return None
        return self._refusals.rate_limited(call.now)

    def _recorded(self, call: Call, answer: Answer) -> Answer:
        """Adds the answer to a request in the history, and returns it with its delivery."""
        request, scenario = call.request, call.fault.scenario
        if answer.status and b"origin" in request.headers:
            with_cors(answer.headers, request.headers[b"origin"])
        name = scenario.name if scenario is not None else ""
        call.tenant.history.answered(call.end, request, name, answer)
        counted = call.match.route, answer.status
        self._counts[counted] = self._counts.get(counted, 0) + 1  # Counter's own addition takes twice as long
        if self._log:
            write_log(call, answer, name)
        return answer if scenario is None else delivered(call, answer, self._memory)


def _refusal(request: IncomingRequest) -> Answer | None:
    """Returns the refusal of a body that is too large or compressed, else None."""
    return size_refusal(request) or encoding_refusal(request)


def _failed(call: Call, answer: Answer) -> Answer:
    """Returns an answer without the call's fault."""
    call.fault = NOTHING
    return answer
