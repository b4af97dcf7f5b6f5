"""A validating proxy: forwards to a real gateway, answers what that answered, reports where it differs from the specs.

It has no admin API and no scenarios; the caller's key goes to the upstream and nowhere else.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from segforge_mock.answers import Answer, json_answer
from segforge_mock.delivery import deliver
from segforge_mock.deviations import Deviation, Seen, deviations
from segforge_mock.request import MAX_BODY_BYTES, Disconnected, Receive, Request, Scope, Send, read_body
from segforge_mock.routing import Match, Router
from segforge_mock.served import ServedModels

UPSTREAM_SECONDS: Final = 120.0
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "content-encoding",
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
"""Headers that belong to one connection, or that httpx has used up; `host` would name the proxy."""


class Proxy:
    """The proxy as an ASGI application. `report` takes one JSON object a deviation; secrets are masked in it."""

    def __init__(
        self,
        upstream: str,
        models: ServedModels,
        report: Callable[[dict[str, Any]], None] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._upstream = upstream.rstrip("/")
        self._models = models
        self._router = Router(models.gateway.routes)
        self._report = report or _write
        self._client = httpx.AsyncClient(timeout=UPSTREAM_SECONDS, follow_redirects=False, transport=transport)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request."""
        if scope["type"] != "http":
            raise NotImplementedError(f"the proxy does not speak {scope['type']}")
        try:
            body = await read_body(scope, receive)
        except Disconnected:
            return None
        if body is None:
            return await deliver(
                json_answer(413, {"error": f"Body larger than {MAX_BODY_BYTES} bytes"}), "", 0, scope, send
            )
        request = Request(scope, body)
        return await deliver(await self._forward(request), "", 0, scope, send)

    async def close(self) -> None:
        """Close the connections to the upstream."""
        await self._client.aclose()

    async def _forward(self, request: Request) -> Answer:
        headers = [
            (name, value) for name, value in request.scope["headers"] if name.decode("latin-1") not in _HOP_BY_HOP
        ]
        query = request.scope.get("query_string", b"").decode("latin-1")
        path = request.scope.get("raw_path", request.path.encode()).decode("latin-1").partition("?")[0]
        url = f"{self._upstream}{path}{'?' if query else ''}{query}"
        try:
            response = await self._client.request(request.method, url, headers=headers, content=request.body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return json_answer(502, {"error": f"the upstream could not be reached: {type(error).__name__}"})
        kept = [
            (name.lower(), value) for name, value in response.headers.raw if name.lower().decode() not in _HOP_BY_HOP
        ]
        answer = Answer(
            response.status_code, [*kept, (b"content-length", b"%d" % len(response.content))], response.content
        )
        found = self._judge(request, response)
        if found:
            answer.headers.append((b"x-mock-deviations", ",".join(deviation.rule for deviation in found).encode()))
        return answer

    def _judge(self, request: Request, response: httpx.Response) -> list[Deviation]:
        match = self._router.match(request.path)
        if match is None or match.route in ("picture", "asset", "upload") or request.method != match.method:
            return []
        seen = Seen(match, request.body, response.status_code, response.headers, response.content)
        found = deviations(self._models, seen)
        for deviation in found:
            self._report(self._entry(request, match, deviation))
        return found

    def _entry(self, request: Request, match: Match, deviation: Deviation) -> dict[str, Any]:
        secrets = [request.header(name) for name in (b"x-api-key", b"authorization")]

        def masked(text: str) -> str:
            for secret in filter(None, secrets):
                text = text.replace(secret, "***")
            return text[:500]

        return {
            "time": time.time(),
            "method": request.method,
            "path": masked(request.path),
            "route": match.route,
            "rule": deviation.rule,
            "expected": masked(deviation.expected),
            "found": masked(deviation.found),
        }


def _write(entry: dict[str, Any]) -> None:
    sys.stderr.write(json.dumps(entry) + "\n")
