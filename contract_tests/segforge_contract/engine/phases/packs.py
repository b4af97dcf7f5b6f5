"""Packs paid cases: one valid payload tests many boundary values, and is split only if the gateway refuses it.

Each accepted case of the tables changes one parameter. A pack combines cases of different parameters, so one paid call
tests as much as many. If a pack is refused, its halves are sent, down to the one wrong value. Refusals are free, so the
user pays only for accepted packs.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from segforge.spec.catalog import Catalog, Model
from segforge.spec.values import payload_verdict
from segforge_contract.cases.case import Case
from segforge_contract.cases.parameters import valid_case
from segforge_contract.cases.payloads import base_payload, differences, with_changes
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.session import Session
from segforge_contract.messages.request import Request


@dataclass(frozen=True)
class Pack:
    """A case that must be accepted, and the cases of the tables that it covers."""

    case: Case
    parts: tuple[Case, ...]


@dataclass
class _Round:
    """Cases of one pack, and the parameters that they change, OMITTED for those that they omit."""

    cases: list[Case] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)

    def takes(self, model: Model, changes: Mapping[str, Any]) -> bool:
        """Returns whether a case with these changes fits: no other case changes the same, and no condition breaks."""
        if not changes or not self.changes.keys().isdisjoint(changes):
            return False
        payload = with_changes(base_payload(model), {**self.changes, **changes})
        return not model.conditions or payload_verdict(model, payload) == "valid"

    def add(self, case: Case, changes: Mapping[str, Any]) -> None:
        """Adds a case."""
        self.cases.append(case)
        self.changes |= changes


def packs(catalog: Catalog, cases: Iterable[Case], price: Callable[[Request], Decimal]) -> tuple[Pack, ...]:
    """Returns the accepted cases as packs, those first that test the most for their price in credits."""
    rounds: defaultdict[tuple[str, str], list[_Round]] = defaultdict(list)
    made: list[Pack] = []
    for case in cases:
        if not case.accepted or case.undecided:
            continue
        if case.parameter is None or case.payload is None or case.model is None or case.request.copy:
            made.append(Pack(case, (case,)))
            continue
        of_call, model = rounds[case.model, case.operation], catalog.model(case.model)
        changes = differences(dict(case.payload), base_payload(model))
        found = next((each for each in of_call if each.takes(model, changes)), None)
        if found is None:
            of_call.append(found := _Round())
        found.add(case, changes)
    made += [_pack(catalog, tuple(each.cases)) for of_call in rounds.values() for each in of_call]
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
    changes: dict[str, Any] = {}
    for part in parts:
        changes |= differences(dict(part.payload or {}), base_payload(model))
    payload = with_changes(base_payload(model), changes)
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
