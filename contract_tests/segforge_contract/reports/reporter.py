"""Where reports go: one protocol for all of them, and the forms that are written as files."""

import importlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import W_OK, access
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from segforge.files import write_atomically
from segforge_contract.errors import Misuse

if TYPE_CHECKING:
    from segforge_contract.reports.report import Report


class Reporter(Protocol):
    """Writes a report to one place."""

    @property
    def option(self) -> str:
        """The option or variable that chose the place; messages name it."""

    def check(self) -> None:
        """Refuses a place that can't be written, before anything is sent. Raises Misuse."""

    def write(self, report: "Report") -> None:
        """Writes the report. Raises OSError, and BadJournal if it needs a journal that can't be read."""


@dataclass(frozen=True)
class Form:
    """A form of report: its help text, and whether it is a folder of files.

    The module of that name in this package has the function `render(report)`, which returns the text of a file, or the
    texts of a folder's files by name. It is imported when it is needed.
    """

    help: str
    folder: bool = False


FORMS: Final[Mapping[str, Form]] = {
    "json": Form("write the whole report to this file as JSON"),
    "html": Form("write the report to this file as one HTML page, with the coverage of each parameter"),
    "junit": Form("write the report to this file as JUnit XML, for a CI system"),
    "sarif": Form("write the failures to this file as SARIF, at the lines of the specs that they are about"),
    "ctrf": Form("write the report to this file in the Common Test Report Format"),
    "allure": Form("write the report to this folder as results for Allure", folder=True),
    "har": Form("write the exchanges of the journal to this file as an HTTP Archive, the key masked"),
}
"""The forms of reports that options choose, by option."""


@dataclass(frozen=True)
class FileReporter:
    """Writes one form of report to a file, or to a folder."""

    form: str
    path: Path

    @property
    def option(self) -> str:
        """The option that chose the path."""
        return f"--{self.form}"

    def check(self) -> None:
        """Refuses a path that can't be written. Raises Misuse."""
        if not FORMS[self.form].folder:
            check_writable(self.option, self.path)
        elif self.path.is_dir():
            check_writable(self.option, self.path / "report")
        elif self.path.exists():
            raise Misuse(f"{self.option}: {self.path} is a file; expected a folder, or a path that doesn't exist yet")
        else:
            check_writable(self.option, self.path)

    def write(self, report: "Report") -> None:
        """Writes the file, or the files of the folder, each one whole or not at all. Raises OSError and BadJournal."""
        content = _renderer(self.form)(report)
        if not FORMS[self.form].folder:
            write_file(self.path, content)
            return
        for name, text in content.items():
            write_atomically(self.path / name, text)


def _renderer(form: str) -> "Callable[[Report], Any]":
    render: Callable[[Report], Any] = importlib.import_module(f"{__package__}.{form}").render
    return render


def write_file(path: Path, text: str) -> None:
    """Replaces a file whole, or writes to a pipe or a device. Raises OSError."""
    if path.exists() and not path.is_file():  # a pipe or a device, which can't be replaced
        path.write_text(text, "utf-8")
    else:
        write_atomically(path, text)


def check_writable(option: str, file: Path | None) -> None:
    """Refuses a file that can't be written, before a long run whose result goes there. Raises Misuse."""
    if file is None:
        return
    folder = file.absolute().parent
    if file.is_dir() or not folder.is_dir():
        raise Misuse(f"{option}: can't write {file}: it is a folder, or its folder doesn't exist; name another file")
    try:
        if file.exists() and not file.is_file():
            if not access(file, W_OK):
                raise PermissionError(13, "not writable")
        else:
            with tempfile.TemporaryFile(dir=folder):  # the file is replaced by a new one in its folder
                pass
    except OSError as error:
        mend = "make its folder writable, or name another file"
        raise Misuse(f"{option}: can't write {file}: {error.strerror or error}; {mend}") from None
