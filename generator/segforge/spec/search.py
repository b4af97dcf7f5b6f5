"""Finds models of the directory by words, and the nearest slugs to a misspelt one."""

import difflib
from collections.abc import Iterable

from segforge.spec.catalog import Directory, Listing

MAX_WORDS = 20
"""Words of a search that count."""
LONGEST_SLUG = 100
"""Characters of a slug. Longer words are near to none."""


def search(directory: Directory, words: Iterable[str]) -> list[Listing]:
    """Returns the listed models whose slug, title or modality contains every word, the best matches first.

    The slug itself comes before slugs that start with the first word, then slugs that contain it, then all others.
    """
    wanted = [word.lower() for word in words if word][:MAX_WORDS]
    if not wanted:
        return []
    found = [one for one in directory.listings.values() if all(word in _text(one) for word in wanted)]
    return sorted(found, key=lambda one: (_rank(one.slug.lower(), wanted[0]), one.slug))


def _text(listing: Listing) -> str:
    return f"{listing.slug} {listing.title} {listing.modality}".lower()


def _rank(slug: str, word: str) -> int:
    return 0 if slug == word else 1 if slug.startswith(word) else 2 if word in slug else 3


def near_slugs(slug: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Returns the known slugs that look most like a slug, the nearest first."""
    if len(slug) > LONGEST_SLUG:
        return []
    return difflib.get_close_matches(slug, known, count)


def meant(near: Iterable[str], otherwise: str) -> str:
    """Returns how to mend a name that isn't known: a question about the near ones, or another text without any."""
    asked = " or ".join(near)
    return f"did you mean {asked}?" if asked else otherwise
