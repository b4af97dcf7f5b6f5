"""Packs paid cases: one valid payload tests many boundary values, and is split only if the gateway refuses it.

Each accepted case of the tables changes one parameter. A pack combines cases of different parameters, so one paid call
tests as much as many. If a pack is refused, its halves are sent, down to the one wrong value. Refusals are free, so the
user pays only for accepted packs.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from segforge.spec.catalog import Catalog
from segforge_contract.cases.case import Case
from segforge_contract.cases.parameters import valid_case
from segforge_contract.cases.payloads import base_payload
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.session import Session
from segforge_contract.messages.request import Request

_OMITTED = object()


@dataclass(frozen=True)
class Pack:
    """A case that must be accepted, and the cases of the tables that it covers."""

    case: Case
    parts: tuple[Case, ...]


def packs(catalog: Catalog, cases: Iterable[Case], price: Callable[[Request], Decimal]) -> tuple[Pack, ...]:
    """Returns the accepted cases as packs, those first that test the most for their price in credits."""
    rounds: defaultdict[tuple[str | None, str], list[dict[str, Case]]] = defaultdict(list)
    made: list[Pack] = []
    for case in cases:
        if not case.accepted or case.undecided:
            continue
        if case.parameter is None or case.payload is None or case.model is None or case.request.copy:
            made.append(Pack(case, (case,)))
            continue
        of_call = rounds[case.model, case.operation]
        pack = next((pack for pack in of_call if case.parameter not in pack), None)
        if pack is None:
            of_call.append(pack := {})
        pack[case.parameter] = case
    made += [_pack(catalog, tuple(pack.values())) for of_call in rounds.values() for pack in of_call]
    return tuple(_by_value(made, price))


def _by_value(made: list[Pack], price: Callable[[Request], Decimal]) -> Iterator[Pack]:
    """Yields the best pack first. A part that another operation of the model has tested counts half."""
    shown: set[tuple[str | None, str | None, str, str]] = set()

    def what(part: Case) -> tuple[str | None, str | None, str, str]:
        return part.model, part.parameter, part.rule, part.change

    def value(pack: Pack) -> Fraction:
        worth = sum((Fraction(1, 2) if what(part) in shown else Fraction(1) for part in pack.parts), Fraction(0))
        return worth / Fraction(max(price(pack.case.request), Decimal("0.000001")))

    left = list(made)
    while left:
        best = max(left, key=value)  # max() returns the first of equals, so the order is stable
        left.remove(best)
        shown.update(map(what, best.parts))
        yield best


def _pack(catalog: Catalog, parts: tuple[Case, ...]) -> Pack:
    first = parts[0]
    if len(parts) == 1 or first.model is None:
        return Pack(first, parts)
    model = catalog.model(first.model)
    payload = base_payload(model)
    for part in parts:
        sent = dict(part.payload or {}).get(part.parameter or "", _OMITTED)
        if sent is _OMITTED:
            payload.pop(part.parameter or "", None)
        else:
            payload[part.parameter or ""] = sent
    change = ", ".join(part.change for part in parts)
    return Pack(valid_case(catalog.gateway, model, first.operation, payload, change), parts)


def perform(pack: Pack, session: Session) -> list[Failure]:
    """Sends a pack, and its halves if it is refused. Returns the failures of the smallest parts that show them."""
    failures = _send(pack, session)
    if not any(failure.broken.rule == pack.case.rule for failure in failures):
        return failures
    if len(pack.parts) == 1:
        return failures
    middle = len(pack.parts) // 2
    halves = (_pack(session.catalog, pack.parts[:middle]), _pack(session.catalog, pack.parts[middle:]))
    return [failure for half in halves for failure in perform(half, session)] or list(map(_together, failures))


def _send(pack: Pack, session: Session) -> list[Failure]:
    """Returns the failures of a pack and of its job. If the pack is accepted, its parts count as sent."""
    sent = len(session.sent)
    failures = session.perform(pack.case)
    failures += session.follow(session.follower.take(pack.case), deep=True)
    if len(session.sent) > sent and not any(failure.broken.rule == pack.case.rule for failure in failures):
        session.sent += [part for part in pack.parts if part is not pack.case]
    return failures


def _together(failure: Failure) -> Failure:
    """Marks a failure that no single part shows."""
    case = replace(failure.case, change=f"together: {failure.case.change}")
    return replace(failure, case=case)
