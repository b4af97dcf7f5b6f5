"""The journal of a run: one line of JSON for each reservation and exchange, so an interrupted run can resume.

The exchanges are also enough to replay the checks offline. No line holds the API key: a Request never does, and the
target masks it in answers.
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
    """The price reserved for a call, in credits. It is on disk before the request is sent."""

    call: int
    amount: Decimal
    worst: Decimal
    request: Request


@dataclass(frozen=True)
class Exchanged:
    """A request and its answer. `at` is in seconds since 1970; `call` is None if the request can't be billed."""

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
    """An open journal: the entries that it held when opened, and a stream for new ones, if it has a file."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        entries: Iterable[Entry] = (),
        stream: BinaryIO | None = None,
        file: Path | None = None,
    ) -> None:
        self.settings = settings
        """The settings of the run that started the journal."""
        self.entries = tuple(entries)
        self.file = file
        """The path of the journal, or None if it isn't stored."""
        self._stream = stream

    @property
    def durable(self) -> bool:
        """Whether the journal is stored in a file."""
        return self._stream is not None

    def append(self, entry: Entry, *, sync: bool = False) -> None:
        """Appends an entry. With `sync`, it is on disk when this returns. Raises OSError."""
        if self._stream is not None:
            _write(self._stream, _to_json(entry), sync=sync)

    def close(self) -> None:
        """Closes the file."""
        if self._stream is not None:
            with contextlib.suppress(OSError):  # on a full disk, closing tries again to write buffered bytes
                self._stream.close()
            self._stream = None


def create(file: Path, settings: Mapping[str, Any]) -> Journal:
    """Creates a journal file, which must not exist. Raises BadJournal and OSError."""
    try:
        stream = open(file, "xb", opener=_privately)  # noqa: SIM115 - the journal closes it
    except FileExistsError:
        raise BadJournal(f"{file} already exists; name another file, or resume its run with --resume {file}") from None
    _lock(stream, file)
    _write(stream, {"format": FORMAT, "version": VERSION, "settings": dict(settings)}, sync=True)
    _sync_folder(file)
    return Journal(settings, (), stream, file)


def reopen(file: Path) -> Journal:
    """Opens a journal to resume it. An incomplete last line is dropped. Raises BadJournal and OSError."""
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
    """Reads a journal without opening it for appending. Raises BadJournal and OSError."""
    return _parse(file, file.read_bytes())[0]


class Tape:
    """Replays the answers of a journal: each request receives its answers in the recorded order."""

    def __init__(self, entries: Iterable[Entry], *, waited: bool = True) -> None:
        """`waited`: whether the run waited and resent after each 429, so the 429 itself doesn't count."""
        self._answers: defaultdict[Request, deque[Response | NoAnswer]] = defaultdict(deque)
        for entry in entries:
            if isinstance(entry, Exchanged):
                queue = self._answers[canonical(entry.request)]
                if waited and queue and isinstance(queue[-1], Response) and queue[-1].status == 429:
                    queue.pop()  # the run sent the request again
                queue.append(entry.answer)

    def next(self, request: Request) -> Response | NoAnswer | None:
        """Returns the next answer to a request, or None if no answer is left."""
        queue = self._answers.get(canonical(request))
        return queue.popleft() if queue else None


def canonical(request: Request) -> Request:
    """Returns the request with the keys of a JSON body sorted, so equal payloads compare equal."""
    try:
        text = (request.body or b"").decode("ascii")
        payload = json.loads(text)
        if isinstance(payload, dict) and json.dumps(payload) == text:
            return replace(request, body=json.dumps(payload, sort_keys=True).encode())
    except (ValueError, RecursionError):
        pass
    return request


def remembered(answer: Response | NoAnswer | None) -> Response | NoAnswer | None:
    """Returns a remembered answer, marked with `again`."""
    return replace(answer, again=True) if isinstance(answer, Response) else answer


def _write(stream: BinaryIO, line: Mapping[str, Any], *, sync: bool) -> None:
    stream.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    stream.flush()
    if sync:
        os.fsync(stream.fileno())


def _privately(path: str, flags: int) -> int:
    """Opens a file that only its owner can read, since it holds payloads and images."""
    return os.open(path, flags, 0o600)


def _sync_folder(file: Path) -> None:
    """Writes the folder entry of a file to disk. Only POSIX systems can open a folder."""
    if os.name == "posix":
        folder = os.open(file.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _lock(stream: BinaryIO, file: Path) -> None:
    """Locks the journal so that a second run can't resume it and spend the same money again."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        raise BadJournal(f"{file} is in use by another run; wait until it ends") from None


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
        f"{file}:1: expected a journal header with format {FORMAT}, version {VERSION}; "
        f"found {show(line[:80].decode('utf-8', 'replace'))}; pass a file written by --record or by a run with a cap"
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
        return {"silence": {"reason": str(answer), "refused": answer.refused, "slow": answer.slow}}
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
        lost = line["silence"]
        answer = NoAnswer(str(lost["reason"]), refused=bool(lost["refused"]), slow=bool(lost.get("slow", False)))
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
