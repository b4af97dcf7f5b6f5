"""Judges differences by the rest of the page. A difference that the page contradicts becomes undecided.

A page may have a damaged byte, be cut off, or be saved without a section. A removal therefore needs positive evidence.
A new name must look like a name, and the sample must confirm a value without a label.
"""

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

from segforge.pages.draft import SCALARS, is_left_out
from segforge.pages.layouts.traces import headers, is_one_edit, residue, spelled, trace
from segforge.pages.page import CERTAIN, Page, PageParameter
from segforge.spec.printable import show
from segforge.spec.source import Location

_NAME: Final = re.compile(r"[^\W\d][\w.\-\[\]]{0,79}")
_WORDS: Final = ("true", "false", "null", "required", "optional", *SCALARS)
_SIMILAR: Final = 0.75
"""The lowest similarity (0 to 1) at which one name may be a damaged form of the other."""
_JOINED: Final = ("/joined", "/glued", "/tokens")
_MARKED: Final = ("/attributes", "/table")
"""Layouts that may print nothing for an optional parameter."""
_LINKED: Final[tuple[frozenset[str], ...]] = (frozenset({"minimum", "maximum"}), frozenset({"type", "format"}))
"""Facts of a parameter that form one statement: if one is in doubt, so are the others."""


class Evidence:
    """The evidence on a page for and against its differences from a spec."""

    def __init__(self, page: Page, spec: Mapping[str, Any]) -> None:
        self.page, self.spec = page, spec
        self.names: Mapping[str, Any] = spec["parameters"]
        self.shown = {one.name: one for one in page.parameters}
        listed = Counter(one.name for one in page.parameters)
        self.twice = {name for name, times in listed.items() if times > 1}
        self.joined = page.layout.endswith(_JOINED)
        left_out = [name for name in self.shown if is_left_out(name, spec.get("note", ""))]
        self.missing = [name for name in self.names if name not in self.shown]
        self.new = [name for name in self.shown if name not in self.names and name not in left_out]

    def against(self, at: Location, old: Any, new: Any, *, gone: bool, stated: bool) -> str:
        """Returns the reason why a difference is undecided, or an empty string if nothing contradicts it.

        `gone` means that only the spec states the fact, `stated` that only the page does.
        """
        if len(at) > 1 and at[0] in ("parameters", "example") and at[1] in self.twice:
            return f"the page lists {show(at[1])} twice; one of the two may be another name"
        slug = self.page.facts.get("slug")
        if slug is not None and slug.confidence < CERTAIN:
            return slug.why
        match at:
            case ("versions",):
                return self._version(old, new)
            case ("title",):
                return self._title(str(old), str(new))
            case ("example", str(name)):
                return self._example(name, old, new, gone=gone, stated=stated)
            case ("parameters", str(name)):
                return self.doubtful.get(name, "")
            case ("parameters", str(name), "enum", *_):
                beside = self.beside.get(name) or self._holds_another(self.shown[name])
                return beside or self._enum(self.shown[name], at, old, gone=gone)
            case ("parameters", str(name), str(key)):
                beside = self.beside.get(name) or self._holds_another(self.shown[name])
                return beside or self._fact(self.shown[name], key, old, new, gone=gone)
        return ""

    @cached_property
    def doubtful(self) -> dict[str, str]:
        """The names that only one side has and that are in doubt, each with the reason."""
        reasons = {name: next(self._not_removed(name), "") for name in self.missing}
        reasons |= {name: next(self._not_new(name), "") for name in self.new}
        return {name: reason for name, reason in reasons.items() if reason}

    @cached_property
    def beside(self) -> dict[str, str]:
        """The parameters whose text may contain a doubtful one, each with the reason."""
        found = {}
        for name in self.doubtful:
            order = list(self.names if name in self.names else self.shown)
            before = [one for one in order[: order.index(name)] if one in self.shown and one not in self.doubtful]
            holders = [one.name for one in self.page.parameters if trace(name, _body(one), self._known)]
            for one in [*before[-1:], *holders]:
                found[one] = f"its text may contain {show(name)}, which is in doubt"
        return found

    @cached_property
    def _known(self) -> list[str]:
        return [name for name in self.shown if name in self.names]

    def _not_removed(self, name: str) -> Iterator[str]:
        if any(name in sample for sample in self.page.samples):
            yield "the page's sample still contains it"
        for other in self.new:
            if is_similar(name, other) or _states(self.shown[other], self.names[name]):
                yield f"{show(other)} is new and may be this parameter"
        if self.page.problems:
            yield "the page was not read completely"
        if trace(name, self.page.listing, self._known):
            yield "its name is still in the list of parameters"
        if re.search(rf"(?<!_){re.escape(name)}\s*<", self.page.source):
            yield "its name is still in the page's source"
        found, read = headers(self.page.listing), sum(1 for _ in _walk(self.page.parameters))
        if found > read:
            yield f"{found} places in the list look like the start of a parameter, but {read} were read"

    def _not_new(self, name: str) -> Iterator[str]:
        if not _NAME.fullmatch(name) or name in _WORDS:
            yield "it does not look like a name"
        if self.page.problems:
            yield "the page was not read completely"
        for other in self.missing:
            if _states(self.shown[name], self.names[other]):
                yield f"it has the same facts as {show(other)}, which the list lacks"
        unlisted = {key for sample in self.page.samples for key in sample if key not in self.shown}
        for other in [*self.missing, *sorted(unlisted)]:
            if is_similar(name, other):
                yield f"it may be {show(other)}, which the list lacks"
        if any(name in inner and name not in sample for sample in self.page.samples for inner in _objects(sample)):
            yield "the sample contains it inside another parameter"
        if holder := self._holder(name):
            yield f"it may be part of the objects in {show(holder)}"
        if not self._in_order(name):
            yield "it breaks the order of all other names on the page"

    def _holder(self, name: str) -> str:
        """Returns the preceding parameter whose objects may contain a new one, or an empty string.

        A parameter whose items are on the page is excluded.
        """
        if any(name in sample for sample in self.page.samples):
            return ""
        before = list(itertools.takewhile(lambda one: one.name != name, self.page.parameters))
        while before and before[-1].name in self.new and before[-1].get("type") in SCALARS:
            before.pop()
        holds = bool(before) and str(before[-1].get("type")).startswith("object") and not before[-1].items
        return before[-1].name if holds else ""

    def _in_order(self, name: str) -> bool:
        """Returns whether a new name keeps the page's order: required first, then by name. True if others break it."""
        ranks = [(one.get("required") is not True, one.name) for one in self.page.parameters if one.name != name]
        if len(ranks) < 4 or ranks != sorted(ranks):
            return True
        every = [(one.get("required") is not True, one.name) for one in self.page.parameters]
        return all(one <= two for one, two in pairwise(every))

    def _holds_another(self, one: PageParameter) -> str:
        return "its text may contain another parameter" if headers(one.text) > 1 else ""

    def _fact(self, one: PageParameter, key: str, old: Any, new: Any, *, gone: bool) -> str:
        """Returns the reason why one fact of a parameter is not certain enough, or an empty string."""
        linked = next((keys for keys in _LINKED if key in keys), {key})
        if doubts := [other for other in linked if other in one.undecided]:
            return f"its {doubts[0]} is undecided"
        if gone:
            return self._gone(one, key, old)
        fact = one.facts[key]
        if key == "type" and new not in SCALARS:
            return "specs hold scalar parameters only"
        if key == "required" and fact.confidence < CERTAIN and not new and self.page.layout.endswith(_MARKED):
            return f"{fact.why}; the page doesn't say that it is optional"
        if key in ("default", "minimum", "maximum") and fact.confidence < CERTAIN and not self._samples_say(one, new):
            return f"{fact.why}; it has no label, and the sample doesn't confirm it"
        return self._near_miss(one.name, old, new)

    def _gone(self, one: PageParameter, key: str, old: Any) -> str:
        if key == "format" and one.get("type") != self.names[one.name]["type"]:
            return "the type changed too"
        if key == "format" and self.page.layout.endswith("/attributes"):
            return "pages of this layout print no formats"
        if self.joined:
            return "the page's text is joined, so the fact may be in another place"
        if self.page.problems:
            return "the page was not read completely"
        if self.page.layout.endswith("/table") and not any(
            key in {**one.facts, **one.undecided} for one in self.shown.values()
        ):
            return f"no row of the table states {key}; the header of its column may be damaged"
        if self.page.layout.endswith("/table") and key == "default" and len(spelled(old)) == 1:
            return f"the cell that had the single character {old} may be damaged"
        return residue(one.text, key, old)

    def _samples_say(self, one: PageParameter, value: Any) -> bool:
        """Returns whether all samples changed to this value. A sample that already had it confirms no change."""
        stated = [sample[one.name] for sample in self.page.samples if one.name in sample]
        before = self.spec["example"].get(one.name)
        changed = before is None or spelled(before) != spelled(value)
        return changed and bool(stated) and all(spelled(other) == spelled(value) for other in stated)

    def _near_miss(self, name: str, old: Any, new: Any) -> str:
        """Returns a reason if the texts differ by a slip and the old one is still on the page, or an empty string."""
        if not (isinstance(old, str) and isinstance(new, str) and (is_one_edit(old, new) or _adds(old, new))):
            return ""
        values = [value for sample in self.page.samples for value in sample.values()]
        if old in values or old == self.shown[name].get("default") or spelled(old) in self.page.listing:
            return f"the page also states {show(old)}, which is nearly the same"
        return ""

    def _enum(self, one: PageParameter, at: Location, old: Any, *, gone: bool) -> str:
        fact, total = one.facts.get("enum"), one.facts.get("enum_total")
        if fact is None:
            return self._gone(one, "enum", old)
        if len(at) == 3 and fact.confidence < CERTAIN:
            return f"{fact.why}; it has no label"
        if at[-1] == "total" and total is not None and total.confidence < CERTAIN:
            return f"{total.why}; it has no label"
        known = self.names[one.name].get("enum", {}).get("known", [])
        lost = [value for value in known if value not in fact.value]
        added = [value for value in fact.value if value not in known]
        for first in lost:
            for second in added:
                texts = spelled(first).strip('"'), spelled(second).strip('"')
                if is_one_edit(*texts) or texts[0] in texts[1] or texts[1] in texts[0]:
                    return f"{show(second)} may be {show(first)}, which the list lacks"
        if any(isinstance(value, str) and (not value.strip() or '"' in value) for value in added):
            return "it does not look like a value"
        return residue(one.text, "enum", {"known": [old]}) if gone else ""

    def _version(self, old: Sequence[str], new: Sequence[str]) -> str:
        """Returns the reason why versions are undecided, or an empty string.

        A missing section or URL is no evidence of a removal. A new version must be in two places.
        """
        if set(old) - set(new):
            return "the page may have been saved without the section or URL that names the version"
        for version in set(new) - set(old):
            if sum(one.times for one in self.page.endpoints if one.version == version) < 2:
                return f"only one place on the page names {version}"
        return ""

    def _title(self, old: str, new: str) -> str:
        fact = self.page.facts["title"]
        if fact.confidence < CERTAIN:
            return fact.why
        return f"{show(old)} and {show(new)} are similar" if is_similar(old, new) else ""

    def _example(self, name: str, old: Any, new: Any, *, gone: bool, stated: bool) -> str:
        if len({spelled(sample[name]) if name in sample else None for sample in self.page.samples}) > 1:
            return "the samples differ"
        if name in self.doubtful:
            return self.doubtful[name]
        if name in self.page.uneven and isinstance(new, int | float):
            return "the sample writes it differently from its other values; a digit may be wrong"
        payload, before = self.page.samples[0], self.spec["example"]
        others: Collection[str] = ()
        if gone:
            others = [key for key in payload if key not in before or key not in self.names]
        elif stated:
            others = [key for key in before if key not in payload]
        for key in others:
            if is_similar(name, key):
                return f"{show(key)} may be {show(name)}"
        if gone and (same := [key for key in payload if is_one_edit(name, key)]):
            return f"{show(same[0])} may be {show(name)}"
        return self._near_miss(name, old, new) if name in self.shown else ""


def is_similar(one: str, two: str) -> bool:
    """Returns whether one name may be the other, damaged or joined to other text."""
    first, second = one.casefold(), two.casefold()
    if first in second or second in first or is_one_edit(first, second):
        return True
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= _SIMILAR


def _states(one: PageParameter, spec: Mapping[str, Any]) -> bool:
    """Returns whether a parameter has a spec's type and values, which suggests that only its name is damaged."""
    stated = [key for key in ("default", "minimum", "maximum") if spec.get(key) is not None]
    return bool(stated) and all(one.get(key) == spec[key] for key in ("type", *stated))


def _adds(old: str, new: str) -> bool:
    """Returns whether one text contains the other plus at most two characters, such as the rest of `&quot;`."""
    return abs(len(old) - len(new)) <= 2 and (old in new or new in old)


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yields the objects inside a sample's values, at any depth."""
    for one in value.values() if isinstance(value, Mapping) else value:
        if isinstance(one, Mapping):
            yield one
        if isinstance(one, Mapping | list):
            yield from _objects(one)


def linked(at: Location) -> tuple[Any, ...]:
    """Returns the statement that a fact belongs to. Facts of one statement are written together or not at all."""
    if len(at) > 2 and at[0] == "parameters":
        keys = next((keys for keys in _LINKED if at[2] in keys), at[2])
        return (*at[:2], keys)
    return at


def _body(one: PageParameter) -> str:
    """Returns the page's text for a parameter, without its own name."""
    return one.text[len(one.name) :]


def _walk(parameters: Sequence[PageParameter]) -> Iterator[PageParameter]:
    for one in parameters:
        yield one
        yield from _walk(one.items)
