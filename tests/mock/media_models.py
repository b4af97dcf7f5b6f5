"""Made-up models of every medium, and a client on a mock that serves them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx

from segforge.spec.catalog import Model
from segforge.spec.load import build_model
from segforge_mock import MockTransport, create_app
from segforge_mock.app import App
from segforge_mock.models.served import models_of_catalog
from tests.seeds import whole_catalog

KEY = "SG_0123456789abcdef"
CATALOG = whole_catalog()
CONTROLS = {
    "aspect_ratio": "string",
    "base64": "boolean",
    "count": "integer",
    "duration": "any",
    "format": "string",
    "fps": "number",
    "height": "integer",
    "prompt": "string",
    "seed": "integer",
    "size": "string",
    "width": "integer",
}


def model(slug: str, media: str, formats: tuple[str, ...] = (), **more: Any) -> Model:
    """Returns a model whose parameters are named after the controls, all optional."""
    shape = more.pop("shape", None)
    parameters = {
        **{
            name: {"type": type_, "required": False, "description": "What it does."} for name, type_ in CONTROLS.items()
        },
        **more.pop("parameters", {}),
    }
    data = {
        "slug": slug,
        "title": slug,
        "description": "A model.",
        "source": {"url": "https://example.com", "reviewed": "2026-11-28"},
        "versions": ["v1", "v2"],
        "returns": {
            "media": media,
            **({"formats": list(formats)} if formats else {}),
            **({"shape": shape} if shape else {}),
            "controls": {name: name for name in CONTROLS},
        },
        "parameters": parameters,
        "example": {},
        **more,
    }
    return build_model(data)


MODELS = (
    model("image", "image", ("jpeg", "png", "webp", "svg")),
    model("video", "video", ("mp4", "webm")),
    model("audio", "audio", ("mp3", "wav", "ogg", "flac")),
    model("model3d", "model3d", ("glb",)),
    model("text", "text"),
    *(
        model(shape, "json", shape=shape, parameters={"messages": {"type": "any", "required": False}})
        for shape in ("openai_chat", "anthropic_chat", "gemini_content", "embedding", "caption")
    ),
)


def app_of(*models: Model, **settings: Any) -> App:
    """Returns a mock of these models, or one of every medium, that takes no time."""
    served = models_of_catalog(replace(CATALOG, models=models or MODELS))
    return create_app(models=served, time_scale=0, **settings)


@contextmanager
def serving(*models: Model, **settings: Any) -> Iterator[httpx.Client]:
    """Yields a client with a key, on a mock of these models."""
    transport, headers = MockTransport(app_of(*models, **settings)), {"x-api-key": KEY}
    with httpx.Client(transport=transport, base_url="http://mock", headers=headers) as client:
        yield client
