"""What the clients of all languages say of a model, and of which model they show a call."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from segforge.spec.catalog import Model


class _Named(Protocol):
    """A model with the names that it has in a client."""

    @property
    def model(self) -> Model:
        """The model."""


_N = TypeVar("_N", bound=_Named)


def about(model: Model) -> str:
    """The documentation of a model's class."""
    lines = [model.description, "", f"Docs: {model.source.url} (reviewed {model.source.reviewed})."]
    if model.typical_seconds is not None:
        lines.append(f"Typical time: {model.typical_seconds} seconds.")
    if model.typical_cost is not None:
        lines.append(f"Typical cost: {model.typical_cost} credits.")
    if model.note is not None:
        lines.append(model.note)
    return "\n".join(" ".join(line.split()) for line in lines)


def sample(models: Sequence[_N], slug: str | None) -> _N:
    """The model of the samples: the one with that slug.

    Where there is none: of those with both versions that give pictures, the one with the shortest call.
    """
    for named in models:
        if named.model.slug == slug:
            return named
    fit = [named for named in models if len(named.model.versions) == 2 and named.model.returns.media == "image"]
    return min(fit or models, key=lambda named: len(named.model.valid_example))
