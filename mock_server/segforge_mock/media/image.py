"""Images: a different pattern for each payload, with the model, seed and prompt written on it."""

import hashlib
import io
import json
import random
import textwrap
from collections.abc import Mapping
from typing import Final, NamedTuple

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from segforge.spec.catalog import Gateway, Model, Scalar
from segforge_mock.http.counts import MAX_OUTPUTS

MAX_SIDE: Final = 4096
TINY_SIDE: Final = 16
MEDIA_TYPES: Final = {"jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
_EXIF_IMAGE_DESCRIPTION: Final = 0x010E
_MESH: Final = 5


class GeneratedImage(NamedTuple):
    """Everything that decides an image's bytes. Sides are in pixels, quality is from 0 to 100."""

    slug: str
    prompt: str
    seed: int
    position: int
    pattern: int
    width: int
    height: int
    format: str
    quality: int

    @property
    def media_type(self) -> str:
        """The Content-Type."""
        return MEDIA_TYPES[self.format]


def generated_images(
    gateway: Gateway, model: Model, values: Mapping[str, Scalar], max_side: int = MAX_SIDE
) -> list[GeneratedImage]:
    """Returns the images of a payload, from 1 to MAX_OUTPUTS, with sides from 1 to `max_side` pixels."""
    controls = model.returns.controls
    assumed = {name: assumption.value for name, assumption in gateway.assumptions.items()}
    width, height = _size(model, values, int(assumed["image_width"]), int(assumed["image_height"]))
    width, height = min(max(width, 1), max_side), min(max(height, 1), max_side)
    pattern = _pattern(model, values)
    quality = number_of(values, controls.quality, int(assumed["image_quality"]))
    return [
        GeneratedImage(
            slug=model.slug,
            prompt=str(values.get(controls.prompt or "") or ""),
            seed=used_seed(model, values),
            position=position,
            pattern=pattern + position,
            width=width,
            height=height,
            format=_format(model, values, str(assumed["image_format"])),
            quality=min(max(quality, 0), 100),
        )
        for position in range(min(max(number_of(values, controls.count, 1), 1), MAX_OUTPUTS))
    ]


def used_seed(model: Model, values: Mapping[str, Scalar]) -> int:
    """Returns the seed of a run: the payload's, or one derived from the payload if that has none, null or -1."""
    asked = values.get(model.returns.controls.seed or "")
    if isinstance(asked, int) and asked != -1:
        return asked
    return _pattern(model, values) % 2**31


def _size(model: Model, values: Mapping[str, Scalar], width: int, height: int) -> tuple[int, int]:
    controls = model.returns.controls
    if not values.get(controls.size_from_input or ""):
        width, height = number_of(values, controls.width, width), number_of(values, controls.height, height)
    ratio = values.get(controls.aspect_ratio or "")
    if isinstance(ratio, str):
        across, colon, down = ratio.partition(":")
        if colon and across.isdecimal() and down.isdecimal() and 0 < int(across) <= 100 and 0 < int(down) <= 100:
            longest = max(int(across), int(down))
            width, height = width * int(across) // longest, height * int(down) // longest
    return width, height


def _format(model: Model, values: Mapping[str, Scalar], usual: str) -> str:
    """Returns the payload's format, or that of the model's page if the mock can't draw the payload's."""
    asked, formats = values.get(model.returns.controls.format or ""), model.returns.formats
    if isinstance(asked, str) and asked in MEDIA_TYPES:
        return asked
    return usual if usual in formats or not formats else formats[0]


def number_of(values: Mapping[str, Scalar], name: str | None, default: int) -> int:
    """Returns a parameter's value, or a default if it has none or is not an integer."""
    value = values.get(name or "")
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _pattern(model: Model, values: Mapping[str, Scalar]) -> int:
    """Returns a number for the visible content: a hash of the payload without format, quality, count and encoding."""
    controls = model.returns.controls
    packing = {controls.base64, controls.count, controls.format, controls.quality}
    shown = {name: value for name, value in values.items() if name not in packing}
    digest = hashlib.sha256(json.dumps([model.slug, shown], sort_keys=True).encode()).digest()
    return int.from_bytes(digest[:8])


def render(image: GeneratedImage, *, plain: bool = False) -> bytes:
    """Draws an image, or fills it with one colour, and encodes it. The result is deterministic."""
    sides = (image.width, image.height)
    canvas = Image.new("RGB", sides, f"#{image.pattern & 0xFFFFFF:06x}") if plain else _draw(image)
    facts = json.dumps({"mock": "segforge", "model": image.slug, "seed": image.seed, "prompt": image.prompt[:2000]})
    out = io.BytesIO()
    if image.format == "png":
        info = PngInfo()
        info.add_text("Description", facts)
        canvas.save(out, "PNG", pnginfo=info, compress_level=3)
    else:
        exif = Image.Exif()
        exif[_EXIF_IMAGE_DESCRIPTION] = facts
        quality = max(image.quality, 1)
        if image.format == "webp":
            canvas.save(out, "WEBP", **({"lossless": True, "method": 0} if plain else {"quality": quality}), exif=exif)
        else:
            canvas.save(out, "JPEG", quality=quality, exif=exif)
    return out.getvalue()


def _draw(image: GeneratedImage) -> Image.Image:
    chance = random.Random(image.pattern)  # noqa: S311 - a pattern, not a secret
    hue = chance.randrange(360)
    mesh = Image.new("RGB", (_MESH, _MESH))
    for x in range(_MESH):
        for y in range(_MESH):
            near, saturation, lightness = (
                hue + chance.randrange(-50, 50),
                chance.randrange(45, 80),
                chance.randrange(25, 75),
            )
            mesh.paste(f"hsl({near % 360}, {saturation}%, {lightness}%)", (x, y, x + 1, y + 1))
    canvas = mesh.resize((image.width, image.height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(canvas, "RGBA")
    for _ in range(7):
        x, y = chance.randrange(image.width), chance.randrange(image.height)
        radius = chance.randrange(1, max(2, min(image.width, image.height) // 4))
        draw.ellipse(
            (x - radius, y - radius, x + radius, y + radius), outline=(255, 255, 255, 70), width=max(1, radius // 12)
        )
    if min(image.width, image.height) >= 96:
        _label(draw, image)
    return canvas


def _label(draw: ImageDraw.ImageDraw, image: GeneratedImage) -> None:
    size = max(9, min(image.width, image.height) // 28)
    font = ImageFont.load_default(size)
    columns = max(8, int(image.width * 0.9 / (size * 0.55)))
    prompt = "".join(character if character.isprintable() else " " for character in image.prompt[:400])
    lines = [f"segforge mock · {image.slug}", f"seed {image.seed} · image {image.position + 1}"]
    lines = [line[:columns] for line in lines] + textwrap.wrap(prompt, columns)[:4]
    step = round(size * 1.35)
    top = image.height - step * len(lines) - size
    draw.rectangle((0, top - size // 2, image.width, image.height), fill=(0, 0, 0, 110))
    for number, line in enumerate(lines):
        draw.text((image.width * 0.05, top + number * step), line, font=font, fill=(255, 255, 255, 235))
