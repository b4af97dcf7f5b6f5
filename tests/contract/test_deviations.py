"""Known deviations: the failures they accept, the runs they fail, and how their file is updated."""

import json
from datetime import date
from pathlib import Path

import pytest

from segforge import Catalog, SpecError
from segforge.cli import main
from segforge_contract.findings.deviation_file import load_deviations, pattern
from tests.contract.serving import serve
from tests.contract.standin import KEY, StandIn

MODEL = ("--models", "flux-ipadapter", "--max-examples", "0")
HEAD = "# what we know\ndeviations:\n"
STEPS = """\
  # the worker rounds
  - rule: range.above
    scope: {model: flux-ipadapter, parameter: num_inference_steps}
    observed: "200 *"
    reason: the page is behind the worker
    date: "2026-11-21"
    expires: "2999-01-01"
    evidence: issue 4
"""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)


def run(catalog: Catalog, file: Path, *faults: str, more: tuple[str, ...] = ()) -> int:
    with serve(StandIn(catalog, *faults)) as url:
        return main(["contract", "--target", url, "--deviations", str(file), *MODEL, *more])


def test_known_deviation_passes_and_a_new_one_fails(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "deviations.yaml"
    file.write_text(HEAD + STEPS, "utf-8")
    assert run(catalog, file, "steps_unbounded") == 0
    assert run(catalog, file, "steps_unbounded", "invalid_422") == 1


def test_deviation_that_no_longer_occurs_fails_with_its_line(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "deviations.yaml"
    file.write_text(HEAD + STEPS, "utf-8")
    assert run(catalog, file) == 1
    assert f"no longer occurs: {file}:4: range.above flux-ipadapter num_inference_steps" in capsys.readouterr().out


def test_untested_deviation_is_not_gone(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "deviations.yaml"
    file.write_text(HEAD + STEPS.replace("flux-ipadapter", "flux-img2img").replace("num_inference_", ""), "utf-8")
    assert run(catalog, file) == 0


@pytest.mark.parametrize(("name", "other"), [("flux-ipadapter", "flux-nothing"), ("num_inference_steps", "stepz")])
def test_unknown_scope_exits_with_2(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, other: str
) -> None:
    file = tmp_path / "deviations.yaml"
    file.write_text(HEAD + STEPS.replace(name, other), "utf-8")
    assert run(catalog, file) == 2
    assert f'{file}:4: unknown {"model" if "-" in other else "parameter"} "{other}"' in capsys.readouterr().err


def test_expired_deviation_fails_even_if_it_occurs(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "deviations.yaml"
    file.write_text(HEAD + STEPS.replace("2999-01-01", "2026-11-21").replace('"2026-11-21"', '"2020-01-01"'), "utf-8")
    report = tmp_path / "report.json"
    assert run(catalog, file, "steps_unbounded", more=("--json", str(report))) == 1
    assert "expired" in capsys.readouterr().out
    assert len(json.loads(report.read_text("utf-8"))["deviations"]["expired"]) == 1


def test_update_shows_a_diff_keeps_comments_and_makes_the_run_pass(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "deviations.yaml"
    file.write_text(HEAD + STEPS + STEPS.replace("num_inference_steps", "seed").replace("range", "range"), "utf-8")
    before = file.read_text("utf-8")
    assert run(catalog, file, "invalid_422", more=("--update-deviations",)) == 1
    assert file.read_text("utf-8") == before  # no consent was given
    assert '+  - rule: "range.below"' in capsys.readouterr().out
    assert run(catalog, file, "invalid_422", more=("--update-deviations", "--yes")) == 1
    after = file.read_text("utf-8")
    assert after.startswith("# what we know\ndeviations:\n  # the worker rounds\n")
    assert 'observed: "422 application/json *"' in after
    assert run(catalog, file, "invalid_422") == 0


def test_update_creates_a_missing_file(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "deviations.yaml"
    assert run(catalog, file, "steps_unbounded", more=("--update-deviations", "--yes")) == 1
    [first, *rest] = load_deviations(file)
    entries = [(each.rule, each.model, each.operation, each.parameter, each.observed) for each in (first, *rest)]
    assert len(set(entries)) == len(entries)
    assert (first.rule, first.model, first.parameter) == ("range.above", "flux-ipadapter", "num_inference_steps")
    assert first.expires > first.seen >= date(2026, 1, 1)
    assert run(catalog, file, "steps_unbounded") == 0


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("rule: range.above", "rule: range.over", 4, "range.above"),
        ("rule: range.above", "role: range.above", 4, "unknown field"),
        ('"2026-11-21"', "2026-11-21", 8, "quote it"),
        ('"2999-01-01"', '"2999-13-01"', 9, "a day"),
        ('"2999-01-01"', '"2026-11-20"', 9, "a day from 2026-11-21"),
        ("    evidence: issue 4\n", "", 4, "evidence"),
        ("parameter:", "parametre:", 5, "unknown field"),
    ],
)
def test_mistake_is_reported_with_file_and_line(tmp_path: Path, before: str, after: str, line: int, said: str) -> None:
    file = tmp_path / "deviations.yaml"
    text = (HEAD + STEPS).replace(before, after)
    assert text != HEAD + STEPS
    file.write_text(text, "utf-8")
    with pytest.raises(SpecError) as caught:
        load_deviations(file)
    assert f"{file}:{line}:" in str(caught.value)
    assert said in str(caught.value)


def test_mistake_exits_with_2(catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "deviations.yaml"
    file.write_text("deviations: none\n", "utf-8")
    assert run(catalog, file) == 2
    assert f"{file}:1:" in capsys.readouterr().err
    assert main(["contract", "--target", "mock", "--update-deviations"]) == 2


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ('500 application/json {"error": "no"}', "500 application/json *"),
        ("COMPLETED, then FAILED", "COMPLETED, then FAILED"),
        ("2c7f59ea-13f1-402c-9353-915a2b5a2124 a second time", "* a second time"),
        ("x [1] *", "x [[]1] [*]"),
    ],
)
def test_pattern_matches_the_same_finding_again(found: str, expected: str) -> None:
    assert pattern(found) == expected
