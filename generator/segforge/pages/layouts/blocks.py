"""Finds the start of each parameter in each rendering: name, `required` or `optional`, and type.

A page has one rendering. All are tried, and the one that accounts for most keys of the page's own sample is used.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final, TypeAlias

from segforge.pages.layouts.headers import (
    ANCHOR,
    BRACED,
    FLAG_TYPE,
    HEADER_WITHIN,
    MAX_BLOCKS,
    MAX_HEADER,
    MAX_NAME,
    NAME_FLAG,
    SPACED,
    TITLE,
    TYPE_WORD,
    Block,
    BlockHeader,
    Place,
    ending,
    header_of,
    joined_header,
    literal_before,
    split_glued,
    three_line,
    two_line,
    without_default,
)
from segforge.pages.layouts.labels import FACTS, LABEL, labelled
from segforge.pages.layouts.tokens import Values
from segforge.pages.layouts.values import read_values
from segforge.pages.page import Value
from segforge.pages.source.document import Document, Line
from segforge.spec.printable import show

_WORD_NAME: Final = re.compile(r"[A-Za-z]\w*")


@dataclass
class BlockReading:
    """A section read in one rendering: its blocks, and the lines that could not be read."""

    form: str
    blocks: list[Block] = field(default_factory=list)
    unread: list[Line] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The parameters' names in the page's order."""
        return [block.name for block in self.blocks]


def read_blocks(document: Document, start: int, end: int, sample: dict[str, Value]) -> BlockReading:
    """Reads the parameters between two offsets in the rendering that fits best. Returns no blocks if none fits."""
    lines = document.lines(start, end)
    best = BlockReading("none", unread=list(lines))
    best_score = (0, 0, 0)
    for form in _FORMS:
        if form == "glued" and best_score[1] > (not sample) and set(sample) <= set(best.names):
            continue  # no parameter is missing, so no line must be split
        made = list(split_glued(document, lines, sample)) if form == "glued" else lines
        reading = _Walk(document, made, form, sample, bare=True).read()
        if any(block.values.labelled for block in reading.blocks):
            reading = _Walk(document, made, form, sample, bare=False).read()
        known = len(set(reading.names) & set(sample))
        score = (known, len(set(reading.names)), -len(reading.unread))
        if score > best_score:
            best, best_score = reading, score
    return best


class _Walk:
    """Reads the lines from top to bottom: a header, a description, values, the next header."""

    def __init__(
        self, document: Document, lines: Sequence[Line], form: str, sample: dict[str, Value], *, bare: bool
    ) -> None:
        self.text, self.lines, self.form, self.sample, self.bare = document.text, lines, form, sample, bare
        self.end = lines[-1].end if lines else 0
        self._glued = form in ("tokens", "joined", "glued")
        self._loose = form in ("joined", "glued")
        self._headers: dict[int, BlockHeader | None] = {}
        """Headers that don't depend on the values before them, by line."""
        self._union = False
        """Whether a union was read, so that later lines may be titles of its members."""

    def read(self) -> BlockReading:
        reading = BlockReading(self.form)
        header, name = self._first(reading)
        while header is not None and len(reading.blocks) < MAX_BLOCKS:
            following, following_name, block = self._block(header, name)
            reading.blocks.append(block)
            self._union = self._union or block.values.nests == "members"
            reading.unread += [block.unread] if block.unread is not None else []
            header, name = following, following_name
        return _settle_literals(self.text, reading, self.sample) if self._loose else reading

    def _first(self, reading: BlockReading) -> tuple[BlockHeader | None, Place]:
        for index, line in enumerate(self.lines):
            header = self._header(index, line.start, "object")
            if header is not None:
                name = self.text[line.start : header.name_end].strip()
                if self._is_name(name) and (name in self.sample or not (self._glued and re.search(r"\s", name))):
                    return header, (line.start, header.name_end)
            reading.unread.append(line)
        return None, (0, 0)

    def _block(self, header: BlockHeader, name: Place) -> tuple[BlockHeader | None, Place, Block]:
        """Returns the next header, the place of its name, and the block that the given header starts."""
        type_ = self.text[slice(*header.type)].lower()
        own = self.text[name[0] : name[1]].strip()
        slot, first = (header.slot, header.after) if header.slot is not None else (None, header.after)
        for index in range(first, len(self.lines) + 1):
            for begin, lenient in self._begins(header, first, index):
                found = self._close(begin, index, type_, own, lenient=lenient)
                if found is None:
                    continue
                values, following, place = found
                description = ((slot,) if slot else ()) + tuple(self.lines[first:begin])
                other = None if lenient else self._without_description(slot, first, begin, index, type_, own)
                block = Block(own, name, header, description, values, other)
                area = (self.lines[begin].start, place[0]) if lenient else None
                return following, place, self._settled(block, type_, area)
        description = ((slot,) if slot else ()) + tuple(self.lines[first:])
        return None, (0, 0), self._settled(Block(own, name, header, description, Values()), type_, None)

    def _settled(self, block: Block, type_: str, area: Place | None) -> Block:
        """Returns the block without unreadable labelled text in its description. The facts of that text are undecided.

        `area` is the known place of such text. A label below the description's first line extends it.
        """
        lines = block.description
        first = next((index for index in range(1, len(lines)) if LABEL.search(lines[index].text)), None)
        if first is not None:
            area = lines[first].start, (area or (0, lines[-1].end))[1]
            block = replace(block, description=lines[:first])
        if area is None:
            return block
        read = read_values(self.text, *area, type_, self.sample.get(block.name), bare=self.bare, loose=self._loose)
        text = self.text[slice(*area)].strip()
        rest = self.text[read.stop : area[1]].strip()
        made = replace(block.values, facts=dict(block.values.facts), open=dict(block.values.open))
        for key in _lost(text, rest, type_, read, bare=self.bare):
            mark, before = read.facts.get(key), made.facts.get(key)
            if before is not None and key not in (labelled(text) or ()):
                continue
            made.facts.pop(key, None)
            candidates = tuple(one.value for one in (mark, before) if one is not None)
            made.open[key] = candidates, *area, f"{show(' '.join(text.split()))} could not be read"
        unread = Line(text, area[0]) if HEADER_WITHIN.search(text) else None
        return replace(block, values=made, other=None, unread=unread)

    def _begins(self, header: BlockHeader, first: int, index: int) -> Iterator[tuple[int, bool]]:
        """Yields the lines at which values may begin if the next header is at `index`, each with its leniency.

        Values begin after the description's first line, or at a label that can't be one. The lenient attempts, for
        unreadable values before a name that is known from the sample, come last.
        """
        lines = (
            range(min(first + (header.slot is None), index), index + 1)
            if index - first < 60
            else range(first + 1, first + 2)
        )
        yield from ((begin, False) for begin in lines)
        if header.slot is None and first < index and LABEL.match(self.lines[first].text):
            yield first, False  # a parameter without a description
        if self._glued and index < len(self.lines):
            yield from ((begin, True) for begin in lines if begin < len(self.lines))

    def _without_description(
        self, slot: Line | None, first: int, begin: int, index: int, type_: str, own: str
    ) -> Values | None:
        """Returns the values if the description's only line, or all lines from a label on, are values; or None."""
        if slot is not None or begin <= first or begin > len(self.lines):
            return None
        if begin != first + 1 and LABEL.match(self.lines[first].text) is None:
            return None
        found = self._close(first, index, type_, own)
        return found[0] if found is not None and set(found[0].facts) | set(found[0].open) else None

    def _close(
        self, begin: int, index: int, type_: str, own: str, *, lenient: bool = False
    ) -> tuple[Values, BlockHeader | None, Place] | None:
        """Returns the values from line `begin` on, or None if text is left before the next header or the section's end.

        `lenient` accepts unreadable text with a label instead of values, if a name of the sample follows it.
        """
        start = self.lines[begin].start if begin < len(self.lines) else self.end
        sample = self.sample.get(own)
        if index == len(self.lines):
            values = read_values(self.text, start, self.end, type_, sample, bare=self.bare, loose=self._loose)
            rest = self.text[values.stop : self.end].strip() if begin < len(self.lines) else ""
            return None if rest else (values, None, (0, 0))
        line = self.lines[index]
        header = self._header(index, start, type_)
        if header is None:
            return None
        end = header.name_end if self._glued else line.start
        values = read_values(self.text, start, end, type_, sample, bare=self.bare, loose=self._loose)
        if not self._glued:
            return None if self.text[values.stop : end].strip() else (values, header, (line.start, header.name_end))
        place = self._name_after_label(start, end) if lenient else self._name(start, values, end, type_, sample)
        if place is None:
            return None
        values, at = place
        return values, header, (at, end)

    def _name(self, start: int, values: Values, end: int, type_: str, sample: Value) -> tuple[Values, int] | None:
        """Returns the values and the offset of the name joined to them, or None. Names of the sample are preferred."""
        at = values.stop
        rest = self.text[at:end]
        at += len(rest) - len(rest.lstrip())
        name = self.text[at:end].rstrip()
        titled = (self._union or values.nests == "members") and TITLE.fullmatch(name) is not None
        if name not in self.sample and not titled:
            whole = self.text[start:end].rstrip()
            known = [key for key in ending(whole, self.sample) if len(key) != len(name)]
            if known:
                cut = start + len(whole) - len(max(known, key=len))
                shorter = read_values(self.text, start, cut, type_, sample, bare=self.bare, loose=self._loose)
                if not self.text[shorter.stop : cut].strip():
                    values, at, name = shorter, cut, max(known, key=len)
                elif not _WORD_NAME.fullmatch(name):
                    return None
        if not self._is_name(name) or "\n" in name or ('"' in name and name not in self.sample):
            return None
        single = not re.search(r"\s", name) or name in self.sample
        return (values, at) if single or titled or (values and not values.nests) else None

    def _name_after_label(self, start: int, end: int) -> tuple[Values, int] | None:
        """Returns no values and the offset of a name of the sample after text with a label, or None."""
        whole = self.text[start:end].rstrip()
        known = [key for key in ending(whole, self.sample) if len(key) < len(whole)]
        at = start + len(whole) - len(max(known, key=len, default=whole))
        return (Values(stop=at), at) if LABEL.search(self.text, start, at) else None

    def _is_name(self, name: str) -> bool:
        return 0 < len(name) <= MAX_NAME and name.isprintable() and not LABEL.search(name)

    def _header(self, index: int, start: int, type_: str) -> BlockHeader | None:
        """Returns the header whose name is on line `index`, or None. Values of type `type_` may precede the name."""
        line = self.lines[index]
        if not self._loose:
            if index not in self._headers:
                self._headers[index] = self._own_header(index, line)
            return self._headers[index]
        if not ANCHOR.search(line.text):
            return None
        stop = read_values(self.text, start, line.end, type_, bare=self.bare, loose=self._loose).stop
        return joined_header(self.text, line, index, max(stop, line.start), self.sample)

    def _own_header(self, index: int, line: Line) -> BlockHeader | None:
        """Returns the header at a line in a rendering where a line of its own tells it, or None."""
        lines, form = self.lines, self.form
        if len(line.text) > MAX_HEADER:
            return None
        following = lines[index + 1] if index + 1 < len(lines) else None
        if form == "spaced":
            match = SPACED.fullmatch(line.text) or BRACED.fullmatch(line.text)
            return header_of(index, index + 1, line, match) if match else None
        if following is None:
            return None
        if form == "split":
            match, kind = NAME_FLAG.fullmatch(line.text), TYPE_WORD.fullmatch(following.text)
            return two_line(index, line, match, following, kind) if match and kind else None
        if form == "tokens":
            match = FLAG_TYPE.fullmatch(following.text)
            if match is None:
                return None
            if following.text in self.sample and index + 2 < len(lines) and FLAG_TYPE.fullmatch(lines[index + 2].text):
                return None
            return replace(header_of(index, index + 2, following, match), name_end=line.end)
        third = lines[index + 2] if index + 2 < len(lines) else None
        return three_line(form, index, line, following, third) if third is not None else None


_FORMS: Final = ("split", "apart", "type_first", "tokens", "spaced", "joined", "glued")


def _lost(text: str, rest: str, type_: str, read: Values, *, bare: bool) -> list[str]:
    """Returns the facts that a partly read text may contain. `rest` is the part that could not be read.

    If `rest` starts with a label, only facts that were read or labelled count. Otherwise it may be any fact.
    """
    known = {*(labelled(text) or ()), *read.facts, *read.open}
    told = not bare and LABEL.match(rest) is not None
    numeric = type_ in ("integer", "number")
    return [key for key in FACTS if key in known or (not told and (numeric or key not in ("minimum", "maximum")))]


def _settle_literals(text: str, reading: BlockReading, sample: Collection[str]) -> BlockReading:
    """Decides whether `nullable` is a name, or the default `null` and the name `able`, by the sample and the order.

    If neither the sample nor the order of the names decides, both name and default are undecided.
    """
    blocks = reading.blocks
    doubtful = {
        index: literal
        for index in range(1, len(blocks))
        if (literal := literal_before(blocks[index - 1], blocks[index])) is not None
    }
    certain = [(index, _rank(text, one, one.name)) for index, one in enumerate(blocks) if index not in doubtful]
    ordered = all(one < two for (_, one), (_, two) in pairwise(certain))
    for index, literal in doubtful.items():
        block = blocks[index]
        whole = text[literal.start : block.name_place[1]].strip()
        taken = {blocks[other].name for other, _ in certain}
        readings = [name for name in (block.name, whole) if name not in taken and not name.startswith("_")]
        readings = [name for name in readings if name in sample] or readings
        if len(readings) > 1 and ordered:
            low = max((rank for other, rank in certain if other < index), default=None)
            high = min((rank for other, rank in certain if other > index), default=None)
            readings = [name for name in readings if _between(low, _rank(text, block, name), high)] or readings
        if readings == [whole]:
            blocks[index - 1] = without_default(blocks[index - 1])
            blocks[index] = replace(block, name=whole, name_place=(literal.start, block.name_place[1]))
        elif readings != [block.name]:
            blocks[index - 1] = without_default(blocks[index - 1], literal)
            blocks[index] = replace(block, names=(block.name, whole))
    return reading


Rank: TypeAlias = tuple[bool, str]


def _rank(text: str, block: Block, name: str) -> Rank:
    """Returns the sort key of a parameter on a page: required ones first, then by name."""
    return text[slice(*block.header.flag)].lower() != "required", name


def _between(low: Rank | None, rank: Rank, high: Rank | None) -> bool:
    return (low is None or low < rank) and (high is None or rank < high)
