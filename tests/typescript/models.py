"""Models with every construct of the spec form that the curated ones lack."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from segforge import Catalog
from segforge.spec.catalog import Model
from segforge.spec.load import build_model
from segforge.spec.shapes import with_shapes
from segforge.spec.source import SourceFile

MESSAGE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "role": {"type": "string", "required": True, "enum": {"known": ["user", "assistant"], "total": 2}},
        "content": {
            "required": True,
            "any_of": [
                {"title": "text", "type": "string"},
                {
                    "title": "parts",
                    "type": "array",
                    "min_items": 1,
                    "items": {
                        "type": "object",
                        "properties": {
                            "type": {"type": "string", "required": True},
                            "text": {"type": "string"},
                            "image_url": {
                                "type": "object",
                                "properties": {"url": {"type": "string", "file": "image", "required": True}},
                            },
                        },
                    },
                },
            ],
        },
    },
}
URL: Final = "https://a.test/x.png"
ADDRESS: Final = {"type": "string", "format": "uri"}

FACTS: Final[dict[str, dict[str, Any]]] = {
    "any-parts": {
        "returns": {"media": "image", "formats": ["png"]},
        "parameters": {
            "image_urls": {"type": "array", "items": ADDRESS, "min_items": 1, "max_items": 3},
            "referenceImages": {
                "type": "array",
                "required": True,
                "items": {
                    "type": "object",
                    "properties": {
                        "uri": {"type": "string", "format": "uri", "file": "image"},
                        "tag": {"type": "string", "required": True, "min_length": 3, "max_length": 16},
                        "toString": {"type": "integer", "minimum": 1},
                    },
                },
            },
            "palette": {
                "any_of": [
                    {
                        "title": "preset",
                        "type": "object",
                        "properties": {"name": {"type": "string", "required": True}},
                    },
                    {
                        "title": "custom",
                        "type": "object",
                        "properties": {"members": {"type": "array", "items": {"type": "object"}, "required": True}},
                    },
                ]
            },
            "image": {
                "any_of": [
                    {"title": "address", "type": "string", "format": "uri"},
                    {"title": "base64", "type": "string", "format": "base64", "file": "image", "accepts": ["base64"]},
                ]
            },
            "grid": {"type": "array", "items": {"type": "array", "items": {"type": "integer", "minimum": 0}}},
            "nothing": {"type": "array", "items": {"type": "number", "nullable": True}, "nullable": True},
            "constructor": {"type": "array", "items": {"enum": {"known": [1, "1", True], "total": 3}}},
            "settings": {"type": "object", "deprecated": True},
            "extra": {"type": "any", "required": True},
            "odd": {"type": "any", "enum": {"known": [4, "auto", False], "total": 3}},
            "level": {"type": "array", "items": {"type": "number", "multiple_of": 4, "exclusive_maximum": 100}},
            "seeds": {"type": "array", "items": {"type": "integer"}},
            "box": {
                "type": "object",
                "required": True,
                "properties": {"__proto__": {"type": "number", "required": True}},
            },
        },
        "example": {"referenceImages": [{"uri": URL, "tag": "cloth"}], "extra": {"a": [1]}, "box": {"__proto__": 1.5}},
    },
    "any-scalars": {
        "returns": {"media": "image", "formats": ["png"]},
        "parameters": {
            "duration": {"type": "integer", "enum": {"known": [4, 8, 12], "total": 3}, "affects_price": True},
            "scale": {"type": "number", "required": True, "enum": {"known": [1.5, 2, 4], "total": 3}},
            "always": {"type": "boolean", "enum": {"known": [True], "total": 1}},
            "size": {
                "type": "string",
                "enum": {
                    "known": [{"value": "720x1280", "label": "Portrait"}, {"value": "1280x720", "label": "Landscape"}],
                    "total": 2,
                },
            },
            "style": {"type": "string", "enum": {"known": [], "total": None}},
            "mask": {"type": "string", "format": "base64", "min_length": 4},
            "lyrics": {"type": "string", "max_length": 4, "deprecated": True},
            "seed": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
            "maybe": {"type": "string", "required": "unknown"},
            "transition": {"type": "string", "enum": {"known": ["fade", "cut"], "total": 2}, "default": "cut"},
            "transition_duration": {"type": "number"},
            "first": {"type": "string"},
            "second": {"type": "string"},
            "third": {"type": "string"},
        },
        "conditions": [
            {"only_when": {"transition": ["fade"]}, "parameters": ["transition_duration"]},
            {"exactly_one_of": ["first", "second"]},
            {"when_present": ["third"], "requires": ["seed", "size"]},
            {"when_present": ["first", "third"], "forbids": ["maybe"]},
            {"when": {"duration": [8], "always": [True]}, "forbids_values": {"size": ["1280x720"], "scale": [2, 4]}},
            {"when": {"transition": ["cut"]}, "forbids": ["style"], "with_defaults": True},
            {"when_present": ["lyrics"], "forbids": ["mask"], "inferred": True},
        ],
        "quirks": [{"at": "sample.duration", "found": "8", "why": "the sample sends text for an integer"}],
        "price": {"printed": "$0.400 - $1.20 per generation", "from": 0.4, "to": 1.2, "unit": "generation"},
        "example": {"scale": 1.5, "first": "a"},
    },
    "any-partial": {
        "level": "partial",
        "returns": {"media": "json"},
        "parameters": {
            "prompt": {"type": "string", "inferred": ["type"]},
            "frames": {"type": "array", "items": {"type": "object", "properties": {"at": {"type": "number"}}}},
        },
        "example": {"prompt": "a"},
    },
    "any-video": {
        "returns": {"media": "video", "formats": ["mp4"]},
        "encodings": ["json", "multipart"],
        "paths": {"v1": "/v1/models/{slug}", "v2": "/v2/models/{slug}"},
        "parameters": {
            "video": {"type": "string", "format": "uri", "file": "video", "accepts": ["url", "part"], "required": True},
            "first": {"type": "string", "format": "uri", "file": "image", "accepts": ["url", "part"]},
            "strength": {"type": "number"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "example": {"video": "https://a.test/x.mp4"},
    },
    "any-audio": {
        "returns": {"media": "audio", "formats": ["mp3"]},
        "parameters": {
            "voice": {"type": "string", "file": "audio", "accepts": ["data_uri"], "required": True},
            "source": {"type": "string", "file": "image", "accepts": ["url", "base64"]},
            "link": {"type": "string", "file": "image", "accepts": ["url"]},
            "any": {"type": "string", "file": "any"},
            "clips": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"sound": {"type": "string", "file": "audio", "accepts": ["base64"]}},
                },
            },
        },
        "example": {"voice": "https://a.test/x.mp3"},
    },
    "any-model3d": {
        "returns": {"media": "model3d", "formats": ["glb"]},
        "parameters": {"mesh": {"type": "string", "format": "uri", "file": "model3d", "required": True}},
        "example": {"mesh": "https://a.test/x.glb"},
    },
    "any-text": {
        "returns": {"media": "text"},
        "parameters": {"prompt": {"type": "string", "required": True}},
        "example": {"prompt": "a"},
    },
}
CHATS: Final[dict[str, dict[str, Any]]] = {
    f"any-{shape.replace('_', '-')}": {
        "returns": {"media": "json", "shape": shape},
        "parameters": {"messages": {"type": "array", "items": MESSAGE, "required": True}},
        "example": {"messages": [{"role": "user", "content": "Hello"}]},
    }
    for shape in ("openai_chat", "anthropic_chat", "gemini_content", "embedding", "caption")
}


def every_model() -> tuple[Model, ...]:
    """Returns the models, sorted by slug."""
    return tuple(
        sorted((_model(slug, data) for slug, data in {**FACTS, **CHATS}.items()), key=lambda model: model.slug)
    )


def every_catalog(catalog: Catalog) -> Catalog:
    """Returns a catalog with these models alone."""
    return replace(catalog, models=every_model(), gateway=replace(catalog.gateway, sample=None))


def _model(slug: str, data: dict[str, Any]) -> Model:
    facts = {
        "slug": slug,
        "title": slug.title(),
        "description": "Any.",
        "source": {"url": "https://example.com", "reviewed": "2026-11-28"},
        "versions": ["v1", "v2"],
        **data,
    }
    source, findings = with_shapes(SourceFile(Path("any.yaml"), "any.yaml", _complete(facts), {}, {}), {})
    assert findings == []
    return build_model(source.data)


def _complete(facts: dict[str, Any]) -> dict[str, Any]:
    """Adds what each parameter of a whole spec has."""
    parameters = {
        name: {"required": False, "description": f"The {name}.", **one} for name, one in facts["parameters"].items()
    }
    returns = {"controls": {}, **facts["returns"]}
    return {**facts, "parameters": parameters, "returns": returns}
