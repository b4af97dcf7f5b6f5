"""The ASGI application around a component that answers requests: the mock gateway, or the proxy to a real one."""

from typing import Protocol

from segforge_mock.http.answers import Answer, json_answer
from segforge_mock.http.delivery import deliver, deliver_at_once
from segforge_mock.http.request import BODY, Disconnected, IncomingRequest, Receive, Scope, Send, read_body
from segforge_mock.http.waiting import SMALL_BODY
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
        self._answer = component.answer

    async def close(self) -> None:
        """Releases what the component holds open."""
        await self._component.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request. Raises NotImplementedError for other protocols, and Dropped."""
        if scope["type"] != "http":
            raise NotImplementedError(f"unsupported ASGI scope type {scope['type']!r}; expected 'http'")
        body: bytes | None = scope.get(BODY)
        try:
            if body is not None and len(body) <= SMALL_BODY:
                answer = await self._answer(IncomingRequest(scope, body))
                return None if deliver_at_once(answer, scope) else await deliver(answer, scope, send)
            with HeldBytes(self.memory) as hold:
                request = IncomingRequest(scope, await read_body(scope, receive, hold.grow))
                return await deliver(await self._answer(request), scope, send)
        except Disconnected:
            return None
        except Full as error:
            reason = str(error)
        except Unavailable as error:
            reason = error.reason
        return await deliver(json_answer(503, {"error": reason}), scope, send)
