"""A small file of the same kind, which stands for a large one in a recording."""

import io
from typing import Final

from segforge_mock.http.request import media_type

_IMAGES: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
_SAMPLES: Final = {
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
}
_SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"><rect width="16" height="16"/></svg>'


def small_file(content_type: str) -> bytes | None:
    """Returns a small file of a media type, always the same, or None for a type without one."""
    kind = media_type(content_type)
    if kind in _IMAGES:
        from PIL import Image

        out = io.BytesIO()
        Image.new("RGB", (16, 16), (128, 128, 128)).save(out, _IMAGES[kind])
        return out.getvalue()
    if kind in _SAMPLES:
        from segforge_mock.media.pyav import sample

        return sample(_SAMPLES[kind])
    if kind in ("audio/wav", "audio/x-wav", "audio/wave"):
        return _silence()
    return _SVG if kind == "image/svg+xml" else None


def _silence() -> bytes:
    import wave

    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 800))
    return out.getvalue()
