"""The change log tells what breaks callers, by the rules of requests and answers."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from segforge.cli import main
from segforge.spec.catalog import Catalog, Choices, Model
from segforge.spec.changes import bump_of, gateway_changes, model_changes, raised
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


def test_the_command_compares_folders_and_writes_a_changelog(
    specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from segforge.spec.load import default_specs

    file = specs / "models" / "flux-img2img.yaml"
    file.write_text(file.read_text("utf-8").replace("maximum: 50", "maximum: 40"), "utf-8")
    log = tmp_path / "CHANGELOG.md"
    log.write_text("# Changelog\n\n## 1.4.0 - 2026-01-01\n\n- first\n", "utf-8")
    arguments = ["diff", str(default_specs()), str(specs)]
    assert main([*arguments, "--format", "json", "--write-changelog", str(log)]) == 1
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
    assert log.read_text("utf-8").startswith("# Changelog\n\n## 2.0.0 - ")
    assert log.read_text("utf-8").endswith("## 1.4.0 - 2026-01-01\n\n- first\n")
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
