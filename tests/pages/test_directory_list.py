"""The vendor's list of models: read, compared with the directory, and applied as a whole or not at all."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from segforge import default_specs
from segforge.cli import main
from segforge.pages.listing.apply import apply_list
from segforge.pages.listing.compare import Answers, compare_list
from segforge.pages.listing.table import ModelList, list_of_bytes
from segforge.pages.source.document import PageError
from segforge.spec.catalog import Listing
from segforge.spec.load import load_directory
from tests.pages.listed import (
    BRUSH,
    CLIPPER,
    CUTTER,
    DAY,
    DELIMITER,
    DIRECTORY,
    HEADER,
    NEXT,
    SMALL,
    START,
    WRITER,
    ZOOMER,
    changed,
    listed,
    listings_of,
    row,
    table,
    write_list,
    write_specs,
)


class Run:
    """Runs `segforge drift --directory` on a list and a small directory."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys, self.specs = folder, capsys, write_specs(folder / "specs")

    def __call__(self, text: str, *arguments: str) -> tuple[int, str]:
        path = write_list(self.folder, text)
        given = ["--specs", str(self.specs), "--read", NEXT, *arguments]
        code = main(["drift", "--directory", str(path), *given])
        out, err = self.capsys.readouterr()
        return code, out + err

    def json(self, text: str, *arguments: str) -> dict[str, Any]:
        document = json.loads(self(text, "--format", "json", *arguments)[1])
        assert isinstance(document, dict)
        return document

    @property
    def text(self) -> str:
        return (self.specs / "directory.yaml").read_bytes().decode()

    @property
    def data(self) -> Any:
        return yaml.safe_load(self.text)


@pytest.fixture
def drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(tmp_path, capsys)


def read(text: str) -> ModelList:
    return list_of_bytes(text.encode(), "llms.txt")


def test_the_list_of_our_own_directory_changes_nothing() -> None:
    text = (default_specs() / "directory.yaml").read_text("utf-8")
    directory = load_directory(default_specs())
    found = compare_list(read(listed(listings_of(directory))), directory, Answers())
    assert (len(found.listed.rows), found.changes, found.problems) == (503, (), ())
    assert apply_list(text, found, directory.read) == text


def test_every_line_of_our_own_directory_is_as_apply_writes_it(tmp_path: Path) -> None:
    specs = shutil.copytree(default_specs(), tmp_path / "specs", ignore=shutil.ignore_patterns("models", "shapes"))
    text = (specs / "directory.yaml").read_text("utf-8")
    directory = load_directory(specs)
    new = [replace(one, title=f"{one.title} X") for one in listings_of(directory)]
    there = apply_list(text, compare_list(read(listed(new)), directory, Answers()), NEXT)
    (specs / "directory.yaml").write_text(there, "utf-8")
    assert there.count(" X, modality") + there.count(' X", modality') == 503
    back = compare_list(read(listed(listings_of(directory))), load_directory(specs), Answers())
    assert apply_list(there, back, directory.read) == text


def test_a_list_is_read_as_printed() -> None:
    long = "$0.10309356862457175"
    text = listed(SMALL).replace("$0.01234569999999999970", "$0.0123457").replace("$1.25", long)
    rows = read(text).by_slug
    assert rows["clipper"].listing.usd == 0.103094
    assert rows["cutter"].listing == CUTTER
    assert [one.listing for one in rows.values()] == [BRUSH, CUTTER, WRITER, replace(CLIPPER, usd=0.103094), ZOOMER]
    assert all(one.linked and one.headed for one in rows.values())


def test_the_same_figures_are_no_change(drift: Run) -> None:
    assert drift(listed(SMALL))[0] == 0
    assert drift(listed(SMALL).replace("2.5s", "2.50000004s"))[0] == 0
    before = drift.text
    assert drift(listed(SMALL), "--apply")[0] == 0
    assert drift.text == before.replace(f'read: "{DAY}"', f'read: "{NEXT}"')


def test_figures_count_from_the_threshold_and_json_has_all(drift: Run) -> None:
    text = listed(changed(brush={"usd": 0.0125}, cutter={"usd": 0.4, "seconds": 3.0}, clipper={"seconds": 200.0}))
    code, out = drift(text)
    assert code == 1
    assert "cheaper  cutter  0.5 USD -> 0.4 USD (-20 %)" in out
    assert "timed  cutter  unknown -> 3 s" in out
    assert "slower  clipper  90.5 s -> 200 s (+121 %)" in out
    assert "brush" not in out
    assert "1 smaller than 10 %" in out
    assert "brush-2.1  0.0123457 USD -> 0.0125 USD" in drift(text, "--threshold", "1%")[1]
    document = drift.json(text)
    assert [(one["slug"], one["kind"], one["counts"]) for one in document["changes"]] == [
        ("brush-2.1", "dearer", False),
        ("clipper", "slower", True),
        ("cutter", "cheaper", True),
        ("cutter", "timed", True),
    ]
    assert document["summary"]["counting"] == 3
    assert drift(listed(changed(brush={"usd": 0.0125})))[0] == 0


def test_apply_writes_the_list_and_keeps_everything_else(drift: Run) -> None:
    new = (
        replace(BRUSH, usd=0.02, title="Brush: Two"),
        replace(CLIPPER, seconds=None),
        replace(WRITER, modality="videoToVideo"),
        Listing("aaa", "Yes", "videoToVideo", 1e-6, None),
        Listing("hidden", "Hidden", "videoToVideo"),
        ZOOMER,
    )
    assert drift(listed(new), "--apply")[0] == 0
    assert (
        drift.text
        == f"""# Our own comment.
source: https://www.example.com/llms.txt
read: "{NEXT}"  # the day

modalities:
  Text-to-Image Generation: {{media: image}}
  videoToVideo: {{media: video}}

models:
  aaa: {{title: "Yes", modality: videoToVideo, usd: 1.0e-06}}
  # the first
  "brush-2.1": {{title: "Brush: Two", modality: Text-to-Image Generation, usd: 0.02, seconds: 2.5}}
  clipper: {{title: Clipper, modality: videoToVideo, usd: 1.25}}  # dear
  hidden: {{title: Hidden, modality: videoToVideo}}  # seen

  writer_one: {{title: Writer One, modality: videoToVideo, usd: 2, seconds: 12}}
  zoomer: {{title: Zoomer, modality: videoToVideo, usd: 3.28732e-05, seconds: 0.7}}

# Models without a place in the list.
unlisted:
  cutter: {{state: unlisted, why: "The list of {DAY} had it, but the list of {NEXT} lacks it.", source: "https://www.example.com/llms.txt"}}
  ended: {{state: retired, why: "The vendor said so.", source: "a page"}}
"""
    )
    before = drift.text
    assert drift(listed(new), "--apply")[0] == 0
    assert drift.text == before


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_first_unlisted_model_adds_the_section_and_the_last_one_empties_it(drift: Run, end: str) -> None:
    alone = DIRECTORY[: DIRECTORY.index("\n# Models without")]
    write_specs(drift.specs, alone.replace("\n", end))
    assert drift(listed([BRUSH, WRITER, CLIPPER, ZOOMER]), "--apply")[0] == 0
    assert list(drift.data["unlisted"]) == ["cutter"]
    assert drift.text.count("\n") == drift.text.count(end)
    assert drift(listed(SMALL), "--apply")[0] == 0
    assert drift.data["unlisted"] == {}
    assert drift(listed([BRUSH, WRITER, CLIPPER, ZOOMER]), "--apply")[0] == 0
    assert list(drift.data["unlisted"]) == ["cutter"]


def test_nothing_is_called_retired_and_a_retired_model_keeps_its_evidence(drift: Run) -> None:
    new = Listing("ended", "Ended", "videoToVideo", 1.0)
    code, out = drift(listed([*SMALL[1:], new]), "--apply")
    assert code == 0
    assert "says that it is retired" in out
    states = {slug: one["state"] for slug, one in drift.data["unlisted"].items()}
    assert states == {"brush-2.1": "unlisted", "ended": "retired", "hidden": "unlisted"}
    assert "ended" in drift.data["models"]


def test_a_renamed_model_is_one_question(drift: Run) -> None:
    text = listed([replace(BRUSH, slug="brush-2-1"), *SMALL[1:]])
    before = drift.text
    document = drift.json(text, "--apply")
    assert [(one["kind"], one["old"], one["new"]) for one in document["changes"]] == [
        ("renamed", "brush-2.1", "brush-2-1")
    ]
    assert "--renamed brush-2.1=brush-2-1" in document["changes"][0]["question"]
    assert "brush-2.1" in document["refused"][0]
    assert drift.text == before
    assert drift(text, "--apply", "--renamed", "brush-2.1=brush-2-1")[0] == 0
    assert drift.data["unlisted"]["brush-2.1"]["why"] == f"The list of {DAY} had it, but the list of {NEXT} has " + (
        "brush-2-1 instead."
    )
    write_specs(drift.specs)
    kinds = [one["kind"] for one in drift.json(text, "--accept", "brush-2.1")["changes"]]
    assert sorted(kinds) == ["gone", "new"]


def test_among_very_many_new_models_the_same_title_still_means_renamed(drift: Run) -> None:
    many = [Listing(f"brush-2.{n}1", f"Model {n}", "Text-to-Image Generation") for n in range(4_990)]
    text = listed([*many, replace(BRUSH, slug="paint", title="brush 2-1"), *SMALL[1:2], *SMALL[3:]])
    document = drift.json(text)
    found = {one["slug"]: one["kind"] for one in document["changes"] if one["kind"] in ("gone", "renamed")}
    assert found == {"brush-2.1": "renamed", "writer_one": "gone"}


@pytest.mark.parametrize(
    ("new", "slug", "found"),
    [
        ([*SMALL[:4], replace(ZOOMER, usd=3.3e-4)], "zoomer", "factor of 10"),
        ([*SMALL[:4], replace(ZOOMER, seconds=0.0)], "zoomer", "factor of 10"),
        (SMALL[:4], "zoomer", "cut off"),
        (SMALL[:3], "zoomer", "cut off"),
        ([*SMALL, Listing("tail", "Tail", "smell", 1.0)], None, "unknown modality"),
        ([*SMALL[:4], replace(ZOOMER, modality="smell")], None, "unknown modality"),
    ],
)
def test_a_doubtful_change_needs_a_decision(drift: Run, new: list[Listing], slug: str | None, found: str) -> None:
    before = drift.text
    code, out = drift(listed(new), "--apply")
    assert code == 1
    assert found in out
    assert drift.text == before
    if slug is not None:
        assert drift(listed(new), "--apply", *(f"--accept={one.slug}" for one in SMALL))[0] == 0
        assert drift.text != before


BROKEN = {
    "no table": START,
    "an empty file": "",
    "a page": f"<!doctype html><html><body>{listed(SMALL)}</body></html>",
    "fewer than half": listed(SMALL[:2]),
    "a repeated slug": listed([*SMALL, replace(CLIPPER, title="Other")]),
    "cut in a row": listed(SMALL)[:-30],
    "a header without a column": listed(SMALL).replace("Avg Cost", "Cost", 1),
    "no delimiter": listed(SMALL).replace(DELIMITER, "", 1),
    "two columns of one name": listed(SMALL).replace("Description", "Slug", 1),
    "rows without a header": listed(SMALL) + "\n# More\n" + row(CUTTER),
    "another link": listed(SMALL).replace("models/cutter/", "models/gutter/"),
    "a cell too few": listed(SMALL).replace("Makes things. |", "Makes things.", 1),
    "a negative cost": listed(SMALL).replace("$0.5", "$-0.5"),
    "NaN": listed(SMALL).replace("$0.5", "$NaN"),
    "an exponent": listed(SMALL).replace("$0.5", "$5e9"),
    "another currency": listed(SMALL).replace("$0.5", "€0.5"),
    "a huge cost": listed(SMALL).replace("$0.5", "$" + "9" * 4000),
    "above the limit": listed(SMALL).replace("$0.5", "$10001"),
    "an empty cell": listed(SMALL).replace("$0.5", ""),
    "minutes": listed(SMALL).replace("90.5s", "90.5m"),
    "a path as slug": listed(SMALL).replace("| cutter |", "| ../../cutter |"),
    "a hidden mark in a slug": listed(SMALL).replace("| cutter |", "| cut\u200bter |"),
    "a direction mark in a title": listed(SMALL).replace("Cutter", "Cut\u202eter"),
    "a long title": listed(SMALL).replace("Cutter", "C" * 201),
    "a long line": listed(SMALL).replace("Makes things.", "x" * 6000, 1),
    "too many models": listed([*SMALL, *(Listing(f"m{n}", f"M{n}", "videoToVideo") for n in range(5000))]),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_list_writes_nothing_and_no_model_is_gone(drift: Run, text: str) -> None:
    before = drift.text
    code, out = drift(text, "--apply")
    assert code == 3
    assert drift.text == before
    assert len(out) < 400_000  # a line for each of at most 5,000 models
    if (document := drift.json(text)).get("changes"):
        assert not {one["kind"] for one in document["changes"]} & {"gone", "renamed"}
    assert document["problems"]


def test_a_list_that_is_not_utf8_is_refused(drift: Run) -> None:
    path = write_list(drift.folder, "")
    path.write_bytes(listed(SMALL).encode("latin-1", "replace") + b"\xff")
    assert main(["drift", "--directory", str(path), "--specs", str(drift.specs)]) == 3
    assert "not UTF-8" in drift.capsys.readouterr().err
    with pytest.raises(PageError, match="more than 4,000,000 bytes"):
        list_of_bytes(b"x" * 4_000_001, "big")


def test_pipes_and_blanks_in_cells_are_text(drift: Run) -> None:
    titled = replace(CUTTER, title="Cut | Paste")
    rows = [row(titled, about="a \\| b"), row(BRUSH, about="one | two || three"), row(WRITER)]
    clips = [row(CLIPPER), row(replace(ZOOMER, title="  Zoomer\u00a0 \u200b"))]
    text = (
        START + table("Text-to-Image Generation", rows) + "\n\n" + table("videoToVideo", clips) + "\nGenerated daily.\n"
    )
    document = drift.json(text)
    assert document["problems"] == []
    assert [(one["slug"], one["new"]) for one in document["changes"]] == [("cutter", "Cut | Paste")]
    assert "three" not in json.dumps(document)


def test_text_of_the_list_stays_text_in_every_output(drift: Run) -> None:
    hostile = '[red]`x`<b> |--> ${{ secrets }} "q" \\'
    text = listed([*SMALL[:4], replace(ZOOMER, title=hostile)])
    for form in ("text", "json", "markdown"):
        code, out = drift(text, "--format", form)
        assert code == 1
        assert "[red]" in out
    lines = [line for line in out.splitlines() if "[red]" in line]
    assert len(lines) == 1
    assert drift(text, "--apply")[0] == 0
    assert drift.data["models"]["zoomer"]["title"] == hostile


def test_an_unconfirmed_row_is_no_fact(drift: Run) -> None:
    new = Listing("tail", "Tail", "videoToVideo", 1.0)
    for text in (
        listed([*SMALL, new]).replace("[llms.txt](https://www.example.com/models/tail/llms.txt)", "-"),
        listed(SMALL) + row(replace(new, modality="Text-to-Image Generation")) + "\n",
    ):
        assert drift(text, "--apply")[0] == 1
        assert "tail" not in drift.text
    assert drift(text, "--apply", "--accept", "tail")[0] == 0
    assert drift.data["models"]["tail"]["modality"] == "Text-to-Image Generation"


def test_a_directory_in_another_form_is_not_written(drift: Run) -> None:
    data = yaml.safe_load(DIRECTORY)
    flow = yaml.safe_dump({**data, "read": DAY}, default_flow_style=True, sort_keys=False)
    write_specs(drift.specs, flow.replace("read: 2026-08-19", 'read: "2026-08-19"'))
    before = drift.text
    assert drift(listed(changed(cutter={"usd": 0.6})), "--apply")[0] == 1
    assert drift.text == before


def test_entries_on_several_lines_are_rewritten_with_their_comments(drift: Run) -> None:
    block = "  cutter:\n    title: Cutter\n    # why so dear\n    modality: Text-to-Image Generation\n    usd: 0.5\n"
    before = next(line for line in DIRECTORY.splitlines(keepends=True) if line.startswith("  cutter"))
    write_specs(drift.specs, DIRECTORY.replace(before, block))
    assert drift(listed(SMALL), "--apply")[0] == 0
    assert f"    # why so dear\n{before}" in drift.text


MISUSES = {
    "no stored list": [],
    "no such file": ["nothing.txt"],
    "two lists": ["llms.txt", "llms.txt"],
    "all": ["llms.txt", "--all"],
    "an unknown day": ["llms.txt", "--apply"],
    "a day to come": ["llms.txt", "--read", "2999-01-01"],
    "no day": ["llms.txt", "--read", "yesterday"],
    "a threshold": ["llms.txt", "--threshold", "-5%"],
    "an answer without a question": ["llms.txt", "--accept", "nothing"],
    "a new name that is none": ["llms.txt", "--renamed", "cutter=clipper"],
}


@pytest.mark.parametrize("arguments", MISUSES.values(), ids=MISUSES)
def test_misuse_of_the_command(
    arguments: list[str], drift: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(drift.folder)
    write_list(drift.folder, listed(SMALL))
    code: object
    try:
        code = main(["drift", "--directory", *arguments, "--specs", str(drift.specs)])
    except SystemExit as error:
        code = error.code
    assert code == 2
    assert "segforge drift: " in capsys.readouterr().err


def test_the_options_of_a_list_need_directory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drift", "page.txt", "--accept", "x"]) == 2
    assert "need --directory" in capsys.readouterr().err


def test_an_older_list_is_not_applied(drift: Run) -> None:
    before = drift.text
    assert drift(listed(changed(cutter={"usd": 0.6})), "--apply", "--read", "2026-08-18")[0] == 1
    assert drift.text == before


def test_a_header_may_have_more_columns_in_another_order() -> None:
    names = "| Slug | Model | Avg Latency | Avg Cost | Modality | New |"
    rows = [f"| {one.slug} | {one.title} | - | $1 | {one.modality} | x |" for one in SMALL]
    found = read("\n".join([names, "|---|:--|--:|:-:|---|---|", *rows]))
    assert found.problems == ()
    assert [one.listing.slug for one in found.rows] == [one.slug for one in SMALL]
    assert not any(one.linked or one.headed for one in found.rows)
    assert HEADER.count("|") == 8


def test_changes_say_what_they_mean_for_a_spec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listings = load_directory(default_specs()).listings
    new = {
        **listings,
        "faceswap-v5": replace(listings["faceswap-v5"], usd=0.45),
        "flux-img2img": replace(listings["flux-img2img"], modality="videoToVideo"),
        "brand-new": Listing("brand-new", "Something Else", "videoToVideo", 1.0),
        "sdxl-torch": Listing("sdxl-torch", "SDXL Torch", "voice", 1.0),
    }
    del new["bg-removal-v2"]
    path = write_list(tmp_path, listed(new.values()))
    assert main(["drift", "--directory", str(path), "--format", "json"]) == 1
    changes = {one["slug"]: one for one in json.loads(capsys.readouterr().out)["changes"]}
    assert {slug: one["kind"] for slug, one in changes.items()} == {
        "bg-removal-v2": "gone",
        "brand-new": "new",
        "faceswap-v5": "dearer",
        "flux-img2img": "modality",
        "sdxl-torch": "back",
    }
    assert changes["bg-removal-v2"]["spec"].endswith("models/bg-removal-v2.yaml")
    assert "the spec stays" in changes["bg-removal-v2"]["meaning"][0]
    assert changes["brand-new"] | {"spec": None, "meaning": ["no spec describes it"]} == changes["brand-new"]
    assert "below the average of 0.45 USD" in changes["faceswap-v5"]["meaning"][0]
    assert "returns image" in changes["flux-img2img"]["meaning"][0]
    assert "video" in changes["flux-img2img"]["meaning"][0]


def test_a_broken_spec_claims_nothing(drift: Run) -> None:
    (drift.specs / "models").mkdir()
    (drift.specs / "models" / "cutter.yaml").write_text("slug: [", "utf-8")
    text = listed(changed(cutter={"usd": 0.9, "modality": "videoToVideo"}))
    assert [one["meaning"] for one in drift.json(text)["changes"]] == [[], []]
