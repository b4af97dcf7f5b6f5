"""Puts an answer on the wire: whole, or broken in the way that a scenario asks for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from segforge_mock.http.answers import Answer, RawHeaders
from segforge_mock.http.request import Scope, Send

ABORT: Final = "segforge.abort"
"""The ASGI extension that closes the connection at once; our server has it."""

WHOLE: Final = "segforge.whole"
"""The ASGI extension that takes status, headers and body of an answer at once, or gives False. Our server has it."""

_PIECES: Final = 10


class Dropped(ConnectionError):
    """The connection was to be dropped, and the server has no extension to do it with."""


def drop(scope: Scope) -> None:
    """Close the connection. Raises Dropped where the server can't."""
    abort = (scope.get("extensions") or {}).get(ABORT)
    if abort is None:
        raise Dropped("the mock dropped the connection")
    abort()


def broken(answer: Answer, fault: str) -> Answer:
    """The answer as a fault leaves it; faults of the connection leave it as it is."""
    if (fault == "truncated-image" and answer.is_image) or (fault == "malformed-json" and answer.is_json):
        return answer.with_body(answer.body[: len(answer.body) // 2])
    return answer


def deliver_at_once(answer: Answer, scope: Scope) -> bool:
    """Send an answer in one go; gives False, and sends nothing, where the server can't."""
    whole = (scope.get("extensions") or {}).get(WHOLE)
    if whole is None:
        return False
    sent: bool = whole(answer.status, answer.headers, b"" if scope["method"] == "HEAD" else answer.body)
    return sent


async def deliver(
    answer: Answer,
    fault: str,
    seconds: float,
    scope: Scope,
    send: Send,
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Send an answer; `fault` is one of `scenarios.FAULTS` or "", `seconds` how long a slow body takes, by `wait`."""
    if fault == "drop-after":
        return drop(scope)
    if not fault and deliver_at_once(answer, scope):
        return None
    answer = broken(answer, fault)
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    if fault == "drop-during":
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        return drop(scope)
    if fault == "slow-body":
        body = await _trickle(body, seconds, send, wait)
    await send({"type": "http.response.body", "body": body})
    return None


async def _trickle(body: bytes, seconds: float, send: Send, wait: Callable[[float], Awaitable[None]]) -> bytes:
    """Send all but the last piece, each after its share of the time; gives the last."""
    step = max(1, -(-len(body) // _PIECES))
    while len(body) > step:
        await send({"type": "http.response.body", "body": body[:step], "more_body": True})
        body = body[step:]
        await wait(seconds / _PIECES)
    return body


def with_cors(headers: RawHeaders, origin: bytes) -> None:
    """Let a page of any origin read the answer."""
    headers.append((b"access-control-allow-origin", origin))
    headers.append((b"access-control-expose-headers", b"*"))
