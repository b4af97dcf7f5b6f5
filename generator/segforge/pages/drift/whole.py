"""Compares the facts of a page about the model as a whole with its spec, and the table of statuses with the gateway."""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from segforge.pages.draft import media_of
from segforge.pages.drift.comparison import Compared
from segforge.pages.drift.difference import ABSENT, Difference, Kind, Place
from segforge.pages.page import Endpoint, StatusLine
from segforge.spec.catalog import Price, Version
from segforge.spec.printable import show
from segforge.spec.source import SourceFile

USUAL: Mapping[str, str] = {"v1": "/v1/{slug}", "v2": "/v2/{slug}"}
"""The paths of runs and submits if the gateway's file is not at hand."""
_ROUTES: Mapping[str, str] = {"v1": "run", "v2": "submit"}


def whole_model(comparison: Compared) -> Iterator[Difference]:
    """Yields the differences in facts of the model as a whole."""
    yield from _head(comparison)
    yield from _versions(comparison)
    yield from _returns(comparison)
    yield from _price(comparison)
    yield from _paths(comparison)
    yield from _printed_set(comparison, "auth", [])
    yield from _printed_set(comparison, "encodings", ["json"])
    yield from _statuses(comparison)


def _head(comparison: Compared) -> Iterator[Difference]:
    page, data = comparison.page, comparison.data
    title = page.facts.get("title")
    if title is not None and title.value != data["title"]:
        yield comparison.make(("title",), "title.changed", "editorial", data["title"], title.value, title.span)
    seconds = page.facts.get("typical_seconds")
    if seconds is not None and seconds.value and seconds.value != data.get("typical_seconds"):
        spec = data.get("typical_seconds", ABSENT)
        rule = "typical_seconds.changed"
        yield comparison.make(("typical_seconds",), rule, "editorial", spec, seconds.value, seconds.span)


def _versions(comparison: Compared) -> Iterator[Difference]:
    page, stated = comparison.page, comparison.data["versions"]
    if not page.versions or page.problems:
        return
    for version in sorted({*page.versions, *stated}):
        if (version in page.versions) != (version in stated):
            gone = version not in page.versions
            rule: tuple[str, Kind] = ("version.removed", "breaking") if gone else ("version.added", "compatible")
            values = list(stated), list(page.versions)
            yield comparison.make(("versions",), *rule, *values, page.endpoints[0].span)


def _returns(comparison: Compared) -> Iterator[Difference]:
    """Yields the change of the `Returns:` line. A person decides it, since formats and controls follow from it."""
    fact, stated = comparison.page.facts.get("returns"), comparison.data["returns"]
    if fact is None:
        return
    media = media_of(fact.value)
    printed = stated.get("printed")
    if printed == fact.value if printed is not None else media == stated["media"]:
        return
    old, new = printed or stated["media"], media if media is not None and printed is None else fact.value
    at = ("returns", "printed" if printed is not None else "media")
    why = "formats, shape and controls follow from the output; change returns by hand"
    yield comparison.make(at, "returns.changed", "breaking", old, new, fact.span, sure=0, why=why)


def _price(comparison: Compared) -> Iterator[Difference]:
    fact, stated = comparison.page.facts.get("price"), comparison.data.get("price")
    if fact is None:
        if stated is not None and not comparison.page.problems:
            comparison.undecided.append("the page prints no price; the price was not compared")
        return
    if stated is None:
        yield comparison.make(
            ("price",), "price.stated", "editorial", ABSENT, fact.value, fact.span, sure=fact.confidence, why=fact.why
        )
    elif not _is_same_price(stated, fact.value):
        rule = _price_rule(stated, fact.value)
        yield comparison.make(
            ("price",), rule, "editorial", stated, fact.value, fact.span, sure=fact.confidence, why=fact.why
        )


def _is_same_price(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Returns whether two prices have the same text, apart from blanks, or the same amounts and unit."""
    if old["printed"].split() == new["printed"].split():
        return True
    facts = [{key: side[key] for key in ("from", "to", "unit") if key in side} for side in (old, new)]
    return facts[0] == facts[1] and bool({"from", "to"} & facts[0].keys())


def _price_rule(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    one, two = (Price(side["printed"], side.get("from"), side.get("to"), side.get("unit")) for side in (old, new))
    ends = [(one.from_, two.from_), (one.to, two.to)]
    rises = [None if low is None or high is None else high - low for low, high in ends if low != high]
    if one.unit != two.unit or not rises or any(rise is None for rise in rises):
        return "price.changed"
    signs = {rise is not None and rise > 0 for rise in rises}
    return "price.changed" if len(signs) > 1 else "price.raised" if signs == {True} else "price.lowered"


def usual_path(comparison: Compared, version: str) -> str:
    """Returns the gateway's path of a version, with `{slug}`."""
    routes = comparison.gateway.data["routes"] if comparison.gateway is not None else {}
    return str(routes[_ROUTES[version]]["path"]) if routes else USUAL[version]


def _paths(comparison: Compared) -> Iterator[Difference]:
    """Yields the changes of the paths that the page prints for calls of the model."""
    slug, stated = comparison.data["slug"], comparison.data.get("paths", {})
    versions: tuple[Version, ...] = ("v1", "v2")
    for version in versions:
        shown = [one for one in comparison.page.endpoints if one.method == "POST" and _is_call(one, version, slug)]
        expected = stated.get(version, usual_path(comparison, version))
        others = [one for one in shown if _template(one, slug) != expected]
        if len(others) < len(shown):
            paths = (f"the page also prints the {version} path {show(one.path)}, which no spec has" for one in others)
            comparison.undecided.extend(paths)
        elif others:
            first, *more = others
            new = _template(first, slug)
            doubt = f"the page prints {show(more[0].path)}, too" if more else ""
            made = comparison.make(
                ("paths", version), "path.changed", "breaking", expected, new, first.span, sure=not doubt, why=doubt
            )
            yield made


def _is_call(one: Endpoint, version: str, slug: str) -> bool:
    return one.version == version and one.path.rpartition("/")[2] == slug and "/requests/" not in one.path


def _template(one: Endpoint, slug: str) -> str:
    return one.path.removesuffix(slug) + "{slug}"


def _printed_set(comparison: Compared, key: str, default: Sequence[str]) -> Iterator[Difference]:
    """Yields the change of a list that the page's samples show. Samples that are missing remove nothing."""
    fact = comparison.page.facts.get(key)
    stated = list(comparison.data.get(key, default))
    if fact is None or set(fact.value) == set(stated):
        return
    added = [value for value in fact.value if value not in stated]
    values = [*stated, *added]
    if added:
        spec = stated if key in comparison.data else ABSENT
        yield comparison.make((key,), f"{key}.added", "compatible", spec, values, fact.span, sure=fact.confidence)
    lost = [value for value in stated if value not in fact.value]
    if lost:
        why = "the page may have been saved without the sample that shows it"
        yield comparison.make((key,), f"{key}.removed", "breaking", stated, fact.value, fact.span, sure=0, why=why)


def _statuses(comparison: Compared) -> Iterator[Difference]:
    """Yields the changes of the table of statuses. They concern all models, so a person decides them."""
    gateway = comparison.gateway
    if gateway is None or not comparison.page.statuses:
        return
    known = gateway.data["statuses"]
    seen = set()
    for line in comparison.page.statuses:
        status = _status_of(line, known)
        if status is None:
            yield _of_table(comparison, gateway, "status.added", "compatible", ABSENT, _shown(line), line)
        elif line.title not in _titles(status):
            yield _of_table(comparison, gateway, "status.renamed", "editorial", _titles(status)[-1], _shown(line), line)
        seen |= {status["code"]} if status is not None else set()
    if comparison.page.layout.endswith("/attributes"):
        return  # the oldest pages list fewer statuses
    last = comparison.page.statuses[-1]
    for status in known:
        listed = status["on_model_pages"] and {"run", "submit"} & set(status["routes"])
        if listed and status["code"] not in seen:
            old = {"code": status["code"], "title": _titles(status)[-1]}
            yield _of_table(comparison, gateway, "status.removed", "breaking", old, ABSENT, last, code=status["code"])


def _titles(status: Mapping[str, Any]) -> list[str]:
    """Returns the titles of a status: the standard phrase, ours, and that of model pages last."""
    standard = [one.phrase for one in HTTPStatus if one.value == status["code"]]
    return [*standard, status["title"], *([status["page_title"]] if "page_title" in status else [])]


def _status_of(line: StatusLine, known: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Returns the status of a line. A line that lost its code is found by its title."""
    if line.code is not None:
        return next((one for one in known if one["code"] == line.code), None)
    listed = [one for one in known if one["on_model_pages"]]
    titled = [one for one in [*listed, *known] if one.get("page_title", one["title"]) == line.title]
    return next(iter([*titled, *(one for one in known if line.title in _titles(one))]), None)


def _shown(line: StatusLine) -> Any:
    return line.title if line.code is None else {"code": line.code, "title": line.title}


def _of_table(
    comparison: Compared,
    gateway: SourceFile,
    rule: str,
    kind: Kind,
    old: Any,
    new: Any,
    line: StatusLine,
    *,
    code: int | None = None,
) -> Difference:
    code = line.code if code is None else code
    codes = [one["code"] for one in gateway.data["statuses"]]
    at = ("statuses", codes.index(code)) if code in codes else ("statuses",)
    place = Place(gateway.name, *gateway.values.get(at, (1, 1)))
    why = f"it concerns all models; change {gateway.name} by hand if other pages agree"
    path = ("statuses", code if code is not None else line.title)
    return Difference(
        comparison.data["slug"], path, rule, kind, old, new, place, comparison.page_place(line.span), False, why
    )
