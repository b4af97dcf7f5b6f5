"""The change log tells what breaks callers, by the rules of requests and answers."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from segforge.cli import main
from segforge.emit.changelog import changelog
from segforge.pages.changelog import EMPTY, add_changes
from segforge.pages.yaml_edit import load
from segforge.spec.catalog import ABSENT, Catalog, Choices, Model, Release
from segforge.spec.changes import Change, bump_of, gateway_changes, model_changes, raised
from segforge.spec.load import default_specs
from tests.pages.models import models
from tests.pages.mutations import mutations

ADDITIVE = {"compatible": "additive", "breaking": "breaking"}


def test_every_change_of_one_fact_is_classified_as_drift_does(catalog: Catalog) -> None:
    for model in catalog.models:
        for mutation in mutations(model):
            found = {(one.rule, one.level) for one in model_changes([model], [mutation.model])}
            for rule, kind, path in mutation.expected:
                name = path.split(".")[1]
                choices = (
                    mutation.model.parameters_by_name[name].choices
                    if name in mutation.model.parameters_by_name
                    else None
                )
                level = (
                    "editorial"
                    if rule in ("enum.value_removed", "enum.total_changed") and choices and choices.open
                    else ADDITIVE[kind]
                )
                assert (rule, level) in found, mutation.name


@settings(max_examples=40)
@given(models(), models())
def test_what_breaks_one_way_is_no_break_for_the_same_model(old: Model, new: Model) -> None:
    assert model_changes([old], [old]) == []
    there = model_changes([old], [replace(new, slug=old.slug)])
    back = model_changes([replace(new, slug=old.slug)], [old])
    assert bool(there) == bool(back)


def test_an_open_set_that_closes_breaks(catalog: Catalog) -> None:
    model = catalog.model("flux-img2img")
    parameters = tuple(
        replace(one, choices=Choices(one.choices.known, len(one.choices.known)))
        if one.choices and one.choices.open
        else one
        for one in model.parameters
    )
    (change,) = model_changes([model], [replace(model, parameters=parameters)])
    assert (change.rule, change.level) == ("enum.closed", "breaking")


def test_the_gateway_counts_too(catalog: Catalog) -> None:
    changes = gateway_changes(catalog.gateway, replace(catalog.gateway, base_url="https://other.example"))
    assert [(one.at, one.level) for one in changes] == [("base_url", "breaking")]
    fewer = gateway_changes(catalog.gateway, replace(catalog.gateway, statuses=catalog.gateway.statuses[:-1]))
    assert {one.rule for one in fewer} == {"status.removed"}


@pytest.mark.parametrize(
    ("version", "bump", "following"),
    [
        ("1.2.3", "major", "2.0.0"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "patch", "1.2.4"),
        ("0.2.3", "major", "0.3.0"),
        ("0.2.3", "minor", "0.2.4"),
        ("1.2.3", "none", "1.2.3"),
    ],
)
def test_versions(version: str, bump: str, following: str) -> None:
    assert raised(version, bump) == following  # type: ignore[arg-type]


def test_no_change_asks_for_no_version() -> None:
    assert bump_of([]) == "none"


RELEASED = """# kept
releases:
  # newest first
  - version: "1.4.0"  # of long ago
    date: "2026-01-01"
    changes: ["first"]
"""
BREAKING = Change("x", "parameters.a", "parameter.removed", "breaking", old={"type": "string"}, has_new=False)
ADDED = Change("x", "parameters.b", "parameter.added", "additive", new={"type": "string"}, has_old=False)


def test_the_open_version_takes_changes_in() -> None:
    once, version = add_changes(RELEASED, [ADDED])
    assert version == "1.5.0"
    assert add_changes(once, [ADDED]) == (once, "1.5.0")
    twice, version = add_changes(once, [ADDED, BREAKING])
    assert version == "2.0.0"
    assert add_changes(twice, [ADDED]) == (twice, "2.0.0")
    assert [line for line in twice.splitlines() if line.startswith("      - ")] == [
        '      - "Added: x parameters.b parameter.added, nothing -> {\\"type\\": \\"string\\"}"',
        '      - "Breaking: x parameters.a parameter.removed, {\\"type\\": \\"string\\"} -> nothing"',
    ]
    assert twice.endswith(RELEASED.split("newest first\n")[1])


def test_the_first_version_stays_until_it_is_released() -> None:
    assert add_changes(EMPTY, [BREAKING])[1] == "0.1.0"
    assert add_changes(add_changes(EMPTY, [ADDED])[0], [BREAKING])[1] == "0.1.0"


def test_hostile_text_stays_text_in_the_changelog() -> None:
    hostile = "\u202e<script>`*[x](y)\n# head: {a} &b"
    change = Change(hostile, hostile, "text.changed", "editorial", hostile, hostile)
    (release,) = load(add_changes(EMPTY, [change])[0])["releases"]
    (line,) = release["changes"]
    assert "\n" not in line
    (shown,) = [one for one in changelog([Release("0.1.0", "unreleased", (line,))]).splitlines() if "script" in one]
    assert "\\<script\\>\\`\\*\\[x\\](y)" in shown


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (RELEASED.replace("1.4.0", "1.4"), "schema.pattern"),
        (RELEASED + '  - {version: "1.5.0", date: "2026-01-02", changes: [x]}\n', "changelog.order"),
        (RELEASED + '  - {version: "1.3.0", date: unreleased, changes: [x]}\n', "changelog.unreleased"),
        ("releases: [", "yaml.syntax"),
    ],
)
def test_a_malformed_changelog_is_named_and_left_alone(
    specs: Path, capsys: pytest.CaptureFixture[str], text: str, rule: str
) -> None:
    log = specs / "changelog.yaml"
    log.write_text(text, "utf-8")
    assert main(["lint", "--specs", str(specs)]) == 1
    assert rule in capsys.readouterr().out
    document = specs.parent / "openapi.yaml"
    openapi = default_specs().parent / "generated" / "openapi" / "segmind.yaml"
    document.write_text(openapi.read_text("utf-8").replace("maximum: 50", "maximum: 60"), "utf-8")
    assert main(["diff", str(default_specs()), str(document), "--specs", str(specs), "--write-changelog"]) == 2
    assert rule in capsys.readouterr().err
    assert log.read_text("utf-8") == text


def test_the_command_compares_folders_and_writes_a_changelog(
    specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = specs / "models" / "flux-img2img.yaml"
    file.write_text(file.read_text("utf-8").replace("maximum: 50", "maximum: 40"), "utf-8")
    log = specs / "changelog.yaml"
    log.write_text(RELEASED, "utf-8")
    arguments = ["diff", str(default_specs()), str(specs)]
    assert main([*arguments, "--format", "json", "--write-changelog"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["bump"] == "major"
    assert report["changes"] == [
        {
            "subject": "flux-img2img",
            "at": "parameters.steps.maximum",
            "rule": "range.narrowed",
            "level": "breaking",
            "old": 50,
            "new": 40,
        }
    ]
    line = "Breaking: flux-img2img parameters.steps.maximum range.narrowed, 50 -> 40"
    made = f'  - version: "2.0.0"\n    date: unreleased\n    changes:\n      - "{line}"\n'
    assert log.read_text("utf-8") == RELEASED.replace("newest first\n", f"newest first\n{made}")
    out = tmp_path / "out"
    assert main(["generate", "--specs", str(specs), "--out", str(out)]) == 0
    assert "## 2.0.0 (unreleased)\n\n- Breaking: flux-img2img" in (out / "python" / "CHANGELOG.md").read_text("utf-8")
    assert 'version = "2.0.0"' in (out / "python" / "pyproject.toml").read_text("utf-8")
    assert json.loads((out / "typescript" / "package.json").read_text("utf-8"))["version"] == "2.0.0"
    assert (out / "typescript" / "CHANGELOG.md").is_file()
    assert main(["diff", str(specs), str(specs)]) == 0


def test_the_command_reads_git_revisions(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(specs.parent), *arguments],
            check=True,
            capture_output=True,
        )

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    file = specs / "models" / "flux-img2img.yaml"
    file.write_text(file.read_text("utf-8").replace("maximum: 50", "maximum: 60"), "utf-8")
    assert main(["diff", "HEAD", str(specs), "--specs", str(specs)]) == 0
    assert "range.widened" in capsys.readouterr().out
    assert main(["diff", "no-such-revision", str(specs), "--specs", str(specs)]) == 2
    assert "git revision" in capsys.readouterr().err


def test_rules_are_named_as_drift_names_them(catalog: Catalog) -> None:
    model = replace(catalog.model("flux-img2img"), versions=("v1", "v2"))
    without = tuple(replace(one, default=ABSENT, format=None) for one in model.parameters)
    found = {one.rule for one in model_changes([model], [replace(model, parameters=without, versions=("v2",))])}
    assert found == {"default.gone", "format.gone", "version.removed"}
