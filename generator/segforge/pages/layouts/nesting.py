"""Finds the parents of nested parameters, which pages print as a flat list.

All trees that agree with the page are tried: with its labels (`Array items:`, `One of:`), the types of a union's
members, the keys of the samples, and the order of the names. A parent on which they disagree is undecided.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, TypeAlias

from segforge.pages.layouts.headers import TITLE
from segforge.pages.page import CONVENTION, Fact, PageParameter, Undecided, Value

MAX_STEPS: Final = 2_000
"""Steps of the search for the parents in one part of the list. If they don't suffice, its parents are undecided."""
MAX_PART: Final = 300
"""Parameters in one part of the list that is searched. Pages have up to 60."""
MAX_DEPTH: Final = 20
_ROOT: Final = -1
_HOLDERS: Final = ("any", "object")
"""Types of a union's member below which its keys are printed without a label."""

Parents: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class FlatParameter:
    """A parameter in the page's flat list, and the label at the end of its text: items, properties, members or ""."""

    parameter: PageParameter
    nests: str

    @property
    def name(self) -> str:
        """The name, or the title of a union's member."""
        return self.parameter.name

    @property
    def type(self) -> str:
        """The type as printed, or an empty text if it is undecided."""
        return str(self.parameter.get("type") or "")

    @property
    def members(self) -> list[str]:
        """The types of the members of a union."""
        return [one.strip() for one in self.type.split("|")] if "|" in self.type else []


def nest(flat: Sequence[FlatParameter], payloads: Sequence[Mapping[str, Value]]) -> tuple[PageParameter, ...]:
    """Returns the top-level parameters of a flat list, with the others as their items and members."""
    first = next((index for index, one in enumerate(flat) if one.nests), len(flat))
    sent = {key for payload in payloads for key in payload}
    counts = Counter(one.name for one in flat)
    tops = [index for index, one in enumerate(flat) if index <= first or (one.name in sent and counts[one.name] == 1)]
    ranks = [_rank(flat[index]) for index in tops]
    ordered = len(ranks) > 1 and all(one < two for one, two in pairwise(ranks))
    made: list[PageParameter] = []
    for start, end in pairwise([*tops, len(flat)]):
        part = flat[start : end + 1] if end < len(flat) else flat[start:]
        search = _Search(part, payloads, sent, counts, ordered=ordered, closed=end < len(flat))
        made += _assembled(flat[start:end], search)
    return with_dotted(tuple(made), sent)


def _assembled(part: Sequence[FlatParameter], search: "_Search") -> list[PageParameter]:
    """Returns the top-level parameters of one part of the list."""
    found = search.trees() if len(part) > 1 else []
    readings = [{tree[index] for tree in found} or ({0, _ROOT} if index else {_ROOT}) for index in range(len(part))]
    parents = found[-1][: len(part)] if found else tuple(_ROOT for _ in part)
    tops = {part[index].name for index, parent in enumerate(parents) if parent == _ROOT}
    # An undecided parameter that may be at the top is put there, since callers look for it there first.
    parents = tuple(
        _ROOT if len(readings[index]) > 1 and _ROOT in readings[index] and part[index].name not in tops else parent
        for index, parent in enumerate(parents)
    )
    children: dict[int, list[PageParameter]] = {}
    for index in reversed(range(len(part))):
        own = tuple(reversed(children.get(index, [])))
        one = part[index].parameter
        one = replace(one, members=own) if part[index].nests == "members" else replace(one, items=own)
        if parents[index] != _ROOT and part[parents[index]].nests != "members":
            one = _sampled(one, search.values(parents[index], parents))
        if len(readings[index]) > 1:
            names = tuple(None if at == _ROOT else part[at].name for at in sorted(readings[index], reverse=True))
            why = f"it may belong to {names[0]}, or to {names[1] or 'the request itself'}"
            one = replace(one, undecided={**one.undecided, "parent": Undecided(names, one.span, why)})
        children.setdefault(parents[index], []).append(one)
    return list(reversed(children.get(_ROOT, [])))


def _sampled(one: PageParameter, values: Sequence[Value]) -> PageParameter:
    """Returns a nested parameter with its value in the first of the samples' objects that has it."""
    shown = [value[one.name] for value in objects(values) if one.name in value]
    if not shown:
        return one
    fact = Fact(shown[0], one.span, CONVENTION, "a key of an object in the sample")
    return replace(one, facts={**one.facts, "sample": fact})


def objects(values: Sequence[Value]) -> Iterator[Mapping[str, Value]]:
    """Yields the values that are objects, and the objects in those that are lists."""
    for value in values:
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))


class _Search:
    """The search for all trees of one part of the list that agree with the page.

    The first parameter of the part is at the top. So is the last one, if the part is `closed`.
    """

    def __init__(
        self,
        part: Sequence[FlatParameter],
        payloads: Sequence[Mapping[str, Value]],
        sent: Collection[str],
        counts: Mapping[str, int],
        *,
        ordered: bool,
        closed: bool,
    ) -> None:
        self.part, self.payloads, self.ordered, self.closed = part, list(payloads), ordered, closed
        self.sent, self.counts = sent, counts

    def trees(self) -> list[Parents]:
        """Returns all trees, deepest first, each as the index of every parameter's parent. Empty if they are many."""
        found: list[Parents] = []
        waiting: list[Parents] = [(_ROOT,)] if len(self.part) <= MAX_PART else []
        for _ in range(MAX_STEPS):
            if not waiting:
                return found
            parents = waiting.pop()
            if len(parents) < len(self.part):
                waiting += [(*parents, parent) for parent in reversed(self._places(len(parents), parents))]
            elif self.closed or all(self._is_complete(at, parents) for at in self._open(parents)):
                found.append(parents)
        return []

    def values(self, index: int, parents: Parents) -> list[Value]:
        """Returns the values of a parameter in the samples."""
        if index == _ROOT:
            return list(self.payloads)
        outer = self.values(parents[index], parents)
        if parents[index] != _ROOT and self.part[parents[index]].nests == "members":
            return outer
        return [value[self.part[index].name] for value in objects(outer) if self.part[index].name in value]

    def _open(self, parents: Parents) -> list[int]:
        """Returns the last parameter and its ancestors, innermost first, without the top."""
        at, chain = len(parents) - 1, []
        while at != _ROOT:
            chain.append(at)
            at = parents[at]
        return chain

    def _places(self, index: int, parents: Parents) -> list[int]:
        """Returns the parents that the next parameter may have, innermost first."""
        opened = self._open(parents)
        chain = opened[:1] if self.part[opened[0]].nests else []
        if not chain:
            chain = [at for at in opened if self.part[at].nests or self._holds(at, parents)]
            complete = [self._is_complete(at, parents) for at in chain]
            chain = [at for number, at in enumerate([*chain, _ROOT]) if all(complete[:number])]
        if self.closed and index == len(self.part) - 1:
            chain = [at for at in chain if at == _ROOT]
        fitting = [at for at in chain if self._fits(index, at, parents)] if len(chain) <= MAX_DEPTH else []
        return self._agreeing(index, fitting, parents)

    def _holds(self, at: int, parents: Parents) -> bool:
        """Returns whether a parameter is a union's member whose keys may follow without a label."""
        in_union = parents[at] != _ROOT and self.part[parents[at]].nests == "members"
        return in_union and self.part[at].type in _HOLDERS

    def _is_complete(self, at: int, parents: Parents) -> bool:
        """Returns whether a parameter has all members of its union, or at least one nested parameter after a label."""
        nests, count = self.part[at].nests, parents.count(at)
        expected = len(self.part[at].members)
        if nests == "members":
            return count == expected if expected else count >= 2
        return not nests or count > 0

    def _fits(self, index: int, at: int, parents: Parents) -> bool:
        """Returns whether a parameter may be the next part of another one, or at the top."""
        one = self.part[index]
        beside = [self.part[other] for other, parent in enumerate(parents) if parent == at]
        if any(other.name == one.name for other in beside):
            return False
        if at != _ROOT and self.part[at].nests == "members":
            return self._is_member(one, self.part[at].members, beside)
        if TITLE.fullmatch(one.name) and one.name not in self.sent:
            return False
        return at != _ROOT or not self.ordered or _rank(beside[-1]) < _rank(one)

    @staticmethod
    def _is_member(one: FlatParameter, types: list[str], before: list[FlatParameter]) -> bool:
        """Returns whether a parameter may be the next member: its type is as printed, and `Option 2` follows 1."""
        if types and (len(before) >= len(types) or one.type not in ("", types[len(before)])):
            return False
        numbers = [re.fullmatch(r"Option (\d+)", member.name) for member in (*before, one)]
        if any(numbers):
            return all(match is not None and int(match[1]) == at for at, match in enumerate(numbers, start=1))
        return True

    def _agreeing(self, index: int, chain: list[int], parents: Parents) -> list[int]:
        """Returns the parents that agree with the samples: a key that a sample has at one of them is listed there."""
        name = self.part[index].name
        if (
            self.counts[name] > 1
            or name in self.sent
            or any(at != _ROOT and self.part[at].nests == "members" for at in chain)
        ):
            return chain
        having = [at for at in chain if any(name in one for one in objects(self.values(at, parents)))]
        return having if len(having) == 1 else chain


def _rank(one: FlatParameter) -> tuple[bool, str]:
    """Returns the sort key of a parameter on a page: required ones first, then by name."""
    return one.parameter.get("required") is not True, one.name


def with_dotted(parameters: tuple[PageParameter, ...], sent: Collection[str]) -> tuple[PageParameter, ...]:
    """Returns the parameters with those of dotted names, such as `messages.system_instruction`, in their parents.

    `sent` has the keys of the samples. A dotted name that is one of them stays as it is.
    """
    made: dict[str, PageParameter] = {}
    for one in parameters:
        path = [part for part in re.split(r"(?:\[\d*\])?\.", one.name) if part]
        if len(path) > 1 and one.name not in sent and one.name.count(".") == len(path) - 1:
            top = made.get(path[0])
            moved = _put(top, path[1:], one) if top is not None else None
            if moved is not None:
                made[path[0]] = moved
                continue
        key = one.name if one.name not in made else f"{one.name}\0{len(made)}"
        made[key] = one
    return tuple(made.values())


def _put(parent: PageParameter, path: list[str], one: PageParameter) -> PageParameter | None:
    """Returns a parameter with another one at a path of its nested keys, or None if it can't have nested keys."""
    types = parent.undecided["type"].candidates if "type" in parent.undecided else (parent.get("type"),)
    if not any(str(type_).removesuffix("[]") in ("object", "array", "any") for type_ in types) or parent.members:
        return None
    if len(path) == 1:
        if any(item.name == path[0] for item in parent.items):
            return None
        facts = {key: fact for key, fact in one.facts.items() if key != "sample"}
        return replace(parent, items=(*parent.items, replace(one, name=path[0], facts=facts)))
    for index, item in enumerate(parent.items):
        if item.name == path[0]:
            moved = _put(item, path[1:], one)
            if moved is None:
                return None
            return replace(parent, items=(*parent.items[:index], moved, *parent.items[index + 1 :]))
    return None
