"""Addresses of the gateway: which model an address names."""

import re
from dataclasses import dataclass
from typing import Final

from segforge.spec.catalog import Gateway

_SLUG: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?"
_PLACEHOLDERS: Final = re.compile(
    r"(?:(?:your|my|the|some|any)[-_.])?(?:model|slug|endpoint)(?:[-_.](?:slug|name|id))?|your[-_.].*", re.IGNORECASE
)


@dataclass(frozen=True)
class AddressBook:
    """The routes of the gateway, from which an address of a model is told apart from others."""

    base: str
    others: frozenset[str]
    """The first path segments after the version that name no model, such as `requests`."""

    def slug(self, text: str) -> str | None:
        """Returns the slug that an address ends with; None if the text is no such address, or only a placeholder."""
        found = re.fullmatch(
            rf"(?i:{re.escape(self.base)})/v[12]/({_SLUG})(?:/(?=\Z)|(?=[?#]))?(?:[?#].{{0,2000}})?",
            text[:3000],
            re.DOTALL,
        )
        slug = found[1] if found else ""
        return None if not slug or slug in self.others or is_placeholder(slug) else slug

    def is_address(self, text: str) -> bool:
        """Returns whether a text is an address at the gateway."""
        return text[: len(self.base)].lower() == self.base.lower()


def is_placeholder(slug: str) -> bool:
    """Returns whether a slug stands for any model, such as `your-model` or `MODEL_SLUG`."""
    return _PLACEHOLDERS.fullmatch(slug) is not None


def is_slug(text: str) -> bool:
    """Returns whether a text has the form of a slug and isn't a placeholder."""
    return re.fullmatch(_SLUG, text) is not None and not is_placeholder(text)


def address_book(gateway: Gateway) -> AddressBook:
    """Returns the address book of a gateway, from its routes."""
    routes = (*vars(gateway.routes).values(), *gateway.other_routes)
    paths = [route.path if hasattr(route, "path") else route.url.removeprefix(gateway.base_url) for route in routes]
    named = (re.match(r"/v[12]/([a-z][^/{}]*)", path) for path in paths)
    others = {match[1] for match in named if match}
    return AddressBook(gateway.base_url.rstrip("/"), frozenset({*others, "models", "pixelflow", "pixelflows"}))
