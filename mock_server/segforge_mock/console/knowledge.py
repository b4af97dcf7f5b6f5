"""What the console shows of models: the list, and the facts and the JSON Schema of one."""

from typing import Any

from segforge_mock.bounds import BadSetting
from segforge_mock.models.reading import ServedModel
from segforge_mock.models.served import ServedModels


def listed(models: ServedModels) -> list[dict[str, Any]]:
    """Returns all models that are served, in the order of their slugs, with what is known without reading a spec."""
    directory, specs = models.directory, frozenset(models.slugs)
    shown = []
    for slug in sorted({*specs, *directory.listings}, key=str.lower):
        listing, modality = directory.listings.get(slug), directory.modality(slug)
        shown.append(
            {
                "slug": slug,
                "title": slug if listing is None else listing.title,
                "media": None if modality is None else modality.media,
                "spec": slug in specs,
            }
        )
    return shown


def details(models: ServedModels, slug: str) -> dict[str, Any]:
    """Returns the facts of one model. Raises BadSetting for an unknown slug."""
    served = models.get(slug)
    if served is None:
        near = ", ".join(models.near(slug)) or "a slug of GET /_mock/models"
        raise BadSetting(f"slug: unknown model {slug[:200]!r}; expected {near}")
    return _facts(served)


def _facts(served: ServedModel) -> dict[str, Any]:
    from segforge.emit.schemas import request_schema

    model, returns = served.model, served.model.returns
    return {
        "slug": model.slug,
        "title": model.title,
        "description": model.description,
        "level": served.level,
        "source": model.source.url,
        "reviewed": model.source.reviewed,
        "versions": list(model.versions),
        "media": returns.media,
        "formats": list(returns.formats),
        "shape": returns.shape,
        "price": None if model.price is None else model.price.printed,
        "average_usd": None if model.average is None else model.average.usd,
        "average_seconds": None if model.average is None else model.average.seconds,
        "typical_seconds": model.typical_seconds,
        "encodings": list(model.encodings),
        "bearer": "bearer" in model.auth,
        "prompt": returns.controls.prompt,
        "example": model.valid_example,
        "schema": request_schema(model),
    }
