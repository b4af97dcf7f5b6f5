"""Applies the house rules to an exchange. An error in a rule, or an endless one, ends the run with a clear message."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Final

from segforge.spec.printable import one_line, show
from segforge_contract.errors import BadRule
from segforge_contract.rules.house import HOUSE, HouseRule
from segforge_contract.rules.loading import in_words

LONGEST: Final = 5.0
"""Seconds that one call of a rule may take. Code in C that keeps Python's lock can't be stopped."""
_LONGEST_TEXT: Final = 500


def house_findings(exchange: object) -> Iterator[tuple[str, str, str]]:
    """Yields each house rule that an exchange breaks, as (rule, expected, found). Raises BadRule."""
    for name, each in HOUSE.items():
        found = _called(each, exchange)
        if found is None:
            continue
        if not isinstance(found, str) or not found.strip():
            raise BadRule(
                f"correct house rule {name} ({each.place}): expected None if it holds, or a text that states what it "
                f"found, but it returned {show(found)}"
            )
        yield name, each.rule.promise, one_line(found)[:_LONGEST_TEXT]


def _called(each: HouseRule, exchange: object) -> object:
    global _worker  # noqa: PLW0603 - a worker that doesn't return is replaced
    if _worker is None:
        _worker = _Worker()
    try:
        value, error = _worker.call(each.function, exchange)
    except Empty:
        _worker = None
        raise BadRule(
            f"correct house rule {each.rule.name} ({each.place}): it took longer than {LONGEST:g} s"
        ) from None
    if error is not None:
        raise BadRule(f"correct house rule {each.rule.name} ({each.place}): it raised {in_words(error)}")
    return value


@dataclass
class _Worker:
    """A thread that calls rules, so that a call can be abandoned. It ends with the process."""

    asked: "SimpleQueue[tuple[Callable[[Any], object], object]]" = field(default_factory=SimpleQueue)
    answered: "SimpleQueue[tuple[object, BaseException | None]]" = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        threading.Thread(target=self._work, name="segforge house rules", daemon=True).start()

    def call(self, function: Callable[[Any], object], exchange: object) -> tuple[object, BaseException | None]:
        """Calls a rule. Returns its value and its error. Raises Empty if it takes too long."""
        self.asked.put((function, exchange))
        return self.answered.get(timeout=LONGEST)

    def _work(self) -> None:
        while True:
            function, exchange = self.asked.get()
            try:
                self.answered.put((function(exchange), None))
            except BaseException as error:  # SystemExit too
                self.answered.put((None, error))


_worker: _Worker | None = None
