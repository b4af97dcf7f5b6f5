"""Splits a shell script into commands and words, with quotes, variables and here-documents."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

_PLAIN: Final = re.compile(r"[^\s'\"\\$`;&|()<>]++")
_QUOTED: Final = re.compile(r"(?:[^\"\\$`]|\\(?![\"\\$`\n]))++")
_VARIABLE: Final = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*+)\}|([A-Za-z_][A-Za-z0-9_]*+))")
_OTHER_EXPANSION: Final = re.compile(r"\$(?:\{[^}\n]{0,1000}\}|[0-9@*#?!$-])")
_SUBSTITUTION: Final = re.compile(r"(?:[^'\"\\()]|'[^']*+'|\"(?:[^\"\\]|\\.)*+\"|\\.|['\"\\])", re.DOTALL)
_HEREDOC: Final = re.compile(r"<<(-?)[ \t]*+(['\"\\]?)([A-Za-z_][A-Za-z0-9_]*+)['\"]?")
_COMMENT: Final = re.compile(r"#[^\n]*+")
_MAX_DEPTH: Final = 8
"""The nesting of command substitutions that is read."""


class WordPart(NamedTuple):
    """A part of a word and its offset: a text, or the name of a variable that is expanded there.

    A text that isn't `direct` was changed by escapes. `hidden` stands for any text.
    """

    text: str
    at: int
    variable: str | None = None
    direct: bool = True
    hidden: bool = False


@dataclass(frozen=True)
class Word:
    """One word of a command and its offset."""

    parts: tuple[WordPart, ...]
    start: int

    @property
    def text(self) -> str:
        """The text without variables."""
        return "".join(part.text for part in self.parts)


@dataclass(frozen=True)
class ShellCommand:
    """A simple command, and the here-document that it reads, if any."""

    words: tuple[Word, ...]
    heredoc: Word | None = None


def shell_commands(code: str) -> Iterator[ShellCommand]:
    """Yields the simple commands of a script, also those within `$(...)` and backticks."""
    waiting = [(0, len(code), 0)]
    while waiting:
        start, end, depth = waiting.pop()
        splitter = _Splitter(code, start, end)
        yield from splitter.commands()
        if depth < _MAX_DEPTH:
            waiting += [(*inner, depth + 1) for inner in splitter.inner]


class _Splitter:
    """Splits one range of a script. `inner` are the ranges of command substitutions in it."""

    def __init__(self, code: str, start: int, end: int) -> None:
        self._code, self._at, self._end = code, start, end
        self._parts: list[WordPart] = []
        self._start: int | None = None
        self._words: list[Word] = []
        self._documents: list[tuple[str, bool, bool]] = []
        self.inner: list[tuple[int, int]] = []

    def commands(self) -> Iterator[ShellCommand]:
        """Yields the commands in their order."""
        while self._at < self._end:
            character = self._code[self._at]
            if character in " \t":
                self._end_word()
                self._at += 1
            elif character == "\n":
                yield from self._end_line()
            elif character in ";&|()":
                self._at += 1
                if not self._documents:
                    yield from self._end_command(None)
                else:
                    self._end_word()
            elif character == "#" and self._start is None:
                self._at = self._matched(_COMMENT)
            elif character in "<>":
                self._redirect()
            else:
                self._word_part(character)
        yield from self._end_line()

    def _end_word(self) -> None:
        if self._start is not None:
            self._words.append(Word(tuple(self._parts), self._start))
        self._parts, self._start = [], None

    def _end_command(self, document: Word | None) -> Iterator[ShellCommand]:
        self._end_word()
        if self._words:
            yield ShellCommand(tuple(self._words), document)
        self._words = []

    def _end_line(self) -> Iterator[ShellCommand]:
        self._end_word()
        self._at += 1
        document = None
        for name, literal, tabs in self._documents:
            document = self._document(name, literal=literal, tabs=tabs)
        self._documents = []
        yield from self._end_command(document)

    def _document(self, name: str, *, literal: bool, tabs: bool) -> Word:
        """Reads the lines of a here-document up to its name."""
        start = min(self._at, self._end)
        end = stop = self._end
        ended = re.compile(rf"^{chr(92)}t*{name}$" if tabs else rf"^{name}$", re.MULTILINE).search(
            self._code, start, self._end
        )
        if ended:
            end, stop = ended.start(), ended.end()
        if literal:
            self._at = stop
            return Word((WordPart(self._code[start:end], start),), start)
        inner = _Splitter(self._code, start, end)
        inner._quoted(quote="")
        self.inner += inner.inner
        self._at = stop
        return Word(tuple(inner._parts), start)

    def _redirect(self) -> None:
        found = _HEREDOC.match(self._code, self._at, self._end)
        self._end_word()
        if found and not self._code.startswith("<<<", self._at):
            self._documents.append((found[3], bool(found[2]), bool(found[1])))
            self._at = found.end()
        else:
            self._at += 1

    def _word_part(self, character: str) -> None:
        if character == "\\" and self._code.startswith("\\\n", self._at):
            self._at += 2
            return
        if self._start is None:
            self._start = self._at
        if character == "'":
            end = self._code.find("'", self._at + 1, self._end)
            end = self._end if end < 0 else end
            self._parts.append(WordPart(self._code[self._at + 1 : end], self._at + 1))
            self._at = end + 1
        elif character == '"':
            self._at += 1
            self._quoted('"')
        elif character == "\\":
            self._parts.append(WordPart(self._code[self._at + 1 : self._at + 2], self._at, direct=False))
            self._at += 2
        elif character in "$`":
            self._expansion()
        else:
            end = self._matched(_PLAIN)
            self._parts.append(WordPart(self._code[self._at : end], self._at))
            self._at = end

    def _quoted(self, quote: str) -> None:
        """Reads a text in double quotes, or the lines of a here-document."""
        while self._at < self._end:
            character = self._code[self._at]
            if character == quote:
                self._at += 1
                return
            if character == "\\":
                escaped = self._code[self._at + 1 : self._at + 2]
                if escaped and escaped in '"\\$`\n':
                    self._parts.append(WordPart("" if escaped == "\n" else escaped, self._at, direct=False))
                    self._at += 2
                    continue
            if character in "$`":
                self._expansion()
            elif character == '"':
                self._parts.append(WordPart('"', self._at))
                self._at += 1
            else:
                end = max(self._matched(_QUOTED), self._at + 1)
                self._parts.append(WordPart(self._code[self._at : end], self._at))
                self._at = end

    def _expansion(self) -> None:
        """Reads a variable, a command substitution, or a dollar sign."""
        at = self._at
        variable = _VARIABLE.match(self._code, at, self._end)
        other = _OTHER_EXPANSION.match(self._code, at, self._end)
        if variable:
            self._parts.append(WordPart("", at, variable[1] or variable[2]))
            self._at = variable.end()
            return
        if self._code[at] == "`":
            end = self._code.find("`", at + 1, self._end)
            self._inner(at + 1, self._end if end < 0 else end)
        elif self._code.startswith("$(", at):
            self._inner(at + 2, self._closing(at + 2))
        elif other:
            self._at = other.end()
        else:
            self._parts.append(WordPart("$", at))
            self._at = at + 1
            return
        self._parts.append(WordPart("", at, hidden=True))

    def _inner(self, start: int, end: int) -> None:
        self.inner.append((start, end))
        self._at = end + 1

    def _closing(self, start: int) -> int:
        """Returns the offset of the parenthesis that closes a command substitution."""
        depth, at = 1, start
        while at < self._end:
            found = _SUBSTITUTION.match(self._code, at, self._end)
            if found:
                at = found.end()
                continue
            depth += 1 if self._code[at] == "(" else -1
            if not depth:
                return at
            at += 1
        return self._end

    def _matched(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._code, self._at, self._end)
        return found.end() if found else self._at + 1
