"""The data of a report, from which each form of report is made. It can't contain the key, see `messages.request`."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from segforge.spec.printable import counted, shortened
from segforge_contract.checks.answers import MOST_IN_WORDS
from segforge_contract.engine.campaign import RunResult
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.plan import Plan
from segforge_contract.errors import BadJournal
from segforge_contract.findings.coverage import Coverage, coverage
from segforge_contract.findings.known import Verdict
from segforge_contract.rules.table import RULES


@dataclass(frozen=True)
class Report:
    """A campaign's plan and result, and the base URL of its target."""

    plan: Plan
    result: RunResult
    """If known deviations were given, its failures are the new ones."""
    base_url: str
    money: Mapping[str, Any] | None = None
    """What the campaign cost, if there was a cap."""
    deviations: Verdict | None = None
    """How the campaign compares with the known deviations, if any were given."""
    specs: Path | None = None
    """The folder of the specs. None stands for segforge's own."""
    journal: Path | None = None
    """The file that holds the exchanges, if there is one."""
    ended: float = 0.0
    """When the campaign ended, in seconds since 1970."""

    @property
    def times(self) -> tuple[int, int]:
        """When the campaign started and ended, in milliseconds since 1970."""
        stop = round(self.ended * 1000)
        return max(stop - round(self.result.seconds * 1000), 0), stop

    @property
    def needed_journal(self) -> Path:
        """The file that holds the exchanges. Raises BadJournal if there is none."""
        if self.journal is None:
            raise BadJournal("the run has no journal; add --record FILE")
        return self.journal

    @property
    def held(self) -> bool:
        """Whether the campaign ran to its end, all rules held, and all known deviations are current."""
        return not self.result.failures and self.cut_short is None and not self.outdated

    @property
    def cut_short(self) -> str | None:
        """Why some requests weren't sent: the campaign ended early, or its spending was halted. None if all were."""
        halted = None if self.money is None else self.money.get("halted")
        reasons = [self.result.stopped, None if halted is None else f"halted: {halted}"]
        told = [reason for reason in reasons if reason is not None]
        return shortened("; ".join(told), MOST_IN_WORDS) if told else None

    @property
    def outdated(self) -> list[str]:
        """Describes the known deviations that no longer occur or have expired."""
        if self.deviations is None:
            return []
        return [f"no longer occurs: {each.in_words}" for each in self.deviations.gone] + [
            f"expired: {each.in_words}" for each in self.deviations.expired
        ]

    @property
    def key_header(self) -> str:
        """The header that carries the key."""
        return self.plan.catalog.gateway.auth.header

    @cached_property
    def by_rule(self) -> dict[str, list[Failure]]:
        """The failures of each broken rule, in the order of the table."""
        groups: defaultdict[str, list[Failure]] = defaultdict(list)
        for failure in self.result.failures:
            groups[failure.broken.rule].append(failure)
        return {name: groups[name] for name in RULES if name in groups}

    @cached_property
    def coverage(self) -> Coverage:
        """The coverage by the cases that were sent."""
        return coverage(self.plan.catalog, self.plan.models, self.result.sent, self.result.skipped)

    @property
    def summary(self) -> str:
        """The campaign in one line."""
        result, broken = self.result, len(self.by_rule)
        verdict = (
            f"all {'rules' if not result.skipped else 'tested rules'} held"
            if self.cut_short is None
            else "no rule broken by what was sent"
        )
        if broken:
            verdict = f"{counted(broken, 'rule')} broken, {counted(len(result.failures), 'time')}"
        return (
            f"{verdict}: {counted(len(self.plan.models), 'model')}, {counted(len(result.sent), 'case')}, "
            f"{counted(result.requests, 'request')}, {counted(result.billed, 'call')} accepted, "
            f"{result.seconds:.1f} s, seed {self.plan.seed}"
            + (f", {counted(len(result.skipped), 'rule')} skipped" if result.skipped else "")
        )
