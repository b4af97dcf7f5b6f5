"""The models of mutants that need facts which no curated model has."""

from dataclasses import replace
from typing import Final

from segforge import Catalog
from segforge.spec.catalog import Model
from tests.harness.mutants import forms, limits, media, nested

OWN: Final[dict[str, Model]] = {model.slug: model for model in (limits.MODEL, nested.MODEL, forms.MODEL, *media.MEDIA)}
"""The models by slug."""


def with_own(catalog: Catalog, slug: str) -> Catalog:
    """Returns the Catalog with the model of that slug, if it is one of these."""
    own = OWN.get(slug)
    return catalog if own is None else replace(catalog, models=(*catalog.models, own))
