"""Reads 3D models (glTF 2.0, binary) and vector images (SVG)."""

import json
import re
import struct
from xml.etree import ElementTree

from segforge_contract.checks.decoders.headers import Damaged, MediaHeader

_JSON_CHUNK = 0x4E4F534A
_PIXELS = re.compile(r"\s*([0-9]{1,6}(?:\.[0-9]{1,9})?)(?:px)?\s*")


def read_glb(data: bytes) -> MediaHeader:
    """Checks the header of a binary glTF file, its chunks and its JSON. Raises Damaged."""
    _, version, length = struct.unpack_from("<4sII", data)
    if version != 2 or length != len(data):
        raise Damaged(f"version {version}, {length} bytes stated, {len(data)} sent")
    at, chunks = 12, []
    while at < len(data):
        size, kind = struct.unpack_from("<II", data, at)
        if at + 8 + size > len(data):
            raise Damaged(f"a chunk of {size} bytes with {len(data) - at - 8} left")
        chunks.append((kind, data[at + 8 : at + 8 + size]))
        at += 8 + size
    if not chunks or chunks[0][0] != _JSON_CHUNK:
        raise Damaged("the first chunk is not JSON")
    document = json.loads(chunks[0][1])
    asset = document.get("asset") if isinstance(document, dict) else None
    if not isinstance(asset, dict) or not str(asset.get("version", "")).startswith("2."):
        raise Damaged("no asset of version 2")
    return MediaHeader()


def is_svg(data: bytes) -> bool:
    """Returns whether data starts like an SVG file."""
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"<") and b"<svg" in start


def read_svg(data: bytes) -> MediaHeader:
    """Parses an SVG file. It has a size if its width and height are pixels. Raises Damaged."""
    if b"<!ENTITY" in data:
        raise Damaged("it declares entities, which are not expanded")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - entities, which could grow without bounds, are refused above
    except ElementTree.ParseError as error:
        raise Damaged(str(error)) from None
    if root.tag.rpartition("}")[2] != "svg":
        raise Damaged(f"its root is {root.tag}")
    sides = [_PIXELS.fullmatch(root.get(name, "")) for name in ("width", "height")]
    if None in sides:
        return MediaHeader()
    width, height = (round(float(side[1])) for side in sides if side is not None)
    return MediaHeader(width, height)
