"""Opens output files with real decoders, which share no code with the mock or the contract tests."""

import io
import json
import struct
from xml.etree import ElementTree

import av
from PIL import Image


def medium_of(content: bytes, content_type: str) -> str:
    """Decodes a file, and returns its medium. Fails if it doesn't decode, or isn't what its Content-Type says."""
    type_ = content_type.partition(";")[0]
    match type_.partition("/")[0]:
        case "image":
            assert type_ == f"image/{_image(content)}"
            return "image"
        case "video" | "audio" as kind:
            with av.open(io.BytesIO(content), "r") as container:
                assert next(container.decode(), None) is not None
                assert container.streams[0].type == kind
            return kind
        case "model":
            _check_glb(content)
            return "model3d"
    if type_ == "text/plain":
        assert content.decode().strip()
        return "text"
    assert type_ == "application/json"
    json.loads(content)
    return "json"


def _image(content: bytes) -> str:
    if content.lstrip().startswith(b"<"):
        assert ElementTree.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
        return "svg+xml"
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return (image.format or "").lower()


def _check_glb(content: bytes) -> None:
    """Checks the header of a binary glTF file, and its first chunk, which is JSON."""
    mark, version, length, size, kind = struct.unpack_from("<4sIII4s", content)
    assert (mark, version, length, kind) == (b"glTF", 2, len(content), b"JSON")
    assert json.loads(content[20 : 20 + size])["asset"]["version"] == "2.0"
