"""Compares a page with a curated spec: differences, their places in both files, and whether they break callers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from segforge.pages.difference import (
    ABSENT,
    APPLIED_FROM,
    RULES,
    Difference,
    Drift,
    Kind,
    Place,
    _Rule,
    among,
    as_page_facts,
    likeness,
    readings,
    same,
    short,
    short_spec,
)
from segforge.pages.draft import SCALARS, is_left_out, left_out, media_of
from segforge.pages.evidence import Evidence, linked
from segforge.pages.layouts.labels import hinted
from segforge.pages.page import Fact, Page, PageParameter, Span, Undecided, Value
from segforge.spec.printable import show
from segforge.spec.source import Location, SourceFile

LOOSE: Final = 0.08
"""Descriptions with a smaller share of common words than this are reported."""

_JOINED: Final = ("/joined", "/glued", "/tokens")
"""Layouts that join values to the next name."""


def compare(page: Page, source: SourceFile) -> Drift:
    """Compares a page with a spec file without lint errors. Returns the drift."""
    page = _named_by_spec(page, source.data["parameters"])
    comparison = _FactComparison(page, source)
    found = list(comparison.differences())
    return Drift(
        page,
        source.data["slug"],
        tuple(_weighed(found, Evidence(page, source.data))),
        tuple(comparison.descriptions()),
        tuple(comparison.notes),
        tuple(comparison.undecided),
    )


def _weighed(differences: Sequence[Difference], evidence: Evidence) -> Iterator[Difference]:
    """Yields the differences. Those that the page contradicts, and the rest of their statements, become undecided."""
    judged = []
    for one in differences:
        if not one.decided:
            judged.append(one)
            continue
        doubt = evidence.against(one.at, one.spec, one.page, gone=one.page is ABSENT, stated=one.spec is ABSENT)
        why = "; ".join(filter(None, (one.why, doubt)))
        judged.append(replace(one, decided=False, why=why) if doubt else one)
    open_ = {linked(one.at): one.path for one in judged if not one.decided}
    for one in judged:
        if one.decided and linked(one.at) in open_:
            yield replace(one, decided=False, why=f"it depends on {open_[linked(one.at)]}, which is undecided")
        else:
            yield one


def new_model(page: Page, slug: str, file: str) -> Drift:
    """Returns the drift of a page without a spec. `file` is the path that the spec would have."""
    place = Place(file, 0, 0)
    fact = page.facts.get("slug")
    where = _page_place(page, fact.span) if fact else Place(page.name, 0, 0)
    missing = Difference(
        slug,
        (),
        "model.new",
        "compatible",
        ABSENT,
        slug,
        place,
        where,
        decided=False,
        why="no spec exists; draft one with segforge import",
    )
    return Drift(page, slug, (missing,), notes=page.notes)


def _page_place(page: Page, span: Span) -> Place:
    return Place(page.name, span.line, span.column)


class _FactComparison:
    """The comparison of one page with one spec."""

    def __init__(self, page: Page, source: SourceFile) -> None:
        self.page, self.source, self.data = page, source, source.data
        self.notes: list[str] = list(page.notes)
        self.undecided: list[str] = []
        doubts = [one.undecided["name"] for one in page.parameters if "name" in one.undecided]
        self.unnamed = {name: f"{readings(one)}; {one.why}" for one in doubts for name in one.candidates}
        """The readings of undecided names, each with the reason for the doubt."""

    def differences(self) -> Iterator[Difference]:
        yield from self._model()
        if "parameters" in self.page.undecided:
            self.undecided.append(self.page.undecided["parameters"].why + "; the parameters were not compared")
            return
        yield from self._parameters()
        yield from self._sample()

    def _spec_place(self, at: Location) -> Place:
        while at and at not in self.source.values:
            at = at[:-1]
        return Place(self.source.name, *self.source.values.get(at, (1, 1)))

    def _make(
        self,
        at: Location,
        rule: str,
        kind: Kind,
        spec: Any,
        page: Any,
        span: Span | None,
        *,
        sure: float = 1.0,
        why: str = "",
    ) -> Difference:
        place = _page_place(self.page, span) if span is not None else Place(self.page.name, 1, 1)
        doubt = self.unnamed.get(str(at[1])) if len(at) > 1 else None
        if doubt is not None:
            sure, why = 0.0, f"the name is undecided: {doubt}"
        elif page is ABSENT and self.page.layout.endswith("/glued"):
            sure, why = 0.0, "the page's text is joined, so the fact may be in another place"
        return Difference(
            self.data["slug"], at, rule, kind, spec, page, self._spec_place(at), place, sure >= APPLIED_FROM, why
        )

    def _model(self) -> Iterator[Difference]:
        """Yields the differences in facts of the model as a whole."""
        title = self.page.facts.get("title")
        if title is not None and title.value != self.data["title"]:
            yield self._make(("title",), "title.changed", "editorial", self.data["title"], title.value, title.span)
        for version in (
            sorted({*self.page.versions, *self.data["versions"]})
            if self.page.versions and not self.page.problems
            else ()
        ):
            if (version in self.page.versions) != (version in self.data["versions"]):
                gone = version not in self.page.versions
                span = self.page.endpoints[0].span
                rule: tuple[str, Kind] = ("version.removed", "breaking") if gone else ("version.added", "compatible")
                values = list(self.data["versions"]), list(self.page.versions)
                yield self._make(("versions",), *rule, *values, span)
        seconds = self.page.facts.get("typical_seconds")
        if seconds is not None and seconds.value and seconds.value != self.data.get("typical_seconds"):
            spec = self.data.get("typical_seconds", ABSENT)
            yield self._make(
                ("typical_seconds",), "typical_seconds.changed", "editorial", spec, seconds.value, seconds.span
            )
        returns = self.page.facts.get("returns")
        media = media_of(returns.value) if returns is not None else None
        if returns is not None and media != self.data["returns"]["media"]:
            page = media if media is not None else returns.value
            sure = returns.confidence if media is not None else 0
            yield self._make(
                ("returns", "media"),
                "returns.changed",
                "breaking",
                self.data["returns"]["media"],
                page,
                returns.span,
                sure=sure,
            )

    def _parameters(self) -> Iterator[Difference]:
        spec: Mapping[str, Any] = self.data["parameters"]
        shown = {one.name: one for one in self.page.parameters}
        for name, one in shown.items():
            if name in spec:
                yield from self._parameter(name, spec[name], one)
            elif is_left_out(name, self.data.get("note", "")):
                self.notes.append(f"{name} was not compared, since the spec's note says that it is left out")
            else:
                made = self._added(name, one)
                ends = [other for other in spec if other not in shown and self._runs_into(name, other)]
                yield replace(made, decided=False, why=f"{made.why}; {_ends(name, ends[0])}") if ends else made
        for name in spec:
            if name not in shown and self.page.problems:
                self.notes.append(f"{name} was not found, but the page was not read completely")
            elif name not in shown:
                span = self.page.parameters[-1].span if self.page.parameters else None
                longer = [other for other in shown if other not in spec and self._runs_into(other, name)]
                at: Location = ("parameters", name)
                old = short_spec(spec[name])
                made = self._make(at, "parameter.removed", "breaking", old, ABSENT, span)
                yield replace(made, decided=False, why=_ends(longer[0], name)) if longer else made

    def _runs_into(self, longer: str, name: str) -> bool:
        """Returns whether a name may be another one joined to the text before it."""
        return self.page.layout.endswith(_JOINED) and longer.endswith(name)

    def _added(self, name: str, one: PageParameter) -> Difference:
        required = one.get("required")
        whys = ["required" if required else "optional"]
        whys += [f"{key} is undecided: {readings(doubt)}" for key, doubt in one.undecided.items()]
        held = one.get("type") in SCALARS or "type" in one.undecided
        if not held:
            whys.append(f"to settle it, add to the spec: note: {left_out([one])}")
        sure = min(fact.confidence for fact in one.facts.values()) if held and not one.undecided else 0.0
        kind: Kind = "breaking" if required else "compatible"
        at: Location = ("parameters", name)
        return self._make(at, "parameter.added", kind, ABSENT, short(one), one.span, sure=sure, why="; ".join(whys))

    def _parameter(self, name: str, spec: Mapping[str, Any], one: PageParameter) -> Iterator[Difference]:
        stated = as_page_facts(spec)
        if "name" in one.undecided:
            self.undecided.append(f"the name of parameters.{name} is undecided: {self.unnamed[name]}")
        for key, rule in RULES.items():
            yield from self._fact(("parameters", name, key), key, stated, one, rule)
        yield from self._enum(name, spec, one)

    def _fact(
        self, at: Location, key: str, stated: Mapping[str, Value], one: PageParameter, rule: "_Rule"
    ) -> Iterator[Difference]:
        old = stated.get(key, ABSENT)
        doubt = one.undecided.get(key) or (dict(hinted(one)).get(key) if old is not ABSENT else None)
        if doubt is not None:
            yield from self._doubt(at, key, old, doubt)
            return
        fact = one.facts.get(key)
        new = fact.value if fact is not None else ABSENT
        if not same(old, new):
            made, kind = rule(old, new)
            sure = fact.confidence if fact is not None else 1.0
            why = fact.why if fact is not None and sure < APPLIED_FROM else ""
            span = fact.span if fact is not None else one.span
            yield self._make(at, made, kind, old, new, span, sure=sure, why=why)

    def _doubt(self, at: Location, key: str, old: Value, doubt: Undecided) -> Iterator[Difference]:
        """Yields a difference for an undecided fact, unless one of its readings agrees with the spec."""
        if old is ABSENT or not doubt.candidates or any(same(old, candidate) for candidate in doubt.candidates):
            self.undecided.append(f"{'.'.join(map(str, at))} is undecided on the page: {doubt.why}")
            return
        why = f"undecided: {readings(doubt)}; {doubt.why}"
        yield self._make(at, f"{key}.undecided", "compatible", old, list(doubt.candidates), doubt.span, sure=0, why=why)

    def _enum(self, name: str, spec: Mapping[str, Any], one: PageParameter) -> Iterator[Difference]:
        """Yields a difference for each added or removed value, then one for the total."""
        at: Location = ("parameters", name, "enum")
        old = spec.get("enum")
        if "enum" in one.undecided or "enum_total" in one.undecided:
            key = "enum" if "enum" in one.undecided else "enum_total"
            known = ABSENT if old is None else old["known"] if key == "enum" else old["total"]
            yield from self._doubt(at, key, known, one.undecided[key])
            return
        shown, hint = one.facts.get("enum"), dict(hinted(one)).get("enum")
        if old is not None and hint is not None:
            yield from self._doubt(at, "enum", old["known"], hint)
            return
        if shown is None or old is None:
            if shown is not None:
                page = {"known": shown.value, "total": one.get("enum_total") or len(shown.value)}
                yield self._make(at, "enum.stated", "breaking", ABSENT, page, shown.span, sure=shown.confidence)
            elif old is not None:
                yield self._make(at, "enum.gone", "compatible", old, ABSENT, one.span)
            return
        yield from self._values(at, old, shown, one)

    def _values(self, at: Location, old: Mapping[str, Any], shown: Fact, one: PageParameter) -> Iterator[Difference]:
        before, after, total = old["known"], shown.value, one.facts.get("enum_total")
        count = total.value if total is not None else len(after)
        missing = [index for index, value in enumerate(before) if not among(value, after)]
        added = [value for value in after if not among(value, before)]
        is_open = count > len(after)
        if is_open and count >= len(before) + len(added):
            missing = []  # they may be among the values that the page doesn't show
        unclear = is_open and bool(missing)
        sure = 0.0 if unclear else shown.confidence
        why = f"the page shows {len(after)} of {count} values, so the removed ones can't be determined"
        why = why if unclear else ""
        for index in missing:
            yield self._make(
                (*at, "known", index),
                "enum.value_removed",
                "breaking",
                before[index],
                ABSENT,
                shown.span,
                sure=sure,
                why=why,
            )
        for value in added:
            yield self._make(
                (*at, "known"), "enum.value_added", "compatible", ABSENT, value, shown.span, sure=sure, why=why
            )
        if total is not None and count != old["total"] and count - old["total"] != len(added) - len(missing):
            kind: Kind = "breaking" if count < old["total"] else "compatible"
            yield self._make(
                (*at, "total"), "enum.total_changed", kind, old["total"], count, total.span, sure=sure, why=why
            )

    def _sample(self) -> Iterator[Difference]:
        fact = self.page.facts.get("sample")
        if fact is None and self.data["example"]:
            self.undecided.append("the page has no readable sample; the example was not compared")
        if fact is None or self.page.problems:
            return
        scalars = dict(fact.value)
        held = {one.name for one in self.page.parameters} | set(self.data["parameters"])
        doubts = {one.name: one.undecided["sample"] for one in self.page.parameters if "sample" in one.undecided}
        self.undecided += [f"example.{name} is undecided on the page: {doubt.why}" for name, doubt in doubts.items()]
        spec = self.data["example"]
        for key in {**scalars, **spec}:
            old, new = spec.get(key, ABSENT), scalars.get(key, ABSENT)
            if not same(old, new) and key in held and key not in doubts:
                yield self._make(("example", key), "example.changed", "editorial", old, new, fact.span)

    def descriptions(self) -> Iterator[Difference]:
        """Yields the descriptions that share almost no words with those of the spec."""
        pairs = [
            (("parameters", one.name, "description"), self.data["parameters"].get(one.name, {}), one.facts)
            for one in self.page.parameters
        ]
        for at, spec, facts in [(("description",), self.data, self.page.facts), *pairs]:
            fact = facts.get("description")
            if fact is not None and "description" in spec and likeness(spec["description"], fact.value) < LOOSE:
                yield self._make(
                    at, "description.differs", "editorial", spec["description"], fact.value, fact.span, sure=0
                )


def _named_by_spec(page: Page, spec: Mapping[str, Any]) -> Page:
    """Returns the page with each undecided name replaced by the reading that the spec has, if it has one."""
    taken = {one.name for one in page.parameters if "name" not in one.undecided}
    made = []
    for one in page.parameters:
        readings = one.undecided["name"].candidates if "name" in one.undecided else ()
        known = [name for name in readings if name in spec and name not in taken]
        made.append(replace(one, name=known[0]) if known else one)
    return replace(page, parameters=tuple(made))


def _ends(longer: str, name: str) -> str:
    return f"{show(longer)} may be {show(name)} joined to the value before it"
