"""Finds the route of a path, from the templates in `specs/gateway.yaml` and the mock's own."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, get_args
from urllib.parse import urlsplit

from segforge.spec.catalog import OtherRoute, Routes
from segforge_mock.faults.stubs import ControlRouteName

OWN_ROUTES: Final = (
    ("image", "GET", "/generations/{name}"),
    ("upload", "POST", "/upload-asset"),
    ("asset", "GET", "/assets/{name}"),
)
"""Routes of output URLs and uploads. The real gateway serves them on other hosts."""

CONTROL_ROUTES: Final[frozenset[str]] = frozenset(get_args(ControlRouteName))
"""The names of the `other_routes` of the specs that the mock serves, whatever the host."""

OPEN_ROUTES: Final = frozenset({"image", "asset", "model_list"})
"""Routes that need no key."""

ROUTES: Final = (
    *(field.name for field in fields(Routes)),
    *(name for name, _, _ in OWN_ROUTES),
    *get_args(ControlRouteName),
    "",
)
"""The names of all routes, as in the history. "" stands for an unknown route."""

REMEMBERED_PATH: Final = 256
"""Characters up to which `Router.match` caches a path."""


_MOST_PARTS: Final = 12
_LONGEST_SLUG: Final = 100
_OTHER_APIS: Final = ("completions", "embeddings", "generations", "messages", "predictions", "responses")
"""Last words of the paths of other vendors' APIs, where the body names the model."""


class Match(NamedTuple):
    """The route's name, its method, the part of the path at its placeholder, and the slug of a run or submit.

    Each text is "" if there is none.
    """

    route: str
    method: str
    value: str
    slug: str = ""


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
                self._printed[path] = Match(route, getattr(routes, route).method, slug, slug)

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
                return _at(match, parts[place]) if place >= 0 else match
        return None


def _at(match: Match, value: str) -> Match:
    """Returns the match of a route with the part of the path at its placeholder."""
    return Match(match.route, match.method, value, value if match.route in ("run", "submit") else "")


class KnownModels(Protocol):
    """The models that a mock serves."""

    def get(self, slug: str) -> object | None:
        """Returns the model of a slug, or None."""

    def near(self, slug: str) -> list[str]:
        """Returns the slugs that look most like a slug."""


def path_hint(path: str, router: Router, routes: Routes, models: KnownModels) -> str:
    """Returns the likely mistake in a path that leads to no route, and the path that the caller may mean."""
    parts = [part for part in path.split("/") if part]
    run, submit = routes.run.path, routes.submit.path
    if len(parts) > _MOST_PARTS:
        return f"the path has {len(parts)} parts; a model's paths are {run} and {submit}"
    versions = {run.split("/")[1], submit.split("/")[1]}
    for start in range(1, len(parts)):
        rest, before = f"/{'/'.join(parts[start:])}", "/".join(parts[:start])
        match = router.find(rest)
        if match is not None and (
            match.route not in ("run", "submit")
            or parts[start - 1] in versions
            or models.get(match.value[:_LONGEST_SLUG]) is not None
        ):
            return f"did you mean {match.method} {rest}? Remove /{before} from the base URL or the path"
    if "requests" in parts[:-1]:
        name = parts[parts.index("requests") + 1]
        polls = (one.path.replace("{request_id}", name) for one in (routes.status, routes.result))
        return f"did you mean GET {' or GET '.join(polls)}? The answer to a submit has the addresses of its job"
    if parts and parts[-1] in _OTHER_APIS:
        return f"each model has a path of its own, {run} or {submit}; name the model in the path, not in the body"
    return _slug_hint(parts, routes, models)


def _slug_hint(parts: list[str], routes: Routes, models: KnownModels) -> str:
    """Returns the hint for a path whose last part may be the slug of a model."""
    run, submit = routes.run.path, routes.submit.path
    slug = parts[-1][:_LONGEST_SLUG] if parts else ""
    if slug and models.get(slug) is not None:
        meant = f"POST {run.format(slug=slug)}, or POST {submit.format(slug=slug)} for a job"
        return f"did you mean {meant}? The base URL may lack the version"
    near = " or ".join(models.near(slug)) if slug else ""
    found = f"; did you mean the model {near}?" if near else ""
    where = ", except where a model's page prints another one" if "models" in parts else ""
    return f"the paths of a model are POST {run} and POST {submit}{where}{found}"
