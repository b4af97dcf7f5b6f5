"""What goes over the wire and what comes back, without the key: a target adds that while it sends."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Literal, NoReturn, TypeAlias

from segforge.spec.printable import one_line

Key: TypeAlias = Literal["valid", "missing", "invalid"]
Expects: TypeAlias = Literal["output", "refusal", "failed job"]

INVALID_KEY = "not-a-key"
"""What goes in the key's place where a request is to carry a wrong one. It can't be anybody's key by mistake."""


class NotJson(Enum):
    """Stands for the JSON value of a body that is not JSON; None would mean that it is null."""

    NOT_JSON = "not JSON"


NOT_JSON = NotJson.NOT_JSON


@dataclass(frozen=True)
class Request:
    """One request. `key` says which key goes with it, and never holds one, so that no report can leak it.

    Where answers are remembered, the same request is sent once; one that is to be sent again, to hold two answers
    against each other, carries another `copy`. `expects` is what follows while the contract holds: a target with a cap
    on spending asks for no money where that is not billed. Only the session sets it.
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
    """One answer. Header names are lower case; `key_echoed` tells that the key stood in it, and was cut out.

    `again`: it was given before, and is remembered; nothing was sent.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    key_echoed: bool = False
    again: bool = field(default=False, compare=False)

    @property
    def media_type(self) -> str:
        """The Content-Type in lower case and without parameters; empty where there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def json(self) -> Any:
        """The body as a JSON value, NOT_JSON if it is not strict JSON in UTF-8."""
        try:
            return json.loads(self.body.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return NOT_JSON

    @property
    def in_words(self) -> str:
        """The answer on one line, its body shortened: `400 application/json {"error": "..."}`."""
        try:
            text = self.body[:400].decode("utf-8", "strict" if len(self.body) <= 400 else "ignore")
            printable = text if self.media_type.partition("/")[0] != "image" else None
        except UnicodeDecodeError:
            printable = None
        shown = f"{len(self.body)} bytes" if printable is None else one_line(printable[:200]) or "with an empty body"
        return f"{self.status} {one_line(self.headers.get('content-type', '(no Content-Type)'))} {shown}"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
