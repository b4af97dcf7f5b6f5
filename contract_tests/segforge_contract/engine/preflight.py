"""Checks before the first case that a target is a gateway and accepts the key, with at most three free requests."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from segforge.spec.catalog import Catalog
from segforge.spec.printable import one_line, show
from segforge_contract.cases.case import operations
from segforge_contract.cases.requests import UNKNOWN_IDS, payload_request, poll_request
from segforge_contract.errors import BadTarget, NoAnswer, NotSent, Unreachable
from segforge_contract.messages.request import NOT_JSON, Request, Response
from segforge_contract.targets.base import Target
from segforge_contract.targets.http import HttpTarget

_KEYLESS: Final = frozenset({401, 403})
"""The statuses of a refused key."""


def look_at(target: Target, catalog: Catalog, send: Callable[[Request], Response] | None = None) -> None:
    """Refuses a target that would break every rule: one that rejects the key, or one that isn't a gateway.

    It refuses only if all answers agree, so that a gateway with a fault in one route is still tested. A server that
    asks a call without a key for one is a gateway, even if none of its answers is JSON. `send` sends the requests; by
    default the target does. Raises BadTarget and Unreachable.
    """
    if not isinstance(target, HttpTarget):
        return
    send = target.send if send is None else send
    gateway = catalog.gateway
    credits = Request(gateway.routes.credits.method, gateway.routes.credits.path)
    first = _answer(target, send, credits)
    if first is None or (first.status == 200 and first.json is not NOT_JSON):
        return
    unknown = _answer(target, send, poll_request(gateway, "status", UNKNOWN_IDS[0]))
    if unknown is None:
        return
    if {first.status, unknown.status} <= _KEYLESS:
        variable = gateway.auth.environment
        raise BadTarget(
            f"{target.base_url} rejects the key ({first.in_words}); set {variable} to a key of this gateway"
        )
    keyless = _answer(target, send, _call_without_key(catalog))
    if keyless is None or keyless.status in _KEYLESS:
        return
    if all(answer.json is NOT_JSON for answer in (first, unknown, keyless)):
        raise BadTarget(f"{target.base_url} is not a gateway: {_in_words(credits, first)}")


def _call_without_key(catalog: Catalog) -> Request:
    """Returns a call of some model without a key, which must be refused before anything is carried out."""
    model = catalog.models[0]
    return replace(payload_request(catalog.gateway, model, operations(model)[0], {}), key="missing")


def _answer(target: HttpTarget, send: Callable[[Request], Response], request: Request) -> Response | None:
    """The answer; None if it proves nothing: the connection dropped, the rate is limited, or a cap forbids it.

    Raises Unreachable.
    """
    try:
        answer = send(request)
    except NotSent:
        return None
    except NoAnswer as error:
        if error.refused or error.slow:
            raise Unreachable(f"{target.base_url}: {error}") from None
        return None
    return None if answer.status == 429 else answer


def _in_words(request: Request, answer: Response) -> str:
    location = answer.headers.get("location")
    target = f", a redirect to {show(one_line(location))}" if location else ""
    return f"{request.method} {request.path} returns {answer.in_words}{target}"
