"""Changes of one parameter and, at any depth, of its nested parts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from segforge.spec.catalog import ABSENT, Absent, Choices, FileForm, Parameter
from segforge.spec.changes.change import Change, Effect, breaks_callers, members, reworded, sided, stated
from segforge.spec.printable import between
from segforge.spec.values import equal, fits, is_among

_Judged: TypeAlias = tuple[str, Effect]
"""The rule of a change and its effect."""
_ENDS: Final = {
    "minimum": 1,
    "maximum": -1,
    "exclusive_minimum": 1,
    "exclusive_maximum": -1,
    "min_length": 1,
    "max_length": -1,
    "min_items": 1,
    "max_items": -1,
}
"""The ends of ranges, lengths and sizes, each with the sign of the direction in which it excludes values."""
_FORMS: Final[tuple[FileForm, ...]] = ("url", "base64", "data_uri", "part")
_SIZED: Final = {"string": ("min_length", "max_length", "characters"), "array": ("min_items", "max_items", "items")}


def parameter_sets(
    subject: str, at: str, part: str, old: Sequence[Parameter], new: Sequence[Parameter]
) -> Iterator[Change]:
    """Yields the changes between two sets of parameters, or of properties of an object. `part` ends in a dot."""
    before, after = ({one.name: one for one in side} for side in (old, new))
    for name in [*before, *(name for name in after if name not in before)]:
        place = PartPlace(subject, f"{at}.{name}", part + name)
        if name not in after:
            yield place.change("", "parameter.removed", "breaking", _short(before[name]), None)
        elif name not in before:
            effect: Effect = "breaking" if after[name].required else "additive"
            yield place.change("", "parameter.added", effect, None, _short(after[name]))
        else:
            yield from parameter_changes(place, before[name], after[name])


@dataclass(frozen=True)
class PartPlace:
    """The place of a parameter: its model, its path in the spec, and its name in sentences, such as `images[].uri`."""

    subject: str
    at: str
    part: str
    flagged: bool = True
    """Whether the mark as required counts. Items and members of unions have none."""

    def change(self, key: str, rule: str, effect: Effect, old: Any, new: Any) -> Change:
        """Returns the change of one fact. None means that a side lacks it."""
        return sided(self.subject, f"{self.at}.{key}" if key else self.at, rule, effect, old, new, part=self.part)

    def text(self, key: str, old: Any, new: Any) -> Iterator[Change]:
        """Yields the change of a fact that concerns readers only."""
        return reworded(self.subject, f"{self.at}.{key}", old, new, part=self.part)

    def below(self, at: str, part: str) -> "PartPlace":
        """Returns the place of the items of a list, or of a member of a union."""
        return PartPlace(self.subject, f"{self.at}.{at}", self.part + part, flagged=False)


def parameter_changes(place: PartPlace, old: Parameter, new: Parameter) -> Iterator[Change]:
    """Yields the changes of a parameter that both sides have. If its type changed, its parts are not compared."""
    yield from _type(place, old, new)
    yield from _format(place, old, new)
    if place.flagged:
        yield from _required(place, old.required, new.required)
    else:
        yield from place.text("required", old.required, new.required)
    if old.takes_null and new.takes_null:
        yield from place.text("nullable", old.nullable, new.nullable)
    elif old.nullable != new.nullable:
        effect: Effect = "additive" if new.nullable else "breaking"
        yield place.change("nullable", "nullable.changed", effect, old.nullable, new.nullable)
    yield from _default(place, old.default, new.default)
    for end, sign in _ENDS.items():
        yield from _bound(place, end, getattr(old, end), getattr(new, end), sign, old, new)
    yield from _step(place, old.multiple_of, new.multiple_of)
    yield from _choices(place, old, new)
    yield from _file(place, old, new)
    yield from _marks(place, old, new)
    if old.type == new.type:
        yield from _parts(place, old, new)
    for key in ("description", "note", "shape", "inferred"):
        yield from place.text(key, getattr(old, key), getattr(new, key))


def _type(place: PartPlace, old: Parameter, new: Parameter) -> Iterator[Change]:
    if old.type != new.type:
        wider = (old.type, new.type) == ("integer", "number") or (new.type == "any" and _holds(new, old))
        judged: _Judged = ("type.widened", "additive") if wider else ("type.changed", "breaking")
        yield place.change("type", *judged, old.type, new.type)


def _holds(union: Parameter, old: Parameter) -> bool:
    """Returns whether a parameter without a type, or one of its members, takes every value of another parameter."""
    own = replace(old, nullable=True)
    members_ = (replace(one, nullable=True) for one in union.any_of)
    return not union.any_of or any(not breaks_callers(parameter_changes(_NOWHERE, own, one)) for one in members_)


_NOWHERE: Final = PartPlace("", "", "", flagged=False)
_FREE: Final = Parameter("items", "any", None, "", nullable=True)
"""Items that nothing describes, which take any value."""


def _format(place: PartPlace, old: Parameter, new: Parameter) -> Iterator[Change]:
    """Yields the change of the format, which only parameters without a set of values have to fit."""
    if old.format != new.format and (old.choices is not None or new.choices is not None):
        yield from place.text("format", old.format, new.format)
    elif old.format != new.format:
        judged: _Judged = ("format.gone", "additive") if new.format is None else ("format.changed", "breaking")
        yield place.change("format", *judged, old.format, new.format)


def _required(place: PartPlace, old: bool | None, new: bool | None) -> Iterator[Change]:
    """Yields the change of the mark as required. A parameter without a mark is optional."""
    if bool(old) != bool(new):
        rule = "required.now" if new else "required.no_longer"
        yield Change(
            place.subject,
            f"{place.at}.required",
            rule,
            "breaking" if new else "additive",
            old,
            new,
            old is not None,
            new is not None,
            part=place.part,
        )
    elif old is not new:
        rule = "required.unknown" if new is None else "required.known"
        yield place.change("required", rule, "editorial", old, new)


def _default(place: PartPlace, old: Any, new: Any) -> Iterator[Change]:
    if old is new or (ABSENT not in (old, new) and equal(old, new)):
        return
    has_old, has_new = (not isinstance(value, Absent) for value in (old, new))
    rule = "default.changed" if has_new else "default.gone"
    sides = (old if has_old else None, new if has_new else None)
    at = f"{place.at}.default"
    yield Change(place.subject, at, rule, "additive", *sides, has_old, has_new, part=place.part)


def _range(one: Parameter) -> str:
    if one.type in _SIZED:
        low, high, noun = _SIZED[one.type]
        return f"{between(getattr(one, low), getattr(one, high), 'any number of')} {noun}"
    parts = [
        *([between(one.minimum, one.maximum, "")] if (one.minimum, one.maximum) != (None, None) else []),
        *([] if one.exclusive_minimum is None else [f"more than {one.exclusive_minimum}"]),
        *([] if one.exclusive_maximum is None else [f"less than {one.exclusive_maximum}"]),
    ]
    return " and ".join(parts) or "any number"


def _bound(
    place: PartPlace, end: str, before: float | None, after: float | None, sign: int, old: Parameter, new: Parameter
) -> Iterator[Change]:
    if before == after:
        return
    narrower = after is not None and (before is None or (after - before) * sign > 0)
    judged: _Judged = ("range.narrowed", "breaking") if narrower else ("range.widened", "additive")
    change = place.change(end, *judged, before, after)
    yield replace(change, words=f"takes {_range(new)} (was {_range(old)})")


def _step(place: PartPlace, old: int | None, new: int | None) -> Iterator[Change]:
    if old != new:
        narrower = new is not None and (old is None or old % new != 0)
        judged: _Judged = ("step.narrowed", "breaking") if narrower else ("step.widened", "additive")
        yield place.change("multiple_of", *judged, old, new)


def _choices(place: PartPlace, old: Parameter, new: Parameter) -> Iterator[Change]:
    """Yields changes of known values, and of whether others are allowed. An open set accepts unlisted values too."""
    before, after = old.choices, new.choices
    if before is None and after is None:
        return
    if before is None or after is None:
        if after is not None:
            effect: Effect = "editorial" if after.open else "breaking"
            yield place.change("enum", "enum.stated", effect, None, list(after.known))
        elif before is not None:
            effect = "additive" if _fit_all(before, new) else "breaking"
            yield place.change("enum", "enum.gone", effect, list(before.known), None)
        return
    for value in before.known:
        if not is_among(value, after.known):
            effect = "editorial" if after.open else "breaking"
            change = place.change("enum.known", "enum.value_removed", effect, value, None)
            yield replace(change, words="no longer lists" if after.open else "no longer takes")
    for value in after.known:
        if not is_among(value, before.known):
            yield place.change("enum.known", "enum.value_added", "additive", None, value)
    if before.open != after.open:
        judged: _Judged = ("enum.opened", "additive") if after.open else ("enum.closed", "breaking")
        yield place.change("enum.total", *judged, before.total, after.total)
    elif before.total != after.total and before.open:
        yield place.change("enum.total", "enum.total_changed", "editorial", before.total, after.total)
    yield from place.text("enum.labels", _labels(before), _labels(after))


def _labels(choices: Choices) -> dict[str, str | None]:
    """Returns the labels of the values that have one, by value."""
    pairs = zip(choices.known, choices.labels, strict=False)
    return {f"{value!r}": label for value, label in pairs if label is not None}


def _fit_all(before: Choices, new: Parameter) -> bool:
    """Returns whether all values of a set fit the format, which only parameters without a set have to fit."""
    if new.format is None:
        return True
    return not before.open and all(fits(value, new.format) for value in before.known if isinstance(value, str))


def _file(place: PartPlace, old: Parameter, new: Parameter) -> Iterator[Change]:
    """Yields changes of the kind and the forms of a file. A file whose forms nobody states may come in any form."""
    if old.file != new.file:
        wider = old.file is None or new.file == "any"
        yield place.change("file", "file.changed", "additive" if wider else "breaking", old.file, new.file)
    if bool(old.accepts) != bool(new.accepts):
        effect: Effect = "breaking" if new.accepts and set(new.accepts) != set(_FORMS) else "additive"
        rule = "accepts.stated" if new.accepts else "accepts.gone"
        yield place.change("accepts", rule, effect, list(old.accepts) or None, list(new.accepts) or None)
    else:
        yield from members(place.subject, f"{place.at}.accepts", "accepts.", old.accepts, new.accepts, part=place.part)


def _marks(place: PartPlace, old: Parameter, new: Parameter) -> Iterator[Change]:
    if old.deprecated != new.deprecated:
        judged: _Judged = ("deprecated.now", "additive") if new.deprecated else ("deprecated.no_longer", "editorial")
        yield place.change("deprecated", *judged, old.deprecated, new.deprecated)
    if old.affects_price != new.affects_price:
        sides = old.affects_price, new.affects_price
        yield place.change("affects_price", "affects_price.changed", "editorial", *sides)


def _parts(place: PartPlace, old: Parameter, new: Parameter) -> Iterator[Change]:
    """Yields the changes of nested parts. Parts that nothing states take any value."""
    if old.items is not None and new.items is not None:
        yield from parameter_changes(place.below("items", "[]"), old.items, new.items)
    elif new.items is not None:
        narrower = breaks_callers(parameter_changes(_NOWHERE, _FREE, new.items))
        yield place.change("items", "parts.stated", "breaking" if narrower else "additive", None, _short(new.items))
    elif old.items is not None:
        yield place.change("items", "parts.gone", "additive", _short(old.items), None)
    if old.properties and new.properties:
        at, part = f"{place.at}.properties", f"{place.part}."
        yield from parameter_sets(place.subject, at, part, old.properties, new.properties)
    else:
        yield from _stated(place, "properties", _names(old.properties), _names(new.properties))
    if old.any_of and new.any_of:
        yield from _members(place, old.any_of, new.any_of)
    else:
        yield from _stated(place, "any_of", _names(old.any_of), _names(new.any_of))


def _stated(place: PartPlace, key: str, old: Any, new: Any) -> Iterator[Change]:
    if old is not None or new is not None:
        judged: _Judged = ("parts.gone", "additive") if new is None else ("parts.stated", "breaking")
        yield place.change(key, *judged, old, new)


def _members(place: PartPlace, old: Sequence[Parameter], new: Sequence[Parameter]) -> Iterator[Change]:
    """Yields the changes of a union's members, by their titles."""
    before, after = ({one.name: one for one in side} for side in (old, new))
    yield from members(place.subject, f"{place.at}.any_of", "member.", list(before), list(after), part=place.part)
    for name, one in before.items():
        if name in after:
            yield from parameter_changes(place.below(f"any_of.{name}", f"({name})"), one, after[name])


def _names(parts: Sequence[Parameter]) -> list[str] | None:
    return [one.name for one in parts] or None


def _short(one: Parameter) -> dict[str, Any]:
    """Returns the facts of a parameter and its parts that concern callers, in the form of a spec."""
    own = replace(one, description="", note=None, disputed=(), items=None, properties=(), any_of=())
    data = {key: value for key, value in stated(own).items() if key not in ("name", "description")}
    data = {key: value for key, value in data.items() if key != "required" or value is not None}
    data |= {"items": _short(one.items)} if one.items is not None else {}
    data |= {"properties": {part.name: _short(part) for part in one.properties}} if one.properties else {}
    return data | ({"any_of": [{"title": part.name, **_short(part)} for part in one.any_of]} if one.any_of else {})
