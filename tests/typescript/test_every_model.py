"""Each model of the project's specs: its bundle is small, and calls with its page's sample return the right medium."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from segforge import Catalog
from segforge.emit.pipeline import name_models
from segforge.spec.catalog import Model
from segforge.spec.identifiers import camel_case
from segforge.spec.values import payload_violations
from tests.decoders import medium_of
from tests.typescript.conftest import node
from tests.typescript.test_nested import MOST_BYTES
from tests.typescript.test_package import bundles

HERE = Path(__file__).parent

KINDS = {
    "image": "MediaResult",
    "video": "VideoResult",
    "audio": "AudioResult",
    "model3d": "Model3dResult",
    "text": "TextResult",
    "json": "JsonResult",
    "embedding": "EmbeddingResult",
    "caption": "CaptionResult",
}


def test_a_bundle_of_each_model_is_small(project: Path, whole_catalog: Catalog) -> None:
    named = list(name_models(whole_catalog.models))
    entries = [f"import {{ {name} }} from 'segmind-client'; export default new {name}();" for _, name in named]
    sizes = {
        model.slug: len(gzip.compress(made.encode(), 9, mtime=0))
        for (model, _), made in zip(named, bundles(project, entries), strict=True)
    }
    assert {slug: size for slug, size in sizes.items() if size >= MOST_BYTES} == {}


@pytest.fixture(scope="module")
def outputs(project: Path, mock_url: str, whole_catalog: Catalog) -> list[dict[str, Any]]:
    """The outputs of all models, in both versions."""
    asked = [
        {
            "slug": model.slug,
            "property": camel_case(model.slug),
            "versions": model.versions,
            "params": sendable(model),
        }
        for model in whole_catalog.models
    ]
    shutil.copy(HERE / "every.mjs", project / "every.mjs")
    run = node("every.mjs", cwd=project, MOCK_URL=mock_url, ASKED=json.dumps(asked))
    assert run.returncode == 0, run.stderr
    found: list[dict[str, Any]] = json.loads(run.stdout)
    assert len(found) == sum(len(one["versions"]) for one in asked)
    return found


def test_the_sample_of_each_page_returns_the_medium_of_the_model(
    project: Path, whole_catalog: Catalog, outputs: list[dict[str, Any]]
) -> None:
    for output in outputs:
        model = whole_catalog.model(output["slug"])
        assert output["kind"] == expected_kind(model), output
        opens(model, (project / output["path"]).read_bytes(), output)
        broken = [(one.rule, one.parameter) for one in payload_violations(model, sendable(model))]
        found = [(one["rule"], one["parameter"]) for one in output["broken"]]
        assert found == [one for one in broken if one[0] != "format.uri" or one in found], output


def sendable(model: Model) -> dict[str, Any]:
    """Returns the page's sample, completed with arrays of addresses that it lacks although they are required."""
    lacking = [one for one in model.parameters if one.required and one.name not in model.valid_example]
    assert all(one.type == "array" for one in lacking)
    return model.valid_example | {one.name: ["https://example.com/a.png"] * (one.min_items or 1) for one in lacking}


def expected_kind(model: Model) -> str:
    shape = model.returns.shape
    if shape is not None:
        return KINDS.get(shape, "ChatResult")
    return KINDS[model.returns.media]


def opens(model: Model, content: bytes, output: dict[str, Any]) -> None:
    """Opens an output with a real decoder."""
    if model.returns.media in ("image", "video", "audio", "model3d"):
        assert medium_of(content, output["contentType"]) == model.returns.media
    elif model.returns.shape == "embedding":
        assert output["embedding"] == len(json.loads(content)["data"][0]["embedding"]) > 0
    elif model.returns.media == "text" or model.returns.shape is not None:
        assert "segforge mock" in output["text"]
    else:
        json.loads(content)
