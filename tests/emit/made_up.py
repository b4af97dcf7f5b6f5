"""Eight made-up models with constructs that the project's own image models lack: parts, unions, conditions, media."""

from pathlib import Path
from typing import Any

from segforge.spec.build import build_model
from segforge.spec.catalog import Model
from segforge.spec.lint import lint_model
from segforge.spec.shapes import with_shapes
from segforge.spec.source import SourceFile

_TEXT: dict[str, Any] = {"type": "string", "required": True, "description": "What it should be about."}
_MESSAGE: dict[str, Any] = {
    "type": "object",
    "description": "A message.",
    "properties": {
        "role": {
            "type": "string",
            "required": True,
            "description": "Who wrote it.",
            "enum": {"known": ["user", "assistant"], "total": 2},
        },
        "content": {
            "required": True,
            "description": "Its content.",
            "any_of": [
                {"title": "text", "type": "string"},
                {"title": "blocks", "type": "array", "items": {"type": "object", "properties": {"text": _TEXT}}},
            ],
        },
    },
}
SHAPES = {"message": _MESSAGE}


def _file(kind: str, **facts: Any) -> dict[str, Any]:
    return {"type": "string", "file": kind, "required": False, "description": "A file.", **facts}


def _number(**facts: Any) -> dict[str, Any]:
    return {"type": "integer", "required": False, "description": "A number.", **facts}


_SPECS: dict[str, dict[str, Any]] = {
    "made-chat": {
        "returns": {"media": "json", "shape": "openai_chat"},
        "auth": ["bearer"],
        "parameters": {
            "messages": {
                "type": "array",
                "min_items": 1,
                "max_items": 9,
                "items": {"shape": "message"},
                "required": True,
                "description": "The messages.",
            }
        },
        "example": {"messages": [{"role": "user", "content": "0o17"}]},
    },
    "made-chat-2": {
        "returns": {"media": "json", "shape": "anthropic_chat"},
        "parameters": {
            "messages": {
                "type": "array",
                "items": {"shape": "message"},
                "required": True,
                "description": "The messages.",
            },
            "last": {"shape": "message", "required": False, "description": "The last message."},
        },
        "example": {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]},
    },
    "made-video": {
        "returns": {
            "media": "video",
            "formats": ["mp4"],
            "controls": {"duration": "duration", "size": "size"},
            "printed": "Text/JSON",
        },
        "price": {"printed": "$0.400 - $1.20 per generation", "from": 0.4, "to": 1.2, "unit": "generation"},
        "average": {"read": "2026-08-19", "usd": 1.0159, "seconds": 178.7},
        "parameters": {
            "prompt": _TEXT,
            "duration": _number(default=8, enum={"known": [4, 8, 12], "total": 3}, affects_price=True),
            "size": {
                **_TEXT,
                "required": False,
                "enum": {
                    "known": [{"value": "720x1280", "label": "Portrait"}, {"value": "1280x720", "label": "Landscape"}],
                    "total": 2,
                },
            },
            "image": _file("image", format="base64", accepts=["base64"]),
            "image_url": _file("image", format="uri", accepts=["url"]),
            "quality": {**_TEXT, "required": False, "enum": {"known": ["720p", "1080p"], "total": 2}},
            "seed": _number(minimum=0, maximum=2**64 - 1, nullable=True, default=None),
        },
        "conditions": [
            {"exactly_one_of": ["image", "image_url"]},
            {"when": {"duration": [12]}, "forbids_values": {"quality": ["1080p"]}},
            {"when_present": ["seed"], "requires": ["size"], "inferred": True},
            {"when_present": ["image"], "requires": ["size"]},
            {"when_present": ["image"], "forbids": ["seed"]},
            {"when": {"quality": ["1080p"]}, "requires": ["size"]},
            {"when": {"quality": ["1080p"]}, "when_present": ["image_url"], "forbids": ["seed"]},
        ],
        "quirks": [{"at": "sample.duration", "found": "8", "why": "The sample sends text for an integer."}],
        "example": {"prompt": "A monk", "image_url": "https://a.test/x.png"},
    },
    "made-speech": {
        "returns": {"media": "audio", "formats": ["wav", "mp3"], "controls": {"format": "format"}},
        "encodings": ["json", "multipart"],
        "parameters": {
            "prompt": {**_TEXT, "max_length": 400},
            "voice": _file("audio", accepts=["url", "part"]),
            "format": {**_TEXT, "required": False, "default": "wav", "enum": {"known": ["wav", "mp3"], "total": 2}},
        },
        "conditions": [{"only_when": {"format": ["wav"]}, "parameters": ["voice"], "with_defaults": True}],
        "example": {"prompt": "Hello"},
    },
    "made-scene": {
        "returns": {"media": "model3d", "formats": ["glb"]},
        "paths": {"v1": "/v1/models/{slug}"},
        "parameters": {
            "images": {
                "type": "array",
                "items": _file("image", format="uri"),
                "min_items": 2,
                "max_items": 4,
                "required": True,
                "description": "Views.",
            },
            "camera": {
                "type": "object",
                "required": False,
                "description": "The camera.",
                "properties": {
                    "angle": {
                        "type": "number",
                        "required": True,
                        "description": "In degrees.",
                        "exclusive_minimum": -180,
                        "maximum": 180,
                    },
                    "tag": {**_TEXT, "required": False, "deprecated": True},
                },
            },
        },
        "example": {"images": ["https://a.test/x.png", "https://a.test/y.png"]},
    },
    "made-vector": {
        "returns": {"media": "image", "formats": ["svg"]},
        "parameters": {
            "prompt": _TEXT,
            "palette": {
                "required": False,
                "description": "The colours.",
                "any_of": [
                    {"title": "preset", "type": "object", "properties": {"name": _TEXT}},
                    {
                        "title": "custom",
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "hex": _TEXT,
                                "weight": {
                                    "type": "number",
                                    "required": False,
                                    "description": "A share.",
                                    "minimum": 0.05,
                                    "maximum": 1,
                                },
                            },
                        },
                    },
                ],
            },
            "style": {
                "type": "string",
                "required": False,
                "description": "The style.",
                "enum": {"known": [], "total": None},
            },
            "steps": _number(enum={"known": [1, 2, 4], "total": 9}, multiple_of=1),
        },
        "example": {"prompt": "A fox", "palette": [{"hex": "#000000"}]},
    },
    "made-embedding": {
        "returns": {"media": "json", "shape": "embedding"},
        "versions": ["v1"],
        "parameters": {
            "input": {
                "required": True,
                "description": "Text.",
                "any_of": [
                    {"title": "one", "type": "string"},
                    {"title": "many", "type": "array", "items": {"type": "string"}},
                ],
            }
        },
        "example": {"input": ["a", "b"]},
    },
    "made-partial": {
        "level": "partial",
        "returns": {"media": "text"},
        "parameters": {
            "prompt": {"inferred": ["type"], "type": "string"},
            "strength": {"type": "any", "required": False},
            "list": {"type": "array"},
        },
        "example": {"prompt": "Hello", "strength": 0.5},
    },
}


def made_up_models() -> tuple[Model, ...]:
    """Returns the models, in the order of their slugs. Raises ValueError if lint finds an error in one."""
    made = []
    for slug, facts in sorted(_SPECS.items()):
        data = {"slug": slug, "title": slug, "description": "A made-up model.", "versions": ["v1", "v2"], **facts}
        data["source"] = {"url": "https://a.test/docs", "reviewed": "2026-11-28"}
        source, unknown = with_shapes(SourceFile(Path(f"{slug}.yaml"), slug, data, {}, {}), SHAPES)
        errors = [one for one in (*unknown, *lint_model(source)) if one.severity == "error"]
        if errors:
            raise ValueError(f"{slug}: {errors}")
        made.append(build_model(source.data))
    return tuple(made)
