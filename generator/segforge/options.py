"""Shared by all commands: the number types of options, and `Misuse`, the error of a command that was called wrongly.

Pass a number type as `type=` to `add_argument`. Each raises argparse.ArgumentTypeError, which states what was expected
and what was found; argparse adds the option's name and exits with 2.
"""

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

_DAY: Final = 86_400
_DIGITS: Final = 100


class Misuse(Exception):
    """A command can't run as it was called; the message states why and what to do. Commands exit with 2."""


@dataclass(frozen=True, eq=False)
class OptionType(Generic[T]):
    """The type of an option: `read` converts its text, and `schema` is the JSON Schema of its values in a file."""

    read: Callable[[str], T]
    schema: Mapping[str, Any]

    def __call__(self, text: str) -> T:
        """Converts a text. Raises argparse.ArgumentTypeError."""
        return self.read(text)


def whole_number(low: int, high: int | None = None, *, noun: str = "a whole number") -> OptionType[int]:
    """Returns the type of an option that takes a whole number within a range; `noun` names it in the error."""
    limits = f"from {low}" if high is None else f"from {low} to {high}"
    most = math.inf if high is None else high

    def parse(text: str) -> int:
        if not text.isdecimal() or len(text) > _DIGITS or not low <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected {noun} {limits}, found {text!r}")
        return int(text)

    return OptionType(parse, {"type": "integer", "minimum": low} | ({} if high is None else {"maximum": high}))


def number(low: float, high: float, *, noun: str = "a number", above: bool = False) -> OptionType[float]:
    """Returns the type of an option that takes a number from `low`, or above it, to `high` (infinity: no limit)."""
    limits = f"{'above' if above else 'from'} {low:g}" + (f" to {high:g}" if high < math.inf else "")

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high or value == math.inf or (above and value == low):
            raise argparse.ArgumentTypeError(f"expected {noun} {limits}, found {text!r}")
        return value

    lowest = {"exclusiveMinimum" if above else "minimum": low}
    return OptionType(parse, {"type": "number"} | lowest | ({"maximum": high} if high < math.inf else {}))


count = whole_number(0)
"""A whole number from 0."""

positive_count = whole_number(1)
"""A whole number from 1."""

port = whole_number(0, 65_535, noun="a port")
"""A TCP port; 0 stands for any free one."""

seconds = number(0, math.inf, noun="a number of seconds", above=True)
"""A time in seconds, above 0."""

pause = number(0, _DAY, noun="a number of seconds")
"""A time in seconds, from 0 to one day."""

percent = number(0, 100)
"""A percentage from 0 to 100."""


def _credits(text: str) -> str:
    if _amount(text) < 0:
        raise argparse.ArgumentTypeError(f"expected an amount of credits from 0, such as 2.50, found {text!r}")
    return text


def _price(text: str) -> str:
    if _amount(text) <= 0:
        raise argparse.ArgumentTypeError(f"expected an amount of credits above 0, such as 0.05, found {text!r}")
    return text


def _amount(text: str) -> Decimal:
    """A finite number; -1 for any other text."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    return amount if amount.is_finite() else Decimal(-1)


credits = OptionType(_credits, {"type": ["number", "string"], "minimum": 0})
"""An amount of credits from 0. Returns it as typed, so that no digit is lost."""

price = OptionType(_price, {"type": ["number", "string"], "exclusiveMinimum": 0})
"""An amount of credits above 0, as typed: if calls cost nothing, any number of them fits below a cap."""
