"""Models without a spec, which the mock serves with `--any-model`."""

from functools import cached_property, lru_cache
from typing import Final

import msgspec

from segforge.spec.catalog import Controls, Json, Model, Parameter, Returns, Source
from segforge_mock.models.served import Malformed, Payload, ServedModel


class _AnyObject(msgspec.Struct):
    """Any JSON object."""


class UnlistedModel(ServedModel):
    """A model that accepts any JSON object. Its image depends on `prompt` and `seed`."""

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[msgspec.Struct]:
        return msgspec.json.Decoder(_AnyObject)

    def read_data(self, data: object, **_: bool) -> Payload | Malformed:
        """Accepts any JSON object."""
        return Payload(msgspec.json.encode(data)) if isinstance(data, dict) else Malformed("expected a JSON object")

    def values(self, body: bytes) -> dict[str, Json]:
        """Returns the values of the body, without arrays and objects."""
        data = msgspec.json.decode(body)
        return {name: value for name, value in data.items() if isinstance(value, str | int | float | None)}


REMEMBERED_SLUG: Final = 256
"""Length of the longest slug whose model is cached."""


def unlisted_model(slug: str) -> ServedModel:
    """Returns a model with this slug. The last 1,000 are cached, except those with very long slugs."""
    return (_remembered if len(slug) <= REMEMBERED_SLUG else _unlisted_model)(slug)


def _unlisted_model(slug: str) -> ServedModel:
    controls = Controls(prompt="prompt", seed="seed", base64="base64")
    model = Model(
        slug=slug,
        title=slug,
        description="A model without a spec.",
        source=Source("", ""),
        versions=("v1", "v2"),
        returns=Returns("image", ("jpeg",), controls),
        parameters=(Parameter("prompt", "string", required=False, description="Prompt."),),
        example={},
    )
    return UnlistedModel(model)


_remembered = lru_cache(maxsize=1000)(_unlisted_model)
