"""Compares the facts read from a rendered page with the model that it was rendered from."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from segforge.pages.page import Page, PageParameter
from segforge.spec.catalog import Absent, Model, Parameter
from tests.pages.layouts import OLDEST, WORKFLOW, bare_type, nested

_MISSING = object()


@dataclass
class Score:
    """The numbers of facts read right, left undecided and read wrong, and a note about each wrong one."""

    right: int = 0
    undecided: int = 0
    wrong: int = 0
    surely_wrong: int = 0
    notes: list[str] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.right + self.undecided + self.wrong


def truth_of(one: Parameter, example: Any) -> dict[str, Any]:
    """Returns the facts that a page with this parameter states."""
    truth: dict[str, Any] = {
        "required": one.required,
        "type": bare_type(one),
    }
    if one.description:
        truth["description"] = " ".join(one.description.split())
    if one.format:
        truth["format"] = one.format
    if not isinstance(one.default, Absent):
        truth["default"] = one.default
    if one.minimum is not None:
        truth |= {"minimum": one.minimum, "maximum": one.maximum}
    if one.choices:
        truth |= {"enum": list(one.choices.known), "enum_total": one.choices.total}
        truth |= {"enum_labels": list(one.choices.labels)} if one.choices.labels else {}
    if one.name in example:
        truth["sample"] = example[one.name]
    return truth


def same(one: Any, two: Any) -> bool:
    """Returns whether two JSON values are equal. True and 1 differ."""
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two) and isinstance(one, bool) == isinstance(two, bool)


def score(model: Model, page: Page, layout: str) -> Score:
    """Compares a page with the model that it was rendered from in a layout."""
    oldest, extra = layout in OLDEST, ("messages",) if layout == "llm" else ()
    slug = WORKFLOW if layout == "pixelflow" else model.slug
    result = Score()
    read = _by_true_name(page, model)
    for one in model.parameters:
        truth = truth_of(one, model.example)
        if oldest:
            truth = {key: value for key, value in truth.items() if key not in ("enum", "enum_total", "format")}
            truth |= {"enum_lost": True} if one.choices else {}
            truth |= {"affects_price": True} if one.affects_price else {}
            if isinstance(truth.get("default"), str):
                truth["default"] = " ".join(truth["default"].split())  # the page prints it without quotes
        if one.name not in read:
            result.wrong += 1
            result.surely_wrong += 1
            result.notes.append(f"parameter {one.name!r} was not found")
            continue
        _compare(result, read[one.name], truth)
    _parts(result, page, model, extra)
    unsettled = {one.name for one in page.parameters if "parent" in one.undecided}
    for name in set(read) - {one.name for one in model.parameters} - set(extra) - unsettled:
        result.wrong += 1
        result.surely_wrong += 1
        result.notes.append(f"parameter {name!r} was made up")
    for key, value in (("slug", slug), ("title", model.title), ("sample", dict(model.example))):
        if oldest and key == "title":
            continue
        fact = page.facts.get(key)
        read_value = (
            {name: item for name, item in fact.value.items() if name not in extra}
            if fact and key == "sample"
            else fact and fact.value
        )
        if key in page.undecided:
            result.undecided += 1
        elif fact is not None and same(read_value, value):
            result.right += 1
        else:
            result.wrong += 1
            result.notes.append(f"page {key}: {value!r} read as {read_value!r}")
    return result


Path = tuple[str, ...]


def _parts(result: Score, page: Page, model: Model, extra: tuple[str, ...]) -> None:
    """Compares the nested parameters. One with an undecided parent must be nested in one of the possible parents."""
    true = dict(_true_paths(model.parameters))
    found: set[Path] = set()
    for path, one, settled in _read_paths(page.parameters):
        if path[0] in extra:
            continue
        if not settled:
            parents = one.undecided["parent"].candidates if "parent" in one.undecided else path[-2:-1]
            fitting = {at for at in true if at[-1] == one.name and (at[-2] if len(at) > 1 else None) in parents}
            found |= fitting
            result.undecided += 1
            result.keys["parent"] += 1
            if not fitting:
                result.wrong += 1
                result.notes.append(f"{one.name} may belong to {parents}")
        elif path in true:
            found.add(path)
            if len(path) > 1:
                _compare(result, one, truth_of(true[path], {}), {"sample"})
        elif len(path) > 1:
            result.wrong += 1
            result.surely_wrong += 1
            result.notes.append(f"{path} was made up")
    for path in set(true) - found:
        if len(path) > 1:
            result.wrong += 1
            result.notes.append(f"{path} was not found")


def _true_paths(parameters: tuple[Parameter, ...], at: Path = ()) -> Iterator[tuple[Path, Parameter]]:
    for one in parameters:
        yield (*at, one.name), one
        yield from _true_paths(nested(one)[1], (*at, one.name))


def _read_paths(
    parameters: tuple[PageParameter, ...], at: Path = (), *, settled: bool = True
) -> Iterator[tuple[Path, PageParameter, bool]]:
    for one in parameters:
        sure = settled and "parent" not in one.undecided
        yield (*at, one.name), one, sure
        yield from _read_paths((*one.items, *one.members), (*at, one.name), settled=sure)


def _by_true_name(page: Page, model: Model) -> dict[str, PageParameter]:
    """Returns the parameters by name. An undecided name is replaced by a reading that the model has."""
    read = {one.name: one for one in page.parameters if "name" not in one.undecided}
    for one in page.parameters:
        if "name" in one.undecided:
            readings = [name for name in one.undecided["name"].candidates if name in model.parameters_by_name]
            read[next((name for name in readings if name not in read), one.name)] = one
    return read


def _compare(
    result: Score, read: PageParameter, truth: dict[str, Any], ignored: frozenset[str] | set[str] = frozenset()
) -> None:
    for key in {*truth, *read.facts, *read.undecided} - ignored - {"parent"}:
        expected = truth.get(key, _MISSING)
        if key in read.undecided:
            result.undecided += 1
            result.keys[key] += 1
            continue
        fact = read.facts.get(key)
        if fact is not None and expected is not _MISSING and same(fact.value, expected):
            result.right += 1
            continue
        result.wrong += 1
        confidence = fact.confidence if fact else 1
        result.surely_wrong += confidence >= 0.9
        shown = fact.value if fact else "nothing"
        result.notes.append(f"{read.name}.{key}: {expected!r} read as {shown!r} ({confidence})")
