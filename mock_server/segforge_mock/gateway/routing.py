"""Finds the route of a path, from the templates in `specs/gateway.yaml` and the mock's own."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, get_args
from urllib.parse import urlsplit

from segforge.spec.catalog import OtherRoute, Routes
from segforge_mock.faults.stubs import ControlRouteName

OWN_ROUTES: Final = (
    ("image", "GET", "/generations/{name}"),
    ("upload", "POST", "/upload-asset"),
    ("asset", "GET", "/assets/{name}"),
)
"""Routes of output URLs and uploads. The real gateway serves them on other hosts."""

CONTROL_ROUTES: Final[tuple[str, ...]] = get_args(ControlRouteName)
"""The names of the `other_routes` of the specs that the mock serves, whatever the host."""

QUEUEING_ROUTES: Final = frozenset({"submit", "pixelflow_run", "pixelflow_run_by_slug"})
"""Routes that start a job."""

OPEN_ROUTES: Final = frozenset({"image", "asset", "model_list"})
"""Routes that need no key."""

ROUTES: Final = (
    *(field.name for field in fields(Routes)),
    *(name for name, _, _ in OWN_ROUTES),
    *CONTROL_ROUTES,
    "",
)
"""The names of all routes, as in the history. "" stands for an unknown route."""

REMEMBERED_PATH: Final = 256
"""Characters up to which `Router.match` caches a path."""


class Match(NamedTuple):
    """The route's name, its method, and the part of the path at its placeholder ("" without one)."""

    route: str
    method: str
    value: str


class Router:
    """Looks paths up in route templates. A literal segment wins over a placeholder.

    `printed` are paths that pages print beside the usual ones, each with its version and slug. `slugs` are all models:
    their usual paths, and the other routes, win over a printed one. `others`: of these, those in CONTROL_ROUTES.
    """

    def __init__(
        self,
        routes: Routes,
        printed: Mapping[str, tuple[str, str]] = MappingProxyType({}),
        slugs: Iterable[str] = (),
        others: Iterable[OtherRoute] = (),
    ) -> None:
        self._printed: dict[str, Match] = {}
        named = [(field.name, getattr(routes, field.name)) for field in fields(routes)]
        listed = [*((name, route.method, route.path) for name, route in named), *OWN_ROUTES]
        listed += [(one.name, one.method, urlsplit(one.url).path) for one in others if one.name in CONTROL_ROUTES]
        split = [(Match(name, method, ""), path.strip("/").split("/")) for name, method, path in listed]
        self.match = lru_cache(maxsize=4096)(self.find)
        """Like `find`, with a cache, for paths of at most REMEMBERED_PATH characters."""
        split.sort(key=lambda template: sum(part.startswith("{") for part in template[1]))
        self._by_length: dict[int, list[tuple[Match, list[str | None], int]]] = {}
        for match, parts in split:
            literals = [None if part.startswith("{") else part for part in parts]
            place = literals.index(None) if None in literals else -1
            self._by_length.setdefault(len(parts), []).append((match, literals, place))
        known = frozenset(slugs)
        for path, (version, slug) in printed.items():
            route, usual = "run" if version == "v1" else "submit", self.find(path)
            if usual is None or (usual.route in ("run", "submit") and usual.value not in known):
                self._printed[path] = Match(route, getattr(routes, route).method, slug)

    def find(self, path: str) -> Match | None:
        """Returns the route of a path, or None. Ignores doubled and trailing slashes."""
        parts = path.strip("/").split("/")
        if "" in parts:
            parts = [part for part in parts if part]
        if self._printed and (printed := self._printed.get(f"/{'/'.join(parts)}")) is not None:
            return printed
        for match, literals, place in self._by_length.get(len(parts), ()):
            for literal, part in zip(literals, parts, strict=True):
                if literal is not None and literal != part:
                    break
            else:
                return Match(match.route, match.method, parts[place]) if place >= 0 else match
        return None
