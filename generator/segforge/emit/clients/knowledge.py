"""What both clients know about every model by its slug: the vendor's list, the specs, and prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from segforge.spec.catalog import Catalog, Gateway, Level, Media, Model
from segforge.spec.price import Rates, listed_estimate, model_estimate, rates, rounded_up


@dataclass(frozen=True)
class Priced:
    """What a call may cost in USD. The upper end is rounded up; it is None if no source states one."""

    low: float = 0.0
    high: float | None = None
    average: float | None = None
    printed: str | None = None
    rates: Rates | None = None


@dataclass(frozen=True)
class KnownModel:
    """A model that the list, the specs or another source names.

    `modality` and `seconds`, the average, are those of the list. `state` and `note` say that the list lacks the model,
    and why. `level` and `media` are those of the spec, if there is one.
    """

    slug: str
    title: str
    modality: str | None
    seconds: float | None
    state: Literal["unlisted", "retired"] | None
    note: str | None
    level: Level | None
    media: Media | None
    price: Priced

    @property
    def described(self) -> bool:
        """Whether there is a spec of the model."""
        return self.level is not None

    @property
    def warns(self) -> bool:
        """Whether a call deserves a warning: the model has a spec but is not in the list, or it is retired."""
        return self.state == "retired" or (self.state is not None and self.described)


def known_models(catalog: Catalog) -> list[KnownModel]:
    """Returns all models that are known by name, in the order of their slugs."""
    described = {model.slug: model for model in catalog.models}
    slugs = sorted({*described, *catalog.directory.listings, *catalog.directory.unlisted})
    return [_known(catalog, slug, described.get(slug)) for slug in slugs]


def knowledge(catalog: Catalog, known: Sequence[KnownModel]) -> dict[str, object]:
    """Returns the values for the templates of the modules about all known models."""
    modalities = catalog.directory.modalities
    places: dict[str | None, int | None] = {name: place for place, name in enumerate(modalities)}
    return {
        "read": catalog.directory.read,
        "known": known,
        "modalities": tuple((name, modality.media) for name, modality in modalities.items()),
        "modality_places": places | {None: None},
    }


def _known(catalog: Catalog, slug: str, model: Model | None) -> KnownModel:
    listing, other = catalog.directory.listings.get(slug), catalog.directory.unlisted.get(slug)
    return KnownModel(
        slug,
        title=model.title if model is not None else slug if listing is None else listing.title,
        modality=None if listing is None else listing.modality,
        seconds=None if listing is None else listing.seconds,
        state=None if other is None else other.state,
        note=None if other is None else other.why,
        level=None if model is None else model.level,
        media=None if model is None else model.returns.media,
        price=_listed(catalog, slug) if model is None else _priced(catalog.gateway, model),
    )


def _priced(gateway: Gateway, model: Model) -> Priced:
    found, per_second = model_estimate(gateway, model), rates(gateway, model)
    if found is None:
        printed = None if per_second is None or model.price is None else model.price.printed
        return Priced(printed=printed, rates=per_second)
    return Priced(found.low, rounded_up(found.high), found.average, found.printed, per_second)


def _listed(catalog: Catalog, slug: str) -> Priced:
    found = listed_estimate(catalog.gateway, catalog.directory, slug)
    return Priced() if found is None else Priced(high=rounded_up(found.high), average=found.average)
