"""Every exception of the package."""

from typing import Any

from segforge.options import Misuse

__all__ = ["BadJournal", "BadRule", "BadTarget", "Broke", "Interrupted", "Misuse", "NoAnswer", "NotSent", "Unreachable"]


class BadTarget(ValueError):
    """The target's URL or the key can't be used; the message says why, and never contains the key."""


class BadJournal(ValueError):
    """A journal that can't be used; the message names the file, the line and the mistake."""


class NoAnswer(Exception):
    """A request got no complete HTTP answer.

    `refused`: no connection could be made. `slow`: the time ran out.
    """

    def __init__(self, reason: str, *, refused: bool = False, slow: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused
        self.slow = slow


class NotSent(Exception):
    """A request was held back, for its cost or because no recording has it; the message says why. It breaks no rule."""


class Unreachable(Exception):
    """The target doesn't answer at all; the message names the URL and the last error."""


class Interrupted(KeyboardInterrupt):
    """The run must end now; the message says why, `code` is the exit code of the command.

    It derives from KeyboardInterrupt so that code that handles errors, such as Hypothesis, lets it pass.
    """

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


class BadRule(Interrupted):
    """A house rule raised an error, took too long or returned no text. The run ends; the message names the rule."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, 2)


class Broke(Exception):
    """Reports to Hypothesis that an example broke rules."""

    def __init__(self, failures: list[Any]) -> None:
        """`failures` are `Failure`s, which this module can't import."""
        super().__init__()
        self.failures = failures
