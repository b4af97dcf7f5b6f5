"""How much Hypothesis draws for the suite: little, the same every time, and never by calls that may be billed twice."""

from pathlib import Path

import pytest
from hypothesis import Phase, settings

from segforge_contract.pytest_plugin import LOOPBACK

_HERE = Path(__file__).parent
_BILLED = (
    "test_valid_payload_is_accepted",
    "test_job_ends_with_a_result",
    "test_jobs_live_as_documented_in_any_order",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What isn't billed goes first, whatever the order of the files: a cap that is used up holds back even refusals."""
    items.sort(key=_is_billed)


def _is_billed(item: pytest.Item) -> bool:
    """Whether a test of this suite sends what a gateway bills while it keeps its contract."""
    if not isinstance(item, pytest.Function) or _HERE not in item.path.parents:
        return False
    callspec = getattr(item, "callspec", None)
    cases = callspec.params.get("cases", ()) if callspec is not None else ()
    return item.originalname in _BILLED or any(case.accepted for case in cases)


def pytest_configure(config: pytest.Config) -> None:
    """Register the profile; shrinking means sending more, so that it is left out where that may cost money."""
    phases = (Phase.generate, *([Phase.shrink] if config.stash.get(LOOPBACK, True) else []))
    settings.register_profile(
        "segforge-contract", max_examples=15, deadline=None, derandomize=True, database=None, phases=phases
    )
