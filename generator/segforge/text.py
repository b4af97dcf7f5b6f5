"""Text for people: values and foreign text made safe to print on one line of a terminal."""

import json
import re
from collections.abc import Mapping
from typing import Any

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def one_line(text: str) -> str:
    """The text with control characters, line ends and direction overrides escaped, so that it can't forge output."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def counted(number: int, noun: str) -> str:
    """A number of things in words, such as `1 model` and `2 models`; the noun takes an s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def show(value: object, limit: int = 80) -> str:
    """A value as JSON, cut after `limit` characters, to name it in a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
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
