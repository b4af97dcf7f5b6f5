"""Differences between an answer of a real gateway and the specs: pure functions of a request and its answer."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final, NamedTuple

import msgspec

from segforge.spec.catalog import MEDIA_TYPES, Gateway, Model, Routes, Version
from segforge.spec.values import Violation
from segforge_mock.gateway.routing import Match
from segforge_mock.http.request import media_type
from segforge_mock.models.reading import Malformed, Payload, ServedModel
from segforge_mock.models.served import ServedModels

JUDGED_ROUTES: Final = frozenset(field.name for field in fields(Routes))
"""The routes whose answers the specs describe."""
_ACCEPTED_KEYS = ("request_id", "status", "poll_url", "status_url", "response_url")


class AnswerDifference(NamedTuple):
    """A difference: the name of the rule, the expected value by the specs, and the value found."""

    rule: str
    expected: str
    found: str


class ObservedAnswer(NamedTuple):
    """A request's route and JSON body, and its answer. Header names are in lower case."""

    match: Match
    request_body: bytes
    status: int
    headers: Mapping[str, str]
    body: bytes


def differences(models: ServedModels, observed: ObservedAnswer) -> list[AnswerDifference]:
    """Returns all differences between an answer and the specs' default profile, none on other routes."""
    if observed.match.route not in JUDGED_ROUTES:
        return []
    found = [*_status(models.gateway, observed)]
    served = models.get(observed.match.value) if observed.match.route in ("run", "submit") else None
    if served is not None:
        found += _parameters(models.gateway, served, observed)
        if observed.status == 200:
            found += (
                _output(served.model, observed)
                if observed.match.route == "run"
                else _accepted(models.gateway, observed)
            )
    elif observed.match.route in ("status", "result", "poll") and observed.status in (200, 422):
        found += _record(models.gateway, observed)
    return found


def _status(gateway: Gateway, observed: ObservedAnswer) -> Iterator[AnswerDifference]:
    documented = {status.code: status for status in gateway.statuses}
    status = documented.get(observed.status)
    if status is None or observed.match.route not in status.routes:
        listed = ", ".join(str(code) for code, known in documented.items() if observed.match.route in known.routes)
        yield AnswerDifference("status.documented", f"one of {listed}", str(observed.status))
    elif observed.status >= 400 and all(case.html is None for case in status.cases):
        error = _object(observed.body).get("error")
        if not isinstance(error, str) or not error:
            yield AnswerDifference("body.error", 'a JSON object with a text "error"', _media_type(observed))


def _parameters(gateway: Gateway, served: ServedModel, observed: ObservedAnswer) -> Iterator[AnswerDifference]:
    """Compares the gateway's verdict on the parameters with that of the docs."""
    read = served.read(observed.request_body)
    if isinstance(read, Malformed):
        return
    version: Version = "v1" if observed.match.route == "run" else "v2"
    refusals = {gateway.cases[case][0].code for case in gateway.profiles[0].cases(version, "range")}
    if isinstance(read, Payload):
        if observed.status in refusals:
            yield AnswerDifference("payload.valid", "200", f"{observed.status}: {_object(observed.body).get('error')}")
        return
    violation: Violation
    for violation in read:
        codes = {gateway.cases[case][0].code for case in gateway.profiles[0].cases(version, violation.rule)}
        if observed.status == 200:
            expected = f"{' or '.join(map(str, sorted(codes)))}: {violation.parameter} {violation.message}"
            yield AnswerDifference(violation.rule, expected, str(observed.status))


def _output(model: Model, observed: ObservedAnswer) -> Iterator[AnswerDifference]:
    media_type = _media_type(observed)
    allowed = {MEDIA_TYPES[format_] for format_ in model.returns.formats}
    if model.returns.media == "json" or model.returns.controls.base64 is not None:
        allowed.add("application/json")
    if model.returns.media == "text":
        allowed.add("text/plain")
    kind = "model" if model.returns.media == "model3d" else model.returns.media
    fits = not model.returns.formats and media_type.startswith(
        f"{kind}/"
    )  # any file of the medium, by no stated format
    if media_type not in allowed and not fits:
        expected = f"one of {', '.join(sorted(allowed | ({f'{kind}/*'} if not model.returns.formats else set())))}"
        yield AnswerDifference("bytes.content_type", expected, media_type)


def _accepted(gateway: Gateway, observed: ObservedAnswer) -> Iterator[AnswerDifference]:
    body = _object(observed.body)
    missing = [key for key in _ACCEPTED_KEYS if not isinstance(body.get(key), str)]
    if missing:
        yield AnswerDifference("job.accepted_keys", f"the keys {', '.join(_ACCEPTED_KEYS)}", f"no {', '.join(missing)}")
    first = gateway.lifecycle.states[0].name
    if body.get("status") not in (None, first):
        yield AnswerDifference("job.first_state", first, str(body.get("status")))


def _record(gateway: Gateway, observed: ObservedAnswer) -> Iterator[AnswerDifference]:
    body = _object(observed.body)
    states = {state.name: state for state in gateway.lifecycle.states}
    state = states.get(str(body.get("status")))
    if state is None:
        yield AnswerDifference("job.known_state", f"one of {', '.join(states)}", str(body.get("status")))
    elif state.code != observed.status:
        yield AnswerDifference("job.status_code", f"{state.code} for {state.name}", str(observed.status))


def _media_type(observed: ObservedAnswer) -> str:
    return media_type(observed.headers.get("content-type", ""))


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}
    return data if isinstance(data, dict) else {}
