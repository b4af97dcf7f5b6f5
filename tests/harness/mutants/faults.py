"""Functions that build most faults: a gateway that is too lax or too strict, or that changes requests or answers."""

from collections.abc import Callable, Mapping
from typing import Any

from segforge.spec.catalog import Model, Parameter
from tests.harness.mutants.original import Answer, Asked, Fault, Original

OMITTED: Any = object()
"""Stands for the value of an omitted parameter."""

Repair = Callable[[Parameter, Any], Any]
Payload = Mapping[str, Any]


def lax(repair: Repair, *names: str, route: str | None = None) -> Fault:
    """Returns a fault that accepts invalid values: `repair` turns a value (or OMITTED) into a valid one.

    `names`: only for these parameters; `route`: only on this route.
    """

    def repaired(model: Model, payload: Payload) -> dict[str, Any]:
        values = {
            parameter.name: repair(parameter, payload.get(parameter.name, OMITTED))
            for parameter in model.parameters
            if not names or parameter.name in names
        }
        return {name: value for name, value in {**payload, **values}.items() if value is not OMITTED}

    return reads(repaired, route=route)


def reads(understood: Callable[[Model, Payload], Payload], *, route: str | None = None) -> Fault:
    """Returns a fault that treats a payload as another one."""

    async def fault(asked: Asked, original: Original) -> Answer:
        call = original.call(asked)
        if call is None or route not in (None, original.match(asked).route):
            return await original(asked)
        payload = understood(*call)
        return await original(
            asked if payload == call[1] and repr(payload) == repr(call[1]) else asked.with_json(payload)
        )

    return fault


def picky(refuses: Callable[[Model, Parameter, Payload], bool], *names: str, route: str | None = None) -> Fault:
    """Returns a fault that refuses valid payloads. `names`: only for these parameters; `route`: only on this route."""

    def emptied(model: Model, payload: Payload) -> Payload:
        bad = any(refuses(model, p, payload) for p in model.parameters if not names or p.name in names)
        return {} if bad else payload  # every model has a required parameter, so an empty payload is refused

    return reads(emptied, route=route)


def asks(change: Callable[[Asked, Original], Asked]) -> Fault:
    """Returns a fault that treats a request as another one."""

    async def fault(asked: Asked, original: Original) -> Answer:
        return await original(change(asked, original))

    return fault


def answers(change: Callable[[Asked, Answer], Answer], *routes: str, status: int | None = None) -> Fault:
    """Returns a fault that changes answers. `routes`, `status`: only correct answers with these."""

    async def fault(asked: Asked, original: Original) -> Answer:
        answer = await original(asked)
        concerned = not routes or original.match(asked).route in routes
        return change(asked, answer) if concerned and status in (None, answer.status) else answer

    return fault


def other_status(instead: int, *routes: str, of: int, error: str = "") -> Fault:
    """Returns a fault that replaces the status `of`. `error`: only if the body contains this text."""

    def change(_: Asked, answer: Answer) -> Answer:
        return answer._replace(status=instead) if error.encode() in answer.body else answer

    return answers(change, *routes, status=of)


def body(change: Callable[[dict[str, Any]], object], *routes: str, status: int = 200) -> Fault:
    """Returns a fault that changes JSON answers. `change` edits the object in place or returns another one."""

    def changed(_: Asked, answer: Answer) -> Answer:
        data = answer.json
        if not isinstance(data, dict):
            return answer
        instead = change(data)
        return answer.with_json(instead if isinstance(instead, dict) else data)

    return answers(changed, *routes, status=status)


def header(name: str, value: str | None, *, status: int = 200) -> Fault:
    """A run is answered with another value of a header, or without it."""
    return answers(lambda _, answer: answer.with_header(name, value), "run", status=status)
