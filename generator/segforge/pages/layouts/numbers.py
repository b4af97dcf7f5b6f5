"""Reads numbers as pages print them, alone and joined."""

import re
from fractions import Fraction
from functools import cache
from itertools import pairwise

MAX_GLUED = 40
MAX_SPLITS = 20_000

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_UNPRINTED = re.compile(r"-0|-?\d+\.\d*0|-?[\d.]+[eE]\d+")


def number_of(text: str) -> int | float | None:
    """Returns the number in a text in JSON notation, or None. An integer stays an integer."""
    if not _NUMBER.fullmatch(text) or len(text) > 400:
        return None
    return float(text) if "." in text or "e" in text.lower() else int(text)


def has_lost_digit(text: str) -> bool:
    """Returns whether a number is damaged: in a form that pages don't print, such as `-0`, `0.70`, `1.0` or `4e8`."""
    return _UNPRINTED.fullmatch(text) is not None


def is_steady(numbers: tuple[int | float, ...]) -> bool:
    """Returns whether at least three numbers rise in equal steps or by an equal factor, such as 4, 8, 12 or 1, 2, 4."""
    if len(numbers) < 3 or numbers[0] <= 0 or any(one >= two for one, two in pairwise(numbers)):
        return False
    exact = [Fraction(str(number)) for number in numbers]
    steps = {two - one for one, two in pairwise(exact)}
    return len(steps) == 1 or len({two / one for one, two in pairwise(exact)}) == 1


@cache
def splits(text: str) -> tuple[tuple[int | float, ...], ...]:
    """Returns the ways to split digits into numbers, the whole number first. Empty if there are too many ways.

    >>> splits("142")
    ((142,), (14, 2), (1, 42), (1, 4, 2))
    """
    if len(text) > MAX_GLUED:
        return ()
    found: list[tuple[int | float, ...]] = []
    _cut(text, 0, (), found, set())
    return tuple(found) if len(found) < MAX_SPLITS else ()


def _cut(
    text: str, at: int, before: tuple[int | float, ...], found: list[tuple[int | float, ...]], dead: set[int]
) -> None:
    if at == len(text):
        found.append(before)
        return
    count = len(found)
    for end in range(len(text), at, -1):
        if len(found) >= MAX_SPLITS:
            return
        number = None if end in dead else number_of(text[at:end])
        if number is not None:
            _cut(text, end, (*before, number), found, dead)
    if len(found) == count:
        dead.add(at)
