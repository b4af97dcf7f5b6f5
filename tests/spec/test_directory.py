"""The directory of models: its file, its rules, and `segforge directory`."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from segforge import Catalog, default_specs, load_catalog
from segforge.cli import main
from segforge.spec.finding import SpecError
from segforge.spec.load import check_specs, load_directory
from segforge.spec.search import near_slugs, search
from tests.seeds import copy_seeds

UNLISTED = {"state": "unlisted", "why": "x", "source": "y"}
DIRECTORY = load_directory(default_specs())


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Runs `segforge directory`; returns the exit code and both outputs."""
    code = main(["directory", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_directory_holds_every_listed_model(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = command(capsys, "list")
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 505)  # with a header and a count
    assert "503 models" in lines[-1]
    assert {line.split()[0] for line in lines[1:-1]} == set(DIRECTORY.listings)
    assert len(DIRECTORY.unlisted) == 57
    assert not set(DIRECTORY.listings) & set(DIRECTORY.unlisted)


def test_every_model_has_the_average_of_the_directory(whole_catalog: Catalog) -> None:
    assert whole_catalog.directory == DIRECTORY
    for model in whole_catalog.models:
        listing = DIRECTORY.listings.get(model.slug)
        average = None if listing is None else (DIRECTORY.read, listing.usd, listing.seconds)
        found = model.average and (model.average.read, model.average.usd, model.average.seconds)
        assert found == (average if average and average[1:] != (None, None) else None)
        assert listing is not None or model.slug in DIRECTORY.unlisted


def test_specs_without_a_directory_have_no_averages(tmp_path: Path) -> None:
    specs = copy_seeds(tmp_path / "specs")
    (specs / "directory.yaml").unlink()
    catalog = load_catalog(specs)
    assert not catalog.directory.listings
    assert all(model.average is None for model in catalog.models)
    with pytest.raises(SpecError, match=r"directory\.yaml"):
        load_directory(specs)


def changed(tmp_path: Path, change: dict[str, Any]) -> list[str]:
    """The findings about specs whose directory has other facts: those of `change`, merged into its parts."""
    specs = copy_seeds(tmp_path / "specs")
    path = specs / "directory.yaml"
    data = yaml.safe_load(path.read_text("utf-8"))
    for name, value in change.items():
        data[name] = {**data[name], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(data), "utf-8")
    return [f"{finding.severity} {finding.rule} {finding}" for finding in check_specs(specs)[1]]


@pytest.mark.parametrize(
    ("change", "rule", "named"),
    [
        ({"read": "2026-13-01"}, "error directory.date", "2026-13-01"),
        ({"models": {"new": {"title": "N", "modality": "Text-to-Imag"}}}, "error directory.modality", "Text-to-Image"),
        ({"unlisted": {"flux-img2img": UNLISTED}}, "error directory.listed", "flux-img2img"),
        ({"models": {"../x": {"title": "New", "modality": "voice"}}}, "error schema.pattern", "../x"),
        ({"models": {"new": {"title": "New", "modality": "voice", "usd": -1}}}, "error schema.minimum", "usd"),
        ({"models": {"new": {"title": "New"}}}, "error schema.required", "modality"),
    ],
)  # fmt: skip
def test_a_broken_directory_is_refused(tmp_path: Path, change: dict[str, Any], rule: str, named: str) -> None:
    found = changed(tmp_path, change)
    assert any(line.startswith(rule) and named in line for line in found), found


def test_a_retired_model_may_still_be_listed(tmp_path: Path) -> None:
    change = {"unlisted": {"flux-img2img": {**UNLISTED, "state": "retired"}}}
    assert not any(line.startswith("error") for line in changed(tmp_path, change))


def test_a_model_that_the_directory_lacks_is_a_warning(tmp_path: Path) -> None:
    specs = copy_seeds(tmp_path / "specs")
    path = specs / "models" / "flux-img2img.yaml"
    path.with_name("flux-own.yaml").write_text(path.read_text("utf-8").replace("slug: flux-img2img", "slug: flux-own"))
    found = [finding for finding in check_specs(specs)[1] if finding.rule == "directory.absent"]
    assert [(finding.severity, "flux-own" in finding.found) for finding in found] == [("warning", True)]


def test_search_finds_models_by_all_words_and_the_slug_first() -> None:
    assert [one.slug for one in search(DIRECTORY, ["faceswap-v2"])] == ["faceswap-v2"]
    found = search(DIRECTORY, ["FACE", "video"])
    assert found
    assert all("face" in f"{one.slug} {one.title}".lower() for one in found)
    assert search(DIRECTORY, ["flux-schnell"])[0].slug == "flux-schnell"
    assert search(DIRECTORY, ["no such model"]) == search(DIRECTORY, [""]) == []
    started = time.perf_counter()
    search(DIRECTORY, ["face"] * 1000)
    assert time.perf_counter() - started < 1  # a bound against runaway work; benchmarks measure speed


def test_the_nearest_slugs_of_a_misspelt_one() -> None:
    assert near_slugs("flux-img2im", DIRECTORY.listings)[0] == "flux-img2img"
    assert near_slugs("x" * 100_000, DIRECTORY.listings) == []


def test_show_prints_a_model_with_its_spec_or_the_nearest_slugs(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = command(capsys, "show", "sora-2", "--format", "json")
    facts = json.loads(out)
    assert (code, facts["level"], facts["media"], facts["usd"]) == (0, "complete", "video", 1.01592)
    assert "duration" in facts["parameters"]
    code, out, _ = command(capsys, "show", "ai-product-photography", "--format", "json")
    assert (code, json.loads(out)["level"]) == (0, "listed")
    code, out, _ = command(capsys, "show", "sd2.1-txt2img")
    assert code == 0
    assert "unlisted" in out
    code, _, err = command(capsys, "show", "sora-22")
    assert code == 1
    assert "sora-2" in err


def test_lists_are_filtered_and_come_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = command(capsys, "list", "--modality", "3d", "--format", "json")
    found = json.loads(out)
    assert (code, {one["media"] for one in found}, len(found)) == (0, {"model3d"}, 5)
    code, out, _ = command(capsys, "list", "--level", "complete", "--format", "json")
    assert {one["slug"] for one in json.loads(out)} <= {path.stem for path in (default_specs() / "models").iterdir()}
    assert command(capsys, "list", "--modality", "smell")[0] == 1
    code, out, _ = command(capsys, "list", "--unlisted", "--format", "json")
    assert len(json.loads(out)) == 57


def test_disagreements_name_both_media(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = command(capsys, "list", "--disagreements", "--format", "json")
    found = {one["slug"]: (one["spec"], one["media"]) for one in json.loads(out)}
    assert (code, found["flux-dev-finetuned"]) == (0, ("json", "image"))


def test_a_folder_without_a_directory_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = command(capsys, "list", "--specs", str(tmp_path))
    assert code == 2
    assert "directory.yaml" in err


def test_hostile_titles_stay_on_their_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specs = tmp_path / "specs"
    shutil.copytree(default_specs() / "models", specs / "models")
    listing = {"title": "a\n\x1b[31m[red]b", "modality": "voice"}
    data = {"source": "https://a.test", "read": "2026-08-19", "modalities": {"voice": {"media": "audio"}}}
    (specs / "directory.yaml").write_text(json.dumps({**data, "models": {"x": listing}}), "utf-8")
    code, out, _ = command(capsys, "list", "--specs", str(specs))
    assert code == 0
    assert out.splitlines()[1].endswith("a\\n\\x1b[31m[red]b")
