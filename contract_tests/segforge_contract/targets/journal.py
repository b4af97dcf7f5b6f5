"""The journal of a run: each reservation and each exchange on a line of JSON, so that a run that is cut off can go on.

It serves as a cassette too: the exchanges alone are enough to run the checks again offline. No line holds the API key:
a Request never does, and a target masks it in what comes back.
"""

import base64
import binascii
import contextlib
import json
import os
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from segforge.spec.printable import show
from segforge_contract.errors import BadJournal, NoAnswer
from segforge_contract.messages.request import Request, Response

FORMAT = "segforge-contract-journal"
VERSION = 1


@dataclass(frozen=True)
class Reservation:
    """Written, and on the disk, before a request is sent that may be billed."""

    call: int
    amount: Decimal
    worst: Decimal
    request: Request


@dataclass(frozen=True)
class Exchanged:
    """A request and what came of it. `at` in seconds since 1970; `call` is None where nothing could be billed."""

    call: int | None
    at: float
    request: Request
    answer: Response | NoAnswer


@dataclass(frozen=True)
class Weighed:
    """A reading of the balance, in credits."""

    balance: Decimal


Entry: TypeAlias = Reservation | Exchanged | Weighed


class Journal:
    """An open journal: what it held when it was opened, and what is appended. Without a file nothing is kept."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        entries: Iterable[Entry] = (),
        stream: BinaryIO | None = None,
        file: Path | None = None,
    ) -> None:
        self.settings = settings
        """What the run was started with, as the one who started it wrote it down."""
        self.entries = tuple(entries)
        self.file = file
        """Where it is, if it is kept."""
        self._stream = stream

    @property
    def durable(self) -> bool:
        """Whether it outlives this process."""
        return self._stream is not None

    def append(self, entry: Entry, *, sync: bool = False) -> None:
        """Write an entry; with `sync` it is on the disk when this returns. Raises OSError."""
        if self._stream is not None:
            _write(self._stream, _to_json(entry), sync=sync)

    def close(self) -> None:
        """Give the file back."""
        if self._stream is not None:
            with contextlib.suppress(OSError):  # on a full disk, what is left of a line is tried once more
                self._stream.close()
            self._stream = None


def create(file: Path, settings: Mapping[str, Any]) -> Journal:
    """Start a journal in a file that isn't there yet. Raises BadJournal and OSError."""
    try:
        stream = open(file, "xb", opener=_privately)  # noqa: SIM115 - the journal closes it
    except FileExistsError:
        raise BadJournal(f"{file} exists; name another file, or go on with that run: --resume {file}") from None
    _lock(stream, file)
    _write(stream, {"format": FORMAT, "version": VERSION, "settings": dict(settings)}, sync=True)
    _sync_folder(file)
    return Journal(settings, (), stream, file)


def reopen(file: Path) -> Journal:
    """Open a journal to go on where it ends; a last line that was cut off is dropped. Raises BadJournal and OSError."""
    stream = file.open("r+b")
    _lock(stream, file)
    try:
        journal, length = _parse(file, stream.read())
    except BadJournal:
        stream.close()
        raise
    stream.truncate(length)
    stream.seek(length)
    return Journal(journal.settings, journal.entries, stream, file)


def read(file: Path) -> Journal:
    """A journal to look at: nothing can be appended. Raises BadJournal and OSError."""
    return _parse(file, file.read_bytes())[0]


class Tape:
    """The answers of a journal, to be given again to the same requests, in the same order for each."""

    def __init__(self, entries: Iterable[Entry], *, waited: bool = True) -> None:
        """`waited`: whether the run waited out each 429 and sent again, so that only the answer after it counts."""
        self._answers: defaultdict[Request, deque[Response | NoAnswer]] = defaultdict(deque)
        for entry in entries:
            if isinstance(entry, Exchanged):
                queue = self._answers[canonical(entry.request)]
                if waited and queue and isinstance(queue[-1], Response) and queue[-1].status == 429:
                    queue.pop()  # it was sent again after that
                queue.append(entry.answer)

    def next(self, request: Request) -> Response | NoAnswer | None:
        """The next answer to a request, None when there is none left."""
        queue = self._answers.get(canonical(request))
        return queue.popleft() if queue else None


def canonical(request: Request) -> Request:
    """The request with a plain JSON body in one order of keys, so that the same payload is known again."""
    try:
        text = (request.body or b"").decode("ascii")
        payload = json.loads(text)
        if isinstance(payload, dict) and json.dumps(payload) == text:
            return replace(request, body=json.dumps(payload, sort_keys=True).encode())
    except (ValueError, RecursionError):
        pass
    return request


def remembered(answer: Response | NoAnswer | None) -> Response | NoAnswer | None:
    """An answer that was given before, marked as such."""
    return replace(answer, again=True) if isinstance(answer, Response) else answer


def _write(stream: BinaryIO, line: Mapping[str, Any], *, sync: bool) -> None:
    stream.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    stream.flush()
    if sync:
        os.fsync(stream.fileno())


def _privately(path: str, flags: int) -> int:
    """Open a file that nobody else may read: it holds payloads and pictures."""
    return os.open(path, flags, 0o600)


def _sync_folder(file: Path) -> None:
    """Have the file's name on the disk as well as its bytes, where the system lets a folder be opened."""
    if os.name == "posix":
        folder = os.open(file.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _lock(stream: BinaryIO, file: Path) -> None:
    """Keep a second run from going on with the same journal, and so from spending the same money again."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        raise BadJournal(f"{file} is being written by another run; wait for it to end") from None


def _parse(file: Path, data: bytes) -> tuple[Journal, int]:
    whole = data[: data.rfind(b"\n") + 1]
    lines = list(enumerate(whole.split(b"\n")[:-1], 1))
    settings = _header(file, lines[0][1] if lines else b"")
    return Journal(settings, list(_entries(file, lines[1:]))), len(whole)


def _header(file: Path, line: bytes) -> Mapping[str, Any]:
    try:
        header = json.loads(line)
        if header["format"] == FORMAT and header["version"] == VERSION and isinstance(header["settings"], dict):
            settings: Mapping[str, Any] = header["settings"]
            return settings
    except (ValueError, TypeError, KeyError):
        pass
    raise BadJournal(
        f"{file}:1: expected the head of a journal of format {FORMAT}, version {VERSION}; "
        f"found {show(line[:80].decode('utf-8', 'replace'))}; name a file that --record or a run with a cap wrote"
    )


def _entries(file: Path, lines: Iterable[tuple[int, bytes]]) -> Iterator[Entry]:
    for number, line in lines:
        try:
            yield _from_json(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation) as error:
            raise BadJournal(
                f"{file}:{number}: expected a reservation, an exchange or a balance; "
                f"found {show(line[:80].decode('utf-8', 'replace'))} ({type(error).__name__}); "
                "the file was edited or damaged"
            ) from None


def _to_json(entry: Entry) -> dict[str, Any]:
    match entry:
        case Reservation(call, amount, worst, request):
            return {"reserve": call, "amount": str(amount), "worst": str(worst), "request": _request_json(request)}
        case Weighed(balance):
            return {"balance": str(balance)}
        case Exchanged(call, at, request, answer):
            return {"exchange": call, "at": at, "request": _request_json(request), **_answer_json(answer)}


def _answer_json(answer: Response | NoAnswer) -> dict[str, Any]:
    if isinstance(answer, NoAnswer):
        return {"silence": {"reason": str(answer), "refused": answer.refused}}
    fields = {"status": answer.status, "headers": dict(answer.headers), "key_echoed": answer.key_echoed}
    return {"answer": fields | _body_json(answer.body)}


def _from_json(line: Mapping[str, Any]) -> Entry:
    if "balance" in line:
        return Weighed(Decimal(line["balance"]))
    request = _read_request(line["request"])
    if "reserve" in line:
        return Reservation(int(line["reserve"]), Decimal(line["amount"]), Decimal(line["worst"]), request)
    answer: Response | NoAnswer
    if "silence" in line:
        answer = NoAnswer(str(line["silence"]["reason"]), refused=bool(line["silence"]["refused"]))
    else:
        said = line["answer"]
        headers = {str(name): str(value) for name, value in said["headers"].items()}
        answer = Response(int(said["status"]), headers, _read_body(said) or b"", bool(said["key_echoed"]))
    call = line["exchange"]
    return Exchanged(None if call is None else int(call), float(line["at"]), request, answer)


def _request_json(request: Request) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(request).items() if name != "body"}
    return fields | ({} if request.body is None else _body_json(request.body))


def _read_request(fields: Mapping[str, Any]) -> Request:
    known = {name: fields[name] for name in ("method", "path", "key", "content_type", "copy", "expects")}
    return Request(**known, body=_read_body(fields))


def _body_json(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _read_body(fields: Mapping[str, Any]) -> bytes | None:
    if "text" in fields:
        text: str = fields["text"]
        return text.encode()
    try:
        return base64.b64decode(fields["base64"], validate=True) if "base64" in fields else None
    except binascii.Error as error:
        raise ValueError(str(error)) from None
