"""Decodes the first frames of a video or a sound with PyAV, if it is installed."""

import importlib
import io
from typing import Any, Final

from segforge.spec.printable import one_line

_FRAMES: Final = 2
"""The frames that are decoded: the structure of the file shows whether the others are there."""


def broken(data: bytes) -> str | None:
    """Returns why PyAV can't decode a file; None if it can, or if it is not installed."""
    try:
        av: Any = importlib.import_module("av")
    except ImportError:
        return None
    try:
        with av.open(io.BytesIO(data)) as container:
            frames = container.decode(video=0) if container.streams.video else container.decode(audio=0)
            for _ in range(_FRAMES):
                if next(frames, None) is None:
                    break
    except Exception as error:  # FFmpeg's errors have many types
        return one_line(str(error))[:80]
    return None
