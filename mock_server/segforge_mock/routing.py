"""Finds the route of a path among the templates of `specs/gateway.yaml`."""

from dataclasses import dataclass, fields
from typing import NamedTuple

from segforge.spec.catalog import Routes

PICTURES = "/generations/{name}"
"""Where output URLs point: the mock's own route, served without a key."""


class Match(NamedTuple):
    """The route's name, the method that it takes, and what stands in the path at its placeholder ("" without one)."""

    route: str
    method: str
    value: str


@dataclass(frozen=True)
class Router:
    """Route templates split at their slashes; a literal segment goes before a placeholder."""

    templates: tuple[tuple[str, str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, routes: Routes) -> "Router":
        """The router of the gateway's routes and of the mock's pictures."""
        named = [(field.name, getattr(routes, field.name)) for field in fields(routes)]
        listed = [(name, route.method, route.path) for name, route in named] + [("picture", "GET", PICTURES)]
        split = [(name, method, tuple(path.strip("/").split("/"))) for name, method, path in listed]
        return cls(tuple(sorted(split, key=lambda template: sum(part.startswith("{") for part in template[2]))))

    def match(self, path: str) -> Match | None:
        """The route of a path; doubled and trailing slashes don't count."""
        parts = path.strip("/").split("/")
        if "" in parts:
            parts = [part for part in parts if part]
        for name, method, template in self.templates:
            if len(template) != len(parts):
                continue
            value = ""
            for expected, part in zip(template, parts, strict=True):
                if expected[0] == "{":
                    value = part
                elif expected != part:
                    break
            else:
                return Match(name, method, value)
        return None
