"""A folder of recordings: a YAML file for each exchange, and `media/` with the files that are not in the YAML.

The name of a recording states the request: method, path, a part of its fingerprint and a number that counts its
answers, such as `post-v2-sdxl-1f0c2a9d-001`. The polls of a job and its files carry the name of its submit, since ids
differ with each run. So the same traffic leads to the same names, in any order. If a request is recorded again, its
first new answer replaces all earlier ones.
"""

import re
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from segforge.files import PART, write_atomically
from segforge_mock.http.request import media_type
from segforge_mock.recordings.bodies import (
    ReadPart,
    fingerprint,
    is_json,
    is_text,
    masked,
    masked_fingerprint,
    masked_part,
    read_json,
    read_parts,
    request_id_of,
    sha256,
    write_json,
)
from segforge_mock.recordings.masking import Masking
from segforge_mock.recordings.reading import parse_recording, read_recording
from segforge_mock.recordings.recording import BadRecording, Recording
from segforge_mock.recordings.small import small_file
from segforge_mock.recordings.writing import FORMAT, INLINE_BYTES, to_yaml

MEDIA: Final = "media"
LARGE_MEDIA: Final = 4 * 2**10
"""Bytes from which `small_media` replaces a file."""
MAX_RECORDINGS: Final = 20_000
MAX_JOBS: Final = 10_000
MAX_BYTES: Final = 256 * 2**20
"""Bytes that all YAML files of a folder may have."""
_ENDINGS: Final = {
    "image/jpeg": "jpeg",
    "image/svg+xml": "svg",
    "audio/mpeg": "mp3",
    "audio/x-wav": "wav",
    "model/gltf-binary": "glb",
    "text/plain": "txt",
}
_NUMBERED: Final = re.compile(r"(?P<stem>.+)-(?P<number>[0-9]{3,6})")
_ID: Final = re.compile(r"[0-9A-Za-z_-]{8,64}")


@dataclass(frozen=True, repr=False)
class MetExchange:
    """One exchange before it is stored, with its secrets. Header names are in lower case, bodies are plain.

    `file_of` is the URL of the file to which the request went, if it was one that an earlier answer named; `names`
    are the URLs of such files in this answer.
    """

    at: str
    seconds: float
    gateway: str
    method: str
    path: str
    query: str
    request_headers: list[tuple[bytes, bytes]]
    request_body: bytes
    status: int
    answer_headers: list[tuple[bytes, bytes]]
    answer_body: bytes
    masking: Masking
    file_of: str = ""
    names: tuple[str, ...] = ()


class RecordingFolder:
    """Writes recordings to a folder, one thread at a time. `small_media`: see the module `small`."""

    def __init__(self, folder: Path, *, small_media: bool = False) -> None:
        """Makes the folder and drops unfinished files. Raises OSError."""
        self.folder = folder
        self._small_media = small_media
        folder.mkdir(parents=True, exist_ok=True)
        for path in [*folder.glob(".*.part"), *folder.glob(f"{MEDIA}/.*.part")]:
            if PART.fullmatch(path.name):
                path.unlink(missing_ok=True)
        self._earlier = sorted(path.name for path in folder.glob("*.yaml"))
        """The recordings of earlier runs."""
        self._counts: dict[str, int] = {}
        self._last: dict[str, tuple[str, str, int]] = {}
        """The name of the newest recording under each stem, a hash of its content, and its `times`."""
        self._jobs: dict[str, str] = {}
        self._files: dict[str, str] = {}

    def write(self, exchange: MetExchange) -> str:
        """Stores an exchange and returns its name. Raises OSError, and then stores nothing of it."""
        stem = self._stem(exchange)
        if stem not in self._counts:
            self._forget(stem)
        data = self._data(exchange)
        content = sha256(repr((data["gateway"], data["request"], data["response"])).encode("utf-8", "surrogatepass"))
        name, before, times = self._last.get(stem, ("", "", 0))
        if before == content:
            times += 1
            self._store(name, {**data, "times": times})
        else:
            if sum(self._counts.values()) >= MAX_RECORDINGS:
                raise OSError(f"{self.folder} is full: it holds {MAX_RECORDINGS} recordings")
            number, times = self._counts.get(stem, 0) + 1, 1
            name = f"{stem}-{number:03d}"
            self._store(name, data)
            self._counts[stem] = number
        self._last[stem] = name, content, times
        self._remember(exchange, name)
        return name

    def _forget(self, stem: str) -> None:
        """Removes the recordings of earlier runs under a stem, with those of their jobs."""
        place = bisect_left(self._earlier, f"{stem}-")
        while place < len(self._earlier) and (name := self._earlier[place]).startswith(f"{stem}-"):
            if _NUMBERED.fullmatch(name[: len(stem) + 4]):
                (self.folder / name).unlink(missing_ok=True)
                del self._earlier[place]
            else:
                place += 1

    def _remember(self, exchange: MetExchange, name: str) -> None:
        """Remembers the job and the files that an answer named, for the names of later recordings."""
        request_id = _job_id(exchange.answer_body) if exchange.method == "POST" else ""
        if request_id:
            self._jobs[request_id] = name
        owner = self._job_of(exchange.path)[0] or name
        for url in exchange.names:
            self._files.setdefault(url, f"{owner}.file-{len(self._files) + 1}")
        for known in (self._jobs, self._files):
            while len(known) > MAX_JOBS:
                del known[next(iter(known))]

    def _job_of(self, path: str) -> tuple[str, str]:
        """Returns the name of the submit of the job in a path, and the path without its id."""
        for part in path.split("/"):
            for name in (part, part.partition(".")[0], part.rpartition("-")[0]):  # of a file: ID.png or ID-1.png
                if name in self._jobs:
                    return self._jobs[name], path.replace(name, "", 1)
        return "", path

    def _stem(self, exchange: MetExchange) -> str:
        path = exchange.masking.text(exchange.path.encode()).decode()
        if exchange.file_of:
            return self._files.get(exchange.file_of) or f"file-{sha256(exchange.file_of.encode())[:8]}"
        owner, rest = self._job_of(path)
        label = _label(f"{exchange.method} {rest}")
        if owner:
            return f"{owner}.{label}"
        content_type = dict(exchange.request_headers).get(b"content-type", b"").decode("latin-1")
        body = masked_fingerprint(content_type, exchange.request_body, exchange.masking)
        query = exchange.masking.text(exchange.query.encode()).decode()
        identity = "\n".join((exchange.method, path, query, body))
        return f"{label}-{sha256(identity.encode())[:8]}"

    def _data(self, exchange: MetExchange) -> dict[str, Any]:
        """Returns an exchange as plain data, and stores the files that it refers to."""
        masking = exchange.masking
        request: dict[str, Any] = {
            "method": exchange.method,
            "path": masking.text(exchange.path.encode()).decode(),
            **({"query": masking.text(exchange.query.encode()).decode()} if exchange.query else {}),
            **self._message(exchange.request_headers, exchange.request_body, masking, is_request=True),
        }
        return {
            "recording": FORMAT,
            "at": exchange.at,
            "seconds": round(exchange.seconds, 3),
            "gateway": masking.text(exchange.gateway.encode()).decode(),
            "request": request,
            "response": {
                "status": exchange.status,
                **self._message(exchange.answer_headers, exchange.answer_body, masking, is_request=False),
            },
        }

    def _message(
        self, headers: list[tuple[bytes, bytes]], body: bytes, masking: Masking, *, is_request: bool
    ) -> dict[str, Any]:
        shown = {name: values[0] if len(values) == 1 else values for name, values in masking.headers(headers).items()}
        content_type = dict(headers).get(b"content-type", b"").decode("latin-1")
        return {"headers": dict(sorted(shown.items())), **self._body(content_type, body, masking, is_request)}

    def _body(self, content_type: str, body: bytes, masking: Masking, is_request: bool) -> dict[str, Any]:
        if not body:
            return {}
        parts = read_parts(content_type, body) if is_request else None
        if parts is not None:
            return {"form": [self._part(masked_part(part, masking)) for part in parts]}
        raw = masked(content_type, body, masking)
        if not is_text(content_type, body):
            return self._file(content_type, raw)
        if len(raw) > INLINE_BYTES:
            if is_request and self._small_media:
                return {"omitted": fingerprint(content_type, raw)}
            return self._file(content_type if is_json(content_type) else "text/plain", raw)
        found = read_json(raw) if is_json(content_type) else None
        if found is not None:
            spelled = {} if found[1] == "compact" else {"spelled": found[1]}
            return {"json": found[0], **spelled}
        return {"text": raw.decode()}

    def _part(self, part: ReadPart) -> dict[str, Any]:
        shown: dict[str, Any] = {"name": part.name}
        if part.filename is not None:
            shown["filename"] = part.filename
        if part.media_type:
            shown["type"] = part.media_type
        if part.filename is None and len(part.data) <= INLINE_BYTES and is_text("", part.data):
            return {**shown, "text": part.data.decode()}
        return {**shown, "file": self._file(part.media_type, part.data, small=False)["file"]}

    def _file(self, content_type: str, data: bytes, *, small: bool = True) -> dict[str, Any]:
        """Stores a file under its hash and returns its entry."""
        original: dict[str, Any] = {}
        if small and self._small_media and len(data) > LARGE_MEDIA:
            instead = small_file(content_type)
            if instead is not None and len(instead) < len(data):
                original = {"replaced": {"sha256": sha256(data), "bytes": len(data)}}
                data = instead
        name = f"{MEDIA}/{sha256(data)[:32]}.{_ending(content_type)}"
        path = self.folder / name
        if not path.is_file():
            write_atomically(path, data)
        return {"file": name, **original}

    def _store(self, name: str, data: dict[str, Any]) -> None:
        """Writes the YAML of a recording. A body that would not be read as it was is written as text, or as a file."""
        for change in (None, _as_text, self._as_file):
            if change is not None:
                data = {
                    side: change(value) if side in ("request", "response") else value for side, value in data.items()
                }
            file = self.folder / f"{name}.yaml"
            with suppress(BadRecording, ValueError, RecursionError):
                raw = to_yaml(data).encode("utf-8")
                if _is_faithful(parse_recording(self.folder, file, raw), data):
                    write_atomically(file, raw)
                    return
        raise OSError(f"the exchange {name} can't be written as YAML")

    def _as_file(self, message: dict[str, Any]) -> dict[str, Any]:
        text = message.get("text")
        rest = {name: value for name, value in message.items() if name != "text"}
        return message if text is None else {**rest, **self._file("text/plain", text.encode("utf-8", "surrogatepass"))}


def _as_text(message: dict[str, Any]) -> dict[str, Any]:
    if "json" not in message:
        return message
    text = write_json(message["json"], message.get("spelled", "compact")).decode("utf-8")
    return {**{name: value for name, value in message.items() if name not in ("json", "spelled")}, "text": text}


def _is_faithful(read: Recording, data: dict[str, Any]) -> bool:
    """Returns whether a recording that was read again has the bytes that were written."""
    for message, found in ((data["request"], read.request.body), (data["response"], read.answer.body)):
        shown = _as_text(message).get("text")
        if shown is not None and found.data != shown.encode("utf-8"):
            return False
    return True


def _job_id(body: bytes) -> str:
    found = request_id_of(body) if len(body) <= INLINE_BYTES else ""
    return found if _ID.fullmatch(found) else ""


def _label(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-") or "request"


def _ending(content_type: str) -> str:
    kind = media_type(content_type)
    ending = _ENDINGS.get(kind) or kind.partition("/")[2]
    return ending if re.fullmatch(r"[a-z0-9]{1,8}", ending) else "bin"


def read_folder(folder: Path) -> list[Recording]:
    """Returns the recordings of a folder in their order. Raises BadRecording and OSError."""
    if not folder.is_dir():
        raise BadRecording(f"{folder} is not a folder; name one that `segforge mock --record` wrote")
    files = sorted(folder.glob("[!.]*.yaml"), key=_in_order)
    if not files:
        raise BadRecording(
            f"{folder} holds no recording (*.yaml); record some with segforge mock --upstream URL --record"
        )
    size = sum(file.stat().st_size for file in files)
    if len(files) > MAX_RECORDINGS or size > MAX_BYTES:
        raise BadRecording(
            f"{folder} holds {len(files)} recordings with {size} bytes; expected at most {MAX_RECORDINGS} with "
            f"{MAX_BYTES} bytes; split it"
        )
    return [read_recording(folder, file) for file in files]


def _in_order(file: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"([0-9]+)", file.name)]
