"""Models without a spec: served leniently on request, so that nobody waits for a spec of what shipped today."""

from functools import lru_cache
from typing import Final

import msgspec

from segforge.spec.catalog import Controls, Model, Parameter, Returns, Scalar, Source
from segforge_mock.models.served import Malformed, Payload, ServedModel


class _Anything(msgspec.Struct):
    """Any JSON object."""


class UnlistedModel(ServedModel):
    """Takes any JSON object and draws a picture after its `prompt` and `seed`."""

    def read_data(self, data: object, **_: bool) -> Payload | Malformed:
        """Take any JSON object."""
        return Payload(msgspec.json.encode(data)) if isinstance(data, dict) else Malformed("expected a JSON object")

    def values(self, body: bytes) -> dict[str, Scalar]:
        """What the body holds, without what is nested."""
        data = msgspec.json.decode(body)
        return {name: value for name, value in data.items() if isinstance(value, str | int | float | None)}


REMEMBERED_SLUG: Final = 256


def unlisted_model(slug: str) -> ServedModel:
    """A lenient model of that slug with the parameters that most have. Only those with short slugs are remembered."""
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
    return UnlistedModel(model, _Anything)


_remembered = lru_cache(maxsize=1000)(_unlisted_model)
