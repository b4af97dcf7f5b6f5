"""What must also run on macOS and Windows, and a start that fails."""

import subprocess
import sys

import pytest

from segforge_mock import Mock
from segforge_mock.http import server
from tests.workflows.action import ROOT


def test_the_client_and_the_mock_need_nothing_that_windows_lacks() -> None:
    command = [sys.executable, "-X", "warn_default_encoding", "-m", "tests.harness.foreign"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "the client and the mock run\n"), done.stderr


def test_a_server_without_an_event_loop_fails_instead_of_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_loop(_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(server, "run", no_loop)
    with pytest.raises(OSError, match="Too many open files"):
        Mock().start()
