"""Two pytest fixtures: `segmind_mock`, a new mock for each test, and `segmind_mock_session`, one for the session.

Both follow the configuration file at pytest's root folder, for the options in `CONFIGURED`. Others describe a server,
such as its port and its store, or play faults at random.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from segforge_mock.handle import Mock

CONFIGURED: Final = (
    "any-model",
    "credits",
    "job-policy",
    "key-format",
    "media",
    "profile",
    "rate-limit",
    "seed",
    "time-scale",
)
"""The options of `[mock]` that the fixtures use: they decide which answers a test receives."""

_STATED = pytest.StashKey[Mapping[str, Any]]()


@pytest.fixture
def segmind_mock(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> "Iterator[Mock]":
    """A mock on a free port. SEGMIND_BASE_URL and SEGMIND_API_KEY point clients to it during the test."""
    from segforge_mock.handle import Mock

    with Mock(**_configured(request.config)) as mock:
        for name, value in mock.environment.items():
            monkeypatch.setenv(name, value)
        yield mock


@pytest.fixture(scope="session")
def segmind_mock_session(request: pytest.FixtureRequest) -> "Iterator[Mock]":
    """A mock on a free port for the whole session. The environment is unchanged."""
    from segforge_mock.handle import Mock

    with Mock(**_configured(request.config)) as mock:
        yield mock


def _configured(config: pytest.Config) -> Mapping[str, Any]:
    """The options of `Mock` that the configuration file states. Fails the test if the file is not valid."""
    if _STATED in config.stash:
        return config.stash[_STATED]
    import argparse

    from segforge.configuration.apply import stated_by
    from segforge.options import Misuse
    from segforge_mock.arguments import configure

    parser = argparse.ArgumentParser()
    configure(parser)
    try:
        stated = stated_by(parser, "mock", config.rootpath)
    except Misuse as error:
        pytest.fail(f"segmind_mock: {error}", pytrace=False)
    config.stash[_STATED] = {name.replace("-", "_"): stated[name] for name in CONFIGURED if name in stated}
    return config.stash[_STATED]
