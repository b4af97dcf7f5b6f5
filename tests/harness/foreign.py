"""Runs the Python client and the mock in this process as on another system: `python -m tests.harness.foreign`.

On macOS and Windows it runs them as they are. On Linux it makes this process as like Windows as it gets: modules and
functions that Windows lacks are gone, the event loop has no readers and signals, and `sys.platform` is win32 for our
modules. With `-X warn_default_encoding`, a text file without a stated encoding is an error. The libraries are imported
before, because they would look for the real Windows.
"""

import asyncio
import functools
import importlib
import os
import pkgutil
import select
import signal
import socket
import sys
import tempfile
import types
import warnings
from pathlib import Path
from typing import Any

KEY = "SG_0123456789abcdef"
ROOT = Path(__file__).parents[2]
LIBRARIES = """
httpx httptools jsonschema msgspec multipart PIL.Image PIL.JpegImagePlugin PIL.PngImagePlugin platformdirs rich.console
rich.table sqlite3 trustme uvicorn uvicorn.server uvicorn.protocols.http.httptools_impl yaml pytest
multiprocessing.context multiprocessing.connection http.server
"""
MISSING_MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty", "uvloop")
MISSING = {
    os: "O_DIRECTORY O_NOFOLLOW O_NONBLOCK fchmod fork geteuid getpgid getuid killpg mkfifo posix_fallocate pread "
    "pwrite register_at_fork sched_getaffinity setsid statvfs uname",
    signal: "SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGUSR1 pthread_sigmask setitimer sigpending sigwait",
    select: "epoll poll",
    socket: "SO_REUSEPORT",
}


class _Loop(asyncio.SelectorEventLoop):
    """An event loop with what the one of Windows lacks taken away."""

    def add_signal_handler(self, *_: Any) -> None:  # type: ignore[override]
        raise NotImplementedError

    def add_reader(self, *_: Any) -> None:  # type: ignore[override]
        raise NotImplementedError

    add_writer = add_reader  # type: ignore[assignment]


def emigrate() -> None:
    """Changes this process. It can't be undone."""
    for name in LIBRARIES.split():
        importlib.import_module(name)
    loop = asyncio.SelectorEventLoop()  # it imports what it needs of the system
    loop.close()
    locking = types.ModuleType("msvcrt")
    flock = importlib.import_module("fcntl").flock
    constants = importlib.import_module("fcntl")
    locking.LK_NBLCK, locking.LK_UNLCK = constants.LOCK_EX | constants.LOCK_NB, constants.LOCK_UN  # type: ignore[attr-defined]
    locking.locking = lambda descriptor, mode, _: flock(descriptor, mode)  # type: ignore[attr-defined]
    sys.modules["msvcrt"] = locking
    sys.modules.update(dict.fromkeys(MISSING_MODULES))  # type: ignore[arg-type]
    for module, names in MISSING.items():
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    asyncio.new_event_loop = _Loop
    asyncio.events.new_event_loop = _Loop
    warnings.simplefilter("error", EncodingWarning)
    sys.platform = "win32"


def modules(package: str) -> list[str]:
    """Returns the modules of a package but those of its models, which only hold facts."""
    found = pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
    return [module.name for module in found if not {"models", "types"} & set(module.name.split(".")[1:-1])]


def use_the_clients(folder: Path) -> None:
    """Runs each kind of call of the Python client on a mock in this process."""
    import httpx

    import segmind_client as segmind
    from segforge_mock import Mock, MockTransport, create_app

    call: dict[str, Any] = {"style_image": "https://example.com/style.png"}
    with httpx.Client(transport=MockTransport(create_app(time_scale=0)), base_url="http://mock") as direct:
        answer = direct.post("/v1/style-transfer", json=call, headers={"x-api-key": KEY})
        assert (answer.status_code, answer.headers["content-type"][:6]) == (200, "image/")
    with Mock(time_scale=0) as mock, segmind.SegmindClient(api_key=KEY, base_url=mock.url) as client:
        client.style_transfer.run(**call).save(folder / "image.jpeg")
        assert (folder / "image.jpeg").stat().st_size
        assert client.submit_async("style-transfer", **call).wait().output
        work = [functools.partial(client.style_transfer.submit, **call)] * 3
        batch = client.gather(work, journal=folder / "run.jsonl", folder=folder / "outputs")
        assert not batch.failures

        async def several() -> None:
            async with segmind.AsyncSegmind(KEY, mock.url) as other:
                await asyncio.gather(*(other.run("style-transfer", **call) for _ in range(3)))

        asyncio.run(several())
        limited = segmind.Segmind(KEY, mock.url, limiter=segmind.FileLimiter(folder / "limit", per_minute=600))
        with limited:
            limited.run("style-transfer", **call)


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / name) for name in ("generator", "mock_server", "generated/mock", "generated/python")]
    if sys.platform == "linux":
        emigrate()
    for _package in ("segmind_client", "segforge_mock"):
        for _name in modules(_package):
            importlib.import_module(_name)
    with tempfile.TemporaryDirectory() as _folder:
        use_the_clients(Path(_folder))
    print("the client and the mock run")
