"""Finds both sides of a nested part, and judges whether the page proves that a part was added or removed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from segforge.pages.layouts.traces import headers, is_one_edit, spelled, trace
from segforge.pages.page import Page, PageParameter, walk
from segforge.spec.printable import show
from segforge.spec.source import Location

NAME: Final = re.compile(r"[^\W\d][\w.\-\[\]]{0,79}")
_SIMILAR: Final = 0.75
"""The lowest similarity (0 to 1) at which one name may be a damaged form of the other."""
_JOINED: Final = ("/joined", "/glued", "/tokens")
_LINKED: Final[tuple[frozenset[str], ...]] = (frozenset({"minimum", "maximum"}), frozenset({"type", "format"}))
"""Facts of a parameter that form one statement: if one is in doubt, so are the others."""


@dataclass(frozen=True)
class Node:
    """A parameter or nested part on both sides, with those beside it. A side that lacks it has None, or no facts.

    `depth` is 0 for a parameter of the request itself.
    """

    page: PageParameter | None
    spec: Mapping[str, Any]
    page_beside: Mapping[str, PageParameter]
    spec_beside: Mapping[str, Any]
    depth: int
    member: bool = False
    """Whether it is a member of a union."""

    @property
    def shown(self) -> PageParameter:
        """The part on the page. Raises LookupError if the page lacks it."""
        if self.page is None:
            raise LookupError("the page lacks the part")
        return self.page


def fact_of(at: Location) -> int:
    """Returns the index in a location under `parameters` at which the path of the part ends and a fact begins."""
    end = 2
    while end < len(at):
        if at[end] == "items" and end + 1 < len(at):
            end += 1
        elif at[end] in ("properties", "any_of") and end + 1 < len(at):
            end += 2
        else:
            break
    return end


def linked(at: Location) -> tuple[Any, ...]:
    """Returns the statement that a fact belongs to. Facts of one statement are written together or not at all.

    A label of a value is a statement of its own.
    """
    if at[-1:] != ("label",) and len(at) > 2 and at[0] == "parameters" and (end := fact_of(at)) < len(at):
        keys = next((keys for keys in _LINKED if at[end] in keys), at[end])
        return (*at[:end], keys)
    return at


def statement(key: str) -> frozenset[str]:
    """Returns the facts that form one statement with a fact."""
    return next((keys for keys in _LINKED if key in keys), frozenset({key}))


def find(parameters: Sequence[PageParameter], spec: Mapping[str, Any], at: Location) -> tuple[Node, int]:
    """Returns both sides of the part that a location leads to, and the index at which its fact begins."""
    end = fact_of(at)
    node = _node({one.name: one for one in parameters}, spec, str(at[1]), 0)
    index = 2
    while index < end:
        step = at[index]
        if step == "items":
            node = Node(node.page, node.spec.get("items", {}), node.page_beside, node.spec_beside, node.depth + 1)
            index += 1
            continue
        key = at[index + 1]
        if step == "properties":
            items = node.page.items if node.page is not None else ()
            node = _node({one.name: one for one in items}, node.spec.get("properties", {}), str(key), node.depth + 1)
        else:
            members = node.page.members if node.page is not None else ()
            page = members[key] if isinstance(key, int) and key < len(members) else None
            node = Node(page, node.spec["any_of"][key], {}, {}, node.depth + 1, member=True)
        index += 2
    return node, end


def _node(page: Mapping[str, PageParameter], spec: Mapping[str, Any], name: str, depth: int) -> Node:
    return Node(page.get(name), spec.get(name, {}), page, spec, depth)


def nested_doubt(page: Page, spec: Mapping[str, Any], node: Node, name: str, *, gone: bool) -> str:
    """Returns the reason why an added or removed nested part is undecided, or an empty string."""
    reasons = (*_of_list(page, spec), *(_not_removed(page, node, name) if gone else _not_new(page, node, name)))
    return next((reason for reason in reasons if reason), "")


def _of_list(page: Page, spec: Mapping[str, Any]) -> Iterator[str]:
    """Yields reasons why no part of the list of parameters can be sure to have a certain parent."""
    if page.problems:
        yield "the page was not read completely"
    if page.layout.endswith(_JOINED):
        yield "the page's text is joined, so it may be part of another parameter"
    if open_ := [one for one in walk(page.parameters) if open_parent(one, spec)]:
        yield f"the parent of {show(open_[0].name)} is undecided"
    if {one.name for one in page.parameters} != spec.keys():
        yield "other parameters came or went, so it may be part of another one"


def open_parent(one: PageParameter, spec: Mapping[str, Any]) -> str:
    """Returns the reason why a part may belong to another parent, or an empty string.

    A name that the spec has in one place only belongs there.
    """
    doubt = one.undecided.get("parent")
    return doubt.why if doubt is not None and [*spec, *part_names(spec)].count(one.name) != 1 else ""


def part_names(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yields the names of all parts of a spec's parameters that pages list: properties, and titles of members."""
    for one in parameters.values():
        yield from _names_in(one)


def has_all_parts(page: PageParameter, spec: Mapping[str, Any]) -> bool:
    """Returns whether a parameter has the same names of parts on both sides, and as many members of unions."""
    shown = [(one.name, one) for one in walk((page,))][1:]
    members = {id(member) for one in walk((page,)) for member in one.members}
    names = sorted("" if id(one) in members else name for name, one in shown)
    return names == sorted(_without_titles(spec))


def _without_titles(one: Mapping[str, Any]) -> Iterator[str]:
    for name, part in one.get("properties", {}).items():
        yield name
        yield from _without_titles(part)
    for member in one.get("any_of", ()):
        yield ""
        yield from _without_titles(member)
    yield from _without_titles(one["items"]) if "items" in one else ()


def _names_in(one: Mapping[str, Any]) -> Iterator[str]:
    for name, part in one.get("properties", {}).items():
        yield name
        yield from _names_in(part)
    for member in one.get("any_of", ()):
        yield str(member.get("title"))
        yield from _names_in(member)
    if "items" in one:
        yield from _names_in(one["items"])


def _not_removed(page: Page, node: Node, name: str) -> Iterator[str]:
    others = {one.name for one in walk(page.parameters)}
    if name in others:
        yield "a parameter of this name is in another place"
    if any(name in inner for sample in page.samples for inner in objects(sample)):
        yield "the page's sample still contains it"
    for other in node.page_beside.keys() - node.spec_beside.keys():
        if is_similar(name, other) or states(node.page_beside[other], node.spec):
            yield f"{show(other)} is new and may be this part"
    if trace(name, page.listing, sorted(others)):
        yield "its name is still in the list of parameters"
    if headers(page.listing) > sum(1 for _ in walk(page.parameters)):
        yield "the list has more starts of parameters than were read"


def _not_new(page: Page, node: Node, name: str) -> Iterator[str]:
    if not NAME.fullmatch(name):
        yield "it does not look like a name"
    if not any(name in inner for sample in page.samples for inner in objects(sample)):
        yield "no sample shows it inside an object, so it may belong to the request itself"
    for other in node.spec_beside.keys() - node.page_beside.keys():
        if is_similar(name, other) or states(node.shown, node.spec_beside[other]):
            yield f"it may be {show(other)}, which the list lacks"


def values_in(value: Any) -> Iterator[Any]:
    """Yields the scalars in a value of a sample, at any depth."""
    if isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from values_in(one)
    else:
        yield value


def value_doubt(old: Any, new: Any, names: Sequence[str]) -> str:
    """Returns the reason why a changed value of a sample may be damaged, or an empty string.

    `names` are the keys that the page lists for the value's objects.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if lost := [key for key in old if key not in new]:
            return f"its objects lack {show(lost[0])} now; a key may be damaged"
        if odd := [key for key in new if key not in old and key not in names]:
            return f"the page doesn't list {show(odd[0])}"
        return next(filter(None, (value_doubt(old[key], new[key], names) for key in old)), "")
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return "the number of its items changed; a comma may be damaged"
        return next(filter(None, (value_doubt(one, two, names) for one, two in zip(old, new, strict=True))), "")
    texts = spelled(old), spelled(new)
    if texts[0] == texts[1]:
        return ""
    slip = is_one_edit(*texts) or texts[0].strip('"') in texts[1] or texts[1].strip('"') in texts[0]
    return f"{show(old)} and {show(new)} differ by a slip" if slip else ""


def is_similar(one: str, two: str) -> bool:
    """Returns whether one name may be the other, damaged or joined to other text."""
    first, second = one.casefold(), two.casefold()
    if first in second or second in first or is_one_edit(first, second):
        return True
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= _SIMILAR


def states(one: PageParameter, spec: Mapping[str, Any]) -> bool:
    """Returns whether a parameter has a spec's type and values, which suggests that only its name is damaged."""
    stated = [key for key in ("default", "minimum", "maximum") if spec.get(key) is not None]
    return bool(stated) and all(one.get(key) == spec.get(key) for key in ("type", *stated))


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yields the objects inside a sample's values, at any depth."""
    for one in value.values() if isinstance(value, Mapping) else value:
        if isinstance(one, Mapping):
            yield one
        if isinstance(one, Mapping | list):
            yield from objects(one)


def is_slip(old: str, new: str) -> bool:
    """Returns whether two texts, or their forms in JSON, differ by a slip."""
    return is_one_edit(old, new) or adds(old, new) or is_one_edit(spelled(old), spelled(new))


def adds(old: str, new: str) -> bool:
    """Returns whether one text contains the other plus at most two characters, such as the rest of `&quot;`."""
    return abs(len(old) - len(new)) <= 2 and (old in new or new in old)
