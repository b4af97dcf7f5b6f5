"""One change of a fact between two Catalogs, its effect on callers, and the version that changes require.

A change breaks callers if requests that were valid become invalid, or if answers lose something.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from segforge.spec.catalog import Absent
from segforge.spec.printable import show

Effect: TypeAlias = Literal["breaking", "additive", "editorial"]
Bump: TypeAlias = Literal["major", "minor", "patch", "none"]
_BUMPS: Final[dict[Effect, Bump]] = {"breaking": "major", "additive": "minor", "editorial": "patch"}
UNRELEASED: Final = "unreleased"
"""The date of the open version, which collects changes until a person sets a date."""
_NOTHING: Final = "nothing"
_INTERNAL: Final = ("note", "source.reviewed", "average.read")
"""The facts whose changes don't reach clients: curators' notes, and the dates of reviews."""


@dataclass(frozen=True)
class Change:
    """One fact that differs. If a side lacks the fact, `old` or `new` is None, and `has_old` or `has_new` is false.

    `at` is the path of the fact. `part` is the parameter or nested part that it belongs to, such as `images[].uri`, and
    empty for a fact of a whole model. `words` describe the change if the two values alone don't.
    """

    subject: str
    at: str
    rule: str
    level: Effect
    old: Any = None
    new: Any = None
    has_old: bool = True
    has_new: bool = True
    words: str = ""
    part: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns the change as a JSON object. A side that lacks the fact has no key."""
        document: dict[str, Any] = {"subject": self.subject, "at": self.at, "rule": self.rule, "level": self.level}
        return document | ({"old": self.old} if self.has_old else {}) | ({"new": self.new} if self.has_new else {})


def bump_of(changes: Iterable[Change]) -> Bump:
    """Returns the part of a semantic version that the changes require to be raised."""
    levels = {change.level for change in changes if reaches_clients(change)}
    return next((bump for level, bump in _BUMPS.items() if level in levels), "none")


def breaks_callers(changes: Iterable[Change]) -> bool:
    """Returns whether one of the changes breaks callers, of the clients or of another route."""
    return any(change.level == "breaking" for change in changes)


def reaches_clients(change: Change) -> bool:
    """Returns whether a change affects the clients. Dates of reviews, curators' notes and other routes don't."""
    return not (
        change.rule.startswith("route.")
        or (change.rule == "text.changed" and any(f".{change.at}".endswith(f".{one}") for one in _INTERNAL))
    )


def raised(version: str, bump: Bump) -> str:
    """Returns the next version. Before 1.0.0 a breaking change raises the minor part, as item 4 of semver allows."""
    major, minor, patch = parts(version)
    if bump == "none":
        return version
    if bump == "major" and major > 0:
        return f"{major + 1}.0.0"
    if bump == "patch" or (bump == "minor" and major == 0):
        return f"{major}.{minor}.{patch + 1}"
    return f"{major}.{minor + 1}.0"


def parts(version: str) -> tuple[int, ...]:
    """Returns the numbers of a version, for comparisons."""
    return tuple(map(int, version.split(".")))


def sides(change: Change) -> str:
    """Returns the old and the new value, each shortened to fit a line."""
    old = show(change.old, 120) if change.has_old else "nothing"
    return f"{old} -> {show(change.new, 120) if change.has_new else 'nothing'}"


def sided(subject: str, at: str, rule: str, level: Effect, old: Any, new: Any, *, part: str = "") -> Change:
    """Returns a change of which None and an absent value mean that a side lacks the fact."""
    has_old, has_new = (value is not None and not isinstance(value, Absent) for value in (old, new))
    one, two = (as_data(value) for value in (old, new))
    return Change(subject, at, rule, level, one, two, has_old, has_new, part=part)


def reworded(subject: str, at: str, old: Any, new: Any, *, part: str = "") -> Iterator[Change]:
    """Yields the change of a text, or of another fact that concerns readers only."""
    if old != new:
        yield sided(subject, at, "text.changed", "editorial", old, new, part=part)


def members(
    subject: str, at: str, rule: str, old: Sequence[str], new: Sequence[str], *, part: str = ""
) -> Iterator[Change]:
    """Yields the values that only one of two sets has. A lost value breaks callers. `rule` is the start of the name."""
    for value in old:
        if value not in new:
            yield sided(subject, at, f"{rule}removed", "breaking", value, None, part=part)
    for value in new:
        if value not in old:
            yield sided(subject, at, f"{rule}added", "additive", None, value, part=part)


def as_data(value: Any) -> Any:
    """Converts a value of the Catalog to JSON data."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: as_data(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [as_data(item) for item in value]
    return None if isinstance(value, Absent) else value


def stated(value: Any) -> Any:
    """Converts a value of the Catalog to JSON data, without the facts that have their default."""
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return [stated(item) for item in value] if isinstance(value, tuple) else as_data(value)
    fields = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
    return {field.name: stated(item) for field, item in fields if not _is_default(field, item)}


def _is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    if field.default_factory is not dataclasses.MISSING:
        return bool(value == field.default_factory())
    return value is field.default or (isinstance(value, tuple) and not value)
