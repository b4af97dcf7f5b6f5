"""How the gateway answers.

A request is checked in this order: key (401), rate limit (429), slug (404), verb (405), Content-Type (406), JSON (400),
parameters (400, or what the profile says), balance (406, or what the profile says).
"""

import re
import time
from typing import Any, Final, NamedTuple

from segforge.spec.catalog import Profile, Route, Version
from segforge_mock.faults.scenarios import Scenario
from segforge_mock.gateway.bodies import ReadBody, Reader
from segforge_mock.gateway.files import Uploads
from segforge_mock.gateway.ids import request_id
from segforge_mock.gateway.outputs import Outputs
from segforge_mock.gateway.routing import Match
from segforge_mock.http.answers import Answer, bytes_answer, case_answer, file_answer, json_answer, json_bytes_answer
from segforge_mock.http.request import IncomingRequest
from segforge_mock.http.waiting import pause
from segforge_mock.jobs.job import COMPLETED, FAILED, QUEUED, Job, StateName, state
from segforge_mock.jobs.policy import Policy
from segforge_mock.media.image import GeneratedImage
from segforge_mock.memory import Memory
from segforge_mock.models.served import ServedModel, ServedModels
from segforge_mock.models.unlisted import unlisted_model
from segforge_mock.stores.base import Store
from segforge_mock.tenants.tenants import Tenant

MAX_ACCEPTED: Final = 10_000
MAX_ACCEPTED_BYTES: Final = 256
IMAGE_SECONDS: Final = 7 * 24 * 3600.0
_IMAGE_NAME: Final = re.compile(r"(?P<id>[0-9a-f-]{32,36})-(?P<number>[0-9]{1,5})\.(?P<format>[a-z]+)")


class Call:
    """One request on its way through the gateway: who asks, when, under which profile and which scenario."""

    __slots__ = ("match", "now", "policy", "profile", "request", "scenario", "tenant")

    def __init__(self, request: IncomingRequest, match: Match, tenant: Tenant, now: float, profile: Profile) -> None:
        self.request = request
        self.match = match
        self.tenant = tenant
        self.now = now
        self.profile = profile
        self.policy: Policy | None = tenant.policy
        self.scenario: Scenario | None = None

    @property
    def alphabetical(self) -> bool:
        """Whether the profile has the keys of JSON in alphabetical order."""
        return self.profile.key_order == "alphabetical"

    def json(self, status: int, data: object) -> Answer:
        """A JSON answer with its keys in the profile's order."""
        return json_answer(status, data, alphabetical=self.alphabetical)


class _JobPath(NamedTuple):
    """A route's path, cut where the job's id stands in it."""

    before: str
    after: str

    def of(self, origin: str, request_id: str) -> str:
        """The URL for one job."""
        return f"{origin}{self.before}{request_id}{self.after}"


class _JobUrls(NamedTuple):
    """The addresses of a job."""

    poll: _JobPath
    status: _JobPath
    result: _JobPath


def _job_path(route: Route) -> _JobPath:
    before, _, after = route.path.partition("{request_id}")
    return _JobPath(before, after)


class MockGateway:
    """Answers calls from the emitted models and a store."""

    def __init__(
        self,
        models: ServedModels,
        store: Store,
        outputs: Outputs,
        memory: Memory,
        *,
        keys: frozenset[str] | None = None,
        time_scale: float = 0.01,
        public_url: str | None = None,
        any_model: bool = False,
    ) -> None:
        self._models = models
        self._store = store
        self._outputs = outputs
        self._keys = keys
        self._time_scale = time_scale
        self._public_url = public_url
        self._any_model = any_model
        self._memory = memory
        self._uploads = Uploads(memory)
        self._reader = Reader(models.gateway)
        self._facts = models.gateway
        self.cases = models.gateway.cases
        self._key_pattern = re.compile(models.gateway.auth.key_pattern)
        self._accepted: set[bytes] = set()
        self._key_header = models.gateway.auth.header.lower().encode()
        assumed = {name: assumption.value for name, assumption in models.gateway.assumptions.items()}
        self._usual_cost = float(assumed["credits_per_call"])
        routes = self._facts.routes
        self._urls = _JobUrls(_job_path(routes.poll), _job_path(routes.status), _job_path(routes.result))
        self._queue_time = float(assumed["queue_seconds"])
        self._typical_time = float(assumed["typical_seconds"])
        self._retention = models.gateway.lifecycle.retention_seconds

    def key(self, request: IncomingRequest) -> bytes:
        """The key that a request carries, or b""."""
        return request.headers.get(self._key_header, b"")

    def origin(self, request: IncomingRequest) -> str:
        """Where the URLs in answers point: the public URL if there is one, else the address that the caller used."""
        return self._public_url or request.origin

    async def answer(self, call: Call) -> Answer:
        """Answer a call on one of the gateway's routes."""
        route = call.match.route
        if route in ("image", "asset"):
            return await (self._image(call) if route == "image" else self._asset(call))
        refusal = self.check_key(call.request)
        if refusal is None and call.tenant.rate_limit is not None:
            refusal = await self._check_rate(call, call.tenant.rate_limit)
        if refusal is not None:
            return refusal
        if route == "run" or route == "submit":  # noqa: PLR1714 - twice as fast as a tuple on the hot path
            return await self._start(call)
        if call.request.method != call.match.method:
            return self.wrong_method(call.match)
        if route == "credits":
            balance = await self._store.balance(call.tenant.name)
            return call.json(200, {"credits": balance, "free-credits": 0.0})
        if route == "upload":
            return self._uploads.answer(call.request, self.origin(call.request), self.cases)
        return await self._poll(call)

    def check_key(self, request: IncomingRequest) -> Answer | None:
        """The refusal of a request without a key, or with one that is not known."""
        key = request.headers.get(self._key_header, b"")
        if key in self._accepted:
            return None
        if not key and b"authorization" not in request.headers:
            return case_answer(self.cases, "auth.missing")
        text = key.decode("latin-1")
        if not (text in self._keys if self._keys is not None else self._key_pattern.fullmatch(text)):
            return case_answer(self.cases, "auth.invalid")
        if len(self._accepted) < MAX_ACCEPTED and len(key) <= MAX_ACCEPTED_BYTES:
            self._accepted.add(key)
        return None

    async def _check_rate(self, call: Call, limit: int) -> Answer | None:
        window = int(call.now // 60)
        if await self._store.hit(call.tenant.name, window) <= limit:
            return None
        return self.rate_limited(call.now)

    def rate_limited(self, now: float) -> Answer:
        """A refusal that says when the next minute starts; like the gateway's it has no Retry-After."""
        answer = case_answer(self.cases, "rate.limited")
        reset = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((now // 60 + 1) * 60))
        answer.headers.append((b"x-rate-limit-reset-at-utc", reset.encode()))
        return answer

    def wrong_method(self, match: Match) -> Answer:
        """405 with the verb that would fit."""
        answer = case_answer(self.cases, "method.not_allowed")
        answer.headers.append((b"allow", match.method.encode()))
        return answer

    async def _start(self, call: Call) -> Answer:
        """A v1 run or a v2 submit."""
        request, match = call.request, call.match
        version: Version = "v1" if match.route == "run" else "v2"
        served: ServedModel | None = self._models.get(match.value)
        listed = served is not None
        if served is None and self._any_model:
            served = unlisted_model(match.value)
        if served is None or version not in served.model.versions:
            return case_answer(self.cases, "model.unknown", {"slug": match.value})
        if request.method != match.method:
            return self.wrong_method(match)
        if request.media_type not in self._facts.content_types:
            return case_answer(self.cases, "content_type.invalid")
        reading = self._reader.read(served, version, call.profile.name, request)
        if reading.refusal is not None:
            return reading.refusal
        answer = await (self._run if version == "v1" else self._submit)(call, served, reading)
        if not listed:
            answer.headers.append((b"x-mock-model", b"unlisted"))
        return answer

    def _times(self, call: Call, served: ServedModel) -> tuple[float, float, float]:
        """How long the model is said to run, and how long the job really queues and runs; in seconds."""
        inference = served.model.typical_seconds or self._typical_time
        policy = call.policy
        if policy is None or policy.seconds is None:
            return inference, self._queue_time * self._time_scale, inference * self._time_scale
        share = self._queue_time / (self._queue_time + inference)
        return inference, policy.seconds * share, policy.seconds * (1 - share)

    def _job_error(self, scenario: Scenario) -> str:
        _, case = self.cases[scenario.case]
        return str((case.body or {}).get("error", scenario.description))

    def _cost(self, served: ServedModel) -> float:
        """What a call of a model costs, in credits."""
        return served.model.typical_cost or self._usual_cost

    async def _no_credits(self, call: Call, served: ServedModel, version: Version) -> Answer:
        balance = await self._store.balance(call.tenant.name)
        case = call.profile.cases(version, "balance")[0]
        return case_answer(self.cases, case, {"balance": balance, "cost": self._cost(served)})

    async def _run(self, call: Call, served: ServedModel, reading: ReadBody) -> Answer:
        """The blocking call: the output itself, or JSON with it in base64."""
        cost = self._cost(served)
        remaining = await self._store.charge(call.tenant.name, cost)
        if remaining is None:
            return await self._no_credits(call, served, "v1")
        inference, queue_seconds, run_seconds = self._times(call, served)
        if queue_seconds or run_seconds:
            await pause(self._memory, call.request, call.tenant, queue_seconds + run_seconds)
        output = self._outputs.of(served, reading.payload)
        first = output.images[0]
        if output.base64:
            body = await self._outputs.json_of(output, inference, alphabetical=call.alphabetical)
            answer = json_bytes_answer(body)
        else:
            answer = bytes_answer(first.media_type, await self._outputs.bytes_of(first))
        answer.headers.extend(
            (
                (b"x-request-id", request_id(call.profile.request_ids).encode()),
                (b"x-cost", b"%r" % cost),
                (b"x-remaining-credits", b"%r" % remaining),
                (b"x-generation-time", b"%r" % inference),
                (b"x-seed-value", b"%d" % output.seed),
            )
        )
        return answer

    async def _submit(self, call: Call, served: ServedModel, reading: ReadBody) -> Answer:
        policy, error = call.policy, reading.error
        if call.scenario is not None and call.scenario.kind == "job":
            error = self._job_error(call.scenario)
        inference, queue_seconds, run_seconds = self._times(call, served)
        job = Job(
            request_id=request_id(call.profile.request_ids),
            tenant=call.tenant.name,
            slug=served.model.slug,
            body=reading.payload,
            submitted_at=call.now,
            queue_time=self._queue_time,
            inference_time=inference,
            queue_seconds=queue_seconds,
            run_seconds=run_seconds,
            cost=self._cost(served) if error is None else 0.0,
            error=error,
            polls=policy.polls if policy is not None else 0,
            held=policy is not None and policy.held,
        )
        kept = await self._store.submit(job)
        if kept is None:
            return await self._no_credits(call, served, "v2")
        origin, urls, name = self.origin(call.request), self._urls, kept.request_id
        return call.json(
            200,
            {
                "request_id": name,
                "status": QUEUED,
                "poll_url": urls.poll.of(origin, name),
                "status_url": urls.status.of(origin, name),
                "response_url": urls.result.of(origin, name),
            },
        )

    async def _poll(self, call: Call) -> Answer:
        route = call.match.route
        job = await self._store.get(call.match.value)
        if job is None or call.now - job.submitted_at >= self._retention:
            case = "output.unknown" if route == "poll" else "request.unknown"
            return case_answer(self.cases, case, {"request_id": call.match.value})
        current = await self._state(job, call.now, polled=route == "status")
        if current == FAILED:
            return call.json(422, _failed(job, call.profile))
        if current == COMPLETED and route != "status":
            return await self._result(call, job)
        origin, urls, name = self.origin(call.request), self._urls, job.request_id
        return call.json(
            200,
            {
                "status": current,
                "request_id": name,
                "status_url": urls.status.of(origin, name),
                "response_url": urls.result.of(origin, name),
                "metrics": _metrics(job) if current == COMPLETED else {},
            },
        )

    async def _state(self, job: Job, now: float, *, polled: bool = False) -> StateName:
        if not job.polls and not job.held:
            return state(job, now)
        counts = polled and job.polls
        progress = await (self._store.count_poll if counts else self._store.progress)(job.request_id)
        return state(job, now, progress)

    async def _result(self, call: Call, job: Job) -> Answer:
        output = self._outputs.of(self._served(job), job.body)
        origin = self.origin(call.request)
        images = []
        for picture in output.images:
            name = _file_name(job, picture)
            size = str(len(await self._outputs.bytes_of(picture)))
            url = f"{origin}/generations/{name}"
            images.append({"url": url, "content_type": picture.media_type, "file_name": name, "file_size": size})
        return call.json(
            200,
            {
                "status": COMPLETED,
                "request_id": job.request_id,
                "output": images[0]["url"],
                "images": images,
                "seed": str(output.seed),
                "prompt": output.images[0].prompt,
                "metrics": _metrics(job),
            },
        )

    def _served(self, job: Job) -> ServedModel:
        served = self._models.get(job.slug)
        return served if served is not None else unlisted_model(job.slug)

    async def _image(self, call: Call) -> Answer:
        """A picture of a completed job; its address is the secret, no key is asked for."""
        if call.request.method not in ("GET", "HEAD"):
            return self.wrong_method(call.match)
        named = _IMAGE_NAME.fullmatch(call.match.value)
        job = await self._store.get(named["id"]) if named is not None else None
        if job is not None and named is not None and call.now - job.submitted_at < IMAGE_SECONDS:
            number = int(named["number"])
            made = self._outputs.of(self._served(job), job.body).images if job.error is None else ()
            picture = made[number - 1] if 0 < number <= len(made) else None
            wanted = picture is not None and picture.format == named["format"]
            if picture is not None and wanted and await self._state(job, call.now) == COMPLETED:
                return file_answer(picture.media_type, await self._outputs.bytes_of(picture))
        return case_answer(self.cases, "route.unknown", {"path": call.request.path})

    async def _asset(self, call: Call) -> Answer:
        if call.request.method not in ("GET", "HEAD"):
            return self.wrong_method(call.match)
        found = self._uploads.get(call.match.value)
        return found or case_answer(self.cases, "route.unknown", {"path": call.request.path})


def _file_name(job: Job, picture: GeneratedImage) -> str:
    return f"{job.request_id}-{picture.position + 1}.{picture.format}"


def _metrics(job: Job) -> dict[str, float]:
    return {
        "cost": job.cost,
        "remaining_credits": job.remaining_credits,
        "inference_time": job.inference_time,
        "queue_time": job.queue_time,
        "total_time": round(job.total_time, 6),
    }


def _failed(job: Job, profile: Profile) -> dict[str, Any]:
    """The record of a failed job: no cost, no balance, since it is not billed."""
    every = _metrics(job)
    body = {
        "status": FAILED,
        "request_id": job.request_id,
        "error": job.error,
        "metrics": {name: every[name] for name in profile.failed_job_metrics},
    }
    return {name: body[name] for name in profile.failed_job_keys}
