"""The command without fork, signal masks, signal handlers on the loop and uvloop, as on Windows."""

import re
import signal
import subprocess
import sys

import httpx
import pytest

from tests.shared import started

LIKE_WINDOWS = """
import asyncio.base_events, asyncio.unix_events, multiprocessing, multiprocessing.context, os, signal, sys

for name in ("uvloop", "fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
del os.fork, os.register_at_fork, multiprocessing.context.ForkProcess, multiprocessing.context.ForkContext
for name in ("pthread_sigmask", "sigwait", "sigpending", "SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK", "SIGCHLD"):
    delattr(signal, name)
multiprocessing.get_all_start_methods = lambda: ["spawn"]
for name in ("add_signal_handler", "remove_signal_handler"):
    delattr(asyncio.unix_events._UnixSelectorEventLoop, name)

from segforge.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_mock_serves_and_stops(number: signal.Signals) -> None:
    command = [sys.executable, "-c", LIKE_WINDOWS, "mock", "--port", "0"]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            pytest.fail(process.communicate()[1])
        assert re.fullmatch(r"segforge mock: http://127\.0\.0\.1:[0-9]+\n", line)
        assert httpx.get(f"{line.split()[-1]}/healthz").json() == {"status": "ok"}
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")


def test_several_workers_are_refused_by_their_option() -> None:
    command = [sys.executable, "-c", LIKE_WINDOWS, "mock", "--port", "0", "--workers", "2", "--store", "sqlite:///x"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "--workers" in done.stderr
    assert "fork" in done.stderr
