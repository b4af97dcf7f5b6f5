"""Documents: chat answers in three dialects, embeddings, captions and plain text."""

import math
import random
import struct
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from segforge.spec.catalog import CHAT_SHAPES, Gateway, Model, Shape
from segforge_mock.media.asked import PROMPT_CHARACTERS, Asked, Values, assumptions
from segforge_mock.media.structured import structured_answer

CREATED: Final = 1_764_288_000
"""The time in a chat answer, in seconds since the epoch. It is fixed, so that a payload has one answer."""
_TOKEN: Final = 4
"""Characters that count as one token."""


class GeneratedDocument(NamedTuple):
    """Everything that decides a document's bytes. Its shape is None for plain text; `size` is that of an embedding.

    `structured` is the answer of a chat as JSON, if the payload asks for JSON; otherwise None.
    """

    slug: str
    prompt: str
    seed: int
    position: int
    pattern: int
    shape: Shape | None
    size: int
    structured: str | None = None

    @property
    def media_type(self) -> str:
        """The Content-Type."""
        return "text/plain; charset=utf-8" if self.shape is None else "application/json"

    @property
    def format(self) -> str:
        """The ending of a file with this document."""
        return "txt" if self.shape is None else "json"

    @property
    def text(self) -> str:
        """The text that the model says."""
        if self.structured is not None:
            return self.structured
        about = f" to: {self.prompt[:PROMPT_CHARACTERS]}" if self.prompt else "."
        return f"This is the answer of the segforge mock, model {self.slug}, seed {self.seed}{about}"

    @property
    def mark(self) -> str:
        """An id that depends on the payload alone."""
        return f"{self.pattern % 2**64:016x}{self.seed % 2**32:08x}"


def generated_document(gateway: Gateway, model: Model, values: Values) -> GeneratedDocument:
    """Returns the document of a payload."""
    asked, size = Asked.of(model, values), int(assumptions(gateway)["embedding_size"])
    shape = model.returns.shape
    structured = structured_answer(values, asked.prompt) if shape in CHAT_SHAPES else None
    return GeneratedDocument(asked.slug, asked.prompt, asked.seed, 0, asked.pattern, shape, size, structured)


def render(document: GeneratedDocument) -> bytes:
    """Writes a document. The result is deterministic."""
    if document.shape is None:
        return document.text.encode("utf-8", "replace")
    return msgspec.json.encode(_SHAPES[document.shape](document))


def _openai_chat(document: GeneratedDocument) -> dict[str, Any]:
    sent, received = _tokens(document)
    return {
        "id": f"chatcmpl-{document.mark}",
        "object": "chat.completion",
        "created": CREATED,
        "model": document.slug,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": _text(document)}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received},
    }


def _anthropic_chat(document: GeneratedDocument) -> dict[str, Any]:
    sent, received = _tokens(document)
    return {
        "id": f"msg_{document.mark}",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": _text(document)}],
        "model": document.slug,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": sent, "output_tokens": received},
    }


def _gemini_content(document: GeneratedDocument) -> dict[str, Any]:
    sent, received = _tokens(document)
    return {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": _text(document)}]}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": {
            "promptTokenCount": sent,
            "candidatesTokenCount": received,
            "totalTokenCount": sent + received,
        },
    }


def _embedding(document: GeneratedDocument) -> dict[str, Any]:
    """Returns an embedding in OpenAI's form, of length 1. No source describes the gateway's answer."""
    chance = random.Random(document.pattern)  # noqa: S311 - a vector, not a secret
    drawn = struct.unpack(f"<{document.size}h", chance.randbytes(2 * document.size))
    length = math.hypot(*drawn) or 1.0
    vector = [round(number / length, 8) for number in drawn]
    sent, _ = _tokens(document)
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "model": document.slug,
        "usage": {"prompt_tokens": sent, "total_tokens": sent},
    }


def _caption(document: GeneratedDocument) -> dict[str, Any]:
    """Returns a caption. No source describes the gateway's answer."""
    return {"caption": _text(document)}


_SHAPES: Final[dict[Shape, Callable[[GeneratedDocument], dict[str, Any]]]] = {
    "openai_chat": _openai_chat,
    "anthropic_chat": _anthropic_chat,
    "gemini_content": _gemini_content,
    "embedding": _embedding,
    "caption": _caption,
}


def _text(document: GeneratedDocument) -> str:
    """Returns the text without lone surrogates, which JSON can't hold."""
    return document.text.encode("utf-8", "replace").decode()


def _tokens(document: GeneratedDocument) -> tuple[int, int]:
    """Returns the tokens of the prompt and of the answer."""
    return len(document.prompt) // _TOKEN + 1, len(document.text) // _TOKEN + 1
