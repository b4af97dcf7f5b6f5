"""Judges differences by the rest of the page. A difference that the page contradicts becomes undecided.

A page may have a damaged byte, be cut off, or be saved without a section. A removal therefore needs positive evidence.
A new name must look like a name, and the sample must confirm a value without a label.
"""

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

from segforge.pages.draft import SCALARS, is_left_out
from segforge.pages.drift.nested import (
    NAME,
    Node,
    adds,
    find,
    has_all_parts,
    is_similar,
    is_slip,
    nested_doubt,
    objects,
    open_parent,
    part_names,
    statement,
    states,
    value_doubt,
    values_in,
)
from segforge.pages.drift.parts import known_values
from segforge.pages.layouts.traces import headers, is_one_edit, residue, spelled, trace
from segforge.pages.page import CERTAIN, Page, PageParameter, walk
from segforge.spec.printable import show
from segforge.spec.source import Location

_WORDS: Final = ("true", "false", "null", "required", "optional", *SCALARS)
_JOINED: Final = ("/joined", "/glued", "/tokens")
_MARKED: Final = ("/attributes", "/table")
"""Layouts that may print nothing for an optional parameter."""


class Evidence:
    """The evidence on a page for and against its differences from a spec."""

    def __init__(self, page: Page, spec: Mapping[str, Any]) -> None:
        self.page, self.spec = page, spec
        self.names: Mapping[str, Any] = spec["parameters"]
        self.shown = {one.name: one for one in page.parameters}
        listed = Counter(one.name for one in page.parameters)
        self.twice = {name for name, times in listed.items() if times > 1}
        self.parts = sum(1 for _ in walk(page.parameters)) - len(page.parameters)
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
            case ("price" | "paths", *_):
                return self._printed(at, old, new)
            case ("parameters", str(name)):
                return self.doubtful.get(name, "")
            case ("parameters", str(name), *_):
                beside = self.beside.get(name) or self._holds_another(self.shown[name])
                return beside or self._of_part(at, old, new, gone=gone)
        return ""

    def _of_part(self, at: Location, old: Any, new: Any, *, gone: bool) -> str:
        """Returns the reason why a fact of a parameter or of a nested part is undecided, or an empty string."""
        node, end = find(self.page.parameters, self.names, at)
        if node.page is None or end == len(at):
            return nested_doubt(self.page, self.names, node, str(at[-1]), gone=gone)
        if node.depth and self.joined:
            return "the page's text is joined, so the fact may be one of another part"
        if doubt := open_parent(node.page, self.names) or self._holds_another(node.page):
            return doubt
        if node.depth and not has_all_parts(self.shown[str(at[1])], self.names[str(at[1])]):
            return "a part beside it came or went, so its text may hold another part"
        if at[end] == "enum":
            return self._enum(node, at[end:], old, gone=gone)
        return self._fact(node, str(at[end]), old, new, gone=gone)

    def _printed(self, at: Location, old: Any, new: Any) -> str:
        """Returns the reason why a price or a path of the page is undecided, or an empty string."""
        if self.page.problems:
            return "the page was not read completely"
        if at[0] == "price":
            if self.page.facts["price"].confidence < CERTAIN:
                return self.page.facts["price"].why
            texts = ["" if one is None or not isinstance(one, Mapping) else one["printed"] for one in (old, new)]
            slip = is_one_edit(*texts) or adds(*texts)
            return f"{show(texts[0])} and {show(texts[1])} differ by a slip" if slip and texts[0] else ""
        path = str(new).replace("{slug}", self.spec["slug"])
        if sum(one.times for one in self.page.endpoints if one.path == path) < 2:
            return f"only one place on the page names {show(path)}"
        slip = is_one_edit(str(old), str(new)) or adds(str(old), str(new))
        return f"{show(old)} and {show(new)} differ by a slip" if slip else ""

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
            if is_similar(name, other) or states(self.shown[other], self.names[name]):
                yield f"{show(other)} is new and may be this parameter"
        if self.page.problems:
            yield "the page was not read completely"
        if trace(name, self.page.listing, self._known):
            yield "its name is still in the list of parameters"
        if re.search(rf"(?<!_){re.escape(name)}\s*<", self.page.source):
            yield "its name is still in the page's source"
        found, read = headers(self.page.listing), sum(1 for _ in walk(self.page.parameters))
        if found > read:
            yield f"{found} places in the list look like the start of a parameter, but {read} were read"

    def _not_new(self, name: str) -> Iterator[str]:
        if not NAME.fullmatch(name) or name in _WORDS:
            yield "it does not look like a name"
        if self.page.problems:
            yield "the page was not read completely"
        for other in self.missing:
            if states(self.shown[name], self.names[other]):
                yield f"it has the same facts as {show(other)}, which the list lacks"
        unlisted = {key for sample in self.page.samples for key in sample if key not in self.shown}
        for other in [*self.missing, *sorted(unlisted)]:
            if is_similar(name, other):
                yield f"it may be {show(other)}, which the list lacks"
        if self.joined and (self.shown[name].items or self.shown[name].members):
            yield "the page's text is joined, so its parts may be those of another parameter"
        if name in set(part_names(self.names)) or len(list(part_names(self.names))) != self.parts:
            yield "parts of other parameters came or went, so it may be one of them"
        if any(name in inner and name not in sample for sample in self.page.samples for inner in objects(sample)):
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

    def _fact(self, node: Node, key: str, old: Any, new: Any, *, gone: bool) -> str:
        """Returns the reason why one fact of a parameter is not certain enough, or an empty string."""
        one = node.shown
        if doubts := [other for other in statement(key) if other in one.undecided]:
            return f"its {doubts[0]} is undecided"
        if gone:
            return self._gone(node, key, old)
        fact = one.facts[key]
        if key == "type" and not {old, new} <= set(SCALARS):
            return "the facts of its parts depend on the type; rewrite the parameter by hand"
        if key == "required" and fact.confidence < CERTAIN and not new and self.page.layout.endswith(_MARKED):
            return f"{fact.why}; the page doesn't say that it is optional"
        if key in ("default", "minimum", "maximum") and fact.confidence < CERTAIN and not self._samples_say(node, new):
            return f"{fact.why}; it has no label, and the sample doesn't confirm it"
        return self._near_miss(node, old, new)

    def _gone(self, node: Node, key: str, old: Any) -> str:
        one = node.shown
        if key in ("required", "type"):
            return f"the page doesn't state {key}"
        if node.member:
            return "pages print the facts of a union's members in several ways"
        if key == "format" and one.get("type") != node.spec.get("type"):
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

    def _samples_say(self, node: Node, value: Any) -> bool:
        """Returns whether all samples changed to this value. A sample that already had it confirms no change.

        A sample confirms nothing about a nested part.
        """
        one = node.shown
        if node.depth:
            return False
        stated = [sample[one.name] for sample in self.page.samples if one.name in sample]
        before = self.spec["example"].get(one.name)
        changed = before is None or spelled(before) != spelled(value)
        return changed and bool(stated) and all(spelled(other) == spelled(value) for other in stated)

    def _nested_example(self, name: str, old: Any, new: Any, *, gone: bool) -> str:
        """Returns the reason why a list or an object of the sample may be damaged, or an empty string."""
        if gone or name not in self.shown:
            return ""
        parts = [one.name for one in walk((self.shown[name],))]
        if isinstance(old, list | Mapping):
            return value_doubt(old, new, parts)
        odd = [key for one in objects([new]) for key in one if key not in parts]
        return f"the page doesn't list {show(odd[0])}" if odd else ""

    def _near_miss(self, node: Node, old: Any, new: Any) -> str:
        """Returns a reason if the texts differ by a slip and the old one is still on the page, or an empty string."""
        if not (isinstance(old, str) and isinstance(new, str) and is_slip(old, new)):
            return ""
        values = [value for sample in self.page.samples for value in values_in(sample)]
        if "\\" in spelled(new) and is_one_edit(spelled(old), spelled(new)):
            return "an escaped character may be damaged"
        if old in values or old == node.shown.get("default") or spelled(old) in self.page.listing:
            return f"the page also states {show(old)}, which is nearly the same"
        return ""

    def _enum(self, node: Node, at: Location, old: Any, *, gone: bool) -> str:
        """Returns the reason why a set of values is undecided. `at` is the place below the parameter."""
        one = node.shown
        fact, total = one.facts.get("enum"), one.facts.get("enum_total")
        if fact is None:
            return self._gone(node, "enum", old)
        if len(at) == 1 and fact.confidence < CERTAIN:
            return f"{fact.why}; it has no label"
        if at[-1] == "total" and total is not None and total.confidence < CERTAIN:
            return f"{total.why}; it has no label"
        known = known_values(node.spec["enum"]) if "enum" in node.spec else []
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
        if isinstance(old, list | dict) and not gone and is_one_edit(spelled(old), spelled(new)):
            return "the nested value differs in one character only, which may be damaged"
        if name in self.doubtful:
            return self.doubtful[name]
        if name in self.page.uneven and isinstance(new, int | float):
            return "the sample writes it differently from its other values; a digit may be wrong"
        payload, before = self.page.samples[0], self.spec["example"]
        if stated and name not in self.new and len(self.page.samples) < 2:
            return "only one sample sends it"
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
        if any(isinstance(value, list | Mapping) for value in (old, new)):
            return self._nested_example(name, old, new, gone=gone)
        node, _ = find(self.page.parameters, self.names, ("parameters", name))
        return self._near_miss(node, old, new) if name in self.shown else ""


def _body(one: PageParameter) -> str:
    """Returns the page's text for a parameter, without its own name."""
    return one.text[len(one.name) :]
