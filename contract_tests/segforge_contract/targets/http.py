"""A target over HTTP: a gateway behind a base URL."""

import time
from dataclasses import replace
from typing import Final
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from segforge.environment import BadEnvironment, Way, is_loopback, way_to
from segforge.spec.printable import one_line
from segforge_contract.errors import BadTarget, NoAnswer
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.base import NO_CONNECTION, checked_key, checked_url, read_answer, request_headers
from segforge_contract.targets.bounded import Allowance, BoundedBackend, current

_TIMEOUTS: Final = {"connect": 10.0, "read": 120.0, "write": 120.0, "pool": 120.0}  # a v1 call blocks for a minute
_LONGEST_ANSWER = 300.0  # seconds from the request to the last byte, even if the server sends slowly
_LARGEST_ANSWER = 64 * 2**20  # bytes after decompression; an uncompressed image of 4096 x 4096 pixels fits
_PROXY_REFUSES: Final = 407
_WITH_A_BODY: Final = ("POST", "PUT", "PATCH")


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
        self._pool = _pool(self._way)

    def send(self, request: Request) -> Response:
        """See `Target`."""
        exchange = Allowance(_LONGEST_ANSWER, _LARGEST_ANSWER)
        token, started = current.set(exchange), time.monotonic()
        try:
            response = self._exchange(request, exchange)
            return replace(response, seconds=time.monotonic() - started)
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ProxyError) as error:
            raise NoAnswer(f"{NO_CONNECTION}{one_line(str(error))}{self._way.in_words}", refused=True) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, httpx.InvalidURL) as error:
            slow = isinstance(error, httpcore.TimeoutException)
            if slow and exchange.is_last:
                raise exchange.too_late from None
            reason = f"no answer: {type(error).__name__} {one_line(str(error))}".rstrip()
            raise NoAnswer(reason, slow=slow) from None
        finally:
            current.reset(token)

    def close(self) -> None:
        """See `Target`."""
        self._pool.close()

    def _exchange(self, request: Request, exchange: Allowance) -> Response:
        url = httpx.URL(self.base_url + request.path)
        headers = request_headers(request, self._key_header, self._key)
        headers |= {"host": url.netloc.decode("ascii"), "accept-encoding": "gzip, deflate"}
        raw = [(name.encode("ascii"), value.encode()) for name, value in headers.items()]
        content = b"" if request.body is None and request.method in _WITH_A_BODY else request.body
        where = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        timeouts = {"timeout": _TIMEOUTS}
        with self._pool.stream(request.method, where, headers=raw, content=content, extensions=timeouts) as answer:
            if answer.status == _PROXY_REFUSES and self._way.proxy and url.scheme == "http":  # not the gateway's
                raise httpcore.ProxyError("407 Proxy Authentication Required")
            fields = httpx.Headers(answer.headers)
            body = exchange.body(answer.iter_stream(), fields.get("content-encoding", ""))
        return read_answer(answer.status, fields, body, self._key)


def _pool(way: Way) -> httpcore.ConnectionPool:
    """Returns the connections to one host, through its proxy if it has one."""
    certificates = way.certificates
    context = httpx.create_ssl_context(trust_env=False) if isinstance(certificates, bool) else certificates
    proxy = None
    if way.proxy is not None:
        parts = urlsplit(way.proxy)
        user = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        proxy = httpcore.Proxy(address, auth=user)
    return httpcore.ConnectionPool(context, proxy=proxy, network_backend=BoundedBackend())
