"""Models without a spec: those of the vendor's list, and any other slug, which the mock serves with `--any-model`."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from segforge.spec.catalog import (
    Average,
    Controls,
    Directory,
    Json,
    Listing,
    Modality,
    Model,
    Returns,
    Source,
)
from segforge_mock.models.normal import is_deep
from segforge_mock.models.reading import ServedModel

USUAL_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "prompt": ("prompt", "text", "text_prompt", "instruction"),
    "seed": ("seed",),
    "base64": ("base64",),
    "count": ("samples", "number_of_images", "num_outputs", "num_images", "number_of_outputs", "batch_size", "n"),
    "width": ("img_width", "width"),
    "height": ("img_height", "height"),
    "size": ("size", "resolution", "image_size"),
    "aspect_ratio": ("aspect_ratio",),
    "format": ("output_format", "image_format", "format"),
    "quality": ("image_quality", "output_quality", "quality"),
    "duration": ("duration", "video_length", "duration_seconds"),
    "fps": ("fps", "frame_rate", "frames_per_second"),
}
"""The names that pages give to the parameters of each control. The first one that a payload has counts."""
_TAKEN: Final = frozenset(name for names in USUAL_NAMES.values() for name in names)
_INTEGERS: Final = frozenset({"seed", "count", "width", "height", "quality"})
_CONTROLS: Final = Controls(**{control: control for control in USUAL_NAMES})


class UnlistedModel(ServedModel):
    """A model that accepts any JSON object. Its output depends on the parameters with usual names."""

    @property
    def level(self) -> str:
        """How much is known about the model."""
        return "unlisted"

    def _is_deep(self, data: dict[str, Any]) -> bool:
        return is_deep(data)

    def values(self, body: bytes) -> dict[str, Json]:
        """Returns the values of the body, those with usual names under the names of the controls."""
        data: dict[str, Json] = msgspec.json.decode(body)
        found = {control: _usual(control, names, data) for control, names in USUAL_NAMES.items()}
        return {name: value for name, value in data.items() if name not in _TAKEN} | found


class ListedModel(UnlistedModel):
    """A model of the vendor's list without a spec. It returns the medium of its modality."""

    @property
    def level(self) -> str:
        """How much is known about the model."""
        return "listed"


def _usual(control: str, names: tuple[str, ...], data: Mapping[str, Json]) -> Json:
    """Returns the value of the first usual name that a payload has, as an integer if the control counts something."""
    value = next((data[name] for name in names if data.get(name) is not None), None)
    if control not in _INTEGERS or not isinstance(value, str | float):
        return value
    try:
        number = float(value)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


REMEMBERED_SLUG: Final = 256
"""Length of the longest slug whose model is cached."""


def unlisted_model(slug: str) -> ServedModel:
    """Returns a model with this slug, which returns an image. The last 1,000 are cached, except very long slugs."""
    return (_remembered if len(slug) <= REMEMBERED_SLUG else _unlisted_model)(slug)


def listed_model(directory: Directory, listing: Listing) -> ServedModel:
    """Returns a listed model, with its average cost and time."""
    modality = directory.modalities[listing.modality]
    average = Average(directory.read, listing.usd, listing.seconds)
    return ListedModel(_model(listing.slug, listing.title, modality, Source(directory.source, directory.read), average))


def _unlisted_model(slug: str) -> ServedModel:
    return UnlistedModel(_model(slug, slug, Modality("image"), Source("", "")))


def _model(slug: str, title: str, modality: Modality, source: Source, average: Average | None = None) -> Model:
    return Model(
        slug=slug,
        title=title,
        description="A model without a spec.",
        source=source,
        versions=("v1", "v2"),
        returns=Returns(modality.media, controls=_CONTROLS, shape=modality.shape),
        parameters=(),
        example={},
        average=average,
    )


_remembered = lru_cache(maxsize=1000)(_unlisted_model)
