"""Reads the price that a page prints above its sample, such as `$0.400 - $1.20 per generation` or `~$0.007`."""

import re
from typing import Any, Final

from segforge.pages.layouts.numbers import number_of
from segforge.pages.page import CERTAIN, CONVENTION, LIKELY, Fact, Undecided
from segforge.pages.source.document import Document, Line

_AMOUNT: Final = r"\$(\d{1,6}(?:,\d{3})*(?:\.\d{1,8})?)"
_PRICE: Final = re.compile(
    rf"(?:~ ?)?(?:(?P<word>from|up to) )?{_AMOUNT}(?: ?(?:-|\u2013|to) ?{_AMOUNT})?"
    r"(?: ?(?:per|/) ?(?P<unit>[\w ]{1,40}))?",
    re.IGNORECASE,
)
_START: Final = re.compile(r"(?:~|from |up to )?\s*\$\s*[\d.]", re.IGNORECASE)
_UNITS: Final = {
    "generation": re.compile(r"generations?", re.IGNORECASE),
    "second": re.compile(r"sec(?:onds?)?", re.IGNORECASE),
    "input_second": re.compile(r"(?:input seconds?|seconds? of (?:the )?input)", re.IGNORECASE),
    "token": re.compile(r"(?:(?:1[KM]|million|thousand|\d[\d ]*) )?tokens?", re.IGNORECASE),
}
_MAX_PRICE: Final = 300


def is_price(line: Line) -> bool:
    """Returns whether a line above the sample is a price, readable or not."""
    return len(line.text) <= _MAX_PRICE and _START.match(line.text) is not None


def read_price(document: Document, line: Line) -> Fact | Undecided:
    """Returns the price in the form of a spec: the text, and as far as the text states them, its ends and its unit."""
    span = document.span(line.start, line.end)
    match = _PRICE.fullmatch(line.text)
    unit = next(
        (unit for unit, words in _UNITS.items() if match and match["unit"] and words.fullmatch(match["unit"])), None
    )
    if match is None or (match["unit"] and unit is None):
        return Undecided((), span, f"the price {line.text[:80]} could not be read")
    low, high = match[2], match[3] or match[2]
    word = (match["word"] or "").lower()
    ends = {"from": low, "to": high} if not word else {"from" if word == "from" else "to": low}
    price: dict[str, Any] = {"printed": line.text}
    price |= {end: number_of(text.replace(",", "")) for end, text in ends.items()}
    price |= {"unit": unit} if unit is not None else {}
    if any(price.get(end) is None for end in ends) or price.get("from", 0) > price.get("to", price.get("from", 0)):
        return Undecided((), span, f"the price {line.text[:80]} has no amounts in order")
    # Without a unit after it, a blank may have replaced the last digit, or a digit the end of the line.
    alone = document.kind == "html" or document.text.startswith(("\n\n", "\n \n"), line.end)
    sure, why = (
        (CERTAIN, "an amount with a unit") if unit else (LIKELY, "an amount") if alone else (CONVENTION, "uneven")
    )
    return Fact(price, span, sure, why)
