"""The vendor's list of models, and the models that it lacks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from segforge.spec.catalog.model import Media, Shape


@dataclass(frozen=True)
class Modality:
    """The output that a modality of the list stands for, as far as its name says."""

    media: Media
    shape: Shape | None = None


@dataclass(frozen=True)
class Listing:
    """A model as the list states it: the average cost of a run in USD, and its average time in seconds."""

    slug: str
    title: str
    modality: str
    usd: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Unlisted:
    """A model that the list lacks. It is `retired` only if there is evidence that the vendor ended it."""

    slug: str
    state: Literal["unlisted", "retired"]
    why: str
    source: str


@dataclass(frozen=True)
class Directory:
    """All models that are known by name: those of the list at the URL `source` on the day `read`, and others.

    Listings and unlisted models are in the order of their slugs.
    """

    source: str = ""
    read: str = ""
    modalities: Mapping[str, Modality] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)
    unlisted: Mapping[str, Unlisted] = field(default_factory=dict)

    def __hash__(self) -> int:
        """The hash of the date and the slugs, so that results can be cached per directory."""
        return hash((self.read, tuple(self.listings), tuple(self.unlisted)))

    def modality(self, slug: str) -> Modality | None:
        """Returns the output that the list promises of a model; None if the list lacks the model."""
        listing = self.listings.get(slug)
        return None if listing is None else self.modalities[listing.modality]
