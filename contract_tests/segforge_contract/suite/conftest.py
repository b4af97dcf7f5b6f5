"""How much Hypothesis draws for the suite: little, the same every time, and never by calls that may be billed twice."""

import pytest
from hypothesis import Phase, settings

from segforge_contract.pytest_plugin import LOOPBACK


def pytest_configure(config: pytest.Config) -> None:
    """Register the profile; shrinking means sending more, so that it is left out where that may cost money."""
    phases = (Phase.generate, *([Phase.shrink] if config.stash.get(LOOPBACK, True) else []))
    settings.register_profile(
        "segforge-contract", max_examples=15, deadline=None, derandomize=True, database=None, phases=phases
    )
