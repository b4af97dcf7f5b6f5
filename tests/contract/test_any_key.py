"""A mock that accepts any key: rules about wrong keys can't be tested, and reports say so."""

import json
from pathlib import Path

import httpx
import pytest

from segforge import Catalog
from segforge.cli import main
from segforge_contract.engine.session import ANY_KEY
from segforge_contract.messages.request import INVALID_KEY
from segforge_mock import Mock
from tests.contract.campaigns import broken_rules, campaign
from tests.contract.standin import KEY, StandIn

MODEL = ("--models", "flux-ipadapter", "--max-examples", "2", "--seed", "7")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)


def test_wrong_keys_are_not_sent_and_not_covered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, journal = tmp_path / "report.json", tmp_path / "journal.jsonl"
    with Mock(time_scale=0, job_policy="polls=3", images="tiny") as mock:
        arguments = ["contract", "--target", mock.url, "--json", str(file), "--record", str(journal), *MODEL]
        assert main(arguments) == 0
        count = httpx.get(f"{mock.url}/_mock/requests/count", headers={"x-api-key": INVALID_KEY})
        assert count.json() == {"count": 0}
    assert f"not sent: {ANY_KEY}" in " ".join(capsys.readouterr().out.split())
    report = json.loads(file.read_text("utf-8"))
    assert report["held_back"][ANY_KEY] > 3
    cases = {rule["name"]: rule["cases"] for rule in report["rules"]}
    assert cases["auth.invalid"] == 0 < cases["auth.missing"]
    assert "auth.invalid" in {point["rule"] for point in report["coverage"]["missing"]}
    assert main(["contract", "--replay", str(journal), "--json", str(file), *MODEL[:2]]) == 0
    assert json.loads(file.read_text("utf-8"))["held_back"][ANY_KEY] == report["held_back"][ANY_KEY]


def test_a_gateway_that_accepts_any_key_without_saying_so_breaks_the_rule(catalog: Catalog) -> None:
    found = broken_rules(campaign(catalog, StandIn(catalog, "any_key_accepted"), "flux-ipadapter"))
    assert found == {"auth.invalid"}
