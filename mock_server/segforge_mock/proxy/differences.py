"""Where an answer of a real gateway differs from what the specs say: pure functions over one request and its answer."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from segforge.spec.catalog import Gateway, Model, Version
from segforge.spec.values import Violation
from segforge_mock.gateway.routing import Match
from segforge_mock.media.image import MEDIA_TYPES
from segforge_mock.models.served import Malformed, Payload, ServedModel, ServedModels

_ACCEPTED_KEYS = ("request_id", "status", "poll_url", "status_url", "response_url")


class Difference(NamedTuple):
    """A difference: the name of the rule, what the specs expect, what was found."""

    rule: str
    expected: str
    found: str


class ObservedAnswer(NamedTuple):
    """A request's route and JSON body, and the answer to it; header names in lower case."""

    match: Match
    request_body: bytes
    status: int
    headers: Mapping[str, str]
    body: bytes


def differences(models: ServedModels, seen: ObservedAnswer) -> list[Difference]:
    """All differences between an answer and the specs' default profile."""
    found = [*_status(models.gateway, seen)]
    served = models.get(seen.match.value) if seen.match.route in ("run", "submit") else None
    if served is not None:
        found += _parameters(models.gateway, served, seen)
        if seen.status == 200:
            found += _output(served.model, seen) if seen.match.route == "run" else _accepted(models.gateway, seen)
    elif seen.match.route in ("status", "result", "poll") and seen.status in (200, 422):
        found += _record(models.gateway, seen)
    return found


def _status(gateway: Gateway, seen: ObservedAnswer) -> Iterator[Difference]:
    documented = {status.code: status for status in gateway.statuses}
    status = documented.get(seen.status)
    if status is None or seen.match.route not in status.routes:
        listed = ", ".join(str(code) for code, known in documented.items() if seen.match.route in known.routes)
        yield Difference("status.documented", f"one of {listed}", str(seen.status))
    elif seen.status >= 400 and all(case.html is None for case in status.cases):
        error = _object(seen.body).get("error")
        if not isinstance(error, str) or not error:
            yield Difference("body.error", 'a JSON object with a text "error"', _media_type(seen))


def _parameters(gateway: Gateway, served: ServedModel, seen: ObservedAnswer) -> Iterator[Difference]:
    """Whether the gateway refuses what the docs refuse, and takes what they allow."""
    read = served.read(seen.request_body)
    if isinstance(read, Malformed):
        return
    version: Version = "v1" if seen.match.route == "run" else "v2"
    refusals = {gateway.cases[case][0].code for case in gateway.profiles[0].cases(version, "range")}
    if isinstance(read, Payload):
        if seen.status in refusals:
            yield Difference("payload.valid", "200", f"{seen.status}: {_object(seen.body).get('error')}")
        return
    violation: Violation
    for violation in read:
        codes = {gateway.cases[case][0].code for case in gateway.profiles[0].cases(version, violation.rule)}
        if seen.status == 200:
            expected = f"{' or '.join(map(str, sorted(codes)))}: {violation.parameter} {violation.message}"
            yield Difference(violation.rule, expected, str(seen.status))


def _output(model: Model, seen: ObservedAnswer) -> Iterator[Difference]:
    media_type = _media_type(seen)
    allowed = {MEDIA_TYPES[format_] for format_ in model.returns.formats}
    if model.returns.media == "json" or model.returns.controls.base64 is not None:
        allowed.add("application/json")
    if media_type not in allowed:
        yield Difference("bytes.content_type", f"one of {', '.join(sorted(allowed))}", media_type)


def _accepted(gateway: Gateway, seen: ObservedAnswer) -> Iterator[Difference]:
    body = _object(seen.body)
    missing = [key for key in _ACCEPTED_KEYS if not isinstance(body.get(key), str)]
    if missing:
        yield Difference("job.accepted_keys", f"the keys {', '.join(_ACCEPTED_KEYS)}", f"no {', '.join(missing)}")
    first = gateway.lifecycle.states[0].name
    if body.get("status") not in (None, first):
        yield Difference("job.first_state", first, str(body.get("status")))


def _record(gateway: Gateway, seen: ObservedAnswer) -> Iterator[Difference]:
    body = _object(seen.body)
    states = {state.name: state for state in gateway.lifecycle.states}
    state = states.get(str(body.get("status")))
    if state is None:
        yield Difference("job.known_state", f"one of {', '.join(states)}", str(body.get("status")))
    elif state.code != seen.status:
        yield Difference("job.status_code", f"{state.code} for {state.name}", str(seen.status))


def _media_type(seen: ObservedAnswer) -> str:
    return seen.headers.get("content-type", "").partition(";")[0].strip().lower()


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}
    return data if isinstance(data, dict) else {}
