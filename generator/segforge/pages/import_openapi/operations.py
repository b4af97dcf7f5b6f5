"""Finds the operations of models in an OpenAPI document."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from segforge.pages.import_openapi.reading import problem_line
from segforge.pages.import_openapi.schemas import NotHeld, Place, Schemas, is_mapping, pointer
from segforge.spec.catalog import Version

_SLUG: Final = r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*"
_PATH: Final = re.compile(rf"/(v[12])/({_SLUG})")
_VERSIONED: Final = re.compile(r"/(v[12])/")
_SAFE: Final = re.compile(r"/[A-Za-z0-9._/-]*")


@dataclass(frozen=True)
class Operation:
    """One operation of a model: its place and data, and the template of its path if that is unusual."""

    slug: str
    version: Version
    at: Place
    data: object
    template: str | None = None


def operations_of(schemas: Schemas, name: str) -> tuple[dict[str, dict[Version, Operation]], list[str]]:
    """Returns the operations of each model by slug and version, and problems. `name` is the document's in messages."""
    found: dict[str, dict[Version, Operation]] = {}
    problems: list[str] = []
    paths = schemas.document.get("paths", {})
    for path, value in paths.items() if is_mapping(paths) else ():
        at: Place = ("paths", path)
        try:
            with schemas.within(at):
                item = schemas.whole(value, at)
        except NotHeld as error:
            problems.append(problem_line(name, error))
            continue
        if "post" not in item:
            continue
        one = _operation(path, (*at, "post"), item["post"])
        if one is None:
            expected = "expected /v1/SLUG or /v2/SLUG, or a path with the name of the operation's tag"
            problems.append(f"{name}{pointer(at)}: left out, since it isn't the path of a model; {expected}")
        else:
            found.setdefault(one.slug, {}).setdefault(one.version, one)
    if not found:
        problems.append(
            f"{name}{pointer(('paths',))}: no operation POST /v1/SLUG or /v2/SLUG; expected a document such as those "
            "that segforge generate writes"
        )
    return found, problems


def _operation(path: str, at: Place, data: object) -> Operation | None:
    if match := _PATH.fullmatch(path):
        return Operation(match[2], cast("Version", match[1]), at, data)
    slug = _tag(data) if is_mapping(data) else None
    if slug is None or slug not in path.split("/") or not _SAFE.fullmatch(path):
        return None
    template = "/".join("{slug}" if step == slug else step for step in path.split("/"))
    return Operation(slug, _version(path, data), at, data, template) if template.count("{slug}") == 1 else None


def _tag(data: Mapping[str, Any]) -> str | None:
    tags = data.get("tags")
    first = tags[0] if isinstance(tags, list) and tags else None
    return first if isinstance(first, str) and re.fullmatch(_SLUG, first) else None


def _version(path: str, data: object) -> Version:
    """Returns the version that a path names, else that of the operation's name; v1 without either."""
    if match := _VERSIONED.match(path):
        return cast("Version", match[1])
    name = data.get("operationId") if is_mapping(data) else None
    return "v2" if isinstance(name, str) and name.startswith("submit") else "v1"
