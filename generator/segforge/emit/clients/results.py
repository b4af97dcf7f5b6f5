"""The class of a model's results in the clients, by the medium and the shape that the model returns."""

from typing import Final

from segforge.spec.catalog import Returns

_BY_MEDIA: Final = {
    "image": "MediaResult",
    "video": "VideoResult",
    "audio": "AudioResult",
    "model3d": "Model3dResult",
    "json": "JsonResult",
    "text": "TextResult",
}
_BY_SHAPE: Final = {
    "openai_chat": "ChatResult",
    "anthropic_chat": "ChatResult",
    "gemini_content": "ChatResult",
    "embedding": "EmbeddingResult",
    "caption": "CaptionResult",
}
FILES: Final = ("MediaResult", "VideoResult", "AudioResult", "Model3dResult")
"""The classes of results that are files."""


def result_class(returns: Returns) -> str:
    """Returns the name of the class of a model's results."""
    return _BY_MEDIA[returns.media] if returns.shape is None else _BY_SHAPE[returns.shape]
