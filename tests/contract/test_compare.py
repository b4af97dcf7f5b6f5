"""`segforge contract compare`: two gateways side by side, and the proposed changes to the specs."""

import json
from pathlib import Path

import pytest

from segforge import Catalog
from segforge.cli import main
from tests.contract.serving import serve, unused_url
from tests.contract.standin import KEY, StandIn
from tests.seeds import seed_specs

MODEL = ("--specs", str(seed_specs()), "--models", "flux-ipadapter")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)


def compared(catalog: Catalog, *faults: str, more: tuple[str, ...] = (), observed: bool = False) -> int:
    with serve(StandIn(catalog)) as left, serve(StandIn(catalog, *faults, observed=observed)) as right:
        return main(["contract", "compare", "--left", left, "--right", right, *MODEL, *more])


def test_gateways_that_agree_exit_with_0(catalog: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(catalog) == 0
    assert "0 of " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("steps_unbounded", "models/flux-ipadapter.yaml: parameters, num_inference_steps: maximum: 76 is accepted"),
        ("invalid_406", "gateway.yaml: profiles, documented: outcomes of range on v1: cases ["),
        ("invalid_422", "cases [a new case under status 422] rather than [parameters.invalid]"),
        ("string_to_integer", "gateway.yaml: profiles, documented: numeric_strings: cast"),
        ("dies_at_minimum", "models/flux-ipadapter.yaml: parameters, quality: minimum: above 10"),
        ("method_404", "gateway.yaml: statuses, case method.not_allowed: run answers 404 application/json"),
    ],
)
def test_disagreement_is_a_proposed_change(
    catalog: Catalog, capsys: pytest.CaptureFixture[str], fault: str, said: str
) -> None:
    assert compared(catalog, fault) == 1
    assert said in capsys.readouterr().out


def test_observed_profile_shows_as_changes_to_the_documented_one(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "differences.json"
    assert compared(catalog, observed=True, more=("--json", str(file))) == 1
    out = capsys.readouterr().out
    assert "outcomes of required on v2: cases [job.failed] rather than [parameters.invalid]" in out
    assert "outcomes of range on v1: cases [run.failed] rather than [parameters.invalid]" in out
    document = json.loads(file.read_text("utf-8"))
    first = next(each for each in document["disagreements"] if each["rule"] == "range.above")
    assert first["left"] == "400 application/json"
    assert document["compared"] > len(document["disagreements"]) > 0


def test_cap_of_0_compares_only_free_cases(catalog: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(catalog, "dies_at_minimum", "header_missing", more=("--max-spend", "0")) == 0
    assert "spent 0 of 0 credits" in capsys.readouterr().out


def test_unreachable_side_exits_with_2(catalog: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    with serve(StandIn(catalog)) as left:
        assert main(["contract", "compare", "--left", left, "--right", unused_url(), *MODEL]) == 2
        assert main(["contract", "compare", "--left", left, "--right", "https://gateway.invalid", *MODEL]) == 2
    assert "add --yes" in capsys.readouterr().err


def test_house_rule_that_one_side_breaks_is_a_disagreement(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house = tmp_path / "house.py"
    house.write_text(
        "from segforge_contract import house_rule\n"
        "@house_rule('states_balance', promise='an output states the balance', reason='callers watch it')\n"
        "def states_balance(exchange):\n"
        "    paid = exchange.response.status == 200 and exchange.case.operation == 'run'\n"
        "    return 'no balance' if paid and 'x-remaining-credits' not in exchange.response.headers else None\n",
        "utf-8",
    )
    more = ("--house-rules", f"{house}:states_balance")
    assert compared(catalog, more=more) == 0
    assert compared(catalog, "header_missing", more=more) == 1
    out = capsys.readouterr().out
    assert "house rules: house.states_balance: the right gateway breaks it" in out
    assert ", breaks house.states_balance" in out
