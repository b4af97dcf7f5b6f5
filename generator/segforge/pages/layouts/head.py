"""Reads facts about a model as a whole: its price, above the sample, and from the samples how requests are sent."""

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
_BEARER: Final = re.compile(r"\bAuthorization\W{1,8}(?:f[\"'])?Bearer\b", re.IGNORECASE)
_API_KEY: Final = re.compile(r"\bx-api-key\b", re.IGNORECASE)
_MULTIPART: Final = re.compile(
    r"\bmultipart/form-data\b|\bfiles ?= ?files\b|\bnew FormData\(|\bFormData\(\)|(?<!\S)(?:-F|--form) [\"']"
)
_JSON: Final = re.compile(
    r"\bapplication/json\b|\bjson ?= ?\w|\bJSON\.stringify\(|\b(?:segmind|client)\.(?:run|chat|submit\w*)\(|\bjson=\{"
)
_AXIOS: Final = re.compile(r"\baxios\.post\(")


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


def access_facts(document: Document, start: int, end: int) -> dict[str, Fact]:
    """Returns `auth`, the schemes beside the API key, and `encodings` of request bodies, as far as samples show them.

    A page without such a sample states neither.
    """
    facts: dict[str, Fact] = {}
    text = document.text
    bearer, key = (pattern.search(text, start, end) for pattern in (_BEARER, _API_KEY))
    if shown := bearer or key:
        facts["auth"] = Fact(
            ["bearer"] if bearer else [], document.span(*shown.span()), CERTAIN, "the headers of a sample"
        )
    multipart = _MULTIPART.search(text, start, end)
    json = _JSON.search(text, start, end) or (None if multipart else _AXIOS.search(text, start, end))
    if found := json or multipart:
        encodings = [name for name, one in (("json", json), ("multipart", multipart)) if one is not None]
        facts["encodings"] = Fact(encodings, document.span(*found.span()), CERTAIN, "the call in a sample")
    return facts
