"""Serves the application on a socket, on uvloop, with a start and a stop of our own.

uvicorn.Server looks for its end every 100 ms; a fixture that starts a server for each test can't wait for that.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from email.utils import formatdate
from types import TracebackType
from typing import Any, Final

import uvicorn
from uvicorn.server import ServerState

from segforge_mock.http.protocol import Protocol
from segforge_mock.http.request import Receive, Scope, Send
from segforge_mock.memory import Memory

STOP_SECONDS: Final = 2.0
BACKLOG: Final = 2048
_NOT_RUNNING: Final = "the mock is not running; call start() or use it in a with statement"


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket. Port 0 picks a free port. Raises OSError if the address is not available."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # On Windows SO_REUSEADDR would let a second mock take the same port; its own option forbids that.
        bound.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR), 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def url_of(bound: socket.socket, scheme: str = "http") -> str:
    """Returns the URL of a listening socket."""
    host, port = bound.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def serve(
    app: Callable[[Scope, Receive, Send], Any],
    bound: socket.socket,
    ready: Callable[[], None],
    stop: asyncio.Event,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serves until `stop` is set. Calls `ready` once connections are accepted."""
    loop = asyncio.get_running_loop()
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        log_level="error",
        proxy_headers=False,
    )
    config.load()
    state = ServerState()
    endpoint: Any = app if getattr(app, "eager", False) else None
    memory: Memory | None = getattr(app, "memory", None)
    ticking = loop.create_task(_tick(state, memory))
    server = await loop.create_server(
        lambda: Protocol(config, state, {}, endpoint=endpoint, memory=memory), sock=bound, ssl=tls
    )
    try:
        ready()
        await stop.wait()
    finally:
        ticking.cancel()
        server.close()
        await _finish(state)


async def _tick(state: ServerState, memory: Memory | None) -> None:
    """Once a second, updates the Date header, hangs up on slow clients and returns free memory to the system."""
    while True:
        state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        now = asyncio.get_running_loop().time()
        for connection in list(state.connections):
            if isinstance(connection, Protocol):
                connection.hang_up_if_late(now)
        if memory is not None:
            memory.trim()
        await asyncio.sleep(1)


async def _finish(state: ServerState) -> None:
    """Closes idle connections immediately and running requests after at most STOP_SECONDS."""
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=STOP_SECONDS)
    for connection in list(state.connections):
        if connection.transport is not None:
            connection.transport.abort()
    await asyncio.sleep(0)  # connection_lost runs first, so that no cancelled request is answered with 500
    for task in list(state.tasks):
        task.cancel()
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=STOP_SECONDS)


def run(main: Callable[[], Any]) -> None:
    """Runs a coroutine function, on uvloop if it is installed."""
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


class BackgroundServer:
    """A server in a thread of this process: `with BackgroundServer(app) as url:`. Also closes the application."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Any], host: str = "127.0.0.1", port: int = 0) -> None:
        self._app = app
        self._address = host, port
        self._url: str | None = None
        self._ready = threading.Event()
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._failure: BaseException | None = None

    def _serve(self, bound: socket.socket) -> None:
        try:
            run(lambda: self._main(bound))
        except BaseException as error:
            if self._ready.is_set():
                raise
            self._failure = error
            bound.close()
            self._ready.set()

    async def _main(self, bound: socket.socket) -> None:
        stop = asyncio.Event()
        self._running = asyncio.get_running_loop(), stop
        try:
            await serve(self._app, bound, self._ready.set, stop)
        finally:
            close = getattr(self._app, "close", None)
            if close is not None:
                await close()

    @property
    def url(self) -> str:
        """The server's URL. Raises RuntimeError before the start."""
        if self._url is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._url

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The application's event loop. Raises RuntimeError before the start."""
        if self._running is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._running[0]

    @property
    def running(self) -> bool:
        """Whether the server is running."""
        return self._running is not None

    def start(self) -> str:
        """Starts serving and returns the URL once connections are accepted. Raises OSError if it can't."""
        bound = listen(*self._address)  # not earlier, so that a server that is never started leaves no socket open
        self._url = url_of(bound)
        self._thread = threading.Thread(target=self._serve, args=(bound,), name="segforge-mock", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:  # for example, no file descriptor was left for the event loop
            self._running = None
            raise self._failure
        return self._url

    def stop(self) -> None:
        """Stops serving and ends the thread."""
        if self._running is not None:
            loop, stop = self._running
            loop.call_soon_threadsafe(stop.set)
            self._thread.join()
            self._running = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
