"""Drift follows nested parts, prices, paths, the output, the table of statuses, and names of parameters."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from segforge import Catalog
from segforge.cli import main
from segforge.pages.draft import DraftError, draft
from segforge.pages.drift.apply import apply, apply_linted
from segforge.pages.drift.compare import compare
from segforge.pages.drift.difference import Difference, Drift
from segforge.pages.page import CERTAIN, Fact, Page, Span
from segforge.pages.read import page_of_bytes
from segforge.spec.catalog import Model
from segforge.spec.load import GATEWAY_FILE, check_form, check_model
from segforge.spec.yaml_edit import load
from tests.pages.damage import KINDS, damages, sweep
from tests.pages.layouts import LABELLED, blank_line
from tests.pages.models import models
from tests.pages.mutations import comments_of

PAGE = """Scene Serverless API

import requests

data = {
  "prompt": "a lake",
  "references": [{"uri": "https://x.test/a.png", "weight": 0.5}]
}

requests.post("https://api.segmind.com/v1/scene", json=data)

API Endpoint

POSThttps://api.segmind.com/v1/scene

Parameters

promptrequired
string

What the image shows.

referencesrequired
object[]

Images that lead the style.

Array items:
urirequired
string (uri)

Where the image is.

weightoptional
number

How strongly the image counts.

Default: 0.5Range: 0 - 1

seedoptional
integer

Seed of the random numbers.

Default: 7

Response Type

Returns: Image
"""
SPEC = """slug: scene
title: Scene
description: Images of scenes.
source: {url: "https://www.segmind.com/models/scene/api", reviewed: "2026-11-20"}
versions: [v1]
returns: {media: image, formats: [jpeg], controls: {prompt: prompt, seed: seed}}
parameters:
  prompt: {type: string, required: true, description: What the image shows.}
  references:
    type: array
    required: true
    description: Images that lead the style.
    items:
      type: object
      # the keys of one image
      properties:
        uri: {type: string, format: uri, required: true, description: Where the image is.}
        weight:
          type: number
          required: false
          description: How strongly the image counts.  # in our own words
          default: 0.5
          minimum: 0
          maximum: 1  # printed
  # about the seed
  seed:
    type: integer
    required: false
    description: Seed of the random numbers, written by a curator.
    default: 7
    note: Checked twice.
example:
  prompt: a lake
  references: [{uri: "https://x.test/a.png", weight: 0.5}]
"""


@pytest.fixture
def folder(specs: Path) -> Path:
    """A folder of specs with the model of this module."""
    (specs / "models" / "scene.yaml").write_text(SPEC, "utf-8")
    return specs


def page_of(text: str) -> Page:
    return page_of_bytes(text.encode(), "page.txt")


def drift_of(text: str, folder: Path, **renamed: str) -> Drift:
    source, findings = check_model(folder / "models" / "scene.yaml")
    assert source is not None, findings
    return compare(page_of(text), source, None, renamed)


def found(drift: Drift) -> list[tuple[str, str, bool]]:
    return [(one.rule, one.path, one.decided) for one in drift.differences]


def written(text: str, folder: Path, **renamed: str) -> tuple[Any, str]:
    """Returns the data and the text of the spec after `--apply`."""
    drift = drift_of(text, folder, **renamed)
    made, _, refused = apply_linted(SPEC, drift, specs=folder)
    assert refused == []
    return load(made), made


@pytest.mark.parametrize("layout", LABELLED)
@settings(max_examples=12)
@given(model=models(nested=True))
def test_a_page_agrees_with_its_own_draft(layout: str, model: Model, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Only values of the sample that the page's own facts exclude, which drafts leave out, need a decision."""
    page = page_of_bytes(LABELLED[layout](model).encode(), layout)
    try:
        made = draft(page)
    except DraftError:
        return
    file = tmp_path_factory.mktemp("specs") / f"{made.slug}.yaml"
    file.write_text(made.text, "utf-8")
    source, findings = check_model(file)
    assert source is not None, findings
    left = [one for one in compare(page, source).differences if one.rule != "example.changed" or one.decided]
    assert left == []


def test_a_page_with_nested_parts_agrees_with_its_spec(folder: Path) -> None:
    assert found(drift_of(PAGE, folder)) == []


WEIGHT = ("parameters", "references", "items", "properties", "weight")


@pytest.mark.parametrize(
    ("old", "new", "rule", "end", "value"),
    [
        ("Range: 0 - 1", "Range: 0 - 2", "range.widened", "maximum", 2),
        ("Default: 0.5", "Default: 0.7", "default.changed", "default", 0.7),
        ("weightoptional", "weightrequired", "required.now", "required", True),
        ("Default: 0.5Range", "Range", "default.gone", "default", None),
    ],
)
def test_a_fact_of_a_nested_part_is_written_with_all_comments_kept(
    folder: Path, old: str, new: str, rule: str, end: str, value: Any
) -> None:
    page = PAGE.replace(old, new)
    (one,) = drift_of(page, folder).differences
    assert (one.rule, one.at, one.decided) == (rule, (*WEIGHT, end), True)
    data, text = written(page, folder)
    part = data["parameters"]["references"]["items"]["properties"]["weight"]
    assert part.get(end) == value
    assert comments_of(text) == comments_of(SPEC)
    (folder / "models" / "scene.yaml").write_text(text, "utf-8")
    assert found(drift_of(page, folder)) == []


PART = "\nweightoptional\nnumber\n\nHow strongly the image counts.\n\nDefault: 0.5Range: 0 - 1\n"


def test_a_nested_part_is_removed_only_if_no_trace_of_it_is_left(folder: Path) -> None:
    page = PAGE.replace(PART, "\n")
    drift = drift_of(page, folder)
    assert [(one.rule, one.decided, one.why) for one in drift.differences] == [
        ("parameter.removed", False, "the page's sample still contains it")
    ]
    assert apply(SPEC, drift)[0] == SPEC
    data, text = written(page.replace(', "weight": 0.5', ""), folder)
    assert list(data["parameters"]["references"]["items"]["properties"]) == ["uri"]
    assert comments_of(text) == comments_of(SPEC)


def test_a_nested_part_whose_parent_is_undecided_is_not_written(folder: Path) -> None:
    page = PAGE.replace("seedoptional", "zoomoptional\nstring[]\n\nThe zoom.\n\nseedoptional")
    drift = drift_of(page, folder)
    assert [one.decided for one in drift.differences if one.rule == "parameter.added"] == [False]
    assert apply(SPEC, drift)[0] == SPEC


def test_a_nested_part_that_the_sample_proves_is_added_and_removed(folder: Path) -> None:
    tint = 'Range: 0 - 1\n\ntintoptional\nstring\n\nThe tint.\n\nDefault: "red"\n'
    page = PAGE.replace("Range: 0 - 1\n", tint).replace('"weight": 0.5}', '"weight": 0.5, "tint": "red"}')
    assert ("parameter.added", ".".join((*WEIGHT[:-1], "tint")), True) in found(drift_of(page, folder))
    data, text = written(page, folder)
    parts = data["parameters"]["references"]["items"]["properties"]
    assert list(parts) == ["uri", "weight", "tint"]
    assert (parts["tint"]["type"], parts["tint"]["default"]) == ("string", "red")
    assert data["example"]["references"][0]["tint"] == "red"
    assert "rewrite the description" in text
    assert [one for one in comments_of(text) if "TODO" not in one] == comments_of(SPEC)


@pytest.mark.parametrize("first", range(11))
def test_a_damaged_byte_of_a_nested_page_writes_nothing_wrong(folder: Path, first: int) -> None:
    source, _ = check_model(folder / "models" / "scene.yaml")
    assert source is not None
    raw = PAGE.encode()
    counts, notes = sweep(raw, SPEC, source, damages(raw, KINDS, first=first, step=33, end=len(raw)))
    assert notes == []
    assert counts["damages"] > 50


@pytest.mark.parametrize(
    ("type_", "held"),
    [
        ("string[]", True),
        ("object[]", True),
        ("object", True),
        ("any | any", True),
        ("string[][]", True),
        ("file", False),
    ],
)
def test_only_a_type_that_the_spec_form_lacks_is_called_impossible(folder: Path, type_: str, held: bool) -> None:
    seed = "Seed of the random numbers.\n\nDefault: 7\n"
    page = page_of(PAGE.replace(seed, f"{seed}\nzoomoptional\nstring\n\nThe zoom.\n"))
    facts = {"type": Fact(type_, Span(0, 1, 1, 1), CERTAIN, "labelled")}
    zoom = replace(page.parameters[-1], facts={**page.parameters[-1].facts, **facts}, undecided={})
    source, _ = check_model(folder / "models" / "scene.yaml")
    assert source is not None
    (one,) = compare(replace(page, parameters=(*page.parameters[:-1], zoom)), source).differences
    assert one.path == "parameters.zoom"
    assert ("spec form has no type" in one.why) is not held


def test_a_changed_type_of_a_list_names_the_parts_as_the_reason(folder: Path) -> None:
    page = PAGE.replace('"prompt": "a lake"', '"prompt": ["a lake"]').replace(
        "promptrequired\nstring", "promptrequired\nstring[]"
    )
    drift = drift_of(page, folder)
    (one,) = [one for one in drift.differences if one.path == "parameters.prompt.type"]
    assert not one.decided
    assert "parts" in one.why
    assert "scalar" not in one.why


SHAPE = """name: reference
source: {url: "https://www.segmind.com/models/scene/api", reviewed: "2026-11-20"}
facts:
  type: object
  description: A reference image.
  properties:
    uri: {type: string, format: uri, required: true, description: Where the image is.}
    weight: {type: number, required: false, description: How strongly it counts., default: 0.5, minimum: 0, maximum: 1}
"""


def test_a_shared_shape_is_never_changed_through_a_model(folder: Path) -> None:
    shape = folder / "shapes" / "reference.yaml"
    shape.parent.mkdir(exist_ok=True)
    shape.write_text(SHAPE, "utf-8")
    findings = check_form(shape, "shape")[1]
    assert [one for one in findings if one.severity == "error"] == []
    start, end = SPEC.index("    items:\n"), SPEC.index("  # about the seed")
    spec = f"{SPEC[:start]}    items: {{shape: reference}}\n{SPEC[end:]}"
    (folder / "models" / "scene.yaml").write_text(spec, "utf-8")
    assert found(drift_of(PAGE, folder)) == []
    drift = drift_of(PAGE.replace("Range: 0 - 1", "Range: 0 - 2").replace("Default: 7", "Default: 8"), folder)
    assert found(drift) == [
        ("range.widened", "parameters.references.items.properties.weight.maximum", False),
        ("default.changed", "parameters.seed.default", True),
    ]
    assert "specs/shapes/reference.yaml" in drift.differences[0].why
    text, done, refused = apply_linted(spec, drift, specs=folder)
    assert ([one.path for one in done], refused) == (["parameters.seed.default"], [])
    assert text == spec.replace("default: 7", "default: 8")
    assert shape.read_text("utf-8") == SHAPE


RENAMED = PAGE.replace("seedoptional", "random_seedoptional")


def test_a_rename_keeps_text_order_and_comments(folder: Path) -> None:
    assert ("parameter.removed", "parameters.seed", False) in found(drift_of(RENAMED, folder))
    page = RENAMED.replace("Default: 7", "Default: 9")
    drift = drift_of(page, folder, seed="random_seed")
    assert found(drift) == [
        ("parameter.renamed", "parameters.seed", True),
        ("default.changed", "parameters.seed.default", True),
    ]
    more = SPEC.replace(
        "example:\n",
        "conditions:\n  - {when_present: [seed], forbids_values: {seed: [3]}}\n"
        'quirks:\n  - {at: sample.seed, found: "7", why: It is text.}\nexample:\n',
    )
    made, _ = apply(more, drift)
    data = load(made)
    assert list(data["parameters"]) == ["prompt", "references", "random_seed"]
    assert data["parameters"]["random_seed"] == {**load(SPEC)["parameters"]["seed"], "default": 9}
    assert data["returns"]["controls"]["seed"] == "random_seed"
    assert data["conditions"][0] == {"when_present": ["random_seed"], "forbids_values": {"random_seed": [3]}}
    assert data["quirks"][0]["at"] == "sample.random_seed"
    assert comments_of(made) == comments_of(SPEC)


def test_the_command_takes_a_rename(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, file = tmp_path / "page.txt", folder / "models" / "scene.yaml"
    page.write_text(RENAMED, "utf-8")
    command = ["drift", "--specs", str(folder), "--apply", str(page)]
    for wrong in ("seed", "sed=random_seed", "seed=weight", "prompt=random_seed", "seed="):
        assert main([*command, "--renamed", wrong]) == 2
        assert "OLD=NEW" in capsys.readouterr().err
    assert main([*command, str(page), "--renamed", "seed=random_seed"]) == 2
    assert file.read_text("utf-8") == SPEC
    assert main([*command, "--renamed", "seed=random_seed"]) == 0
    assert "  random_seed:\n    type: integer\n" in file.read_text("utf-8")
    capsys.readouterr()
    assert main(command) == 0


def price(page: Page, printed: str, **facts: Any) -> Page:
    fact = Fact({"printed": printed, **facts}, Span(0, 1, 1, 1), CERTAIN, "labelled")
    return replace(page, facts={**page.facts, "price": fact})


def priced(folder: Path, spec: str, page: Page) -> list[Difference]:
    file = folder / "models" / "scene.yaml"
    file.write_text(SPEC.replace("parameters:\n", f"{spec}parameters:\n", 1), "utf-8")
    source, _ = check_model(file)
    assert source is not None
    return [one for one in compare(page, source).differences if one.at == ("price",)]


def test_prices_are_compared_and_written(folder: Path) -> None:
    old = 'price: {printed: "$0.40 per generation", from: 0.4, to: 0.4, unit: generation}\n'
    page, unit = page_of(PAGE), {"unit": "generation"}
    same = price(page, "$0.40  per generation", **{"from": 0.4, "to": 0.4, **unit})
    assert priced(folder, old, same) == []
    (one,) = priced(folder, old, price(page, "$1.20 per generation", **{"from": 1.2, "to": 1.2, **unit}))
    assert (one.rule, one.kind, one.decided) == ("price.raised", "editorial", True)
    (slip,) = priced(folder, old, price(page, "$0.50 per generation", **{"from": 0.5, "to": 0.5, **unit}))
    assert (slip.rule, slip.decided) == ("price.raised", False)
    stated = price(page, "$0.40 per generation", **{"from": 0.4, "to": 0.4, **unit})
    (new,) = priced(folder, "", stated)
    assert (new.rule, new.decided) == ("price.stated", True)
    source, _ = check_model(folder / "models" / "scene.yaml")
    assert source is not None
    made, _, refused = apply_linted(SPEC, compare(stated, source), specs=folder)
    assert refused == []
    assert made.replace(old, "") == SPEC
    (folder / "models" / "scene.yaml").write_text(SPEC.replace("parameters:\n", f"{old}parameters:\n", 1), "utf-8")
    assert "the page prints no price" in " ".join(drift_of(PAGE, folder).undecided)


def test_a_path_is_written_only_if_two_places_print_it(folder: Path) -> None:
    once = PAGE.replace("segmind.com/v1/scene\n\nParameters", "segmind.com/v1/models/scene\n\nParameters")
    drift = drift_of(once, folder)
    assert found(drift) == []
    assert "/v1/models/scene" in " ".join(drift.undecided)
    page = PAGE.replace("/v1/scene", "/v1/models/scene")
    (one,) = drift_of(page, folder).differences
    assert (one.rule, one.kind, one.path, one.decided) == ("path.changed", "breaking", "paths.v1", True)
    data, text = written(page, folder)
    assert data["paths"] == {"v1": "/v1/models/{slug}"}
    (folder / "models" / "scene.yaml").write_text(text, "utf-8")
    assert found(drift_of(page, folder)) == []
    drift = drift_of(PAGE, folder)
    assert [one.rule for one in drift.differences] == ["path.changed"]
    assert "paths" not in load(apply(text, drift)[0])


@pytest.mark.parametrize("output", ["Video", "Audio", "Something new"])
def test_a_changed_output_is_reported_and_needs_a_decision(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    page, file = tmp_path / "page.txt", folder / "models" / "scene.yaml"
    page.write_text(PAGE.replace("Returns: Image", f"Returns: {output}"), "utf-8")
    for more in ([], ["--apply"]):
        assert main(["drift", str(page), "--specs", str(folder), *more]) == 1
        assert "returns.changed" in capsys.readouterr().out
    assert file.read_text("utf-8") == SPEC


def test_an_odd_line_about_the_output_that_the_spec_repeats_is_no_change(folder: Path) -> None:
    page = PAGE.replace("Returns: Image", "Returns: Text/JSON")
    assert [one.rule for one in drift_of(page, folder).differences] == ["returns.changed"]
    spec = SPEC.replace("{media: image,", "{media: image, printed: Text/JSON,")
    (folder / "models" / "scene.yaml").write_text(spec, "utf-8")
    assert found(drift_of(page, folder)) == []
    assert [one.path for one in drift_of(PAGE, folder).differences] == ["returns.printed"]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("Rate Limited", "Not Found", "status.renamed"),
        ("\n429\n", "\n451\n", "status.added"),
        ("429\n\nRate Limited\n\nToo many requests\n", "", "status.removed"),
    ],
)
def test_a_changed_table_of_statuses_is_reported(
    catalog: Catalog, specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, rule: str
) -> None:
    text = blank_line(catalog.model("flux-img2img"))
    page = tmp_path / "page.txt"
    page.write_text(text, "utf-8")
    command = ["drift", str(page), "--specs", str(specs), "--format", "json"]
    assert main(command) == 0
    capsys.readouterr()
    assert old in text
    page.write_text(text.replace(old, new), "utf-8")
    before = (specs / GATEWAY_FILE).read_bytes()
    assert main([*command, "--apply"]) == 1
    rules = {one["rule"]: one for one in json.loads(capsys.readouterr().out)["pages"][0]["differences"]}
    assert rule in rules
    assert not rules[rule]["decided"]
    assert rules[rule]["spec_place"].startswith("gateway.yaml") or GATEWAY_FILE in rules[rule]["spec_place"]
    assert (specs / GATEWAY_FILE).read_bytes() == before


LABELLED_SPEC = SPEC.replace(
    "  # about the seed\n",
    """  style:
    type: string
    required: false
    description: The style.
    enum: {known: [{value: oil, label: Oil paint}, {value: ink, label: Ink}, chalk], total: 3}
  photo: {type: string, required: false, description: A photo., file: image, accepts: [url]}
  # about the seed
""",
)


def drift_of_facts(folder: Path, facts: dict[str, dict[str, Any]]) -> Drift:
    """Returns the drift of a page with a set of values and a file, after some of its facts were replaced."""
    page = page_of(PAGE)
    seed = page.parameters[-1]
    text: dict[str, Any] = {"type": "string", "required": False}
    given = {
        "prompt": {},
        "style": {**text, "enum": ["oil", "ink", "chalk"], "enum_total": 3},
        "photo": text,
    }
    parameters = [*page.parameters, *(replace(seed, name=name, facts={}, text=name) for name in ("style", "photo"))]
    parameters = [
        replace(
            one,
            facts={
                **one.facts,
                **{
                    key: Fact(value, seed.span, CERTAIN, "")
                    for key, value in {**given.get(one.name, {}), **facts.get(one.name, {})}.items()
                },
            },
        )
        for one in parameters
    ]
    file = folder / "models" / "scene.yaml"
    file.write_text(LABELLED_SPEC, "utf-8")
    source, findings = check_model(file)
    assert source is not None, findings
    return compare(replace(page, parameters=tuple(parameters)), source)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"style": {"enum_labels": ["Oil paint", "Ink", None]}}, []),
        ({"style": {"enum_labels": [None, None, None]}}, []),
        ({}, []),
        ({"style": {"enum_labels": ["Oil  paint", "Tint", "Chalk"]}}, ["enum.label_changed 1", "enum.label_stated 2"]),
        ({"photo": {"file": "image", "accepts": ["url"]}}, []),
        ({"photo": {"file": "any"}}, []),
        ({"photo": {"file": "video"}}, ["file.changed"]),
        ({"prompt": {"file": "image"}}, ["file.stated"]),
        ({"photo": {"accepts": ["url", "part"]}}, ["accepts.added"]),
        ({"prompt": {"accepts": ["part"]}}, []),
    ],
)
def test_labels_and_files_are_reported_and_need_a_decision(
    folder: Path, facts: dict[str, dict[str, Any]], expected: list[str]
) -> None:
    drift = drift_of_facts(folder, facts)
    assert [one.decided for one in drift.differences] == [False] * len(expected)
    found = [f"{one.rule} {one.at[-2]}" if one.at[-1] == "label" else one.rule for one in drift.differences]
    assert found == expected
    assert apply(LABELLED_SPEC, drift) == (LABELLED_SPEC, [])


def test_a_label_keeps_no_value_from_being_written(folder: Path) -> None:
    values = {"enum": ["oil", "ink", "chalk", "wax"], "enum_total": 4, "enum_labels": ["Oil", "Ink", None, "Wax"]}
    drift = drift_of_facts(folder, {"style": values})
    assert [(one.rule, one.decided) for one in drift.differences] == [
        ("enum.value_added", True),
        ("enum.label_changed", False),
    ]
    made, _ = apply(LABELLED_SPEC, drift)
    known = load(made)["parameters"]["style"]["enum"]["known"]
    assert known[0] == {"value": "oil", "label": "Oil paint"}
    assert known[-1] == {"value": "wax", "label": "Wax"}
