"""Checks of documents: chat answers in three dialects, embeddings, captions and plain text."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from segforge.spec.catalog import Json, Model, Shape
from segforge.spec.printable import show
from segforge_contract.checks.properties import Found
from segforge_contract.messages.request import Response

_DEEPEST: Final = 8  # levels of a document in which an embedding or a caption is looked for
_URLS: Final = ("https://", "http://", "data:")


def check_document(shape: Shape, document: Json) -> Iterator[Found]:
    """Checks that a JSON document has the form of its shape."""
    expected, has_form = _FORMS[shape]
    if not has_form(document):
        yield "json.shape", expected, show(document)


def check_text(response: Response) -> Iterator[Found]:
    """Checks that a body is text. No source says whether it comes plain or as JSON."""
    top = response.media_type.partition("/")[0]
    try:
        text = response.body.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text.strip() or (top != "text" and response.media_type != "application/json"):
        yield "text.readable", "Content-Type text/* and text that is not empty", response.in_words


def check_job_output(model: Model, output: Json) -> Iterator[Found]:
    """Checks the output of a job whose model returns no file. It may be JSON in a string."""
    shape, found = model.returns.shape, show(output)
    if model.returns.media == "text":
        if not isinstance(output, str) or not output.strip() or output.startswith(_URLS):
            yield "text.readable", "text as the output", found
    elif shape is not None:
        document = _unpacked(output)
        if not (shape == "caption" and isinstance(output, str) and output.strip() and not output.startswith(_URLS)):
            yield from check_document(shape, document)


def _unpacked(output: Json) -> Json:
    try:
        return json.loads(output) if isinstance(output, str) else output
    except (ValueError, RecursionError):
        return output


def _is_openai_chat(document: Json) -> bool:
    choices = _at(document, "choices")
    if not isinstance(choices, list) or not choices:
        return False
    messages = [_at(choice, "message") for choice in choices]
    return all(
        isinstance(message, Mapping) and (isinstance(message.get("content"), str | list) or "tool_calls" in message)
        for message in messages
    )


def _is_anthropic_chat(document: Json) -> bool:
    content = _at(document, "content")
    return isinstance(content, list) and bool(content) and all(isinstance(_at(part, "type"), str) for part in content)


def _is_gemini_content(document: Json) -> bool:
    candidates = _at(document, "candidates")
    if not isinstance(candidates, list) or not candidates:
        return False
    parts = _at(_at(candidates[0], "content"), "parts")
    return isinstance(parts, list) and bool(parts) and all(isinstance(part, Mapping) for part in parts)


def _has_embedding(document: Json) -> bool:
    """Returns whether a document holds a list of numbers. No source says where."""
    return any(
        isinstance(value, list) and len(value) > 1 and all(map(_is_number, value)) for value in _inside(document)
    )


def _has_caption(document: Json) -> bool:
    """Returns whether a document holds text that isn't a URL. No source says where."""
    texts = (value for value in _inside(document) if isinstance(value, str))
    return any(text.strip() and not text.startswith(_URLS) for text in texts)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _inside(document: Json, levels: int = _DEEPEST) -> Iterator[Json]:
    """Yields a document and everything in it, down to some levels."""
    yield document
    if levels:
        parts = document.values() if isinstance(document, Mapping) else document if isinstance(document, list) else ()
        for part in parts:
            yield from _inside(part, levels - 1)


def _at(document: Json, name: str) -> Any:
    return document.get(name) if isinstance(document, Mapping) else None


_FORMS: Final[Mapping[Shape, tuple[str, Callable[[Json], bool]]]] = {
    "openai_chat": ('an OpenAI chat, {"choices": [{"message": {"content": ...}}]}', _is_openai_chat),
    "anthropic_chat": ('an Anthropic chat, {"content": [{"type": "text", ...}]}', _is_anthropic_chat),
    "gemini_content": ('a Gemini chat, {"candidates": [{"content": {"parts": [...]}}]}', _is_gemini_content),
    "embedding": ("a document with a list of numbers", _has_embedding),
    "caption": ("a document with a text", _has_caption),
}
"""The form of each shape in words, and the function that recognizes it."""
