"""Findings rest on facts: what partial specs, inferred facts, conditions and retired models allow to say."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from segforge.usage.check import check_usage
from segforge.usage.judge import is_misspelling
from segforge.usage.knowledge import load_knowledge

WHOLE: dict[str, Any] = {
    "prompt": "x",
    "image": "https://example.com/image.png",
    "steps": 20,
    "denoise": 0.5,
    "scheduler": "simple",
    "sampler_name": "euler",
}


def changed(specs: Path, change: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
    """Changes facts of the spec of flux-img2img, and of its parameters."""
    path = specs / "models" / "flux-img2img.yaml"
    data = yaml.safe_load(path.read_text("utf-8"))
    data |= change
    for name, facts in (parameters or {}).items():
        data["parameters"][name] |= facts
    path.write_text(json.dumps(data), "utf-8")


def rules(specs: Path, payload: dict[str, Any], slug: str = "flux-img2img") -> list[str]:
    """The rules that a call with a payload breaks."""
    code = specs.parent / "app.py"
    code.write_text(f"import requests\nrequests.post('https://api.segmind.com/v1/{slug}', json={payload!r})\n", "utf-8")
    return [finding.rule for finding in check_usage([code], load_knowledge(specs)).findings]


def test_a_valid_call_has_no_finding(specs: Path) -> None:
    assert rules(specs, WHOLE) == []
    assert rules(specs, {**WHOLE, "style": 1}) == ["parameter.unknown"]


def test_a_partial_spec_does_not_show_that_a_parameter_is_unknown(specs: Path) -> None:
    changed(specs, {"level": "partial"})
    assert rules(specs, {**WHOLE, "style": 1}) == []
    assert rules(specs, {**WHOLE, "style": 1, "steps": 60}) == ["range.above"]


def test_inferred_facts_exclude_nothing(specs: Path) -> None:
    changed(specs, {"level": "partial"}, {"prompt": {"inferred": ["type"]}})
    assert rules(specs, {**WHOLE, "prompt": 1, "image": 1}) == ["type.integer_for_string"]  # that of image


def test_a_broken_condition_is_found_if_the_whole_payload_is_visible(specs: Path) -> None:
    changed(specs, {"conditions": [{"when_present": ["seed"], "requires": ["base64"]}]})
    assert [rule.partition(".")[0] for rule in rules(specs, {**WHOLE, "seed": 1})] == ["condition"]
    assert rules(specs, {**WHOLE, "seed": 1, "base64": True}) == []


def test_a_retired_model_is_an_error(specs: Path) -> None:
    path = specs / "directory.yaml"
    data = yaml.safe_load(path.read_text("utf-8"))
    data["unlisted"]["superimpose"]["state"] = "retired"
    path.write_text(json.dumps(data), "utf-8")
    assert rules(specs, {}, "superimpose") == ["slug.retired"]
    assert rules(specs, {}, "superimpose-v2") == ["slug.unlisted"]


@pytest.mark.parametrize(
    ("written", "slug", "expected"),
    [
        ("flux_img2img", "flux-img2img", True),
        ("Flux-Img2Img", "flux-img2img", True),
        ("faceswapv4", "faceswap-v4", True),
        ("nano-bananna", "nano-banana", True),
        ("nano-banaan", "nano-banana", True),
        ("nano-bananas", "nano-banana", True),
        ("faceswap-v6", "faceswap-v5", False),
        ("gpt-4x", "gpt-4o", False),
        ("flux-pro", "flux-dev", False),
        ("kling-2", "kling-1", False),
        ("sdxl1.0-txt2img", "sdxl2.0-txt2img", False),
        ("nano", "nano-banana", False),
    ],
)
def test_a_misspelling_is_one_letter_away(written: str, slug: str, expected: bool) -> None:
    assert is_misspelling(written, slug) is expected
