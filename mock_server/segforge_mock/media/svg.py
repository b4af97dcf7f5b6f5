"""SVG images, as text."""

import random
from collections.abc import Iterable
from html import escape


def drawing(width: int, height: int, pattern: int, about: str, lines: Iterable[str], *, shapes: int) -> bytes:
    """Returns an SVG image of a size in pixels, with a number of circles. `lines` are its label, `about` its metadata.

    All characters of `lines` must be printable, and `about` must be ASCII.
    """
    chance = random.Random(pattern)  # noqa: S311 - a pattern, not a secret
    hue, smallest = chance.randrange(360), min(width, height)
    circles = "".join(
        f'<circle cx="{chance.randrange(width)}" cy="{chance.randrange(height)}" '
        f'r="{chance.randrange(1, max(2, smallest // 4))}" fill="hsl({chance.randrange(hue, hue + 60) % 360},70%,60%)" '
        'fill-opacity="0.5"/>'
        for _ in range(shapes)
    )
    size = max(9, smallest // 28)
    label = "".join(
        f'<text x="{size}" y="{height - round(size * 1.35) * (3 - number)}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"<desc>{escape(about)}</desc>"
        f'<rect width="{width}" height="{height}" fill="hsl({hue},50%,35%)"/>{circles}'
        f'<g font-family="sans-serif" font-size="{size}" fill="#fff">{label}</g></svg>\n'
    ).encode()
