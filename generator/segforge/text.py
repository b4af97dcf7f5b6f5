"""Text for people: values and foreign text made safe to print on one line of a terminal."""

import json
import re

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(text: str) -> str:
    """The text with control characters, line ends and direction overrides escaped, so that it can't forge output."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def show(value: object, limit: int = 80) -> str:
    """A value as JSON, cut after `limit` characters, to name it in a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
