"""The most that a call of each model is expected to cost, in credits, by the sources that state prices."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from segforge.spec.catalog import Gateway, Model
from segforge.spec.price import highest_credits
from segforge_contract.messages.request import Request
from segforge_contract.targets.ledger import plain

_SHOWN: Final = 6
_MOST_FREE: Final = Decimal("0.01")  # credits; a gateway that bills free requests probably bills less than a call


@dataclass(frozen=True)
class Prices:
    """The highest price of a call of each model, by slug, in credits.

    `assumed` is the price of a call of any other model: what the user states, or None.
    """

    known: Mapping[str, Decimal] = field(default_factory=dict)
    assumed: Decimal | None = None
    free: Decimal = _MOST_FREE
    """The most that a request may cost which is free by the docs, unless it belongs to a job."""

    @property
    def worst(self) -> Decimal:
        """The price of the most expensive model."""
        return max(self._all, default=Decimal(0))

    @property
    def least(self) -> Decimal:
        """The price of the cheapest model."""
        return min(self._all, default=Decimal(0))

    @property
    def _all(self) -> list[Decimal]:
        return [*self.known.values(), *([] if self.assumed is None else [self.assumed])]

    def among(self, models: Iterable[Model]) -> "Prices":
        """Returns the prices of some of the models. A request that should be free costs no more than their calls."""
        some = replace(self, known={one.slug: self.known[one.slug] for one in models if one.slug in self.known})
        return replace(some, free=min(some.least, _MOST_FREE))

    def of(self, request: Request) -> Decimal:
        """Returns the price of a request. A page may print a path in which the slug is not the last part."""
        return max((self.known[part] for part in request.path.split("/") if part in self.known), default=self.other)

    def of_model(self, slug: str | None) -> Decimal:
        """Returns the price of a call of a model."""
        return self.known.get(slug or "", self.other)

    @property
    def other(self) -> Decimal:
        """The price of a call that names no priced model: the stated one, or the highest."""
        return self.worst if self.assumed is None else self.assumed

    def cost(self, calls: Mapping[str | None, int]) -> Decimal:
        """Returns the price of some calls of each model."""
        return sum((self.of_model(slug) * count for slug, count in calls.items()), Decimal(0))


def prices_of(gateway: Gateway, models: Iterable[Model], assumed: Decimal | None) -> Prices:
    """Returns the prices of models. `assumed` is the price of those that no source prices."""
    found = ((model.slug, highest_credits(gateway, model)) for model in models)
    return Prices({slug: Decimal(repr(price)) for slug, price in found if price is not None}, assumed)


def announced(prices: Prices, gateway: Gateway) -> Iterator[str]:
    """Describes prices, one line at a time: the most expensive models, and where the figures come from."""
    if prices.known:
        dearest = heapq.nlargest(_SHOWN, prices.known.items(), key=lambda item: item[1])
        more = len(prices.known) - len(dearest)
        shown = ", ".join(f"{slug} {plain(price)}" for slug, price in dearest)
        yield f"Price of a call, at most: {shown}{f', and {more} cheaper models' if more else ''} (credits)."
        factor, rate = (gateway.assumptions[name].value for name in ("price_factor", "usd_per_credit"))
        yield (
            f"Source: the printed price, or {factor:g} times the average of the vendor's directory if that is more. "
            f"One credit is assumed to be {rate:g} USD."
        )
    if prices.assumed is not None:
        yield f"Price of a call of a model without a stated price: {plain(prices.assumed)} credits (--assume-price)."
