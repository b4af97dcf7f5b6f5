"""A small gateway that keeps the contract, as an ASGI app, with faults to switch on by name.

It shares no code with the mock, nor with the harness that it tests: payloads are validated by jsonschema, and a job moves
one state on with each look at its status, so that no test has to wait.
"""

import base64
import io
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import cache
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from PIL import Image

from segforge.emit.schemas import request_schema
from segforge.spec.catalog import Catalog, Model

KEY = "SG_00112233aabbccdd"
BASE_URL = "http://127.0.0.1:9"

Message = MutableMapping[str, Any]
STATES = ("QUEUED", "PROCESSING", "COMPLETED")


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
    """The gateway. `faults` are names of methods' branches below; without any it keeps every promise."""

    def __init__(self, catalog: Catalog, *faults: str, base_url: str = BASE_URL) -> None:
        self.models = {model.slug: model for model in catalog.models}
        self.validators = {slug: Draft202012Validator(request_schema(model)) for slug, model in self.models.items()}
        self.faults = frozenset(faults)
        self.base_url = base_url
        self.looks: dict[str, int] = {}
        self.doomed: set[str] = set()
        self.seen: list[tuple[str, str, str | None]] = []

    def faulty(self, *names: str) -> bool:
        return not self.faults.isdisjoint(names)

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        self.seen.append((scope["method"], scope["path"], headers.get("x-api-key")))
        answer = self.answer(scope["method"], scope["path"], headers, body)
        fields = {**answer.headers, "content-length": str(len(answer.body))}
        if answer.content_type:
            fields["content-type"] = answer.content_type
        raw = [(name.encode(), value.encode()) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            parts = path.strip("/").split("/")
            if parts[1] == "requests":
                self.check_key(headers)
                return self.poll(parts)
            return self.call(method, parts[0], parts[1], headers, body)
        except Refused as refused:
            return self.refusal(refused, headers)

    def refusal(self, refused: Refused, headers: Mapping[str, str]) -> Answer:
        status, error = refused.status, str(refused)
        if status == 405 and not self.faulty("method_json"):
            return Answer(405, "text/html", b"<title>405 Method Not Allowed</title>")
        if self.faulty("error_empty"):
            error = ""
        if self.faulty("key_in_error") and status == 400:
            error += f" (key {headers.get('x-api-key')})"
        extra = {"x-cost": "0.05"} if self.faulty("refusal_costs") and status == 400 else {}
        if self.faulty("key_in_header"):
            extra["x-debug"] = headers.get("x-api-key", "")
        if self.faulty("error_text"):
            return Answer(status, "text/plain", error.encode(), extra)
        key = "message" if self.faulty("error_renamed") else "error"
        return Answer(status, "application/json", json.dumps({key: error}).encode(), extra)

    def check_key(self, headers: Mapping[str, str]) -> None:
        key = headers.get("x-api-key")
        if key is None and not self.faulty("no_key_accepted"):
            raise Refused(403 if self.faulty("no_key_403") else 401, "Missing Authorization or x-api-key in header")
        if key not in (None, KEY) and not self.faulty("any_key_accepted"):
            raise Refused(401, "Unauthorized. API key is invalid or may have expired.")

    def check_model(self, slug: str) -> None:
        if slug not in self.models:
            raise Refused(400 if self.faulty("unknown_model_400") else 404, f"Model {slug} not found")

    def check_method(self, method: str) -> None:
        if method != "POST" and not (self.faulty("get_runs") and method == "GET"):
            raise Refused(404 if self.faulty("method_404") else 405, "Method Not Allowed")

    def check_content_type(self, headers: Mapping[str, str]) -> None:
        content_type = headers.get("content-type", "")
        if not self.faulty("charset_refused"):
            content_type = content_type.partition(";")[0]
        accepted = content_type == "application/json" or self.faulty("content_type_ignored")
        if not accepted and not (self.faulty("no_content_type_accepted") and not content_type):
            raise Refused(415 if self.faulty("content_type_415") else 406, "Invalid content type")

    def call(self, method: str, version: str, slug: str, headers: Mapping[str, str], body: bytes) -> Answer:
        checks: dict[str, Callable[[], None]] = {
            "key": lambda: self.check_key(headers),
            "model": lambda: self.check_model(slug),
            "method": lambda: self.check_method(method),
            "content_type": lambda: self.check_content_type(headers),
            "body": lambda: None if method != "POST" else (self.read(body), None)[1],
        }
        order = list(checks)
        for late, early in (("key", "model"), ("key", "method"), ("model", "method"), ("method", "content_type"), ("content_type", "body")):
            if self.faulty(f"{early}_before_{late}"):
                order.remove(early)
                order.insert(order.index(late), early)
        for name in order:
            checks[name]()
        model = self.models[slug]
        payload = self.read(body) if body else {}
        if isinstance(payload, dict) and method == "POST":
            payload = self.validated(model, payload)
        if self.faulty("crashes_at_maximum") and any(payload.get(p.name) == p.maximum != None for p in model.parameters if p.name != "samples"):  # noqa: E711
            raise ZeroDivisionError("at the maximum")
        return self.run(model, payload, headers) if version == "v1" else self.submit(model, payload)

    def read(self, body: bytes) -> Any:
        try:
            payload = json.loads(body.decode("latin-1" if self.faulty("latin_1") else "utf-8"))
        except ValueError:
            raise Refused(500 if self.faulty("malformed_500") else 400, "Malformed request body") from None
        if not isinstance(payload, dict) and not self.faulty("array_accepted"):
            raise Refused(400, "Malformed request body: not an object")
        return payload if isinstance(payload, dict) else {}

    def validated(self, model: Model, payload: dict[str, Any]) -> dict[str, Any]:
        if self.faulty("array_accepted") and not payload:
            return dict(model.valid_example)
        payload = {name: self.cast(model, name, value) for name, value in payload.items()}
        found = [error.message for error in self.validators[model.slug].iter_errors(payload) if not self.overlooks(model, error, payload)]
        found += self.invents(model, payload)
        if found:
            raise Refused(self.invalid_status(), f"Invalid parameters: {'; '.join(found)}")
        return payload

    def invalid_status(self) -> int:
        return next((int(fault[8:]) for fault in self.faults if fault.startswith("invalid_") and fault[8:].isdigit()), 400)

    def cast(self, model: Model, name: str, value: Any) -> Any:
        parameter = model.parameters_by_name.get(name)
        if parameter is None:
            return value
        wanted = parameter.type
        if self.faulty("string_to_integer") and wanted == "integer" and isinstance(value, str):
            return int(value) if value.lstrip("-").isdecimal() else value
        if self.faulty("string_to_number") and wanted == "number" and isinstance(value, str):
            return float(value) if value.replace(".", "").isdecimal() else value
        if self.faulty("string_to_boolean") and wanted == "boolean" and value in ("true", "false"):
            return value == "true"
        if self.faulty("integer_to_boolean") and wanted == "boolean" and value in (0, 1):
            return bool(value)
        if self.faulty("boolean_to_integer") and wanted == "integer" and isinstance(value, bool):
            return int(value)
        if self.faulty("fraction_truncated") and wanted == "integer" and isinstance(value, float):
            return int(value)
        if self.faulty("scalar_to_string") and wanted == "string" and isinstance(value, int | float):
            return str(value)
        if self.faulty("array_unpacked") and isinstance(value, list) and len(value) == 1:
            return value[0]
        if self.faulty("object_unpacked") and isinstance(value, dict) and len(value) == 1:
            return next(iter(value.values()))
        if self.faulty("enum_case_folded") and parameter.choices is not None and isinstance(value, str):
            return value.lower()
        if self.faulty("enum_stripped") and parameter.choices is not None and isinstance(value, str):
            return value.strip()
        if self.faulty("range_rounded") and wanted == "number" and isinstance(value, float):
            return round(value, 2)
        return value

    def overlooks(self, model: Model, error: Any, payload: dict[str, Any]) -> bool:
        name = error.absolute_path[-1] if error.absolute_path else None
        return (
            (self.faulty("below_accepted") and error.validator == "minimum")
            or (self.faulty("above_accepted") and error.validator == "maximum")
            or (self.faulty("above_accepted_v_steps") and error.validator == "maximum" and name == "num_inference_steps")
            or (self.faulty("enum_unchecked") and error.validator == "enum" and isinstance(error.instance, str))
            or (self.faulty("missing_accepted") and error.validator == "required")
            or (self.faulty("null_accepted") and error.instance is None)
        )

    def invents(self, model: Model, payload: dict[str, Any]) -> list[str]:
        found = []
        for p in model.parameters:
            value = payload.get(p.name)
            if self.faulty("minimum_exclusive") and p.minimum is not None and value == p.minimum and p.type == "integer":
                found.append(f"{p.name} too small")
            if self.faulty("maximum_exclusive") and p.maximum is not None and value == p.maximum != model.valid_example.get(p.name):
                found.append(f"{p.name} too large")
            if self.faulty("enum_value_lost") and p.choices is not None and value == p.choices.known[-1]:
                found.append(f"{p.name} unknown")
            if self.faulty("optional_required") and p.name not in payload and p.name in model.valid_example:
                found.append(f"{p.name} missing")
            if self.faulty("null_refused") and p.name in payload and value is None and p.nullable:
                found.append(f"{p.name} is null")
            if self.faulty("default_refused") and p.name in payload and value == p.default != model.valid_example.get(p.name):
                found.append(f"{p.name} is the default")
            if self.faulty("true_refused") and value is True:
                found.append(f"{p.name} is true")
        return found

    def run(self, model: Model, payload: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        controls = model.returns.controls
        extra = {
            "x-request-id": str(uuid.uuid4()),
            "x-cost": "free" if self.faulty("cost_in_words") else "-0.05" if self.faulty("cost_negative") else "0.05",
            "x-remaining-credits": "99.95",
            "x-generation-time": "1.5",
        }
        if self.faulty("header_missing"):
            del extra["x-remaining-credits"]
        seed = payload.get(controls.seed or "")
        if isinstance(seed, int):
            extra["x-seed-value"] = str(seed + self.faulty("other_seed"))
        if self.faulty("key_in_output_header"):
            extra["x-request-id"] = headers["x-api-key"]
        if model.returns.media == "json":
            if self.faulty("json_is_text"):
                return Answer(200, "text/plain", b"done", extra)
            return Answer(200, "application/json", b'{"image": "https://images.segmind.com/a.jpeg"}', extra)
        return self.picture(model, payload, extra)

    def picture(self, model: Model, payload: dict[str, Any], extra: Mapping[str, str]) -> Answer:
        controls, by_name = model.returns.controls, model.parameters_by_name

        def value(name: str | None, otherwise: Any) -> Any:
            return otherwise if name is None else payload.get(name, by_name[name].default)

        kind = str(value(controls.format, "jpeg")).replace("jpg", "jpeg")
        sized = not self.faulty("size_ignored") and value(controls.size_from_input, False) is False
        size = (value(controls.width, 64), value(controls.height, 64)) if sized else (64, 64)
        data = picture("jpeg" if self.faulty("format_ignored") else kind, size)
        if self.faulty("picture_cut"):
            data = data[: len(data) // 2]
        content_type = "image/jpeg" if self.faulty("format_ignored") else f"image/{kind}"
        if self.faulty("content_type_fixed"):
            content_type = "image/png"
        if value(controls.base64, False) is True and not self.faulty("base64_ignored"):
            text = base64.b64encode(data).decode()
            text = f"data:image/{kind};base64,{text}" if self.faulty("base64_prefixed") else text
            return Answer(200, "application/json", json.dumps({"image": text, "status": "Success"}).encode(), extra)
        return Answer(200, content_type, data, extra)

    def submit(self, model: Model, payload: dict[str, Any]) -> Answer:
        request_id = "always-the-same" if self.faulty("id_repeated") else str(uuid.uuid4())
        self.looks[request_id] = 0
        if self.faulty("dies_at_minimum") and any(payload.get(p.name) == p.minimum != model.valid_example.get(p.name) for p in model.parameters if p.minimum is not None):
            self.doomed.add(request_id)
        base = "" if self.faulty("urls_relative") else self.base_url
        body = {
            "request_id": request_id,
            "status": "PROCESSING" if self.faulty("submit_processing") else "QUEUED",
            "poll_url": f"{base}/v1/requests/{request_id}",
            "status_url": f"{base}/v2/requests/{request_id}" + ("" if self.faulty("status_url_is_result") else "/status"),
            "response_url": f"{base}/v2/requests/{request_id}",
        }
        if self.faulty("poll_url_missing"):
            del body["poll_url"]
        return Answer(202 if self.faulty("submit_202") else 200, "application/json", json.dumps(body).encode())

    def poll(self, parts: list[str]) -> Answer:
        request_id, kind = parts[2], "poll" if parts[0] == "v1" else "status" if parts[-1] == "status" else "result"
        if request_id not in self.looks:
            if self.faulty("unknown_is_200"):
                return Answer(200, "application/json", json.dumps({"status": "FAILED", "error": "Not found"}).encode())
            raise Refused(404, f"Request {request_id} not found")
        if self.faulty("jobs_lost") or (self.faulty("poll_lost") and kind == "poll"):
            raise Refused(404, f"Request {request_id} not found")
        if kind == "status":
            self.looks[request_id] += 1
        look = self.looks[request_id]
        state = self.state(request_id, look)
        if state == "FAILED":
            body: dict[str, Any] = {"status": state, "request_id": request_id, "error": "no luck", "metrics": {}}
            if self.faulty("failed_without_error"):
                del body["error"]
            return Answer(200 if self.faulty("failed_is_200") else 422, "application/json", json.dumps(body).encode())
        body = {"status": state, "request_id": "another" if self.faulty("another_id") else request_id, "metrics": {}}
        if state == "COMPLETED":
            body["metrics"] = {} if self.faulty("metrics_missing") else {"inference_time": 13.06}
            if kind != "status" and not self.faulty("output_missing"):
                body["output"] = ("" if self.faulty("output_relative") else "https://images.segmind.com") + "/generations/a.jpeg"
        elif self.faulty("output_early") and kind == "result" or self.faulty("output_early_in_status"):
            body["output"] = "https://images.segmind.com/generations/a.jpeg"
        if self.faulty("result_disagrees") and kind == "result":
            body["status"] = "PROCESSING"
        return Answer(202 if self.faulty("running_is_202") and state != "COMPLETED" else 200, "application/json", json.dumps(body).encode())

    def state(self, request_id: str, look: int) -> str:
        if request_id in self.doomed or self.faulty("failed_is_200", "failed_without_error", "all_fail"):
            return "FAILED" if look > 1 else "QUEUED"
        if self.faulty("never_ends"):
            return "PROCESSING"
        if self.faulty("states_in_lower_case"):
            return STATES[min(look, 3) - 1].lower()
        if self.faulty("goes_back"):
            return ("QUEUED", "PROCESSING", "QUEUED", "PROCESSING", "COMPLETED")[min(look, 5) - 1]
        if self.faulty("completed_then_fails") and look > 3:
            return "FAILED"
        if self.faulty("completed_then_processing") and look > 3:
            return "PROCESSING"
        return STATES[min(max(look, 1), 3) - 1]


@cache
def picture(kind: str, size: tuple[int, int]) -> bytes:
    """A picture of one colour."""
    stream = io.BytesIO()
    Image.new("RGB", size, "teal").save(stream, kind)
    return stream.getvalue()
