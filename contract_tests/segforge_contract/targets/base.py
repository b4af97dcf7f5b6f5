"""Where requests go: a gateway behind a URL, or an ASGI app in this process. The only place that knows the key."""

import asyncio
import copy
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from urllib.parse import unquote, urlsplit

import httpx

from segforge.environment import BadEnvironment, is_loopback, way_to
from segforge.spec.catalog import Catalog
from segforge.spec.printable import one_line, show
from segforge_contract.errors import BadTarget, NoAnswer, NotSent
from segforge_contract.messages.request import INVALID_KEY, Request, Response

Message: TypeAlias = MutableMapping[str, Any]
AsgiApp: TypeAlias = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

IN_PROCESS = "mock"
LIVE = "live"
MASKED_KEY = "$SEGMIND_API_KEY"
USER_AGENT = "segforge-contract"

_IN_PROCESS_KEY = "SG_0123456789abcdef"  # well-formed, which is all that the mock asks for
_IN_PROCESS_OTHER_KEY = "SG_fedcba9876543210"
_IN_PROCESS_JOBS = "polls=3"  # a job takes no time, and is still seen in every state

_TIMEOUT = httpx.Timeout(120.0, connect=10.0)  # of one read; a blocking v1 call may take a minute
_LONGEST_ANSWER = 300.0  # seconds from the request to the last byte, however the bytes drip
_LARGEST_ANSWER = 64 * 2**20  # bytes once decompressed; a picture of 4096 x 4096 pixels that doesn't compress fits
NO_CONNECTION = "no connection: "
"""How the reason begins where nobody was there to connect to."""


class Target(Protocol):
    """Something that answers requests."""

    base_url: str
    """Scheme, host, port and perhaps a path, without a slash at the end."""
    loopback: bool
    """Whether it runs on this machine, so that a request can't cost money."""

    def send(self, request: Request) -> Response:
        """Send one request, never again by itself, and follow no redirect. Raises NoAnswer and NotSent."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


class HttpTarget:
    """A gateway behind a base URL, over one pool of connections."""

    def __init__(self, base_url: str, key: str, *, key_header: str = "x-api-key") -> None:
        """`base_url` without `/v1`. Raises BadTarget."""
        self.base_url, host = _checked_url(base_url)
        self.loopback = is_loopback(host)
        self._key = checked_key(key)
        self._key_header = key_header
        try:
            self._way = way_to(self.base_url)
        except BadEnvironment as error:
            raise BadTarget(str(error)) from None
        self._client = httpx.Client(timeout=_TIMEOUT, follow_redirects=False, **self._way.options)

    def send(self, request: Request) -> Response:
        """See Target."""
        headers = request_headers(request, self._key_header, self._key)
        url, until = self.base_url + request.path, time.monotonic() + _LONGEST_ANSWER
        try:
            with self._client.stream(request.method, url, headers=headers, content=request.body) as answer:
                body = _whole(answer, until)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise NoAnswer(f"{NO_CONNECTION}{one_line(str(error))}{self._way.in_words}", refused=True) from None
        except (httpx.RequestError, httpx.InvalidURL) as error:
            reason = f"no answer: {type(error).__name__} {one_line(str(error))}".rstrip()
            raise NoAnswer(reason, slow=isinstance(error, httpx.TimeoutException)) from None
        return read_answer(answer.status_code, answer.headers, body, self._key)

    def close(self) -> None:
        """See Target."""
        self._client.close()


def _whole(answer: httpx.Response, until: float) -> bytes:
    """The body, decompressed, of an answer that ends before `until` and fits into memory. Raises NoAnswer."""
    body = bytearray()
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > _LARGEST_ANSWER:
            raise NoAnswer(f"no whole answer: its body is larger than {_LARGEST_ANSWER // 2**20} MiB")
        if time.monotonic() > until:
            raise NoAnswer(f"no whole answer after {_LONGEST_ANSWER:g} s: {len(body)} bytes so far", slow=True)
    return bytes(body)


class AsgiTarget:
    """An ASGI 3 app in this process, called without a socket."""

    def __init__(
        self,
        app: AsgiApp,
        key: str,
        *,
        base_url: str = "http://127.0.0.1:8086",
        key_header: str = "x-api-key",
        other_keys: Sequence[str] = (),
    ) -> None:
        """`base_url` is where the app believes that it listens; curl commands in reports name it.

        `other_keys` are valid too, each that of another account.
        """
        self._other_keys = other_keys
        self.base_url, _ = _checked_url(base_url)
        self.loopback = True
        self._app = app
        self._key = checked_key(key)
        self._key_header = key_header
        parts = urlsplit(self.base_url)
        self._server = (parts.hostname, parts.port or 80)
        self._host = parts.netloc.encode()
        self._runner = asyncio.Runner()

    def send(self, request: Request) -> Response:
        """See Target."""
        # Runner.run() installs and removes a signal handler around every call, which takes longer than many an answer.
        return self._runner.get_loop().run_until_complete(self._exchange(request))

    def others(self) -> list["AsgiTarget"]:
        """The same app as seen by the other accounts."""
        targets = [copy.copy(self) for _ in self._other_keys]
        for target, key in zip(targets, self._other_keys, strict=True):
            target._key, target._other_keys = checked_key(key), ()
        return targets

    def send_together(self, requests: Sequence[Request]) -> list[Response | NoAnswer]:
        """Send requests at the same time; an answer, or why there is none, for each."""

        async def everything() -> list[Response | NoAnswer | BaseException]:
            return await asyncio.gather(*map(self._exchange, requests), return_exceptions=True)

        answers = self._runner.get_loop().run_until_complete(everything())
        return [answer for answer in answers if isinstance(answer, Response | NoAnswer)]

    async def _exchange(self, request: Request) -> Response:
        headers = request_headers(request, self._key_header, self._key)
        if request.body is not None:
            headers["content-length"] = str(len(request.body))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(request.path),
            "raw_path": request.path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", self._host),
                *((name.lower().encode(), value.encode()) for name, value in headers.items()),
            ],
            "client": ("127.0.0.1", 50000),
            "server": self._server,
        }
        complete = asyncio.Event()
        messages: list[Message] = []
        events = iter([{"type": "http.request", "body": request.body or b"", "more_body": False}])

        async def receive() -> Message:
            event = next(events, None)
            if event is None:
                await complete.wait()
                return {"type": "http.disconnect"}
            return event

        async def send(message: Message) -> None:
            messages.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                complete.set()

        try:
            await self._app(scope, receive, send)
        except Exception as error:
            raise NoAnswer(f"no answer: the app raised {type(error).__name__}: {one_line(str(error))}") from error
        if not complete.is_set():
            raise NoAnswer("no answer: the app returned before its answer was complete")
        fields = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in messages[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in messages[1:])
        return read_answer(messages[0]["status"], fields, body, self._key)

    def close(self) -> None:
        """See Target."""
        self._runner.close()


def others(target: Target) -> Sequence[Target]:
    """The same target as other accounts see it, where it has any."""
    return target.others() if isinstance(target, AsgiTarget) else ()


def send_together(target: Target, requests: Sequence[Request]) -> list[Response | NoAnswer | NotSent]:
    """Send requests at the same time where the target can, one after the other elsewhere."""
    if isinstance(target, AsgiTarget):
        return [*target.send_together(requests)]

    def outcome(request: Request) -> Response | NoAnswer | NotSent:
        try:
            return target.send(request)
        except (NoAnswer, NotSent) as error:
            return error

    if not isinstance(target, HttpTarget):
        return [outcome(request) for request in requests]
    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(outcome, requests))


def open_target(text: str, key: str | None, catalog: Catalog, own_specs: Path | None = None) -> Target:
    """The target of that name: a URL; `live`; or `mock`, which serves our own specs unless given others.

    Raises BadTarget.
    """
    auth = catalog.gateway.auth
    if text == IN_PROCESS:
        try:
            from segforge_mock.app import create_app
            from segforge_mock.models.compiled import models_of
        except ImportError as error:
            raise BadTarget(f"the mock can't be loaded: {error}") from None
        models = None if own_specs is None else models_of(own_specs)
        app = create_app(
            models=models,
            profile=catalog.gateway.profiles[0].name,
            time_scale=0,
            job_policy=_IN_PROCESS_JOBS,
            pictures="plain",
        )
        return AsgiTarget(app, key or _IN_PROCESS_KEY, key_header=auth.header, other_keys=(_IN_PROCESS_OTHER_KEY,))
    if not key:
        raise BadTarget(f"no API key; put it in the environment: export {auth.environment}=SG_...")
    return HttpTarget(catalog.gateway.base_url if text == LIVE else text, key, key_header=auth.header)


def request_headers(request: Request, key_header: str, key: str) -> dict[str, str]:
    """The headers that a request goes out with, the key among them if it is to carry one."""
    headers = {"user-agent": USER_AGENT, "accept": "*/*"}
    if request.key != "missing":
        headers[key_header] = key if request.key == "valid" else INVALID_KEY
    if request.content_type is not None:
        headers["content-type"] = request.content_type
    return headers


def read_answer(status: int, headers: Mapping[str, str], body: bytes, key: str) -> Response:
    """An answer as a Response, with the key masked wherever the server echoed it."""
    cut = body.replace(key.encode(), MASKED_KEY.encode())
    if rb"\u00" in cut:  # JSON has a second way to write each character
        cut = _escaped(key).sub(MASKED_KEY.encode(), cut)
    masked = {name.replace(key, MASKED_KEY): value.replace(key, MASKED_KEY) for name, value in headers.items()}
    echoed = cut != body or masked != dict(headers)
    return Response(status, masked, cut, key_echoed=echoed)


@cache
def _escaped(key: str) -> re.Pattern[bytes]:
    """The key where some or all of its characters are escaped as in JSON."""
    letters = (f"(?:{re.escape(letter)}|\\\\u(?i:{ord(letter):04x}))" for letter in key)
    return re.compile("".join(letters).encode())


def checked_key(key: str) -> str:
    """The key, if it can stand in a header. Raises BadTarget, whose message doesn't show it."""
    if not key:
        raise BadTarget("the API key is empty")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise BadTarget("the API key holds a space, a line end or another character that no key has")
    return key


def _checked_url(text: str) -> tuple[str, str]:
    """A base URL without its last slash, and its host. Raises BadTarget."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadTarget(f"{show(text)} is no URL: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise BadTarget(
            f"{show(text)} is no URL of a gateway; it looks like http://127.0.0.1:8086 or https://api.segmind.com"
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise BadTarget("the target's URL holds a user, a query or a fragment; give scheme, host and port alone")
    path = parts.path.rstrip("/")
    if path.endswith(("/v1", "/v2")):
        raise BadTarget(f"{show(text)} ends in the version; give it without, as {show(text.rstrip('/')[:-3])}")
    return f"{parts.scheme}://{parts.netloc}{path}", host
