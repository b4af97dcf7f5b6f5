"""The mock without a socket: an httpx transport that passes requests to the application in this process."""

import asyncio
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import httpx

from segforge_mock.http.delivery import Dropped
from segforge_mock.http.endpoint import AsgiEndpoint


class MockTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Passes requests to a mock: `httpx.Client(transport=MockTransport(create_app()), base_url="http://mock")`.

    Also for AsyncClient. Use one per thread, or per event loop. Close it, or the client that holds it.
    """

    def __init__(self, app: AsgiEndpoint) -> None:
        self._app = app
        self._runner = asyncio.Runner()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request. Raises what the application raises."""
        return self._runner.run(self._answer(request, request.read()))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request on the caller's event loop. Raises what the application raises."""
        return await self._answer(request, await request.aread())

    async def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        scope: MutableMapping[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path,
            "query_string": request.url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "server": (request.url.host, request.url.port),
        }
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        wait = request.extensions.get("timeout", {}).get("read")
        try:
            async with asyncio.timeout(wait):
                await self._app(scope, receive, send)
        except Dropped as error:
            raise httpx.RemoteProtocolError(str(error), request=request) from None
        except TimeoutError:
            raise httpx.ReadTimeout(f"the mock did not answer within {wait:g} s", request=request) from None
        start, *parts = sent
        content = b"".join(part.get("body", b"") for part in parts)
        stream = httpx.ByteStream(content)  # a client may stream it
        return httpx.Response(start["status"], headers=start["headers"], stream=stream, request=request)

    def close(self) -> None:
        """Closes the event loop of synchronous calls."""
        self._runner.close()

    async def aclose(self) -> None:
        """Does the same as `close`. Does not touch the caller's event loop."""
        self.close()

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()
