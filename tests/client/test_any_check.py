"""For any catalog with nested parameters, the client compiles, and its check agrees with the specs on every payload."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segforge.spec.catalog import Model
from segforge.spec.values import payload_violations
from tests.catalogs import drawn_models, drawn_payloads, sends_null_of_unknown_type
from tests.client import wide
from tests.seeds import whole_catalog
from tests.shared import once

MODELS = int(os.environ.get("SEGFORGE_MODELS", "40"))
"""The number of random models; `make any-catalog` uses 200."""

PAYLOADS = 30
CHECK = """
import json, sys
from segmind_client._check import violations
cases = json.load(sys.stdin)
print(json.dumps([[(v.rule, v.parameter) for v in violations(slug, params)] for slug, params in cases]))
"""


CLIP: list[dict[str, Any]] = [
    {"prompt": "a", "elements": [{"tag": "a"}, {"uri": "no uri", "odd key": 0}]},
    {"prompt": "a", "images": ["https://a.test/x.png", 1, None]},
    {"prompt": "a", "palette": {"name": 1}},
    {"prompt": "a", "clip_url": "https://a.test/x.mp4", "images": ["https://a.test/x.png"]},
]
"""Payloads of the model `clip` of `tests.client.wide`, with broken rules in nested places."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    """Random models with nested parameters, unions and conditions, and those of `tests.client.wide`."""
    specs = tmp_path_factory.mktemp("wide-specs") / "specs"
    return [*drawn_models(MODELS, nested=True), *wide.wide_catalog(specs).models]


@pytest.fixture(scope="module")
def client(models: list[Model], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a client of these models."""
    catalog = whole_catalog()
    gateway = replace(catalog.gateway, sample=models[0].slug)
    listed = tuple(sorted(models, key=lambda model: model.slug))
    whole = replace(catalog, models=listed, gateway=gateway)
    return once(tmp_path_factory, "any-nested-client", lambda folder: wide.write_client(whole, folder))


def test_the_check_and_the_specs_agree_on_every_payload(client: Path, models: list[Model]) -> None:
    cases: list[tuple[Model, dict[str, Any]]] = [
        (model, params) for model in models for params in (*drawn_payloads(model, PAYLOADS), model.valid_example)
    ]
    cases += [(model, params) for model in models if model.slug == "clip" for params in CLIP]
    assert any(sends_null_of_unknown_type(model, params) for model, params in cases)
    asked = json.dumps([[model.slug, params] for model, params in cases])
    run = subprocess.run(
        [sys.executable, "-c", CHECK], cwd=client, input=asked, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    expected = [[[v.rule, v.parameter] for v in payload_violations(model, params)] for model, params in cases]
    broken = {(rule, place) for each in expected for rule, place in each}
    assert {("format.uri", "elements[1].uri"), ("type.no_member", "palette"), ("condition.forbids", "images")} <= broken
    found = json.loads(run.stdout)
    wrong = [(case[1], each, right) for case, each, right in zip(cases, found, expected, strict=True) if each != right]
    assert wrong == []


def test_mypy_accepts_the_client(client: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-version",
        "3.10",
        "--cache-dir",
        str(client / "mypy"),
    ]
    run = subprocess.run([*command, "segmind_client"], cwd=client, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
