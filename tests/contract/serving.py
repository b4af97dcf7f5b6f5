"""Serves an ASGI app on a port of this machine during a test."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn

from segforge_contract.targets.in_process import AsgiApp


@contextlib.contextmanager
def serve(app: AsgiApp) -> Iterator[str]:
    """Serves an app from a thread. Yields its base URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def unused_url() -> str:
    """The URL of a port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
