"""Output meant for people: coloured on a terminal, plain in a pipe, never wrapped."""

from rich.console import Console


def console(*, error: bool = False) -> Console:
    """A console on standard output, or on standard error."""
    return Console(stderr=error, highlight=False, soft_wrap=True, emoji=False)
