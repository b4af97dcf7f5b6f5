"""Compares the parameters of a page with those of its spec, and their nested parts, fact by fact."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from segforge.pages.draft import is_left_out, left_out
from segforge.pages.drift.comparison import Compared
from segforge.pages.drift.difference import (
    ABSENT,
    APPLIED_FROM,
    RULES,
    Difference,
    Kind,
    _Rule,
    as_page_facts,
    can_hold,
    is_same_type,
    readings,
    short,
    short_spec,
)
from segforge.pages.layouts.labels import hinted
from segforge.pages.page import Fact, PageParameter, Undecided, Value, walk
from segforge.pages.parameter_draft import MAX_LABEL
from segforge.spec.build import entry_value
from segforge.spec.printable import show
from segforge.spec.source import Location
from segforge.spec.values import equal, is_among

JOINED: Final = ("/joined", "/glued", "/tokens")
"""Layouts that join values to the next name."""
_MARKS: Final = ("deprecated", "affects_price")


@dataclass(frozen=True)
class Parts:
    """Parameters of one object: those of the spec at a location, and those that the page lists for it."""

    comparison: Compared
    at: Location
    spec: Mapping[str, Any]
    page: Sequence[PageParameter]

    def differences(self) -> Iterator[Difference]:
        """Yields the differences of all parameters of the object, at any depth."""
        shown = {one.name: one for one in self.page}
        for name, one in shown.items():
            if name in self.spec:
                yield from self._parameter(name, self.spec[name], one)
            else:
                yield from self._new(name, one, shown)
        for name in self.spec:
            if name not in shown:
                yield from self._missing(name, shown)

    def _new(self, name: str, one: PageParameter, shown: Mapping[str, PageParameter]) -> Iterator[Difference]:
        if self.at == ("parameters",) and is_left_out(name, self.comparison.data.get("note", "")):
            note = f"{name} was not compared, since the spec's note says that it is left out"
            self.comparison.notes.append(note)
            return
        made = self._added(name, one)
        ends = [other for other in self.spec if other not in shown and self._runs_into(name, other)]
        yield replace(made, decided=False, why=f"{made.why}; {_ends(name, ends[0])}") if ends else made

    def _missing(self, name: str, shown: Mapping[str, PageParameter]) -> Iterator[Difference]:
        if self.comparison.page.problems:
            place = ".".join(map(str, (*self.at[1:], name)))
            self.comparison.notes.append(f"{place} was not found, but the page was not read completely")
            return
        span = self.page[-1].span if self.page else None
        longer = [other for other in shown if other not in self.spec and self._runs_into(other, name)]
        old = short_spec(self.spec[name])
        made = self.comparison.make((*self.at, name), "parameter.removed", "breaking", old, ABSENT, span)
        yield replace(made, decided=False, why=_ends(longer[0], name)) if longer else made

    def _runs_into(self, longer: str, name: str) -> bool:
        """Returns whether a name may be another one joined to the text before it."""
        return self.comparison.page.layout.endswith(JOINED) and longer.endswith(name)

    def _added(self, name: str, one: PageParameter) -> Difference:
        required = one.get("required")
        whys = ["required" if required else "optional"]
        whys += [f"{key} is undecided: {readings(doubt)}" for key, doubt in one.undecided.items()]
        held = can_hold(one.get("type")) or "type" in one.undecided
        if not held:
            whys.append(f"the spec form has no type {show(one.get('type'))}; to settle it, add to the spec: note: ")
            whys[-1] += left_out([one])
        sure = min((fact.confidence for key, fact in one.facts.items() if key != "sample"), default=0.0)
        sure = sure if held and not any(part.undecided for part in walk((one,))) else 0.0
        kind: Kind = "breaking" if required else "compatible"
        at = (*self.at, name)
        why = "; ".join(whys)
        return self.comparison.make(at, "parameter.added", kind, ABSENT, short(one), one.span, sure=sure, why=why)

    def _parameter(self, name: str, spec: Mapping[str, Any], one: PageParameter) -> Iterator[Difference]:
        if "name" in one.undecided:
            doubt = self.comparison.unnamed[name]
            self.comparison.undecided.append(f"the name of parameters.{name} is undecided: {doubt}")
        yield from OneParameter(self.comparison, (*self.at, name), spec, one).differences()


@dataclass(frozen=True)
class OneParameter:
    """One parameter, or nested part, that both sides have."""

    comparison: Compared
    at: Location
    spec: Mapping[str, Any]
    page: PageParameter

    def differences(self) -> Iterator[Difference]:
        """Yields the differences of all facts, then those of the nested parts."""
        stated = as_page_facts(self.spec)
        for key, rule in RULES.items():
            if not (self._is_member and key == "required"):  # pages print a flag beside members, but it says nothing
                yield from self._fact(key, stated, rule)
        yield from self._enum()
        yield from self._labels()
        yield from self._file()
        yield from self._parts()

    @property
    def _is_member(self) -> bool:
        """Whether this is a member of a union."""
        return len(self.at) > 2 and self.at[-2] == "any_of" and isinstance(self.at[-1], int)

    def _is_same(self, key: str, old: Value, new: Value) -> bool:
        """Returns whether a fact is the same. Pages print `any` for members of unions, and for objects with keys."""
        if key != "type":
            return equal(old, new)
        untyped = new == "any" and (self._is_member or (self.page.items and old in ("object", "object[]")))
        return bool(untyped) or is_same_type(old, new)

    def _make(self, key: Location, *what: Any, **more: Any) -> Difference:
        return self.comparison.make((*self.at, *key), *what, **more)

    def _fact(self, key: str, stated: Mapping[str, Value], rule: _Rule) -> Iterator[Difference]:
        one, old = self.page, stated.get(key, ABSENT)
        doubt = one.undecided.get(key) or (dict(hinted(one)).get(key) if old is not ABSENT else None)
        if doubt is not None:
            yield from self._doubt((key,), key, old, doubt)
            return
        fact = one.facts.get(key)
        new = fact.value if fact is not None else ABSENT
        if key in _MARKS and new is not True:
            if old is True:
                self.comparison.notes.append(f"{self._path(key)} was not compared, since the page doesn't mark it")
            return
        if self._is_same(key, old, new):
            return
        made, kind = rule(old, new)
        sure = fact.confidence if fact is not None else 1.0
        why = fact.why if fact is not None and sure < APPLIED_FROM else ""
        span = fact.span if fact is not None else one.span
        yield self._make((key,), made, kind, old, new, span, sure=sure, why=why)

    def _path(self, *key: str | int) -> str:
        return ".".join(map(str, (*self.at, *key)))

    def _doubt(self, at: Location, key: str, old: Value, doubt: Undecided) -> Iterator[Difference]:
        """Yields a difference for an undecided fact, unless one of its readings agrees with the spec."""
        if old is ABSENT or not doubt.candidates or any(self._is_same(key, old, one) for one in doubt.candidates):
            self.comparison.undecided.append(f"{self._path(*at)} is undecided on the page: {doubt.why}")
            return
        why, page = f"undecided: {readings(doubt)}; {doubt.why}", list(doubt.candidates)
        yield self._make(at, f"{key}.undecided", "compatible", old, page, doubt.span, sure=0, why=why)

    def _parts(self) -> Iterator[Difference]:
        """Yields the differences of nested parts that both sides describe."""
        for at, spec, page in nested(self.at, self.spec, self.page):
            if page:
                yield from Parts(self.comparison, at, spec, page).differences()
            elif spec:
                self.comparison.notes.append(
                    f"{'.'.join(map(str, at))} was not compared, since the page lists no parts"
                )
        members = self.spec.get("any_of", ())
        if len(members) == len(self.page.members):
            for index, (member, shown) in enumerate(zip(members, self.page.members, strict=True)):
                yield from OneParameter(self.comparison, (*self.at, "any_of", index), member, shown).differences()
        elif self.page.members:
            titles = [one.name for one in self.page.members]
            old = [one.get("title", "") for one in members]
            why = "the page has another number of members; compare them by hand"
            rule = "members.changed"
            yield self._make(("any_of",), rule, "breaking", old, titles, self.page.span, sure=0, why=why)

    def _enum(self) -> Iterator[Difference]:
        """Yields a difference for each added or removed value, then one for the total."""
        one, old = self.page, self.spec.get("enum")
        for key, fact in (("enum", "known"), ("enum_total", "total")):
            if key in one.undecided:
                yield from self._doubt_of_set(fact, one.undecided[key])
                return
        shown, hint = one.facts.get("enum"), dict(hinted(one)).get("enum")
        if old is not None and hint is not None:
            yield from self._doubt_of_set("known", hint)
        elif shown is not None and old is None:
            page = {"known": shown.value, "total": one.get("enum_total") or len(shown.value)}
            yield self._make(("enum",), "enum.stated", "breaking", ABSENT, page, shown.span, sure=shown.confidence)
        elif shown is None and old is not None:
            yield self._make(("enum",), "enum.gone", "compatible", old, ABSENT, one.span)
        elif shown is not None and old is not None:
            yield from self._values(old, shown)

    def _labels(self) -> Iterator[Difference]:
        """Yields the labels of values that differ. A person decides them. Some layouts print no labels."""
        shown, fact, old = self.page.get("enum"), self.page.facts.get("enum_labels"), self.spec.get("enum")
        if not shown or fact is None or old is None:
            return
        known = known_values(old)
        why = "labels are texts for readers; change them by hand if the page is right"
        for value, label in zip(shown, fact.value, strict=False):
            index = next((at for at, one in enumerate(known) if equal(one, value)), None)
            if index is None or not label:
                continue
            entry = old["known"][index]
            stated = str(entry["label"]) if isinstance(entry, Mapping) else None
            if stated is None or stated.split() != label[:MAX_LABEL].split():
                rule = "enum.label_stated" if stated is None else "enum.label_changed"
                at, sides = ("enum", "known", index, "label"), (ABSENT if stated is None else stated, label)
                yield self._make(at, rule, "editorial", *sides, fact.span, sure=0, why=why)

    def _file(self) -> Iterator[Difference]:
        """Yields a kind or a form of file that the page shows and the spec lacks. A person decides it."""
        kind, forms = self.page.facts.get("file"), self.page.facts.get("accepts")
        stated, accepts = self.spec.get("file", ABSENT), self.spec.get("accepts")
        is_known = stated is not ABSENT or self.spec.get("format") == "uri"
        if kind is not None and kind.value != stated and not (kind.value == "any" and is_known):
            why = "a kind of file follows from a type alone; change it by hand if the page is right"
            change: tuple[str, Kind] = (
                ("file.stated", "compatible") if stated is ABSENT else ("file.changed", "breaking")
            )
            yield self._make(("file",), *change, stated, kind.value, kind.span, sure=0, why=why)
        more = [form for form in forms.value if form not in accepts] if forms is not None and accepts else []
        if forms is not None and more:
            why = "a sample shows it; change it by hand if the page is right"
            sides = list(accepts or ()), forms.value
            yield self._make(("accepts",), "accepts.added", "compatible", *sides, forms.span, sure=0, why=why)

    def _doubt_of_set(self, fact: str, doubt: Undecided) -> Iterator[Difference]:
        stated = self.spec.get("enum")
        old = ABSENT if stated is None else known_values(stated) if fact == "known" else stated["total"]
        key = "enum" if fact == "known" else "enum_total"
        yield from self._doubt(("enum",), key, old, doubt)

    def _values(self, old: Mapping[str, Any], shown: Fact) -> Iterator[Difference]:
        before, after, total = known_values(old), shown.value, self.page.facts.get("enum_total")
        count = total.value if total is not None else len(after)
        missing = [index for index, value in enumerate(before) if not is_among(value, after)]
        added = [value for value in after if not is_among(value, before)]
        is_open = count > len(after)
        if is_open and count >= len(before) + len(added):
            missing = []  # they may be among the values that the page doesn't show
        unclear = is_open and bool(missing)
        sure = 0.0 if unclear else shown.confidence
        why = f"the page shows {len(after)} of {count} values, so the removed ones can't be determined"
        why = why if unclear else ""
        known: Location
        for index in missing:
            value, known = before[index], ("enum", "known", index)
            yield self._make(known, "enum.value_removed", "breaking", value, ABSENT, shown.span, sure=sure, why=why)
        for value in added:
            known = ("enum", "known")
            yield self._make(known, "enum.value_added", "compatible", ABSENT, value, shown.span, sure=sure, why=why)
        if old["total"] is None:
            return  # nobody knows the total
        if total is not None and count != old["total"] and count - old["total"] != len(added) - len(missing):
            kind: Kind = "breaking" if count < old["total"] else "compatible"
            sides = old["total"], count
            yield self._make(("enum", "total"), "enum.total_changed", kind, *sides, total.span, sure=sure, why=why)


def known_values(choices: Mapping[str, Any]) -> list[Any]:
    """Returns the known values of a spec's set, without their labels."""
    return list(map(entry_value, choices["known"]))


def nested(
    at: Location, spec: Mapping[str, Any], page: PageParameter
) -> Iterator[tuple[Location, Mapping[str, Any], Sequence[PageParameter]]]:
    """Yields the location of the properties below a parameter, with both sides. The items of a list are in between."""
    while "items" in spec:
        at, spec = (*at, "items"), spec["items"]
    if "properties" in spec or page.items:
        yield (*at, "properties"), spec.get("properties", {}), page.items


def _ends(longer: str, name: str) -> str:
    return f"{show(longer)} may be {show(name)} joined to the value before it"
