"""Checks of images in base64 against the payload that asked for them."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from segforge.spec.catalog import Model
from segforge.spec.printable import show
from segforge_contract.checks.decoders import DecodedFile, NotDecoded, decode_file
from segforge_contract.checks.properties import COUNTS, Found, check_properties, value_of
from segforge_contract.messages.request import Response


def check_base64(model: Model, payload: Mapping[str, Any], response: Response) -> Iterator[Found]:
    """Checks a JSON answer that holds one image or a list of images in base64."""
    body = response.json
    texts = body.get("image") if isinstance(body, dict) else None
    if isinstance(texts, str):
        texts = [texts]
    if response.media_type != "application/json" or not isinstance(texts, list) or not texts:
        yield "base64.holds_picture", 'application/json with {"image": "<base64>"}', response.in_words
        return
    asked, listed = value_of(model, payload, model.returns.controls.count or ""), body.get("outputs")
    found = len(texts) if isinstance(body["image"], list) else listed if isinstance(listed, int) else asked
    if asked in COUNTS and found != asked:  # no page describes several images, so a single string proves nothing
        yield "bytes.match_count", f"{asked} images", f"{found}: {show(sorted(body))}"
    for text in texts:
        image = _decode_text(text)
        if isinstance(image, str):
            yield "base64.holds_picture", "base64 of an image that decodes", f"{image}: {show(text, 40)}"
        else:
            yield from check_properties(model, payload, image)


def _decode_text(text: object) -> DecodedFile | str:
    try:
        decoded = decode_file(base64.b64decode(text, validate=True)) if isinstance(text, str) else "not a string"
    except (binascii.Error, ValueError):
        return "not base64"
    if isinstance(decoded, NotDecoded):
        return decoded.reason
    return "not an image" if isinstance(decoded, DecodedFile) and decoded.medium != "image" else decoded
