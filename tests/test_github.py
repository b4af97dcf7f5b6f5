"""Annotations and the step summary under GitHub Actions: their places, their bounds, and hostile text."""

import argparse
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segforge.cli import main
from segforge.commands.lint import configure, run
from segforge.github import MOST, MOST_SUMMARY, annotations, append_summary
from segforge.spec.finding import Finding
from segforge.spec.printable import one_line
from tests.formats import commands_in, violations
from tests.pages.layouts import blank_line
from tests.pages.listed import BRUSH, CLIPPER, CUTTER, WRITER, ZOOMER, listed, write_list, write_specs
from tests.seeds import seed_catalog

INJECTION = "\n::error::x\r\n##[add-mask]y %0A::set-output name=a::b,line=9\u2028::stop-commands::z"


def finding(text: str = "x", file: str = "specs/a.yaml", line: int = 3) -> Finding:
    return Finding(file, line, 7, text, text, text, text)


def test_an_annotation_has_the_place_of_its_finding(tmp_path: Path) -> None:
    one = Finding(str(tmp_path / "specs" / "a,b:c.yaml"), 12, 5, "range.order", "60", "at most 50", "correct it")
    [command] = commands_in("\n".join(annotations("lint", [one], tmp_path)))
    assert command.name == "error"
    assert command.properties == {
        "file": "specs/a,b:c.yaml", "line": "12", "col": "5", "title": "segforge lint: range.order"
    }  # fmt: skip
    assert command.text == "60; expected at most 50; correct it"


def test_a_file_outside_of_the_workspace_is_named_in_the_text(tmp_path: Path) -> None:
    for file in ("/elsewhere/a.yaml", f"{tmp_path}/../a.yaml", "zero\0byte"):
        [command] = commands_in("\n".join(annotations("lint", [finding(file=file)], tmp_path)))
        assert "file" not in command.properties
        assert one_line(file) in command.text


@given(st.text(st.characters()), st.text(st.characters(codec="utf-8", exclude_characters="\0/")))
@example(INJECTION, INJECTION)
@example("\ud800", "x")
def test_no_text_becomes_another_command(text: str, name: str) -> None:
    workspace = Path("/work space")
    lines = list(annotations("lint", [finding(text, file=f"/work space/x{name}")], workspace))
    [command] = commands_in("\n".join(lines).encode("utf-8").decode())
    assert command.properties["file"] == f"x{name}"
    assert command.properties["line"] == "3"
    assert command.text == one_line(f"{text}; expected {text}; {text}")


def test_annotations_are_as_many_as_github_shows(tmp_path: Path) -> None:
    many = [finding(file=str(tmp_path / "a"), line=number) for number in range(1, 31)]
    commands = commands_in("\n".join(annotations("lint", many, tmp_path)))
    assert len(commands) == MOST
    assert "21 more errors" in commands[-1].text
    assert len(list(annotations("lint", many[:MOST], tmp_path))) == MOST
    [long] = annotations("lint", [finding("x" * 100_000)], tmp_path)
    assert len(long) < 10_000


def test_a_summary_ends_within_its_bound(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    file.write_text("before\n")
    for _ in range(3):
        append_summary(file, "ü" * MOST_SUMMARY)
    text = file.read_bytes().decode("utf-8")
    assert text.startswith("before\nü")
    assert text.count("left out") == 1
    assert MOST_SUMMARY - 4 <= file.stat().st_size <= MOST_SUMMARY


def step(monkeypatch: pytest.MonkeyPatch, workspace: Path, *arguments: object) -> tuple[int, str]:
    """Runs a command as a step of a workflow. Returns its exit code, and both outputs as the runner reads them."""
    output = io.StringIO()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(workspace))
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(sys, "stderr", output)
    return main(list(map(str, arguments))), output.getvalue()


class GoneReader(io.StringIO):
    """An output whose reader is gone."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_annotations_do_not_need_standard_output(monkeypatch: pytest.MonkeyPatch, broken: Path) -> None:
    errors = io.StringIO()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setattr(sys, "stderr", errors)
    monkeypatch.setattr(sys, "stdout", GoneReader())
    parser = argparse.ArgumentParser()
    configure(parser)
    with pytest.raises(BrokenPipeError):
        run(parser.parse_args(["--specs", str(broken), "--format", "json"]))
    assert "error" in {command.name for command in commands_in(errors.getvalue())}


@pytest.fixture
def broken(specs: Path) -> Path:
    """Specs with a hostile text that lint reports."""
    path = specs / "models" / "flux-img2img.yaml"
    text = path.read_text("utf-8").replace("type: number", f"type: {json.dumps('##[add-mask]x' + INJECTION)}", 1)
    path.write_text(text, "utf-8")
    return specs


def test_lint_annotates_and_its_text_is_no_command(monkeypatch: pytest.MonkeyPatch, broken: Path) -> None:
    code, output = step(monkeypatch, broken.parent, "lint", "--specs", broken)
    assert code == 1
    assert "##[add-mask]x" in output.partition("::error")[0]
    commands = commands_in(output)
    assert {command.name for command in commands} <= {"error", "warning"}
    assert ("specs/models/flux-img2img.yaml", "18") in [
        (command.properties.get("file"), command.properties.get("line")) for command in commands
    ]


def test_a_flag_and_other_systems_switch_annotations_off(monkeypatch: pytest.MonkeyPatch, broken: Path) -> None:
    for options, value in ((["--no-github"], "true"), ([], "false")):
        monkeypatch.setattr(sys, "stderr", errors := io.StringIO())
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        monkeypatch.setenv("GITHUB_ACTIONS", value)
        assert main(["lint", "--specs", str(broken), *options]) == 1
        assert errors.getvalue() == ""


def test_check_usage_annotates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text('import requests\nrequests.post("https://api.segmind.com/v1/never-heard")\n')
    code, output = step(monkeypatch, tmp_path, "check-usage", tmp_path)
    assert code == 1
    [command] = commands_in(output)
    assert (command.name, command.properties["file"], command.properties["line"]) == ("warning", "app.py", "2")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page with a changed range and, in a file beside it, one that is no page."""
    page = tmp_path / "page.txt"
    text = blank_line(seed_catalog().model("flux-img2img")).replace("Range: 1 - 50", "Range: 1 - 40")
    page.write_text(text, "utf-8")
    (tmp_path / "other.txt").write_text("no page", "utf-8")
    return page


def test_drift_annotates_the_line_of_the_spec(monkeypatch: pytest.MonkeyPatch, specs: Path, page: Path) -> None:
    code, output = step(monkeypatch, specs.parent, "drift", page, "--specs", specs)
    assert code == 1
    [command] = commands_in(output)
    assert command.name == "error"
    assert command.properties["file"] == "specs/models/flux-img2img.yaml"
    line = (specs / "models" / "flux-img2img.yaml").read_text("utf-8").splitlines()[int(command.properties["line"]) - 1]
    assert line.strip() == "maximum: 50"
    code, output = step(monkeypatch, specs.parent, "drift", page, "--specs", specs, "--apply")
    assert (code, commands_in(output)) == (0, [])


def test_drift_writes_sarif(specs: Path, page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = page.parent / "other.txt"
    assert main(["drift", str(page), str(other), "--specs", str(specs), "--format", "sarif"]) == 3
    log = json.loads(capsys.readouterr().out)
    assert violations("sarif", log) == []
    [run] = log["runs"]
    [result] = run["results"]
    assert (result["ruleId"], result["level"]) == ("range.narrowed", "error")
    assert "40" in result["message"]["text"]
    [invocation] = run["invocations"]
    assert not invocation["executionSuccessful"]
    assert "other.txt" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_drift_of_the_list_writes_sarif_and_annotates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    specs = write_specs(tmp_path / "specs")
    path = write_list(tmp_path, listed([replace(BRUSH, usd=1.0), CUTTER, CLIPPER, ZOOMER]))
    arguments = ["drift", "--directory", str(path), "--specs", str(specs)]
    assert main([*arguments, "--format", "sarif"]) == 1
    log = json.loads(capsys.readouterr().out)
    assert violations("sarif", log) == []
    results = {result["ruleId"]: result for result in log["runs"][0]["results"]}
    assert {rule: result["level"] for rule, result in results.items()} == {
        "list.dearer": "warning",
        "list.gone": "error",
    }
    [place] = results["list.gone"]["locations"]
    line = place["physicalLocation"]["region"]["startLine"]
    assert (specs / "directory.yaml").read_text("utf-8").splitlines()[line - 1].strip().startswith(WRITER.slug)
    commands = commands_in(step(monkeypatch, tmp_path, *arguments)[1])
    assert {command.properties["title"].rpartition(" ")[2] for command in commands} == results.keys()
