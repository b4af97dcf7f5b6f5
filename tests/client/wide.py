"""A catalog with a model for each construct of the spec form that the seeds lack, and the Python client of it.

The client is imported as `wide_client`, beside the committed one.
"""

import importlib
import shutil
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from segforge import Catalog, default_specs, load_catalog
from segforge.emit.pipeline import emit

HEAD = """\
slug: {slug}
title: {slug}
description: A model of the tests.
source: {{url: https://www.segmind.com/models/{slug}/api, reviewed: "2026-11-28"}}
"""

MODELS = {
    "clip": """\
versions: [v1, v2]
returns: {media: video, formats: [mp4]}
price: {printed: "$0.400 - $1.20 per generation", from: 0.4, to: 1.2, unit: generation}
paths: {v1: "/v1/models/{slug}"}
parameters:
  prompt: {type: string, required: true, description: Scene.}
  duration: {type: integer, required: false, description: Length., default: 8, enum: {known: [4, 8, 12], total: 3}}
  speed: {type: number, required: false, description: Speed., enum: {known: [1, 2], total: 2}}
  factor: {type: number, required: false, description: Factor., enum: {known: [0.5, 2], total: 2}}
  loud: {type: boolean, required: false, description: Always on., enum: {known: [true], total: 1}}
  size:
    type: string
    required: false
    description: Size.
    affects_price: true
    enum:
      known: [{value: "720x1280", label: Portrait}, {value: "1280x720", label: Landscape}]
      total: 2
  images:
    type: array
    required: false
    description: Pictures.
    min_items: 1
    max_items: 2
    items: {type: string, format: uri, file: image, description: A photo.}
  elements:
    type: array
    required: false
    description: Things.
    items:
      type: object
      properties:
        tag: {type: string, required: true, description: Name., max_length: 8}
        uri: {type: string, format: uri, file: image, required: false, description: Picture.}
        "odd key": {type: integer, required: false, description: Odd., minimum: 1}
  palette:
    required: false
    description: Colours.
    any_of:
      - {title: preset, type: object, properties: {name: {type: string, required: true, description: Name.}}}
      - title: custom
        type: object
        properties: {members: {type: array, items: {type: integer}, required: true, description: Colours.}}
  photo:
    required: false
    description: A photo in one of two forms.
    any_of:
      - {title: address, type: string, format: uri, file: image}
      - {title: bytes, type: string, format: base64, file: image}
  clip_url: {type: string, file: video, accepts: [url], required: false, description: A clip.}
  sound: {type: string, file: audio, accepts: [url, base64], required: unknown, description: A sound.}
  mesh: {type: string, file: model3d, required: false, description: A mesh.}
  settings: {type: object, required: false, description: Anything.}
  extra_value: {type: any, required: false, description: Nobody knows the type.}
  old: {type: string, required: false, description: Old., deprecated: true}
conditions:
  - {when_present: [clip_url], forbids: [images]}
  - {only_when: {duration: [8]}, parameters: [sound]}
  - {when: {size: ["720x1280"]}, forbids_values: {duration: [12]}, inferred: true}
quirks:
  - {at: sample.duration, found: "8", why: the sample sends text for an integer}
example: {prompt: A monk, duration: 8}
""",
    "talk": """\
versions: [v1, v2]
returns: {media: json, shape: openai_chat}
auth: [bearer]
parameters:
  messages:
    type: array
    required: true
    description: The conversation.
    items: {shape: chat_line}
  last: {shape: chat_line, required: false, description: The last line.}
example: {messages: [{role: user, content: Hello}]}
""",
    "embed": """\
versions: [v1, v2]
returns: {media: json, shape: embedding}
parameters: {prompt: {type: string, required: true, description: Text.}}
example: {prompt: Hello}
""",
    "describe": """\
versions: [v1, v2]
returns: {media: json, shape: caption}
parameters: {image: {type: string, format: uri, required: true, description: Picture.}}
example: {image: "https://a.test/x.png"}
""",
    "speech": """\
versions: [v1, v2]
returns: {media: audio, formats: [mp3]}
parameters: {prompt: {type: string, required: true, description: Text.}}
example: {prompt: Hello}
""",
    "solid": """\
versions: [v1, v2]
returns: {media: model3d, formats: [glb]}
parameters: {prompt: {type: string, required: true, description: Text.}}
example: {prompt: A chair}
""",
    "words": """\
versions: [v1, v2]
returns: {media: text}
parameters: {prompt: {type: string, required: true, description: Text.}}
example: {prompt: Hello}
""",
    "form": """\
versions: [v1]
returns: {media: image, formats: [png]}
encodings: [json, multipart]
parameters:
  image: {type: string, file: image, accepts: [url, part], required: true, description: Picture.}
  masks: {type: array, required: false, description: Masks., items: {type: string, file: image, accepts: [part]}}
  steps: {type: integer, required: false, description: Steps.}
  options: {type: object, required: false, description: Options., nullable: true}
example: {image: "https://a.test/x.png"}
""",
    "only-form": """\
versions: [v1]
returns: {media: image, formats: [png]}
encodings: [multipart]
parameters:
  image: {type: string, file: image, required: true, description: Picture.}
  'na"me': {type: string, required: false, description: Name.}
example: {image: "https://a.test/x.png"}
""",
    "glimpse": """\
level: partial
versions: [v1, v2]
returns: {media: video, formats: [mp4]}
parameters:
  prompt: {type: string, required: true, description: Scene.}
  steps: {type: integer, required: unknown, minimum: 1, inferred: [type]}
  mode: {type: string, enum: {known: [fast], total: null}}
  self: {type: string}
  with-hyphen: {type: string}
example: {prompt: A monk}
""",
}

SHAPE = """\
name: chat_line
source: {url: https://www.segmind.com/models/talk/api, reviewed: "2026-11-28"}
facts:
  type: object
  description: A line.
  properties:
    role: {type: string, required: true, description: Who., enum: {known: [user, assistant], total: 2}}
    content: {type: string, required: true, description: What.}
"""


def write_specs(folder: Path) -> Path:
    """Writes the specs to a folder, with the project's gateway."""
    shutil.copytree(default_specs(), folder, ignore=shutil.ignore_patterns("*.yaml"))
    for name in ("models", "shapes"):
        (folder / name).mkdir(exist_ok=True)
    text = (Path(default_specs()) / "gateway.yaml").read_text("utf-8")
    (folder / "gateway.yaml").write_text(text.replace("\nsample: ", "\n# sample: "), "utf-8")
    (folder / "shapes" / "chat_line.yaml").write_text(SHAPE, "utf-8")
    for slug, body in MODELS.items():
        (folder / "models" / f"{slug}.yaml").write_text(HEAD.format(slug=slug) + body, "utf-8")
    return folder


def wide_catalog(folder: Path) -> Catalog:
    """Loads the catalog of these specs, as the command line does."""
    return load_catalog(write_specs(folder))


def write_client(catalog: Catalog, folder: Path, package: str = "segmind_client") -> None:
    """Writes the Python client of a catalog to a folder, as a package of that name."""
    for artifact in emit(catalog, ["python"]):
        path = folder / str(artifact.path.relative_to("python")).replace("segmind_client", package)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.text.replace("segmind_client", package), "utf-8")


@cache
def imported(folder: Path) -> ModuleType:
    """Returns the client of this catalog as `wide_client`, written to a folder on the first call."""
    write_client(wide_catalog(folder / "specs"), folder / "wide", "wide_client")
    sys.path.insert(0, str(folder / "wide"))
    return importlib.import_module("wide_client")
