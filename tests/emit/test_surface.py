"""The public surface of the client: what is in it, what its diff means, and that it does not shrink unasked."""

import dataclasses
from pathlib import Path

import pytest

from segforge.cli import main
from segforge.emit.emitters import emit
from segforge.emit.surface import SURFACE, bump
from segforge.spec.catalog import Catalog, Choices, Model, Parameter

BASE = Path("python") / SURFACE


def surface(catalog: Catalog) -> str:
    return next(artifact.text for artifact in emit(catalog, ["python"]) if artifact.path.name == SURFACE)


def with_model(catalog: Catalog, model: Model) -> Catalog:
    return dataclasses.replace(catalog, models=tuple(m if m.slug != model.slug else model for m in catalog.models))


def changed(model: Model, name: str, **fields: object) -> Model:
    parameters = [
        dataclasses.replace(p, **fields) if p.name == name else p  # type: ignore[arg-type]  # any field of it
        for p in model.parameters
    ]
    return dataclasses.replace(model, parameters=tuple(parameters))


def test_it_is_sorted_committed_and_names_what_is_public(catalog: Catalog) -> None:
    text = surface(catalog)
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


def test_its_diff_says_which_version_comes_next(catalog: Catalog) -> None:
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
    ],
    ids=["maximum", "minimum", "no maximum", "null", "number", "required", "enum"],
)
def test_what_callers_may_send_can_grow_but_not_shrink(
    catalog: Catalog, name: str, wide: dict[str, object], narrow: dict[str, object]
) -> None:
    model = catalog.model("flux-img2img")
    wider = surface(with_model(catalog, changed(model, name, **wide)))
    narrower = surface(with_model(catalog, changed(model, name, **narrow)))
    assert bump(narrower, wider) == "minor"
    assert bump(wider, narrower) == "major"


def test_generate_refuses_to_shrink_it_unasked(specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
