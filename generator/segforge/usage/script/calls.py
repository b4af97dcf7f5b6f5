"""What the readers of JavaScript, PHP and Go share: addresses that stand in a code, and calls with their arguments."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from segforge.usage.address import AddressBook
from segforge.usage.json_text import read_json
from segforge.usage.script.scopes import Extent
from segforge.usage.script.values import ScriptCode
from segforge.usage.shown import CodeText, Encoded, Entries, Shown, Use

_ACCESS: Final = frozenset({".", "?.", "->", "::"})
_PARTS_OF_TEXT: Final = re.compile(
    r"startsWith|endsWith|includes|indexOf|replace(?:All)?|split|test|match|str_replace|str_starts_with|str_contains"
    r"|strpos|explode|trim|HasPrefix|HasSuffix|Contains|ReplaceAll|TrimPrefix|Split|RegExp|preg_match|preg_replace"
)
"""Functions whose arguments are parts of a text, and so no addresses."""


class ScriptCall(NamedTuple):
    """A call: the parts of its name, such as `axios` and `post`, its opening bracket, and its arguments.

    The first part is "" if the name starts with another call or an index. `first` is the index of the first token.
    """

    names: tuple[str, ...]
    opening: int
    arguments: tuple[Extent, ...]
    first: int

    @property
    def name(self) -> str:
        """The last part of the name."""
        return self.names[-1]


def calls_in(code: ScriptCode) -> Iterator[ScriptCall]:
    """Yields all calls with a name, in their order."""
    tokens = code.tokens
    for index, token in enumerate(tokens.every):
        before = index - 1
        if token.kind != "mark" or token.value != "(" or index not in tokens.closing or before < 0:
            continue
        if tokens.value(before) == ">" and tokens.every[before].kind == "mark":  # `post<Answer>(...)` in TypeScript
            before = _before_types(code, before)
        if tokens.every[before].kind != "name":
            continue
        names = [tokens.value(before)]
        at = before
        while tokens.value(at - 1) in _ACCESS and len(names) < 20:
            at -= 2
            if tokens.every[at].kind != "name":
                names.append("")
                break
            names.append(tokens.value(at))
        yield ScriptCall(tuple(reversed(names)), index, tuple(code.split(index)), at)


def _before_types(code: ScriptCode, index: int) -> int:
    """Returns the index of the token before the types in `<...>` that end at an index, or the index itself."""
    for at in range(index - 1, max(index - 30, 0), -1):
        value = code.tokens.value(at)
        if value in (";", "(", ")", "="):
            return index
        if value == "<":
            return at - 1
    return index


def addresses_in(code: ScriptCode, book: AddressBook) -> Iterator[Use]:
    """Yields the models whose addresses stand in a code, also as a sum of texts."""
    tokens = code.tokens
    join = "." if code.dialect == "php" else "+"
    for index, token in enumerate(tokens.every):
        before, after = tokens.value(index - 1), tokens.closing.get(index, index) + 1
        is_sum = tokens.value(after) == join
        starts = token.kind == "text" or (token.kind == "mark" and token.value == "`" and index in tokens.closing)
        starts = starts or (token.kind == "name" and is_sum and before not in _ACCESS)
        if not starts or before == join or before in ("`", "${") or _is_part(code, index):
            continue
        extent = code.scopes.extent(index) if is_sum else Extent(index, after)
        text = code.value(extent)
        slug = book.slug(text) if isinstance(text, CodeText) else None
        if slug is not None and isinstance(text, CodeText):
            yield Use(slug, text.position, "address", text.position)


def _is_part(code: ScriptCode, index: int) -> bool:
    """Returns whether a text is an argument of a function that compares or changes texts, or a part of a template."""
    outer = code.tokens.outer[index]
    if outer < 0:
        return False
    around = code.tokens.value(outer)
    return around == "`" or (around == "(" and _PARTS_OF_TEXT.fullmatch(code.tokens.value(outer - 1)) is not None)


def payload_of(body: Shown) -> Entries | None:
    """Returns the parameters in a body: JSON text, or an object that a library encodes."""
    if isinstance(body, Encoded):
        body = body.value
    if isinstance(body, CodeText):
        body = read_json(body)
    return body if isinstance(body, Entries) else None
