"""The stand-in: a small gateway that keeps the contract, as an ASGI app, with faults that tests enable by name.

It shares no code with the mock or with the contract tests. jsonschema validates payloads, and each poll of a job's
status advances the job by one state, so no test waits.
"""

import base64
import io
import json
import math
import re
import uuid
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import cache
from typing import Any, NamedTuple

from PIL import Image

from segforge import Catalog
from segforge.spec.catalog import Model
from tests.contract.validation import Validation

KEY = "SG_00112233aabbccdd"
BASE_URL = "http://127.0.0.1:9"
CHECKS = ("key", "model", "method", "content_type", "body")

Message = MutableMapping[str, Any]

OBSERVED = {"string_to_integer", "string_to_number", "formats_ignored"}
"""Behavior that is no fault under the observed profile."""

STATES = {
    "never_ends": ("QUEUED", "PROCESSING"),
    "lower_case": ("queued", "processing", "completed"),
    "goes_back": ("QUEUED", "PROCESSING", "QUEUED", "PROCESSING", "COMPLETED"),
    "completed_then_fails": ("QUEUED", "PROCESSING", "COMPLETED", "FAILED"),
    "completed_then_processing": ("QUEUED", "PROCESSING", "COMPLETED", "PROCESSING"),
    "all_fail": ("QUEUED", "FAILED"),
    "failed_is_200": ("QUEUED", "FAILED"),
    "failed_without_error": ("QUEUED", "FAILED"),
}
"""The states of a job under a fault, one for each poll of its status; the last one stays."""


CRASHES: Mapping[str, Callable[[bytes, Any], bool]] = {
    "crashes_on_minus_zero": lambda body, _: b": -0.0" in body,
    "crashes_on_unicode": lambda _, values: any(isinstance(v, str) and "猫" in v for v in values),
    "crashes_on_empty": lambda _, values: "" in values,
    "crashes_on_long": lambda body, _: len(body) > 10_000,
    "crashes_on_control": lambda body, _: b"\\u0000" in body,
    "crashes_on_surrogate": lambda body, _: b"\\ud800" in body,
    "crashes_on_unknown": lambda body, _: b"no_such_parameter" in body,
    "crashes_on_whole": lambda _, values: any(isinstance(v, float) and v == 32556 for v in values),
    "crashes_on_huge": lambda _, values: any(isinstance(v, int) and v > 10**20 for v in values),
    "crashes_on_duplicate": lambda body, _: body.count(b'"adapter_strength":') > 1,
    "crashes_on_nan": lambda body, _: b"NaN" in body,
    "crashes_on_depth": lambda body, _: body.count(b"[") > 500,
}
"""For each fault, a predicate on a body and its values: the fault answers 500 to these bodies."""


class Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = {}


class Refused(Exception):
    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


class StandIn:
    """The gateway. `observed`: it follows the observed profile. `seen` holds each request's method, path and key."""

    def __init__(self, catalog: Catalog, *faults: str, observed: bool = False) -> None:
        self.faults = frozenset(faults) | (OBSERVED if observed else set())
        self.observed = observed
        self.models = {model.slug: model for model in catalog.models}
        self.validations = {model.slug: Validation(model, self.faults) for model in catalog.models}
        self.looks: dict[str, int] = {}
        self.doomed: set[str] = set()
        self.images: dict[str, tuple[Model, dict[str, Any]]] = {}
        self.drawn = 0
        self.read_results: set[str] = set()
        self.credits = 100.0
        self.seen: list[tuple[str, str, str | None]] = []

    def faulty(self, *names: str) -> bool:
        return not self.faults.isdisjoint(names)

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        self.seen.append((scope["method"], scope["path"], headers.get("x-api-key")))
        self.host = headers.get("host", "")
        try:
            answer = self.route(scope["method"], scope["path"].strip("/").split("/"), headers, body)
        except Refused as refused:
            answer = self.refusal(refused.status, str(refused), headers)
        fields = {"content-type": answer.content_type, "content-length": str(len(answer.body)), **answer.headers}
        raw = [(name.encode(), value.encode()) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})

    def refusal(self, status: int, error: str, headers: Mapping[str, str]) -> Answer:
        extra = {}
        if self.faulty("refusal_debited") and status == 400:
            self.credits -= 0.05
        if self.faulty("redirects") and status == 400:
            return Answer(307, "text/html", b"", {"location": "http://elsewhere.invalid/"})
        if self.faulty("refusal_costs") and status == 400:
            extra["x-cost"] = "0.05"
        if self.faulty("key_in_header"):
            extra["x-debug"] = headers.get("x-api-key", "")
        if self.faulty("key_in_error") and status == 400:
            error += f" (key {headers.get('x-api-key')})"
        if status == 405 and not self.faulty("method_json"):
            return Answer(405, "text/html", b"<title>405 Method Not Allowed</title>", extra)
        if self.faulty("error_text"):
            return Answer(status, "text/plain", error.encode(), extra)
        key = "message" if self.faulty("error_renamed") else "error"
        body = {key: " " if self.faulty("error_empty") else error}
        return reply(status, body | ({"request_id": "1"} if self.faulty("refusal_names_job") else {}), extra)

    def route(self, method: str, parts: list[str], headers: Mapping[str, str], body: bytes) -> Answer:
        if parts[0] == "generations":
            model, payload = self.images["" if self.faulty("outputs_crossed") else parts[1]]
            return self.image(model, {**payload, model.returns.controls.base64 or "": False}, {})
        if parts[1] == "get-user-credits":
            self.check_key(headers)
            if self.faulty("balance_is_text"):
                return reply(200, {"credits": str(self.credits), "free-credits": "0.0"})
            return reply(200, {"credits": self.credits, "free-credits": 0.0})
        if parts[1] == "requests" and self.faulty("delete_deletes") and method == "DELETE":
            self.looks.pop(parts[2], None)
            return Answer(204, "text/plain", b"")
        if parts[1] == "requests":
            self.check_key(headers)
            if method != "GET" and parts[2] in self.looks:
                raise Refused(405, "Method Not Allowed")
            return self.poll(parts[2], "poll" if parts[0] == "v1" else parts[3] if parts[3:] else "result")
        if self.faulty("crashes_on_options") and method == "OPTIONS":
            raise Refused(500, "Internal server error")
        checks: dict[str, Callable[[], object]] = {
            "key": lambda: self.check_key(headers),
            "model": lambda: self.check_model(parts[1]),
            "method": lambda: self.check_method(method),
            "content_type": lambda: self.check_content_type(headers),
            "body": lambda: self.read(body) if method == "POST" else None,
        }
        for name in self.order():
            checks[name]()
        return self.call(self.models[parts[1]], parts[0], self.read(body) if method == "POST" else {}, headers)

    def order(self) -> list[str]:
        order = list(CHECKS)
        for fault in self.faults:
            early, _, late = fault.partition("_before_")
            if late:
                order.remove(early)
                order.insert(order.index(late), early)
        return order

    def check_key(self, headers: Mapping[str, str]) -> None:
        key = headers.get("x-api-key")
        if key is None and not self.faulty("no_key_accepted"):
            raise Refused(403 if self.faulty("no_key_403") else 401, "Missing Authorization or x-api-key in header")
        lax = self.faulty("any_key_accepted") or (self.faulty("key_case_folded") and (key or "").lower() == KEY.lower())
        lax |= self.faulty("form_of_key_checked") and re.fullmatch("SG_[0-9a-f]{16}", key or "") is not None
        if key not in (None, KEY) and not lax:
            raise Refused(401, "Unauthorized. API key is invalid or may have expired.")

    def check_model(self, slug: str) -> None:
        if slug not in self.models:
            raise Refused(400 if self.faulty("unknown_model_400") else 404, f"Model {slug} not found")

    def check_method(self, method: str) -> None:
        if method != "POST" and not (self.faulty("get_runs") and method == "GET"):
            raise Refused(404 if self.faulty("method_404") else 405, "Method Not Allowed")

    def check_content_type(self, headers: Mapping[str, str]) -> None:
        content_type = headers.get("content-type", "")
        media_type = content_type if self.faulty("charset_refused") else content_type.partition(";")[0]
        overlooked = self.faulty("content_type_ignored") or (
            self.faulty("no_content_type_accepted") and not content_type
        )
        if media_type != "application/json" and not overlooked:
            raise Refused(415 if self.faulty("content_type_415") else 406, "Invalid content type")

    def read(self, body: bytes) -> dict[str, Any]:
        try:
            text = body.decode("latin-1" if self.faulty("latin_1") else "utf-8")
            payload = json.loads(text)
            if self.faulty("nan_accepted") and isinstance(payload, dict):
                payload = {n: v for n, v in payload.items() if not (isinstance(v, float) and math.isnan(v))}
        except ValueError:
            raise Refused(500 if self.faulty("malformed_500") else 400, "Malformed request body") from None
        if self.faulty("array_accepted") and isinstance(payload, list) and payload:
            payload = payload[0]
        if not isinstance(payload, dict):
            raise Refused(400, "Malformed request body: not an object")
        if any(crashes(body, payload.values()) for name, crashes in CRASHES.items() if name in self.faults):
            raise Refused(500, "Internal server error")
        return payload

    def call(self, model: Model, version: str, sent: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        payload, violations = self.validations[model.slug].read(sent)
        if self.faulty("get_runs") and not sent:
            violations = []
        if violations and self.observed:
            if version == "v2":
                self.credits -= 0.05 * self.faulty("failed_job_debited")
                return self.submit(model, payload, doomed=True)
            raise Refused({"enum": 406, "minimum": 500, "maximum": 500}.get(violations[0], 400), "Invalid parameters")
        if violations:
            statuses = {"invalid_406": 406, "invalid_422": 422, "invalid_500": 500}
            raise Refused(next((statuses[name] for name in statuses if name in self.faults), 400), "Invalid parameters")
        if self.faulty("crashes_at_maximum") and payload.get("quality") == 100:
            raise ZeroDivisionError
        if version == "v1":
            return self.run(model, payload, headers)
        doomed = self.faulty("dies_at_minimum", "all_fail") and (
            payload.get("quality") == 10 or self.faulty("all_fail")
        )
        return self.submit(model, payload, doomed=doomed)

    def run(self, model: Model, payload: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        extra = {"x-request-id": str(uuid.uuid4()), "x-cost": "0.05", "x-generation-time": "1.5"}
        self.credits -= 0.1 if self.faulty("run_debited_twice") else 0.05
        if not self.faulty("header_missing"):
            extra["x-remaining-credits"] = str(self.credits + self.faulty("remaining_stale"))
        if self.faulty("cost_in_words", "cost_negative"):
            extra["x-cost"] = "free" if self.faulty("cost_in_words") else "-0.05"
        if self.faulty("key_as_id"):
            extra["x-request-id"] = headers["x-api-key"]
        seed = payload.get(model.returns.controls.seed or "")
        if isinstance(seed, int):
            extra["x-seed-value"] = str(seed + self.faulty("other_seed"))
        if model.returns.media == "image":
            return self.image(model, payload, extra)
        if self.faulty("json_is_text"):
            return Answer(200, "text/plain", b"done", extra)
        return reply(200, {"image": "https://images.segmind.com/generations/a.jpeg"}, extra)

    def image(self, model: Model, payload: dict[str, Any], extra: Mapping[str, str]) -> Answer:
        controls, by_name = model.returns.controls, model.parameters_by_name

        def value(name: str | None, otherwise: Any) -> Any:
            return otherwise if name is None else payload.get(name, by_name[name].default)

        kind = "jpeg" if self.faulty("format_ignored") else str(value(controls.format, "jpeg")).replace("jpg", "jpeg")
        sized = not self.faulty("size_ignored") and value(controls.size_from_input, False) is False
        sides = (value(controls.width, 64), value(controls.height, 64)) if sized else (64, 64)
        data = solid_image(kind, *sides, self.color(model, payload))
        if self.faulty("image_cut"):
            data = data[: len(data) // 2]
        if value(controls.base64, False) is True and not self.faulty("base64_ignored"):
            prefix = f"data:image/{kind};base64," if self.faulty("base64_prefixed") else ""
            image = prefix + base64.b64encode(data).decode()
            count = 1 if self.faulty("count_ignored") else value(controls.count, 1)
            body = {"image": image if count == 1 else [image] * count, "outputs": count, "status": "Success"}
            return reply(200, body, extra)
        return Answer(200, "image/png" if self.faulty("content_type_fixed") else f"image/{kind}", data, extra)

    def color(self, model: Model, payload: Mapping[str, Any]) -> int:
        """Returns the color of an image, a 24-bit hash of the payload."""
        self.drawn += 1
        packing = {model.returns.controls.base64, model.returns.controls.format, model.returns.controls.count}
        values = {p.name: payload.get(p.name, p.default) for p in model.parameters if p.name not in packing}
        if self.faulty("default_other") and "quality" in values and "quality" not in payload:
            values["quality"] = 50
        if self.faulty("prompt_ignored"):
            values[model.returns.controls.prompt or ""] = "a cat"
        if self.faulty("quality_ignored"):
            values[model.returns.controls.quality or ""] = 95
        if self.faulty("seed_ignored"):
            values[model.returns.controls.seed or ""] = 7
        numbers = {name: value + 0.0 if isinstance(value, int) else value for name, value in values.items()}
        text = json.dumps([str(numbers), self.drawn if self.faulty("seed_unstable") else 0])
        return 0 if self.faulty("stub") else zlib.crc32(text.encode()) & 0xFFFFFF

    def submit(self, model: Model, payload: dict[str, Any], *, doomed: bool) -> Answer:
        request_id = "always-the-same" if self.faulty("id_repeated") else str(uuid.uuid4())
        self.looks[request_id] = 0
        self.images[request_id] = self.images[""] = (model, payload)
        if doomed:
            self.doomed.add(request_id)
        else:
            self.credits -= 0.05
        base = "https://api.segmind.com" if self.faulty("urls_elsewhere") else f"http://{self.host}"
        if self.faulty("urls_relative"):
            base = ""
        body = {
            "request_id": request_id,
            "status": "PROCESSING" if self.faulty("submit_processing") else "QUEUED",
            "poll_url": f"{'http://localhost' if self.faulty('urls_apart') else base}/v1/requests/{request_id}",
            "status_url": f"{base}/v2/requests/{request_id}"
            + ("" if self.faulty("status_url_is_result") else "/status"),
            "response_url": f"{base}/v2/requests/{request_id}",
        }
        if self.faulty("poll_url_missing"):
            del body["poll_url"]
        return reply(202 if self.faulty("submit_202") else 200, body)

    def poll(self, request_id: str, kind: str) -> Answer:
        if request_id not in self.looks and self.faulty("unknown_is_200"):
            return reply(200, {"status": "FAILED", "error": "Not found"})
        lost = self.faulty("jobs_lost") or (self.faulty("poll_lost") and kind == "poll")
        if request_id not in self.looks or lost:
            raise Refused(404, f"Request {request_id} not found")
        self.looks[request_id] += kind == "status"
        state = self.state(request_id)
        if state == "FAILED":
            error = {} if self.faulty("failed_without_error") else {"error": "no luck"}
            metrics = {"cost": 0.05} if self.faulty("failed_job_costs") else {}
            return reply(200 if self.faulty("failed_is_200") else 422, {"status": state, **error, "metrics": metrics})
        done = state == "COMPLETED"
        if done and kind == "result" and self.faulty("result_read_once"):
            if request_id in self.read_results:
                raise Refused(404, "The result was read")
            self.read_results.add(request_id)
        early = self.faulty("forgets_first") and kind == "result" and len(self.looks) > 40
        if early and request_id in [*self.looks][:20]:
            raise Refused(404, f"Request {request_id} not found")
        body = {
            "status": "PROCESSING" if self.faulty("result_disagrees") and kind == "result" else state,
            "request_id": "another" if self.faulty("another_id") else request_id,
            "metrics": self.metrics if done and not self.faulty("metrics_missing") else {},
        }
        early = self.faulty("output_early_in_status") or (self.faulty("output_early") and kind == "result")
        if early or (done and kind != "status" and not self.faulty("output_missing")):
            host = "" if self.faulty("output_relative") else f"http://{self.host}"
            body["output"] = f"{host}/generations/{'' if self.faulty('outputs_crossed') else self.swapped(request_id)}"
        return reply(202 if self.faulty("running_is_202") and not done else 200, body)

    def swapped(self, request_id: str) -> str:
        """Returns the id of the job whose output is sent: its own, or that of the job beside it."""
        if not self.faulty("outputs_swapped"):
            return request_id
        ids = [*self.looks]
        index = ids.index(request_id) ^ 1
        return ids[index] if index < len(ids) else request_id

    @property
    def metrics(self) -> dict[str, Any]:
        total = 1.0 if self.faulty("total_too_short") else 13.29
        return {
            "cost": "0.05" if self.faulty("cost_is_text") else 0.05,
            "inference_time": 13.06,
            "queue_time": 0.23,
            "total_time": total,
        }

    def state(self, request_id: str) -> str:
        states: tuple[str, ...] = ("QUEUED", "PROCESSING", "COMPLETED")
        for name in self.faults & STATES.keys():
            states = STATES[name]
        if request_id in self.doomed:
            states = STATES["all_fail"]
        return states[min(max(self.looks[request_id], 1), len(states)) - 1]


def reply(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, "application/json", json.dumps(body).encode(), headers or {})


@cache
def solid_image(kind: str, width: int, height: int, color: int) -> bytes:
    """Returns an image of one color."""
    stream = io.BytesIO()
    Image.new("RGB", (width, height), f"#{color:06x}").save(stream, kind)
    return stream.getvalue()
