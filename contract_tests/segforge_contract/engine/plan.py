"""What a campaign may cost: the price that is assumed, the plan that fits a cap, and both in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from segforge.spec.catalog import Catalog, Gateway
from segforge_contract.cases.case import Case
from segforge_contract.checks.answers import Broken
from segforge_contract.engine.campaign import Plan
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.phases.packs import packs
from segforge_contract.messages.request import Request
from segforge_contract.targets.ledger import Ledger, plain

_ASSUMPTION = "credits_per_call"


@dataclass(frozen=True)
class Price:
    """The most credits that one call is taken to cost, and where the figure comes from.

    `typical` has the models, by slug, of which the specs say that a call typically costs more.
    """

    assumed: Decimal
    source: str
    typical: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def worst(self) -> Decimal:
        """The price of the dearest model."""
        return max([self.assumed, *self.typical.values()])

    def of(self, request: Request) -> Decimal:
        """The price of a request."""
        return self.typical.get(request.path.rpartition("/")[2], self.assumed)


def assumed_price(catalog: Catalog, stated: Decimal | None) -> Price:
    """The price that was stated, else what the specs say. Raises KeyError if they assume none."""
    if stated is not None:
        return Price(stated, "--assume-price")
    assumption = catalog.gateway.assumptions[_ASSUMPTION]
    assumed = Decimal(str(assumption.value))
    typical = {
        model.slug: Decimal(str(model.typical_cost)) for model in catalog.models if model.typical_cost is not None
    }
    dearer = {slug: cost for slug, cost in typical.items() if cost > assumed}
    return Price(assumed, f"assumed: {assumption.source}", dearer)


def within(plan: Plan, cap: Decimal, price: Price) -> Plan:
    """The plan under a cap: what isn't billed comes first, then packs of what is, which a cap of 0 leaves out.

    Hypothesis draws no valid payloads: a drawn one shows less for its price than a boundary.
    """
    paid = packs(plan.catalog, plan.cases, price.of) if cap else ()
    free = tuple(case for case in plan.cases if not case.accepted)
    return replace(plan, cases=free, packs=paid, draws_valid=False)


def announcement(plan: Plan, base_url: str, cap: Decimal | None, price: Price) -> Iterator[str]:
    """What is about to be sent, line by line: how much, how much of it could be billed, and at what price."""
    yield f"{base_url}: up to {plan.requests} requests besides free polls."
    yield (
        f"Billed: up to {plan.billed} while it keeps its contract ({_cost(plan.billed, price, cap)}), "
        f"{plan.worst_case} at worst ({_cost(plan.worst_case, price, None)} if it bills whatever it is sent)."
    )
    yield f"Price: taken to be {plain(price.assumed)} credits a call at most ({price.source})."
    if price.typical:
        dearer = ", ".join(f"{slug} {plain(cost)}" for slug, cost in price.typical.items())
        yield f"Dearer by their specs: {dearer}."
    if cap is None:
        yield "Cap: none; --max-spend CREDITS sets one."
    elif cap:
        yield f"Cap: {plain(cap)} credits. What doesn't fit isn't sent."
    else:
        yield "Cap: 0. Only what isn't billed by the docs is sent, and nothing more of it once the gateway bills any."


def _cost(calls: int, price: Price, cap: Decimal | None) -> str:
    cost = calls * price.worst
    return f"{plain(cost)} credits" if cap is None or cost <= cap else f"{plain(cost)} credits, capped at {plain(cap)}"


def unexplained(ledger: Ledger, gateway: Gateway) -> list[Failure]:
    """The failure that money was taken which no answer speaks of, if the balance shows that."""
    if not ledger.unexplained:
        return []
    route = gateway.routes.credits
    request = Request(route.method, route.path)
    case = Case("money.refusal_is_free", "run", None, None, "the balance after all requests", request, ())
    found = f"{plain(ledger.lost)} less, {plain(ledger.unexplained)} of it unexplained; or the key is in use elsewhere"
    return [Failure(case, Broken(case.rule, f"a balance that lost the {plain(ledger.told)} stated", found), (request,))]
