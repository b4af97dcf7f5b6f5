"""Reads the YAML of a recording within limits, and the files beside it from its own folder only."""

import hashlib
import re
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from segforge.spec.printable import show
from segforge.spec.yaml_reader import Unreadable, YamlReader, decode
from segforge_mock.recordings.bodies import SPELLINGS, write_json
from segforge_mock.recordings.recording import (
    MAX_FILE_BYTES,
    BadRecording,
    FormPart,
    GivenAnswer,
    Recording,
    SentRequest,
    StoredBody,
)
from segforge_mock.recordings.writing import FORMAT

_PLACE: Final = re.compile(r" - at `\$(?P<path>[^`]*)`")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_Token = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{1,20}$")]
_Line = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]*$", max_length=100_000)]
_Values = str | list[str]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[!#$%&'*+.^_`|~0-9a-z-]{1,200}$")]


class _PartEntry(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    filename: str | None = None
    type: str = ""
    text: str | None = None
    file: str | None = None


class _ReplacedEntry(msgspec.Struct, forbid_unknown_fields=True):
    sha256: str
    bytes: int


class _MessageEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What requests and answers have in common."""

    headers: dict[_Name, _Values] = {}
    json: Any | UnsetType = UNSET
    spelled: str = "compact"
    text: str | None = None
    file: str | None = None
    form: list[_PartEntry] | None = None
    replaced: _ReplacedEntry | None = None
    omitted: str | None = None


class _RequestEntry(_MessageEntry, forbid_unknown_fields=True, kw_only=True):
    method: _Token
    path: _Line
    query: _Line = ""


class _ResponseEntry(_MessageEntry, forbid_unknown_fields=True, kw_only=True):
    status: Annotated[int, msgspec.Meta(ge=200, le=599)]


class _RecordingEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    recording: int
    at: str = ""
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    gateway: _Line
    request: _RequestEntry
    response: _ResponseEntry
    times: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


def read_recording(folder: Path, file: Path) -> Recording:
    """Reads one recording of a folder. Raises BadRecording and OSError."""
    with file.open("rb") as stream:
        raw = stream.read(2**20 + 1)
    return parse_recording(folder, file, raw)


def parse_recording(folder: Path, file: Path, raw: bytes) -> Recording:
    """Returns the recording that the content of a file holds. Raises BadRecording and OSError."""
    reader = YamlReader(str(file))
    try:
        data = reader.read(decode(raw))
    except Unreadable as error:
        raise BadRecording(str(error.finding(str(file)))) from None
    if reader.findings:
        raise BadRecording(str(reader.findings[0]))
    try:
        found = msgspec.convert(data, _RecordingEntry, strict=True)
    except msgspec.ValidationError as error:
        raise BadRecording(f"{file}:{_line(reader, str(error))}: {_PLACE.sub('', str(error))}{_where(error)}") from None
    if found.recording != FORMAT:
        raise BadRecording(f"{file}: expected recording: {FORMAT}, found {found.recording}; record it anew")
    if not found.request.path.startswith("/"):
        raise BadRecording(f"{file}: the path of the request is {show(found.request.path)}; it must begin with /")
    try:
        request = found.request
        sent = SentRequest(request.method, request.path, request.query, _headers(request), _content(folder, request))
        answer = GivenAnswer(found.response.status, _headers(found.response), _content(folder, found.response))
    except ValueError as error:
        raise BadRecording(f"{file}: {error}") from None
    name = file.name.removesuffix(".yaml")
    return Recording(name, found.at, found.seconds, found.gateway.rstrip("/"), sent, answer, found.times)


def _line(reader: YamlReader, error: str) -> int:
    """Returns the line of the place that an error of msgspec names, or 1."""
    match = _PLACE.search(error)
    steps = _STEP.findall(match["path"]) if match else []
    place = tuple(int(index) if index else name for name, index in steps)
    while place and place not in reader.values:
        place = place[:-1]
    return reader.values.get(place, (1, 1))[0]


def _where(error: Exception) -> str:
    match = _PLACE.search(str(error))
    return f" at {match['path'].lstrip('.')}" if match else "; the docs page 'Record and replay traffic' shows the form"


def _headers(message: _MessageEntry) -> dict[str, list[str]]:
    headers = {name: [values] if isinstance(values, str) else values for name, values in message.headers.items()}
    for name, values in headers.items():
        if not all(_is_header_value(value) for value in values):
            raise ValueError(f"the header {name} has a character that no header allows; remove it")
    return headers


def _is_header_value(value: str) -> bool:
    return all(character == "\t" or " " <= character <= "\xff" for character in value) and "\x7f" not in value


def _content(folder: Path, message: _MessageEntry) -> StoredBody:
    """Returns the body of a message. Raises ValueError and OSError."""
    forms = [
        name
        for name, given in (
            ("json", message.json is not UNSET),
            ("text", message.text is not None),
            ("file", message.file is not None),
            ("form", message.form is not None),
            ("omitted", message.omitted is not None),
        )
        if given
    ]
    if len(forms) > 1:
        raise ValueError(f"a body has one form, found {' and '.join(forms)}; keep one of them")
    if message.omitted is not None:
        return StoredBody(omitted=message.omitted)
    if message.form is not None:
        return StoredBody(parts=tuple(_part(folder, part) for part in message.form))
    if message.file is not None:
        replaced = message.replaced.sha256 if message.replaced is not None else ""
        return StoredBody(file=beside(folder, message.file), replaced=replaced)
    if message.text is not None:
        return StoredBody(message.text.encode("utf-8", "surrogatepass"))
    if message.json is UNSET:
        return StoredBody()
    if message.spelled not in SPELLINGS:
        raise ValueError(f"spelled: expected one of {', '.join(SPELLINGS)}, found {show(message.spelled)}")
    return StoredBody(write_json(message.json, message.spelled))


def _part(folder: Path, part: _PartEntry) -> FormPart:
    if (part.text is None) == (part.file is None):
        raise ValueError(f"the part {show(part.name)} of the form needs either text or file")
    if part.file is None:
        digest = hashlib.sha256((part.text or "").encode()).hexdigest()
        return FormPart(part.name, part.filename, part.type, digest, text=part.text)
    path = beside(folder, part.file)
    with path.open("rb") as stream:
        return FormPart(
            part.name, part.filename, part.type, hashlib.file_digest(stream, "sha256").hexdigest(), file=path
        )


def beside(folder: Path, name: str) -> Path:
    """Returns the path of a file in the folder of recordings. Raises ValueError for any other place."""
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or path == root:
        raise ValueError(f"file: {show(name)} is outside of the folder of recordings; use a path within it")
    if not path.is_file():
        raise ValueError(f"file: {show(name)} doesn't exist or isn't a regular file; restore it, or record anew")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"file: {show(name)} is larger than {MAX_FILE_BYTES} bytes; replace it by a smaller file")
    return path
