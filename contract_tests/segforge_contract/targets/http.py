"""A target over HTTP: a gateway behind a base URL."""

import time
from dataclasses import replace

import httpx

from segforge.environment import BadEnvironment, is_loopback, way_to
from segforge.spec.printable import one_line
from segforge_contract.errors import BadTarget, NoAnswer
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.base import NO_CONNECTION, checked_key, checked_url, read_answer, request_headers

_TIMEOUT = httpx.Timeout(120.0, connect=10.0)  # for one read; a v1 call blocks for up to a minute
_LONGEST_ANSWER = 300.0  # seconds from the request to the last byte, even if the server sends slowly
_LARGEST_ANSWER = 64 * 2**20  # bytes after decompression; an uncompressed image of 4096 x 4096 pixels fits


class HttpTarget:
    """Sends requests to a base URL over one connection pool."""

    def __init__(self, base_url: str, key: str, *, key_header: str = "x-api-key") -> None:
        """`base_url` is without `/v1`. Raises BadTarget."""
        self.base_url, host = checked_url(base_url)
        self.loopback = is_loopback(host)
        self._key = checked_key(key)
        self._key_header = key_header
        try:
            self._way = way_to(self.base_url)
        except BadEnvironment as error:
            raise BadTarget(str(error)) from None
        self._client = httpx.Client(timeout=_TIMEOUT, follow_redirects=False, **self._way.options)

    def send(self, request: Request) -> Response:
        """See `Target`."""
        headers = request_headers(request, self._key_header, self._key)
        url, started = self.base_url + request.path, time.monotonic()
        until = started + _LONGEST_ANSWER
        try:
            with self._client.stream(request.method, url, headers=headers, content=request.body) as answer:
                body = _whole(answer, until)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise NoAnswer(f"{NO_CONNECTION}{one_line(str(error))}{self._way.in_words}", refused=True) from None
        except (httpx.RequestError, httpx.InvalidURL) as error:
            reason = f"no answer: {type(error).__name__} {one_line(str(error))}".rstrip()
            raise NoAnswer(reason, slow=isinstance(error, httpx.TimeoutException)) from None
        response = read_answer(answer.status_code, answer.headers, body, self._key)
        return replace(response, seconds=time.monotonic() - started)

    def close(self) -> None:
        """See `Target`."""
        self._client.close()


def _whole(answer: httpx.Response, until: float) -> bytes:
    """Returns the decompressed body. Raises NoAnswer if it is too large or doesn't end before `until`."""
    body = bytearray()
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > _LARGEST_ANSWER:
            raise NoAnswer(f"no complete answer: the body is larger than {_LARGEST_ANSWER // 2**20} MiB")
        if time.monotonic() > until:
            raise NoAnswer(f"no complete answer after {_LONGEST_ANSWER:g} s: {len(body)} bytes received", slow=True)
    return bytes(body)
