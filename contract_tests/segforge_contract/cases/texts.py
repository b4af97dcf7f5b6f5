"""Texts that are almost right: near misses of a known value, and texts that lack a stated format."""

from collections.abc import Iterator, Mapping
from typing import Final

_HOMOGLYPHS: Final = str.maketrans("aceopxyACEHKMOPTX0123456789", "асеорхуАСЕНКМОРТХ０１２３４５６７８９")  # noqa: RUF001 - on purpose
"""Cyrillic letters and full-width digits that look the same as Latin letters and ASCII digits."""
_FULL_WIDTH: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
"""The full-width forms of printable ASCII, which Unicode's normalization NFKC turns back into ASCII."""

MISFORMED: Final[Mapping[str, tuple[str, ...]]] = {
    "uri": (
        "not a URI",
        "example.com/cat.png",
        "/cat.png",
        "https://example.com/a cat.png",
        " https://example.com/cat.png",
        "",
    ),
    "base64": ("not base64!", "iVBORw0KGgo*"),
}
"""For each format, texts that don't have it."""


def near_misses(known: str) -> Iterator[str]:
    """Yields texts that lax code treats as a known text, because it trims, folds or normalizes them."""
    yield from (f"{known}-unknown", known.swapcase(), f"{known} ", f" {known}", f"{known}\n", "")
    lookalikes = {known.translate(_HOMOGLYPHS), known.translate(_FULL_WIDTH)} - {known}
    yield from sorted(lookalikes)
    yield from (f"{known}\0", f"{known[:1]}\u200b{known[1:]}")  # the end of a text in C, and a zero-width space
