"""The public surface of a client as sorted lines of text. The diff between two versions shows the changes of its API.

Each line states one fact: one parameter, one allowed value, one limit of a range. The lines of a model hold all of its
facts that a caller of the client relies on, so `surface_reading` can read them back. Two surfaces are then compared by
the same definition as two sets of specs: `segforge.spec.changes`. Paths, encodings and other facts that the client
hides have no line.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from segforge.emit.artifact import Artifact
from segforge.emit.clients.surface_reading import LIMITS, OTHERS, Surface, read_surface
from segforge.emit.clients.versions import CHANGELOG, allows_breaking
from segforge.spec.catalog import ABSENT, Model, Parameter
from segforge.spec.changes import Change, model_changes, single_statements, stated, watched_defaults
from segforge.spec.printable import json_visible
from segforge.spec.sentences import sentence

SURFACE: Final = "public-surface.txt"
"""The name of the file, in the folder of each client."""
_DEMANDS: Final = ("range.narrowed", "step.narrowed", "required.now", "parameter.added", "default.changed")
"""The changes that a new line states best. A lost line states the others, unless there is none."""


class Shrunk(Exception):
    """A change of surfaces would break callers; `lost` holds the lines by the path of their file."""

    def __init__(self, lost: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(", ".join(lost))
        self.lost = dict(lost)


def broken(before: str, after: str) -> tuple[str, ...]:
    """Returns the lines that break callers: lost ones, and new demands."""
    if before == after:
        return ()
    old, new = read_surface(before), read_surface(after)
    differ = [name for name, lines in old.lines.items() if lines != new.lines.get(name)]
    changes = model_changes(list(map(old.model, differ)), [new.model(one) for one in differ if one in new.lines])
    found = {line for line in old.others if line not in new.others}
    for change in changes:
        if change.level == "breaking":
            found.update(_lines_of_change(change, old, new))
    return tuple(sorted(found))


def _lines_of_change(change: Change, old: Surface, new: Surface) -> Iterable[str]:
    """Returns the lines that show a breaking change of a model, or a sentence if no line does."""
    name = change.subject
    if change.rule == "model.removed":
        return sorted(line for line in old.lines[name] if " " not in line)
    if change.rule == "condition.added":
        return [_demand(name, change.new)]
    before, after = old.lines_at(name, change.at), new.lines_at(name, change.at)
    gone, fresh = before - after, after - before
    if change.rule == "parameter.added":
        fresh = {line for line in fresh if line.startswith(f"{name} requires ")}
    return (fresh if change.rule in _DEMANDS else gone) or gone or fresh or [sentence(change)]


def check_surfaces(out: Path, artifacts: Iterable[Artifact]) -> None:
    """Raises Shrunk if a client's new surface would break code that uses the one in the output folder.

    A change that the client's CHANGELOG announces in a new version is allowed.
    """
    texts = {artifact.path: artifact.text for artifact in artifacts}
    lost = {}
    for path, text in texts.items():
        if path.name == SURFACE and (out / path).is_file():
            lines = broken((out / path).read_text("utf-8", "replace"), text)
            log = path.with_name(CHANGELOG)
            before = (out / log).read_text("utf-8", "replace") if (out / log).is_file() else ""
            if lines and not (before and allows_breaking(before, texts[log])):
                lost[str(path)] = lines
    if lost:
        raise Shrunk(lost)


def model_lines(model: Model, name: str) -> Iterator[str]:
    """The lines of one model, under its name in the client."""
    calls = [call for call, version in (("run", "v1"), ("submit", "v2")) if version in model.versions]
    yield from (f"{name}.{call}" for call in calls)
    yield f"{name} returns {model.returns.media}"
    yield from (f"{name} returns {shape}" for shape in [model.returns.shape] if shape is not None)
    yield from (f"{name} returns {_json(value)}" for value in model.returns.formats)
    yield from (f"{name} takes any other parameter" for _ in [0] if model.level == "partial")
    watched = watched_defaults(model)
    for parameter in model.parameters:
        yield from _lines_of(parameter, name, _json(parameter.name))
        yield from (f"{name} requires {_json(parameter.name)}" for _ in [0] if parameter.required)
        if parameter.name in watched and parameter.default is not ABSENT:
            yield f"{name} assumes {_json(parameter.name)} = {_json(parameter.default)}"
    for condition in model.conditions:
        if not condition.inferred:
            yield from (_demand(name, stated(one)) for one in single_statements(condition))


def _demand(name: str, statement: Any) -> str:
    return f"{name} demands {_json(statement)}"


def _lines_of(parameter: Parameter, name: str, place: str) -> Iterator[str]:
    """The lines of a parameter or a part of one, and of its own parts."""
    at = f"{name} takes {place}"
    type_ = "union" if parameter.any_of and parameter.type == "any" else parameter.type
    yield f"{at}: {type_}{' or null' if parameter.nullable else ''}"
    if parameter.type == "string" or parameter.format is not None:
        yield f"{at} as {parameter.format or 'any text'}"
    limits = ((words, getattr(parameter, limit)) for words, limit in LIMITS.items())
    yield from (f"{at} {words} {_json(limit)}" for words, limit in limits if limit is not None)
    if parameter.choices is not None:
        yield from (f"{at} = {_json(value)}" for value in parameter.choices.known)
        yield from (f"{at} = {OTHERS}" for _ in [0] if parameter.choices.open)
    yield from (f"{at} from files of kind {kind}" for kind in [parameter.file] if kind is not None)
    yield from (f"{at} in the form {form}" for form in parameter.accepts)
    if parameter.items is not None:
        yield from _lines_of(parameter.items, name, f"{place}[]")
    for part in parameter.properties:
        yield from _lines_of(part, name, f"{place}.{_json(part.name)}")
        yield from (f"{name} requires {_json(part.name)} in {place}" for _ in [0] if part.required)
    for member in parameter.any_of:
        yield from _lines_of(member, name, f"{place} as {_json(member.name)}")


def _json(value: object) -> str:
    """Returns a value as JSON on one line, whole, so that it can be read back."""
    return json_visible(json.dumps(value, ensure_ascii=False))


def joined(texts: Iterable[str]) -> str:
    """Returns the surface of a client: all lines of its own and of its models, sorted, without duplicates."""
    lines = dict.fromkeys("\n".join(texts).split("\n"))  # unlike a set, it keeps runs in order, which are sorted faster
    return "\n".join(sorted(lines))
