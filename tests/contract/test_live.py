"""Runs that may cost money: the plan, the cap, packs and the journal, against a gateway that bills."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from segforge import Catalog
from segforge.cli import main
from segforge_contract import Request
from segforge_contract.targets.billing import could_be_billed
from segforge_contract.targets.journal import Reservation, read
from tests.contract.billing import KEY, Faults, Gateway, serve
from tests.contract.money import run_here
from tests.seeds import seed_specs

SPECS = ("--specs", str(seed_specs()))
MODEL = (*SPECS, "--models", "flux-img2img", "--max-examples", "1", "--seed", "3")


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@contextmanager
def gateway(catalog: Catalog, **faults: Any) -> Iterator[tuple[Gateway, str]]:
    opened = Gateway(catalog, Faults(**faults))
    with serve(opened) as url:
        yield opened, url


def contract(url: str, *more: str) -> int:
    return main(["contract", "--target", url, *MODEL, *more])


def test_plan_sends_nothing_and_names_requests_price_and_cost(
    catalog: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    with gateway(catalog) as (billing, url):
        assert contract(url, "--plan", "--max-spend", "1.00") == 0
        assert billing.book.requests == 0
    out = capsys.readouterr().out
    assert "requests besides free polls" in out
    assert "1.4 credits, capped at 1)" in out
    assert "at most: flux-img2img 0.05 (credits)" in out
    assert "1 times the average" in out


def test_plan_of_the_live_gateway_sends_nothing_needs_no_key_and_has_a_cap_of_0(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEGMIND_API_KEY")
    assert contract("live") == 2
    assert "no API key" in capsys.readouterr().err
    assert contract("live", "--plan") == 0
    out = capsys.readouterr().out
    assert out.startswith("https://api.segmind.com: up to ")
    assert "Billed: up to 0 if the gateway keeps its contract (0 credits)" in out
    assert "Cap: 0." in out


@pytest.mark.parametrize("given", [("--target", "ftp://x"), ("--target", "http://127.0.0.1:1", "--public-url", "x")])
def test_a_wrong_url_is_refused_before_the_plan_is_made(
    given: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", "SG_1")
    monkeypatch.setattr("segforge_contract.engine.plan.plan", None)
    assert main(["contract", *given]) == 2


def test_live_without_consent_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert contract("live") == 2
    assert "add --yes" in capsys.readouterr().err


def test_cap_of_0_bills_nothing(catalog: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    with gateway(catalog) as (billing, url):
        contract(url, "--max-spend", "0")
        assert billing.book.entries == []
        assert billing.book.requests > 100
    assert "spent 0 of 0 credits by the balance" in capsys.readouterr().out


def test_cap_of_0_stops_at_the_first_call_billed_against_the_docs(
    catalog: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    with gateway(catalog, invalid_accepted=1) as (billing, url):
        assert contract(url, "--max-spend", "0") == 1
        assert len(billing.book.entries) == 1
    assert "halted: a call was billed 0.05 credits" in capsys.readouterr().out


def test_refusal_billed_silently_is_a_finding(catalog: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    with gateway(catalog, refusal_billed=0.05, refusal_told=False) as (billing, url):
        assert contract(url, "--max-spend", "0") == 1
        assert 0 < billing.book.billed <= 20 * Decimal("0.05")
    assert "money.refusal_is_free: run: the balance" in capsys.readouterr().out


def test_packs_test_each_boundary_with_few_paid_calls(catalog: Catalog, tmp_path: Path) -> None:
    """Packs cover all accepted cases of the tables for a fraction of the price."""
    file = tmp_path / "report.json"
    with gateway(catalog) as (billing, url):
        contract(url, "--max-spend", "100", "--json", str(file), "--record", str(tmp_path / "a.jsonl"))
        paid = len(billing.book.entries)
    rules = {rule["name"]: rule["cases"] for rule in json.loads(file.read_text("utf-8"))["rules"]}
    model = catalog.model("flux-img2img")
    ranged = sum(parameter.minimum is not None for parameter in model.parameters)
    assert rules["range.at_minimum"] == 2 * ranged  # on run and on submit
    assert rules["enum.each"] + rules["boolean.each"] + rules["default.explicit"] > paid


def test_cap_is_kept_and_unsent_cases_are_reported(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    with gateway(catalog) as (billing, url):
        contract(url, "--max-spend", "0.2", "--json", str(file))
        assert billing.book.billed == Decimal("0.15")  # a fourth call would leave nothing for a billed reading
    assert "not sent: the cap of 0.2 is reached: 0.15 spent, 0.01 reserved" in capsys.readouterr().out
    document = json.loads(file.read_text("utf-8"))
    assert document["money"]["spent"] == "0.15"
    assert sum(document["held_back"].values()) > 0


def test_lower_settled_price_leaves_more_to_spend(catalog: Catalog) -> None:
    with gateway(catalog, price=Decimal("0.01")) as (billing, url):
        contract(url, "--max-spend", "0.2")
        assert len(billing.book.entries) > 4


def test_call_that_costs_more_than_assumed_halts_the_run(catalog: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    with gateway(catalog, price=Decimal("0.5")) as (billing, url):
        assert contract(url, "--max-spend", "10") in (1, 2)
        assert len(billing.book.entries) == 1
    assert "halted: " in capsys.readouterr().out


def test_cap_below_one_call_exits_with_2(catalog: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    with gateway(catalog) as (billing, url):
        assert contract(url, "--max-spend", "0.01") == 2
        assert billing.book.requests == 0
    assert "doesn't cover one call of 0.05 credits" in capsys.readouterr().err


def test_resumed_run_sends_nothing_twice_and_loses_no_answer(catalog: Catalog, tmp_path: Path) -> None:
    """A run interrupted several times sends the same requests as an uninterrupted run, each once."""
    whole, pieces = tmp_path / "whole.jsonl", tmp_path / "pieces.jsonl"
    with gateway(catalog) as (billing, url):
        contract(url, "--max-spend", "100", "--record", str(whole))
        entire = billing.book.billed
    cuts = [150, 40, 20, 30]
    with gateway(catalog) as (billing, url):
        start = ["contract", "--target", url, *MODEL, "--max-spend", "100", "--record", str(pieces)]
        resume = ["contract", *SPECS, "--resume", str(pieces)]
        for cut in cuts:
            assert not run_here(resume if pieces.exists() else start, cut, lose=False)
        assert run_here(resume, None)
        assert entire - len(cuts) * Decimal("0.05") <= billing.book.billed <= entire
    sent = reserved(catalog, pieces)
    assert set(sent) == set(reserved(catalog, whole))
    assert set(Counter(sent).values()) == {1}


def reserved(catalog: Catalog, journal: Path) -> list[Request]:
    """Returns the requests that could be billed as calls, in the order of their reservations."""
    requests = [entry.request for entry in read(journal).entries if isinstance(entry, Reservation)]
    return [request for request in requests if could_be_billed(catalog.gateway, request)]


def test_cap_can_be_raised_when_resuming(catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.jsonl"
    with gateway(catalog) as (billing, url):
        contract(url, "--max-spend", "0.1", "--record", str(file))
        assert billing.book.billed == Decimal("0.05")
        assert main(["contract", *SPECS, "--resume", str(file), "--max-spend", "0.2", "--plan"]) == 0
        assert "Before: 0.05 spent, 0.01 reserved, 0.14 left." in capsys.readouterr().out
        main(["contract", *SPECS, "--resume", str(file), "--max-spend", "0.2"])
        assert billing.book.billed == Decimal("0.15")


def test_replay_has_the_same_findings_without_a_server(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, before, after = tmp_path / "run.jsonl", tmp_path / "before.json", tmp_path / "after.json"
    with gateway(catalog, invalid_accepted=0.02, job_fails=0.2) as (_, url):
        code = contract(url, "--max-spend", "1", "--record", str(file), "--json", str(before))
    capsys.readouterr()
    assert main(["contract", *SPECS, "--replay", str(file), "--json", str(after)]) == code
    documents = [json.loads(path.read_text("utf-8")) for path in (before, after)]
    assert documents[0]["failures"] == documents[1]["failures"] != []
    assert documents[0]["rules"] == documents[1]["rules"]
    assert KEY not in file.read_text("utf-8")


def test_request_missing_from_the_journal_is_reported(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.jsonl"
    with gateway(catalog) as (_, url):
        contract(url, "--max-spend", "0", "--record", str(file))
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-10]))
    main(["contract", *SPECS, "--replay", str(file)])
    assert "not sent: not in the journal" in capsys.readouterr().out


def test_run_without_a_cap_can_be_replayed_but_not_resumed(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.jsonl"
    with gateway(catalog) as (_, url):
        code = contract(url, "--record", str(file))
    assert main(["contract", *SPECS, "--replay", str(file)]) == code
    assert main(["contract", *SPECS, "--resume", str(file)]) == 2
    assert "recorded without a cap" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--target"),
        (["--replay", "/no/such/file"], "No such file"),
        (["--target", "http://127.0.0.1:1", "--record", "/no/such/folder/a", "--max-spend", "0"], "--record"),
        (["--target", "mock", "--max-spend", "-1"], "expected an amount of credits"),
        (["--target", "mock", "--max-spend", "nan"], "expected an amount of credits"),
    ],
)
def test_misuse_exits_with_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["contract", *arguments])
    except SystemExit as end:
        code = int(str(end.code))
    assert code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("profile", ["documented", "observed"])
@pytest.mark.parametrize(("cap", "spent"), [("0", "0"), ("0.5", "0.45")])
def test_mock_passes_under_a_cap(
    profile: str, cap: str, spent: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stored answers, jobs that should fail and packs cause no false alarms."""
    arguments = ("--profile", profile, "--max-spend", cap, "--record", str(tmp_path / "run.jsonl"), "--forget")
    assert contract("mock", *arguments) == 0
    out = capsys.readouterr().out
    assert f"{20 * Decimal(spent):.0f} calls accepted" in out
    assert f"spent {spent} of {cap} credits by the balance" in out
