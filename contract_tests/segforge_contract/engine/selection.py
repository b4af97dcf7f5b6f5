"""The rules that a run tests: all of them, or those that `--rules` and `--skip-rules` choose."""

import difflib
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from segforge.spec.printable import show
from segforge.spec.search import meant, near_slugs
from segforge_contract.cases.case import Case
from segforge_contract.engine.failure import Failure
from segforge_contract.errors import Misuse
from segforge_contract.rules.table import RULES, Family

_ON_OUTPUTS: Final = ("answer", "job", "house")
"""The families that judge the answers to valid payloads, whichever rule they were sent for."""
_ON_REFUSALS: Final = ("key.not_echoed", "error.shape", "error.names_no_job", "money.refusal_is_free")
"""The rules of those families that need a refusal."""
_REFUSED: Final = ("body.malformed", "required.missing")
"""The cases that are sent for them."""


@dataclass(frozen=True)
class Selection:
    """The names of the rules that a run skips. Their cases are sent only if a chosen rule judges the answer."""

    skipped: frozenset[str] = frozenset()

    def has(self, *families: Family) -> bool:
        """Whether a rule of one of these families is tested."""
        return any(rule.family in families for name, rule in RULES.items() if name not in self.skipped)

    def sends(self, case: Case) -> bool:
        """Whether a case is sent: its own rule is tested, or a rule that judges every answer of its kind."""
        if case.rule not in self.skipped:
            return True
        if case.rule == "payload.valid":
            return self.has(*_ON_OUTPUTS)
        return case.rule in _REFUSED and (self.has("house") or any(name not in self.skipped for name in _ON_REFUSALS))

    def kept(self, failures: Iterable[Failure]) -> list[Failure]:
        """The failures of rules that are tested."""
        return [failure for failure in failures if failure.broken.rule not in self.skipped]


EVERY_RULE: Final = Selection()
"""The selection of a run that skips nothing."""


def selection(rules: Iterable[str] | None, skip_rules: Iterable[str] | None) -> Selection:
    """The selection of two lists of patterns such as `range.*`; None chooses all rules, or skips none.

    Raises Misuse if a pattern matches no rule, or if no rule is left.
    """
    chosen = set(RULES) if rules is None else _matching("--rules", rules)
    chosen -= _matching("--skip-rules", skip_rules or ())
    if not chosen:
        raise Misuse("--skip-rules: no rule is left to test; skip fewer rules")
    return Selection(frozenset(RULES) - chosen)


def _matching(option: str, patterns: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        names = fnmatch.filter(RULES, pattern)
        if not names:
            raise Misuse(f"{option}: no rule matches {show(pattern)}; {rule_hint(pattern, families=True)}")
        found.update(names)
    return found


def rule_hint(text: str, *, families: bool = False) -> str:
    """Returns how to mend an unknown name of a rule: the nearest names, with those of families if these count, too."""
    known = [*sorted({f"{name.partition('.')[0]}.*" for name in RULES}), *RULES] if families else RULES
    return meant(difflib.get_close_matches(text, known, n=3, cutoff=0.5), "`segforge contract rules` lists all rules")


def model_hint(slug: str, known: Sequence[str]) -> str:
    """Returns how to mend a slug that isn't known: the nearest ones."""
    return meant(near_slugs(slug, known), f"{len(known)} models have specs, such as {known[0]}")
