"""The result of reading one model from a document."""

from dataclasses import dataclass, field

from segforge.pages.import_openapi.schemas import Note, NotHeld, pointer
from segforge.spec.catalog import Model


@dataclass
class DocumentReading:
    """The result of reading one model. `model` is None if it could not be read.

    `problems` are lines with a place in the document. `notes` are questions for the reader of the draft, each with the
    name of a parameter (None for the model), a key and a text. `left_out` names the parameters that a spec can't hold.
    """

    slug: str
    model: Model | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[tuple[str | None, Note]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def problem_line(name: str, error: NotHeld) -> str:
    """Returns a line with the document's name, the place and the reason."""
    return f"{name}{pointer(error.at)}: {error}"
