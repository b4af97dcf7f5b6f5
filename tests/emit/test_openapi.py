"""The OpenAPI documents state the facts of the Catalog, and common tools accept them."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.core.result import Ok

from segforge import Catalog
from segforge.emit.artifact import Generated
from segforge.emit.manifest import write
from segforge.emit.openapi.document import document
from segforge.emit.pipeline import EMITTERS, emit
from segforge.emit.schemas import request_schema
from segforge.spec.catalog import Absent, Model
from tests.emit.made_up import made_up_models
from tests.shared import read_yaml
from tests.typescript.conftest import node, tool

ROOT = Path(__file__).parents[2]
OPENAPI = ROOT / "generated" / "openapi"
TOOLS = ROOT / "tests" / "interop"
SHARED = [OPENAPI / "segmind.yaml", OPENAPI / "segmind.json"]
MODELS = sorted((OPENAPI / "models").glob("*.yaml"))
PARTIAL = [path for path in MODELS if b"x-level: partial" in path.read_bytes()]
DOCUMENTS = [*SHARED, *(path for path in MODELS if path not in PARTIAL), *PARTIAL[::10]]
"""Those of all models, of each complete one, and of every tenth partial one, since these are built alike."""

OTHERS = OPENAPI / "other-routes.yaml"

documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


@pytest.fixture(scope="module")
def made_up(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the documents of models that have parts, unions, conditions and other media than images."""
    folder = tmp_path_factory.mktemp("made-up")
    gateway = dataclasses.replace(catalog.gateway, sample=None)
    made = dataclasses.replace(catalog, models=made_up_models(), gateway=gateway)
    write(folder, Generated(list(emit(made, ["openapi"]))), ["openapi"])
    return folder / "openapi"


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = read_yaml(path.read_text("utf-8"))
    return loaded


@documents
def test_a_document_is_valid_openapi(path: Path) -> None:
    OpenAPIV31SpecValidator(load(path)).validate()


def test_yaml_and_json_hold_the_same_document() -> None:
    assert load(OPENAPI / "segmind.yaml") == json.loads((OPENAPI / "segmind.json").read_text("utf-8"))


def test_every_model_has_a_document(whole_catalog: Catalog) -> None:
    assert {path.stem for path in (OPENAPI / "models").iterdir()} == {model.slug for model in whole_catalog.models}


@documents
def test_operations_statuses_and_security(path: Path, whole_catalog: Catalog) -> None:
    catalog, spec = whole_catalog, load(path)
    models = catalog.models if path.stem == "segmind" else [catalog.model(path.stem)]
    expected = {f"/{version}/{model.slug}" for model in models for version in model.versions}
    expected |= {"/v1/get-user-credits"} if path in SHARED else set()
    if any("v2" in model.versions for model in models):
        expected |= {"/v2/requests/{request_id}/status", "/v2/requests/{request_id}", "/v1/requests/{request_id}"}
    assert set(spec["paths"]) == expected
    assert spec["components"]["securitySchemes"]["apiKey"] == {"type": "apiKey", "in": "header", "name": "x-api-key"}
    for name, item in spec["paths"].items():
        [operation] = item.values()
        promised = {str(status.code) for status in catalog.gateway.statuses if status.on_model_pages}
        wanted = promised - {"400", "403", "406"} if "request" in name or "credits" in name else promised - {"422"}
        assert wanted - ({"422"} if "credits" in name else set()) <= set(operation["responses"]), name


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_failures_have_a_body_and_an_example_each(path: Path) -> None:
    spec = load(path)
    schemas = {"components": spec["components"]}
    for name, response in spec["components"]["responses"].items():
        for media_type, content in response["content"].items():
            assert content["examples"], name
            for example in content["examples"].values():
                assert "{" not in json.dumps(example["value"]).strip('{}"') or media_type == "application/json"
                jsonschema.validate(example["value"], {**content["schema"], **schemas})
                if media_type == "application/json":
                    assert example["value"]["error"]


@documents
def test_samples_fit_their_schemas(path: Path) -> None:
    spec = load(path)
    for item in spec["paths"].values():
        for operation in item.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for example in content.get("examples", {}).values():
                    jsonschema.validate(example["value"], {**content["schema"], "components": spec["components"]})


def test_every_fact_of_a_parameter_is_in_its_schema(catalog: Catalog) -> None:
    for model in catalog.models:
        schema = request_schema(model)
        assert schema["required"] == [parameter.name for parameter in model.parameters if parameter.required]
        for parameter in model.parameters:
            made = schema["properties"][parameter.name]
            assert made.get("minimum") == parameter.minimum
            assert made.get("maximum") == parameter.maximum
            assert made.get("default", parameter.default) == parameter.default or isinstance(parameter.default, Absent)
            assert ("default" in made) != isinstance(parameter.default, Absent)
            values = made["anyOf"][0]["enum"] if "anyOf" in made else made.get("enum")
            assert values == (list(parameter.choices.known) if parameter.choices else None)
            assert ("anyOf" in made) == bool(parameter.choices and parameter.choices.open)


def test_media_types_follow_the_formats(catalog: Catalog) -> None:
    def run(model: Model) -> set[str]:
        operation = document(catalog.gateway, [model])["paths"][f"/v1/{model.slug}"]["post"]
        return set(operation["responses"]["200"]["content"])

    assert run(catalog.model("style-transfer")) == {"image/webp", "image/jpeg", "image/png"}
    assert run(catalog.model("flux-img2img")) == {"image/jpeg", "application/json"}
    assert run(catalog.model("flux-dev-finetuned")) == {"application/json"}


def test_emitting_is_pure(catalog: Catalog) -> None:
    assert list(emit(catalog, ["openapi"])) == list(emit(catalog, ["openapi"]))


def test_redocly_reports_nothing(made_up: Path) -> None:
    options = ["--config", "redocly.yaml", "--format", "stylish"]
    paths = [*DOCUMENTS, OTHERS, *made_up.rglob("*.yaml")]
    result = node(tool("@redocly/cli", "redocly"), "lint", *options, *map(str, paths), cwd=TOOLS)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "warning" not in result.stdout


def test_the_other_routes_have_a_document_with_their_own_servers(catalog: Catalog) -> None:
    spec = load(OTHERS)
    OpenAPIV31SpecValidator(spec).validate()
    found = {
        (method.upper(), item["servers"][0]["url"] + path)
        for path, item in spec["paths"].items()
        for method in item.keys() - {"servers"}
    }
    own = {"https://api.segmind.com/v1/requests/{request_id}", "https://api.segmind.com/v1/get-user-credits"}
    assert found == {(one.method, one.url) for one in catalog.gateway.other_routes if one.url not in own}
    upload = spec["paths"]["/upload-asset"]
    assert upload["servers"] == [{"url": "https://workflows-api.segmind.com"}]
    assert "data_urls" in upload["post"]["description"]
    assert "x-mock-assumes" not in upload["post"]
    assert "authenticated" in spec["paths"]["/api/auth/authenticate"]["get"]["x-mock-assumes"]
    assert spec["paths"]["/llms.txt"]["get"]["security"] == []


def test_documents_of_made_up_models_are_valid(made_up: Path) -> None:
    for path in {*made_up.rglob("*.yaml")} - {*made_up.rglob("*.arazzo.yaml")}:
        OpenAPIV31SpecValidator(load(path)).validate()
        found = [isinstance(result, Ok) for result in schemathesis.openapi.from_path(str(path)).get_all_operations()]
        assert found == [True] * len(load(path)["paths"])


def test_a_document_has_only_the_components_that_it_uses(made_up: Path) -> None:
    def component(name: str, kind: str = "schemas") -> dict[str, Any]:
        found: dict[str, Any] = load(made_up / "models" / f"{name}.yaml")["components"].get(kind, {})
        return found

    assert {"MessageShape", "OpenaiChatAnswer"} <= component("made-chat").keys()
    assert not {"MessageShape", "OpenaiChatAnswer", "OutputFile"} & component("made-embedding").keys()
    assert component("made-embedding", "links") == {}
    assert {"video", "last_frame_url"} <= component("made-video")["JobResult"]["properties"].keys()
    assert "images" not in component("made-video")["JobResult"]["properties"]
    assert list(load(made_up / "segmind.yaml")["components"]["schemas"]).count("MessageShape") == 1


@pytest.mark.parametrize("own", [True, False], ids=["own", "made-up"])
def test_openapi_typescript_generates_types_that_compile(tmp_path: Path, made_up: Path, own: bool) -> None:
    types, document = tmp_path / "segmind.ts", (OPENAPI if own else made_up) / "segmind.yaml"
    for command in (
        [tool("openapi-typescript", "openapi-typescript"), str(document), "--output", str(types)],
        [tool("typescript", "tsc"), "--strict", "--noEmit", "--skipLibCheck", str(types)],
    ):
        result = node(*command, cwd=TOOLS)
        assert result.returncode == 0, result.stdout + result.stderr
    assert ('"euler" | "euler_cfg_pp"' if own else "MessageShape") in types.read_text("utf-8")


@pytest.mark.parametrize("own", [True, False], ids=["own", "made-up"])
def test_openapi_python_client_generates_a_client(tmp_path: Path, made_up: Path, own: bool) -> None:
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
    document = (OPENAPI if own else made_up) / "segmind.json"
    command += ["--path", str(document), "--output-path", str(tmp_path / "client")]
    command += ["--config", str(TOOLS / "openapi_python_client.yaml")]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it formats what it makes with ruff
    environment = {**os.environ, "PATH": path}
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    model = "style_transfer_request.py" if own else "message_shape.py"
    assert (tmp_path / "client" / "models" / model).is_file()


@documents
def test_schemathesis_reads_every_operation(path: Path) -> None:
    schema = schemathesis.openapi.from_path(str(path))
    found = [isinstance(result, Ok) for result in schema.get_all_operations()]
    assert found == [True] * len(load(path)["paths"])


def test_notes_reach_openapi_documents_but_no_client(catalog: Catalog) -> None:
    mark = "a remark for maintainers"
    models = tuple(
        dataclasses.replace(
            model,
            note=mark,
            parameters=tuple(dataclasses.replace(parameter, note=mark) for parameter in model.parameters),
        )
        for model in catalog.models
    )
    files = {str(one.path): one.text for one in emit(dataclasses.replace(catalog, models=models), EMITTERS)}
    noted = {path.partition("/")[0] for path, text in files.items() if mark in text}
    assert noted - {"mock"} == {"openapi"}
    schema = read_yaml(files["openapi/models/flux-img2img.yaml"])["components"]["schemas"]["FluxImg2imgRequest"]
    assert {schema["x-curator-note"], *(one["x-curator-note"] for one in schema["properties"].values())} == {mark}


def test_a_schema_accepts_a_printed_value_that_the_other_facts_exclude(whole_catalog: Catalog) -> None:
    schema = request_schema(whole_catalog.model("minimax-ai"))["properties"]["subject_reference"]
    assert schema["default"] == ""
    assert schema["anyOf"] == [{"type": "string", "format": "uri"}, {"x-disputed": True, "enum": [""]}]
