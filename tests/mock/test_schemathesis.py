"""Schemathesis finds nothing on the mock with our OpenAPI documents, and follows links to results of every medium."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final

from segforge import Catalog
from segforge.emit.openapi.document import document
from segforge.emit.openapi.text import json_text
from segforge.spec.catalog import Controls
from segforge_contract.pytest_plugin import spread
from segforge_mock import Mock
from segforge_mock.models.served import models_of_catalog
from tests.emit.made_up import made_up_models
from tests.mock.media_models import model

KEYS: Final = ["SG_0123456789abcdef"]
"""The accepted key. Schemathesis checks that others are refused."""


def findings(mock: Mock, path: Path, folder: Path, *options: str) -> tuple[int, str, Counter[tuple[str | None, int]]]:
    """Runs Schemathesis. Returns its exit code, its output, and how often each route gave each status."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(path), "--url", mock.url, "--no-color"]
    command += ["--header", f"x-api-key: {mock.key}", "--checks", "all", "--seed", "1", *options]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    return result.returncode, result.stdout[-5000:], Counter((one.route, one.status) for one in mock.requests)


def test_schemathesis_finds_nothing_in_the_document_of_all_models(whole_catalog: Catalog, tmp_path: Path) -> None:
    """Both versions read bodies with the same code, so v1 is tested only where a model has no v2."""
    models = spread(whole_catalog.models)
    path = tmp_path / "segmind.json"
    path.write_text(json_text(document(whole_catalog.gateway, models), {}), "utf-8")
    twice = "|".join(one.slug for one in models if set(one.versions) == {"v1", "v2"})
    with Mock(keys=KEYS, time_scale=0, images="tiny") as mock:
        options = ("--max-examples", "1", "--exclude-path-regex", f"^/v1/({twice})$")
        code, said, asked = findings(mock, path, tmp_path, *options)
    assert code == 0, said
    assert asked.total() > 500


def test_forms_with_files_that_fit_our_document_are_accepted(catalog: Catalog, tmp_path: Path) -> None:
    """Schemathesis sends the bytes of a file without a file name. Any bytes fit a file, so no form is invalid."""
    file = {"type": "string", "format": "uri", "file": "audio", "required": False, "accepts": ["url", "part"]}
    files = {"type": "array", "items": file, "max_items": 3, "required": False}
    form = model("forms", "text", parameters={"voice": file, "samples": files}, encodings=["multipart"])
    kept = tuple(one for one in form.parameters if one.name in ("voice", "samples"))  # the mock limits the others
    form = replace(form, parameters=kept, returns=replace(form.returns, controls=Controls()))
    made_up = replace(catalog, models=(form,), gateway=replace(catalog.gateway, sample=None))
    path = tmp_path / "forms.json"
    path.write_text(json_text(document(made_up.gateway, made_up.models), {}), "utf-8")
    with Mock(models=models_of_catalog(made_up), keys=KEYS, time_scale=0, images="tiny") as mock:
        options = ("--max-examples", "20", "--phases", "fuzzing", "--mode", "positive")
        code, said, asked = findings(mock, path, tmp_path, *options)
    assert code == 0, said
    assert asked["submit", 200] > 10


def test_schemathesis_follows_our_links_to_results_of_every_medium(catalog: Catalog, tmp_path: Path) -> None:
    gateway = replace(catalog.gateway, sample=None)
    made_up = replace(catalog, models=made_up_models(), gateway=gateway)
    path = tmp_path / "made-up.json"
    path.write_text(json_text(document(gateway, made_up.models), {}), "utf-8")
    with Mock(models=models_of_catalog(made_up), keys=KEYS, time_scale=0, images="tiny") as mock:
        code, said, asked = findings(mock, path, tmp_path, "--max-examples", "5")
    assert code == 0, said
    for route in ("status", "result", "poll"):
        assert asked[route, 200] > 0, said
