"""Settings of the suite: few drawn payloads, the same in every run, and no shrinking if it may cost money."""

from pathlib import Path

import pytest

from segforge.extras import MissingExtra, require_extra
from segforge_contract.pytest_plugin import LOOPBACK

try:
    require_extra("contract", "the suite segforge_contract")
except MissingExtra as error:
    pytest.exit(str(error), returncode=2)

from hypothesis import Phase, settings

_HERE = Path(__file__).parent
_BILLED = (
    "test_valid_payload_is_accepted",
    "test_job_ends_with_a_result",
    "test_jobs_live_as_documented_in_any_order",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs free tests first, since a used-up cap stops even refusals."""
    items.sort(key=_is_billed)


def _is_billed(item: pytest.Item) -> bool:
    """Returns whether a test of this suite sends requests that a correct gateway bills."""
    if not isinstance(item, pytest.Function) or _HERE not in item.path.parents:
        return False
    callspec = getattr(item, "callspec", None)
    cases = callspec.params.get("cases", ()) if callspec is not None else ()
    return item.originalname in _BILLED or any(case.accepted for case in cases)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the Hypothesis profile. It shrinks only on this machine, since shrinking sends more requests."""
    phases = (Phase.generate, *([Phase.shrink] if config.stash.get(LOOPBACK, True) else []))
    settings.register_profile(
        "segforge-contract", max_examples=15, deadline=None, derandomize=True, database=None, phases=phases
    )
