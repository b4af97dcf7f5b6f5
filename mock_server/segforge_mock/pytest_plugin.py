"""Two pytest fixtures: `segmind_mock`, a new mock for each test, and `segmind_mock_session`, one for the session."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from segforge_mock.handle import Mock


@pytest.fixture
def segmind_mock(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Mock]":
    """A mock on a free port. SEGMIND_BASE_URL and SEGMIND_API_KEY point clients to it during the test."""
    from segforge_mock.handle import Mock

    with Mock() as mock:
        for name, value in mock.environment.items():
            monkeypatch.setenv(name, value)
        yield mock


@pytest.fixture(scope="session")
def segmind_mock_session() -> "Iterator[Mock]":
    """A mock on a free port for the whole session. The environment is unchanged."""
    from segforge_mock.handle import Mock

    with Mock() as mock:
        yield mock
