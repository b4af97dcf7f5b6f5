"""Records the exchanges of a proxy, and sends its callers to the proxy for polls and files."""

import asyncio
import datetime
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit

from segforge.spec.printable import one_line
from segforge_mock.http.answers import Answer
from segforge_mock.http.request import IncomingRequest
from segforge_mock.proxy.exchange import Destination, Received
from segforge_mock.recordings.bodies import is_json
from segforge_mock.recordings.folder import MetExchange, RecordingFolder
from segforge_mock.recordings.incoming import plain_body, request_line
from segforge_mock.recordings.links import PREFIX, Links
from segforge_mock.recordings.masking import KEY_HEADERS, KnownSecrets

MAX_FILES: Final = 10_000
"""Files of other hosts whose URLs are remembered. The oldest are forgotten first."""


class Recorder:
    """Stores each exchange in a folder before the caller receives the answer.

    `gateway` is the URL of the upstream, `bases` are other names of it in answers. `report` receives one line if an
    exchange can't be stored; the traffic goes on.
    """

    def __init__(
        self,
        folder: RecordingFolder,
        gateway: str,
        bases: Iterable[str] = (),
        report: Callable[[str], None] | None = None,
    ) -> None:
        self._folder = folder
        self._gateway = gateway.rstrip("/")
        self._shown = without_user(self._gateway)
        self._links = Links(self._shown, bases)
        self._secrets = KnownSecrets(value.encode() for value in (os.environ.get("SEGMIND_API_KEY", ""),))
        self._files: OrderedDict[str, str] = OrderedDict()
        self._report = report or _write
        self._lost = 0
        self._writer = ThreadPoolExecutor(1, "segforge-recorder")

    def destination(self, request: IncomingRequest) -> Destination | None:
        """Returns where a request goes. None if it asks for a file that no answer named."""
        path, query = request_line(request)
        if not path.startswith(PREFIX):
            return Destination(self._gateway, path, query)
        url = self._files.get(f"{path}{'?' if query else ''}{query}")
        if url is None:
            return None
        parts = urlsplit(url)
        return Destination(f"{parts.scheme}://{parts.netloc}", parts.path or "/", parts.query, file=url)

    async def keep(
        self, request: IncomingRequest, destination: Destination, received: Received, seconds: float
    ) -> Answer:
        """Stores an exchange, and returns the answer for the caller."""
        headers = [(name.lower(), value) for name, value in received.headers]
        body = received.body
        if received.plain is not None:
            body = received.plain
            headers = [header for header in headers if header[0] != b"content-encoding"]
        content_type = dict(headers).get(b"content-type", b"").decode("latin-1")
        shown, names = body, dict[str, str]()
        if not destination.file and is_json(content_type):
            shown = self._links.localised(body, request.body, request.origin, names.__setitem__)
        for path, url in names.items():
            self._files[path] = url
            self._files.move_to_end(path)
        while len(self._files) > MAX_FILES:
            self._files.popitem(last=False)
        exchange = MetExchange(
            at=_now(),
            seconds=seconds,
            gateway=without_user(destination.base),
            method=request.method,
            path=destination.path,
            query=destination.query,
            request_headers=[
                header
                for header in request.raw_headers
                if header[0] not in _CONNECTION and (not destination.file or header[0] not in KEY_HEADERS)
            ],
            request_body=plain_body(request),
            status=received.status,
            answer_headers=[header for header in headers if header[0] not in _CONNECTION],
            answer_body=body,
            masking=self._secrets.masking(request.raw_headers, destination.query.encode("latin-1")),
            file_of=destination.file,
            names=tuple(names.values()),
        )
        await asyncio.get_running_loop().run_in_executor(self._writer, self._store, exchange)
        answered = [(name, self._own_location(name, value, request)) for name, value in headers if name not in _HERE]
        return Answer(received.status, [*answered, (b"content-length", b"%d" % len(shown))], shown)

    def _own_location(self, name: bytes, value: bytes, request: IncomingRequest) -> bytes:
        own = self._links.own_path(value.decode("latin-1")) if name == b"location" else None
        return value if own is None else f"{request.origin}{own}".encode("latin-1")

    def _store(self, exchange: MetExchange) -> None:
        try:
            self._folder.write(exchange)
        except (OSError, ValueError, RecursionError) as error:
            self._lost += 1
            if self._lost == 1:
                reason = one_line(getattr(error, "strerror", None) or str(error))
                self._report(
                    f"segforge mock: --record can't write to {self._folder.folder}: {reason}; answers are passed on, "
                    "but not recorded. Free space or correct the folder; recording goes on then"
                )

    async def close(self) -> None:
        """Ends the writing thread. Reports how many exchanges were lost."""
        await asyncio.get_running_loop().run_in_executor(None, self._writer.shutdown)
        if self._lost:
            self._report(f"segforge mock: {self._lost} exchanges were not recorded")


_CONNECTION: Final = frozenset(
    {b"connection", b"content-length", b"date", b"host", b"keep-alive", b"te", b"trailer", b"transfer-encoding"}
)
"""Headers of one connection, which a recording leaves out."""
_HERE: Final = frozenset({*_CONNECTION, b"upgrade", b"proxy-authenticate"})


def without_user(url: str) -> str:
    """Returns a URL without the user and password that it may state."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def _now() -> str:
    now = datetime.datetime.now(datetime.UTC)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write(line: str) -> None:
    sys.stderr.write(line + "\n")
