"""Waits that end as soon as the client disconnects, so that the request's memory is freed."""

import asyncio
from typing import Any, Final, Protocol, TypeVar

from segforge_mock.http.request import Disconnected, IncomingRequest, Scope
from segforge_mock.memory import HeldBytes, Memory

T = TypeVar("T")

WAITS: Final = "segforge.waits"
"""The ASGI extension that holds the Waits of a connection. The mock's server has it."""

SMALL_BODY: Final = 64 * 2**10
"""Bytes up to which a body counts towards the memory limit only while its request waits. Larger ones always count."""

WAITING_BYTES: Final = 32 * 2**10
"""Bytes that a waiting request needs beside headers and body: its task, frames, connection and buffers."""


class Waits(set["asyncio.Future[Any]"]):
    """The futures that the request of one connection waits for."""

    left = False
    """Whether the client has disconnected."""
    hanging = False
    """Whether the request only waits because a scenario sends it no answer."""

    def leave(self) -> None:
        """Ends all waits, and every later one, because the client has disconnected."""
        self.left = True
        for future in list(self):
            future.cancel()


async def until_left(scope: Scope, future: "asyncio.Future[T]") -> T:
    """Waits for a future. If the client disconnects, cancels it and raises Disconnected."""
    waits: Waits | None = (scope.get("extensions") or {}).get(WAITS)
    if waits is None:
        return await future
    waits.add(future)
    try:
        if waits.left:
            future.cancel()
        return await future
    except asyncio.CancelledError:
        if waits.left:
            raise Disconnected from None
        raise
    finally:
        waits.discard(future)


class Waiter(Protocol):
    """A tenant. It is kept while `waiting`, its number of waiting requests, is not 0."""

    waiting: int


async def sleep(scope: Scope, seconds: float) -> None:
    """Waits for some seconds. Raises Disconnected."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    timer = loop.call_later(seconds, _end, over)
    try:
        await until_left(scope, over)
    finally:
        timer.cancel()


async def pause(memory: Memory, request: IncomingRequest, tenant: Waiter, seconds: float) -> None:
    """Waits for some seconds and keeps the tenant meanwhile. Raises Disconnected and Full."""
    body = len(request.body) if len(request.body) <= SMALL_BODY else 0
    headers = sum(len(name) + len(value) for name, value in request.raw_headers)
    with HeldBytes(memory, WAITING_BYTES + headers + body):
        tenant.waiting += 1
        try:
            await sleep(request.scope, seconds)
        finally:
            tenant.waiting -= 1


async def hang(memory: Memory, request: IncomingRequest, tenant: Waiter, seconds: float) -> None:
    """Waits like `pause`. A stop of the server does not wait for it, since no answer follows."""
    waits: Waits | None = (request.scope.get("extensions") or {}).get(WAITS)
    if waits is None:
        return await pause(memory, request, tenant, seconds)
    waits.hanging = True
    try:
        await pause(memory, request, tenant, seconds)
    finally:
        waits.hanging = False
    return None


def _end(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
