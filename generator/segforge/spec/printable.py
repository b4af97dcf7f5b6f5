"""Makes values and untrusted text safe to print on one line of a terminal."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
"""Matches a character that is invisible or changes the order of others: control characters except tabs and line ends,
marks of direction, zero-width characters, tags, lone surrogates (Unicode's Default_Ignorable_Code_Point, except the
selectors U+FE0E and U+FE0F, which choose between text and emoji)."""

_BLANKS: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}

_ENDED: Final = re.compile(r"[.!?:;,\u2026\u3002\uff01\uff1f][\"')\]\u201d\u2019\u00bb`*_]*\Z")
"""Matches the end of a text to which no full stop is added, with closing quotes, brackets and marks of Markdown."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def one_line(text: str) -> str:
    """Escapes line ends and hidden characters, so that text can't forge output."""
    visible = HIDDEN.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)
    return re.sub(r"[\t\n\r]", lambda match: _BLANKS[match[0]], visible)


def json_visible(text: str) -> str:
    """Escapes hidden characters in JSON without changing its value."""
    return HIDDEN.sub(lambda match: json.dumps(match[0])[1:-1], text)


def ended(text: str) -> str:
    """Returns a text with a full stop, unless it ends in a mark that ends or continues a sentence."""
    bare = text.rstrip()
    return bare if not bare or _ENDED.search(bare) else f"{bare}."


def joined(*texts: str) -> str:
    """Returns texts as one, each a sentence or more. Only the last may lack a full stop. Empty texts are ignored."""
    *first, last = [text.strip() for text in texts if text.strip()] or [""]
    return " ".join([*map(ended, first), last])


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun, such as `1 model` or `2 models`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def between(low: float | None, high: float | None, unlimited: str) -> str:
    """Returns two ends in words, such as `1 to 50` or `1 or more`; `unlimited` if there are none."""
    if low is None:
        return unlimited if high is None else f"{high} or less"
    return f"{low} or more" if high is None else f"{low} to {high}"


_JSON: Final = json.JSONEncoder(ensure_ascii=False, default=str).encode


def show(value: object, limit: int = 80) -> str:
    """Returns a value as JSON for a message, with hidden characters escaped, cut after `limit` characters."""
    text = json_visible(_JSON(value))
    return shortened(text, limit)


def shortened(text: str, most: int) -> str:
    """Returns a text of at most that many characters, which ends in `…` if more was there."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def span(name: str) -> str:
    """Returns a name as a code span of Markdown, or in quotes if it can't be one."""
    return show(name, 1_000) if "`" in name else f"`{name}`"


def code(text: str) -> str:
    """Returns any text as a Markdown code span on one line. Pipes are escaped for tables."""
    bare = one_line(text).replace("|", "\\|")
    fence = "`" * (1 + longest_run(bare))
    pad = " " if bare.startswith("`") or bare.endswith("`") or not bare else ""
    return f"{fence}{pad}{bare}{pad}{fence}"


def longest_run(text: str) -> int:
    """Returns the length of the longest run of backticks in a text."""
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest


def fill(value: object, values: Mapping[str, object]) -> Any:
    """Replaces each `{name}` in the strings of a JSON value by `values[name]`. Other braces remain."""
    if isinstance(value, str):
        if "{" not in value:
            return value
        return _PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[0])), value)
    if isinstance(value, Mapping):
        return {key: fill(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, values) for item in value]
    return value
