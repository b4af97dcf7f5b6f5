"""Faults in facts that no seed model has: steps, lengths of texts, and base64. They have a model of their own."""

from collections.abc import Iterator
from typing import Any

from segforge.spec.build import build_model
from segforge.spec.catalog import Model, Parameter
from segforge.spec.values import accepts
from tests.harness.mutants.faults import Payload, lax, picky
from tests.harness.mutants.mutant import LIMITED, Mutant

MODEL = build_model(
    {
        "slug": LIMITED,
        "title": "Limited",
        "description": "A model with limits that no curated model has.",
        "source": {"url": "https://example.com", "reviewed": "2026-11-28"},
        "versions": ["v1", "v2"],
        "returns": {"media": "json"},
        "parameters": {
            "prompt": {"type": "string", "required": True, "description": "Any text."},
            "size": {"type": "integer", "required": False, "description": "A size.", "default": 64, "multiple_of": 8},
            "lyrics": {
                "type": "string",
                "required": False,
                "description": "A text.",
                "min_length": 3,
                "max_length": 40,
            },
            "mask": {"type": "string", "format": "base64", "required": False, "description": "A mask."},
        },
        "example": {"prompt": "a song"},
    }
)


def _rounded(parameter: Parameter, value: Any) -> Any:
    step = parameter.multiple_of
    return value - value % step if step is not None and isinstance(value, int) else value


def _padded(parameter: Parameter, value: Any) -> Any:
    return value.ljust(parameter.min_length, "-") if parameter.min_length and isinstance(value, str) else value


def _cut(parameter: Parameter, value: Any) -> Any:
    return value[: parameter.max_length] if isinstance(value, str) else value


def _emptied(parameter: Parameter, value: Any) -> Any:
    return "" if parameter.format == "base64" and isinstance(value, str) and not accepts(parameter, value) else value


def _shortened(parameter: Parameter, value: Any) -> Any:
    return value.rstrip("*") if parameter.format == "base64" and isinstance(value, str) else value


def _at_shortest(_: Model, parameter: Parameter, payload: Payload) -> bool:
    value = payload.get(parameter.name)
    return isinstance(value, str) and len(value) == parameter.min_length


def _at_longest(_: Model, parameter: Parameter, payload: Payload) -> bool:
    value = payload.get(parameter.name)
    return isinstance(value, str) and len(value) == parameter.max_length


def limit_mutants() -> Iterator[Mutant]:
    """Yields the faults of steps, lengths and base64."""
    for name, does, breaks, fault, field in (
        ("step-ignored", "rounds a number down to a multiple of its step", "range.off_step", lax(_rounded), "size"),
        ("short-text-padded", "pads a text that is too short", "range.too_short", lax(_padded), "lyrics"),
        ("long-text-cut", "cuts a text that is too long", "range.too_long", lax(_cut), "lyrics"),
        (
            "shortest-refused",
            "refuses a text of the minimum length",
            "range.at_shortest",
            picky(_at_shortest),
            "lyrics",
        ),
        ("longest-refused", "refuses a text of the maximum length", "range.at_longest", picky(_at_longest), "lyrics"),
        ("base64-unchecked", "accepts any text for base64", "format.base64", lax(_emptied), "mask"),
        ("base64-end-ignored", "ignores a wrong end of base64", "format.base64", lax(_shortened), "mask"),
    ):
        yield Mutant(f"limit-{name}", does, breaks, lambda fault=fault: fault, LIMITED, field)  # type: ignore[misc]
