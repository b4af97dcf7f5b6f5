"""Checks of one answer. Each check is a function that takes an Exchange and yields the rules that it breaks."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from segforge.spec.catalog import Gateway, Header, Model
from segforge.spec.printable import one_line, shortened, show
from segforge_contract.cases.case import Case
from segforge_contract.checks.house import house_findings
from segforge_contract.checks.media import check_output
from segforge_contract.checks.urls import foreign_urls, wrong_urls
from segforge_contract.messages.request import Response

MOST_IN_WORDS: Final = 4_000


@dataclass(frozen=True)
class Broken:
    """A rule that an answer breaks, with the expected and the found value in words.

    Both are cut after 4,000 characters, so that no answer can make a report or a kept failure large.
    """

    rule: str
    expected: str
    found: str

    def __post_init__(self) -> None:
        for name in ("expected", "found"):
            object.__setattr__(self, name, shortened(getattr(self, name), MOST_IN_WORDS))


@dataclass(frozen=True)
class Exchange:
    """A case, its answer, and the part of the Catalog that describes the answer."""

    gateway: Gateway
    model: Model | None
    case: Case
    response: Response
    base_url: str | None = None
    """The base URL of the target, None if it doesn't matter."""
    public_url: str | None = None
    """The start of the URLs that the target states, if it isn't the base URL."""


Check: TypeAlias = Callable[[Exchange], Iterator[Broken]]


def judge(exchange: Exchange) -> list[Broken]:
    """Returns every rule that an answer breaks: the case's own, and those for this kind of answer."""
    broken = list(_key_not_echoed(exchange))
    broken += house_broken(exchange)
    wrong = _wrong_outcome(exchange)
    if wrong is not None:
        return [wrong, *broken]
    return broken + [finding for check in _CHECKS[_kind(exchange)] for finding in check(exchange)]


def house_broken(exchange: Exchange) -> list[Broken]:
    """Returns the house rules that an answer breaks. Raises BadRule."""
    return [Broken(*finding) for finding in house_findings(exchange)]


def _kind(exchange: Exchange) -> str:
    if exchange.case.request.method == "OPTIONS":
        return "preflight"
    return exchange.case.operation if exchange.response.status == 200 else "refusal"


def _wrong_outcome(exchange: Exchange) -> Broken | None:
    case, response = exchange.case, exchange.response
    if response.status in {outcome.status for outcome in case.outcomes}:
        return None
    expected = " or ".join(f"{outcome.status} {outcome.name} ({outcome.when})" for outcome in case.outcomes)
    return Broken(case.rule, expected, response.in_words)


def _key_not_echoed(exchange: Exchange) -> Iterator[Broken]:
    if exchange.response.key_echoed:
        yield Broken("key.not_echoed", "an answer without the key", exchange.response.in_words)


def _error_shape(exchange: Exchange) -> Iterator[Broken]:
    response = exchange.response
    if exchange.case.request.method == "HEAD":
        return  # its answer has no body
    if response.status in {outcome.status for outcome in exchange.case.outcomes if outcome.html}:
        if response.media_type != "text/html":
            yield Broken("error.shape", "an HTML page", response.in_words)
        return
    body = response.json
    text = body.get("error") if isinstance(body, dict) else None
    if response.media_type != "application/json" or not isinstance(text, str) or not text.strip():
        yield Broken("error.shape", 'application/json with {"error": "..."}', response.in_words)


def _names_no_job(exchange: Exchange) -> Iterator[Broken]:
    body = exchange.response.json
    named = body.get("request_id") if isinstance(body, dict) else None
    if exchange.case.operation == "submit" and named is not None:
        yield Broken("error.names_no_job", "a refusal without a request_id", exchange.response.in_words)


def _refusal_is_free(exchange: Exchange) -> Iterator[Broken]:
    cost = exchange.response.headers.get("x-cost")
    if cost is not None and written_figure(cost) != 0:
        yield Broken(
            "money.refusal_is_free", "no x-cost, or one of 0", f"{exchange.response.status} with x-cost {show(cost)}"
        )


def _headers_present(exchange: Exchange) -> Iterator[Broken]:
    for header in exchange.gateway.headers:
        if header.name == "x-seed-value":
            continue  # the docs promise it "where the model reports one" only
        if not exchange.response.headers.get(header.name):
            yield Broken("headers.present", f"a header {header.name}", f"{exchange.response.status} without it")


def _headers_typed(exchange: Exchange) -> Iterator[Broken]:
    for header in exchange.gateway.headers:
        text = exchange.response.headers.get(header.name)
        if text and not _fits(header, text):
            yield Broken("headers.typed", f"{header.name}: {header.type}", f"{header.name}: {one_line(text)}")


def _fits(header: Header, text: str) -> bool:
    if header.type == "string":
        return True
    read = written_figure(text)
    if read is None or (header.type == "integer" and not read.is_integer()):
        return False
    return read >= 0 or header.name == "x-seed-value"


def written_figure(text: str | None) -> float | None:
    """Returns the finite number in a header's value, or None."""
    try:
        read = float(text or "")
    except ValueError:
        return None
    return read if math.isfinite(read) else None


def figure(value: object) -> float | None:
    """Returns a JSON number as a float, or None if it isn't a number or is too large for money and time."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        return None
    return float(value)


_LARGEST = 1e15


def _headers_seed(exchange: Exchange) -> Iterator[Broken]:
    text = exchange.response.headers.get("x-seed-value")
    model, payload = exchange.model, exchange.case.payload
    if text is None or model is None or payload is None or model.returns.controls.seed is None:
        return
    seed = payload.get(model.returns.controls.seed)
    if isinstance(seed, int) and 0 <= seed < _LARGEST and text.strip() != str(seed):  # -1 and null ask for any seed
        yield Broken("headers.seed", f"x-seed-value: {seed}", f"x-seed-value: {one_line(text)}")


def _output(exchange: Exchange) -> Iterator[Broken]:
    model, payload, response = exchange.model, exchange.case.payload, exchange.response
    if model is None or payload is None:
        return
    for rule, expected, found in check_output(model, payload, response):
        yield Broken(rule, expected, found)


def _submit_shape(exchange: Exchange) -> Iterator[Broken]:
    response, first = exchange.response, exchange.gateway.lifecycle.states[0].name
    body = response.json
    names = ("request_id", "status", "poll_url", "status_url", "response_url")
    if not isinstance(body, dict) or not all(isinstance(body.get(name), str) and body[name] for name in names):
        yield Broken("job.submit_shape", f"application/json with {', '.join(names)}", response.in_words)
    elif body["status"] != first or response.media_type != "application/json":
        yield Broken("job.submit_shape", f"application/json with status {first}", response.in_words)


def _submit_urls(exchange: Exchange) -> Iterator[Broken]:
    body = exchange.response.json
    if isinstance(body, dict):
        for expected, found in wrong_urls(exchange.gateway, body, body.get("request_id")):
            yield Broken("job.urls_absolute", expected, found)
        for expected, found in foreign_urls(body, exchange.base_url, exchange.public_url):
            yield Broken("job.urls_own", expected, found)


def _limit_told(exchange: Exchange) -> Iterator[Broken]:
    response = exchange.response
    if response.status == 429 and (
        "x-rate-limit-reset-at-utc" not in response.headers or "retry-after" in response.headers
    ):
        yield Broken("rate.limited", "x-rate-limit-reset-at-utc and no Retry-After", show(sorted(response.headers)))


_CHECKS: dict[str, tuple[Check, ...]] = {
    "preflight": (),
    "refusal": (_error_shape, _refusal_is_free, _names_no_job, _limit_told),
    "run": (_headers_present, _headers_typed, _headers_seed, _output),
    "submit": (_submit_shape, _submit_urls),
    "status": (),
    "result": (),
    "poll": (),
}
