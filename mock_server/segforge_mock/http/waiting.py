"""Waits of a request, which end as soon as its client leaves: what the request holds is free at once."""

import asyncio
from typing import Any, Final, TypeVar

from segforge_mock.http.request import Disconnected, IncomingRequest, Scope
from segforge_mock.memory import Hold, Memory
from segforge_mock.tenants.tenants import Tenant

T = TypeVar("T")

WAITS: Final = "segforge.waits"
"""The ASGI extension that holds what a connection's request waits for, as Waits. Our server has it."""

SMALL_BODY: Final = 64 * 2**10
"""A body of up to so many bytes counts only while its request waits, a larger one from its arrival on."""

WAITING_BYTES: Final = 32 * 2**10
"""What a waiting request needs in memory beside headers and body: task, frames, connection and its buffers."""


class Waits(set["asyncio.Future[Any]"]):
    """What the request of one connection waits for."""

    left = False
    """Whether the client has left."""

    def leave(self) -> None:
        """End all waits, those to come too: the client has left."""
        self.left = True
        for future in list(self):
            future.cancel()


async def until_left(scope: Scope, future: "asyncio.Future[T]") -> T:
    """Wait for a future, which is cancelled if the client leaves. Raises Disconnected then."""
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


async def pause(memory: Memory, request: IncomingRequest, tenant: Tenant, seconds: float) -> None:
    """Wait for some seconds. The tenant is not forgotten meanwhile. Raises Disconnected, and Full."""
    body = len(request.body) if len(request.body) <= SMALL_BODY else 0
    headers = sum(len(name) + len(value) for name, value in request.scope["headers"])
    over = asyncio.get_running_loop().create_future()
    with Hold(memory, WAITING_BYTES + headers + body):
        timer = asyncio.get_running_loop().call_later(seconds, _end, over)
        tenant.waiting += 1
        try:
            await until_left(request.scope, over)
        finally:
            tenant.waiting -= 1
            timer.cancel()


def _end(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
