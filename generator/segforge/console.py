"""Output for users: coloured on a terminal, plain in a pipe, never wrapped."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console(*, error: bool = False) -> "Console":
    """Returns a console on standard output, or on standard error."""
    from rich.console import Console  # takes 30 ms, which `say` saves in a pipe

    return Console(stderr=error, highlight=False, soft_wrap=True, emoji=False)


def say(text: str, style: str = "", *, error: bool = False) -> None:
    """Prints a text, in this style on a terminal, without the import of rich in a pipe."""
    stream = sys.stderr if error else sys.stdout
    if stream.isatty() or os.environ.get("FORCE_COLOR"):
        console(error=error).print(text, style=style, markup=False)
    else:
        print(text, file=stream)


def print_diff(out: "Console", diff: str) -> None:
    """Prints a unified diff, coloured on a terminal."""
    for line in diff.splitlines():
        out.print(line, style={"+": "green", "-": "red", "@": "cyan"}.get(line[:1], ""), markup=False)
