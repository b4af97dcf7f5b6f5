"""Output for users: coloured on a terminal, plain in a pipe, never wrapped."""

from rich.console import Console


def console(*, error: bool = False) -> Console:
    """Returns a console on standard output, or on standard error."""
    return Console(stderr=error, highlight=False, soft_wrap=True, emoji=False)


def print_diff(out: Console, diff: str) -> None:
    """Prints a unified diff, coloured on a terminal."""
    for line in diff.splitlines():
        out.print(line, style={"+": "green", "-": "red", "@": "cyan"}.get(line[:1], ""), markup=False)
