"""The mock gateway as an ASGI application.

A request is checked in the gateway's order: key (401), slug (404), verb (405), Content-Type (406), JSON (400),
parameters (400), balance (406).
"""

import asyncio
import base64
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from segforge.spec.catalog import Assumption, Scalar
from segforge_mock.answers import Answer, bytes_answer, case_answer, json_answer
from segforge_mock.forms import read_form
from segforge_mock.jobs import COMPLETED, FAILED, Job, StateName, state
from segforge_mock.pictures import Picture, pictures, render, used_seed
from segforge_mock.routing import Match, Router
from segforge_mock.served import Malformed, Payload, ServedModel, ServedModels, packaged_models
from segforge_mock.store import MemoryStore, Store
from segforge_mock.violations import Violation

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

MAX_BODY_BYTES: Final = 32 * 2**20
DEFAULT_TIME_SCALE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Request:
    """What the mock reads off a request. Header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    scheme: str
    server: str
    body: bytes | None

    @property
    def origin(self) -> str:
        """Scheme and authority under which the caller reached the mock; the URLs in answers start with it."""
        return f"{self.scheme}://{self.headers.get('host') or self.server}"

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class App:
    """The gateway: models, a store, a clock and the keys that it knows (None: every well-formed one)."""

    def __init__(
        self,
        models: ServedModels,
        store: Store,
        now: Callable[[], float],
        time_scale: float,
        keys: frozenset[str] | None,
    ) -> None:
        self._models = models
        self._store = store
        self._now = now
        self._time_scale = time_scale
        self._keys = keys
        self._gateway = models.gateway
        self._cases = models.gateway.cases
        self._router = Router.of(models.gateway.routes)
        self._key_pattern = re.compile(models.gateway.auth.key_pattern)
        self._key_header = models.gateway.auth.header.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; other protocols are none of the gateway's."""
        if scope["type"] != "http":
            raise NotImplementedError(f"the gateway does not speak {scope['type']}")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host, port = scope.get("server") or ("localhost", 80)
        request = Request(
            scope["method"],
            scope["path"],
            headers,
            scope.get("scheme", "http"),
            f"{host}:{port}",
            await _read_body(receive),
        )
        answer = await self.answer(request)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else answer.body})

    async def answer(self, request: Request) -> Answer:
        """Answer a request."""
        if request.body is None:
            return json_answer(413, {"error": f"Body larger than {MAX_BODY_BYTES} bytes"})
        match = self._router.match(request.path)
        if match is not None and match.route == "picture":
            return await self._picture(request, match)
        refusal = self._check_key(request)
        if refusal is not None:
            return refusal
        if match is None:
            return case_answer(self._cases, "route.unknown", {"path": request.path})
        if match.route in ("run", "submit"):
            return await self._start(request, match)
        if request.method != match.method:
            return self._wrong_method(match)
        if match.route == "credits":
            return json_answer(200, {"credits": await self._store.balance(self._key(request)), "free-credits": 0.0})
        return await self._poll(request, match)

    def _key(self, request: Request) -> str:
        return request.headers.get(self._key_header, "")

    def _check_key(self, request: Request) -> Answer | None:
        key = self._key(request)
        if not key and "authorization" not in request.headers:
            return case_answer(self._cases, "auth.missing")
        known = key in self._keys if self._keys is not None else self._key_pattern.fullmatch(key)
        return None if known else case_answer(self._cases, "auth.invalid")

    def _wrong_method(self, match: Match) -> Answer:
        answer = case_answer(self._cases, "method.not_allowed")
        answer.headers.append((b"allow", match.method.encode()))
        return answer

    async def _start(self, request: Request, match: Match) -> Answer:
        """A v1 run or a v2 submit."""
        served = self._models.get(match.value)
        if served is None or ("v1" if match.route == "run" else "v2") not in served.model.versions:
            return case_answer(self._cases, "model.unknown", {"slug": match.value})
        if request.method != match.method:
            return self._wrong_method(match)
        if request.media_type not in self._gateway.content_types:
            return case_answer(self._cases, "content_type.invalid")
        read = _read(request, served)
        if isinstance(read, Malformed):
            return case_answer(self._cases, "body.malformed", {"reason": read.reason})
        if not isinstance(read, Payload):
            return self._refuse(read)
        cost = self._assumed_number("credits_per_call")
        remaining = await self._store.charge(self._key(request), cost)
        if remaining is None:
            balance = await self._store.balance(self._key(request))
            return case_answer(self._cases, "credits.insufficient", {"balance": balance, "cost": cost})
        job = self._job(served, read.values, cost, remaining)
        return await (self._run(served, job) if match.route == "run" else self._submit(request, job))

    def _refuse(self, found: Iterable[Violation]) -> Answer:
        listed = list(found)
        text = "; ".join(f"{violation.parameter}: {violation.message} ({violation.rule})" for violation in listed)
        return case_answer(self._cases, "parameters.invalid", {"violations": text}, violations=listed)

    def _job(self, served: ServedModel, values: Mapping[str, Scalar], cost: float, remaining: float) -> Job:
        return Job(
            request_id=str(uuid.uuid4()),
            slug=served.model.slug,
            values=values,
            submitted_at=self._now(),
            queue_time=self._assumed_number("queue_seconds"),
            inference_time=served.model.typical_seconds or self._assumed_number("typical_seconds"),
            time_scale=self._time_scale,
            cost=cost,
            remaining_credits=remaining,
        )

    def _assumed_number(self, name: str) -> float:
        assumption: Assumption = self._gateway.assumptions[name]
        return float(assumption.value)

    async def _run(self, served: ServedModel, job: Job) -> Answer:
        """The blocking call: the output itself, or JSON with it in base64."""
        made = pictures(self._gateway, served.model, job.values)
        rendered, _ = await asyncio.gather(_rendered(made), asyncio.sleep(job.inference_time * job.time_scale))
        headers = {
            "x-request-id": job.request_id,
            "x-cost": str(job.cost),
            "x-remaining-credits": str(job.remaining_credits),
            "x-generation-time": str(job.inference_time),
            "x-seed-value": str(used_seed(served.model, job.values)),
        }
        if served.model.returns.media == "image" and not job.values.get(served.model.returns.controls.base64 or ""):
            return bytes_answer(made[0].media_type, rendered[0], headers)
        encoded = [base64.b64encode(data).decode("ascii") for data in rendered]
        body = {
            "status": "Success",
            "image": encoded[0] if len(encoded) == 1 else encoded,
            "infer_time": job.inference_time,
            "outputs": len(encoded),
            "image_format": made[0].format,
        }
        return json_answer(200, body, headers)

    async def _submit(self, request: Request, job: Job) -> Answer:
        await self._store.add(job)
        return json_answer(
            200,
            {
                "request_id": job.request_id,
                "status": state(job, job.submitted_at - 1),
                "poll_url": self._url(request, "poll", job),
                "status_url": self._url(request, "status", job),
                "response_url": self._url(request, "result", job),
            },
        )

    def _url(self, request: Request, route: str, job: Job) -> str:
        path: str = getattr(self._gateway.routes, route).path
        return request.origin + path.replace("{request_id}", job.request_id)

    async def _poll(self, request: Request, match: Match) -> Answer:
        job = await self._store.get(match.value)
        now = self._now()
        if job is None or now - job.submitted_at >= self._gateway.lifecycle.retention_seconds:
            case = "output.unknown" if match.route == "poll" else "request.unknown"
            return case_answer(self._cases, case, {"request_id": match.value})
        current = state(job, now)
        if current == FAILED:
            return json_answer(
                422,
                {"status": FAILED, "request_id": job.request_id, "error": job.error, "metrics": _metrics(job, current)},
            )
        if match.route == "status" or current != COMPLETED:
            return json_answer(
                200,
                {
                    "status": current,
                    "request_id": job.request_id,
                    "status_url": self._url(request, "status", job),
                    "response_url": self._url(request, "result", job),
                    "metrics": _metrics(job, current),
                },
            )
        return await self._result(request, job)

    async def _result(self, request: Request, job: Job) -> Answer:
        made = self._pictures(job)
        rendered = await _rendered(made)
        images = [
            {
                "url": f"{request.origin}/generations/{_file_name(job, picture)}",
                "content_type": picture.media_type,
                "file_name": _file_name(job, picture),
                "file_size": str(len(data)),
            }
            for picture, data in zip(made, rendered, strict=True)
        ]
        return json_answer(
            200,
            {
                "status": COMPLETED,
                "request_id": job.request_id,
                "output": images[0]["url"],
                "images": images,
                "seed": str(made[0].seed),
                "prompt": made[0].prompt,
                "metrics": _metrics(job, COMPLETED),
            },
        )

    def _pictures(self, job: Job) -> list[Picture]:
        served = self._models.get(job.slug)
        return pictures(self._gateway, served.model, job.values) if served is not None else []

    async def _picture(self, request: Request, match: Match) -> Answer:
        """A picture of a completed job; its address is the secret, no key is asked for."""
        if request.method not in ("GET", "HEAD"):
            return self._wrong_method(match)
        job = await self._store.get(match.value[:36])
        if job is not None and state(job, self._now()) == COMPLETED:
            for picture in self._pictures(job):
                if _file_name(job, picture) == match.value:
                    return bytes_answer(picture.media_type, (await _rendered([picture]))[0])
        return case_answer(self._cases, "route.unknown", {"path": request.path})


def _read(request: Request, served: ServedModel) -> Payload | Malformed | list[Violation]:
    body = request.body or b""
    if request.media_type == "application/json":
        return served.read(body)
    data = read_form(served.model, request.headers["content-type"], body)
    return data if isinstance(data, Malformed) else served.read_data(data)


def _file_name(job: Job, picture: Picture) -> str:
    return f"{job.request_id}-{picture.index + 1}.{picture.format}"


def _metrics(job: Job, current: StateName) -> dict[str, float]:
    """Times once they are known; cost and balance only for what is billed."""
    times = {"inference_time": job.inference_time, "queue_time": job.queue_time, "total_time": job.total_time}
    if current == COMPLETED:
        return {"cost": job.cost, "remaining_credits": job.remaining_credits, **times}
    return times if current == FAILED else {}


async def _rendered(made: list[Picture]) -> list[bytes]:
    """The pictures' bytes; drawing takes tens of milliseconds, so that it happens beside the event loop."""
    return await asyncio.to_thread(lambda: [render(picture) for picture in made])


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body, or None where it is larger than MAX_BODY_BYTES."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if len(body) <= MAX_BODY_BYTES else None
    parts, size = [body], len(body)
    while message.get("more_body") and size <= MAX_BODY_BYTES:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    return b"".join(parts) if size <= MAX_BODY_BYTES else None


def create_app(
    *,
    models: ServedModels | None = None,
    store: Store | None = None,
    now: Callable[[], float] = time.time,
    time_scale: float = DEFAULT_TIME_SCALE,
    keys: Iterable[str] | None = None,
) -> App:
    """The mock gateway as an ASGI 3 application.

    `models`: what it serves (default: the models that travel with segforge). `store`: where jobs are kept (default: in
    memory). `now`: the clock, in seconds. `time_scale`: how long a run takes here against the real gateway, 0 for no
    time. `keys`: the API keys that it knows (default: every well-formed one).
    """
    models = models or packaged_models()
    if store is None:
        opening = float(models.gateway.assumptions["opening_credits"].value)
        store = MemoryStore(opening, models.gateway.lifecycle.retention_seconds)
    return App(models, store, now, time_scale, None if keys is None else frozenset(keys))
