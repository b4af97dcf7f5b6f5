"""A report as annotations beside the lines of a change, at the lines of the specs that failures are about."""

from dataclasses import dataclass, field

from segforge.spec.finding import Finding
from segforge_contract.reports.places import findings
from segforge_contract.reports.report import Report


@dataclass(frozen=True)
class AnnotationReporter:
    """Adds findings to a list, which `segforge.github.annotating` prints at the end of the command."""

    noted: list[Finding] = field(default_factory=list)
    option: str = "annotations"

    def check(self) -> None:
        """Accepts any list."""

    def write(self, report: Report) -> None:
        """Adds a finding for each group of failures, and one if the campaign ended early."""
        self.noted.extend(findings(report))
        if report.cut_short is not None:
            expected, mend = "a run to its end", "read the log of the step"
            self.noted.append(Finding("", 0, 0, "run.incomplete", report.cut_short, expected, mend))
