"""Tables and texts in Markdown, in which no text of a spec becomes markup."""

from collections.abc import Iterable, Sequence
from html import escape

from segforge.emit.quoting import markdown, visible

_ENTITIES = str.maketrans({"{": "&#123;", "}": "&#125;"})
_CODE = str.maketrans({char: f"&#{ord(char)};" for char in "\\`*_{}[]()#+-.!|~$:^=\"'@"})


def words(text: str) -> str:
    """Returns text for a line or a cell, in which every character stands for itself."""
    return markdown(text).translate(_ENTITIES)


def code(text: str) -> str:
    """Returns text as code, for a line or a cell."""
    shown = escape(" ".join(visible(text).split()), quote=False)
    return f"<code>{shown.translate(_CODE)}</code>" if shown else ""


def prose(text: str) -> str:
    """Returns text for a line or a cell, in which the parts between backticks are code."""
    return "".join(code(part) if number % 2 else words(part) for number, part in enumerate(text.split("`")))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table. Cells are Markdown without line breaks; those of `header` are plain words."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines) + "\n"


def fenced(text: str, language: str = "") -> str:
    """Returns a block of code that no line of the text can end."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"
