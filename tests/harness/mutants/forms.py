"""Faults in the handling of multipart forms, which no curated model of the mutants accepts. They have an own model."""

from collections.abc import Iterator
from dataclasses import replace

from segforge.spec.build import build_model
from tests.harness.mutants.faults import asks
from tests.harness.mutants.mutant import FORMED, Mutant
from tests.harness.mutants.original import Asked, Original

_WORDS = {"description": "x"}
MODEL = build_model(
    {
        "slug": FORMED,
        "title": "Formed",
        "description": "A model that accepts forms.",
        "source": {"url": "https://example.com", "reviewed": "2026-11-28"},
        "versions": ["v1", "v2"],
        "encodings": ["json", "multipart"],
        "returns": {"media": "json"},
        "parameters": {
            "prompt": {"type": "string", "required": True, **_WORDS},
            "steps": {"type": "integer", "required": False, "minimum": 1, "maximum": 9, **_WORDS},
            "image": {
                "type": "string",
                "format": "uri",
                "file": "image",
                "accepts": ["url", "part"],
                "required": False,
                **_WORDS,
            },
            "tags": {"type": "array", "items": {"type": "string"}, "required": False, **_WORDS},
        },
        "example": {"prompt": "a cat", "steps": 4, "image": "https://example.com/cat.png", "tags": ["a"]},
    }
)
ONLY_FORMS = replace(MODEL, encodings=("multipart",))


def _is_form(asked: Asked) -> bool:
    return asked.headers.get("content-type", "").startswith("multipart/")


def _refused(asked: Asked, _: Original) -> Asked:
    return asked.with_header("content-type", "text/plain") if _is_form(asked) else asked


def _not_cast(asked: Asked, _: Original) -> Asked:
    """A form whose number is a text, as JSON: a gateway that reads the fields, and doesn't cast them."""
    if not _is_form(asked):
        return asked
    json = {"prompt": "a cat", "steps": "4", "image": "https://example.com/cat.png"}
    return asked.with_header("content-type", "application/json").with_json(json)


def form_mutants() -> Iterator[Mutant]:
    """Yields the faults of forms."""
    rule = "content_type.multipart"
    yield Mutant("form-refused", "refuses a multipart form", rule, lambda: asks(_refused), FORMED)
    yield Mutant("form-not-cast", "treats numbers in a form as text", rule, lambda: asks(_not_cast), FORMED)
