"""Sends an answer, whole or broken by the fault of a scenario."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from segforge_mock.http.answers import PLAIN, Answer, Delivery, RawHeaders
from segforge_mock.http.request import Scope, Send

ABORT: Final = "segforge.abort"
"""The ASGI extension that closes the connection immediately. The mock's server has it."""

WHOLE: Final = "segforge.whole"
"""The ASGI extension that sends a whole answer in one call and returns whether it could. The mock's server has it."""

_PARTS: Final = 10


class Dropped(ConnectionError):
    """A scenario drops the connection, but the server lacks the extension to close it."""


def drop(scope: Scope) -> None:
    """Closes the connection. Raises Dropped if the server can't."""
    abort = (scope.get("extensions") or {}).get(ABORT)
    if abort is None:
        raise Dropped("the mock dropped the connection")
    abort()


def broken(answer: Answer, fault: str) -> Answer:
    """Returns the answer with the fault applied to its body. Faults of the connection don't change it."""
    if (fault == "truncated-image" and answer.is_file) or (fault == "malformed-json" and answer.is_json):
        return answer.with_body(answer.body[: len(answer.body) // 2])
    return answer


def _at_once(answer: Answer, scope: Scope) -> bool:
    """Sends an answer without a fault in one call. Returns False, and sends nothing, if the server can't."""
    whole = (scope.get("extensions") or {}).get(WHOLE)
    if whole is None or answer.delivery is not PLAIN:
        return False
    sent: bool = whole(answer.status, answer.headers, b"" if scope["method"] == "HEAD" else answer.body)
    return sent


async def deliver(answer: Answer, scope: Scope, send: Send) -> None:
    """Sends an answer in the way that its `delivery` says. Raises Dropped, and what `delivery.wait` raises."""
    if _at_once(answer, scope):
        return None
    if answer.delivery.parts is not None:
        return await _stream(answer, answer.delivery.parts, send)
    fault = answer.delivery.fault
    if fault in ("hang-before", "hang-after"):
        await answer.delivery.wait(answer.delivery.seconds)
    if fault in ("drop-before", "drop-after", "hang-before", "hang-after"):
        return drop(scope)
    answer = broken(answer, fault)
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    if fault == "drop-during":
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        return drop(scope)
    if fault == "slow-body":
        body = await _trickle(body, answer.delivery, send)
    await send({"type": "http.response.body", "body": body})
    return None


async def _stream(answer: Answer, parts: AsyncGenerator[bytes, None], send: Send) -> None:
    """Sends parts as they come. A client that reads slowly delays the next part."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    async with aclosing(parts):
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _trickle(body: bytes, delivery: Delivery, send: Send) -> bytes:
    """Sends all parts but the last, with a share of the delay after each. Returns the last part."""
    step = max(1, -(-len(body) // _PARTS))
    while len(body) > step:
        await send({"type": "http.response.body", "body": body[:step], "more_body": True})
        body = body[step:]
        await delivery.wait(delivery.seconds / _PARTS)
    return body


def with_cors(headers: RawHeaders, origin: bytes) -> None:
    """Allows a page of any origin to read the answer."""
    headers.append((b"access-control-allow-origin", origin))
    headers.append((b"access-control-expose-headers", b"*"))
