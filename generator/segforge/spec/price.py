"""What a call costs: the one place that makes a range of prices from the facts of a model.

Sources state prices in USD, and the gateway bills credits. No source states the rate, so `gateway.yaml` assumes it.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from segforge.spec.catalog import Average, Directory, Gateway, Model, Parameter, Price

_SECONDS: Final = re.compile(r"\s*([0-9]{1,4}(?:\.[0-9]{1,9})?)\s*(?:s|secs?|seconds?)?\s*", re.IGNORECASE)
_ENDLESS: Final = 1e6
"""More seconds than any output has."""


@dataclass(frozen=True)
class Estimate:
    """The cost of one call in USD: its ends, the average if known, and the facts that they come from.

    `low` is 0 if no source states a lower end. `printed` is the text of the printed price if it counts.
    """

    low: float
    high: float
    average: float | None
    source: str
    printed: str | None = None


@dataclass(frozen=True)
class Rates:
    """What one second of output may cost in USD, for a call that states its length by a parameter.

    The upper end of such a call is at least `least`.
    """

    parameter: str
    low: float
    high: float
    least: float


def model_estimate(gateway: Gateway, model: Model) -> Estimate | None:
    """Returns what a call of a model may cost, or None if no source states an upper end.

    The upper end is the highest of: the average in the vendor's directory times the gateway's factor, and the upper end
    of the printed price, which is multiplied by the longest output if it is per second. If the page prints only a lower
    end, or a price per token, that end counts, but it alone is no upper end.
    """
    duration = model.returns.controls.duration
    lengths = None if duration is None else lengths_of(model.parameters_by_name.get(duration))
    return estimate(gateway, model.price, model.average, lengths)


def estimate(
    gateway: Gateway, price: Price | None, average: Average | None, lengths: tuple[float, float] | None = None
) -> Estimate | None:
    """Returns what a call may cost by a printed price and an average. `lengths` are of the shortest and longest output.

    Returns None if neither states an upper end.
    """
    usual = None if average is None else average.usd
    printed = _printed(price, lengths) if price is not None else (0.0, None, ())
    low, high, floors = printed
    factor = float(gateway.assumptions["price_factor"].value)
    amounts = [amount for amount in (high, None if usual is None else usual * factor) if amount is not None]
    if not amounts:
        return None
    text = price.printed if price is not None and (high is not None or floors) else None
    sources = [f'the printed price "{text}"'] if text is not None else []
    if usual is not None and average is not None:
        sources.append(f"{factor:g} times the average of {usual:g} USD in the directory of {average.read}")
    return Estimate(low, max((*amounts, *floors)), usual, " and ".join(sources), text)


def listed_estimate(gateway: Gateway, directory: Directory, slug: str) -> Estimate | None:
    """Returns what a call of a model may cost by the vendor's list alone, or None if that states no average."""
    listing = directory.listings.get(slug)
    average = None if listing is None else Average(directory.read, listing.usd, listing.seconds)
    return estimate(gateway, None, average)


def rates(gateway: Gateway, model: Model) -> Rates | None:
    """Returns the price per second of a model whose calls state the length of their output.

    Returns None if the printed price is not per second, or if no source states an upper end.
    """
    parameter, price = model.returns.controls.duration, model.price
    if parameter is None or price is None or price.unit != "second":
        return None
    low, high, ends = _printed(price, (1.0, 1.0))
    usual = estimate(gateway, None, model.average)
    if not ends or (high is None and usual is None):
        return None
    return Rates(parameter, low, max(ends), 0.0 if usual is None else rounded_up(usual.high))


def _printed(price: Price, lengths: tuple[float, float] | None) -> tuple[float, float | None, tuple[float, ...]]:
    """Returns the lower end, the upper end if the text states one, and the amounts that the upper end reaches at least.

    A price without a unit is one of a call. An approximate one, such as `~$0.26`, has no ends.
    """
    ends = tuple(end for end in (price.from_, price.to) if end is not None)
    per_call = price.unit in ("generation", None)
    if per_call or (price.unit == "second" and lengths is not None):
        shortest, longest = (1.0, 1.0) if per_call or lengths is None else lengths
        is_end = price.to is not None and "~" not in price.printed
        high = price.to * longest if is_end and price.to is not None else None
        low = 0.0 if price.from_ is None or "~" in price.printed else price.from_ * shortest
        return low, high, tuple(end * longest for end in ends)
    return 0.0, None, ends


def lengths_of(parameter: Parameter | None) -> tuple[float, float] | None:
    """Returns the lengths in seconds of the shortest and the longest output that a parameter allows, if it has both."""
    if parameter is None:
        return None
    known = () if parameter.choices is None or parameter.choices.open else parameter.choices.known
    lows, highs = (parameter.minimum, parameter.exclusive_minimum), (parameter.maximum, parameter.exclusive_maximum)
    shortest = [length for value in (*known, *lows) if (length := seconds_of(value)) is not None]
    longest = [length for value in (*known, *highs) if (length := seconds_of(value)) is not None]
    return (min(shortest, default=0.0), max(longest)) if longest else None


def seconds_of(value: object) -> float | None:
    """Returns a length in seconds: a positive number, or a text such as `5` or `5s`. None for any other value."""
    found = _SECONDS.fullmatch(value) if isinstance(value, str) else None
    number = float(found[1]) if found is not None else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < _ENDLESS:
        return None
    return float(number)


def credits_of(gateway: Gateway, usd: float) -> float:
    """Returns an amount of USD in credits, by the rate that `gateway.yaml` assumes."""
    return usd / float(gateway.assumptions["usd_per_credit"].value)


def highest_credits(gateway: Gateway, model: Model) -> float | None:
    """Returns the most credits that a call of a model may cost, or None if no source states an upper end.

    The amount in USD is rounded up to three significant digits.
    """
    found = model_estimate(gateway, model)
    return None if found is None else credits_of(gateway, rounded_up(found.high))


def rounded_up(amount: float) -> float:
    """Returns an amount rounded up to three significant digits."""
    exact = Decimal(repr(amount))
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - 2), ROUND_CEILING)) if amount else 0.0


def usual_credits(gateway: Gateway, model: Model) -> float:
    """Returns what a mock bills for a call: the average, else the upper end that a page prints, else the assumption.

    The amount has six decimals, as balances have.
    """
    usual = None if model.average is None else model.average.usd
    found = None if usual is not None else model_estimate(gateway, model)
    usd = usual if usual is not None else found.high if found is not None else None
    amount = float(gateway.assumptions["credits_per_call"].value) if usd is None else credits_of(gateway, usd)
    return round(amount, 6)
