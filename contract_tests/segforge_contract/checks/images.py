"""Decodes and compares images."""

import base64
import binascii
from contextlib import suppress
from dataclasses import dataclass

from segforge.spec.printable import one_line
from segforge_contract.checks.remembered import Remembered
from segforge_contract.messages.request import Response

_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"  # Pillow reads all pixels without it
_MOST_PIXELS = 2**25  # twice 4096 x 4096, the most that a page offers; decoded, they take some 100 MiB
_EYE_SLACK = 3.0  # mean difference between two images that look the same, on a scale of 0 to 255
_FILE_SLACK = 0.1  # relative difference of their sizes in bytes; another quality differs by more


@dataclass(frozen=True)
class DecodedImage:
    """A fully decoded image: its media type and its size in pixels."""

    media_type: str
    width: int
    height: int


def alike(left: bytes, right: bytes) -> bool:
    """Returns whether two images look the same, with the same format and size and a similar file size.

    Graphics cards round differently, so comparing bytes would raise false alarms.
    """
    if left == right:
        return True
    pair = decode(left), decode(right)
    if isinstance(pair[0], str) or pair[0] != pair[1] or abs(len(left) - len(right)) > len(left) * _FILE_SLACK:
        return False
    difference = [abs(a - b) for a, b in zip(_thumbnail(left), _thumbnail(right), strict=True)]
    return sum(difference) <= _EYE_SLACK * len(difference)


def same_pixels(left: bytes, right: bytes) -> bool:
    """Returns whether two images have the same pixels. Unlike `alike`, it notices the least difference."""
    if left == right:
        return True
    pair = decode(left), decode(right)
    if isinstance(pair[0], str) or pair[0] != pair[1] or _thumbnail(left) != _thumbnail(right):
        return False
    return _pixels(left) == _pixels(right)


def is_lossy(data: bytes) -> bool:
    """Returns whether the quality of compression affects an image for sure. WebP may be lossless."""
    decoded = decode(data)
    return not isinstance(decoded, str) and decoded.media_type == "image/jpeg"


def _pixels(data: bytes) -> bytes:
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(data)) as image:
        return image.convert("RGB").tobytes()


def _thumbnail(data: bytes) -> bytes:
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(data)) as image:
        return image.convert("RGB").resize((16, 16), Image.Resampling.BOX).tobytes()


def first_image(response: Response) -> bytes | None:
    """Returns the bytes of the first image in an answer, binary or base64; None if none can be compared."""
    data = response.body if response.media_type.startswith("image/") else None
    body = response.json if data is None else None
    text = body.get("image") if isinstance(body, dict) else None
    text = text[0] if isinstance(text, list) and text else text
    with suppress(binascii.Error, ValueError):
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else data
    found = None if data is None else decode(data)
    return None if isinstance(found, DecodedImage) and found.width * found.height > _MOST_PIXELS else data


@Remembered
def decode(data: bytes) -> DecodedImage | str:
    """Decodes every pixel of an image, unless it has too many. Returns an error message if that fails."""
    import warnings
    from io import BytesIO

    from PIL import Image, UnidentifiedImageError

    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    try:
        with Image.open(BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as opened:
            decoded = DecodedImage(Image.MIME[opened.format or ""], opened.width, opened.height)
            if opened.width * opened.height > _MOST_PIXELS:
                return decoded
            opened.draft("L", (opened.width // 8 or 1, opened.height // 8 or 1))  # decodes a whole JPEG at reduced cost
            opened.load()
            if opened.format == "PNG" and _PNG_END not in data:
                return "an image that does not decode (its end is cut off)"
            return decoded
    except UnidentifiedImageError:
        return "not a JPEG, PNG or WebP image"
    except Exception as error:  # Pillow's decoders raise many types, such as struct.error and SyntaxError
        return f"an image that does not decode ({one_line(str(error))[:80]})"
