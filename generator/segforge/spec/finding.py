"""What is wrong with a spec, where, and how to mend it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from segforge.spec.printable import one_line


@dataclass(frozen=True, order=True)
class Finding:
    """One thing wrong with a file. Lines and columns count from 1; 0 stands for the file as a whole."""

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
        return f"{self.file}:{self.line}:{self.column}  {self.rule}  {severity}{one_line(text)}"

    def to_json(self) -> dict[str, Any]:
        """The finding as a JSON object, one key a field."""
        return asdict(self)


class SpecError(Exception):
    """The specs can't be used; `findings` says why, all of it at once."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, self.findings)))
