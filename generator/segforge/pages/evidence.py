"""Judges differences by the rest of the page: one that the page also contradicts is a question for a person.

A page may be damaged by a byte, cut, or captured without a section. So a removal needs positive evidence, a new name
must look like a name, and a value without a label needs the sample's word.
"""

import itertools
import re
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
"""The part of their text that two names share from which on one may be the other, damaged."""
_JOINED: Final = ("/joined", "/glued", "/tokens")
_MARKED: Final = ("/attributes", "/table")
"""Layouts that may say that a parameter is optional by saying nothing."""
_LINKED: Final[tuple[frozenset[str], ...]] = (frozenset({"minimum", "maximum"}), frozenset({"type", "format"}))
"""Facts of a parameter that are one statement: if one of them is in doubt, all are."""


class Evidence:
    """What a page says for and against the differences from a spec."""

    def __init__(self, page: Page, spec: Mapping[str, Any]) -> None:
        self.page, self.spec = page, spec
        self.names: Mapping[str, Any] = spec["parameters"]
        self.shown = {one.name: one for one in page.parameters}
        self.joined = page.layout.endswith(_JOINED)
        left_out = [name for name in self.shown if is_left_out(name, spec.get("note", ""))]
        self.missing = [name for name in self.names if name not in self.shown]
        self.new = [name for name in self.shown if name not in self.names and name not in left_out]

    def against(self, at: Location, old: Any, new: Any, *, gone: bool, stated: bool) -> str:
        """Why a person must judge a difference; empty if nothing speaks against it.

        `gone` says that the page states nothing, `stated` that the spec does not.
        """
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
        """The names that only one side has and that a person must judge, each with the reason."""
        reasons = {name: next(self._not_removed(name), "") for name in self.missing}
        reasons |= {name: next(self._not_new(name), "") for name in self.new}
        return {name: reason for name, reason in reasons.items() if reason}

    @cached_property
    def beside(self) -> dict[str, str]:
        """The parameters that may hold text of a doubtful one, each with the reason."""
        found = {}
        for name in self.doubtful:
            order = list(self.names if name in self.names else self.shown)
            before = [one for one in order[: order.index(name)] if one in self.shown and one not in self.doubtful]
            holders = [one.name for one in self.page.parameters if trace(name, _body(one), self._known)]
            for one in [*before[-1:], *holders]:
                found[one] = f"{show(name)}, which is in doubt, may be part of it"
        return found

    @cached_property
    def _known(self) -> list[str]:
        return [name for name in self.shown if name in self.names]

    def _not_removed(self, name: str) -> Iterator[str]:
        if any(name in sample for sample in self.page.samples):
            yield "the page's sample still sends it"
        for other in self.new:
            if is_similar(name, other) or _states(self.shown[other], self.names[name]):
                yield f"{show(other)} is new and may be this parameter"
        if self.page.problems:
            yield "the page was not read whole"
        if trace(name, self.page.listing, self._known):
            yield "its name still stands in the list of parameters"
        if re.search(rf"(?<!_){re.escape(name)}\s*<", self.page.source):
            yield "its name still stands in the page's source"
        found, read = headers(self.page.listing), sum(1 for _ in _walk(self.page.parameters))
        if found > read:
            yield f"{found} places of the list look like the beginning of a parameter, and {read} were read"

    def _not_new(self, name: str) -> Iterator[str]:
        if not _NAME.fullmatch(name) or name in _WORDS:
            yield "it does not look like a name"
        if self.page.problems:
            yield "the page was not read whole"
        for other in self.missing:
            if _states(self.shown[name], self.names[other]):
                yield f"it states what {show(other)} states, which the list lacks"
        unlisted = {key for sample in self.page.samples for key in sample if key not in self.shown}
        for other in [*self.missing, *sorted(unlisted)]:
            if is_similar(name, other):
                yield f"it may be {show(other)}, which the list lacks"
        if any(name in inner and name not in sample for sample in self.page.samples for inner in _objects(sample)):
            yield "the sample has it inside another parameter"
        if holder := self._holder(name):
            yield f"{show(holder)} holds objects, and it may be a part of them"
        if not self._in_order(name):
            yield "it breaks the order that all other names of the page keep"

    def _holder(self, name: str) -> str:
        """The parameter before a new one whose objects may have it, as the page lists nothing in them."""
        if any(name in sample for sample in self.page.samples):
            return ""
        before = list(itertools.takewhile(lambda one: one.name != name, self.page.parameters))
        while before and before[-1].name in self.new and before[-1].get("type") in SCALARS:
            before.pop()
        holds = bool(before) and str(before[-1].get("type")).startswith("object") and not before[-1].items
        return before[-1].name if holds else ""

    def _in_order(self, name: str) -> bool:
        """Whether a new name keeps the order, required ones first and each kind by name, if all others do."""
        ranks = [(one.get("required") is not True, one.name) for one in self.page.parameters if one.name != name]
        if len(ranks) < 4 or ranks != sorted(ranks):
            return True
        every = [(one.get("required") is not True, one.name) for one in self.page.parameters]
        return all(one <= two for one, two in pairwise(every))

    def _holds_another(self, one: PageParameter) -> str:
        return "another parameter may be part of its text" if headers(one.text) > 1 else ""

    def _fact(self, one: PageParameter, key: str, old: Any, new: Any, *, gone: bool) -> str:
        """Why one fact of a parameter is not sure enough."""
        linked = next((keys for keys in _LINKED if key in keys), {key})
        if doubts := [other for other in linked if other in one.undecided]:
            return f"its {doubts[0]} is undecided"
        if gone:
            return self._gone(one, key, old)
        fact = one.facts[key]
        if key == "type" and new not in SCALARS:
            return "specs hold scalar parameters only"
        if key == "required" and fact.confidence < CERTAIN and not new and self.page.layout.endswith(_MARKED):
            return f"{fact.why}; nothing says that it is optional"
        if key in ("default", "minimum", "maximum") and fact.confidence < CERTAIN and not self._samples_say(one, new):
            return f"{fact.why}; no label says so, and the sample does not confirm it"
        return self._near_miss(one.name, old, new)

    def _gone(self, one: PageParameter, key: str, old: Any) -> str:
        if key == "format" and one.get("type") != self.names[one.name]["type"]:
            return "the type changed with it"
        if key == "format" and self.page.layout.endswith("/attributes"):
            return "pages of this layout print no formats"
        if self.joined:
            return "the page's text runs together; it may stand where it was not looked for"
        if self.page.problems:
            return "the page was not read whole"
        if self.page.layout.endswith("/table") and not any(
            key in {**one.facts, **one.undecided} for one in self.shown.values()
        ):
            return f"no row of the table states {key}; the head of its column may be damaged"
        return residue(one.text, key, old)

    def _samples_say(self, one: PageParameter, value: Any) -> bool:
        """Whether the sample changed to this value too. One that had it before says nothing of the change."""
        stated = [sample[one.name] for sample in self.page.samples if one.name in sample]
        before = self.spec["example"].get(one.name)
        changed = before is None or spelled(before) != spelled(value)
        return changed and bool(stated) and all(spelled(other) == spelled(value) for other in stated)

    def _near_miss(self, name: str, old: Any, new: Any) -> str:
        """Why a text that is a slip away from the old one is a question: the old one still stands elsewhere."""
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
            return f"{fact.why}; no label says so"
        if at[-1] == "total" and total is not None and total.confidence < CERTAIN:
            return f"{total.why}; no label says so"
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
        """A section or address that the page lacks is no evidence; a new version must stand in two places."""
        if set(old) - set(new):
            return "a page may be captured without the section or address that names the version"
        for version in set(new) - set(old):
            if sum(one.times for one in self.page.endpoints if one.version == version) < 2:
                return f"only one place of the page names {version}"
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
            return "the sample sets it otherwise than its other values; a digit may stand where a blank was"
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
    """Whether one name may be the other one, damaged or with text that ran into it."""
    first, second = one.casefold(), two.casefold()
    if first in second or second in first or is_one_edit(first, second):
        return True
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= _SIMILAR


def _states(one: PageParameter, spec: Mapping[str, Any]) -> bool:
    """Whether a parameter has another one's type and values, as one has whose name alone is damaged."""
    stated = [key for key in ("default", "minimum", "maximum") if spec.get(key) is not None]
    return bool(stated) and all(one.get(key) == spec[key] for key in ("type", *stated))


def _adds(old: str, new: str) -> bool:
    """Whether one text is the other one with at most two characters more, such as what is left of `&quot;`."""
    return abs(len(old) - len(new)) <= 2 and (old in new or new in old)


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects inside a sample's values, at any depth."""
    for one in value.values() if isinstance(value, Mapping) else value:
        if isinstance(one, Mapping):
            yield one
        if isinstance(one, Mapping | list):
            yield from _objects(one)


def linked(at: Location) -> tuple[Any, ...]:
    """The statement that a difference is part of: those of one statement are written together or not at all."""
    if len(at) > 2 and at[0] == "parameters":
        keys = next((keys for keys in _LINKED if at[2] in keys), at[2])
        return (*at[:2], keys)
    return at


def _body(one: PageParameter) -> str:
    """What the page prints for a parameter, without its own name."""
    return one.text[len(one.name) :]


def _walk(parameters: Sequence[PageParameter]) -> Iterator[PageParameter]:
    for one in parameters:
        yield one
        yield from _walk(one.items)
