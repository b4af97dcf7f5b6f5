"""Answers of models in OpenAPI documents: media types of v1, forms of JSON documents, fields of v2 results."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from segforge.spec.catalog import MEDIA_TYPES, Media, Model
from segforge.spec.identifiers import pascal_case

_RANGES: Final = {"image": "image/*", "video": "video/*", "audio": "audio/*", "model3d": "model/*"}
"""The media range of files of unknown format."""

_TEXT: Final = {"type": "string"}
_ANY_JSON: Final = {"description": "Output of the model. Its form is not documented."}
_BASE64_FILE: Final = {"description": "The output as base64 text in a JSON object. Its keys are not documented."}


def output_content(model: Model) -> dict[str, Any]:
    """Returns the content of a v1 answer, by media type."""
    returns = model.returns
    if returns.media == "text":
        return {"text/plain": {"schema": _TEXT}}
    if returns.media == "json":
        form = _ANY_JSON if returns.shape is None else {"$ref": f"#/components/schemas/{_answer_name(returns.shape)}"}
        return {"application/json": {"schema": form}}
    types = dict.fromkeys(MEDIA_TYPES[format_] for format_ in returns.formats) or {_RANGES[returns.media]: None}
    content: dict[str, Any] = {
        type_: {"schema": {"type": "string", "format": "binary", **_kind(type_)}} for type_ in types
    }
    if returns.controls.base64 is not None:
        image = {"$ref": "#/components/schemas/Base64Image"}
        content["application/json"] = {"schema": image if returns.media == "image" else _BASE64_FILE}
    return content


def _kind(type_: str) -> dict[str, str]:
    """Returns the keyword for a media type. A range is none."""
    return {} if type_.endswith("/*") else {"contentMediaType": type_}


def _answer_name(shape: str) -> str:
    return f"{pascal_case(shape)}Answer"


def answer_schemas() -> dict[str, Any]:
    """Returns the forms of JSON documents. All are open, and require only what identifies the form."""
    return {_answer_name(shape): {"type": "object", **form} for shape, form in _FORMS.items()}


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


_FORMS: Final[Mapping[str, Mapping[str, Any]]] = {
    "openai_chat": {
        "description": "A chat completion in the form of OpenAI.",
        "properties": {
            "id": _TEXT,
            "object": _TEXT,
            "created": {"type": "integer"},
            "model": _TEXT,
            "choices": _list(
                _object(
                    index={"type": "integer"},
                    message=_object(role=_TEXT, content={"type": ["string", "null"]}),
                    finish_reason={"type": ["string", "null"]},
                )
            ),
            "usage": {"type": "object"},
        },
        "required": ["choices"],
    },
    "anthropic_chat": {
        "description": "A message in the form of Anthropic.",
        "properties": {
            "id": _TEXT,
            "type": _TEXT,
            "role": _TEXT,
            "content": _list(_object(type=_TEXT, text=_TEXT)),
            "model": _TEXT,
            "stop_reason": {"type": ["string", "null"]},
            "usage": {"type": "object"},
        },
        "required": ["content"],
    },
    "gemini_content": {
        "description": "Generated content in the form of Gemini.",
        "properties": {
            "candidates": _list(
                _object(content=_object(role=_TEXT, parts=_list(_object(text=_TEXT))), finishReason=_TEXT)
            ),
            "usageMetadata": {"type": "object"},
        },
        "required": ["candidates"],
    },
    "embedding": {"description": "Vectors that stand for the input. The keys are not documented."},
    "caption": {"description": "Text about the input. The keys are not documented."},
}


def result_fields(media: Collection[Media]) -> dict[str, Any]:
    """Returns the fields of a v2 result that belong to these media.

    `audio` is named like the documented `video`. No source names a field of 3D models.
    """
    file = {"$ref": "#/components/schemas/OutputFile"}
    fields = {"image": ("images", _list(file)), "video": ("video", file), "audio": ("audio", file)}
    found = dict(fields[medium] for medium in fields if medium in media)
    return {**found, **({"last_frame_url": {"type": "string", "format": "uri"}} if "video" in media else {})}
