"""Reads the queries and bodies of control routes."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from segforge_mock.gateway.call import Call
from segforge_mock.http.counts import MAX_VALUES, has_too_many_values

T = TypeVar("T")

MAX_PAGE: Final = 1_000_000
MAX_TEXT: Final = 10_000
"""Characters of a text that a control route keeps."""
_FIELDS: Final = 100


class BadInput(ValueError):
    """A query or body that a control route refuses with 400; the message says why."""


def body_of(call: Call, type_: type[T]) -> T:
    """Returns the JSON body of a call. Raises BadInput."""
    body = call.request.body
    if has_too_many_values(body):
        raise BadInput(f"too many values in the JSON body; expected at most {MAX_VALUES}")
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadInput(f"Malformed request body: {error}") from None


def form_of(call: Call) -> Mapping[str, str]:
    """Returns the fields of an URL-encoded body. Raises BadInput."""
    return _fields(call.request.body, "the form")


class Query:
    """The query of a call. Raises BadInput for too many parameters, and for values that aren't valid."""

    def __init__(self, call: Call) -> None:
        self._fields = _fields(call.request.scope.get("query_string", b""), "the query")

    def text(self, name: str) -> str:
        """Returns a parameter, or "" if the query lacks it."""
        return self._fields.get(name, "")

    def required(self, name: str) -> str:
        """Returns a parameter that the query must have."""
        text = self.text(name)
        if not text:
            raise BadInput(f"{name}: expected this parameter in the query")
        return text

    def whole(self, name: str, default: int, most: int) -> int:
        """Returns a whole number from 1 to `most`."""
        text = self.text(name)
        if not text:
            return default
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if not 1 <= number <= most:
            raise BadInput(f"{name}: expected a whole number from 1 to {most}, found {text[:100]!r}")
        return number

    def one_of(self, name: str, known: Collection[str], default: str = "") -> str:
        """Returns one of the known values."""
        text = self.text(name)
        if text and text not in known:
            raise BadInput(f"{name}: expected one of {', '.join(known)}, found {text[:100]!r}")
        return text or default

    def day(self, name: str, default: datetime) -> datetime:
        """Returns the start of a day in UTC."""
        text = self.text(name)
        if not text:
            return default.replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise BadInput(f"{name}: expected a day such as 2026-09-23, found {text[:100]!r}") from None


def end_of(day: datetime) -> datetime:
    """Returns the end of a day. The last day of the calendar ends at its start."""
    try:
        return day + timedelta(days=1)
    except OverflowError:
        return day


def time_text(seconds: float) -> str:
    """Returns a time in seconds since the epoch as ISO 8601, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(raw: bytes, place: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise BadInput(f"expected at most {_FIELDS} parameters in {place}") from None
