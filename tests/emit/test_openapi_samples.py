"""The code samples of OpenAPI documents work as printed."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segforge import Catalog
from segforge.emit.openapi.document import document
from segforge_mock import Mock
from tests.emit.made_up import made_up_models
from tests.emit.test_hostile_text import NASTY


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, images="tiny") as mock:
        yield mock


def samples(made: dict[str, Any], lang: str) -> dict[str, str]:
    """Returns the samples of a language by the path of their operation."""
    return {
        path: one["source"]
        for path, item in made["paths"].items()
        for one in item.get("post", {}).get("x-codeSamples", ())
        if one["lang"] == lang
    }


def test_samples_in_python_run(catalog: Catalog, mock: Mock, tmp_path: Path) -> None:
    environment = {**os.environ, "SEGMIND_API_KEY": mock.key, "SEGMIND_BASE_URL": mock.url}
    found = samples(document(catalog.gateway, catalog.models), "Python")
    assert len(found) == sum(len(model.versions) for model in catalog.models)
    for path, source in found.items():
        command = [sys.executable, "-c", source]
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, (path, run.stderr)
    assert any(file.name.startswith("output.") for file in tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_samples_with_curl_run(catalog: Catalog, mock: Mock, tmp_path: Path) -> None:
    environment = {**os.environ, "SEGMIND_API_KEY": mock.key}
    for path, source in samples(document(catalog.gateway, catalog.models), "Shell").items():
        command = source.replace("curl ", "curl --fail --silent --show-error ", 1).replace(
            catalog.gateway.base_url, mock.url
        )
        run = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, check=False)
        assert run.returncode == 0, (path, run.stderr)
        assert run.stdout.startswith(b"{") or any(tmp_path.iterdir())


@pytest.mark.parametrize("text", NASTY)
def test_hostile_text_stays_text_in_samples(catalog: Catalog, text: str, tmp_path: Path) -> None:
    (base,) = (one for one in made_up_models() if one.slug == "made-partial")
    model = replace(base, example={"prompt": text}, parameters=(replace(base.parameters[0], required=True),))
    made = document(catalog.gateway, [model])
    shell = samples(made, "Shell")["/v1/made-partial"].replace("curl ", "printf '%s\\n' ", 1)
    printed = subprocess.run(["sh", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert json.dumps({"prompt": text}) in printed.stdout.splitlines()
    assert list(tmp_path.iterdir()) == []
    calls = [
        node for node in ast.walk(ast.parse(samples(made, "Python")["/v1/made-partial"])) if isinstance(node, ast.Call)
    ]
    found = {one.arg: ast.literal_eval(one.value) for call in calls for one in call.keywords}
    assert found == {"prompt": text}
    assert len(calls) == 2
