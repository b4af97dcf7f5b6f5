"""Drafts of any page pass lint, and never overwrite a curated spec."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings

from segforge import Catalog
from segforge.cli import main
from segforge.pages.draft import draft, lint_text
from segforge.pages.read import page_of_bytes
from segforge.spec.catalog import Model
from segforge.spec.load import build_model, check_model
from tests.pages.layouts import ALL, attributes, blank_line, joined_bare, llm_page
from tests.pages.models import models
from tests.pages.test_reader import HEAD, TAIL


def drafted(tmp_path: Path, text: str) -> str:
    page, out = tmp_path / "page.txt", tmp_path / "models"
    page.write_text(text, "utf-8")
    assert main(["import", str(page), "--out", str(out)]) == 0
    (file,) = out.iterdir()
    return file.read_text("utf-8")


@pytest.mark.parametrize("layout", ALL)
def test_a_draft_of_each_layout_passes_lint(catalog: Catalog, layout: str) -> None:
    for model in catalog.models:
        made = draft(page_of_bytes(ALL[layout](model).encode(), "page"))
        assert lint_text(made.text, made.slug) == []


@settings(max_examples=40)
@given(models())
def test_any_page_drafts_to_a_spec_that_passes_lint(model: Model) -> None:
    for layout in (blank_line, joined_bare, llm_page, attributes):
        made = draft(page_of_bytes(layout(model).encode(), "page"))
        assert [one for one in lint_text(made.text, made.slug) if not one.rule.startswith("collision")] == []


def test_a_draft_has_the_facts_of_the_page(catalog: Catalog, tmp_path: Path) -> None:
    model = catalog.model("flux-controlnet")
    drafted(tmp_path, joined_bare(model))
    source, _ = check_model(tmp_path / "models" / "flux-controlnet.yaml")
    assert source is not None
    made = build_model(source.data)
    assert [one.name for one in made.parameters] == [one.name for one in model.parameters]
    for one, two in zip(made.parameters, model.parameters, strict=True):
        for key in ("type", "format", "required", "default", "minimum", "maximum", "choices", "nullable"):
            assert getattr(one, key) == getattr(two, key), (one.name, key)
    assert made.example == model.example
    assert made.versions == model.versions


def test_an_undecided_type_becomes_a_todo(tmp_path: Path) -> None:
    text = drafted(tmp_path, HEAD.format(sample='"seed": "7"') + 'seedoptionalintegerSeed\n"7"' + TAIL)
    assert '# TODO type is undecided: "integer" or "string"' in text
    assert "type: string" in text


def test_an_undecided_name_becomes_a_todo(tmp_path: Path) -> None:
    text = drafted(
        tmp_path, HEAD.format(sample='"a": 1') + "aoptionalintegerA\n1aaoptionalstringB\nnullableoptionalstringC" + TAIL
    )
    assert '# TODO name is undecided: "able" or "nullable"' in text
    assert "# TODO default is undecided: null" in text


NOTE = "Specs hold scalars only; left out are messages (required object[])"


def test_nested_parameters_are_left_out_and_named(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = drafted(tmp_path, llm_page(catalog.model("flux-img2img")))
    assert f"note: {NOTE}\n" in text.replace('"', "")
    assert re.search('flux-img2img.yaml: .*"messages"', capsys.readouterr().err)
    arguments = ["drift", str(tmp_path / "page.txt"), "--specs", str(tmp_path)]
    assert main(arguments) == 0
    assert "messages was not compared" in capsys.readouterr().out
    file = tmp_path / "models" / "flux-img2img.yaml"
    file.write_text("".join(line for line in text.splitlines(True) if not line.startswith("note:")), "utf-8")
    assert main([*arguments, "--apply"]) == 1
    report = capsys.readouterr().out
    assert "breaking  parameter.added  flux-img2img  parameters.messages" in report
    assert f"note: {NOTE}" in report


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    hostile = "a: b # c {{ x }} *y &z !!python/object:os.system \"'"
    text = drafted(tmp_path, HEAD.format(sample='"knob": 1') + f"knoboptionalinteger{hostile}\n1" + TAIL)
    source, _ = check_model(tmp_path / "models" / "x.yaml")
    assert source is not None, text
    assert source.data["parameters"]["knob"]["description"] == hostile


def test_a_curated_file_is_never_overwritten(
    catalog: Catalog, specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, file = tmp_path / "page.txt", specs / "models" / "flux-img2img.yaml"
    page.write_text(blank_line(catalog.model("flux-img2img")), "utf-8")
    before = file.read_bytes()
    assert main(["import", str(page), "--out", str(specs / "models")]) == 1
    assert "exists" in capsys.readouterr().err
    assert file.read_bytes() == before


@pytest.mark.parametrize("given_", [[], ["page.txt", "--openapi", "x.yaml"], ["none.txt"], ["--openapi", "none.yaml"]])
def test_misuse(given_: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", *given_]) == 2
    assert "segforge import:" in capsys.readouterr().err
