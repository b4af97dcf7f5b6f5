"""Policies: how a job advances from QUEUED to its end, by time, by polls or by a release."""

from typing import Final

import msgspec

from segforge_mock.bounds import BadSetting

HELP: Final = "instant, seconds=S, polls=N or held"


class Policy(msgspec.Struct, frozen=True):
    """How the next jobs advance. `seconds` is the time from submit to end (None: the scaled typical time)."""

    seconds: float | None = None
    polls: int = 0
    held: bool = False


class BadPolicy(BadSetting):
    """A text that is not a policy."""


def read_policy(text: str) -> Policy:
    """Reads a policy from `instant`, `seconds=2.5`, `polls=3` or `held`. Raises BadPolicy."""
    name, equals, value = str(text).strip().partition("=")
    try:
        if name == "instant" and not equals:
            return Policy(seconds=0.0)
        if name == "held" and not equals:
            return Policy(held=True)
        if name == "seconds" and 0 <= float(value) < 1e9:
            return Policy(seconds=float(value))
        if name == "polls" and 0 < int(value) < 1_000_000:
            return Policy(polls=int(value))
    except ValueError:
        pass
    raise BadPolicy(f"job policy (x-mock-job): expected {HELP}; found {text!r}")
