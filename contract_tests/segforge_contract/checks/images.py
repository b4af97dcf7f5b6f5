"""Checks of an image against the payload that asked for it. Findings are (rule, expected, found)."""

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

_SLACK = 15  # pixels; diffusion models work on a grid of 8 or 16 pixels, and no page says how a size is rounded
_SIDES = range(1, 4097)  # sides to check, in pixels; no page offers more or decides 0
_COUNTS = range(1, 101)  # numbers of images to check
_EYE_SLACK = 3.0  # mean difference between two images that look the same, on a scale of 0 to 255
_FILE_SLACK = 0.1  # relative difference of their sizes in bytes; another quality differs by more


@dataclass(frozen=True)
class DecodedImage:
    """A fully decoded image: its media type and its size in pixels."""

    media_type: str
    width: int
    height: int


def check_image(model: Model, payload: Mapping[str, Any], response: Response) -> Iterator[Found]:
    """Checks an answer whose body is an image."""
    image = decode(response.body)
    if isinstance(image, str) or image.media_type != response.media_type:
        found = image if isinstance(image, str) else f"an image of type {image.media_type}"
        yield (
            "bytes.match_content_type",
            "Content-Type image/* and bytes that decode as it",
            f"{found}: {response.in_words}",
        )
    if not isinstance(image, str):
        yield from _asked_for(model, payload, image)


def check_result(model: Model, payload: Mapping[str, Any], images: list[Any]) -> Iterator[Found]:
    """Checks the list of images in a job's result."""
    asked = _value(model, payload, model.returns.controls.count or "")
    if asked in _COUNTS and len(images) != asked:
        yield "bytes.match_count", f"{asked} images", f"{len(images)} in images"
    format_ = MEDIA_TYPES.get(str(_value(model, payload, model.returns.controls.format or "")))
    for image in images:
        said = image.get("content_type", format_) if isinstance(image, dict) else None
        if format_ is not None and said != format_:
            yield "bytes.match_format", f"content_type {format_}", show(said)


def check_base64(model: Model, payload: Mapping[str, Any], response: Response) -> Iterator[Found]:
    """Checks a JSON answer that holds one image or a list of images in base64."""
    body = response.json
    texts = body.get("image") if isinstance(body, dict) else None
    if isinstance(texts, str):
        texts = [texts]
    if response.media_type != "application/json" or not isinstance(texts, list) or not texts:
        yield "base64.holds_picture", 'application/json with {"image": "<base64>"}', response.in_words
        return
    asked, listed = _value(model, payload, model.returns.controls.count or ""), body.get("outputs")
    found = len(texts) if isinstance(body["image"], list) else listed if isinstance(listed, int) else asked
    if asked in _COUNTS and found != asked:  # no page describes several images, so a single string proves nothing
        yield "bytes.match_count", f"{asked} images", f"{found}: {show(sorted(body))}"
    for text in texts:
        image = _decode_text(text)
        if isinstance(image, str):
            yield "base64.holds_picture", "base64 of an image that decodes", f"{image}: {show(text, 40)}"
        else:
            yield from _asked_for(model, payload, image)


def _decode_text(text: object) -> "DecodedImage | str":
    try:
        return decode(base64.b64decode(text, validate=True)) if isinstance(text, str) else "not a string"
    except (binascii.Error, ValueError):
        return "not base64"


def _asked_for(model: Model, payload: Mapping[str, Any], image: DecodedImage) -> Iterator[Found]:
    controls = model.returns.controls
    if controls.format is not None:
        asked = MEDIA_TYPES.get(str(_value(model, payload, controls.format)))
        if asked is not None and image.media_type != asked:
            yield "bytes.match_format", asked, image.media_type
    if controls.size_from_input is not None and _value(model, payload, controls.size_from_input) is not False:
        return
    for name, size in ((controls.width, image.width), (controls.height, image.height)):
        asked_size = _value(model, payload, name) if name is not None else None
        if isinstance(asked_size, int) and asked_size in _SIDES and abs(asked_size - size) > _SLACK:
            yield "bytes.match_size", f"{name} {asked_size}", f"{image.width} x {image.height}"


def _value(model: Model, payload: Mapping[str, Any], name: str) -> Any:
    """Returns a parameter's value in the payload, else its printed default, else None."""
    if name in payload:
        return payload[name]
    parameter = model.parameters_by_name.get(name)
    return None if parameter is None or isinstance(parameter.default, Absent) else parameter.default


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


def _thumbnail(data: bytes) -> bytes:
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(data)) as image:
        return image.convert("RGB").resize((16, 16), Image.Resampling.BOX).tobytes()


def first_image(response: Response) -> bytes | None:
    """Returns the bytes of the first image in an answer, binary or base64; None if the answer holds no image."""
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
    """Decodes every pixel of an image. Returns an error message if that fails."""
    from io import BytesIO

    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as opened:
            decoded = DecodedImage(Image.MIME[opened.format or ""], opened.width, opened.height)
            opened.draft("L", (opened.width // 8 or 1, opened.height // 8 or 1))  # decodes a whole JPEG at reduced cost
            opened.load()
            return decoded
    except UnidentifiedImageError:
        return "not a JPEG, PNG or WebP image"
    except Exception as error:  # Pillow's decoders raise many types, such as struct.error and SyntaxError
        return f"an image that does not decode ({one_line(str(error))[:80]})"
