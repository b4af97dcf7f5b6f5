"""Limits the number of values in a request. They are counted in the body's bytes, before it is parsed.

A body below the size limit can hold millions of values, and each costs the event loop some microseconds. The limits
are the mock's own: no source documents limits of the gateway.
"""

from typing import Final

import msgspec
from python_multipart.multipart import parse_options_header

from segforge_mock.http.answers import Answer, json_answer

MAX_VALUES: Final = 20_000
"""Values in a JSON body: elements of arrays and members of objects, at any depth."""
MAX_PARTS: Final = 1_000
"""Parts of a multipart body."""
MAX_OUTPUTS: Final = 100
"""Outputs of one run. Pages allow up to 10."""
COUNTED_FROM: Final = 16 * 2**10
"""Bytes from which a body is counted. A smaller one can't exceed a limit."""


def has_too_many_values(body: bytes) -> bool:
    """Returns whether a JSON body holds more than about MAX_VALUES values. The parser refuses invalid JSON."""
    if len(body) < COUNTED_FROM or _separators(body) <= MAX_VALUES or _is_too_deep(body[:COUNTED_FROM]):
        return False
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') > 4 * MAX_VALUES:  # each value has at most two strings, its name among them
        return True
    return _separators(b"".join(plain.split(b'"')[::2])) > MAX_VALUES


def _is_too_deep(start: bytes) -> bool:
    """Returns whether the start of a body nests so deeply that the parser refuses it."""
    try:
        msgspec.json.decode(start)
    except RecursionError:
        return True
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return False


def _separators(text: bytes) -> int:
    return sum(map(text.count, (b",", b"[", b"{")))


def values_refusal(body: bytes) -> Answer | None:
    """Returns 413 for a JSON body with too many values, else None."""
    return too_many("values in the JSON body", MAX_VALUES) if has_too_many_values(body) else None


def parts_refusal(content_type: str, body: bytes) -> Answer | None:
    """Returns 413 for a multipart body with too many parts, else None."""
    if len(body) < COUNTED_FROM:
        return None
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    too_many_parts = boundary and body.count(b"\n--" + boundary) > MAX_PARTS
    return too_many("parts in the multipart body", MAX_PARTS) if too_many_parts else None


def too_many(things: str, most: int) -> Answer:
    """Returns the refusal of a request that holds more than `most` of something."""
    return json_answer(413, {"error": f"Too many {things}: the mock accepts at most {most}"})
