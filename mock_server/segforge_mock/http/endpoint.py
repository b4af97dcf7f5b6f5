"""The ASGI application around a component that answers requests: the mock gateway, or the proxy to a real one."""

from collections.abc import Coroutine
from typing import Any, Protocol

from segforge_mock.http.answers import Answer, json_answer
from segforge_mock.http.delivery import deliver
from segforge_mock.http.request import Disconnected, IncomingRequest, Receive, Scope, Send, read_body
from segforge_mock.memory import Full, HeldBytes, Memory


class Unavailable(Exception):
    """A component can't answer a request now. The caller receives 503 with the `reason`."""

    @property
    def reason(self) -> str:
        """The text of the answer."""
        return str(self)


class Component(Protocol):
    """Answers requests."""

    async def answer(self, request: IncomingRequest) -> Answer:
        """Answers a request. May raise Disconnected, Full and Unavailable."""

    async def close(self) -> None:
        """Releases what the component holds open."""


class AsgiEndpoint:
    """An ASGI 3 application that reads requests, has a component answer them, and sends the answers.

    `eager`: whether requests may start outside a task, see `protocol`. Bodies count towards `memory`.
    """

    def __init__(self, component: Component, memory: Memory | None = None, *, eager: bool = False) -> None:
        self.eager = eager
        self.memory = memory or Memory()
        self._component = component
        self.answer = component.answer
        """Answers a request, without the errors that `finish` handles."""

    async def close(self) -> None:
        """Releases what the component holds open."""
        await self._component.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request. Raises NotImplementedError for other protocols, and Dropped."""
        if scope["type"] != "http":
            raise NotImplementedError(f"unsupported ASGI scope type {scope['type']!r}; expected 'http'")
        with HeldBytes(self.memory) as hold:
            await self.finish(self._read(scope, receive, hold), scope, send)

    async def finish(self, answering: Coroutine[Any, Any, Answer], scope: Scope, send: Send) -> None:
        """Sends the answer that a coroutine returns, or the one of its error."""
        try:
            return await deliver(await answering, scope, send)
        except Disconnected:
            return None
        except Full as error:
            reason = str(error)
        except Unavailable as error:
            reason = error.reason
        return await deliver(json_answer(503, {"error": reason}), scope, send)

    async def _read(self, scope: Scope, receive: Receive, hold: HeldBytes) -> Answer:
        """Reads a request and answers it. Raises what the component raises."""
        return await self.answer(IncomingRequest.of(scope, await read_body(receive, hold.grow)))
