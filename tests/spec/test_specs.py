"""The project's own specs state the facts of the docs pages, odd ones included."""

import json
from pathlib import Path

import pytest

from segforge import Catalog
from segforge.cli import main
from segforge.spec.catalog import ABSENT


def test_lint_finds_no_error_and_only_contradictions_of_the_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["errors"] == 0
    found = {(Path(finding["file"]).stem, finding["rule"]) for finding in report["findings"]}
    assert found == {
        ("flux-dev-finetuned", "example.missing_required"),
        ("minimax-ai", "default.format"),
    }


def test_open_sets_count_the_values_that_pages_leave_out(catalog: Catalog) -> None:
    unshown = {
        (model.slug, parameter.name): (parameter.choices.total or 0) - len(parameter.choices.known)
        for model in catalog.models
        for parameter in model.parameters
        if parameter.choices is not None and parameter.choices.open
    }
    assert unshown == {
        ("flux-controlnet", "sampler"): 16,
        ("flux-dev-finetuned", "aspect_ratio"): 3,
        ("flux-dev-finetuned", "sampler_name"): 16,
        ("flux-img2img", "sampler_name"): 16,
    }


def test_odd_spelling_is_kept_with_a_note(catalog: Catalog) -> None:
    parameter = catalog.model("flux-img2img").parameters_by_name["sampler_name"]
    assert parameter.choices is not None
    assert {"euler_ancestra", "leuler_ancestral_cfg_pp"} <= set(parameter.choices.known)
    assert "euler_ancestra" in (parameter.note or "")


def test_ratios_are_strings(catalog: Catalog) -> None:
    choices = catalog.model("flux-dev-finetuned").parameters_by_name["aspect_ratio"].choices
    assert choices is not None
    assert choices.known[0] == "1:1"
    assert all(isinstance(value, str) for value in choices.known)


def test_defaults_required_null_and_absent_are_distinct(catalog: Catalog) -> None:
    style = catalog.model("style-transfer").parameters_by_name
    assert {name for name, parameter in style.items() if parameter.nullable} == {"seed", "structure_image"}
    assert style["seed"].default is None
    assert style["negative_prompt"].default == ""
    assert catalog.model("flux-img2img").parameters_by_name["steps"].required
    assert catalog.model("flux-img2img").parameters_by_name["steps"].default == 20
    assert ABSENT not in [parameter.default for model in catalog.models for parameter in model.parameters]


def test_samples_are_those_of_the_pages(catalog: Catalog) -> None:
    controlnet = catalog.model("flux-controlnet")
    assert (controlnet.example["cn_strength"], controlnet.parameters_by_name["cn_strength"].default) == (0.4, 0.45)
    img2img = catalog.model("flux-img2img")
    assert (img2img.example["prompt"], img2img.parameters_by_name["prompt"].default) == (
        "anime style",
        "3d pixar style",
    )
    finetuned = catalog.model("flux-dev-finetuned")
    assert "finetune_id" not in finetuned.example
    assert finetuned.valid_example["finetune_id"] == "my-finetune-id"


def test_versions_returns_and_times(catalog: Catalog) -> None:
    assert {model.slug: (model.versions, model.returns.media) for model in catalog.models} == {
        "flux-controlnet": (("v1", "v2"), "image"),
        "flux-dev-finetuned": (("v1",), "json"),
        "flux-img2img": (("v1", "v2"), "image"),
        "flux-ipadapter": (("v1", "v2"), "image"),
        "style-transfer": (("v1", "v2"), "image"),
    }
    assert catalog.model("flux-img2img").typical_seconds == pytest.approx(24.99)


def test_the_lifecycle_is_that_of_the_docs(catalog: Catalog) -> None:
    lifecycle = catalog.gateway.lifecycle
    assert [state.name for state in lifecycle.states] == ["QUEUED", "PROCESSING", "COMPLETED", "FAILED"]
    assert {state.name for state in lifecycle.states if state.terminal} == {"COMPLETED", "FAILED"}
    assert (lifecycle.retention_seconds, lifecycle.poll_interval_seconds, lifecycle.deadline_seconds) == (
        3600,
        1.0,
        600,
    )


def test_only_200_is_billed_and_model_pages_print_nine_errors_and_422(catalog: Catalog) -> None:
    statuses = catalog.gateway.statuses
    assert {status.code for status in statuses if status.billed} == {200}
    assert {status.code for status in statuses if status.on_model_pages} == {
        400, 401, 403, 404, 406, 422, 429, 500, 502, 504,
    }  # fmt: skip
