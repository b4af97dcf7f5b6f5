"""Writes a folder of specs with synthetic models of realistic number and size, from a seed."""

import random
import shutil
from pathlib import Path
from typing import Any, Final

import yaml

from segforge import default_specs
from segforge.spec.load import CHANGELOG_FILE, GATEWAY_FILE, MODELS_FOLDER

_KINDS: Final = ("turbo", "edit", "video", "upscale", "portrait", "inpaint", "outline", "voice", "sketch", "relight")
_SUBJECTS: Final = ("image", "mask", "prompt", "style", "camera", "light", "motion", "face", "background", "colour")
_ASPECTS: Final = ("strength", "weight", "mode", "count", "scale", "start", "stop", "method", "level", "source")
_TEXT: Final = (
    "how strongly the reference steers the output where both disagree about shape and tone of the scene "
    "which values the gateway takes and what it falls back on if the caller leaves the field out"
)
_WORDS: Final = _TEXT.split()


def write_specs(folder: Path, models: int, seed: int = 5) -> int:
    """Writes `gateway.yaml`, the change log and `models` model files. Returns the size of the models in bytes.

    The same seed produces the same bytes.
    """
    randomness = random.Random(seed)
    (folder / MODELS_FOLDER).mkdir(parents=True)
    for name in (GATEWAY_FILE, CHANGELOG_FILE):
        shutil.copyfile(default_specs() / name, folder / name)
    size = 0
    for number in range(models):
        data = _model(randomness, number)
        text = yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=120)
        size += (folder / MODELS_FOLDER / f"{data['slug']}.yaml").write_text(text, "utf-8", newline="\n")
    return size


def _model(randomness: random.Random, number: int) -> dict[str, Any]:
    """Returns a model with images as output and 15 to 25 parameters: four common ones, the rest random."""
    slug = f"{randomness.choice(_KINDS)}-{number:03d}"
    parameters = {
        "prompt": {"type": "string", "required": True, "description": _sentence(randomness), "default": "A bicycle"},
        "image": {"type": "string", "format": "uri", "required": randomness.random() < 0.5}
        | {"description": _sentence(randomness), "default": "https://example.com/image.png"},
        "seed": {"type": "integer", "required": False, "nullable": True, "description": _sentence(randomness)}
        | {"default": None},
        "image_format": {"type": "string", "required": False, "description": _sentence(randomness), "default": "png"}
        | {"enum": {"known": ["jpeg", "png", "webp"], "total": 3}},
    }
    names = [f"{subject}_{aspect}" for subject in _SUBJECTS for aspect in _ASPECTS]
    for name in randomness.sample(names, randomness.randint(11, 21)):
        parameters[name] = _parameter(randomness)
    controls = {"format": "image_format", "prompt": "prompt", "seed": "seed"}
    return {
        "slug": slug,
        "title": slug.replace("-", " ").title(),
        "description": _sentence(randomness),
        "source": {"url": f"https://www.segmind.com/models/{slug}/api", "reviewed": "2026-11-21"},
        "versions": randomness.choice((["v1", "v2"], ["v1", "v2"], ["v1"], ["v2"])),
        "returns": {"media": "image", "formats": ["jpeg", "png", "webp"], "controls": controls},
        "parameters": parameters,
        "example": {name: facts["default"] for name, facts in parameters.items()},
    }


def _parameter(randomness: random.Random) -> dict[str, Any]:
    """Returns a number with a range, an open or closed set of values, a boolean, or a text. One in ten may be null."""
    common = {"required": randomness.random() < 0.2, "description": _sentence(randomness)}
    nullable: dict[str, Any] = {"nullable": True} if randomness.random() < 0.1 else {}
    match randomness.randrange(5):
        case 0:
            low = randomness.randint(0, 10)
            high = low + randomness.randint(10, 1000)
            default: object = randomness.randint(low, high)
            own = {"type": "integer", "default": default, "minimum": low, "maximum": high}
        case 1:
            own = {"type": "number", "default": round(randomness.uniform(0, 5), 2), "minimum": 0, "maximum": 5}
        case 2:
            known = [f"{randomness.choice(_WORDS)}_{letter}" for letter in "abcdefghij"[: randomness.randint(3, 10)]]
            total = len(known) + randomness.choice((0, 0, 16))
            own = {"type": "string", "default": known[0], "enum": {"known": known, "total": total}}
        case 3:
            own = {"type": "boolean", "default": randomness.random() < 0.5}
        case _:
            own = {"type": "string", "default": " ".join(randomness.choices(_WORDS, k=4))}
    return {"type": own["type"], **common, **nullable, **own}


def _sentence(randomness: random.Random) -> str:
    return " ".join(randomness.choices(_WORDS, k=randomness.randint(8, 20))).capitalize() + "."
