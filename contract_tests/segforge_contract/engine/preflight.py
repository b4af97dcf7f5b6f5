"""Checks before the first case that a target is a gateway and accepts the key, with free requests."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from segforge.spec.catalog import Catalog
from segforge.spec.printable import one_line, show
from segforge_contract.cases.case import operations
from segforge_contract.cases.requests import UNKNOWN_IDS, payload_request, poll_request
from segforge_contract.errors import BadTarget, NoAnswer, NotSent, Unreachable
from segforge_contract.messages.request import NOT_JSON, Request, Response
from segforge_contract.targets.base import Target
from segforge_contract.targets.billing import stated_cost
from segforge_contract.targets.http import HttpTarget

_KEYLESS: Final = frozenset({401, 403})
"""The statuses of a refused key."""
_ABSENT: Final = 404


def look_at(target: Target, catalog: Catalog, send: Callable[[Request], Response] | None = None) -> None:
    """Refuses a target that would break every rule: one that rejects the key, or one that isn't a gateway.

    It refuses only if all answers agree, so that a gateway with a fault in one route is still tested. A server that
    asks a call without a key for one is a gateway, even if none of its answers is JSON. A server without any of the
    routes is probably the right one with a wrong path. `send` sends the requests; by default the target does.

    Sends three requests, and one for each call of a model while each route is absent. Raises BadTarget and Unreachable.
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
    if keyless is None:
        return
    if keyless.status not in _KEYLESS and all(answer.json is NOT_JSON for answer in (first, unknown, keyless)):
        raise BadTarget(f"{target.base_url} is not a gateway: {_in_words(credits, first)}")
    absent = first.status == unknown.status == _ABSENT and keyless.status in {*_KEYLESS, _ABSENT}
    if absent and not any(map(stated_cost, (first, unknown, keyless))) and _no_call_exists(target, catalog, send):
        raise BadTarget(
            f"{target.base_url} has none of a gateway's routes: {_in_words(credits, first)}, and a POST to each model "
            f"returns 404 too; expected a URL that a path such as {credits.path} can follow, {_likely(target, catalog)}"
        )


def _no_call_exists(target: HttpTarget, catalog: Catalog, send: Callable[[Request], Response]) -> bool:
    """Returns whether each call of a model is absent and costs nothing. The first one that isn't ends the search.

    The key is valid, since a server may check it before the path, and the body of each call must be refused.
    """
    for model in catalog.models:
        for operation in operations(model):
            call = payload_request(catalog.gateway, model, operation, {})
            answer = _answer(target, send, replace(call, content_type="text/plain", body=b"-", expects="refusal"))
            if answer is None or answer.status != _ABSENT or stated_cost(answer):
                return False
    return True


def _likely(target: HttpTarget, catalog: Catalog) -> str:
    """Returns the URL that the user probably means: the one without a path, or the real gateway's."""
    parts = urlsplit(target.base_url)
    return f"probably {parts.scheme}://{parts.netloc}" if parts.path else f"such as {catalog.gateway.base_url}"


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
