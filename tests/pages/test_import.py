"""Drafts of any page pass lint, and never overwrite a curated spec."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from ruamel.yaml import YAML

from segforge import Catalog
from segforge.cli import main
from segforge.pages.draft import draft, lint_text
from segforge.pages.page import walk
from segforge.pages.read import page_of_bytes
from segforge.spec.build import build_parameter
from segforge.spec.catalog import Model, Parameter
from segforge.spec.load import build_model, check_model
from tests.pages.layouts import (
    ALL,
    attributes,
    blank_line,
    html_cards,
    joined_bare,
    joined_labelled,
    llm_page,
    tokens_labelled,
)
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


@settings(max_examples=40)
@given(models(nested=True))
def test_any_nested_page_drafts_to_a_spec_with_its_facts(model: Model) -> None:
    for layout in (blank_line, joined_labelled, tokens_labelled, html_cards):
        page = page_of_bytes(layout(model).encode(), "page")
        made = draft(page)
        errors = [one for one in lint_text(made.text, made.slug) if not one.rule.startswith("collision")]
        assert errors == []
        data = YAML(typ="safe").load(made.text)
        doubtful = {top.name for top in page.parameters for one in walk((top,)) if one.undecided}
        unsettled = [one for one in walk(page.parameters) if "parent" in one.undecided]
        doubtful |= {name for one in unsettled for name in (one.name, *one.undecided["parent"].candidates)}
        doubtful |= {top.name for top in page.parameters for one in walk((top,)) if one.name in doubtful}
        for one in model.parameters:
            if one.name not in doubtful:
                assert differences(one, build_parameter(one.name, data["parameters"][one.name])) == []


def differences(true: Parameter, made: Parameter) -> list[str]:
    """Returns the names of the facts on which a drafted parameter differs from the one that was printed."""
    type_ = "object" if true.type == "any" and true.properties else true.type
    pairs: dict[str, tuple[Any, Any]] = {"type": (type_, made.type), "nullable": (true.default is None, made.nullable)}
    for key in ("format", "default", "minimum", "maximum", "choices"):
        pairs[key] = getattr(true, key), getattr(made, key)
    if true.name == made.name and true.name != "items":
        pairs["required"] = true.required, made.required
    parts: list[tuple[tuple[Parameter, ...], ...]] = [(true.properties, made.properties), (true.any_of, made.any_of)]
    parts.append(tuple(() if one.items is None else (one.items,) for one in (true, made)))
    found = [f"{true.name}.{key}" for key, (one, two) in pairs.items() if one != two]
    for ones, twos in parts:
        found += [f"parts of {true.name}"] if len(ones) != len(twos) else []
        found += [each for pair in zip(ones, twos, strict=False) for each in differences(*pair)]
    return found


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


def test_nested_parameters_are_drafted(catalog: Catalog, tmp_path: Path) -> None:
    drafted(tmp_path, llm_page(catalog.model("flux-img2img")))
    source, _ = check_model(tmp_path / "models" / "flux-img2img.yaml")
    assert source is not None
    messages = build_model(source.data).parameters_by_name["messages"]
    assert messages.type == "array"
    assert messages.items is not None
    role, content = messages.items.properties
    assert (role.name, role.type, role.required) == ("role", "string", True)
    assert role.choices is not None
    assert role.choices.known == ("user", "assistant")
    assert (content.name, content.type, content.items) == ("content", "array", None)
    assert source.data["example"]["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]


def parts(text: str, sample: str) -> str:
    """Returns a page with blank lines between the parts of a parameter list."""
    return HEAD.format(sample=sample).replace("Parameters", "\n\nParameters\n") + text + "\n" + TAIL


def made_of(text: str, sample: str) -> Any:
    """Returns the data of a page's draft, which has no lint errors."""
    made = draft(page_of_bytes(parts(text, sample).encode(), "page"))
    assert lint_text(made.text, made.slug) == []
    return YAML(typ="safe").load(made.text)


def test_arrays_of_objects_have_keys_with_their_own_flags() -> None:
    data = made_of(
        "referencesrequired\nobject[]\n\nImages with words for them\n\nArray items:\n"
        "urioptional\nstring (uri)\n\nWhere it is\n\ntagrequired\nstring\n\nIts word\n\n"
        'sizeoptional\nstring\n\nThe size\n\nDefault: "wide"\nAllowed values :\nWide"wide"\nTall"tall"\n'
        "styleoptional\nstring[]\n\nStyles\n",
        '"references": [{"uri": "https://a.test/1.png", "tag": "cat"}], "size": "wide", "style": []',
    )
    references = data["parameters"]["references"]
    assert references["items"]["type"] == "object"
    uri, tag = references["items"]["properties"].values()
    assert (uri["format"], uri["required"], tag["required"]) == ("uri", False, True)
    assert data["parameters"]["size"]["enum"] == {
        "known": [{"value": "wide", "label": "Wide"}, {"value": "tall", "label": "Tall"}],
        "total": 2,
    }
    assert data["parameters"]["style"]["items"] == {"type": "string"}
    assert data["example"]["references"] == [{"uri": "https://a.test/1.png", "tag": "cat"}]


def test_members_of_a_union_have_titles_and_keys() -> None:
    data = made_of(
        "imagerequired\nstring\n\nAn image\n\npaletteoptional\nany | any\n\nColours\n\nOne of:\n"
        "Ready Paletteoptional\nany\nnamerequired\nstring\nOwn Paletteoptional\nany\nmembersrequired\nobject[]\n"
        "sourceoptional\nstring | string\n\nA file\n\nOne of:\nOption 1optional\nstring (uri)\nOption 2optional\n"
        "string\nzoomoptional\nnumber\n\nHow near\n\nDefault: 1\n",
        '"image": "x", "source": "y", "zoom": 1',
    )
    assert data["parameters"]["palette"]["any_of"] == [
        {
            "title": "ready_palette",
            "type": "object",
            "properties": {"name": {"type": "string", "required": True}},
        },
        {
            "title": "own_palette",
            "type": "object",
            "properties": {"members": {"type": "array", "items": {"type": "object"}, "required": True}},
        },
    ]
    assert data["parameters"]["source"]["any_of"] == [
        {"title": "option_1", "type": "string", "format": "uri"},
        {"title": "option_2", "type": "string"},
    ]
    assert list(data["parameters"]) == ["image", "palette", "source", "zoom"]


def test_a_dotted_name_is_a_key_of_its_parent() -> None:
    data = made_of(
        "messagesrequired\nobject\n\nThe chat\n\nmessages.system_instructionoptional\nobject\n\nRules\n",
        '"messages": {"contents": []}',
    )
    properties = data["parameters"]["messages"]["properties"]
    assert properties == {"system_instruction": {"type": "object", "required": False, "description": "Rules"}}


def test_a_sample_of_another_type_is_a_quirk() -> None:
    data = made_of("durationoptional\ninteger\n\nSeconds\n\nDefault: 8\nAllowed values :\n4812\n", '"duration": "8"')
    assert data["parameters"]["duration"]["enum"] == {"known": [4, 8, 12], "total": 3}
    assert [(one["at"], one["found"]) for one in data["quirks"]] == [("sample.duration", "8")]
    assert data["example"] == {}


def test_joined_digits_without_even_steps_stay_undecided() -> None:
    data = made_of("sizeoptional\ninteger\n\nSize\n\nDefault: 8\nAllowed values :\n8124\n", '"size": 8')
    assert "enum" not in data["parameters"]["size"]


def test_deprecated_parameters_are_marked() -> None:
    data = made_of(
        "styleoptional\nstring\n\nDeprecated\n\nAn old one\n\nwordsoptionalDeprecated\nstring\n\nOthers\n\n"
        "zoomoptional\nnumber\n\nReplaces the deprecated style\n",
        '"zoom": 1',
    )
    assert [one.get("deprecated") for one in data["parameters"].values()] == [True, True, None]
    assert data["parameters"]["style"]["description"] == "An old one"


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
