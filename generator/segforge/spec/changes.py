"""Changes between two Catalogs, and whether they break callers.

A change breaks callers if requests that were valid become invalid, or if answers lose something.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from segforge.spec.catalog import Absent, Gateway, Model, Parameter, Price
from segforge.spec.printable import between, show

Level: TypeAlias = Literal["breaking", "additive", "editorial"]
Bump: TypeAlias = Literal["major", "minor", "patch", "none"]
_BUMPS: Final[dict[Level, Bump]] = {"breaking": "major", "additive": "minor", "editorial": "patch"}
UNRELEASED: Final = "unreleased"
"""The date of the open version, which collects changes until a person sets a date."""
_NOTHING: Final = "nothing"


@dataclass(frozen=True)
class Change:
    """One fact that differs. If a side lacks the fact, `old` or `new` is None, and `has_old` or `has_new` is false.

    `words` describe the change if the two values alone don't.
    """

    subject: str
    at: str
    rule: str
    level: Level
    old: Any = None
    new: Any = None
    has_old: bool = True
    has_new: bool = True
    words: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns the change as a JSON object. A side that lacks the fact has no key."""
        document: dict[str, Any] = {"subject": self.subject, "at": self.at, "rule": self.rule, "level": self.level}
        return document | ({"old": self.old} if self.has_old else {}) | ({"new": self.new} if self.has_new else {})


def bump_of(changes: Iterable[Change]) -> Bump:
    """Returns the part of a semantic version that the changes require to be raised."""
    levels = {change.level for change in changes if reaches_clients(change)}
    return next((bump for level, bump in _BUMPS.items() if level in levels), "none")


def reaches_clients(change: Change) -> bool:
    """Returns whether a change affects the clients. Review dates and curators' notes don't."""
    return change.rule != "text.changed" or not f".{change.at}".endswith((".source.reviewed", ".note"))


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


def model_changes(old: Sequence[Model], new: Sequence[Model]) -> list[Change]:
    """Returns the changes between two sets of models, by slug."""
    before, after = ({model.slug: model for model in models} for models in (old, new))
    changes: list[Change] = []
    for slug in sorted({*before, *after}):
        if slug not in after:
            changes.append(Change(slug, "", "model.removed", "breaking", old=before[slug].title, has_new=False))
        elif slug not in before:
            changes.append(Change(slug, "", "model.added", "additive", new=after[slug].title, has_old=False))
        else:
            changes += _Models(before[slug], after[slug]).changes()
    return changes


class _Models:
    """The old and the new state of one model."""

    def __init__(self, old: Model, new: Model) -> None:
        self.old, self.new, self.slug = old, new, new.slug

    def changes(self) -> Iterator[Change]:
        yield from self._sets("versions", "version.", self.old.versions, self.new.versions)
        if self.old.returns.media != self.new.returns.media:
            yield Change(
                self.slug,
                "returns.media",
                "returns.changed",
                "breaking",
                self.old.returns.media,
                self.new.returns.media,
            )
        yield from self._sets("returns.formats", "returns.format_", self.old.returns.formats, self.new.returns.formats)
        before, after = self.old.parameters_by_name, self.new.parameters_by_name
        for name in [*before, *(name for name in after if name not in before)]:
            at = f"parameters.{name}"
            if name not in after:
                yield Change(self.slug, at, "parameter.removed", "breaking", old=_short(before[name]), has_new=False)
            elif name not in before:
                level: Level = "breaking" if after[name].required else "additive"
                yield Change(self.slug, at, "parameter.added", level, new=_short(after[name]), has_old=False)
            else:
                yield from _parameter(self.slug, at, before[name], after[name])
        yield from _price(self.slug, self.old.price, self.new.price)
        for key in ("title", "description", "note", "typical_seconds", "typical_cost", "example"):
            yield from _editorial(self.slug, key, getattr(self.old, key), getattr(self.new, key))
        for key in ("url", "reviewed"):
            yield from _editorial(
                self.slug, f"source.{key}", getattr(self.old.source, key), getattr(self.new.source, key)
            )
        yield from _editorial(self.slug, "returns.controls", self.old.returns.controls, self.new.returns.controls)

    def _sets(self, at: str, rule: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
        for value in old:
            if value not in new:
                yield Change(self.slug, at, f"{rule}removed", "breaking", old=value, has_new=False)
        for value in new:
            if value not in old:
                yield Change(self.slug, at, f"{rule}added", "additive", new=value, has_old=False)


def _price(slug: str, old: Price | None, new: Price | None) -> Iterator[Change]:
    """Yields the change of a price. It is editorial like one of `typical_cost`: requests and answers stay the same.

    A correction of the facts without a new text of the page neither raises nor lowers the price.
    """
    if old == new:
        return
    rule = "price.changed"
    if old is not None and new is not None and old.unit == new.unit and old.printed != new.printed:
        ends = ((old.from_, new.from_), (old.to, new.to))
        rises = [None if one is None or two is None else two - one for one, two in ends if one != two]
        if rises and all(rise is not None and rise > 0 for rise in rises):
            rule = "price.raised"
        elif rises and all(rise is not None and rise < 0 for rise in rises):
            rule = "price.lowered"
    yield _sided(slug, "price", rule, "editorial", old and old.facts, new and new.facts)


def _parameter(slug: str, at: str, old: Parameter, new: Parameter) -> Iterator[Change]:
    if old.type != new.type:
        wider = (old.type, new.type) == ("integer", "number")
        yield Change(
            slug,
            f"{at}.type",
            "type.widened" if wider else "type.changed",
            "additive" if wider else "breaking",
            old.type,
            new.type,
        )
    if old.format != new.format:
        level: Level = "additive" if new.format is None else "breaking"
        yield Change(
            slug,
            f"{at}.format",
            "format.gone" if new.format is None else "format.changed",
            level,
            old.format,
            new.format,
            old.format is not None,
            new.format is not None,
        )
    if old.required != new.required:
        rule = "required.now" if new.required else "required.no_longer"
        yield Change(
            slug, f"{at}.required", rule, "breaking" if new.required else "additive", old.required, new.required
        )
    if old.nullable != new.nullable:
        yield Change(
            slug,
            f"{at}.nullable",
            "nullable.changed",
            "additive" if new.nullable else "breaking",
            old.nullable,
            new.nullable,
        )
    if not same(old.default, new.default):
        rule = "default.gone" if isinstance(new.default, Absent) else "default.changed"
        yield _sided(slug, f"{at}.default", rule, "additive", _plain(old.default), _plain(new.default))
    for end, sign in _ENDS.items():
        words = f"takes {_range(new)} (was {_range(old)})"
        yield from _bound(slug, f"{at}.{end}", getattr(old, end), getattr(new, end), sign, words)
    yield from _step(slug, f"{at}.multiple_of", old.multiple_of, new.multiple_of)
    yield from _choices(slug, f"{at}.enum", old, new)
    for key in ("description", "note"):
        yield from _editorial(slug, f"{at}.{key}", getattr(old, key), getattr(new, key))


_ENDS: Final = {
    "minimum": 1,
    "maximum": -1,
    "exclusive_minimum": 1,
    "exclusive_maximum": -1,
    "min_length": 1,
    "max_length": -1,
}
"""The ends of ranges and lengths, each with the sign of the direction in which it excludes values."""


def _range(one: Parameter) -> str:
    if one.type == "string":
        return f"{between(one.min_length, one.max_length, 'any number of')} characters"
    parts = [
        *([between(one.minimum, one.maximum, "")] if (one.minimum, one.maximum) != (None, None) else []),
        *([] if one.exclusive_minimum is None else [f"more than {one.exclusive_minimum}"]),
        *([] if one.exclusive_maximum is None else [f"less than {one.exclusive_maximum}"]),
    ]
    return " and ".join(parts) or "any number"


def _step(slug: str, at: str, old: int | None, new: int | None) -> Iterator[Change]:
    if old != new:
        narrower = new is not None and (old is None or old % new != 0)
        rule = "step.narrowed" if narrower else "step.widened"
        yield _sided(slug, at, rule, "breaking" if narrower else "additive", old, new)


def _bound(slug: str, at: str, old: float | None, new: float | None, sign: int, words: str) -> Iterator[Change]:
    if old == new:
        return
    narrower = new is not None and (old is None or (new - old) * sign > 0)
    rule = "range.narrowed" if narrower else "range.widened"
    level: Level = "breaking" if narrower else "additive"
    yield Change(slug, at, rule, level, old, new, old is not None, new is not None, words)


def _choices(slug: str, at: str, old: Parameter, new: Parameter) -> Iterator[Change]:
    """Yields changes of known values, and of whether others are allowed. An open set accepts unlisted values too."""
    before, after = old.choices, new.choices
    if before is None and after is None:
        return
    if before is None or after is None:
        level: Level = "additive" if after is None else "editorial" if after.open else "breaking"
        rule = "enum.gone" if after is None else "enum.stated"
        yield _sided(slug, at, rule, level, before and list(before.known), after and list(after.known))
        return
    for value in before.known:
        if not any(same(value, other) for other in after.known):
            yield Change(
                slug,
                f"{at}.known",
                "enum.value_removed",
                "editorial" if after.open else "breaking",
                old=value,
                has_new=False,
                words="no longer lists" if after.open else "no longer takes",
            )
    for value in after.known:
        if not any(same(value, other) for other in before.known):
            yield Change(slug, f"{at}.known", "enum.value_added", "additive", new=value, has_old=False)
    if before.open != after.open:
        rule, level = ("enum.opened", "additive") if after.open else ("enum.closed", "breaking")
        yield Change(slug, f"{at}.total", rule, level, before.total, after.total)
    elif before.total != after.total and before.open:
        yield Change(slug, f"{at}.total", "enum.total_changed", "editorial", before.total, after.total)


def gateway_changes(old: Gateway, new: Gateway) -> list[Change]:
    """Returns the changes of the gateway itself."""
    changes: list[Change] = []
    for key in ("base_url", "auth", "routes", "lifecycle", "content_types"):
        before, after = _data(getattr(old, key)), _data(getattr(new, key))
        for at, one, two in _leaves(key, before, after):
            editorial = at.rpartition(".")[2] in (
                "source",
                "meaning",
                "retention_seconds",
                "poll_interval_seconds",
                "deadline_seconds",
            )
            changes.append(_sided("gateway", at, "gateway.changed", "editorial" if editorial else "breaking", one, two))
    changes += _members("status", "statuses", *({status.code for status in side.statuses} for side in (old, new)))
    changes += _members("header", "headers", *({header.name for header in side.headers} for side in (old, new)))
    return changes


def _members(kind: str, at: str, old: set[Any], new: set[Any]) -> Iterator[Change]:
    for key in sorted(new - old):
        yield Change("gateway", f"{at}.{key}", f"{kind}.added", "additive", new=key, has_old=False)
    for key in sorted(old - new):
        yield Change("gateway", f"{at}.{key}", f"{kind}.removed", "breaking", old=key, has_new=False)


def _leaves(at: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _leaves(f"{at}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, two) in enumerate(zip(old, new, strict=True)):
            yield from _leaves(f"{at}.{index}", one, two)
    elif old != new:
        yield at, old, new


def same(one: Any, two: Any) -> bool:
    """Returns whether two JSON values are equal. True and 1 differ."""
    return bool(one == two) and isinstance(one, bool) == isinstance(two, bool)


def _editorial(slug: str, at: str, old: Any, new: Any) -> Iterator[Change]:
    if old != new:
        yield _sided(slug, at, "text.changed", "editorial", _data(old), _data(new))


def _sided(subject: str, at: str, rule: str, level: Level, old: Any, new: Any) -> Change:
    one, two = (None if value == _NOTHING else value for value in (old, new))
    return Change(
        subject, at, rule, level, one, two, old is not None and old != _NOTHING, new is not None and new != _NOTHING
    )


def _plain(value: Any) -> Any:
    return _NOTHING if isinstance(value, Absent) else value


def _data(value: Any) -> Any:
    """Converts a value of the Catalog to JSON data."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _data(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _data(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_data(item) for item in value]
    return None if isinstance(value, Absent) else value


def _short(one: Parameter) -> dict[str, Any]:
    return {
        key: value
        for key, value in _data(one).items()
        if value is not None and key not in ("name", "description", "note")
    }
