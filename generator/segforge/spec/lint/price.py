"""Rules about a model's price: its numbers and its unit are those of the text that the page prints."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from segforge.spec.finding import Finding
from segforge.spec.printable import show
from segforge.spec.source import SourceFile

_NUMBER: Final = re.compile(r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|\.[0-9]+")
_UNITS: Final = {
    "input_second": re.compile(r"\binput[ -]seconds?\b|\bseconds? of (?:the )?input\b", re.IGNORECASE),
    "second": re.compile(r"\bsec(?:onds?)?\b", re.IGNORECASE),
    "token": re.compile(r"\btokens?\b", re.IGNORECASE),
    "generation": re.compile(r"\bgenerations?\b", re.IGNORECASE),
}
"""The words of each unit. A second of input is looked for before other seconds."""


def price_ends_are_printed(source: SourceFile) -> Iterator[Finding]:
    """The ends of a price are numbers of the printed text, in order. A text with numbers without ends is a warning."""
    price = source.data.get("price")
    if price is None:
        return
    ends = {end: price[end] for end in ("from", "to") if end in price}
    if len(ends) == 2 and ends["from"] > ends["to"]:
        found = f"from {ends['from']} above to {ends['to']}"
        yield source.finding(("price", "from"), "price.order", found, "from <= to", "swap them")
    printed = _numbers(price["printed"])
    expected = f"a number of the printed text {show(price['printed'])}"
    for end, value in ends.items():
        if Decimal(repr(value)) not in printed:
            mend = f"copy the number from the page, or remove {end}"
            yield source.finding(("price", end), "price.number", f"{end} {value}", expected, mend)
    if printed and not ends:
        found, mend = "neither from nor to", "add the ends that the text states"
        yield source.finding(("price",), "price.number", found, expected, mend, key=True, warning=True)


def price_unit_is_printed(source: SourceFile) -> Iterator[Finding]:
    """The unit of a price is one that the printed text names, if it names any. A second may be one of the input."""
    price = source.data.get("price")
    if price is None:
        return
    named = _named_units(price["printed"])
    fitting = [*named, "input_second"] if "second" in named else named
    if named and price.get("unit") not in fitting:
        at, found = (("price", "unit"), f"unit {price['unit']}") if "unit" in price else (("price",), "no unit")
        expected = f"{' or '.join(named)}, as in the printed text {show(price['printed'])}"
        yield source.finding(at, "price.unit", found, expected, f"write unit: {named[0]}", key="unit" not in price)


def _numbers(text: str) -> set[Decimal]:
    return {Decimal(number.replace(",", "")) for number in _NUMBER.findall(text)}


def _named_units(text: str) -> list[str]:
    """Returns the units that a text names."""
    named = []
    for unit, words in _UNITS.items():
        text, count = words.subn("", text)
        named += [unit] if count else []
    return named
