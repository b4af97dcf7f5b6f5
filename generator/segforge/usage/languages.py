"""The reader of each language: from the text of a file to the uses of the gateway in it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from segforge.usage.address import AddressBook
from segforge.usage.files import Language
from segforge.usage.golang import read_go
from segforge.usage.javascript import read_javascript
from segforge.usage.php import read_php
from segforge.usage.python import read_python
from segforge.usage.shell import read_shell
from segforge.usage.shown import Gone, NotReadable, Use

CodeReader: TypeAlias = Callable[[str, AddressBook], Iterable[Use | Gone]]
"""Yields the uses of the gateway in a code. Raises NotReadable."""

_BLOCK: Final = re.compile(
    r"^(?P<indent>[ \t]*+)(?P<fence>```+|~~~+)[ \t]*+(?P<tag>[A-Za-z0-9+-]++)[^\n]*+\n"
    r"(?P<code>(?:(?![ \t]*+(?P=fence))[^\n]*+\n)*+)",
    re.MULTILINE,
)
_TAGS: Final[Mapping[str, Language]] = {
    **dict.fromkeys(("py", "python", "python3"), "python"),
    **dict.fromkeys(("js", "javascript", "jsx", "mjs", "ts", "typescript", "tsx", "node"), "javascript"),
    "php": "php",
    **dict.fromkeys(("go", "golang"), "go"),
    **dict.fromkeys(("sh", "shell", "bash", "zsh", "console", "curl"), "shell"),
}
_MOST_PADDING: Final = 300_000
"""Line ends that are put before all blocks of a page, so that their lines keep their numbers."""


def read_markdown(page: str, book: AddressBook) -> Iterator[Use | Gone]:
    """Yields the uses in the code blocks of a page. A block that is no whole code in its language is left out."""
    line, last, padding = 0, 0, 0
    for block in _BLOCK.finditer(page):
        line += page.count("\n", last, block.start("code"))
        last = block.start("code")
        language = _TAGS.get(block["tag"].lower())
        if language is None or "segmind" not in block["code"].lower():
            continue
        padding += line
        if padding > _MOST_PADDING:
            return
        code = re.sub(rf"^{block['indent']}", "", block["code"], flags=re.MULTILINE)
        if language == "shell":
            code = re.sub(r"^\$ ", "  ", code, flags=re.MULTILINE)
        try:
            yield from READERS[language]("\n" * line + code, book)
        except NotReadable:
            continue


READERS: Final[Mapping[Language, CodeReader]] = {
    "go": read_go,
    "javascript": read_javascript,
    "markdown": read_markdown,
    "php": read_php,
    "python": read_python,
    "shell": read_shell,
}
