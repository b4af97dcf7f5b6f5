"""House rules: rules of one's own, each a function of an exchange.

    @house_rule("no_server_header", promise="no answer names its software", reason="it helps attackers")
    def no_server_header(exchange):
        return exchange.response.headers.get("server")

The function returns None if the rule holds, otherwise a text that states what it found. A house rule is in `RULES`
while it is in force, under its name with `house.` before it.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from segforge.spec.printable import show
from segforge_contract.errors import Misuse
from segforge_contract.rules.table import RULES, Rule

PREFIX: Final = "house."
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,60}(\.[a-z0-9_]{1,60}){0,3}", re.ASCII)


@dataclass(frozen=True)
class HouseRule:
    """A rule of one's own, its function, and the place of that function."""

    rule: Rule
    function: Callable[[Any], object]
    place: str
    judges: Callable[[Any], bool] = lambda _exchange: True
    """Whether the rule can judge an exchange. Others don't count as tested."""
    operations: tuple[str, ...] = ("run", "submit")
    """The operations that have a point of the rule in the coverage."""

    def __call__(self, exchange: object) -> object:
        """Calls the function, such as in a test of the rule."""
        return self.function(exchange)


HOUSE: Final[dict[str, HouseRule]] = {}
"""The house rules that are in force, by name."""


def house_rule(name: str, *, promise: str, reason: str) -> Callable[[Callable[[Any], object]], HouseRule]:
    """Returns a decorator that makes a rule of a function. Raises Misuse for a name or a text that can't be used."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Misuse(f"a house rule is named {show(name)}; expected lower-case words such as no_server_header")
    for field, text in (("promise", promise), ("reason", reason)):
        if not isinstance(text, str) or not text.strip():
            raise Misuse(f"house rule {name}: {field} is {show(text)}; expected a sentence")

    def decorate(function: Callable[[Any], object]) -> HouseRule:
        code = inspect.unwrap(function).__code__
        place = f"{Path(code.co_filename).name}:{code.co_firstlineno}"
        full = PREFIX + name.removeprefix(PREFIX)
        return HouseRule(Rule(full, "house", promise, f"house rule, {place}", why=reason), function, place)

    return decorate


@contextmanager
def in_force(rules: Iterable[HouseRule]) -> Iterator[None]:
    """Puts house rules in force within the block. Raises Misuse if two have the same name."""
    added: list[str] = []
    try:
        for each in rules:
            name = each.rule.name
            if name in HOUSE:
                raise Misuse(f"two house rules are named {name}: {HOUSE[name].place} and {each.place}; rename one")
            HOUSE[name], RULES[name] = each, each.rule
            added.append(name)
        yield
    finally:
        for name in added:
            del HOUSE[name], RULES[name]
