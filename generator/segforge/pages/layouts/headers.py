"""The header of a parameter's block: name, `required` or `optional`, and type, in each of the renderings."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, TypeAlias

from segforge.pages.layouts.tokens import Mark, Values
from segforge.pages.layouts.values import read_values
from segforge.pages.page import CERTAIN, Value
from segforge.pages.source.document import Document, Line

_WORDS = r"(?:string|integer|number|boolean|object|array|float|any|file|null)(?:\[\])*"


TYPE: Final = rf"(?P<type>{_WORDS}(?: ?\| ?{_WORDS})*)(?: \((?P<format>[A-Za-z0-9_.+/-]{{1,30}})\))?"


FLAG: Final = r"(?P<flag>required|optional)"


_MARK: Final = r"(?:[\s·,]*(?i:deprecated))?"
"""A remark beside the flag or the type."""


FLAG_WORD = re.compile(FLAG, re.IGNORECASE)


TYPE_WORD = re.compile(rf"{TYPE}{_MARK}", re.IGNORECASE)


NAME_FLAG = re.compile(rf"(?P<name>.+?)\s*{FLAG}{_MARK}", re.IGNORECASE)


FLAG_TYPE = re.compile(rf"{FLAG}{_MARK}\s*{TYPE}{_MARK}", re.IGNORECASE)


SPACED = re.compile(rf"(?P<name>\S.*?)\s+(?:{FLAG}[\s,·|]+{TYPE})", re.IGNORECASE)


BRACED = re.compile(rf"(?P<name>\S.*?)\s+\(?{TYPE}[\s,·|]+{FLAG}\)?", re.IGNORECASE)


ANCHOR = re.compile(rf"{FLAG}{_MARK}{TYPE}")


_LABEL = re.compile(
    r"(?i:default)\s*:|(?i:(?:allowed|possible) values)\s*(?:\(\d{1,6} total\))?\s*:|(?i:range)\s*:"
    r"|(?:Array items|One of)\s*:"
)


TITLE = re.compile(r"[^\W\d_][\w.()/-]*(?: [\w.()&/-]+){1,7}")
"""The title of a union's member, such as `Option 1`. A name of a parameter has no blanks."""


HEADER_WITHIN = re.compile(rf"{FLAG}\s*{TYPE}")


GLUED_NAME: Final = "the word may be a default, or the start of the next parameter's name"

MAX_NAME: Final = 100


MAX_HEADER: Final = 300


MAX_BLOCKS: Final = 2_000


Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class BlockHeader:
    """The lines that start a parameter. `first` and `after` are line numbers. Places are offsets in the document."""

    first: int
    after: int
    flag: Place
    type: Place
    format: Place | None
    name_end: int
    slot: Line | None = None
    """The text after the type on the same line, which is the description in joined renderings."""


@dataclass(frozen=True)
class Block:
    """One parameter: its name and the place of the name, its header, its description, and its values."""

    name: str
    name_place: Place
    header: BlockHeader
    description: tuple[Line, ...]
    values: Values
    other: Values | None = None
    """The values if the only line of the description is one of them."""
    names: tuple[str, ...] = ()
    """The readings of the name if the text leaves it open."""
    unread: Line | None = None
    """Text with labels that could not be read and may contain further parameters."""


def place_of(line: Line, match: re.Match[str], group: str) -> Place:
    """Returns the place of a match's group in the document."""
    return line.start + match.start(group), line.start + match.end(group)


def header_of(first: int, after: int, line: Line, match: re.Match[str], slot: Line | None = None) -> BlockHeader:
    """Returns the header that one line holds."""
    format_ = place_of(line, match, "format") if match["format"] else None
    name_end = line.start + (match.end("name") if "name" in match.re.groupindex else match.start())
    return BlockHeader(
        first, after, place_of(line, match, "flag"), place_of(line, match, "type"), format_, name_end, slot
    )


def two_line(index: int, line: Line, match: re.Match[str], second: Line, kind: re.Match[str]) -> BlockHeader:
    """Returns the header of a name line and a line with flag and type."""
    format_ = place_of(second, kind, "format") if kind["format"] else None
    return BlockHeader(
        index,
        index + 2,
        place_of(line, match, "flag"),
        place_of(second, kind, "type"),
        format_,
        line.start + match.end("name"),
    )


def three_line(form: str, index: int, line: Line, second: Line, third: Line) -> BlockHeader | None:
    """Returns the header of a name, a flag and a type on lines of their own, or None."""
    flag_line, type_line = (second, third) if form == "apart" else (third, second)
    flag, kind = FLAG_WORD.fullmatch(flag_line.text.strip("()*")), TYPE_WORD.fullmatch(type_line.text)
    if flag is None or kind is None:
        return None
    format_ = place_of(type_line, kind, "format") if kind["format"] else None
    return BlockHeader(
        index, index + 3, (flag_line.start, flag_line.end), place_of(type_line, kind, "type"), format_, line.end
    )


def joined_header(text: str, line: Line, index: int, stop: int, keys: Collection[str]) -> BlockHeader | None:
    """Returns the header in a line that has values up to `stop` and a description after the header, or None."""
    anchors = [match for match in ANCHOR.finditer(text, stop, line.end) if match.start() > line.start]
    if not anchors:
        return None
    chosen = next((match for match in anchors[:20] if text[stop : match.start()].strip() in keys), anchors[0])
    rest = text[chosen.end() : line.end]
    bare = rest.strip()
    slot = Line(bare, chosen.end() + rest.index(bare)) if bare else None
    format_ = chosen.span("format") if chosen["format"] else None
    return BlockHeader(index, index + 1, chosen.span("flag"), chosen.span("type"), format_, chosen.start(), slot)


def split_glued(document: Document, lines: Sequence[Line], sample: dict[str, Value]) -> Iterator[Line]:
    """Splits lines with several parameters: before a label that leads to a name, and before names of the sample."""
    text = document.text
    for line in lines:
        cuts = {line.start}
        anchors = [match for match in ANCHOR.finditer(text, line.start, line.end) if match.start() > line.start][
            :MAX_BLOCKS
        ]
        for before, anchor in pairwise(anchors):
            head = text[before.end() : anchor.start()]
            label = next(
                (match for match in _LABEL.finditer(head) if leads(text, before.end() + match.start(), anchor.start())),
                None,
            )
            known = ending(head, sample)
            if label is not None:
                cuts.add(before.end() + label.start())
            elif known:
                cuts.add(anchor.start() - len(max(known, key=len)))
        if anchors and (last := _last_label(text, anchors[-1].end(), line.end)) is not None:
            cuts.add(last)
        edges = [*sorted(cuts), line.end]
        for begin, stop in pairwise(edges):
            piece = text[begin:stop].strip()
            if piece:
                yield Line(piece, begin + text[begin:stop].index(piece))


def ending(text: str, keys: Iterable[str]) -> list[str]:
    """Returns the keys that a text ends with, except those that an underscore joins to a longer name."""
    return [key for key in keys if key and text.endswith(key) and not text.removesuffix(key).endswith("_")]


def leads(text: str, at: int, anchor: int) -> bool:
    """Returns whether the text between the value at `at` and the anchor can be a name."""
    values = read_values(text, at, anchor, "string", bare=False)
    name = text[values.stop : anchor]
    return bool(name) and not re.search(r"\s", name) and len(name) <= MAX_NAME


def _last_label(text: str, start: int, end: int) -> int | None:
    for match in _LABEL.finditer(text, start, end):
        if not text[read_values(text, match.start(), end, "string", bare=False).stop : end].strip():
            return match.start()
    return None


def literal_before(before: Block, block: Block) -> Mark | None:
    """Returns the unlabelled `true`, `false` or `null` that is joined to the name after it, or None."""
    default = before.values.facts.get("default")
    if default is None or default.end != block.name_place[0] or default.confidence == CERTAIN:
        return None
    return default if default.value is None or isinstance(default.value, bool) else None


def without_default(block: Block, doubt: Mark | None = None) -> Block:
    """Returns the block without its default. If `doubt` is given, the default is undecided."""
    facts = {key: mark for key, mark in block.values.facts.items() if key != "default"}
    made = replace(block.values, facts=facts, open=dict(block.values.open))
    if doubt is not None:
        made.open["default"] = (doubt.value,), doubt.start, doubt.end, GLUED_NAME
    return replace(block, values=made)
