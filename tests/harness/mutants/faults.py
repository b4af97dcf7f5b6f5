"""The forms that most faults have: a gateway that is lax, or picky, or that asks or answers something else."""

from collections.abc import Callable, Mapping
from typing import Any

from segforge.spec.catalog import Model, Parameter
from tests.harness.mutants.original import Answer, Asked, Fault, Original

OMITTED: Any = object()
"""Stands for the value of a parameter that the payload leaves out."""

Repair = Callable[[Parameter, Any], Any]
Payload = Mapping[str, Any]


def lax(repair: Repair, *names: str, route: str | None = None) -> Fault:
    """It makes do with values that it should refuse: `repair` turns a value (or OMITTED) into one that is valid.

    `names`: only these parameters; `route`: only there.
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
    """It takes a payload for another one."""

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
    """It refuses valid payloads, for nothing. `names`: only for these parameters; `route`: only there."""

    def emptied(model: Model, payload: Payload) -> Payload:
        bad = any(refuses(model, p, payload) for p in model.parameters if not names or p.name in names)
        return {} if bad else payload  # every model requires something, so that nothing at all is refused

    return reads(emptied, route=route)


def asks(change: Callable[[Asked, Original], Asked]) -> Fault:
    """It takes a request for another one."""

    async def fault(asked: Asked, original: Original) -> Answer:
        return await original(change(asked, original))

    return fault


def answers(change: Callable[[Asked, Answer], Answer], *routes: str, status: int | None = None) -> Fault:
    """It answers otherwise. `routes`: only there; `status`: only where the correct answer has it."""

    async def fault(asked: Asked, original: Original) -> Answer:
        answer = await original(asked)
        concerned = not routes or original.match(asked).route in routes
        return change(asked, answer) if concerned and status in (None, answer.status) else answer

    return fault


def other_status(instead: int, *routes: str, of: int, error: str = "") -> Fault:
    """It answers with another status than `of`. `error`: only where the answer's body holds this."""

    def change(_: Asked, answer: Answer) -> Answer:
        return answer._replace(status=instead) if error.encode() in answer.body else answer

    return answers(change, *routes, status=of)


def body(change: Callable[[dict[str, Any]], object], *routes: str, status: int = 200) -> Fault:
    """It answers another JSON object: `change` may edit what it is given, or give another object."""

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
