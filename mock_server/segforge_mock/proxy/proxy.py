"""A validating proxy: forwards requests to a real gateway and reports where its answers differ from the specs.

It has no admin API and no scenarios. It sends the caller's key to the upstream only.
"""

import asyncio
import json
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from segforge.environment import BadEnvironment, way_to
from segforge.masking import Mask, secrets_of
from segforge_mock.gateway.bodies import size_refusal
from segforge_mock.gateway.routing import Match, Router
from segforge_mock.http.answers import Answer, RawHeaders, json_answer
from segforge_mock.http.counts import has_too_many_values
from segforge_mock.http.request import IncomingRequest, media_type
from segforge_mock.models.served import ServedModels
from segforge_mock.proxy.differences import JUDGED_ROUTES, AnswerDifference, ObservedAnswer, differences
from segforge_mock.proxy.exchange import Destination, Listener, Received

UPSTREAM_SECONDS: Final = 120.0
"""Seconds that the upstream may take to connect, or be silent."""
EXCHANGE_SECONDS: Final = 600.0
"""Seconds that the upstream may take for a whole answer."""
MAX_ANSWER_BYTES: Final = 256 * 2**20
"""Bytes that an answer may have, as sent and decompressed."""
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "content-length",
        "date",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers of one connection, which are not forwarded. `host` would name the proxy."""
_FILE_HEADERS: Final = frozenset({b"accept", b"range", b"if-none-match", b"if-modified-since", b"user-agent"})
"""Headers that the host of a file receives: none of them identifies the caller."""


class _TooLarge(Exception):
    """The upstream's answer is larger than MAX_ANSWER_BYTES, as sent or decompressed."""


class Proxy:
    """Answers requests with the answers of an upstream. Calls `report` with a JSON object per difference, keys masked.

    `recorder` is told of every exchange, and may change the answer. Raises BadEnvironment for
    proxy variables that can't be used.
    """

    def __init__(
        self,
        upstream: str,
        models: ServedModels,
        report: Callable[[dict[str, Any]], None] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        recorder: Listener | None = None,
    ) -> None:
        self._upstream = upstream.rstrip("/")
        self._models = models
        self._router = Router(models.gateway.routes, models.paths, models.slugs)
        self._report = report or _write
        self._recorder = recorder
        self._transport = transport
        options = way_to(upstream).options if transport is None else {"transport": transport}
        self._client = httpx.AsyncClient(timeout=UPSTREAM_SECONDS, follow_redirects=False, **options)
        self._client.headers.clear()  # the caller's are sent, and no others

    async def close(self) -> None:
        """Closes the connections to the upstream."""
        await self._client.aclose()
        if self._recorder is not None:
            await self._recorder.close()

    async def answer(self, request: IncomingRequest) -> Answer:
        """Forwards a request. Answers 413 for a body that is too large, 502 or 504 if the upstream fails."""
        refusal = size_refusal(request)
        if refusal is not None:
            return refusal
        destination = self._destination(request)
        if destination is None:
            return json_answer(404, {"error": "no answer of the upstream named this file; request its URL again"})
        started = time.monotonic()
        try:
            async with asyncio.timeout(EXCHANGE_SECONDS):
                received = await self._ask(request, destination)
        except TimeoutError:
            return json_answer(504, {"error": f"the upstream's answer took longer than {EXCHANGE_SECONDS:g} s"})
        except _TooLarge:
            error = f"the upstream's answer is larger than {MAX_ANSWER_BYTES} bytes, as sent or decompressed"
            return json_answer(502, {"error": error})
        except (httpx.HTTPError, httpx.InvalidURL, BadEnvironment) as error:
            return json_answer(502, {"error": f"the upstream could not be reached: {type(error).__name__}"})
        if self._recorder is not None:
            answer = await self._recorder.keep(request, destination, received, time.monotonic() - started)
        else:
            length = b"content-length", b"%d" % len(received.body)
            answer = Answer(received.status, [*received.headers, length], received.body)
        found = [] if destination.file else self._judge(request, received)
        if found:
            answer.headers.append((b"x-mock-deviations", ",".join(difference.rule for difference in found).encode()))
        return answer

    def _destination(self, request: IncomingRequest) -> Destination | None:
        if self._recorder is not None:
            return self._recorder.destination(request)
        query = request.scope.get("query_string", b"").decode("latin-1")
        path = request.scope.get("raw_path", request.path.encode()).decode("latin-1").partition("?")[0]
        return Destination(self._upstream, path, query)

    async def _ask(self, request: IncomingRequest, destination: Destination) -> Received:
        """Forwards a request and receives the whole answer. Bodies are neither compressed nor decompressed.

        Raises BadEnvironment for proxy variables that can't be used for the host of a file.
        """
        headers = [
            (name, self._readable(value) if name == b"accept-encoding" else value)
            for name, value in request.raw_headers
            if name.decode("latin-1") not in _HOP_BY_HOP and (not destination.file or name in _FILE_HEADERS)
        ]
        if not destination.file or _origin(destination.file) == _origin(self._upstream):
            return await self._exchange(self._client, request, destination, headers)
        options = way_to(destination.file).options if self._transport is None else {"transport": self._transport}
        async with httpx.AsyncClient(timeout=UPSTREAM_SECONDS, follow_redirects=False, **options) as client:
            client.headers.clear()
            return await self._exchange(client, request, destination, headers)

    async def _exchange(
        self, client: httpx.AsyncClient, request: IncomingRequest, destination: Destination, headers: RawHeaders
    ) -> Received:
        sent = client.build_request(request.method, destination.url, headers=headers, content=request.body)
        head = await client.send(sent, stream=True)
        try:
            return await _receive(head, everything=self._recorder is not None)
        finally:
            await head.aclose()

    def _readable(self, accepted: bytes) -> bytes:
        """Returns the encodings that a caller accepts, without those that can't be decoded; none for a recording."""
        return b"gzip" if b"gzip" in accepted and self._recorder is None else b"identity"

    def _judge(self, request: IncomingRequest, received: Received) -> list[AnswerDifference]:
        match = self._router.match(request.path)
        if match is None or match.route not in JUDGED_ROUTES or request.method != match.method:
            return []
        if received.plain is None or has_too_many_values(request.body) or has_too_many_values(received.plain):
            return []  # comparing them would block the other requests for too long
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in received.headers}
        observed = ObservedAnswer(match, request.body, received.status, headers, received.plain)
        found = differences(self._models, observed)
        for difference in found:
            self._report(self._entry(request, match, difference))
        return found

    def _entry(self, request: IncomingRequest, match: Match, difference: AnswerDifference) -> dict[str, Any]:
        mask = Mask(secrets_of(request.raw_headers))

        def masked(text: str) -> str:
            return mask.text(text)[:500]

        return {
            "time": time.time(),
            "method": request.method,
            "path": masked(request.path),
            "route": match.route,
            "rule": difference.rule,
            "expected": masked(difference.expected),
            "found": masked(difference.found),
        }


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


async def _receive(head: httpx.Response, *, everything: bool) -> Received:
    """Receives an answer's body. Raises _TooLarge.

    Other bodies than JSON are decompressed only to find their size, unless `everything` is wanted.
    """
    is_json = everything or media_type(head.headers.get("content-type", "")) == "application/json"
    encoding = head.headers.get("content-encoding", "identity").strip().lower()
    unpacked = zlib.decompressobj(wbits=47) if encoding in ("gzip", "x-gzip", "deflate") else None
    body, plain, size = bytearray(), bytearray(), 0
    is_plain = encoding == "identity" or unpacked is not None
    async for chunk in head.aiter_raw():
        body += chunk
        data = chunk
        if unpacked is not None:
            try:
                data = unpacked.decompress(chunk, MAX_ANSWER_BYTES - size + 1)
            except zlib.error:
                unpacked, is_plain = None, False
        size += len(data)
        if is_json and is_plain:
            plain += data
        if max(size, len(body)) > MAX_ANSWER_BYTES:
            raise _TooLarge
    kept = [
        (name.lower(), value) for name, value in head.headers.raw if name.lower().decode("latin-1") not in _HOP_BY_HOP
    ]
    return Received(head.status_code, kept, bytes(body), bytes(plain) if is_plain else None)


def _write(entry: dict[str, Any]) -> None:
    sys.stderr.write(json.dumps(entry) + "\n")
