"""3D models: a box in the payload's colour and proportions, as binary glTF 2.0."""

import json
import random
import struct
from typing import Final, NamedTuple

from segforge.spec.catalog import MEDIA_TYPES, Model
from segforge_mock.media.asked import Asked, Values

_CORNERS: Final = tuple((x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1))
_FACES: Final = (
    *(0, 1, 3, 0, 3, 2, 4, 6, 7, 4, 7, 5),
    *(0, 4, 5, 0, 5, 1, 2, 3, 7, 2, 7, 6),
    *(0, 2, 6, 0, 6, 4, 1, 5, 7, 1, 7, 3),
)
"""The corners of twelve triangles, two for each side."""
_FLOAT, _SHORT, _ARRAY, _ELEMENTS = 5126, 5123, 34962, 34963
"""Numbers of the glTF specification: types of components, and targets of buffers."""


class GeneratedModel3d(NamedTuple):
    """Everything that decides the bytes of a 3D model."""

    slug: str
    prompt: str
    seed: int
    position: int
    pattern: int
    about: str
    format: str = "glb"

    @property
    def media_type(self) -> str:
        """The Content-Type."""
        return MEDIA_TYPES[self.format]


def generated_models3d(model: Model, values: Values) -> list[GeneratedModel3d]:
    """Returns the 3D models of a payload."""
    asked = Asked.of(model, values)
    return [
        GeneratedModel3d(asked.slug, asked.prompt, asked.seed, position, asked.pattern + position, asked.facts)
        for position in range(asked.outputs)
    ]


def render(model: GeneratedModel3d) -> bytes:
    """Writes a 3D model. The result is deterministic."""
    chance = random.Random(model.pattern)  # noqa: S311 - a shape, not a secret
    sides = [chance.randrange(25, 100) / 128 for _ in range(3)]  # binary fractions, so that 32 bits hold them exactly
    colour = [chance.randrange(20, 100) / 100 for _ in range(3)]
    corners = struct.pack("<24f", *(end * side for corner in _CORNERS for end, side in zip(corner, sides, strict=True)))
    faces = struct.pack("<36H", *_FACES)
    document = {
        "asset": {"version": "2.0", "generator": "segforge mock", "extras": json.loads(model.about)},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorFactor": [*colour, 1]}, "doubleSided": True}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": _FLOAT,
                "count": 8,
                "type": "VEC3",
                "min": [-side for side in sides],
                "max": sides,
            },
            {"bufferView": 1, "componentType": _SHORT, "count": 36, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": len(corners), "target": _ARRAY},
            {"buffer": 0, "byteOffset": len(corners), "byteLength": len(faces), "target": _ELEMENTS},
        ],
        "buffers": [{"byteLength": len(corners) + len(faces)}],
    }
    text = json.dumps(document).encode()
    chunks = _chunk(b"JSON", text, b" ") + _chunk(b"BIN\0", corners + faces, b"\0")
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def _chunk(kind: bytes, content: bytes, padding: bytes) -> bytes:
    """Returns a chunk, padded to a multiple of four bytes."""
    content += padding * (-len(content) % 4)
    return struct.pack("<I", len(content)) + kind + content
