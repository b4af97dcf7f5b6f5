"""Faults that drop a parameter which must have an effect."""

from collections.abc import Iterator
from typing import Any

from tests.harness.mutants.faults import reads
from tests.harness.mutants.mutant import ADAPTER, CONTROLNET, IMG2IMG, Mutant
from tests.harness.mutants.original import Fault


def _dropped(name: str, value: Any, route: str | None = None) -> Fault:
    """Returns a fault that treats each valid value of a parameter as the same one."""

    def kept(given: Any) -> bool:
        return type(given) is type(value) and (isinstance(given, str) or 10 <= given <= 100)

    return reads(lambda _, sent: {**sent, name: value} if kept(sent.get(name)) else sent, route=route)


def effect_mutants() -> Iterator[Mutant]:
    """Yields the mutants of this module."""
    for name, does, parameter, value, route, model in (
        ("prompt-ignored", "ignores the prompt", "prompt", "a cat", None, IMG2IMG),
        ("prompt-ignored-on-v2", "ignores the prompt on v2", "prompt", "a cat", "submit", ADAPTER),
        ("quality-ignored", "ignores the quality", "quality", 95, None, ADAPTER),
        ("quality-ignored-on-v2", "ignores the quality on v2", "quality", 95, "submit", CONTROLNET),
    ):
        yield Mutant(
            name, does, f"{parameter}.changes_picture",
            lambda parameter=parameter, value=value, route=route: _dropped(parameter, value, route),  # type: ignore[misc]
            model, parameter,
        )  # fmt: skip
