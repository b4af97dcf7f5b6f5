"""Text for people: values and foreign text made safe to print on one line of a terminal."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
"""A character that a reader can't see or that changes the order of others: a control character but for blanks and line
ends, a mark of direction, one of no width, a tag, a lone surrogate (Unicode's Default_Ignorable_Code_Point, but for the
selectors U+FE0E and U+FE0F, which choose between text and emoji)."""

_BLANKS: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def one_line(text: str) -> str:
    """The text with line ends and all hidden characters escaped, so that it can't forge output."""
    visible = HIDDEN.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)
    return re.sub(r"[\t\n\r]", lambda match: _BLANKS[match[0]], visible)


def json_visible(text: str) -> str:
    """JSON with every hidden character escaped; it reads back equal."""
    return HIDDEN.sub(lambda match: json.dumps(match[0])[1:-1], text)


def counted(number: int, noun: str) -> str:
    """A number of things in words, such as `1 model` and `2 models`; the noun takes an s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def show(value: object, limit: int = 80) -> str:
    """A value as JSON with hidden characters escaped, cut after `limit` characters, to name it in a message."""
    text = json_visible(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def fill(value: object, values: Mapping[str, object]) -> Any:
    """A JSON value whose strings have each `{name}` of `values` replaced; other braces stay as they are."""
    if isinstance(value, str):
        if "{" not in value:
            return value
        return _PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[0])), value)
    if isinstance(value, Mapping):
        return {key: fill(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, values) for item in value]
    return value
