"""specs -> OpenAPI -> specs is the identity on every fact that OpenAPI can hold."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from segforge.cli import main
from segforge.emit.openapi import document
from segforge.pages.draft import lint_text
from segforge.pages.openapi import draft_of, models_of
from segforge.spec.catalog import Catalog, Controls, Model
from segforge.spec.load import build_model, default_specs, load_catalog
from segforge.spec.source import read_source
from tests.pages.models import models

CATALOG = load_catalog(default_specs())


def held(model: Model) -> Model:
    """The model without what an OpenAPI document can't hold; see segforge.pages.openapi."""
    return replace(
        model,
        typical_seconds=None,
        note=None,
        example=model.valid_example,
        returns=replace(model.returns, controls=Controls(base64=model.returns.controls.base64)),
        parameters=tuple(
            replace(one, description=f"{one.description} {one.note}" if one.note else one.description, note=None)
            for one in model.parameters
        ),
    )


def through_openapi(model: Model) -> Model:
    (read,) = models_of(json.loads(json.dumps(document(CATALOG.gateway, [model]))), "document")
    return replace(read, source=model.source)


def test_the_projects_own_specs_come_back(catalog: Catalog, tmp_path: Path) -> None:
    for model in catalog.models:
        text = draft_of(through_openapi(model)).text
        assert lint_text(text, model.slug) == []
        (tmp_path / f"{model.slug}.yaml").write_text(text, "utf-8")
        source, _ = read_source(tmp_path / f"{model.slug}.yaml", "draft")
        assert source is not None
        assert build_model(source.data) == held(model)


@settings(max_examples=60)
@given(models())
def test_any_model_comes_back(model: Model) -> None:
    assert through_openapi(model) == held(model)


@settings(max_examples=40)
@given(model=models())
def test_a_draft_says_what_it_was_made_of(model: Model, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("draft") / f"{model.slug}.yaml"
    path.write_text(draft_of(held(model)).text, "utf-8", newline="\n")
    source, findings = read_source(path, "draft")
    assert source is not None
    assert findings == []
    assert build_model(source.data) == held(model)


def test_the_command(catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "openapi.json", tmp_path / "models"
    file.write_text(json.dumps(document(catalog.gateway, catalog.models)), "utf-8")
    assert main(["import", "--openapi", str(file), "--out", str(out)]) == 0
    assert sorted(path.stem for path in out.iterdir()) == [model.slug for model in catalog.models]
    assert main(["import", "--openapi", str(file), "--out", str(out)]) == 1
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"openapi": "3.1.0"}',
        '{"openapi": "2.0"}',
        '{"openapi": "3.1.0", "paths": {"/v1/x": {"post": {}}}}',
        '{"openapi": "3.1.0", "paths": []}',
        "[" * 100_000,
    ],
)
def test_what_is_no_document_gets_one_message(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    assert main(["import", "--openapi", str(file), "--out", str(tmp_path / "out")]) == 1
    assert "expected" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
