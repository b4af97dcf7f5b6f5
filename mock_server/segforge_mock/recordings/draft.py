"""Proposes spec facts from recordings, each with its evidence. A person decides about them; nothing is written.

A recording shows one answer to one request. So a proposal states what was seen, and the specs' own statement.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from segforge.emit.openapi.components import shared_schemas
from segforge.spec.catalog import Model, Parameter
from segforge.spec.printable import counted, show
from segforge.spec.values import payload_violations
from segforge.spec.values.equality import is_among
from segforge_mock.gateway.forms import read_form
from segforge_mock.gateway.routing import Match, Router
from segforge_mock.http.request import media_type
from segforge_mock.models.served import ServedModels
from segforge_mock.proxy.differences import ObservedAnswer, differences
from segforge_mock.recordings.bodies import is_json
from segforge_mock.recordings.recording import Recording

_RESULTS: Final = {"submit": "JobAccepted", "status": "JobStatus", "result": "JobResult", "poll": "JobResult"}
_OF_VALUES: Final = ("enum.", "range.", "type.", "required.", "format.", "null.", "condition.")
_COMMON_HEADERS: Final = (
    "x-mock-",
    "x-amz-",
    "x-cloud-",
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
)
MAX_EVIDENCE: Final = 20
"""Recordings that a proposal lists as its evidence."""


class FactProposal(NamedTuple):
    """A proposed fact: a slug (or `gateway`), a place in its spec, what was seen, and what the spec states."""

    subject: str
    place: str
    seen: str
    stated: str


class RoutedRecording(NamedTuple):
    """A recording with its route, and the outcome of its request: accepted, refused, failed or unknown."""

    recording: Recording
    match: Match
    slug: str
    outcome: str

    @property
    def evidence(self) -> str:
        """The file, the request and the date."""
        request = self.recording.request
        return f"{self.recording.name}.yaml ({request.method} {request.path}, {self.recording.at[:10] or 'no date'})"


def drafts(models: ServedModels, recordings: Iterable[Recording]) -> dict[FactProposal, list[str]]:
    """Returns the proposals with the evidence for each. Raises OSError and BadRecording."""
    found: dict[FactProposal, list[str]] = {}
    costs: dict[str, dict[float, list[str]]] = {}
    for seen in _seen(models, recordings):
        for proposal in (
            *_values(models, seen),
            *_fields(models, seen),
            *_headers(models, seen),
            *_others(models, seen),
        ):
            evidence = found.setdefault(proposal, [])
            if len(evidence) < MAX_EVIDENCE:
                evidence.append(seen.evidence)
        cost = _cost(seen)
        if cost is not None and seen.slug:
            costs.setdefault(seen.slug, {}).setdefault(cost, []).append(seen.evidence)
    for slug, amounts in costs.items():
        priced = _priced(models, slug, amounts)
        if priced is not None:
            found[priced] = [evidence for each in amounts.values() for evidence in each][:MAX_EVIDENCE]
    return dict(sorted(found.items()))


def _seen(models: ServedModels, recordings: Iterable[Recording]) -> Iterator[RoutedRecording]:
    """Yields the recordings of routes of the gateway, each with its model and outcome."""
    router = Router(models.gateway.routes, models.paths, models.slugs)
    routed = [
        (one, match)
        for one in recordings
        if (match := router.find(one.request.path)) is not None and match.method == one.request.method
    ]
    jobs: dict[str, str] = {}
    ends: dict[str, str] = {}
    for one, match in routed:
        data = _object(one)
        if match.route == "submit" and isinstance(data.get("request_id"), str):
            jobs[data["request_id"]] = match.value
        elif match.route in ("status", "result", "poll") and data.get("status") in ("COMPLETED", "FAILED"):
            ends[match.value] = data["status"]
    for one, match in routed:
        job = str(_object(one).get("request_id")) if match.route == "submit" else match.value
        slug = match.value if match.route in ("run", "submit") else jobs.get(match.value, "")
        yield RoutedRecording(one, match, slug, _outcome(one, match, ends.get(job, "")))


def _outcome(recording: Recording, match: Match, end: str) -> str:
    if match.route == "run":
        return "accepted" if recording.answer.status == 200 else "refused"
    if recording.answer.status != 200:
        return "refused"
    return {"COMPLETED": "accepted", "FAILED": "failed"}.get(end, "unknown")


def _values(models: ServedModels, seen: RoutedRecording) -> Iterator[FactProposal]:
    """Yields values that the gateway accepted although the spec excludes or lacks them."""
    served = models.get(seen.slug) if seen.match.route in ("run", "submit") else None
    payload = None if served is None else _payload(served.model, seen.recording)
    if served is None or payload is None or seen.outcome != "accepted":
        return
    by_name = served.model.parameters_by_name
    for name, value in payload.items():
        for parameter, one in _with_choices(by_name.get(name), value):
            choices = parameter.choices
            if choices is not None and not is_among(one, choices.known):
                total = "an unknown total" if choices.total is None else f"a total of {choices.total}"
                stated = f"{counted(len(choices.known), 'known value')} of {total}: {show(list(choices.known), 200)}"
                yield FactProposal(
                    seen.slug, f"parameters.{name}.enum.known", f"the value {show(one)} was accepted", stated
                )
    for violation in payload_violations(served.model, payload):
        if not violation.rule.startswith("enum."):
            said = f"accepted, against {violation.rule}"
            yield FactProposal(seen.slug, f"parameters.{violation.parameter}", said, violation.message)


def _with_choices(parameter: Parameter | None, value: Any) -> Iterator[tuple[Parameter, Any]]:
    if parameter is None:
        return
    if parameter.choices is not None and isinstance(value, str | int | float | bool):
        yield parameter, value
    elif parameter.items is not None and isinstance(value, list):
        for item in value[:100]:
            yield from _with_choices(parameter.items, item)


def _payload(model: Model, recording: Recording) -> Mapping[str, Any] | None:
    body, content_type = recording.request.body, recording.request.header("content-type")
    if media_type(content_type) == "multipart/form-data" or not is_json(content_type):
        return _fields_of(model, recording)
    return _decoded(body.read())


def _fields_of(model: Model, recording: Recording) -> Mapping[str, Any] | None:
    """Returns the text fields of a form, as the values of the model's parameters."""
    fields = [part for part in recording.request.body.parts if part.filename is None and part.text is not None]
    form = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{part.name}"\r\n\r\n{part.text}\r\n'
        for part in fields
        if '"' not in part.name and "\n" not in part.name
    )
    found = read_form(model, "multipart/form-data; boundary=b", f"{form}--b--\r\n".encode()) if fields else None
    return found if isinstance(found, dict) else None


def _fields(models: ServedModels, seen: RoutedRecording) -> Iterator[FactProposal]:
    """Yields fields of answers that the documented form lacks."""
    data, name = _object(seen.recording), _RESULTS.get(seen.match.route)
    if name is None or seen.recording.answer.status not in (200, 422):
        return
    if data.get("status") == "FAILED":
        name = "JobFailed"
    served = models.get(seen.slug) if seen.slug else None
    schemas = shared_schemas(models.gateway, [served.model.returns.media] if served is not None else [])
    for place, value in _unknown(data, schemas[name], schemas, ""):
        stated = f"{name} has {show(sorted(schemas[name]['properties']), 300)}"
        yield FactProposal(
            seen.slug or "gateway", f"answers.{seen.match.route}.{place}", f"a field with {_kind(value)}", stated
        )


def _unknown(value: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    """Yields the members of an answer that its schema doesn't name."""
    schema = schemas.get(str(schema.get("$ref", "")).rpartition("/")[2], schema)
    if isinstance(value, list) and "items" in schema:
        for item in value[:10]:
            yield from _unknown(item, schema["items"], schemas, at)
    if not isinstance(value, Mapping) or "properties" not in schema:
        return
    for name, member in value.items():
        if name in schema["properties"]:
            yield from _unknown(member, schema["properties"][name], schemas, f"{at}{name}.")
        else:
            yield f"{at}{name}", member


def _kind(value: Any) -> str:
    kinds = {type(None): "null", bool: "a boolean", str: "text", list: "an array", dict: "an object"}
    return kinds.get(type(value), "a number")


def _headers(models: ServedModels, seen: RoutedRecording) -> Iterator[FactProposal]:
    """Yields headers of v1 answers that the spec lacks and that are not common on the web."""
    if seen.match.route != "run" or seen.recording.answer.status != 200:
        return
    known = {header.name.lower() for header in models.gateway.headers}
    for name in seen.recording.answer.headers:
        if name.startswith("x-") and name not in known and not name.startswith(_COMMON_HEADERS):
            yield FactProposal(
                "gateway", f"headers.{name}", "a header of a v1 answer", f"headers {', '.join(sorted(known))}"
            )


def _others(models: ServedModels, seen: RoutedRecording) -> Iterator[FactProposal]:
    """Yields statuses, states, media types and refusals that differ from the specs."""
    answer, request = seen.recording.answer, seen.recording.request
    headers = {name: values[-1] for name, values in answer.headers.items()}
    sent = b"" if request.body.parts or request.body.omitted else request.body.read()
    body = answer.body.read() if is_json(answer.header("content-type")) else b""
    for found in differences(models, ObservedAnswer(seen.match, sent, answer.status, headers, body)):
        if found.rule.startswith(_OF_VALUES) and seen.outcome in ("accepted", "failed"):
            continue  # an accepted value is a proposal of its own; a failed job is the observed profile's refusal
        yield FactProposal(seen.slug or "gateway", found.rule, found.found[:300], found.expected[:300])


def _cost(seen: RoutedRecording) -> float | None:
    """Returns the credits that a successful run or job cost, or None if the answer doesn't say it."""
    if seen.recording.answer.status != 200 or seen.match.route not in ("run", "result", "poll"):
        return None
    text: object = seen.recording.answer.header("x-cost")
    if seen.match.route != "run":
        metrics = _object(seen.recording).get("metrics")
        text = metrics.get("cost") if isinstance(metrics, dict) else None
    try:
        return float(str(text))
    except ValueError:
        return None


def _priced(models: ServedModels, slug: str, amounts: Mapping[float, list[str]]) -> FactProposal | None:
    """Returns the proposal of a price, unless the price of the spec covers all that was charged."""
    served = models.get(slug)
    price = served.model.price if served is not None else None
    low, high = min(amounts), max(amounts)
    if price is not None and price.unit == "generation" and price.from_ is not None:
        covered = price.from_ <= low and high <= (price.from_ if price.to is None else price.to)
        if covered:
            return None
    average = served.model.average if served is not None else None
    stated = f"price: {price.printed}" if price is not None else "no price"
    if average is not None and average.usd is not None:
        stated += f"; an average of {average.usd:g} USD, read {average.read}"
    number = sum(map(len, amounts.values()))
    span = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return FactProposal(slug, "price", f"{counted(number, 'call')} cost {span} credits", stated)


def _object(recording: Recording) -> dict[str, Any]:
    answer = recording.answer
    if not is_json(answer.header("content-type")) or answer.body.file is not None:
        return {}
    return dict(_decoded(answer.body.data) or {})


def _decoded(data: bytes) -> Mapping[str, Any] | None:
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None
