"""Sends the same cases to two gateways, and proposes changes to the specs if they answer differently."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from segforge.spec.catalog import Catalog, Version
from segforge.spec.printable import show
from segforge_contract.cases.case import Case
from segforge_contract.cases.parts import value_at
from segforge_contract.cases.settled import OMITTED
from segforge_contract.checks.answers import Exchange, house_broken
from segforge_contract.engine.session import Session
from segforge_contract.errors import NoAnswer, NotSent
from segforge_contract.rules.table import ACCEPTED, REFUSED, RULES


@dataclass(frozen=True)
class ComparedAnswer:
    """The end of a case: status and media type, and the last state of the job that it submitted."""

    status: int | None
    media_type: str = ""
    state: str | None = None
    broken: tuple[str, ...] = ()
    """The house rules that the answer breaks."""

    @property
    def accepted(self) -> bool:
        """Whether the gateway accepted the request."""
        return self.status == 200 and self.state in (None, "COMPLETED")

    def __str__(self) -> str:
        if self.status is None:
            return "no answer"
        state = f", then {self.state}" if self.state else ""
        broken = f", breaks {', '.join(self.broken)}" if self.broken else ""
        return f"{self.status} {self.media_type or '(no Content-Type)'}{state}{broken}"


@dataclass(frozen=True)
class Proposal:
    """A change to a spec or a profile that would describe the right side; `file` is relative to `specs/`."""

    file: str
    where: str
    change: str


@dataclass(frozen=True)
class Disagreement:
    """A case that the two sides answer differently."""

    case: Case
    left: ComparedAnswer
    right: ComparedAnswer
    proposal: Proposal


@dataclass(frozen=True)
class Comparison:
    """The number of compared cases, the disagreements, and how many cases weren't sent, by the reason."""

    compared: int
    disagreements: tuple[Disagreement, ...]
    unsent: dict[str, int]


def compare(catalog: Catalog, cases: Iterable[Case], left: Session, right: Session) -> Comparison:
    """Sends each case to both sides, left first. Raises Unreachable."""
    compared, unsent = 0, dict[str, int]()
    disagreements: list[Disagreement] = []
    for case in cases:
        try:
            seen = see(left, case), see(right, case)
        except NotSent as error:
            unsent[str(error)] = unsent.get(str(error), 0) + 1
            continue
        compared += 1
        if seen[0] != seen[1]:
            proposal = by_house(*seen) or propose(catalog, case, seen[1])
            disagreements.append(Disagreement(case, *seen, proposal))
    return Comparison(compared, tuple(disagreements), unsent)


def see(session: Session, case: Case) -> ComparedAnswer:
    """Sends a case, and follows the job that it submits, if any. Raises NotSent and Unreachable."""
    try:
        response = session.answer(case)
        state = session.follower.last_state(case, response) if case.operation == "submit" else None
    except NoAnswer as error:
        session.note_silence(error)
        return ComparedAnswer(None)
    model = None if case.model is None else session.catalog.model(case.model)
    exchange = Exchange(session.catalog.gateway, model, case, response)
    broken = tuple(each.rule for each in house_broken(exchange))
    return ComparedAnswer(response.status, response.media_type, state, broken)


def by_house(left: ComparedAnswer, right: ComparedAnswer) -> Proposal | None:
    """Returns the proposal if the sides differ in a house rule only. No spec describes one."""
    if replace(left, broken=()) != replace(right, broken=()):
        return None
    only = [name for name in (*left.broken, *right.broken) if (name in left.broken) != (name in right.broken)]
    side = "right" if only[0] in right.broken else "left"
    return Proposal("house rules", ", ".join(only), f"the {side} gateway breaks it, and the other one doesn't")


def propose(catalog: Catalog, case: Case, seen: ComparedAnswer) -> Proposal:
    """Proposes the change under which the specs would expect the answer that was seen."""
    outcomes = RULES[case.rule].outcomes
    if outcomes == (REFUSED,):
        return _accepts_more(catalog, case, seen) if seen.accepted else _refuses_otherwise(catalog, case, seen)
    if outcomes == (ACCEPTED,) and case.model is not None and case.parameter is not None:
        return _refuses_more(catalog, case, seen)
    if outcomes == (ACCEPTED,):
        return Proposal(_model_file(case), "example", f"the sample is refused: {seen}")
    names = ", ".join(outcomes)
    return Proposal("gateway.yaml", f"statuses, case {names}", f"{case.operation} answers {seen}")


def _refuses_otherwise(catalog: Catalog, case: Case, seen: ComparedAnswer) -> Proposal:
    profile = catalog.gateway.profiles[0]
    version: Version = "v2" if case.operation == "submit" else "v1"
    family = case.rule.partition(".")[0].replace("condition", "required")
    now = ", ".join(profile.cases(version, family))
    if seen.status == 200:
        then = "job.failed"
    else:
        fitting = (
            name
            for name, (status, _) in catalog.gateway.cases.items()
            if status.code == seen.status and case.operation in status.routes
        )
        then = " or ".join(fitting) or f"a new case under status {seen.status}"
    where = f"profiles, {profile.name}: outcomes of {family} on {version}"
    return Proposal("gateway.yaml", where, f"cases [{then}] rather than [{now}]")


_LIMITS: Final = {
    "range.below": "minimum",
    "range.above": "maximum",
    "range.off_step": "multiple_of",
    "range.too_short": "min_length",
    "range.too_long": "max_length",
    "range.too_few": "min_items",
    "range.too_many": "max_items",
}
"""The fact of a spec that each rule is about."""


def _accepts_more(catalog: Catalog, case: Case, seen: ComparedAnswer) -> Proposal:
    """The gateway accepts a value that the page rules out."""
    value = _sent(catalog, case)
    where = f"parameters, {case.parameter}"
    match case.rule.split("."):
        case ["range", _]:
            change = f"{_LIMITS[case.rule]}: {value} is accepted"
        case ["condition", _]:
            where, change = "conditions", f"without the one that this breaks: {case.change}"
        case ["enum", _]:
            change = f"choices: {value} is accepted too; the set may be open (total above the number of known values)"
        case ["required", _]:
            change = "required: false; it may be omitted"
        case ["null", _]:
            change = "nullable: true; null is accepted"
        case ["type", "string_for_integer" | "string_for_number"]:
            name = catalog.gateway.profiles[0].name
            return Proposal(
                "gateway.yaml", f"profiles, {name}: numeric_strings", "cast; a number in quotes is accepted"
            )
        case ["type", "no_member"]:
            change = f"any_of: {value} is accepted too"
        case _:
            change = f"type: {value} is accepted too"
    return Proposal(_model_file(case), where, f"{change} ({seen})")


def _refuses_more(catalog: Catalog, case: Case, seen: ComparedAnswer) -> Proposal:
    """The gateway refuses a value that the page allows."""
    value = _sent(catalog, case)
    if case.rule == "condition.kept":
        return Proposal(_model_file(case), "conditions", f"one that refuses: {case.change} ({seen})")
    change = {
        "range.at_minimum": f"minimum: above {value}",
        "range.at_maximum": f"maximum: below {value}",
        "range.at_shortest": "min_length: more characters",
        "range.at_longest": "max_length: fewer characters",
        "range.at_fewest": "min_items: more items",
        "range.at_most": "max_items: fewer items",
        "union.each": f"any_of: without the member of {value}",
        "enum.each": f"choices: without {value}",
        "optional.omitted": "required: true",
        "null.nullable": "nullable: false",
        "default.explicit": f"default: not {value}",
    }.get(case.rule, f"{value} is refused")
    return Proposal(_model_file(case), f"parameters, {case.parameter}", f"{change} ({seen})")


def _sent(catalog: Catalog, case: Case) -> str:
    """Returns the value that a case sends at the place of its parameter, on one line."""
    if case.model is None:
        return show(None)
    value = value_at(catalog.model(case.model).parameters, case.payload or {}, case.parameter)
    return show(None if value is OMITTED else value)


def _model_file(case: Case) -> str:
    return f"models/{case.model}.yaml" if case.model is not None else "gateway.yaml"


def by_proposal(disagreements: Iterable[Disagreement]) -> Iterator[tuple[Proposal, list[Disagreement]]]:
    """Groups disagreements by the change that would settle them, in the order of their first case."""
    groups: dict[Proposal, list[Disagreement]] = {}
    for disagreement in disagreements:
        groups.setdefault(disagreement.proposal, []).append(disagreement)
    yield from groups.items()
