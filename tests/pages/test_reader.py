"""The reader returns the facts of a page, or reports them as undecided. No page makes it fail."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segforge import Catalog
from segforge.cli import main
from segforge.pages.page import Page
from segforge.pages.read import page_of_bytes
from segforge.pages.source.document import MAX_BYTES, PageError
from segforge.spec.catalog import Model
from tests.pages.layouts import ALL, BARE, LABELLED, blank_line, joined_bare
from tests.pages.models import models
from tests.pages.score import score

HEAD = (
    "X Serverless API\n1import requests\n2data = {{{sample}}}\nAPI Endpoint\nhttps://api.segmind.com/v1/xParameters\n"
)
TAIL = "Response Type\nReturns: Image\n"


def read(text: str) -> Page:
    return page_of_bytes(text.encode(), "page")


def bare_page(parameters: str, sample: str = "") -> Page:
    """Reads a joined page without labels."""
    return read(HEAD.format(sample=sample) + parameters + TAIL)


def shown(page: Page, name: str) -> dict[str, object]:
    document = page.to_json()["parameters"][name]
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("layout", LABELLED)
@settings(max_examples=25)
@given(model=models())
def test_labelled_pages_are_never_read_wrong(layout: str, model: Model) -> None:
    result = score(model, page_of_bytes(LABELLED[layout](model).encode(), layout), layout)
    assert result.notes == []


@pytest.mark.parametrize("layout", [name for name in LABELLED if name != "html table"])
@settings(max_examples=25)
@given(model=models(nested=True))
def test_nested_parameters_are_never_read_wrong(layout: str, model: Model) -> None:
    result = score(model, page_of_bytes(LABELLED[layout](model).encode(), layout), layout)
    assert result.notes == []


@pytest.mark.parametrize("layout", ["joined without labels", "tokens without labels", "attributes"])
@settings(max_examples=25)
@given(model=models())
def test_a_fact_that_is_read_wrong_is_never_certain(layout: str, model: Model) -> None:
    result = score(model, page_of_bytes(ALL[layout](model).encode(), layout), layout)
    assert result.surely_wrong == 0, result.notes


@pytest.mark.parametrize("layout", [*LABELLED, *BARE])
def test_the_projects_own_models_are_read_whole(catalog: Catalog, layout: str) -> None:
    for model in catalog.models:
        page = page_of_bytes(ALL[layout](model).encode(), layout)
        result = score(model, page, layout)
        assert (result.wrong, result.undecided, page.problems) == (0, 0, ()), result.notes


def test_each_fact_points_at_its_place(catalog: Catalog) -> None:
    text = blank_line(catalog.model("flux-img2img"))
    steps = shown(read(text), "steps")
    evidence = steps["evidence"]
    assert isinstance(evidence, dict)
    for key, printed in {
        "name": "steps",
        "default": "20",
        "minimum": "1",
        "maximum": "50",
        "type": "integer",
        "required": "required",
    }.items():
        start, end = evidence[key]["span"]
        assert text[start:end] == printed
        assert text.count("\n", 0, start) + 1 == evidence[key]["line"]


def test_html_facts_point_at_the_source(catalog: Catalog) -> None:
    text = ALL["html cards"](catalog.model("flux-img2img"))
    evidence = shown(read(text), "steps")["evidence"]
    assert isinstance(evidence, dict)
    start, end = evidence["name"]["span"]
    assert text[start - 6 : end + 7] == "<code>steps</code>"


class TestUndecided:
    def test_numbers_glued_together(self) -> None:
        page = bare_page("modeoptionalintegerHow\n1414 25lastoptionalstringx\n".replace(" ", ""))
        read_as = shown(page, "mode")
        assert "default" not in read_as
        assert [14, 25] in read_as["undecided"]["enum"]  # type: ignore[index]

    def test_the_sample_distinguishes_a_number_from_a_list(self) -> None:
        assert shown(bare_page("seedoptionalintegerSeed\n6652105\n", '"seed": 6652105'), "seed")["default"] == 6652105

    def test_a_default_outside_the_values_shown(self) -> None:
        read_as = shown(bare_page('moderequiredstringHow\n"z""a""b"+3 more\n'), "mode")
        assert read_as["undecided"] == {"default": ["z"], "enum": [["a", "b"], ["z", "a", "b"]], "enum_total": [5, 6]}

    def test_a_type_that_the_sample_contradicts(self) -> None:
        read_as = shown(bare_page("seedoptionalintegerSeed\n5\n", '"seed": "5"'), "seed")
        assert read_as["undecided"] == {"type": ["integer", "string"]}

    def test_a_list_that_shares_no_key_with_the_sample(self) -> None:
        page = bare_page("inputrequiredstringAnything\n", '"prompt": "x"')
        assert page.to_json()["undecided"] == {"parameters": [["input"], ["prompt"]]}
        assert page.problems

    def test_samples_that_differ(self) -> None:
        text = HEAD.format(sample='"steps": 5').replace("API Endpoint", 'data = {"steps": 6}\nAPI Endpoint')
        assert shown(read(f"{text}stepsoptionalintegerx\n5\n{TAIL}"), "steps")["undecided"] == {"sample": [5, 6]}

    @pytest.mark.parametrize(
        ("kind", "candidates"), [("boolean", [True, False, None]), ("int", [1, 0, None]), ("str", ["1", "", None])]
    )
    def test_the_oldest_pages_print_1_for_empty_defaults(self, kind: str, candidates: list[object]) -> None:
        page = read(
            'data = {"knob": 1}\n"https://api.segmind.com/v1/x"\nAttributes\n\n'
            f"knob{kind} ( default: 1 ) Affects Pricing\n\nText.\n"
        )
        undecided = shown(page, "knob")["undecided"]
        assert isinstance(undecided, dict)
        assert undecided["default"] == candidates

    def test_a_name_that_may_start_with_a_default(self) -> None:
        page = bare_page("aaoptionalstringHow\nnullableoptionalbooleanB\ntruestepsoptionalintegerC\n5", '"steps": 5')
        assert [one.name for one in page.parameters] == ["aa", "able", "steps"]
        aa, able, _ = page.parameters
        assert aa.undecided["default"].candidates == (None,)
        assert "default" not in aa.facts
        assert able.undecided["name"].candidates == ("able", "nullable")

    @pytest.mark.parametrize(
        ("before", "after", "sample", "names", "default"),
        [
            ("mode", "zoom", '"nullable": 1', ["mode", "nullable", "zoom"], "nothing"),
            ("mode", "zoom", '"able": 1', ["mode", "able", "zoom"], None),
            ("aback", "mode", "", ["aback", "able", "mode"], None),
            ("mode", "zoom", "", ["mode", "nullable", "zoom"], "nothing"),
        ],
        ids=["the sample has the whole", "the sample has the rest", "the rest is in order", "the whole is in order"],
    )
    def test_the_sample_and_the_order_separate_a_default_from_a_name(
        self, before: str, after: str, sample: str, names: list[str], default: object
    ) -> None:
        page = bare_page(f'{before}optionalstringA\nnullableoptionalintegerB\n1{after}optionalstringC\n"x"', sample)
        assert [one.name for one in page.parameters] == names
        assert page.parameters[0].to_json().get("default", "nothing") == default
        assert page.undecided_count() == 0

    def test_the_parent_of_a_nested_parameter(self) -> None:
        text = blank_line_page(
            '"messages": [{"role": "user"}], "tools": "x"',
            "roleoptional\nstring\n\nWho\n\nsystemoptional\nstring\n\nRules\n\ntoolsoptional\nstring\n\nTools\n",
        )
        page = read(text)
        (messages, system, _) = page.parameters
        assert [one.name for one in messages.items] == ["role"]
        assert system.undecided["parent"].candidates == ("messages", None)


def blank_line_page(sample: str, nested: str) -> str:
    parts = f"messagesrequired\nobject[]\n\nMessages\n\nArray items:\n{nested}"
    return HEAD.format(sample=sample).replace("Parameters", "\n\nParameters\n") + parts + "\n" + TAIL


def test_a_name_that_is_joined_to_the_value_before_it() -> None:
    page = bare_page(
        "aoptionalnumberA\n1Range: 0 - 1base64optionalbooleanB\nfalsetrue_gsoptionalnumberC\n2x5_modeloptionalstringD",
        '"true_gs": 3',
    )
    assert [one.name for one in page.parameters] == ["a", "base64", "true_gs", "x5_model"]
    assert [one.get("default") for one in page.parameters] == [1, False, 2, None]


def test_a_wrapped_description_is_one_text() -> None:
    page = read(HEAD.format(sample='"a": 1') + "arequired\ninteger\n\nOne line\nand another.\n\nDefault: 1\n" + TAIL)
    assert page.parameters[0].get("description") == "One line and another."


@pytest.mark.parametrize("layout", ALL)
def test_a_page_cut_anywhere_never_raises_and_is_never_certainly_wrong(catalog: Catalog, layout: str) -> None:
    model = catalog.model("flux-img2img")
    raw = ALL[layout](model).encode()
    for end in range(0, len(raw), 23):
        try:
            page = page_of_bytes(raw[:end], "cut")
        except PageError:
            continue
        wrong = [
            note
            for note in score(model, page, layout).notes
            if " read as " in note and "nothing" not in note and "page " not in note
        ]
        assert wrong == []


@settings(max_examples=60)
@given(st.binary(max_size=400), st.integers(0, 10_000))
def test_any_bytes_raise_only_page_errors(noise: bytes, at: int) -> None:
    model_page = (
        b'X Serverless API\nAPI Endpoint\nhttps://api.segmind.com/v1/xParameters\narequiredstringText\n"x"bboolean\n'
    )
    at %= len(model_page)
    for raw in (noise, model_page[:at] + noise + model_page[at:], b"<html><body>" + noise):
        with contextlib.suppress(PageError):
            page_of_bytes(raw, "noise")


HOSTILE = {
    "another site's page": b"<!doctype html><html><body><h1>Cats</h1><p>Parameters of cats.</p></body></html>",
    "an empty file": b"",
    "an image": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "deep nesting": b"<html><body>" + b"<div>" * 30_000,
    "open tags": b"<html><body>" + b"<a b='" * 30_000,
    "too large": b"x" * (MAX_BYTES + 1),
    "too much text": b"word " * 250_000,
    "too much text in HTML": b"<html><body>" + b"<p>word " * 250_000,
    "no structure": b"word " * 100_000,
    "a script": b"<html><script>" + b"API Endpoint https://api.segmind.com/v1/x\n" * 1000 + b"</script></html>",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_is_not_a_docs_page_gets_one_message(
    raw: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "page.html", tmp_path / "out"
    path.write_bytes(raw)
    for command in (["page", str(path)], ["import", str(path), "--out", str(out)], ["drift", str(path)]):
        assert main(command) == 3
        captured = capsys.readouterr()
        text = (captured.err + captured.out).strip()
        assert "page.html" in text
        assert "expected" in text
        assert "Traceback" not in text
    assert not out.exists()


@pytest.mark.parametrize(
    "body",
    [
        'data = {"' + '\\"' * 40_000,
        "a\nrequiredstring\nx\n" * 9_000,
        "arequiredstring" * 20_000,
        "Default: " * 30_000,
        '"' * 90_000,
        "1" * 90_000,
        "[" * 90_000,
        " " * 90_000 + "x",
    ],
)
def test_repetitive_pages_are_read_in_bounded_time(body: str) -> None:
    assert read(HEAD.format(sample="") + "arequiredintegerx\n" + body).problems


def test_template_syntax_in_names_stays_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "page.txt"
    path.write_text(
        HEAD.format(sample='"{{ 7 * 7 }}": 1') + "{{ 7 * 7 }}required\ninteger\n\n[red]x[/red]\n\nDefault: 1\n" + TAIL
    )
    assert main(["page", str(path)]) == 0
    assert "{{ 7 * 7 }}  required integer" in capsys.readouterr().out


def test_the_command_prints_json(catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "page.txt"
    path.write_text(joined_bare(catalog.model("style-transfer")), "utf-8")
    assert main(["page", str(path), "--format", "json"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert page["slug"] == "style-transfer"
    assert page["returns"] == "Image"
    assert page["versions"] == ["v1", "v2"]
    seed = page["parameters"]["seed"]
    assert seed["default"] is None
    assert "minimum" not in seed
    assert main(["page", str(tmp_path / "none.txt")]) == 2
