"""Drift writes each fact that nothing on the page contradicts, and leaves the others undecided."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from segforge import Catalog, default_specs
from segforge.cli import main
from segforge.pages.draft import draft
from segforge.pages.drift.apply import apply_linted
from segforge.pages.drift.compare import compare
from segforge.pages.drift.difference import Drift
from segforge.pages.read import page_of_bytes
from segforge.spec.catalog import Parameter
from segforge.spec.load import check_model
from tests.pages.damage import KINDS, damages, own_pages, sweep
from tests.pages.layouts import ALL, blank_line, joined_bare, joined_labelled, tokens_bare
from tests.pages.mutations import drift_of, spec_of
from tests.pages.test_reader import HEAD, TAIL
from tests.shared import read_yaml


def applied(text: str, slug: str) -> tuple[Drift, Mapping[str, Any], Mapping[str, Any]]:
    """Returns the drift of a page, and the spec before and after its decided differences were written."""
    drift = drift_of(text, spec_of(slug))
    before = (default_specs() / "models" / f"{slug}.yaml").read_text("utf-8")
    return drift, read_yaml(before), read_yaml(apply_linted(before, drift)[0])


def swapped(text: str, old: str, new: str) -> str:
    """Returns the text with the last occurrence of `old` replaced."""
    assert old in text, old
    return new.join(text.rsplit(old, 1))


@pytest.mark.parametrize(
    ("slug", "layout", "old", "new", "doubtful"),
    [
        ("flux-img2img", "blank-line", "imagerequired", "imageequired", "parameters.image"),
        ("flux-img2img", "blank-line", "imagerequired", "imgerequired", "parameters.imge"),
        ("flux-img2img", "blank-line", "imagerequired\n", "imagerequired", ""),
        ("flux-img2img", "html cards", "<code>image</code>", "<code>imag</code>", "parameters.imag"),
        ("flux-img2img", "html table", "<td>Yes</td>", "<td>Yes<td>", ""),
        ("flux-controlnet", "joined without labels", "Range: 64", "Ranxe: 64", "parameters.guidance"),
        ("flux-controlnet", "joined without labels", "96guidance", "9uguidance", "parameters.guidance"),
        ("flux-controlnet", "joined without labels", "0.45Range", "0.4Range", "parameters.cn_strength.default"),
        ("flux-img2img", "blank-line", "Default: 0.75Range", "Default: 0.70Range", ""),
        ("flux-img2img", "blank-line", "Default: 46588", "Default: 46e88", ""),
        (
            "flux-controlnet",
            "tokens with labels",
            "Default:\n0.5\nRange",
            "Default:\n0.59Range",
            "parameters.cn_stop.default",
        ),
        ("flux-controlnet", "joined without labels", "falsecn_stop", "falecn_stop", ""),
        ("flux-controlnet", "joined without labels", '"canny"', '"cany"', ""),
        ("flux-img2img", "blank-line", '"karras"', '"karas"', "parameters.scheduler.enum.known.1"),
        ("flux-img2img", "blank-line", '"euler_cfg_pp"', '"euler_cg_pp"', "parameters.sampler_name.enum.known"),
        ("flux-img2img", "blank-line", "Range: 1 - 50", "Rang : 1 - 50", ""),
        ("flux-img2img", "blank-line", "Range: 1 - 50", "Range: 17- 50", "parameters.steps.minimum"),
        ("flux-img2img", "blank-line", "api.segmind.com/v1", "api.segmind.om/v1", "versions"),
        ("flux-dev-finetuned", "blank-line", "api.segmind.com/v1", "api.segmind.com/v2", "versions"),
        ("flux-img2img", "blank-line", "Flux.1 Image", "Flux.1 Imge", "title"),
        ("flux-ipadapter", "joined with labels", "negative_promptoptional", "negative promptoptional", ""),
        ("flux-controlnet", "joined with labels", "Default: 0.5Range", "Default: 0.0Range", ""),
        ("flux-ipadapter", "tokens with labels", "1 - 10\nResponse", "1 - 107Response", "parameters.true_gs.maximum"),
        ("flux-ipadapter", "attributes", "negative_promptstr", "negative promptstr", "parameters.negative_prompt"),
        ("flux-dev-finetuned", "attributes", "finetune_idstr", "finetune_idst", "parameters.finetune_id"),
        ("flux-img2img", "attributes", "min : 1,", "m9n : 1,", "parameters.steps.minimum"),
        ("flux-img2img", "attributes", "min : 1,", "m1n : 1,", "parameters.steps.minimum"),
        ("flux-img2img", "attributes", "min : 1,", "1in : 1,", "parameters.steps.minimum"),
        ("flux-img2img", "attributes", "min : 1,", "mi1 : 1,", "parameters.steps.minimum"),
        ("flux-img2img", "attributes", "max : 50", "maxt 50", "parameters.steps.maximum"),
        ("flux-controlnet", "attributes", "min : 64,", "min : 645", "parameters.custom_width.minimum"),
        ("flux-dev-finetuned", "attributes", "min : -10", "min : -0", ""),
        ("flux-img2img", "html cards", "<code>&quot;karras", "<code&quot;karras", "parameters.scheduler.enum.known.1"),
        ("flux-dev-finetuned", "html cards", "&quot;my-finetune-id", "&quotxmy-finetune-id", ""),
        ("flux-img2img", "html cards", "3d pixar style&quot;", "3d pixar style&&quot;", ""),
        ("style-transfer", "html cards", "<code>&quot;&quot;</code>", "<code>&quott;&quot;</code>", ""),
        ("flux-ipadapter", "html table", "<td>&quot;&quot;</td>", "<td>&quotR&quot;</td>", ""),
        ("flux-img2img", "html cards", "<code>seed</code>", "<codeseed</code>", "parameters.false"),
        (
            "flux-ipadapter",
            "html cards",
            "Default:</span> <code>&quot;&quot;",
            "De ault:</span> <code>&quot;&quot;",
            "",
        ),
        ("flux-ipadapter", "html table", "Default</th>", "Default<</th>", "parameters.negative_prompt.default"),
        ("flux-dev-finetuned", "html table", "<td>Yes</td>", "<td Yes</td>", ""),
        ("flux-dev-finetuned", "html table", "<td>1</td>", "<td></td>", "parameters.lora_strength.default"),
        ("style-transfer", "html table", "<td>&quot;https", "<td>&quott;https", ""),
    ],
)
def test_a_slip_on_the_page_is_never_written(
    catalog: Catalog, slug: str, layout: str, old: str, new: str, doubtful: str
) -> None:
    text = swapped(ALL[layout](catalog.model(slug)), old, new)
    drift, before, after = applied(text, slug)
    assert after == before
    assert doubtful in ["", *(one.path for one in drift.differences if not one.decided and one.why)]


def test_an_array_never_replaces_a_string_with_a_format(catalog: Catalog) -> None:
    text = swapped(blank_line(catalog.model("flux-img2img")), "string (uri)", "string[]")
    drift, before, after = applied(text, "flux-img2img")
    assert after == before
    assert [(one.path, one.decided) for one in drift.differences] == [("parameters.image.format", False)]
    assert "parameters.image.type" in drift.undecided[0]


def test_a_page_saved_without_a_section_removes_no_version(catalog: Catalog) -> None:
    text = blank_line(catalog.model("flux-img2img"))
    start, end = text.index("Asynchronous requests (v2)"), text.index("Common Error Codes")
    text = (text[:start] + text[end:]).replace("POST /v2/flux-img2img", "")
    drift, before, after = applied(text, "flux-img2img")
    assert after == before
    assert [(one.path, one.decided) for one in drift.differences] == [("versions", False)]


def test_a_version_named_in_several_places_is_added(catalog: Catalog, tmp_path: Path) -> None:
    model = catalog.model("flux-img2img")
    text = draft(page_of_bytes(blank_line(replace(model, versions=("v1",))).encode(), "page")).text
    (tmp_path / "flux-img2img.yaml").write_text(text, "utf-8")
    source = check_model(tmp_path / "flux-img2img.yaml")[0]
    assert source is not None
    made = read_yaml(apply_linted(text, drift_of(blank_line(model), source))[0])
    assert made["versions"] == ["v1", "v2"]


@pytest.mark.parametrize("layout", [name for name in ALL if name not in ("attributes", "pixelflow", "llm")])
def test_a_parameter_missing_from_list_and_sample_is_removed_and_one_in_both_is_added(
    catalog: Catalog, layout: str
) -> None:
    model = catalog.model("flux-controlnet")
    if layout == "older sync page":
        model = catalog.model("flux-dev-finetuned")
    gone = next(one for one in reversed(model.parameters) if one.name in ("guidance", "lora_strength"))
    new = Parameter("fresh_knob", "integer", required=False, description="A knob.", default=3, minimum=1, maximum=9)
    kept = [one for one in model.parameters if one is not gone]
    example = {key: value for key, value in model.example.items() if key != gone.name}
    _, _, after = applied(ALL[layout](replace(model, parameters=tuple(kept), example=example)), model.slug)
    assert gone.name not in after["parameters"]
    assert gone.name not in after["example"]
    more = sorted([*model.parameters, new], key=lambda one: (not one.required, one.name))
    changed = replace(model, parameters=tuple(more), example={**model.example, "fresh_knob": 3})
    _, before, after = applied(ALL[layout](changed), model.slug)
    assert set(after["parameters"]) - set(before["parameters"]) == {"fresh_knob"}
    assert after["example"]["fresh_knob"] == 3


@pytest.mark.parametrize("layout", [joined_bare, tokens_bare])
def test_a_default_without_a_label_is_written_if_the_sample_confirms_it(catalog: Catalog, layout: Any) -> None:
    model = catalog.model("flux-controlnet")
    parameters = tuple(replace(one, default=30) if one.name == "steps" else one for one in model.parameters)
    _, before, after = applied(layout(replace(model, parameters=parameters)), model.slug)
    assert after == before
    confirmed = replace(model, parameters=parameters, example={**model.example, "steps": 30})
    _, _, after = applied(layout(confirmed), model.slug)
    assert (after["parameters"]["steps"]["default"], after["example"]["steps"]) == (30, 30)


def test_a_new_title_is_written(catalog: Catalog) -> None:
    text = blank_line(catalog.model("flux-img2img")).replace("Flux.1 Image To Image", "Repainter")
    _, _, after = applied(text, "flux-img2img")
    assert after["title"] == "Repainter"


@pytest.mark.parametrize("code", ["\u200b", "\u2060", "\ufeff", "\u00a0"])
@pytest.mark.parametrize("layout", ["blank-line", "joined without labels", "tokens with labels", "html cards"])
def test_invisible_characters_are_ignored_and_reported(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str], layout: str, code: str
) -> None:
    page = tmp_path / "page.txt"
    text = ALL[layout](catalog.model("flux-img2img"))
    for old in ("denoise", "Range: 0 - 1", "seed"):
        at = text.rindex(old)
        text = f"{text[:at]}{code}{old}{text[at + len(old) :]}"
    page.write_text(text, "utf-8")
    assert main(["drift", str(page)]) == 0
    assert f"U+{ord(code):04X}" in capsys.readouterr().out
    where = page_of_bytes(text.encode(), "page").parameters[-1].span
    assert text[where.start :].startswith("seed")


def test_invisible_characters_stay_inside_a_value() -> None:
    text = HEAD.format(sample='"aa": "x\u200by\u00a0z"') + f"aaoptionalstringHow\n{TAIL}"
    assert page_of_bytes(text.encode(), "page").get("sample") == {"aa": "x\u200by\u00a0z"}


def test_an_open_quote_keeps_no_invisible_character() -> None:
    page = page_of_bytes(f'{HEAD.format(sample="")}aaoptionalstringSays "x\\"\u200by\u00a0z\n{TAIL}'.encode(), "page")
    assert page.parameters[0].get("description") == 'Says "x\\"y z'


@pytest.mark.parametrize("layout", [joined_bare, joined_labelled, tokens_bare])
@pytest.mark.parametrize("name", ["negative_prompt", "my_seed", "cnstrength"])
def test_a_parameter_outside_the_sample_keeps_its_name_and_its_default(
    catalog: Catalog, layout: Any, name: str
) -> None:
    first = Parameter("aa", "string", required=False, description="About it", default="b")
    parameters = (first, *(replace(first, name=key, type="integer", default=at) for key, at in ((name, 7), ("z", 5))))
    example: dict[str, Any] = {"prompt": "p", "seed": 1, "strength": 2, "aa": "b"}
    model = replace(catalog.model("style-transfer"), parameters=parameters, example=example)
    page = page_of_bytes(layout(model).encode(), "page")
    assert [(one.name, one.get("default")) for one in page.parameters] == [("aa", "b"), (name, 7), ("z", 5)]


def test_facts_are_written_one_by_one(
    catalog: Catalog, specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, file = tmp_path / "page.txt", specs / "models" / "flux-img2img.yaml"
    text = blank_line(catalog.model("flux-img2img"))
    text = text.replace("Range: 1 - 50", "Range: 30 - 50").replace(
        "Default: 0.75Range: 0 - 1", "Default: 0.5Range: 0 - 2"
    )
    page.write_text(text, "utf-8")
    before = read_yaml(file.read_text("utf-8"))
    assert main(["drift", str(page), "--specs", str(specs), "--apply"]) == 1
    assert "contradicts itself: parameters.steps" in capsys.readouterr().out
    after = read_yaml(file.read_text("utf-8"))
    assert after["parameters"]["steps"] == before["parameters"]["steps"]
    assert after["parameters"]["denoise"] == {**before["parameters"]["denoise"], "default": 0.5, "maximum": 2}


def test_labelled_values_of_a_partly_read_page_are_written(catalog: Catalog) -> None:
    text = blank_line(catalog.model("flux-img2img")).replace("Default: 0.75Range: 0 - 1", "Default: 0.5")
    twice = text[text.index("seedoptional") : text.index("Response Type")]
    text = text.replace("Response Type", f"{twice}Response Type")
    drift, before, after = applied(text, "flux-img2img")
    assert not drift.whole
    assert after["parameters"]["denoise"] == {**before["parameters"]["denoise"], "default": 0.5}


def test_a_placeholder_list_keeps_names_that_end_in_a_name_of_the_sample() -> None:
    text = HEAD.format(sample='"prompt": "x"')
    text += (
        'styleoptionalstringStyle of it\nsystem_promptoptionalstringWhat it is\n"a""a""b"strengthoptionalnumberHow\n'
    )
    page = page_of_bytes(f"{text}0.5Range: 0 - 1{TAIL}".encode(), "page")
    assert "parameters" in page.undecided
    assert [one.name for one in page.parameters] == ["style", "system_prompt", "strength"]


def test_a_damaged_byte_writes_nothing_wrong(tmp_path: Path) -> None:
    """Damages two places of each page in each kind. `python -m benchmarks.page_damage` damages every byte."""
    wrong: list[str] = []
    total: Counter[str] = Counter()
    turns = count()
    for name, raw, text in own_pages():
        file = tmp_path / f"{page_of_bytes(raw, name).get('slug')}.yaml"
        file.write_text(text, "utf-8")
        source = check_model(file)[0]
        assert source is not None
        start = max(raw.find(b"API Endpoint"), 0)
        half = (len(raw) - start) // 2
        for kind in KINDS:
            first = start + int(next(turns) * 0.618034 % 1 * half)
            counts, notes = sweep(raw, text, source, damages(raw, (kind,), first=first, step=half))
            total.update(counts)
            wrong += [f"{name}: {note}" for note in notes]
    assert wrong == []
    assert total["damages"] > 500


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("contrast=1.2", "contrast=.2"),
        ("contrast=1.2", "contrast=1."),
        ("contrast=1.2", "contrast=1_2"),
        ("pixels=48", "pixels=0x48"),
        ("pixels=48", "pixels=4e8"),
        ("pixels=48", "pixels=+8"),
        ("prompt=", "prompt=="),
        ("prompt=", "prompt:="),
        ("prompt=", "prompt ="),
    ],
)
def test_a_slip_in_the_sample_changes_no_example(tmp_path: Path, old: str, new: str) -> None:
    name, raw, spec = next(page for page in own_pages() if page[0] == "pixel-painter.txt")
    file = tmp_path / f"{page_of_bytes(raw, name).get('slug')}.yaml"
    file.write_text(spec, "utf-8")
    source = check_model(file)[0]
    assert source is not None
    assert old.encode() in raw
    drift = compare(page_of_bytes(raw.replace(old.encode(), new.encode(), 1), name), source)
    assert read_yaml(apply_linted(spec, drift)[0]) == read_yaml(spec)


def test_an_unclosed_tag_removes_no_range(catalog: Catalog) -> None:
    text = ALL["html cards"](catalog.model("flux-img2img"))
    _, before, after = applied(text.replace("<span>Range: 1 - 50", "<spanRange: 1 - 50"), "flux-img2img")
    assert after == before
