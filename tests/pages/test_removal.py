"""A removed parameter leaves a spec with all that the spec says about it, and the spec says nothing new."""

from itertools import chain, combinations, product
from pathlib import Path
from typing import Any

import pytest
import yaml

from segforge.pages.drift.apply import apply_linted
from segforge.pages.drift.compare import compare
from segforge.pages.read import page_of_bytes
from segforge.spec.build import build_conditions
from segforge.spec.load import check_model
from segforge.spec.values import broken_by
from segforge.spec.yaml_edit import load

NAMES = ("width", "loops", "strength", "quality")
HEAD = """Scene Serverless API

import requests

data = {"prompt": "a lake"}

requests.post("https://api.segmind.com/v1/scene", json=data)

API Endpoint

POSThttps://api.segmind.com/v1/scene

Parameters

promptrequired
string

The text to paint.
"""
SPEC = """slug: scene
title: Scene
description: Images of scenes.
source: {url: "https://www.segmind.com/models/scene/api", reviewed: "2026-11-20"}
versions: [v1]
returns: {media: image, formats: [jpeg], controls: {prompt: prompt, width: width}}
parameters:
  prompt: {type: string, required: true, description: The text to paint.}
"""
CONDITIONS: list[dict[str, Any]] = [
    {"exactly_one_of": ["width", "loops"]},
    {"exactly_one_of": ["width", "loops", "quality"]},
    {"only_when": {"width": [1], "loops": [2]}, "parameters": ["strength", "quality"]},
    {"only_when": {"width": [1]}, "parameters": ["loops"]},
    {"when_present": ["width"], "forbids": ["loops", "strength"]},
    {"when_present": ["width"], "forbids": ["loops"]},
    {
        "when": {"quality": [1]},
        "when_present": ["width"],
        "requires": ["loops"],
        "forbids_values": {"strength": [1, 2]},
    },
    {"when": {"quality": [1]}, "requires": ["strength"], "with_defaults": True},
    {"when_present": ["quality"], "requires": ["strength"], "inferred": True},
]
QUIRKS = [{"at": f"sample.{name}", "found": "1", "why": "It is text."} for name in NAMES[:2]]
SUBSETS = list(chain.from_iterable(combinations(NAMES, count) for count in range(1, len(NAMES) + 1)))


def applied(folder: Path, lost: tuple[str, ...], conditions: list[dict[str, Any]]) -> str:
    """Returns the spec after a page without some parameters was applied."""
    facts = [f"  {name}: {{type: integer, required: false, description: Tunes it., default: 3}}\n" for name in NAMES]
    more = yaml.safe_dump({"example": {"prompt": "a lake"}, "quirks": QUIRKS, "conditions": conditions})
    file = folder / "scene.yaml"
    file.write_text(f"{SPEC}{''.join(facts)}{more}", "utf-8")
    listed = [f"\n{name}optional\ninteger\n\nTunes it.\n\nDefault: 3\n" for name in NAMES if name not in lost]
    page = page_of_bytes(f"{HEAD}{''.join(listed)}\nResponse Type\n\nReturns: Image\n".encode(), "page.txt")
    source, findings = check_model(file)
    assert source is not None
    assert [one for one in findings if one.severity == "error"] == []
    text, written, refused = apply_linted(file.read_text("utf-8"), compare(page, source), None)
    assert refused == []
    assert sorted(one.path for one in written) == sorted(f"parameters.{name}" for name in lost)
    return text


@pytest.mark.parametrize("lost", SUBSETS, ids=" ".join)
def test_no_trace_of_removed_parameters_is_left_and_nothing_new_is_stated(
    tmp_path: Path, lost: tuple[str, ...]
) -> None:
    text = applied(tmp_path, lost, CONDITIONS)
    made = load(text)
    for name in lost:
        assert name not in text
    kept = [name for name in NAMES if name not in lost]
    assert [one["at"] for one in made.get("quirks", ())] == [f"sample.{name}" for name in NAMES[:2] if name in kept]
    before = build_conditions({"conditions": CONDITIONS})
    after = build_conditions({"conditions": made.get("conditions", ())})
    defaults = dict.fromkeys(kept, 3)
    for values in product((None, 1, 2), repeat=len(kept)):
        payload = {name: value for name, value in zip(kept, values, strict=True) if value is not None}
        old, new = ([list(broken_by(one, payload, defaults)) for one in side] for side in (before, after))
        assert any(new) <= any(old), payload


@pytest.mark.parametrize(
    ("condition", "lost", "left"),
    [
        (0, ("width",), None),
        (1, ("width",), {"exactly_one_of": ["loops", "quality"]}),
        (1, ("width", "loops"), None),
        (2, ("width",), {"only_when": {"loops": [2]}, "parameters": ["strength", "quality"]}),
        (2, ("quality",), {"only_when": {"width": [1], "loops": [2]}, "parameters": ["strength"]}),
        (2, ("quality", "strength"), None),
        (2, ("width", "loops"), None),
        (4, ("loops",), {"when_present": ["width"], "forbids": ["strength"]}),
        (4, ("loops", "strength"), None),
        (4, ("width",), None),
        (
            6,
            ("loops",),
            {"when": {"quality": [1]}, "when_present": ["width"], "forbids_values": {"strength": [1, 2]}},
        ),
        (6, ("loops", "strength"), None),
        (6, ("quality",), None),
        (7, ("strength",), None),
        (7, ("loops",), CONDITIONS[7]),
    ],
)
def test_a_condition_keeps_what_still_follows(
    tmp_path: Path, condition: int, lost: tuple[str, ...], left: dict[str, Any] | None
) -> None:
    made = load(applied(tmp_path, lost, [CONDITIONS[condition]]))
    assert made.get("conditions") == (None if left is None else [left])


def test_conditions_that_become_equal_are_written_once(tmp_path: Path) -> None:
    made = load(applied(tmp_path, ("strength",), CONDITIONS[4:6]))
    assert made["conditions"] == CONDITIONS[5:6]
