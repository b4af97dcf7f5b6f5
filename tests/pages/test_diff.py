"""`segforge diff` classifies changes of requests and answers, and records them in the change log."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segforge import Catalog, default_specs
from segforge.cli import main
from segforge.emit.clients.changelog import changelog
from segforge.spec.catalog import ABSENT, Choices, Model, Release
from segforge.spec.changelog import EMPTY, note_changes
from segforge.spec.changes import Change, bump_of, gateway_changes, model_changes, raised
from segforge.spec.yaml_edit import load
from tests.pages.models import models
from tests.pages.mutations import mutations
from tests.seeds import copy_seeds

ADDITIVE = {"compatible": "additive", "breaking": "breaking"}


def test_every_change_of_one_fact_is_classified_like_drift(catalog: Catalog) -> None:
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
def test_equal_models_have_no_changes_and_others_have_them_in_both_directions(old: Model, new: Model) -> None:
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


def test_changes_of_the_gateway_are_reported(catalog: Catalog) -> None:
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


def test_no_change_requires_no_version() -> None:
    assert bump_of([]) == "none"


RELEASED = """# kept
releases:
  # newest first
  - version: "1.4.0"  # of long ago
    date: "2026-01-01"
    changes: ["first"]
"""
BREAKING = Change("x", "parameters.a", "parameter.removed", "breaking", {"type": "string"}, has_new=False, part="a")
ADDED = Change("x", "parameters.b", "parameter.added", "additive", None, {"type": "string"}, has_old=False, part="b")


def noted(text: str) -> list[str]:
    return [str(line) for line in load(text)["releases"][0]["changes"]]


def test_the_unreleased_version_lists_the_changes_since_the_last_release() -> None:
    once, version = note_changes(RELEASED, [ADDED], {"x"})
    assert version == "1.5.0"
    assert note_changes(once, [ADDED], {"x"}) == (once, "1.5.0")
    twice, version = note_changes(once, [ADDED, BREAKING], {"x"})
    assert version == "2.0.0"
    assert noted(twice) == ["Added: x: `b` is new", "Breaking: x: `a` is gone"]
    assert twice.endswith(RELEASED.split("newest first\n")[1])
    assert note_changes(twice, [ADDED], {"x"}) == (once, "1.5.0")
    assert note_changes(twice, [], {"x"}) == (RELEASED, "1.4.0")


def test_lines_and_versions_written_by_hand_are_kept() -> None:
    mine = ["Added: a guide for x", "x: y", "Breaking: z: `a` is gone"]
    entry = (
        f'  - version: "1.5.0"\n    date: unreleased\n    changes: {json.dumps([*mine, "Added: x: `old` is new"])}\n'
    )
    text = RELEASED.replace("newest first\n", f"newest first\n{entry}")
    after, version = note_changes(text, [ADDED], {"x"})
    assert sorted(noted(after)) == sorted([*mine, "Added: x: `b` is new"])
    assert version == "2.0.0"  # a line written by hand is breaking
    higher = note_changes(RELEASED, [ADDED], {"x"})[0].replace('"1.5.0"', '"3.0.0"')
    assert note_changes(higher, [ADDED, BREAKING], {"x"})[1] == "3.0.0"


def test_lines_in_the_older_format_are_replaced() -> None:
    line = "Breaking: x parameters.a.maximum range.narrowed, 50 -> 40"
    entry = f'  - {{version: "2.0.0", date: unreleased, changes: ["{line}"]}}\n'
    text = RELEASED.replace("newest first\n", f"newest first\n{entry}")
    after, version = note_changes(text, [ADDED], {"x"})
    assert (noted(after), version) == (["Added: x: `b` is new"], "1.5.0")


def test_changes_in_the_newest_release_are_not_repeated() -> None:
    once = note_changes(RELEASED, [ADDED], {"x"})[0].replace("unreleased", '"2026-02-01"')
    assert note_changes(once, [ADDED], {"x"}) == (once, "1.5.0")
    assert note_changes(once, [ADDED, BREAKING], {"x"})[1] == "2.0.0"


def test_the_first_version_stays_until_it_is_released() -> None:
    assert note_changes(EMPTY, [BREAKING], {"x"})[1] == "0.1.0"
    assert note_changes(note_changes(EMPTY, [ADDED], {"x"})[0], [BREAKING], {"x"})[1] == "0.1.0"


def test_hostile_text_stays_text_in_the_changelog() -> None:
    hostile = "\u202e<script>`*[x](y)\n# head: {a} &b"
    change = Change(hostile, hostile, "text.changed", "editorial", hostile, hostile)
    (release,) = load(note_changes(EMPTY, [change], ())[0])["releases"]
    (line,) = release["changes"]
    assert "\n" not in line
    (shown,) = [one for one in changelog([Release("0.1.0", "unreleased", (line,))]).splitlines() if "script" in one]
    assert "\\<script\\>\\`\\*\\[x\\](y)" in shown


@settings(max_examples=100)
@given(st.text(st.sampled_from("`a<\\ *_"), max_size=12))
def test_a_change_contains_only_text_and_code_spans(text: str) -> None:
    shown = changelog([Release("0.1.0", "unreleased", (text,))]).split("\n\n")[-1].removeprefix("- ")
    outside = re.sub(r"(?<![\\`])`[^`]+`(?!`)", "", re.sub(r"\\[\\`*_<]", "", shown))
    if "`" not in text:
        assert not set("`*_<") & set(outside)
    assert "".join(shown.split()).replace("\\", "") == "".join(text.split()).replace("\\", "")


def test_code_spans_reach_the_changelog() -> None:
    (line,) = changelog([Release("0.1.0", "unreleased", ("x: `a_b<c` is <new>",))]).splitlines()[-1:]
    assert line == "- x: `a_b<c` is \\<new\\>"


def said(model: Model, name: str, **fields: object) -> list[str]:
    """Returns the lines of the change log for a model in which fields of one parameter changed."""
    made = tuple(replace(one, **fields) if one.name == name else one for one in model.parameters)  # type: ignore[arg-type]  # any fields
    changes = model_changes([model], [replace(model, parameters=made)])
    return noted(note_changes(EMPTY, changes, ())[0])


def test_changes_are_sentences(catalog: Catalog) -> None:
    model = catalog.model("flux-img2img")
    x = "flux-img2img"
    assert said(model, "steps", maximum=80) == [f"Added: {x}: `steps` takes 1 to 80 (was 1 to 50)"]
    assert said(model, "steps", maximum=80, minimum=2) == [f"Breaking: {x}: `steps` takes 2 to 80 (was 1 to 50)"]
    assert said(model, "steps", maximum=None) == [f"Added: {x}: `steps` takes 1 or more (was 1 to 50)"]
    assert said(model, "steps", default=30) == [f"Added: {x}: the default of `steps` is 30 (was 20)"]
    assert said(model, "steps", type="number") == [f"Added: {x}: `steps` is of type number (was integer)"]
    assert said(model, "steps", required=False) == [f"Added: {x}: `steps` is optional now"]
    assert said(model, "steps", nullable=True) == [f"Added: {x}: `steps` takes null too"]
    assert said(model, "prompt", format="uri") == [f"Breaking: {x}: `prompt` takes uri (was any text)"]
    assert said(model, "steps", description="Other.", note="Another.") == [f"Text: {x}: texts were reworded"]
    known = model.parameters_by_name["scheduler"].choices
    assert known is not None
    fewer = Choices(known.known[1:], (known.total or 0) - 1)
    assert said(model, "scheduler", choices=fewer) == [f'Breaking: {x}: `scheduler` no longer takes "{known.known[0]}"']
    assert said(model, "scheduler", choices=None) == [f"Added: {x}: `scheduler` takes any value of its type"]
    cut = said(model, "prompt", default="x" * 500)
    assert cut == [f'Added: {x}: the default of `prompt` is "{"x" * 59}…" (was "3d pixar style")']


def test_changes_of_models_and_answers_are_sentences(catalog: Catalog) -> None:
    one, *_, last = catalog.models
    two = catalog.model("flux-img2img")
    other = replace(two, versions=("v1",), returns=replace(two.returns, formats=("gif",)))
    lines = noted(note_changes(EMPTY, model_changes([one, two], [other, last]), ())[0])
    formats = [f"Breaking: {two.slug}: no longer returns {format_}" for format_ in two.returns.formats]
    assert lines == [
        f"Breaking: model {one.slug} is gone",
        f"Breaking: {two.slug}: can no longer be called by v2",
        *formats,
        f"Added: {two.slug}: returns gif too",
        f"Added: model {last.slug} is new",
    ]
    gateway = replace(catalog.gateway, base_url="https://other.example", statuses=catalog.gateway.statuses[:-1])
    (code, url) = noted(note_changes(EMPTY, gateway_changes(catalog.gateway, gateway), ())[0])[::-1]
    assert url.startswith('Breaking: gateway: `base_url` is "https://other.example" (was "')
    assert code == f"Breaking: gateway: status `{catalog.gateway.statuses[-1].code}` is gone"


def test_a_new_review_date_requires_no_version(catalog: Catalog) -> None:
    model = catalog.models[0]
    changes = model_changes([model], [replace(model, source=replace(model.source, reviewed="2027-01-01"))])
    assert [change.at for change in changes] == ["source.reviewed"]
    assert bump_of(changes) == "none"
    assert note_changes(RELEASED, changes, {model.slug}) == (RELEASED, "1.4.0")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (RELEASED.replace("1.4.0", "1.4"), "schema.pattern"),
        (RELEASED + '  - {version: "1.5.0", date: "2026-01-02", changes: [x]}\n', "changelog.order"),
        (RELEASED + '  - {version: "1.3.0", date: unreleased, changes: [x]}\n', "changelog.unreleased"),
        ("releases: [", "yaml.syntax"),
    ],
)
def test_a_malformed_changelog_is_reported_and_not_changed(
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
    arguments = ["diff", str(copy_seeds(tmp_path / "old")), str(specs)]
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
    line = "Breaking: flux-img2img: `steps` takes 1 to 40 (was 1 to 50)"
    made = f'  - version: "2.0.0"\n    date: unreleased\n    changes:\n      - "{line}"\n'
    assert log.read_text("utf-8") == RELEASED.replace("newest first\n", f"newest first\n{made}")
    out = tmp_path / "out"
    assert main(["generate", "--specs", str(specs), "--out", str(out)]) == 0
    assert f"## 2.0.0 (unreleased)\n\n- {line}\n" in (out / "python" / "CHANGELOG.md").read_text("utf-8")
    assert 'version = "2.0.0"' in (out / "python" / "pyproject.toml").read_text("utf-8")
    assert json.loads((out / "typescript" / "package.json").read_text("utf-8"))["version"] == "2.0.0"
    assert (out / "typescript" / "CHANGELOG.md").is_file()
    assert main(["diff", str(specs), str(specs)]) == 0


def git(specs: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(specs.parent), *arguments],
        check=True,
        capture_output=True,
    )


def commit(specs: Path) -> None:
    git(specs, "add", ".")
    git(specs, "commit", "-qm", "x")


def set_maximum(specs: Path, value: int) -> None:
    file = specs / "models" / "flux-img2img.yaml"
    file.write_text(
        re.sub(r"(\bsteps:(?:\n    .*)*?\n    maximum:) [0-9]+", rf"\1 {value}", file.read_text("utf-8")), "utf-8"
    )


def test_the_command_records_the_changes_since_the_last_release(
    specs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = specs / "changelog.yaml"
    log.write_text(RELEASED, "utf-8")
    git(specs, "init", "-q")
    commit(specs)
    note = ["diff", "HEAD", str(specs), "--specs", str(specs), "--write-changelog"]
    for maximum, code in ((40, 1), (30, 1)):
        set_maximum(specs, maximum)
        assert main(note) == code
        assert noted(log.read_text("utf-8")) == [f"Breaking: flux-img2img: `steps` takes 1 to {maximum} (was 1 to 50)"]
    commit(specs)
    set_maximum(specs, 35)  # wider than in HEAD, but still breaking since the release
    assert main(note) == 0
    said = capsys.readouterr().err
    assert "since 1.4.0 (revision" in said
    assert "version 2.0.0" in said
    assert noted(log.read_text("utf-8")) == ["Breaking: flux-img2img: `steps` takes 1 to 35 (was 1 to 50)"]
    set_maximum(specs, 50)
    assert main(note) == 0
    assert log.read_text("utf-8") == RELEASED
    set_maximum(specs, 60)
    assert main(note) == 0
    log.write_text(log.read_text("utf-8").replace("unreleased", '"2026-02-01"'), "utf-8")
    dated = log.read_text("utf-8")
    assert main(note) == 0  # dated, not yet committed
    assert log.read_text("utf-8") == dated
    commit(specs)
    assert main([note[0], "HEAD~1", *note[2:]]) == 0
    assert log.read_text("utf-8") == dated
    assert "version 1.5.0 is unchanged" in capsys.readouterr().err


def test_without_a_release_the_lines_of_the_base_are_kept(specs: Path) -> None:
    log = specs / "changelog.yaml"
    log.unlink()
    git(specs, "init", "-q")
    commit(specs)
    note = ["diff", "HEAD", str(specs), "--specs", str(specs), "--write-changelog"]
    set_maximum(specs, 40)
    assert main(note) == 1
    set_maximum(specs, 50)
    assert main(note) == 0
    assert not log.exists()
    set_maximum(specs, 40)
    assert main(note) == 1
    commit(specs)
    for maximum in (35, 30):
        set_maximum(specs, maximum)
        assert main(note) == 1
    assert noted(log.read_text("utf-8")) == [
        "Breaking: flux-img2img: `steps` takes 1 to 40 (was 1 to 50)",
        "Breaking: flux-img2img: `steps` takes 1 to 30 (was 1 to 40)",
    ]


def test_the_command_also_prints_the_version_to_raise_before_1_0_0(
    specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_maximum(specs, 60)
    assert main(["diff", str(copy_seeds(tmp_path / "old")), str(specs)]) == 0
    assert "1 change; version: minor (before 1.0.0: patch)" in capsys.readouterr().out


def test_the_command_reads_git_revisions(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(specs, "init", "-q")
    commit(specs)
    file = specs / "models" / "flux-img2img.yaml"
    file.write_text(file.read_text("utf-8").replace("maximum: 50", "maximum: 60"), "utf-8")
    assert main(["diff", "HEAD", str(specs), "--specs", str(specs)]) == 0
    assert "range.widened" in capsys.readouterr().out
    assert main(["diff", "no-such-revision", str(specs), "--specs", str(specs)]) == 2
    assert "git revision" in capsys.readouterr().err


def test_rules_have_the_same_names_as_in_drift(catalog: Catalog) -> None:
    model = replace(catalog.model("flux-img2img"), versions=("v1", "v2"))
    without = tuple(replace(one, default=ABSENT, format=None) for one in model.parameters)
    found = {one.rule for one in model_changes([model], [replace(model, parameters=without, versions=("v2",))])}
    assert found == {"default.gone", "format.gone", "version.removed"}
