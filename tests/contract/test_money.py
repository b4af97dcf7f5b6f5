"""A small money proof; `make money-proof` runs two hundred campaigns."""

from pathlib import Path

import pytest

from segforge import Catalog
from segforge_contract.targets.ledger import Ledger
from tests.contract.billing import KEY
from tests.contract.money import check, prove, run_trial, trials


def test_no_campaign_exceeds_its_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers faults, dropped connections, wrong costs and kills. Campaigns with a cap of 0 cost nothing."""
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    results = prove(7)  # 0 and 5 are killed by SIGKILL, 1 and 5 are hungry, 6 bills free requests
    assert sum(result.starts for result in results) > len(results)
    assert any(result.trial.hard for result in results)
    assert sum(result.billed for result in results) > 0


def test_same_campaigns_exceed_the_cap_without_the_ledger(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows that the proof can fail, because the gateway does bill."""
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    monkeypatch.setattr(Ledger, "fits", lambda *_, **__: True)
    [trial] = trials(1, first=13)
    assert check(run_trial(trial, catalog, tmp_path)) is not None
