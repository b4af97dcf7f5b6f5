"""Errors and warnings about specs: the place, the problem and the remedy."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from segforge.spec.printable import one_line


@dataclass(frozen=True, order=True)
class Finding:
    """One problem of a file. Lines and columns count from 1; 0 means the whole file."""

    file: str
    line: int
    column: int
    rule: str
    found: str
    expected: str
    mend: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        text = f"{self.found}; expected {self.expected}; {self.mend}"
        severity = "" if self.severity == "error" else "warning: "
        return f"{one_line(self.file)}:{self.line}:{self.column}  {self.rule}  {severity}{one_line(text)}"

    def to_json(self) -> dict[str, Any]:
        """Returns the finding as a JSON object with one key per field."""
        return asdict(self)


class SpecError(Exception):
    """The specs have errors; `findings` lists all of them."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, self.findings)))
