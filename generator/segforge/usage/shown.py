"""The values that code shows, as far as it shows them: the common form of all languages."""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

MAX_NUMBER: Final = 10**18
"""The largest number that is read. Larger ones count as not shown."""
FORM_ENCODING: Final = "application/x-www-form-urlencoded"
"""The encoding of an HTML form, which many programs use by default."""
MAX_TEXT: Final = 100_000
"""The most characters of a text that is joined from parts."""


class NotReadable(Exception):
    """A file can't be read as code of its language; the message states why."""


@dataclass(frozen=True, order=True)
class Position:
    """A place in a file: its line and its column in characters, from 1."""

    line: int
    column: int


class Lines:
    """The positions of offsets in a text."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def position(self, offset: int) -> Position:
        """Returns the position of an offset."""
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)


@dataclass(frozen=True)
class Unseen:
    """A value that the code doesn't show. `start` is the start of its text, as far as that is known, with its place."""

    start: str = ""
    position: Position | None = None


UNSEEN: Final = Unseen()


class CodeText(str):
    """A text of the code, with the position of its last part.

    `locate` returns the position of a character of it, if the text stands in the file as it is.
    """

    position: Position
    locate: Callable[[int], Position] | None

    def __new__(cls, text: str, position: Position, locate: Callable[[int], Position] | None = None) -> "CodeText":
        """Returns the text with its position."""
        made = super().__new__(cls, text)
        made.position, made.locate = position, locate
        return made


@dataclass(frozen=True)
class Entry:
    """One entry of an object, with the position of its name."""

    name: str
    value: "Shown"
    position: Position


@dataclass(frozen=True)
class Entries:
    """An object. It is `whole` if it certainly has no other entries."""

    entries: tuple[Entry, ...]
    position: Position
    whole: bool = True

    def get(self, *names: str) -> "Shown | None":
        """Returns the value of the last entry that has one of the names, without regard to case."""
        found = [entry.value for entry in self.entries if entry.name.lower() in names]
        return found[-1] if found else None


@dataclass(frozen=True)
class Encoded:
    """The JSON text of a value."""

    value: "Shown"


Shown: TypeAlias = "str | int | float | bool | list[Any] | Entries | Encoded | Unseen | None"
"""A value as far as the code shows it. The items of a list are such values, too."""


@dataclass(frozen=True)
class Use:
    """One call of a model, or an `address` of a model that stands in the code without a visible call.

    `at` is the position of the slug, `call` that of the call. `payload` is None if the code doesn't show it. The form
    `text` means that all values are sent as text, as in a multipart body; `client` means that a client sends them.
    `encoding` is the content type of the body if the code shows it. `bearer` is the position of a header that sends the
    key as a Bearer token.
    """

    slug: str
    at: Position
    kind: Literal["http", "sdk", "client", "attribute", "address"]
    call: Position
    payload: Entries | None = None
    form: Literal["json", "text", "client"] = "json"
    encoding: str = ""
    bearer: Position | None = None


@dataclass(frozen=True)
class Gone:
    """A use of something that the official SDK no longer has or that no longer works, under its dotted name."""

    name: str
    at: Position


def number(value: float) -> Shown:
    """Returns a number, or UNSEEN if it is too large to be judged."""
    return value if -MAX_NUMBER <= value <= MAX_NUMBER else UNSEEN


def joined(parts: Sequence[Shown]) -> Shown:
    """Returns the text that a sequence of parts forms; Unseen with the known start if not all of it is shown.

    The position is that of the last part that isn't the start of a query.
    """
    known: list[str] = []
    position: Position | None = None
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, str | int):
            rest = part.start if isinstance(part, Unseen) else ""
            first = parts[0]
            return Unseen(("".join(known) + rest)[:MAX_TEXT], getattr(first, "position", None))
        if isinstance(part, CodeText) and (position is None or (part.strip("/") and part[0] not in "?#")):
            position = part.position
        known.append(str(part))
    text = "".join(known)
    if len(text) > MAX_TEXT or position is None:
        return UNSEEN
    return CodeText(text, position)


def start_of(value: "Shown | None") -> str:
    """Returns the start of a text, as far as it is known."""
    return value.start if isinstance(value, Unseen) else value if isinstance(value, str) else ""


def plain(value: Shown) -> Any:
    """Returns a value as JSON, in which Unseen stands for all that the code doesn't show."""
    if isinstance(value, Entries):
        return {entry.name: plain(entry.value) for entry in value.entries} if value.whole else UNSEEN
    if isinstance(value, list):
        return [plain(item) for item in value]
    return UNSEEN if isinstance(value, Encoded | Unseen) else value


def merged(first: Entries, second: Shown) -> Entries:
    """Returns an object with the entries of another spread into it, which replace those of the same name."""
    if not isinstance(second, Entries):
        hidden = tuple(Entry(entry.name, UNSEEN, entry.position) for entry in first.entries)
        return Entries(hidden, first.position, whole=False)
    kept = {entry.name: entry for entry in (*first.entries, *second.entries)}
    if not second.whole:
        own = {entry.name for entry in second.entries}
        kept = {n: one if n in own else Entry(n, UNSEEN, one.position) for n, one in kept.items()}
    return Entries(tuple(kept.values()), first.position, first.whole and second.whole)


def bearer_in(headers: Shown) -> Position | None:
    """Returns the position of a header that sends a Bearer token, if certainly no header sends a key."""
    if not isinstance(headers, Entries) or not headers.whole or headers.get("x-api-key") is not None:
        return None
    for entry in headers.entries:
        if entry.name.lower() == "authorization" and start_of(entry.value).lower().startswith("bearer "):
            return entry.position
    return None


def encoding_in(headers: Shown, default: str) -> str:
    """Returns the content type that headers state, or the default of the library; "" if the code doesn't show it."""
    if not isinstance(headers, Entries) or not headers.whole:
        return ""
    stated = headers.get("content-type")
    text = start_of(stated).partition(";")[0].strip().lower()
    return default if stated is None else text if isinstance(stated, str) else ""
