"""What a request may cost, and what an answer states about money."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from segforge.spec.catalog import Gateway
from segforge_contract.errors import NoAnswer
from segforge_contract.messages.request import Request, Response


def could_be_billed(gateway: Gateway, request: Request) -> bool:
    """Returns whether a faulty gateway could carry a request out as a call.

    Requests without a valid key, to a job or to the balance can't start one, whatever their method.
    """
    if request.key != "valid":
        return False
    return polled_job(gateway, request) is None and in_route(gateway, request, "credits") is None


def polled_job(gateway: Gateway, request: Request) -> str | None:
    """Returns the id of the job whose routes a request uses, by any method, or None if it uses none of them."""
    return in_route(gateway, request, "status", "result", "poll")


def is_call(gateway: Gateway, request: Request, *routes: str) -> bool:
    """Returns whether a request calls one of these routes, with the method of the route."""
    return any(
        request.method == getattr(gateway.routes, name).method and in_route(gateway, request, name) is not None
        for name in routes
    )


def in_route(gateway: Gateway, request: Request, *routes: str) -> str | None:
    """Returns the slug or id (or "") in the path of a request to one of these routes; None for another path."""
    for name in routes:
        before, placeholder, after = re.split(r"(\{\w+\}|$)", getattr(gateway.routes, name).path, maxsplit=1)
        inner = "([^/]+)" if placeholder else "()"
        if match := re.fullmatch(re.escape(before) + inner + re.escape(after), request.path):
            return match[1]
    return None


def ended_job(
    gateway: Gateway, request: Request, answer: Response | NoAnswer
) -> tuple[str, bool, Decimal | None] | None:
    """Returns the ended job that an answer shows: its id, whether it is completed, and its stated cost."""
    request_id = in_route(gateway, request, "status", "result")
    if request_id is None or isinstance(answer, NoAnswer):
        return None
    body = _decimals(answer)
    name = body.get("status") if isinstance(body, dict) else None
    state = next((state for state in gateway.lifecycle.states if state.name == name), None)
    if state is None or not state.terminal:
        return None
    metrics = body.get("metrics")
    cost = metrics.get("cost") if isinstance(metrics, dict) else None
    return request_id, state.code == 200, _amount(cost) if isinstance(cost, Decimal) else stated_cost(answer)


def balance_in(answer: Response | NoAnswer) -> Decimal | None:
    """Returns the balance in an answer, paid and free credits together, or None if it holds none."""
    if isinstance(answer, NoAnswer) or answer.status != 200:
        return None
    body = _decimals(answer)
    credits = body.get("credits") if isinstance(body, dict) else None
    if not isinstance(credits, Decimal):
        return None
    free = body.get("free-credits")
    return credits + free if isinstance(free, Decimal) else credits


def stated_cost(response: Response) -> Decimal | None:
    """Returns the cost in the headers of an answer, in credits, or None if it states none."""
    try:
        return _amount(Decimal(response.headers["x-cost"].strip()))
    except (KeyError, InvalidOperation):
        return None


def _amount(figure: Decimal) -> Decimal | None:
    return figure if figure.is_finite() and figure >= 0 else None


def _decimals(response: Response) -> Any:
    """Returns the body as JSON with exact numbers, or None if it isn't JSON."""
    try:
        return json.loads(response.body.decode(), parse_float=Decimal, parse_int=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError, InvalidOperation):
        return None
