"""Plans a campaign: the requests it sends, and what they may cost."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from segforge.spec.catalog import Catalog, Model
from segforge_contract.cases.case import Case, Operation, operations
from segforge_contract.cases.tables import deterministic_cases
from segforge_contract.checks.properties import seconds_of
from segforge_contract.engine.phases.packs import Pack, packs
from segforge_contract.engine.phases.relations import AT_ONCE, most_calls
from segforge_contract.messages.request import Request
from segforge_contract.targets.ledger import plain

if TYPE_CHECKING:
    from segforge_contract.engine.examples import Examples

_ASSUMPTION = "credits_per_call"


@dataclass(frozen=True)
class Plan:
    """The requests of a campaign: the cases of the tables, and the number of examples that Hypothesis may draw."""

    catalog: Catalog
    models: tuple[Model, ...]
    cases: tuple[Case, ...]
    max_examples: int
    seed: int
    draws_valid: bool = True
    """Whether Hypothesis draws valid payloads, which are billed."""
    packs: tuple[Pack, ...] = ()
    """Sent last, and billed."""
    examples: "Examples | None" = None
    """The database of the examples that broke a rule. Hypothesis tries them first in the next run."""
    reordered: bool = False
    """Whether cases that failed in an earlier run go before the tables."""

    @property
    def explorations(self) -> tuple[tuple[Model, Operation, bool], ...]:
        """The explorations of Hypothesis: a model, an operation, and whether the payloads are valid."""
        if not self.max_examples:
            return ()
        return tuple(
            (model, operation, valid)
            for model in self.models
            for operation in operations(model)
            for valid in ((True, False) if self.draws_valid else (False,))
        )

    @property
    def requests(self) -> int:
        """The most requests that are sent, without shrinking and without free ones: polls, images, the balance."""
        drawn = self.max_examples * len(self.explorations)
        return len(self.cases) + drawn + len(self.packs) + self._related(broken=True)

    def _related(self, *, broken: bool) -> int:
        """The number of calls sent to compare their answers; `broken`: to a gateway that breaks those rules."""
        if not self.draws_valid:
            return 0
        calls = [most_calls(model, broken=broken) * len(operations(model)) for model in self.models]
        return sum(calls) + (AT_ONCE if any("v2" in model.versions for model in self.models) else 0)

    @property
    def billed(self) -> int:
        """The most answers that are billed while the gateway keeps its contract."""
        drawn = self.max_examples * sum(valid for *_, valid in self.explorations)
        return sum(case.accepted for case in self.cases) + drawn + len(self.packs) + self._related(broken=False)

    @property
    def worst_case(self) -> int:
        """The most answers that a gateway could bill if it accepted every request."""
        drawn = self.max_examples * len(self.explorations)
        calls = sum(case.could_be_billed for case in self.cases)
        return calls + drawn + len(self.packs) + self._related(broken=True)


def plan(
    catalog: Catalog, models: Iterable[Model], *, max_examples: int, seed: int, first: Iterable[Case] = ()
) -> Plan:
    """Plans a campaign over some models: the cases in `first`, then the tables.

    Each request is planned once, under the first rule that needs it.
    """
    models, first = tuple(models), tuple(first)
    seen: set[Request] = set()
    cases = []
    for case in (*first, *deterministic_cases(catalog, models)):
        if case.request not in seen:
            seen.add(case.request)
            cases.append(case)
    return Plan(catalog, models, tuple(cases), max_examples, seed, reordered=bool(first))


@dataclass(frozen=True)
class AssumedPrice:
    """The most credits that one call is assumed to cost, and the source of that figure.

    `stated` holds the models, by slug, whose specs state a higher cost.
    """

    assumed: Decimal
    source: str
    stated: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def worst(self) -> Decimal:
        """The price of the most expensive model, in credits."""
        return max([self.assumed, *self.stated.values()])

    def of(self, request: Request) -> Decimal:
        """The price of a request, in credits. A page may print a path in which the slug is not the last part."""
        stated = [self.stated[part] for part in request.path.split("/") if part in self.stated]
        return max(stated, default=self.assumed)


def assumed_price(catalog: Catalog, stated: Decimal | None, slugs: tuple[str, ...] | None = None) -> AssumedPrice:
    """The stated price, by default that of the specs for these models or all. Raises KeyError if they assume none."""
    if stated is not None:
        return AssumedPrice(stated, "--assume-price")
    assumption = catalog.gateway.assumptions[_ASSUMPTION]
    assumed = Decimal(str(assumption.value))
    costs = {model.slug: stated_cost(model) for model in catalog.models if slugs is None or model.slug in slugs}
    dearer = {slug: cost for slug, cost in costs.items() if cost is not None and cost > assumed}
    return AssumedPrice(assumed, f"assumed: {assumption.source}", dearer)


def stated_cost(model: Model) -> Decimal | None:
    """Returns the highest cost of a call that the model's spec states, in credits; None if it states none.

    That is the highest of the typical cost, the average in the vendor's directory, and the upper end of the price: per
    generation, or per second for the longest output that the page allows. If the page prints only the lower end, a call
    costs at least that. Another price doesn't tell what a call costs. One USD counts as one credit, which no source
    states (inferred).
    """
    average = None if model.average is None else model.average.usd
    amounts = [_exact(amount) for amount in (model.typical_cost, average) if amount is not None]
    price = model.price
    times = None if price is None else {"generation": 1.0, "second": _longest(model)}.get(price.unit or "")
    if price is not None and times is not None:
        amounts += [_exact(end) * _exact(times) for end in (price.from_, price.to) if end is not None]
    return max(amounts, default=None)


def _exact(amount: float) -> Decimal:
    return Decimal(str(amount))


def _longest(model: Model) -> float | None:
    """Returns the length in seconds of the longest output that the page allows, None if it states none."""
    parameter = model.parameters_by_name.get(model.returns.controls.duration or "")
    if parameter is None:
        return None
    known = () if parameter.choices is None or parameter.choices.open else parameter.choices.known
    lengths = [seconds_of(value) for value in (*known, parameter.maximum, parameter.exclusive_maximum)]
    return max((length for length in lengths if length is not None), default=None)


def within(plan: Plan, cap: Decimal, price: AssumedPrice) -> Plan:
    """The plan under a cap: free cases first, then packs of the billed ones. A cap of 0 leaves the packs out.

    Hypothesis draws no valid payloads: for its price, a drawn payload shows less than a boundary value.
    """
    paid = packs(plan.catalog, plan.cases, price.of) if cap else ()
    free = tuple(case for case in plan.cases if not case.accepted)
    return replace(plan, cases=free, packs=paid, draws_valid=False)


def announcement(plan: Plan, base_url: str, cap: Decimal | None, price: AssumedPrice) -> Iterator[str]:
    """Describes a plan, one line at a time: how many requests it sends, how many may be billed, and the price."""
    yield f"{base_url}: up to {plan.requests} requests besides free polls."
    yield (
        f"Billed: up to {plan.billed} if the gateway keeps its contract ({_cost(plan.billed, price, cap)}), "
        f"{plan.worst_case} at worst ({_cost(plan.worst_case, price, None)} if it bills every request)."
    )
    yield f"Price: at most {plain(price.assumed)} credits per call ({price.source})."
    if price.stated:
        dearer = ", ".join(f"{slug} {plain(cost)}" for slug, cost in price.stated.items())
        yield f"Higher by their specs: {dearer}."
    if cap is None:
        yield "Cap: none; --max-spend CREDITS sets one."
    elif cap:
        yield f"Cap: {plain(cap)} credits. Requests that don't fit aren't sent."
    else:
        yield "Cap: 0. Only requests that are free by the docs are sent, and none after the gateway bills one."


def _cost(calls: int, price: AssumedPrice, cap: Decimal | None) -> str:
    cost = calls * price.worst
    return f"{plain(cost)} credits" if cap is None or cost <= cap else f"{plain(cost)} credits, capped at {plain(cap)}"
