"""Compares a page with a curated spec: differences, their places in both files, and whether they break callers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from segforge.pages.draft import valid
from segforge.pages.drift.comparison import Compared
from segforge.pages.drift.difference import ABSENT, Difference, Drift, Place, likeness
from segforge.pages.drift.evidence import Evidence
from segforge.pages.drift.nested import linked
from segforge.pages.drift.parts import Parts
from segforge.pages.drift.whole import whole_model
from segforge.pages.page import Page
from segforge.spec.source import SourceFile
from segforge.spec.values import equal

LOOSE: Final = 0.08
"""Descriptions with a smaller share of common words than this are reported."""


def compare(
    page: Page, source: SourceFile, gateway: SourceFile | None = None, renamed: Mapping[str, str] | None = None
) -> Drift:
    """Compares a page with a spec file without lint errors. Returns the drift.

    `gateway` is the file of the gateway; without it, the table of statuses is not compared. `renamed` has the page's
    names of parameters that the spec has under other names; the page's names are replaced by those of the spec first.
    """
    page = _named_by_spec(page, source.data["parameters"])
    names = {new: old for old, new in (renamed or {}).items() if old in source.data["parameters"]}
    comparison = Compared(_with_names(page, names), source, gateway)
    found = [*_renames(comparison, page, names), *_differences(comparison)]
    weighed = tuple(_weighed(found, Evidence(comparison.page, source.data)))
    descriptions = tuple(_descriptions(comparison))
    notes, undecided = tuple(comparison.notes), tuple(comparison.undecided)
    return Drift(comparison.page, source.data["slug"], weighed, descriptions, notes, undecided)


def _with_names(page: Page, names: Mapping[str, str]) -> Page:
    """Returns a page with other names of parameters. Keys of samples are replaced, too."""
    if not names:
        return page
    samples = tuple({names.get(key, key): value for key, value in sample.items()} for sample in page.samples)
    fact = page.facts.get("sample")
    sent = {} if fact is None else {names.get(key, key): value for key, value in fact.value.items()}
    facts = {**page.facts, **({} if fact is None else {"sample": replace(fact, value=sent)})}
    parameters = tuple(replace(one, name=names.get(one.name, one.name)) for one in page.parameters)
    return replace(page, parameters=parameters, samples=samples, facts=facts)


def _renames(comparison: Compared, page: Page, names: Mapping[str, str]) -> Iterator[Difference]:
    for one in page.parameters:
        if one.name in names:
            old = names[one.name]
            at = ("parameters", old)
            yield comparison.make(at, "parameter.renamed", "breaking", old, one.name, one.span)


def _differences(comparison: Compared) -> Iterator[Difference]:
    comparison.notes.extend(comparison.page.notes)
    yield from whole_model(comparison)
    if "parameters" in comparison.page.undecided:
        why = comparison.page.undecided["parameters"].why
        comparison.undecided.append(f"{why}; the parameters were not compared")
        return
    data, shown = comparison.data["parameters"], comparison.page.parameters
    found = list(Parts(comparison, ("parameters",), data, shown).differences())
    yield from found
    yield from _sample(comparison, {str(one.at[1]) for one in found})


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
    fact = page.facts.get("slug")
    where = Place(page.name, fact.span.line, fact.span.column) if fact else Place(page.name, 0, 0)
    why = "no spec exists; draft one with segforge import"
    places = Place(file, 0, 0), where
    missing = Difference(slug, (), "model.new", "compatible", ABSENT, slug, *places, decided=False, why=why)
    return Drift(page, slug, (missing,), notes=page.notes)


def _sample(comparison: Compared, changed: Collection[str]) -> Iterator[Difference]:
    """Yields the differences of the example. Values under `quirks` stay out of it.

    `changed` are the parameters of which other facts differ; these may allow a value that the spec excludes.
    """
    page, data = comparison.page, comparison.data
    fact, spec = page.facts.get("sample"), data["example"]
    if fact is None and spec:
        comparison.undecided.append("the page has no readable sample; the example was not compared")
    if fact is None or page.problems:
        return
    sent = fact.value
    held = {one.name for one in page.parameters} | set(data["parameters"])
    doubts = {one.name: one.undecided["sample"] for one in page.parameters if "sample" in one.undecided}
    comparison.undecided.extend(f"example.{name} is undecided on the page: {one.why}" for name, one in doubts.items())
    for key in {**sent, **spec}:
        old, new = spec.get(key, ABSENT), sent.get(key, ABSENT)
        quirk = old is ABSENT and any(
            one["at"] == f"sample.{key}" and equal(one["found"], new) for one in data.get("quirks", ())
        )
        if not equal(old, new) and key in held and key not in doubts and not quirk:
            made = comparison.make(("example", key), "example.changed", "editorial", old, new, fact.span)
            settled = new is not ABSENT and key in data["parameters"] and key not in changed
            excluded = settled and not valid(data["parameters"][key], new)
            why = "the parameter's facts exclude the value; if the page means it, add it to quirks"
            yield replace(made, decided=False, why=why) if excluded else made


def _descriptions(comparison: Compared) -> Iterator[Difference]:
    """Yields the descriptions that share almost no words with those of the spec."""
    data, page = comparison.data, comparison.page
    pairs: list[tuple[Any, ...]] = [
        (("parameters", one.name, "description"), data["parameters"].get(one.name, {}), one.facts)
        for one in page.parameters
    ]
    for at, spec, facts in [(("description",), data, page.facts), *pairs]:
        fact = facts.get("description")
        if fact is not None and spec.get("description") and likeness(spec["description"], fact.value) < LOOSE:
            sides = spec["description"], fact.value
            yield comparison.make(at, "description.differs", "editorial", *sides, fact.span, sure=0)


def _named_by_spec(page: Page, spec: Mapping[str, Any]) -> Page:
    """Returns the page with each undecided name replaced by the reading that the spec has, if it has one."""
    taken = {one.name for one in page.parameters if "name" not in one.undecided}
    made = []
    for one in page.parameters:
        readings = one.undecided["name"].candidates if "name" in one.undecided else ()
        known = [name for name in readings if name in spec and name not in taken]
        made.append(replace(one, name=known[0]) if known else one)
    return replace(page, parameters=tuple(made))
