"""Requests and responses. Neither holds the key: the target adds it when it sends."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Final, Literal, NoReturn, TypeAlias

from segforge.spec.printable import one_line

Key: TypeAlias = Literal["valid", "missing", "invalid", "unknown", "recased"]
"""The key of a request: the account's, none, a word that is no key, a well-formed one that no account has, and the
account's with each letter in the other case."""
Expects: TypeAlias = Literal["output", "refusal", "failed job", "limit"]

ADMIN = "/_mock/"
"""The start of the paths of the mock's admin API."""

INVALID_KEY = "not-a-key"
"""The key that a request with a wrong key carries. No real key has this form."""
UNKNOWN_KEY = "SG_5e9f02c7d8a1b364"
"""A key in the documented form, drawn at random. It doesn't belong to any account."""
FIXED_KEYS: Mapping[Key, str] = {"invalid": INVALID_KEY, "unknown": UNKNOWN_KEY}
"""The wrong keys that don't depend on the account's, by kind."""
WRONG_KEYS: tuple[Key, ...] = ("invalid", "unknown", "recased")
"""The keys that the gateway must refuse."""


MOST_VALUES: Final = 500_000
"""Values in a JSON body that is read. Each takes 60 bytes of memory or more, and an embedding has some thousands."""


class NotJson(Enum):
    """The `json` of a body that isn't JSON. None would mean the JSON value null."""

    NOT_JSON = "not JSON"


NOT_JSON = NotJson.NOT_JSON


@dataclass(frozen=True)
class Request:
    """One request. `key` says which kind of key is sent and never holds a key, so no report can leak one.

    A target with a spending cap remembers answers and sends the same request once. To send a request again, set
    another `copy`. `expects` is the result if the contract holds; a target with a cap reserves nothing for
    a request that isn't billed, and a 429 is waited out unless it is the expected "limit". Only the session sets it.
    """

    method: str
    path: str
    key: Key = "valid"
    content_type: str | None = None
    body: bytes | None = None
    copy: int = 0
    expects: Expects = field(default="output", compare=False)


@dataclass(frozen=True)
class Response:
    """One answer. Header names are lower case.

    `key_echoed`: the server sent the key back, and the target masked it. `again`: the answer is remembered from an
    earlier request; nothing was sent. `seconds`: how long the answer took; None if it was not measured.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    key_echoed: bool = False
    again: bool = field(default=False, compare=False)
    seconds: float | None = field(default=None, compare=False)

    @property
    def media_type(self) -> str:
        """The Content-Type in lower case without parameters; empty if the header is missing."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def json(self) -> Any:
        """The body as a JSON value; NOT_JSON if it isn't strict JSON in UTF-8, or holds too many values."""
        if sum(map(self.body.count, (b",", b"[", b"{"))) > MOST_VALUES:
            return NOT_JSON
        try:
            return json.loads(self.body.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return NOT_JSON

    @property
    def in_words(self) -> str:
        """The answer on one line with a shortened body: `400 application/json {"error": "..."}`."""
        try:
            text = self.body[:400].decode("utf-8", "strict" if len(self.body) <= 400 else "ignore")
            printable = text if self.media_type.partition("/")[0] != "image" else None
        except UnicodeDecodeError:
            printable = None
        shown = f"{len(self.body)} bytes" if printable is None else one_line(printable[:200]) or "with an empty body"
        return f"{self.status} {one_line(self.headers.get('content-type', '(no Content-Type)'))} {shown}"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
