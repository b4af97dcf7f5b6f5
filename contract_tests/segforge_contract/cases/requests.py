"""The cases that test a call's key, method, Content-Type, body and path."""

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from segforge.spec.catalog import Gateway, Model, Version
from segforge_contract.cases.case import OPERATIONS, Case, Operation, expected, named
from segforge_contract.cases.forms import form_of, form_payload
from segforge_contract.cases.payloads import base_payload
from segforge_contract.messages.request import Key, Request

JSON_TYPE = "application/json"
DEEP = 510  # Python's parser fails at 1,000 levels, including the frames of its caller
_DEEP_WORDS = f"arrays {DEEP} deep under an unknown key"
_DEEP_MEMBER = f'"deep": {"[" * DEEP}{"]" * DEEP}'
UNKNOWN_KEY = "no_such_parameter"
UNKNOWN_SLUG = "no-such-model-0"
_WRONG: Final[tuple[tuple[Key, str], ...]] = (
    ("invalid", "a wrong key"),
    ("unknown", "a well-formed key that no account has"),
    ("recased", "the key in the other case"),
)
UNKNOWN_IDS = ("00000000-0000-4000-8000-000000000000", "0123456789abcdef0123456789abcdef", "no-such-request")


def payload_request(gateway: Gateway, model: Model, operation: Operation, payload: Mapping[str, Any]) -> Request:
    """Returns the request that calls a model with a payload."""
    return Request("POST", _call_path(gateway, model, operation), "valid", JSON_TYPE, json.dumps(payload).encode())


def poll_request(gateway: Gateway, operation: Operation, request_id: str, key: Key = "valid") -> Request:
    """Returns the request that polls a job's status or result, or its output on v1."""
    return Request("GET", _path(gateway, operation, request_id=request_id), key)


def _path(gateway: Gateway, operation: Operation, **values: str) -> str:
    route = getattr(gateway.routes, operation)
    path: str = route.path.format(**values)
    return path


def _call_path(gateway: Gateway, model: Model, operation: Operation) -> str:
    """Returns the path that calls a model: the one that its page prints, by default that of the gateway's route."""
    version: Version = "v2" if operation == "submit" else "v1"
    printed = model.paths.get(version)
    return _path(gateway, operation, slug=model.slug) if printed is None else printed.replace("{slug}", model.slug)


def request_cases(gateway: Gateway, model: Model, operation: Operation) -> Iterator[Case]:
    """Yields the cases that test a call's key, method, Content-Type and body. Everything else is as in the sample."""
    path = _call_path(gateway, model, operation)
    body = json.dumps(base_payload(model)).encode()

    def case(rule: str, change: str, request: Request, payload: Mapping[str, Any] | None = None) -> Case:
        return Case(rule, operation, model.slug, None, change, request, expected(gateway, rule, operation), payload)

    yield case("auth.missing", "no key", Request("POST", path, "missing", JSON_TYPE, body))
    for key, words in _WRONG:
        yield case("auth.invalid", words, Request("POST", path, key, JSON_TYPE, body))
    for method in ("GET", "HEAD"):
        yield case("order.auth_before_method", f"{method} without a key", Request(method, path, "missing"))
    yield case("order.auth_before_body", "no JSON without a key", Request("POST", path, "missing", JSON_TYPE, b"{"))
    for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD"):
        yield case("method.not_allowed", method, Request(method, path))
    yield case("method.options", "OPTIONS without a key, as a browser's preflight", Request("OPTIONS", path, "missing"))
    yield case(
        "order.method_before_content_type", "PUT of text/plain", Request("PUT", path, "valid", "text/plain", body)
    )
    yield case("content_type.invalid", "no Content-Type", Request("POST", path, "valid", None, body))
    for media_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        yield case("content_type.invalid", media_type, Request("POST", path, "valid", media_type, body))
    charset = f"{JSON_TYPE}; charset=utf-8"
    yield case("content_type.charset", charset, Request("POST", path, "valid", charset, body), base_payload(model))
    if "multipart" in model.encodings:
        held = form_payload(model, base_payload(model))
        form = Request("POST", path, "valid", *form_of(held))
        yield case("content_type.multipart", "a multipart form", form, held)
    yield case(
        "order.content_type_before_body",
        "text/plain that is no JSON",
        Request("POST", path, "valid", "text/plain", b"{"),
    )
    for words, name, refused in _odd_refusals(model):
        # A server may limit the depth of a body (RFC 8259, section 9) and call a deeper one malformed.
        deep = (named(gateway, "body.malformed", operation),) if _DEEP_WORDS in words else ()
        outcomes = expected(gateway, "required.missing", operation) + deep
        request = Request("POST", path, "valid", JSON_TYPE, refused)
        yield Case("required.missing", operation, model.slug, name, words, request, outcomes)
    for rule, words, odd in _odd_bodies(model, body):
        yield case(rule, words, Request("POST", path, "valid", JSON_TYPE, odd))
    for words, malformed in _malformed_bodies(body, model.returns.controls.prompt):
        yield case("body.malformed", words, Request("POST", path, "valid", JSON_TYPE, malformed))


def _odd_refusals(model: Model) -> Iterator[tuple[str, str, bytes]]:
    """Yields odd bodies that must be refused for another reason, so it is free to test whether they cause a 500."""
    payload = base_payload(model)
    name = next((p.name for p in model.parameters if p.required and p.name in payload), None)
    if name is not None:
        del payload[name]
        yield f"without {name}, beside {_DEEP_WORDS}", name, _beside(json.dumps(payload).encode(), _DEEP_MEMBER)
        integers = (p.name for p in model.parameters if p.type == "integer")
        whole = next((each for each in integers if isinstance(payload.get(each), int)), None)
        if whole is not None:
            payload[whole] = float(payload[whole])
            yield f"without {name}, beside {whole} = {payload[whole]}", name, json.dumps(payload).encode()


def _odd_bodies(model: Model, body: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Yields bodies that no page decides: the rule, the oddity in words, and the body."""
    prompt = model.returns.controls.prompt
    integer, number = _first(model, "integer"), _first(model, "number")
    twice = body[1:-1].partition(b", ")[0]
    if twice:
        yield "body.duplicate_key", "the first key twice", b"{" + twice + b", " + body[1:]
    yield "body.deep", _DEEP_WORDS, _beside(body, _DEEP_MEMBER)
    yield "unknown.ignored", f"{UNKNOWN_KEY} = 1", _beside(body, f'"{UNKNOWN_KEY}": 1')
    if integer is not None:
        for word in ("NaN", "Infinity", "-Infinity"):
            odd = json.dumps(base_payload(model) | {integer: float(word)})
            yield "body.nan", f"{integer} = {word}, which JSON lacks", odd.encode()
    if number is not None:
        nan = json.dumps(base_payload(model) | {number: math.nan})
        yield "number.nan", f"{number} = NaN, which JSON lacks", nan.encode()
    if prompt is not None:
        lone = _beside(json.dumps({**base_payload(model), prompt: ""}).encode(), "")
        yield "text.surrogate", f"half a pair in {prompt}", lone.replace(b'""', b'"cat \\ud800"', 1)


def _first(model: Model, type_: str) -> str | None:
    """Returns the name of the first parameter of a type, preferring optional ones; None if there is none."""
    return next((p.name for p in sorted(model.parameters, key=lambda p: bool(p.required)) if p.type == type_), None)


def _beside(body: bytes, member: str) -> bytes:
    """Returns the JSON of an object with one more member."""
    members = [each for each in (body[1:-1], member.encode()) if each]
    return b"{" + b", ".join(members) + b"}"


def _malformed_bodies(body: bytes, prompt: str | None) -> Iterator[tuple[str, bytes]]:
    yield "an empty body", b""
    yield "a body cut short", body[:-1]
    yield "a body with a second brace", body + b"}"
    yield "a body with a comma too many", body[:-1] + b",}"
    yield "a form", b"prompt=a+cat"
    # In a prompt, no other rule is broken by the text that a lax gateway reads.
    start = next((each for each in (f'"{prompt}": "'.encode(), b'": "') if each in body), None)
    if start is not None:
        yield "text that is not UTF-8", body.replace(start, start + b"\xff", 1)
    for value in ("[]", "null", '"text"', "20", "true"):
        yield f"{value} instead of an object", value.encode()
    yield "the object in an array", b"[" + body + b"]"
    yield "the object as a string", json.dumps(body.decode()).encode()


def gateway_cases(gateway: Gateway) -> Iterator[Case]:
    """Yields the cases that need no model: unknown slugs and ids, and missing or wrong keys on polls."""

    def case(rule: str, operation: Operation, change: str, request: Request) -> Case:
        return Case(rule, operation, None, None, change, request, expected(gateway, rule, operation))

    for operation in OPERATIONS.values():
        path = _path(gateway, operation, slug=UNKNOWN_SLUG)
        yield case("model.unknown", operation, f"slug {UNKNOWN_SLUG}", Request("POST", path, "valid", JSON_TYPE, b"{}"))
        yield case(
            "order.auth_before_model",
            operation,
            "an unknown slug without a key",
            Request("POST", path, "missing", JSON_TYPE, b"{}"),
        )
        yield case("order.model_before_method", operation, "GET of an unknown slug", Request("GET", path))
    polls: tuple[tuple[Operation, str], ...] = (
        ("status", "request.unknown"),
        ("result", "request.unknown"),
        ("poll", "output.unknown"),
    )
    for (operation, rule), request_id in itertools.product(polls, UNKNOWN_IDS):
        yield case(rule, operation, f"id {request_id}", poll_request(gateway, operation, request_id))
    for operation, _ in polls:
        path = poll_request(gateway, operation, UNKNOWN_IDS[0]).path
        for method in ("POST", "PUT", "PATCH", "DELETE", "HEAD"):
            yield case("method.of_polls", operation, f"{method} of an unknown job", Request(method, path))
        yield case("method.options", operation, "OPTIONS without a key", Request("OPTIONS", path, "missing"))
        yield case("auth.missing", operation, "no key", Request("GET", path, "missing"))
        for key, words in _WRONG:
            yield case("auth.invalid", operation, words, Request("GET", path, key))
