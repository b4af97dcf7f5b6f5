"""How the gateway answers.

A request is checked in this order: key (401), rate limit (429), slug (404), verb (405), Content-Type (406), JSON (400),
parameters (400, or what the profile says), balance (406, or what the profile says).
"""

import asyncio
import base64
import os
import re
import time
from collections.abc import Iterable
from typing import Any, Final

from segforge.spec.catalog import Profile, Route, Version
from segforge_mock.answers import Answer, bytes_answer, case_answer, json_answer
from segforge_mock.forms import read_form
from segforge_mock.jobs import COMPLETED, FAILED, QUEUED, Job, StateName, state
from segforge_mock.outputs import Outputs
from segforge_mock.pictures import Picture
from segforge_mock.policies import Policy
from segforge_mock.request import Request
from segforge_mock.routing import Match
from segforge_mock.scenarios import Scenario
from segforge_mock.served import Malformed, Payload, ServedModel, ServedModels
from segforge_mock.store import Store
from segforge_mock.tenants import Tenant
from segforge_mock.unlisted import UnlistedModels
from segforge_mock.uploads import Uploads
from segforge_mock.violations import Violation

MAX_ACCEPTED: Final = 10_000
PICTURE_SECONDS: Final = 7 * 24 * 3600.0
_PICTURE_NAME: Final = re.compile(r"(?P<id>[0-9a-f-]{32,36})-(?P<number>[0-9]{1,5})\.(?P<format>[a-z]+)")


class Call:
    """One request on its way through the gateway: who asks, when, under which profile and which scenario."""

    __slots__ = ("match", "now", "policy", "profile", "request", "scenario", "tenant")

    def __init__(self, request: Request, match: Match, tenant: Tenant, now: float, profile: Profile) -> None:
        self.request = request
        self.match = match
        self.tenant = tenant
        self.now = now
        self.profile = profile
        self.policy: Policy | None = tenant.policy
        self.scenario: Scenario | None = None

    def json(self, status: int, data: object) -> Answer:
        """A JSON answer with its keys in the profile's order."""
        return json_answer(status, data, alphabetical=self.profile.key_order == "alphabetical")


class Gateway:
    """Answers calls from the emitted models and a store."""

    def __init__(
        self,
        models: ServedModels,
        store: Store,
        outputs: Outputs,
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
        self._unlisted = UnlistedModels() if any_model else None
        self._uploads = Uploads()
        self._facts = models.gateway
        self.cases = models.gateway.cases
        self._key_pattern = re.compile(models.gateway.auth.key_pattern)
        self._accepted: set[bytes] = set()
        self._key_header = models.gateway.auth.header.lower().encode()
        assumed = {name: assumption.value for name, assumption in models.gateway.assumptions.items()}
        self._cost = float(assumed["credits_per_call"])
        self._queue_time = float(assumed["queue_seconds"])
        self._typical_time = float(assumed["typical_seconds"])
        self._retention = models.gateway.lifecycle.retention_seconds

    def key(self, request: Request) -> bytes:
        """The key that a request carries, or b""."""
        return request.headers.get(self._key_header, b"")

    def origin(self, request: Request) -> str:
        """Where the URLs in answers point: the public URL if there is one, else the address that the caller used."""
        return self._public_url or request.origin

    async def answer(self, call: Call) -> Answer:
        """Answer a call on one of the gateway's routes."""
        route = call.match.route
        if route in ("picture", "asset"):
            return await (self._picture(call) if route == "picture" else self._asset(call))
        refusal = self.check_key(call.request) or await self._check_rate(call)
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

    def check_key(self, request: Request) -> Answer | None:
        """The refusal of a request without a key, or with one that is not known."""
        key = request.headers.get(self._key_header, b"")
        if key in self._accepted:
            return None
        if not key and b"authorization" not in request.headers:
            return case_answer(self.cases, "auth.missing")
        text = key.decode("latin-1")
        if not (text in self._keys if self._keys is not None else self._key_pattern.fullmatch(text)):
            return case_answer(self.cases, "auth.invalid")
        if len(self._accepted) < MAX_ACCEPTED:
            self._accepted.add(key)
        return None

    async def _check_rate(self, call: Call) -> Answer | None:
        limit = call.tenant.rate_limit
        if limit is None:
            return None
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
        if served is None and self._unlisted is not None:
            served = self._unlisted.get(match.value)
        if served is None or version not in served.model.versions:
            return case_answer(self.cases, "model.unknown", {"slug": match.value})
        if request.method != match.method:
            return self.wrong_method(match)
        media_type = request.media_type
        if media_type not in self._facts.content_types:
            return case_answer(self.cases, "content_type.invalid")
        read = self._read(call, served, media_type)
        if isinstance(read, Malformed):
            return case_answer(self.cases, "body.malformed", {"reason": read.reason})
        refusal = None if isinstance(read, Payload) else self._refuse(call, version, read)
        if refusal is not None:
            return refusal
        job = self._job(call, served)
        if isinstance(read, Payload):
            job["body"] = read.body
        else:
            job |= {"error": _sentences(read), "cost": 0.0}
        answer = await (self._run(call, served, job) if version == "v1" else self._submit(call, job))
        if served.model.slug not in self._models.slugs:
            answer.headers.append((b"x-mock-model", b"unlisted"))
        return answer

    def _read(self, call: Call, served: ServedModel, media_type: str) -> Payload | Malformed | list[Violation]:
        cast, formats = call.profile.numeric_strings == "cast", call.profile.formats == "checked"
        if media_type == "application/json":
            return served.read(call.request.body, cast=cast, formats=formats)
        data = read_form(served.model, call.request.header(b"content-type"), call.request.body)
        return data if isinstance(data, Malformed) else served.read_data(data, cast=cast, formats=formats)

    def _refuse(self, call: Call, version: Version, found: list[Violation]) -> Answer | None:
        """The refusal of invalid parameters, or None where the profile takes the job and lets it fail."""
        case = call.profile.cases(version, found[0].rule)[0]
        if case == "job.failed":
            return None
        return case_answer(self.cases, case, {"violations": _sentences(found)}, violations=found)

    def _job(self, call: Call, served: ServedModel) -> dict[str, Any]:
        """The fields of a job that starts now."""
        policy, scenario = call.policy, call.scenario
        inference = served.model.typical_seconds or self._typical_time
        queue_seconds, run_seconds = self._queue_time * self._time_scale, inference * self._time_scale
        if policy is not None and policy.seconds is not None:
            share = self._queue_time / (self._queue_time + inference)
            queue_seconds, run_seconds = policy.seconds * share, policy.seconds * (1 - share)
        fails = scenario is not None and scenario.kind == "job"
        return {
            "request_id": _request_id(call.profile.request_ids),
            "tenant": call.tenant.name,
            "slug": served.model.slug,
            "body": b"{}",
            "submitted_at": call.now,
            "queue_time": self._queue_time,
            "inference_time": inference,
            "queue_seconds": queue_seconds,
            "run_seconds": run_seconds,
            "cost": 0.0 if fails else self._cost,
            "error": self._job_error(scenario) if fails and scenario is not None else None,
            "polls": policy.polls if policy is not None else 0,
            "held": policy is not None and policy.held,
        }

    def _job_error(self, scenario: Scenario) -> str:
        _, case = self.cases[scenario.case]
        return str((case.body or {}).get("error", scenario.description))

    async def _no_credits(self, call: Call, version: Version) -> Answer:
        balance = await self._store.balance(call.tenant.name)
        case = call.profile.cases(version, "balance")[0]
        return case_answer(self.cases, case, {"balance": balance, "cost": self._cost})

    async def _run(self, call: Call, served: ServedModel, job: dict[str, Any]) -> Answer:
        """The blocking call: the output itself, or JSON with it in base64."""
        if job["error"] is not None:
            return case_answer(self.cases, "run.failed")
        remaining = await self._store.charge(call.tenant.name, job["cost"])
        if remaining is None:
            return await self._no_credits(call, "v1")
        seconds = job["queue_seconds"] + job["run_seconds"]
        if seconds:
            await asyncio.sleep(seconds)
        output = self._outputs.of(served, job["body"])
        first = output.pictures[0]
        if output.base64:
            rendered = [await self._outputs.bytes_of(picture) for picture in output.pictures]
            answer = call.json(200, _base64_body(rendered, first, job["inference_time"]))
        else:
            answer = bytes_answer(first.media_type, await self._outputs.bytes_of(first))
        answer.headers.extend(
            (
                (b"x-request-id", job["request_id"].encode()),
                (b"x-cost", b"%r" % job["cost"]),
                (b"x-remaining-credits", b"%r" % remaining),
                (b"x-generation-time", b"%r" % job["inference_time"]),
                (b"x-seed-value", b"%d" % output.seed),
            )
        )
        return answer

    async def _submit(self, call: Call, job: dict[str, Any]) -> Answer:
        kept = await self._store.submit(Job(**job))
        if kept is None:
            return await self._no_credits(call, "v2")
        origin, routes = self.origin(call.request), self._facts.routes
        return call.json(
            200,
            {
                "request_id": kept.request_id,
                "status": QUEUED,
                "poll_url": _url(origin, routes.poll, kept),
                "status_url": _url(origin, routes.status, kept),
                "response_url": _url(origin, routes.result, kept),
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
        origin, routes = self.origin(call.request), self._facts.routes
        return call.json(
            200,
            {
                "status": current,
                "request_id": job.request_id,
                "status_url": _url(origin, routes.status, job),
                "response_url": _url(origin, routes.result, job),
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
        for picture in output.pictures:
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
                "prompt": output.pictures[0].prompt,
                "metrics": _metrics(job),
            },
        )

    def _served(self, job: Job) -> ServedModel:
        served = self._models.get(job.slug)
        return served if served is not None else UnlistedModels().get(job.slug)

    async def _picture(self, call: Call) -> Answer:
        """A picture of a completed job; its address is the secret, no key is asked for."""
        if call.request.method not in ("GET", "HEAD"):
            return self.wrong_method(call.match)
        named = _PICTURE_NAME.fullmatch(call.match.value)
        job = await self._store.get(named["id"]) if named is not None else None
        if job is not None and named is not None and call.now - job.submitted_at < PICTURE_SECONDS:
            number = int(named["number"])
            made = self._outputs.of(self._served(job), job.body).pictures if job.error is None else ()
            picture = made[number - 1] if 0 < number <= len(made) else None
            wanted = picture is not None and picture.format == named["format"]
            if picture is not None and wanted and await self._state(job, call.now) == COMPLETED:
                return bytes_answer(picture.media_type, await self._outputs.bytes_of(picture))
        return case_answer(self.cases, "route.unknown", {"path": call.request.path})

    async def _asset(self, call: Call) -> Answer:
        if call.request.method not in ("GET", "HEAD"):
            return self.wrong_method(call.match)
        found = self._uploads.get(call.match.value)
        return found or case_answer(self.cases, "route.unknown", {"path": call.request.path})


def _sentences(found: Iterable[Violation]) -> str:
    return "; ".join(f"{violation.parameter}: {violation.message} ({violation.rule})" for violation in found)


def _request_id(form: str) -> str:
    """A random UUID (version 4), with hyphens or as 32 hexadecimal digits."""
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return text if form == "hex" else f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _url(origin: str, route: Route, job: Job) -> str:
    return origin + route.path.replace("{request_id}", job.request_id)


def _file_name(job: Job, picture: Picture) -> str:
    return f"{job.request_id}-{picture.index + 1}.{picture.format}"


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


def _base64_body(rendered: list[bytes], first: Picture, seconds: float) -> dict[str, Any]:
    """What a worker answers in JSON; a list of pictures where several were asked for."""
    encoded = [base64.b64encode(data).decode("ascii") for data in rendered]
    return {
        "status": "Success",
        "image": encoded[0] if len(encoded) == 1 else encoded,
        "infer_time": seconds,
        "outputs": len(encoded),
        "image_format": first.format,
    }
