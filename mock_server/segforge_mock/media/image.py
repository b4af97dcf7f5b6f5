"""Images: a different pattern for each payload, with the model, seed and prompt written on it."""

import io
import random
import textwrap
from typing import Final, NamedTuple

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from segforge.spec.catalog import MEDIA_TYPES, Gateway, Model
from segforge_mock.media.asked import Asked, Values, assumptions, facts, format_of, number_of, size_of
from segforge_mock.media.svg import drawing

MAX_SIDE: Final = 4096
TINY_SIDE: Final = 16
FORMATS: Final = ("jpeg", "jpg", "png", "webp", "svg")
"""The formats that are made."""
_EXIF_IMAGE_DESCRIPTION: Final = 0x010E
_MESH: Final = 5
_CIRCLES: Final = 7


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
    gateway: Gateway, model: Model, values: Values, max_side: int = MAX_SIDE
) -> tuple[list[GeneratedImage], str]:
    """Returns the images of a payload, with sides from 1 to `max_side` pixels, and the limits that changed them."""
    asked, assumed = Asked.of(model, values), assumptions(gateway)
    wanted = size_of(model, values, int(assumed["image_width"]), int(assumed["image_height"]))
    width, height = (min(max(side, 1), max_side) for side in wanted)
    quality = number_of(values, model.returns.controls.quality, int(assumed["image_quality"]))
    images = [
        GeneratedImage(
            slug=model.slug,
            prompt=asked.prompt,
            seed=asked.seed,
            position=position,
            pattern=asked.pattern + position,
            width=width,
            height=height,
            format=format_of(model, values, FORMATS, str(assumed["image_format"])),
            quality=min(max(quality, 0), 100),
        )
        for position in range(asked.outputs)
    ]
    return images, "" if wanted == (width, height) else f"size {width}x{height}"


def render(image: GeneratedImage, *, plain: bool = False) -> bytes:
    """Draws an image, or fills it with one colour, and encodes it. The result is deterministic."""
    about = facts(image.slug, image.seed, image.prompt)
    if image.format == "svg":
        shapes = 0 if plain else _CIRCLES
        return drawing(image.width, image.height, image.pattern, about, _lines(image), shapes=shapes)
    painted, out = canvas(image, plain=plain), io.BytesIO()
    if image.format == "png":
        info = PngInfo()
        info.add_text("Description", about)
        painted.save(out, "PNG", pnginfo=info, compress_level=3)
    else:
        exif = Image.Exif()
        exif[_EXIF_IMAGE_DESCRIPTION] = about
        quality = max(image.quality, 1)
        if image.format == "webp":
            painted.save(out, "WEBP", **({"lossless": True, "method": 0} if plain else {"quality": quality}), exif=exif)
        else:
            painted.save(out, "JPEG", quality=quality, exif=exif)
    return out.getvalue()


def canvas(image: GeneratedImage, *, plain: bool) -> Image.Image:
    """Draws the pixels of an image, or fills them with one colour."""
    sides = (image.width, image.height)
    return Image.new("RGB", sides, f"#{image.pattern & 0xFFFFFF:06x}") if plain else _draw(image)


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
    painted = mesh.resize((image.width, image.height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(painted, "RGBA")
    for _ in range(_CIRCLES):
        x, y = chance.randrange(image.width), chance.randrange(image.height)
        radius = chance.randrange(1, max(2, min(image.width, image.height) // 4))
        draw.ellipse(
            (x - radius, y - radius, x + radius, y + radius), outline=(255, 255, 255, 70), width=max(1, radius // 12)
        )
    if min(image.width, image.height) >= 96:
        _label(draw, image)
    return painted


def _label(draw: ImageDraw.ImageDraw, image: GeneratedImage) -> None:
    size = max(9, min(image.width, image.height) // 28)
    font = ImageFont.load_default(size)
    columns = max(8, int(image.width * 0.9 / (size * 0.55)))
    *lines, prompt = _lines(image)
    lines = [line[:columns] for line in lines] + textwrap.wrap(prompt, columns)[:4]
    step = round(size * 1.35)
    top = image.height - step * len(lines) - size
    draw.rectangle((0, top - size // 2, image.width, image.height), fill=(0, 0, 0, 110))
    for number, line in enumerate(lines):
        draw.text((image.width * 0.05, top + number * step), line, font=font, fill=(255, 255, 255, 235))


def _lines(image: GeneratedImage) -> list[str]:
    """Returns the lines of the label: model, seed and position, start of the prompt. All characters are printable."""
    lines = (f"segforge mock · {image.slug}", f"seed {image.seed} · image {image.position + 1}", image.prompt)
    return ["".join(character if character.isprintable() else " " for character in line[:400]) for line in lines]
