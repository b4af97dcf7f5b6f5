"""The public surface of a client: its lines, its diffs, and the protection against breaking changes."""

import dataclasses
import functools
import re
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segforge import Catalog
from segforge.cli import main
from segforge.emit.clients.surface import SURFACE, broken, model_lines
from segforge.emit.clients.surface_reading import read_surface
from segforge.emit.pipeline import emit
from segforge.spec.catalog import Choices, Condition, Model, Parameter, Returns
from segforge.spec.changes import model_changes
from tests.client.wide import wide_catalog
from tests.seeds import seed_catalog
from tests.spec.mutated import mutations

BASE = Path("python") / SURFACE


def surface(catalog: Catalog) -> str:
    return next(artifact.text for artifact in emit(catalog, ["python"]) if artifact.path.name == SURFACE)


@functools.cache
def surface_of_seeds() -> str:
    return surface(seed_catalog())


def bump(before: str, after: str) -> str:
    """Returns the version part to raise between two surfaces."""
    return "major" if broken(before, after) else "patch" if before == after else "minor"


def with_model(catalog: Catalog, model: Model) -> Catalog:
    return dataclasses.replace(catalog, models=tuple(m if m.slug != model.slug else model for m in catalog.models))


def changed(model: Model, name: str, **fields: object) -> Model:
    parameters = [
        dataclasses.replace(p, **fields) if p.name == name else p  # type: ignore[arg-type]  # any field of it
        for p in model.parameters
    ]
    return dataclasses.replace(model, parameters=tuple(parameters))


def test_the_surface_is_sorted_committed_and_lists_public_names(whole_catalog: Catalog) -> None:
    text = surface(whole_catalog)
    lines = text.splitlines()[1:]
    assert lines == sorted(set(lines))
    assert text == (Path(__file__).parents[2] / "generated" / BASE).read_text("utf-8")
    for line in (
        'client.flux_img2img takes "steps" to 50',
        'client.flux_img2img takes "sampler_name" = any other text',
        "SegmindError.maybe_billed",
        "Jobs.resume(self, request_id: str, slug: str | None=None) -> Job",
        "class ResultExpired(NotFound)",
    ):
        assert line in lines


def test_the_diff_determines_the_next_version(catalog: Catalog) -> None:
    model = catalog.model("flux-img2img")
    before = surface(catalog)
    new = Parameter("tile", "boolean", required=False, description="Tile it.")
    steps = {
        "patch": dataclasses.replace(model, description="Another text."),
        "minor": dataclasses.replace(model, parameters=(*model.parameters, new)),
        "major": dataclasses.replace(model, parameters=(*model.parameters, dataclasses.replace(new, required=True))),
    }
    for expected, after in steps.items():
        assert bump(before, surface(with_model(catalog, after))) == expected
    known = Choices(("normal", "karras"), 2)
    assert bump(before, surface(with_model(catalog, changed(model, "scheduler", choices=known)))) == "major"
    assert bump(before, surface(with_model(catalog, changed(model, "steps", maximum=40)))) == "major"
    assert bump(before, surface(dataclasses.replace(catalog, models=catalog.models[1:]))) == "major"
    assert bump(surface(dataclasses.replace(catalog, models=catalog.models[1:])), before) == "minor"


@pytest.mark.parametrize(
    ("name", "wide", "narrow"),
    [
        ("steps", {"maximum": 60}, {"maximum": 50}),
        ("steps", {"minimum": 1}, {"minimum": 10}),
        ("steps", {"maximum": None}, {"maximum": 50}),
        ("steps", {"nullable": True}, {"nullable": False}),
        ("steps", {"type": "number"}, {"type": "integer"}),
        ("prompt", {"required": False}, {"required": True}),
        (
            "scheduler",
            {"choices": Choices(("normal", "karras", "x"), 3)},
            {"choices": Choices(("normal", "karras"), 2)},
        ),
        ("scheduler", {"choices": None}, {"choices": Choices(("normal", "karras"), 2)}),
        ("image", {"format": None}, {"format": "uri"}),
    ],
    ids=["maximum", "minimum", "no maximum", "null", "number", "required", "enum", "no enum", "format"],
)
def test_valid_requests_may_grow_but_not_shrink(
    catalog: Catalog, name: str, wide: dict[str, object], narrow: dict[str, object]
) -> None:
    model = catalog.model("flux-img2img")
    wider = surface(with_model(catalog, changed(model, name, **wide)))
    narrower = surface(with_model(catalog, changed(model, name, **narrow)))
    assert bump(narrower, wider) == "minor"
    assert bump(wider, narrower) == "major"


def test_an_open_set_accepts_values_it_no_longer_lists(catalog: Catalog) -> None:
    model = catalog.model("flux-img2img")
    known = model.parameters_by_name["sampler_name"].choices
    assert known is not None
    assert known.open
    before = surface(catalog)
    fewer = surface(with_model(catalog, changed(model, "sampler_name", choices=Choices(known.known[1:], known.total))))
    assert broken(before, fewer) == ()
    assert broken(fewer, before) == ()


def test_removing_a_returned_format_breaks_callers(catalog: Catalog) -> None:
    model = catalog.model("flux-img2img")
    jpeg, png = (
        surface(with_model(catalog, dataclasses.replace(model, returns=Returns("image", formats))))
        for formats in (("jpeg",), ("png",))
    )
    assert broken(jpeg, png) == ('client.flux_img2img returns "jpeg"',)


def test_generate_and_diff_agree_on_breaking_changes() -> None:
    """The surface holds each fact that can break callers, so reading it back finds the same breaking changes."""
    breaking = 0
    for model, changed in mutations(Random(2), 50):
        before, after = ("\n".join(model_lines(one, "client.x")) for one in (model, changed))
        found = [one for one in model_changes([model], [changed]) if one.level == "breaking"]
        lines = broken(before, after)
        assert bool(lines) == bool(found), (lines, found)
        assert set(lines) <= {*before.split("\n"), *after.split("\n")}, lines
        read = [read_surface(text).model("client.x") for text in (before, after)]
        again = [one for one in model_changes(read[:1], read[1:]) if one.level == "breaking"]
        assert {(one.at, one.rule) for one in again} == {(one.at, one.rule) for one in found}
        breaking += bool(found)
    assert breaking > 400


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model with nested parameters and conditions."""
    return wide_catalog(tmp_path_factory.mktemp("wide") / "specs").model("clip")


def _with(model: Model, name: str, **facts: Any) -> Model:
    """Returns the model with other facts of a part, such as `images[]`, `elements[].tag` or `palette|preset`."""

    def inner(part: Parameter, rest: str) -> Parameter:
        if not rest:
            return dataclasses.replace(part, **facts)
        if rest.startswith("[]"):
            assert part.items is not None
            return dataclasses.replace(part, items=inner(part.items, rest[2:]))
        kind: Any = "properties" if rest[0] == "." else "any_of"
        word = re.split(r"[.|\[]", rest[1:])[0]
        parts = tuple(inner(one, rest[1 + len(word) :]) if one.name == word else one for one in getattr(part, kind))
        replaced: Any = {kind: parts}
        return dataclasses.replace(part, **replaced)

    word = re.split(r"[.|\[]", name)[0]
    parameters = tuple(inner(p, name[len(word) :]) if p.name == word else p for p in model.parameters)
    return dataclasses.replace(model, parameters=parameters)


PART = Parameter("new", "string", required=False, description="New.")
NEEDED = dataclasses.replace(PART, required=True)
OTHER = dataclasses.replace(PART, name="other")
ELEMENT = dataclasses.replace(PART, type="object", properties=(NEEDED,))


@pytest.mark.parametrize(
    ("name", "wide", "narrow"),
    [
        ("images", {"max_items": 3}, {"max_items": 2}),
        ("images", {"min_items": None}, {"min_items": 1}),
        ("images[]", {"nullable": True}, {"nullable": False}),
        ("elements[].tag", {"required": False}, {"required": True}),
        ("elements[].tag", {"max_length": 9}, {"max_length": 8}),
        ("elements[]", {"properties": (PART, OTHER)}, {"properties": (OTHER,)}),
        ("elements[]", {"properties": ()}, {"properties": (PART,)}),
        ("palette|preset.name", {"required": None}, {"required": True}),
        ("extra_value", {"type": "any"}, {"type": "string"}),
        ("factor", {"choices": Choices((0.5, 2, 3), 3)}, {"choices": Choices((0.5, 2), 2)}),
    ],
)
def test_nested_facts_may_grow_but_not_shrink(
    clip: Model, name: str, wide: dict[str, Any], narrow: dict[str, Any]
) -> None:
    wider, narrower = ("\n".join(model_lines(_with(clip, name, **facts), "client.c")) for facts in (wide, narrow))
    assert bump(narrower, wider) == "minor"
    assert bump(wider, narrower) == "major"


def test_demands_of_what_no_old_call_sends_break_nothing(clip: Model) -> None:
    def lines(**facts: Any) -> str:
        return "\n".join(model_lines(dataclasses.replace(clip, **facts), "client.c"))

    old, more = lines(), (*clip.parameters, ELEMENT)
    assert bump(old, lines(parameters=more)) == "minor"
    fresh = Condition(when_present=("new",), forbids=("images",))
    assert bump(old, lines(parameters=more, conditions=(*clip.conditions, fresh))) == "minor"
    assert bump(old, lines(conditions=clip.conditions[1:])) == "minor"
    for demand in (
        Condition(exactly_one_of=("images", "clip_url")),
        Condition(when_present=("images",), requires=("sound",)),
        Condition(only_when={"duration": (8,)}, parameters=("images",)),
        Condition(when={"duration": (8,)}, forbids_values={"speed": (1,)}),
    ):
        assert bump(old, lines(conditions=(*clip.conditions, demand))) == "major"
        inferred = dataclasses.replace(demand, inferred=True)
        assert bump(old, lines(conditions=(*clip.conditions, inferred))) == "patch"
    assert bump(old, lines(level="partial")) == "minor"
    assert bump(lines(level="partial"), old) == "major"
    assert bump(old, lines(returns=Returns("json", shape="caption"))) == "major"


def test_names_that_look_like_lines_stay_names(catalog: Catalog) -> None:
    model = catalog.model("flux-img2img")
    hostile = Choices(('" to 5', "x", '": integer'), 3)
    before, after = (
        surface(with_model(catalog, changed(model, "scheduler", choices=choices)))
        for choices in (hostile, Choices(hostile.known[1:], 2))
    )
    assert broken(before, after) == ('client.flux_img2img takes "scheduler" = "\\" to 5"',)


@given(st.data())
def test_a_line_of_any_form_can_be_compared(data: st.DataObject) -> None:
    """Another version of segforge may have written it."""
    lines = [line for line in surface_of_seeds().splitlines() if line.startswith("client.flux_img2img")]
    text, line = "\n".join(lines), data.draw(st.sampled_from(lines))
    end = data.draw(st.integers(len("client."), len(line) - 1))
    other = line[:end] + data.draw(st.sampled_from(['"', "{", "[", "{}", '{"one": 1}', "x", "", "\\", "1e999"]))
    for before, after in ((f"{text}\n{other}", text), (text, f"{text}\n{other}")):
        assert isinstance(broken(before, after), tuple)


@pytest.mark.parametrize(
    "line",
    [
        'demands {"new": 1}',
        "demands {",
        'returns "x',
        'takes "seed" = [',
        'assumes "seed" = {',
        'takes "seed" from "x"',
    ],
)
def test_an_unknown_line_that_is_lost_breaks(line: str) -> None:
    text = surface_of_seeds()
    lost = f"client.flux_img2img {line}"
    assert broken(f"{text}\n{lost}", text) == (lost,)


def test_generate_refuses_a_breaking_surface(specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    command = ["generate", "--specs", str(specs), "--out", str(out), "--only", "python"]
    assert main(command) == 0
    before = (out / BASE).read_bytes()
    spec = specs / "models" / "flux-img2img.yaml"
    spec.write_text(spec.read_text("utf-8").replace("maximum: 50", "maximum: 40"), "utf-8")
    assert main(command) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert 'would break: client.flux_img2img takes "steps" to 40' in said
    assert "--allow-breaking" in said
    assert (out / BASE).read_bytes() == before
    assert main([*command, "--allow-breaking"]) == 0
    assert b'"steps" to 40' in (out / BASE).read_bytes()


def released(specs: Path, entry: str = '  - {version: "0.1.0", date: "2026-01-01", changes: [first]}') -> None:
    (specs / "changelog.yaml").write_text(f"releases:\n{entry}\n", "utf-8")


def edit(specs: Path, old: str, new: str) -> None:
    spec = specs / "models" / "flux-img2img.yaml"
    assert old in spec.read_text("utf-8")
    spec.write_text(spec.read_text("utf-8").replace(old, new), "utf-8")


def test_a_recorded_breaking_change_is_generated(
    specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    released(specs)
    old = tmp_path / "released"
    shutil.copytree(specs, old)
    command = ["generate", "--specs", str(specs), "--only", "python", "typescript"]
    assert main(command) == 0
    edit(specs, "maximum: 50", "maximum: 40")
    assert main([*command, "--check"]) == 1
    said = capsys.readouterr()
    assert "stale    python/public-surface.txt" in said.out
    assert "are stale; run: segforge generate" not in said.err
    for step in (f"segforge diff HEAD {specs} --write-changelog", "segforge lint", "segforge generate\n"):
        assert step in said.err
    assert main(command) == 1
    assert main(["diff", str(old), str(specs), "--write-changelog"]) == 1
    assert main([*command, "--check"]) == 1
    assert "are stale; run: segforge generate" in capsys.readouterr().err
    assert main(command) == 0
    assert main([*command, "--check"]) == 0
    edit(specs, "maximum: 40", "maximum: 30")  # under the same open version
    assert main(command) == 1
    assert main(["diff", str(old), str(specs), "--write-changelog"]) == 1
    assert main(command) == 0


@pytest.mark.parametrize(
    ("version", "raised", "code"),
    [("0.1.0", "0.1.1", 1), ("0.1.0", "0.2.0", 0), ("1.1.0", "1.2.0", 1), ("1.1.0", "2.0.0", 0), ("1.1.0", "2.1.0", 0)],
)
def test_a_breaking_change_needs_a_version_raised_far_enough(specs: Path, version: str, raised: str, code: int) -> None:
    first = f'  - {{version: "{version}", date: "2026-01-01", changes: [first]}}'
    released(specs, first)
    command = ["generate", "--specs", str(specs), "--only", "typescript"]
    assert main(command) == 0
    edit(specs, "maximum: 50", "maximum: 40")
    released(specs, f'  - {{version: "{raised}", date: "2026-02-01", changes: [lower]}}\n{first}')
    assert main(command) == code


def test_a_change_under_a_released_version_is_a_warning(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    released(specs)
    command = ["generate", "--specs", str(specs), "--only", "python"]
    assert main(command) == 0
    edit(specs, 'reviewed: "2026-11-21"', 'reviewed: "2026-11-22"')
    assert main(command) == 0
    assert "warning" not in capsys.readouterr().err
    edit(specs, "maximum: 50", "maximum: 60")
    for each, code in ((["--check"], 1), ([], 0)):
        assert main([*command, *each]) == code
        said = capsys.readouterr().err
        assert "warning: version 0.1.0 is already released (2026-01-01)" in said
        assert "--write-changelog" in said
    assert main(command) == 0
    assert capsys.readouterr().err == ""
    edit(specs, "maximum: 60", "maximum: 70")
    log = specs / "changelog.yaml"
    log.write_text(
        log.read_text("utf-8").replace(
            "releases:\n", 'releases:\n  - {version: "0.1.1", date: unreleased, changes: [wider]}\n'
        ),
        "utf-8",
    )
    assert main(command) == 0
    assert "warning" not in capsys.readouterr().err
