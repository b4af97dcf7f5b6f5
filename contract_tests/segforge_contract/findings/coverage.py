"""Coverage: which promises of the docs the sent cases tested, by model, parameter and rule."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from segforge.spec.catalog import Catalog, Model
from segforge_contract.cases.case import Case, Operation, operations
from segforge_contract.cases.parts import anywhere, places_in
from segforge_contract.cases.payloads import base_payload
from segforge_contract.cases.tables import deterministic_cases
from segforge_contract.checks.media import medium_rule
from segforge_contract.checks.properties import asked_format_of
from segforge_contract.engine.phases.relations import explicit
from segforge_contract.messages.request import Request
from segforge_contract.rules.house import HOUSE
from segforge_contract.rules.table import RULES

State: TypeAlias = Literal["both", "whole", "one", "none"]
"""How much of a cell was tested: both sides, its only side, one side of two, or none."""

_ASPECTS: Final = {
    "range.at_minimum": "minimum",
    "range.below": "minimum",
    "range.at_maximum": "maximum",
    "range.above": "maximum",
    "range.off_step": "step",
    "range.at_shortest": "length",
    "range.too_short": "length",
    "range.at_longest": "length",
    "range.too_long": "length",
    "range.at_fewest": "items",
    "range.too_few": "items",
    "range.at_most": "items",
    "range.too_many": "items",
    "type.no_member": "forms",
    "union": "forms",
    "enum": "values",
    "boolean": "values",
    "required": "presence",
    "optional": "presence",
}
_SAMPLE: Final = "payload.valid"


class Point(NamedTuple):
    """The subject of a case: a rule on an operation, of a model (None for any) and perhaps a parameter.

    The place of a nested part has no positions of items, as in `images[].uri`.
    """

    model: str | None
    operation: Operation
    parameter: str | None
    rule: str

    @property
    def in_words(self) -> str:
        """The point in one line: `range.above flux-img2img submit steps`."""
        return " ".join(part for part in (self.rule, self.model, self.operation, self.parameter) if part)


def point_of(case: Case) -> Point:
    """The point that a case tests."""
    place = None if case.parameter is None else anywhere(case.parameter)
    return Point(case.model, case.operation, place, case.rule)


def aspect_of(rule: str) -> str:
    """The column of the matrix for a rule: `minimum` contains `range.at_minimum` and `range.below`."""
    family = rule.partition(".")[0]
    return _ASPECTS.get(rule) or _ASPECTS.get(family, family)


class Unknown(NamedTuple):
    """The facts that no source states about the known parameters of a partial model."""

    parameters: int
    without_type: int
    without_requirement: int


@dataclass(frozen=True)
class Cell:
    """One aspect of a parameter: the points with an accepted or a refused value, and which of them were sent."""

    accepted: frozenset[Point]
    refused: frozenset[Point]
    sent: frozenset[Point]

    @property
    def state(self) -> State:
        """How much was tested. A side is tested once each operation of the model received a case of it."""
        sides = [side for side in (self.accepted, self.refused) if side]
        seen = [side for side in sides if _operations(side) == _operations(side & self.sent)]
        if len(seen) == len(sides):
            return "both" if len(sides) == 2 else "whole"
        return "one" if seen else "none"

    @property
    def points(self) -> tuple[Point, ...]:
        """The points of both sides, those with an accepted value first."""
        return tuple(point for side in (self.accepted, self.refused) for point in sorted(side, key=str))


@dataclass(frozen=True)
class Coverage:
    """All points, whether the gateway must accept their cases, and how many cases were sent for each."""

    catalog: Catalog
    models: tuple[Model, ...]
    points: Mapping[Point, bool]
    sent: Mapping[Point, int]
    skipped: frozenset[str] = frozenset()
    """The rules that were not to be tested. Their points count as not tested."""

    @property
    def covered(self) -> int:
        """How many points had a case sent."""
        return sum(point in self.sent for point in self.points)

    @property
    def percent(self) -> float:
        """The percentage of points that had a case sent, rounded down to a tenth, so that 100 means all points."""
        return self.covered * 1000 // len(self.points) / 10 if self.points else 100.0

    @property
    def missing(self) -> tuple[Point, ...]:
        """The points that no case was sent for, in the order of the tables."""
        return tuple(point for point in self.points if point not in self.sent)

    @cached_property
    def aspects(self) -> tuple[str, ...]:
        """The columns of the matrix, in the order of the rules."""
        there = {point.rule for point in self.points if point.parameter is not None}
        return tuple(dict.fromkeys(aspect_of(rule) for rule in RULES if rule in there))

    @property
    def unknown(self) -> dict[str, Unknown]:
        """The unknown facts of each partial model, which may also have parameters that no source shows."""
        return {model.slug: _unknown(model) for model in self.models if model.level == "partial"}

    @cached_property
    def _by_place(self) -> Mapping[tuple[str | None, str | None], list[Point]]:
        groups: defaultdict[tuple[str | None, str | None], list[Point]] = defaultdict(list)
        for point in self.points:
            groups[point.model, point.parameter].append(point)
        return groups

    def places(self, model: Model) -> tuple[str, ...]:
        """The parameters of a model, each with the places of its nested parts, in the order of the page."""
        names = [parameter.name for parameter in model.parameters]
        nested = [place for slug, place in self._by_place if slug == model.slug and place not in (None, *names)]
        order = {name: index for index, name in enumerate(names)}

        def owner(place: str) -> int:
            starts = (name for name in names if place == name or place.startswith((f"{name}.", f"{name}[")))
            return order.get(max(starts, key=len, default=""), len(names))

        return tuple(sorted([*names, *(place for place in nested if place is not None)], key=owner))

    def row(self, model: Model, parameter: str) -> dict[str, Cell]:
        """The cells of one parameter or nested part by aspect, without aspects that it doesn't have."""
        own = self._by_place.get((model.slug, parameter), [])
        groups: defaultdict[str, list[Point]] = defaultdict(list)
        for point in own:
            groups[aspect_of(point.rule)].append(point)
        valid = frozenset(self._valid(model, parameter, own))
        return {aspect: self._cell(points, valid) for aspect, points in groups.items()}

    def _valid(self, model: Model, parameter: str, own: Iterable[Point]) -> Iterator[Point]:
        """The points that send a valid value of a parameter: its own, and the page's sample if it has the parameter."""
        yield from (point for point in own if self.points[point])
        if parameter in _in_sample(model):
            samples = (Point(model.slug, operation, None, _SAMPLE) for operation in operations(model))
            yield from (sample for sample in samples if sample in self.points)

    def _cell(self, points: Iterable[Point], valid: frozenset[Point]) -> Cell:
        refused = frozenset(point for point in points if not self.points[point])
        # If no rule names a nearer accepted value, any valid value of the parameter is the other side of a refused one.
        accepted = frozenset(points) - refused or valid
        return Cell(accepted, refused, frozenset(self.sent) & (accepted | refused))


@lru_cache(maxsize=1000)
def _in_sample(model: Model) -> frozenset[str]:
    return places_in(model.parameters, base_payload(model))


def _unknown(model: Model) -> Unknown:
    untyped = sum(one.type == "any" and not one.any_of for one in model.parameters)
    return Unknown(len(model.parameters), untyped, sum(one.required is None for one in model.parameters))


def coverage(
    catalog: Catalog, models: Iterable[Model], sent: Iterable[Case], skipped: frozenset[str] = frozenset()
) -> Coverage:
    """The coverage of some models by the cases that were sent.

    A request that tests several rules (a default that is also the minimum) is sent once, and counts for each rule.
    A skipped rule counts as not tested, even if its cases were sent to test others.
    """
    models = tuple(models)
    points: dict[Point, bool] = {}
    stands_for: defaultdict[Request, set[Point]] = defaultdict(set)
    for case in deterministic_cases(catalog, models):
        points[point_of(case)] = case.accepted
        stands_for[case.request].add(point_of(case))
    own = (point for model in models for point in (*_related(model), *_media(model), *_money(model), *_house(model)))
    points |= dict.fromkeys(own, True)
    chosen = [case for case in sent if case.rule not in skipped]
    counts = Counter(point for case in chosen for point in stands_for.get(case.request, set()) | {point_of(case)})
    tested = {point: count for point, count in counts.items() if point.rule not in skipped}
    return Coverage(catalog, models, points, tested, skipped)


def _related(model: Model) -> Iterator[Point]:
    """The points that are tested by comparing a model's images."""
    said = explicit(model)
    if said is None:
        return
    for operation in operations(model):
        yield Point(model.slug, operation, None, "seed.repeats_picture")
        controls = model.returns.controls
        if controls.prompt is not None:
            yield Point(model.slug, operation, said.seed, "seed.changes_picture")
            yield Point(model.slug, operation, controls.prompt, "prompt.changes_picture")
        if controls.quality is not None and asked_format_of(model, said.payload) == "jpeg":
            yield Point(model.slug, operation, controls.quality, "quality.changes_picture")
        for name in said.omissible:
            yield Point(model.slug, operation, name, "default.omitted_equals_explicit")


def _media(model: Model) -> Iterator[Point]:
    """The points of the rule that judges the medium of a model's output. If none can, no case is ever sent for them."""
    for operation in operations(model):
        yield Point(model.slug, operation, None, medium_rule(model))


def _house(model: Model) -> Iterator[Point]:
    """The points of the house rules."""
    for name, each in HOUSE.items():
        yield from (Point(model.slug, one, None, name) for one in operations(model) if one in each.operations)


def _money(model: Model) -> Iterator[Point]:
    """The points of the rule that compares costs with the balance. Without a readable balance, they stay open."""
    for operation in operations(model):
        yield Point(model.slug, operation, None, "money.costs_add_up")


def _operations(points: Iterable[Point]) -> set[Operation]:
    return {point.operation for point in points}
