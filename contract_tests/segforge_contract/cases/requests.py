"""Cases, made from the Catalog: a request with one named change against the page's sample, and what has to follow."""

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from segforge.spec.catalog import Catalog, Gateway, Model, Version
from segforge.spec.printable import one_line, show
from segforge_contract.cases.gate import sound
from segforge_contract.cases.parameters import (
    Omitted,
    ParameterChange,
    base_payload,
    parameter_changes,
    unusual_payload,
)
from segforge_contract.messages.request import Expects, Key, Request
from segforge_contract.rules.table import ACCEPTED, JOB_FAILED, REFUSED, RULES

Operation: TypeAlias = Literal["run", "submit", "status", "result", "poll"]

OPERATIONS: Mapping[Version, Operation] = {"v1": "run", "v2": "submit"}
JSON_TYPE = "application/json"
_SEVERAL = 2
_OBLONG = (768, 512)
DEEP = 510  # Python's parser gives up at 1,000, its caller's frames included
_DEEP_WORDS = f"arrays {DEEP} deep under an unknown key"
_DEEP_MEMBER = f'"deep": {"[" * DEEP}{"]" * DEEP}'
UNKNOWN_KEY = "no_such_parameter"
UNKNOWN_SLUG = "no-such-model-0"
UNKNOWN_IDS = ("00000000-0000-4000-8000-000000000000", "0123456789abcdef0123456789abcdef", "no-such-request")


@dataclass(frozen=True)
class Expected:
    """A way in which a request may end: its name, its status, and whether its body is HTML.

    `job.failed` is the one outcome that a submit shows late: it is answered like any other, and its job ends FAILED.
    """

    name: str
    status: int
    html: bool
    when: str


@dataclass(frozen=True)
class Case:
    """One request under one rule. `change` says in words what it changes, `payload` is the object in its body."""

    rule: str
    operation: Operation
    model: str | None
    parameter: str | None
    change: str
    request: Request
    outcomes: tuple[Expected, ...]
    payload: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """What the case is about, on one line: `range.above flux-img2img submit steps = 51`."""
        return " ".join(part for part in (self.rule, self.model, self.operation, self.change) if part)

    @property
    def accepted(self) -> bool:
        """Whether it is billed while the gateway keeps its contract: carried out rather than refused."""
        return any(outcome.name == ACCEPTED for outcome in self.outcomes)

    @property
    def undecided(self) -> bool:
        """Whether it may be carried out or refused, as the gateway likes."""
        return self.accepted and len(self.outcomes) > 1

    @property
    def may_fail(self) -> bool:
        """Whether the job that comes of it may end FAILED."""
        return any(outcome.name == JOB_FAILED for outcome in self.outcomes)

    @property
    def starts_job(self) -> bool:
        """Whether a job may come of it, one to be COMPLETED or, if the case is not accepted, FAILED."""
        return self.operation == "submit" and any(outcome.name in (ACCEPTED, JOB_FAILED) for outcome in self.outcomes)

    @property
    def expects(self) -> Expects:
        """What follows while the gateway keeps its contract; only an output is billed."""
        if self.accepted:
            return "output"
        return "failed job" if self.starts_job else "refusal"

    @property
    def could_be_billed(self) -> bool:
        """Whether a gateway that breaks its contract could bill it."""
        return self.operation in OPERATIONS.values() and self.request.key == "valid"


def deterministic_cases(catalog: Catalog, models: Iterable[Model]) -> Iterator[Case]:
    """Every case of the tables: those about the gateway itself, then each model's on each of its versions."""
    yield from gateway_cases(catalog.gateway)
    for model in models:
        for operation in operations(model):
            cases = (
                *request_cases(catalog.gateway, model, operation),
                *parameter_cases(catalog.gateway, model, operation),
            )
            yield from (case for case in cases if sound(model, case))


def operations(model: Model) -> tuple[Operation, ...]:
    """The ways to call a model that its page documents."""
    return tuple(OPERATIONS[version] for version in model.versions)


def parameter_cases(gateway: Gateway, model: Model, operation: Operation) -> Iterator[Case]:
    """The sample itself, only what it must have, then the sample with each change of each parameter."""
    yield payload_case(gateway, model, operation, None, None)
    required = {p.name: base_payload(model)[p.name] for p in model.parameters if p.required}
    minimal = valid_case(gateway, model, operation, required, "only what is required")
    yield replace(minimal, rule="optional.omitted")
    yield valid_case(gateway, model, operation, unusual_payload(model), "everything said, nothing by default")
    yield from _several_images(gateway, model, operation)
    yield from _oblong_image(gateway, model, operation)
    for parameter in model.parameters:
        for change in parameter_changes(model, parameter):
            if promised(gateway, change.rule):
                yield payload_case(gateway, model, operation, parameter.name, change)


def _several_images(gateway: Gateway, model: Model, operation: Operation) -> Iterator[Case]:
    """Two pictures, on v1 in base64: a body of bytes has room for one alone."""
    controls = model.returns.controls
    if controls.count is None or (operation == "run" and controls.base64 is None):
        return
    changes: dict[str, Any] = {controls.count: _SEVERAL}
    if operation == "run" and controls.base64 is not None:
        changes[controls.base64] = True
    words = ", ".join(f"{name} = {show(value)}" for name, value in changes.items())
    yield valid_case(gateway, model, operation, {**base_payload(model), **changes}, words)


def _oblong_image(gateway: Gateway, model: Model, operation: Operation) -> Iterator[Case]:
    """A picture wider than high: a square one would not show that the sides were taken for each other."""
    controls = model.returns.controls
    if controls.width is None or controls.height is None:
        return
    sides = {controls.width: _OBLONG[0], controls.height: _OBLONG[1]}
    changes = sides | ({} if controls.size_from_input is None else {controls.size_from_input: False})
    words = ", ".join(f"{name} = {show(value)}" for name, value in changes.items())
    yield valid_case(gateway, model, operation, {**base_payload(model), **changes}, words)


def payload_case(
    gateway: Gateway, model: Model, operation: Operation, parameter: str | None, change: ParameterChange | None
) -> Case:
    """The case of the page's sample with one parameter changed, or with none."""
    payload = base_payload(model)
    if parameter is None or change is None:
        words = "the page's sample"
        if any(payload[name] != value for name, value in model.valid_example.items()):
            words += " without what the page rules out itself"
        return valid_case(gateway, model, operation, payload, words)
    if isinstance(change.value, Omitted):
        del payload[parameter]
        words = f"without {parameter}"
    else:
        payload[parameter] = change.value
        words = f"{parameter} = {show(change.value)}"
    return Case(
        change.rule,
        operation,
        model.slug,
        parameter,
        words,
        payload_request(gateway, model, operation, payload),
        expected(gateway, change.rule, operation),
        payload,
    )


def valid_case(gateway: Gateway, model: Model, operation: Operation, payload: Mapping[str, Any], change: str) -> Case:
    """The case of a payload that is valid as a whole."""
    request = payload_request(gateway, model, operation, payload)
    return Case(
        "payload.valid",
        operation,
        model.slug,
        None,
        change,
        request,
        expected(gateway, "payload.valid", operation),
        payload,
    )


def request_cases(gateway: Gateway, model: Model, operation: Operation) -> Iterator[Case]:
    """The cases about a call's key, verb, Content-Type and body, each with the sample as its payload otherwise."""
    path = _path(gateway, operation, slug=model.slug)
    body = json.dumps(base_payload(model)).encode()

    def case(rule: str, change: str, request: Request, payload: Mapping[str, Any] | None = None) -> Case:
        return Case(rule, operation, model.slug, None, change, request, expected(gateway, rule, operation), payload)

    yield case("auth.missing", "no key", Request("POST", path, "missing", JSON_TYPE, body))
    yield case("auth.invalid", "a wrong key", Request("POST", path, "invalid", JSON_TYPE, body))
    yield case("order.auth_before_method", "GET without a key", Request("GET", path, "missing"))
    yield case("order.auth_before_body", "no JSON without a key", Request("POST", path, "missing", JSON_TYPE, b"{"))
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        yield case("method.not_allowed", method, Request(method, path))
    yield case(
        "order.method_before_content_type", "PUT of text/plain", Request("PUT", path, "valid", "text/plain", body)
    )
    yield case("content_type.invalid", "no Content-Type", Request("POST", path, "valid", None, body))
    for media_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        yield case("content_type.invalid", media_type, Request("POST", path, "valid", media_type, body))
    charset = f"{JSON_TYPE}; charset=utf-8"
    yield case("content_type.charset", charset, Request("POST", path, "valid", charset, body), base_payload(model))
    yield case(
        "order.content_type_before_body",
        "text/plain that is no JSON",
        Request("POST", path, "valid", "text/plain", b"{"),
    )
    for words, name, refused in _odd_refusals(model):
        outcomes = expected(gateway, "required.missing", operation)
        request = Request("POST", path, "valid", JSON_TYPE, refused)
        yield Case("required.missing", operation, model.slug, name, words, request, outcomes)
    for rule, words, odd in _odd_bodies(model, body):
        yield case(rule, words, Request("POST", path, "valid", JSON_TYPE, odd))
    for words, malformed in _malformed_bodies(body):
        yield case("body.malformed", words, Request("POST", path, "valid", JSON_TYPE, malformed))


def _odd_refusals(model: Model) -> Iterator[tuple[str, str, bytes]]:
    """Odd bodies that are to be refused for another reason, so that it costs nothing to see whether they do harm."""
    payload = base_payload(model)
    name = next((p.name for p in model.parameters if p.required and p.name in payload), None)
    if name is not None:
        del payload[name]
        yield f"without {name}, beside {_DEEP_WORDS}", name, _beside(json.dumps(payload).encode(), _DEEP_MEMBER)
        whole = next((p.name for p in model.parameters if p.type == "integer" and p.name in payload), None)
        if whole is not None:
            payload[whole] = float(payload[whole])
            yield f"without {name}, beside {whole} = {payload[whole]}", name, json.dumps(payload).encode()


def _odd_bodies(model: Model, body: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Bodies that are JSON, and that no page says anything about: the rule, what is odd, and the body."""
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
    """The name of the first parameter of a type, an optional one if there is any."""
    return next((p.name for p in sorted(model.parameters, key=lambda p: p.required) if p.type == type_), None)


def _beside(body: bytes, member: str) -> bytes:
    """An object's JSON with one more member."""
    members = [each for each in (body[1:-1], member.encode()) if each]
    return b"{" + b", ".join(members) + b"}"


def _malformed_bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    yield "an empty body", b""
    yield "a body cut short", body[:-1]
    yield "a body with a second brace", body + b"}"
    yield "a body with a comma too many", body[:-1] + b",}"
    yield "a form", b"prompt=a+cat"
    if b'": "' in body:
        yield "text that is not UTF-8", body.replace(b'": "', b'": "\xff', 1)
    for value in ("[]", "null", '"text"', "20", "true"):
        yield f"{value} instead of an object", value.encode()
    yield "the object in an array", b"[" + body + b"]"
    yield "the object as a string", json.dumps(body.decode()).encode()


def gateway_cases(gateway: Gateway) -> Iterator[Case]:
    """The cases that need no model: unknown slugs and ids, and keys on the polls."""

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
        yield case("auth.missing", operation, "no key", Request("GET", path, "missing"))
        yield case("auth.invalid", operation, "a wrong key", Request("GET", path, "invalid"))


def payload_request(gateway: Gateway, model: Model, operation: Operation, payload: Mapping[str, Any]) -> Request:
    """The request that calls a model with a payload."""
    return Request("POST", _path(gateway, operation, slug=model.slug), "valid", JSON_TYPE, json.dumps(payload).encode())


def poll_request(gateway: Gateway, operation: Operation, request_id: str, key: Key = "valid") -> Request:
    """The request that asks for a job's status or result, or for its output on v1."""
    return Request("GET", _path(gateway, operation, request_id=request_id), key)


def _path(gateway: Gateway, operation: Operation, **values: str) -> str:
    route = getattr(gateway.routes, operation)
    path: str = route.path.format(**values)
    return path


def promised(gateway: Gateway, rule: str) -> bool:
    """Whether the gateway's profile promises a rule at all: "20" for 20 is no violation where it is cast."""
    return gateway.profiles[0].numeric_strings == "refused" or rule not in (
        "type.string_for_integer",
        "type.string_for_number",
    )


def under_profile(catalog: Catalog, name: str) -> Catalog:
    """The Catalog with the profile of that name as the one that counts. Raises KeyError if there is none."""
    chosen = {profile.name: profile for profile in catalog.gateway.profiles}[name]
    return replace(catalog, gateway=replace(catalog.gateway, profiles=(chosen,)))


def expected(gateway: Gateway, rule: str, operation: Operation) -> tuple[Expected, ...]:
    """The outcomes that keep a rule under the gateway's first profile. Raises KeyError if the specs lack one."""
    names: list[str] = []
    for name in RULES[rule].outcomes:
        if name == JOB_FAILED and operation != "submit":
            continue
        version: Version = "v2" if operation == "submit" else "v1"
        violation = RULES[rule].violation or rule
        names += gateway.profiles[0].cases(version, violation) if name == REFUSED else (name,)
    return tuple(named(gateway, name, operation) for name in dict.fromkeys(names))


def named(gateway: Gateway, name: str, operation: Operation) -> Expected:
    """The outcome of that name: ACCEPTED, or a status case of the specs."""
    if name == ACCEPTED:
        return Expected(name, 200, html=False, when="the request is carried out")
    if name == JOB_FAILED and operation == "submit":
        return Expected(name, 200, html=False, when="the submit is accepted, and its job ends FAILED")
    status, case = gateway.cases[name]
    return Expected(name, status.code, html=case.html is not None, when=one_line(case.when))
