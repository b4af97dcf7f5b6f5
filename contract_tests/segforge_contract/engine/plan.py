"""Plans a campaign: the requests it sends, and what they may cost."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from segforge.spec.catalog import Catalog, Model
from segforge_contract.cases.case import Case, Operation, operations
from segforge_contract.cases.tables import deterministic_cases
from segforge_contract.engine.phases.packs import Pack, packs
from segforge_contract.engine.phases.relations import most_calls
from segforge_contract.engine.phases.together import AT_ONCE
from segforge_contract.engine.price import Prices, announced
from segforge_contract.engine.selection import EVERY_RULE, Selection
from segforge_contract.messages.request import Request
from segforge_contract.targets.ledger import plain

if TYPE_CHECKING:
    from segforge_contract.engine.examples import Examples


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
    selection: Selection = EVERY_RULE
    """The rules that are tested."""
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
            if self.selection.has("parameter") or valid
        )

    @property
    def requests(self) -> int:
        """The most requests that are sent, without shrinking and without free ones: polls, images, the balance."""
        drawn = self.max_examples * len(self.explorations)
        return len(self.cases) + drawn + len(self.packs) + self._related(broken=True).total()

    @property
    def compares(self) -> bool:
        """Whether answers are compared with each other."""
        return self.selection.has("relation", "job")

    def _related(self, *, broken: bool) -> Counter[str | None]:
        """The calls of each model to compare their answers; `broken`: to a gateway that breaks those rules."""
        calls: Counter[str | None] = Counter()
        if self.draws_valid and self.compares:
            for model in self.models:
                calls[model.slug] += most_calls(model, broken=broken) * len(operations(model))
            calls[None] += AT_ONCE if any("v2" in model.versions for model in self.models) else 0
        return calls

    def billed(self, *, broken: bool = False) -> Counter[str | None]:
        """The most calls of each model that are billed while the gateway keeps its contract.

        `broken`: the most that a gateway could bill if it accepted every request. None stands for calls of any model.
        """
        calls = self._related(broken=broken)
        calls.update(case.model for case in self.cases if (case.could_be_billed if broken else case.accepted))
        calls.update(pack.case.model for pack in self.packs)
        for model, _, valid in self.explorations:
            calls[model.slug] += self.max_examples if valid or broken else 0
        return calls


def plan(
    catalog: Catalog,
    models: Iterable[Model],
    *,
    max_examples: int,
    seed: int,
    first: Iterable[Case] = (),
    chosen: Selection = EVERY_RULE,
) -> Plan:
    """Plans a campaign over some models: the cases in `first`, then the tables.

    Each request is planned once, under the first rule that needs it.
    """
    models, first = tuple(models), tuple(first)
    tables = [*first, *deterministic_cases(catalog, models)]
    if chosen.skipped:  # a request that also tests a chosen rule is sent for that one
        own = {case.request for case in tables if case.rule not in chosen.skipped}
        tables = [
            case
            for case in tables
            if case.rule not in chosen.skipped or (case.request not in own and chosen.sends(case))
        ]
    seen: set[Request] = set()
    cases = []
    for case in tables:
        if case.request not in seen:
            seen.add(case.request)
            cases.append(case)
    return Plan(catalog, models, tuple(cases), max_examples, seed, selection=chosen, reordered=bool(first))


def within(plan: Plan, cap: Decimal, prices: Prices) -> Plan:
    """The plan under a cap: free cases first, then packs of the billed ones. A cap of 0 leaves the packs out.

    Hypothesis draws no valid payloads: for its price, a drawn payload shows less than a boundary value.
    """
    paid = packs(plan.catalog, plan.cases, prices.of) if cap else ()
    free = tuple(case for case in plan.cases if not case.accepted)
    return replace(plan, cases=free, packs=paid, draws_valid=False)


def announcement(plan: Plan, base_url: str, cap: Decimal | None, prices: Prices) -> Iterator[str]:
    """Describes a plan, one line at a time: how many requests it sends, how many may be billed, and the price."""
    yield f"{base_url}: up to {plan.requests} requests besides free polls."
    usual, most = plan.billed(), plan.billed(broken=True)
    yield (
        f"Billed: up to {usual.total()} if the gateway keeps its contract ({_cost(prices.cost(usual), cap)}), "
        f"{most.total()} at worst ({_cost(prices.cost(most), None)} if it bills every request)."
    )
    named = {model.slug for model in plan.models}
    others = sum(count for slug, count in most.items() if slug not in named)
    if others:
        each = plain(prices.other)
        yield f"Of these, {others} are for no model of this run. Each counts as the dearest one, {each} credits."
    yield from announced(prices.among(plan.models), plan.catalog.gateway)
    if cap is None:
        yield "Cap: none; --max-spend CREDITS sets one."
    elif cap:
        yield f"Cap: {plain(cap)} credits. Requests that don't fit aren't sent."
    else:
        yield "Cap: 0. Only requests that are free by the docs are sent, and none after the run sees a bill."


def _cost(cost: Decimal, cap: Decimal | None) -> str:
    return f"{plain(cost)} credits" if cap is None or cost <= cap else f"{plain(cost)} credits, capped at {plain(cap)}"
