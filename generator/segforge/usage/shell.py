"""Finds calls of the gateway in shell scripts: by curl, and by addresses in other commands."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from segforge.usage.address import AddressBook
from segforge.usage.json_text import HIDDEN_PART, read_json
from segforge.usage.shell_words import ShellCommand, Word, WordPart, shell_commands
from segforge.usage.shown import (
    FORM_ENCODING,
    CodeText,
    Entries,
    Entry,
    Gone,
    Lines,
    Shown,
    Unseen,
    Use,
    bearer_in,
    encoding_in,
)

_DATA: Final = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_FORM: Final = frozenset({"-F", "--form", "--form-string"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+")
_ASSIGNED: Final = re.compile(
    r"(?:(?:export|readonly|local|declare)\s+(?:-[a-z]+\s+)*)?([A-Za-z_][A-Za-z0-9_]*+)(\+?=)"
)
_MAX_EXPANDED: Final = 20
"""Variables that one word expands."""


def read_shell(code: str, book: AddressBook) -> Iterator[Use | Gone]:
    """Yields the uses of the gateway in a script."""
    yield from _Script(code, book).uses()


class _Script:
    def __init__(self, code: str, book: AddressBook) -> None:
        self._book, self._lines = book, Lines(code)
        self._commands = list(shell_commands(code))
        self._variables: dict[str, list[Word | None]] = defaultdict(list)
        for command in self._commands:
            self._note_variables(command)

    def _note_variables(self, command: ShellCommand) -> None:
        """Notes assignments, and variables that `read`, `for` and `unset` set."""
        first = command.words[0].text if command.words else ""
        for index, word in enumerate(command.words):
            found = _ASSIGNED.match(word.parts[0].text) if word.parts else None
            if found:
                rest = WordPart(word.parts[0].text[found.end() :], word.parts[0].at + found.end())
                whole = Word((rest, *word.parts[1:]), word.start)
                self._variables[found[1]].append(whole if found[2] == "=" else None)
            elif first in ("read", "for", "unset", "mapfile", "getopts", "select") and _NAME.fullmatch(word.text):
                self._variables[word.text].append(None)
            elif first not in ("export", "readonly", "local", "declare", "typeset") and index == 0:
                break

    def uses(self) -> Iterator[Use | Gone]:
        """Yields the uses in all commands."""
        for command in self._commands:
            texts = [self._text(word) for word in command.words]
            names = [text.rsplit("/", 1)[-1] for text in texts]
            at = names.index("curl") if "curl" in names else -1
            if at >= 0:
                yield from self._curl(command, at, texts[at:])
            for text in texts:
                found = _ASSIGNED.match(text)
                address = text if found is None else CodeText(text[found.end() :], text.position)
                slug = self._book.slug(address)
                if slug is not None:
                    yield Use(slug, address.position, "address", address.position)

    def _curl(self, command: ShellCommand, at: int, texts: Sequence[CodeText]) -> Iterator[Use]:
        bodies: list[CodeText] = []
        headers: list[Entry] = []
        fields: list[Entry] = []
        addresses: list[CodeText] = []
        method, is_json = "", False
        index = 1
        while index < len(texts):
            option, index = texts[index], index + 1
            name, attached = _option(option)
            value = CodeText(attached, option.position) if attached else texts[index] if index < len(texts) else option
            if name in _DATA:
                bodies.append(value)
                is_json = is_json or name == "--json"
            elif name in _FORM:
                key, _, rest = value.partition("=")
                fields.append(Entry(key, CodeText(rest, value.position), value.position))
            elif name in ("-H", "--header"):
                key, _, rest = value.partition(":")
                shown = Unseen(rest.strip()) if HIDDEN_PART in rest else CodeText(rest.strip(), value.position)
                headers.append(Entry(key.strip(), shown, value.position))
            elif name in ("-X", "--request"):
                method = value.upper()
            elif name == "--url":
                addresses.append(value)
            elif not name and not option.startswith("-"):
                addresses.append(option)
                continue
            else:
                continue
            index += 0 if attached else 1
        url = next((one for one in addresses if self._book.slug(one)), None)
        slug = self._book.slug(url) if url is not None else None
        if url is None or slug is None or method not in ("", "POST") or not (bodies or fields or method):
            return
        call = self._lines.position(command.words[at].start)
        sent = Entries(tuple(headers), call, whole=not any(HIDDEN_PART in one.name for one in headers))
        encoding = encoding_in(sent, FORM_ENCODING) if bodies and not is_json else ""
        payload = self._payload(command, bodies) if bodies else Entries(tuple(fields), call, whole=bool(fields))
        yield Use(slug, url.position, "http", call, payload, "text" if fields else "json", encoding, bearer_in(sent))

    def _payload(self, command: ShellCommand, bodies: Sequence[CodeText]) -> Entries | None:
        if len(bodies) != 1:
            return None
        body = bodies[0]
        if body == "@-" and command.heredoc is not None:
            body = self._text(command.heredoc)
        shown: Shown = read_json(body)
        return shown if isinstance(shown, Entries) else None

    def _text(self, word: Word) -> CodeText:
        """Returns the text of a word, with HIDDEN_PART in place of what the script doesn't show."""
        text: list[str] = []
        offsets: list[int] = []
        last = word.start
        for part, direct in self._expanded(word):
            text.append(part.text)
            offsets += range(part.at, part.at + len(part.text)) if direct else [part.at] * len(part.text)
            if part.text.strip("/") and part.text[0] not in "?#" and part.text != HIDDEN_PART:
                last = part.at
        made = "".join(text)
        position = self._lines.position(last)
        return CodeText(made, position, lambda at: self._lines.position(offsets[at]) if at < len(offsets) else position)

    def _expanded(self, word: Word) -> Iterator[tuple[WordPart, bool]]:
        """Yields the parts of a word, with variables that are assigned once replaced by their values."""
        budget = _MAX_EXPANDED
        waiting = [(part, True, 0) for part in reversed(word.parts)]
        while waiting:
            part, direct, depth = waiting.pop()
            values = self._variables.get(part.variable, []) if part.variable is not None else []
            if part.hidden:
                yield WordPart(HIDDEN_PART, part.at), direct
            elif part.variable is None:
                yield part, direct and part.direct and not depth
            elif len(values) == 1 and values[0] is not None and budget > 0 and depth < 5:
                budget -= 1
                waiting += [(one, direct, depth + 1) for one in reversed(values[0].parts)]
            else:
                yield WordPart(HIDDEN_PART, part.at), direct


def _option(text: str) -> tuple[str, str]:
    """Returns the name of an option of curl, and the value attached to it."""
    if text.startswith("--"):
        name, _, value = text.partition("=")
        return name, value
    if re.match(r"-[dFHX]", text):
        return text[:2], text[2:]
    grouped = re.fullmatch(r"-[a-zA-Z#]*([dFHX])", text)  # such as -sSX
    return (f"-{grouped[1]}", "") if grouped else ("", "")
