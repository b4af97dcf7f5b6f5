"""Drift finds every change of one fact, classifies it, and writes only that change."""

import datetime
import json
import re
from pathlib import Path

import pytest

from segforge import Catalog
from segforge.cli import main
from segforge.spec.load import check_model
from tests.pages.layouts import Layout, blank_line, html_cards, joined_bare, tokens_labelled
from tests.pages.mutations import apply_and_reread, drift_of, finds, mutations, spec_of
from tests.pages.test_reader import HEAD, TAIL

LAYOUTS: dict[str, Layout] = {
    "blank-line": blank_line,
    "joined": joined_bare,
    "tokens": tokens_labelled,
    "html": html_cards,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_page_that_agrees_with_its_spec_has_no_drift(catalog: Catalog, layout: str) -> None:
    for model in catalog.models:
        drift = drift_of(LAYOUTS[layout](model), spec_of(model.slug))
        assert drift.whole
        assert drift.differences == ()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_change_of_one_fact_is_found_and_classified(catalog: Catalog, layout: str) -> None:
    missed = []
    for model in catalog.models:
        source = spec_of(model.slug)
        for mutation in mutations(model):
            drift = drift_of(LAYOUTS[layout](mutation.model), source)
            if not finds(drift, mutation):
                missed.append((model.slug, mutation.name, drift.differences))
    assert missed == []


def test_apply_leaves_no_drift_and_every_comment(catalog: Catalog, tmp_path: Path) -> None:
    broken = []
    for number, (slug, mutation) in enumerate(
        (model.slug, one) for model in catalog.models for one in mutations(model)
    ):
        if number % 8:  # python -m benchmarks.page_mutations applies all of them
            continue
        result = apply_and_reread(slug, mutation, tmp_path)
        if result.left or result.comments_after != result.comments_before:
            broken.append((slug, mutation.name, result.left))
    assert broken == []


def test_the_command_reports_a_change_applies_it_and_then_reports_none(
    catalog: Catalog, specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = catalog.model("flux-img2img")
    page = tmp_path / "page.txt"
    page.write_text(blank_line(model).replace("Range: 1 - 50", "Range: 1 - 40"), "utf-8")
    arguments = ["drift", str(page), "--specs", str(specs)]
    assert main([*arguments, "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    (difference,) = report["pages"][0]["differences"]
    assert (difference["rule"], difference["spec"], difference["page"]) == ("range.narrowed", 50, 40)
    assert difference["spec_place"].endswith("flux-img2img.yaml:69:14")
    line = page.read_text("utf-8").split("\n")[int(difference["page_place"].split(":")[-2]) - 1]
    assert "Range: 1 - 40" in line
    assert main([*arguments, "--format", "markdown"]) == 1
    assert "| breaking | range.narrowed |" in capsys.readouterr().out
    assert main([*arguments, "--apply"]) == 0
    assert "+    maximum: 40" in capsys.readouterr().out
    assert main(arguments) == 0


def test_an_undecided_fact_is_shown_and_never_written(
    catalog: Catalog, specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.txt"
    text = blank_line(catalog.model("flux-img2img")).replace("seedoptional\ninteger", "seedoptional\nboolean")
    page.write_text(text, "utf-8")
    file = specs / "models" / "flux-img2img.yaml"
    before = file.read_bytes()
    assert main(["drift", str(page), "--specs", str(specs), "--apply"]) == 3
    assert "type is undecided" in capsys.readouterr().out
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("known", "default", "code", "says"),
    [
        ("nullable", 5, 3, "parameters.nullable is undecided"),
        ("able", 5, 3, "parameters.able is undecided"),
        ("nullable", 6, 1, "default.changed"),
        ("zoom", 5, 1, "parameter.added"),
    ],
)
def test_a_parameter_whose_name_is_undecided_is_never_written(
    specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], known: str, default: int, code: int, says: str
) -> None:
    first, page = tmp_path / "first.txt", tmp_path / "page.txt"
    head = HEAD.format(sample='"aa": "x"') + "aaoptionalstringHow\n"
    first.write_text(f"{head}{known}optionalintegerHow many\nDefault: {default}{TAIL}", "utf-8")
    page.write_text(f"{head}nullableoptionalintegerHow many\n5{TAIL}", "utf-8")
    assert main(["import", str(first), "--out", str(specs / "models")]) == 0
    before = (specs / "models" / "x.yaml").read_bytes()
    assert main(["drift", str(page), "--specs", str(specs)]) == code
    report = capsys.readouterr().out
    assert says in report
    assert '"able" or "nullable"' in report
    main(["drift", str(page), "--specs", str(specs), "--apply"])
    left = (specs / "models" / "x.yaml").read_bytes()
    assert left == before or (known == "zoom" and b"able" not in left)


def test_a_page_that_contradicts_itself_is_not_written(
    catalog: Catalog, specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.txt"
    page.write_text(blank_line(catalog.model("flux-img2img")).replace("Range: 1 - 50", "Range: 30 - 50"), "utf-8")
    file = specs / "models" / "flux-img2img.yaml"
    before = file.read_bytes()
    assert main(["drift", str(page), "--specs", str(specs), "--apply"]) == 1
    assert "contradicts itself" in capsys.readouterr().out
    assert file.read_bytes() == before


def test_a_page_that_was_cut_off_exits_with_3(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.txt"
    text = blank_line(catalog.model("flux-img2img"))
    page.write_text(text[: text.index("Number of inference steps") + 60], "utf-8")
    assert main(["drift", str(page)]) == 3
    assert "ends inside the list" in capsys.readouterr().out


def test_a_model_without_a_spec_is_drift(catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.txt"
    page.write_text(blank_line(catalog.model("flux-img2img")).replace("flux-img2img", "brand-new"), "utf-8")
    assert main(["drift", str(page)]) == 1
    said = capsys.readouterr().out
    assert "model.new" in said
    assert "brand-new.yaml)" in said.replace("\n", "")
    assert ":0" not in said


def test_a_placeholder_list_is_not_compared(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.txt"
    text = blank_line(catalog.model("flux-img2img"))
    start, end = text.index("denoiserequired"), text.index("Response Type")
    page.write_text(text[:start] + "inputrequired\nstring\n\nAnything\n\n" + text[end:], "utf-8")
    assert main(["drift", str(page), "--format", "json"]) == 3
    assert json.loads(capsys.readouterr().out)["pages"][0]["differences"] == []


@pytest.mark.parametrize("given", [[], ["none.txt"], ["--all", "--store", "none"], ["--specs", "none", "none.txt"]])
def test_misuse(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drift", *given]) == 2
    assert "segforge drift: no " in capsys.readouterr().err


def drifted(page: Path, text: str, specs: Path, *more: str) -> int:
    """Returns the exit code of drift for a page with this text."""
    page.write_text(text, "utf-8")
    return main(["drift", str(page), "--specs", str(specs), *more])


def test_nothing_about_a_cut_off_parameter_is_decided(catalog: Catalog) -> None:
    text = blank_line(catalog.model("flux-img2img"))
    start = text.index("stepsrequired")
    for end in range(start, text.index("base64optional")):
        for one in drift_of(text[:end], spec_of("flux-img2img")).differences:
            assert one.path.split(".")[1] != "steps" or not one.decided, (text[start:end], one)


SUMMARY = {"breaking": 0, "compatible": 0, "editorial": 0, "undecided": 0, "pages": 1, "unread": 0}


def test_facts_that_could_not_be_compared_are_counted_and_exit_with_3(
    catalog: Catalog, specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, page = blank_line(catalog.model("flux-img2img")), tmp_path / "page.txt"
    assert drifted(page, text, specs, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["summary"] == SUMMARY
    garbled = text.replace("segmind.run(", "segmind.run((").replace("payload = {", "payload = {{{")
    for broken, says in (
        (text.replace("26 total", "30 total"), "sampler_name.enum is undecided"),
        (garbled, "sample"),
    ):
        assert drifted(page, broken, specs, "--format", "json") == 3
        report = json.loads(capsys.readouterr().out)
        assert report["summary"] == SUMMARY | {"undecided": 1}
        assert says in report["pages"][0]["undecided"][0]
        assert drifted(page, broken, specs) == 3
        assert "0 editorial, 1 undecided" in capsys.readouterr().out
        assert drifted(page, broken, specs, "--format", "markdown") == 3
        assert says in capsys.readouterr().out


def test_an_open_list_that_shows_other_values_removes_none(
    catalog: Catalog, specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, page = blank_line(catalog.model("flux-img2img")), tmp_path / "page.txt"
    file = specs / "models" / "flux-img2img.yaml"
    spec, _ = check_model(file)
    assert spec is not None
    known = spec.data["parameters"]["sampler_name"]["enum"]["known"]
    other = text.replace(f'"{known[-1]}"+16', '"ddim"+16').replace(f'"{known[-1]}"\n+16', '"ddim"\n+16')
    assert other != text
    assert drifted(page, other, specs) == 1
    report = capsys.readouterr().out
    assert "enum.value_added" in report
    assert "enum.value_removed" not in report
    assert drifted(page, other, specs, "--apply") == 0
    spec, _ = check_model(file)
    assert spec is not None
    assert spec.data["parameters"]["sampler_name"]["enum"] == {"known": [*known, "ddim"], "total": 26}
    assert drifted(page, other, specs) == 0
    few = other.replace("26 total", "11 total").replace("+16 more", "+1 more").replace('"euler_cfg_pp"', '"new_one"')
    before = file.read_bytes()
    assert drifted(page, few, specs, "--apply") == 1
    assert "shows 10 of 11" in capsys.readouterr().out
    assert file.read_bytes() == before


def narrowed(catalog: Catalog) -> str:
    """Returns a page with one decided difference."""
    return blank_line(catalog.model("flux-img2img")).replace("Range: 1 - 50", "Range: 1 - 40")


def test_apply_keeps_line_endings_and_links_and_dates_the_review(catalog: Catalog, specs: Path, tmp_path: Path) -> None:
    file, target, page = specs / "models" / "flux-img2img.yaml", tmp_path / "target.yaml", tmp_path / "page.txt"
    before = re.sub(rb'reviewed: ".*"', b'reviewed: "2020-01-02"', file.read_bytes()).replace(b"\n", b"\r\n")
    target.write_bytes(before)
    file.unlink()
    file.symlink_to(target)
    assert drifted(page, narrowed(catalog), specs, "--apply") == 0
    assert file.is_symlink()
    after = target.read_bytes()
    changed = [two for one, two in zip(before.split(b"\n"), after.split(b"\n"), strict=True) if one != two]
    today = datetime.date.today().isoformat()
    assert changed == [f'  reviewed: "{today}"\r'.encode(), b"    maximum: 40\r"]


def test_a_spec_that_cannot_be_written_is_reported(
    catalog: Catalog, specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("segforge.files.write_atomically", refuse)
    assert drifted(tmp_path / "page.txt", narrowed(catalog), specs, "--apply") == 1
    assert "not written: Permission denied" in capsys.readouterr().out


def test_two_pages_of_one_model_are_not_applied(
    catalog: Catalog, specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second, file = tmp_path / "second.txt", specs / "models" / "flux-img2img.yaml"
    second.write_text(blank_line(catalog.model("flux-img2img")), "utf-8")
    before = file.read_bytes()
    page = tmp_path / "page.txt"
    page.write_text(narrowed(catalog), "utf-8")
    assert main(["drift", str(page), str(second), "--specs", str(specs), "--apply"]) == 2
    assert "are all pages of flux-img2img" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_path_that_is_not_a_file_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    for name, says in (
        ("dangling", "link to nowhere"),
        ("loop", "circular"),
        ("", "a folder"),
    ):
        for command in ("page", "import", "drift") if name else ("page", "import"):
            assert main([command, str(tmp_path / name)]) == 2
            assert says in capsys.readouterr().err
    page = tmp_path / "latin.txt"
    page.write_bytes("Gr\u00f6\u00dfe".encode("latin-1"))
    assert main(["page", str(page)]) == 3
    assert "latin.txt: byte 2 is not UTF-8" in capsys.readouterr().err
