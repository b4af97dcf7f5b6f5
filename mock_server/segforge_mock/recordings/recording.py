"""A recording: one request and its answer, without secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from segforge_mock.recordings.masking import has_mark

Headers = Mapping[str, list[str]]
"""The values of each header, by its name in lower case."""

MAX_FILE_BYTES: Final = 256 * 2**20
"""Bytes that a file beside a recording may have, as an answer of the proxy."""


class BadRecording(Exception):
    """A recording can't be read; the message names the file, the problem and the remedy."""


@dataclass(frozen=True)
class StoredBody:
    """A body: its bytes, or a file that holds them.

    `parts` are those of a form, in their order; then there are no bytes, since its boundary is not kept. `replaced` is
    the SHA-256 of the original bytes if a small file stands for them. `omitted` is the fingerprint of a large request
    body that was left out.
    """

    data: bytes = b""
    file: Path | None = None
    parts: "tuple[FormPart, ...]" = ()
    replaced: str = ""
    omitted: str = ""

    def read(self) -> bytes:
        """Returns the bytes. Raises OSError, and BadRecording for a file that is too large."""
        if self.file is None:
            return self.data
        with self.file.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise BadRecording(f"{self.file} is larger than {MAX_FILE_BYTES} bytes; replace it by a smaller file")
        return data


@dataclass(frozen=True)
class FormPart:
    """One part of a form. `filename` is None for a field. `sha256` is that of the content."""

    name: str
    filename: str | None
    media_type: str
    sha256: str
    text: str | None = None
    file: Path | None = None


@dataclass(frozen=True)
class SentRequest:
    """The request of a recording. Path and query are as in the request line."""

    method: str
    path: str
    query: str
    headers: Headers
    body: StoredBody

    def header(self, name: str) -> str:
        """Returns the last value of a header, or `""`."""
        return self.headers.get(name, [""])[-1]


@dataclass(frozen=True)
class GivenAnswer:
    """The answer of a recording."""

    status: int
    headers: Headers
    body: StoredBody

    def header(self, name: str) -> str:
        """Returns the last value of a header, or `""`."""
        return self.headers.get(name, [""])[-1]


@dataclass(frozen=True)
class Recording:
    """One exchange. `gateway` is the start of the URL to which the request went, and `at` its time in UTC (ISO 8601).

    The answer took `seconds`. `times` says how often in a row the request received this answer. `name` is the file's
    name without its suffix.
    """

    name: str
    at: str
    seconds: float
    gateway: str
    request: SentRequest
    answer: GivenAnswer
    times: int = 1

    @property
    def key(self) -> str:
        """The kind of the caller's key: missing, refused (the answer is 401) or accepted."""
        if not has_mark(self.request.headers):
            return "missing"
        return "refused" if self.answer.status == 401 else "accepted"

    @property
    def url(self) -> str:
        """The URL of the request."""
        return f"{self.gateway}{self.request.path}{'?' if self.request.query else ''}{self.request.query}"
