"""pytest fixtures: `segmind_mock`, a fresh mock for each test, and `segmind_mock_session`, one for all of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from segforge_mock.handle import Mock


@pytest.fixture
def segmind_mock(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Mock]":
    """A mock gateway on a free port; SEGMIND_BASE_URL and SEGMIND_API_KEY lead to it for the length of the test."""
    from segforge_mock.handle import Mock

    with Mock() as mock:
        for name, value in mock.environment.items():
            monkeypatch.setenv(name, value)
        yield mock


@pytest.fixture(scope="session")
def segmind_mock_session() -> "Iterator[Mock]":
    """A mock gateway for the whole session; the environment is left alone."""
    from segforge_mock.handle import Mock

    with Mock() as mock:
        yield mock
