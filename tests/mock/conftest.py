"""The mock in process, with a clock that the test moves, and as a process on a real socket."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from segforge_mock import MockTransport, create_app
from tests.shared import started

KEY = "SG_0123456789abcdef"


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[httpx.Client]:
    """A client with a key, on a mock whose jobs take their nominal time on a clock that stands still."""
    app = create_app(now=clock, time_scale=1.0)
    with httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY}) as client:
        yield client


@pytest.fixture
def quick() -> Iterator[httpx.Client]:
    """A client with a key, on a mock that takes no time."""
    app = create_app(time_scale=0)
    with httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY}) as client:
        yield client


@pytest.fixture(scope="session")
def mock_url() -> Iterator[str]:
    """The URL of a mock process."""
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0"]
    with started(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert re.fullmatch(r"segforge mock: http://127\.0\.0\.1:[0-9]+\n", line)
        yield line.split()[-1]
        process.terminate()
        assert process.wait(10) == 0
