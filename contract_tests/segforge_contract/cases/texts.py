"""Texts that are almost right: near misses of a known value, and texts that lack a stated format."""

from collections.abc import Iterator, Mapping
from typing import Final

_HOMOGLYPHS: Final = str.maketrans("aceopxyACEHKMOPTX0123456789", "асеорхуАСЕНКМОРТХ０１２３４５６７８９")  # noqa: RUF001 - on purpose
"""Cyrillic letters and full-width digits that look the same as Latin letters and ASCII digits."""

MISFORMED: Final[Mapping[str, tuple[str, ...]]] = {
    "uri": ("not a URI", "example.com/cat.png", "/cat.png", "https://example.com/a cat.png", ""),
    "base64": ("not base64!", "iVBORw0KGgo*"),
}
"""For each format, texts that don't have it."""


def near_misses(known: str) -> Iterator[str]:
    """Yields texts that lax code treats as a known text, because it trims, folds or normalizes them."""
    yield from (f"{known}-unknown", known.swapcase(), f"{known} ", f" {known}", f"{known}\n", "")
    lookalike = known.translate(_HOMOGLYPHS)
    if lookalike != known:
        yield lookalike
