"""The class of a model's results in the clients, by the medium and the shape that the model returns."""

import re
from dataclasses import dataclass
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


_OUTPUTS: Final = {
    "image": ("image", "image"),
    "video": ("video", "video"),
    "audio": ("sound", "sound"),
    "model3d": ("3D model", "model"),
    "json": ("document", "answer"),
    "text": ("text", "answer"),
}
"""What samples call the output of a model, and the name of its file, by medium."""
_ENDINGS: Final = {"json": "json", "text": "txt"}


@dataclass(frozen=True)
class SavedOutput:
    """The output of the model in the samples: a noun for it, and the name of the file to which they save it."""

    noun: str
    file: str


def output_of(returns: Returns) -> SavedOutput:
    """Returns what samples call the output of a model, and the name of a file for it in its first format."""
    noun, stem = _OUTPUTS[returns.media]
    formats = [each for each in returns.formats if re.fullmatch(r"[a-z0-9]{1,8}", each)]
    ending = formats[0] if formats else _ENDINGS.get(returns.media)
    return SavedOutput(noun, stem if ending is None else f"{stem}.{ending}")


def result_class(returns: Returns) -> str:
    """Returns the name of the class of a model's results."""
    return _BY_MEDIA[returns.media] if returns.shape is None else _BY_SHAPE[returns.shape]
