"""What must hold between a payload and the picture that it got. Findings are (rule, expected, found)."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from segforge.spec.catalog import Absent, Model
from segforge.spec.printable import one_line, show
from segforge_contract.messages.request import Response

Found: TypeAlias = tuple[str, str, str]

MEDIA_TYPES = {"jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
"""The media type of each format that a model page offers."""

_SLACK = 15  # diffusion models work on a grid of 8 or 16 pixels, and no page says how a size is rounded
_SIDES = range(1, 4097)  # sides in pixels that are judged: no page offers more, and none says what becomes of 0
_COUNTS = range(1, 101)  # the same of how many pictures are asked for
_EYE_SLACK = 3.0  # how far two pictures that are one to the eye are apart on average, in steps of 0 to 255
_FILE_SLACK = 0.1  # the same of their sizes in bytes; another quality makes more of a difference


@dataclass(frozen=True)
class DecodedImage:
    """A picture that was decoded in full: its media type and its size in pixels."""

    media_type: str
    width: int
    height: int


def check_image(model: Model, payload: Mapping[str, Any], response: Response) -> Iterator[Found]:
    """The checks of an answer that is a picture's bytes."""
    picture = decode(response.body)
    if isinstance(picture, str) or picture.media_type != response.media_type:
        found = picture if isinstance(picture, str) else f"a picture of type {picture.media_type}"
        yield (
            "bytes.match_content_type",
            "Content-Type image/* and bytes that decode as it",
            f"{found}: {response.in_words}",
        )
    if not isinstance(picture, str):
        yield from _asked_for(model, payload, picture)


def check_result(model: Model, payload: Mapping[str, Any], images: list[Any]) -> Iterator[Found]:
    """The checks of the list of pictures in a job's result."""
    asked = _value(model, payload, model.returns.controls.count or "")
    if asked in _COUNTS and len(images) != asked:
        yield "bytes.match_count", f"{asked} pictures", f"{len(images)} in images"
    format_ = MEDIA_TYPES.get(str(_value(model, payload, model.returns.controls.format or "")))
    for image in images:
        said = image.get("content_type", format_) if isinstance(image, dict) else None
        if format_ is not None and said != format_:
            yield "bytes.match_format", f"content_type {format_}", show(said)


def check_base64(model: Model, payload: Mapping[str, Any], response: Response) -> Iterator[Found]:
    """The checks of an answer that is JSON around one picture, or a list of them, in base64."""
    body = response.json
    texts = body.get("image") if isinstance(body, dict) else None
    if isinstance(texts, str):
        texts = [texts]
    if response.media_type != "application/json" or not isinstance(texts, list) or not texts:
        yield "base64.holds_picture", 'application/json with {"image": "<base64>"}', response.in_words
        return
    asked, listed = _value(model, payload, model.returns.controls.count or ""), body.get("outputs")
    found = len(texts) if isinstance(body["image"], list) else listed if isinstance(listed, int) else asked
    if asked in _COUNTS and found != asked:  # no page says how several come, so that one text alone proves nothing
        yield "bytes.match_count", f"{asked} pictures", f"{found}: {show(sorted(body))}"
    for text in texts:
        picture = _decode_text(text)
        if isinstance(picture, str):
            yield "base64.holds_picture", "base64 of a picture that decodes", f"{picture}: {show(text, 40)}"
        else:
            yield from _asked_for(model, payload, picture)


def _decode_text(text: object) -> "DecodedImage | str":
    try:
        return decode(base64.b64decode(text, validate=True)) if isinstance(text, str) else "no text"
    except (binascii.Error, ValueError):
        return "no base64"


def _asked_for(model: Model, payload: Mapping[str, Any], picture: DecodedImage) -> Iterator[Found]:
    controls = model.returns.controls
    if controls.format is not None:
        asked = MEDIA_TYPES.get(str(_value(model, payload, controls.format)))
        if asked is not None and picture.media_type != asked:
            yield "bytes.match_format", asked, picture.media_type
    if controls.size_from_input is not None and _value(model, payload, controls.size_from_input) is not False:
        return
    for name, size in ((controls.width, picture.width), (controls.height, picture.height)):
        asked_size = _value(model, payload, name) if name is not None else None
        if isinstance(asked_size, int) and asked_size in _SIDES and abs(asked_size - size) > _SLACK:
            yield "bytes.match_size", f"{name} {asked_size}", f"{picture.width} x {picture.height}"


def _value(model: Model, payload: Mapping[str, Any], name: str) -> Any:
    """What the payload says, else the printed default, else None."""
    if name in payload:
        return payload[name]
    parameter = model.parameters_by_name.get(name)
    return None if parameter is None or isinstance(parameter.default, Absent) else parameter.default


def alike(left: bytes, right: bytes) -> bool:
    """Whether two pictures are one to the eye, in the same format, size and quality, even if not in every bit.

    A model that runs on another graphics card rounds otherwise, so that bytes alone would raise false alarms.
    """
    if left == right:
        return True
    pair = decode(left), decode(right)
    if isinstance(pair[0], str) or pair[0] != pair[1] or abs(len(left) - len(right)) > len(left) * _FILE_SLACK:
        return False
    difference = [abs(a - b) for a, b in zip(_thumbnail(left), _thumbnail(right), strict=True)]
    return sum(difference) <= _EYE_SLACK * len(difference)


def _thumbnail(data: bytes) -> bytes:
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(data)) as image:
        return image.convert("RGB").resize((16, 16), Image.Resampling.BOX).tobytes()


def first_image(response: Response) -> bytes | None:
    """The bytes of the first picture that an answer holds, as they are or in base64; None where there is none."""
    if response.media_type.startswith("image/"):
        return response.body
    body = response.json
    text = body.get("image") if isinstance(body, dict) else None
    text = text[0] if isinstance(text, list) and text else text
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=64)
def decode(data: bytes) -> DecodedImage | str:
    """Decode a picture down to its last pixel; gives what is wrong, in words, where that fails."""
    from io import BytesIO

    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
            picture = DecodedImage(Image.MIME[image.format or ""], image.width, image.height)
            image.draft(
                "L", (image.width // 8 or 1, image.height // 8 or 1)
            )  # reads all of a JPEG, and leaves out most sums
            image.load()
            return picture
    except UnidentifiedImageError:
        return "no JPEG, PNG or WebP picture"
    except Exception as error:  # Pillow raises whatever a decoder trips over, struct.error and SyntaxError among it
        return f"a picture that does not decode ({one_line(str(error))[:80]})"
