"""For any catalog that lint accepts, the mock serves it, the contract tests report nothing, and the clients compile."""

import contextlib
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from segforge import Catalog
from segforge.emit.artifact import Generated
from segforge.emit.manifest import write
from segforge.emit.pipeline import emit, name_models
from segforge.emit.quoting import typescript_key, typescript_literal
from segforge.spec.catalog import Model
from segforge.spec.identifiers import words
from segforge.spec.values import violations
from segforge_contract import AsgiTarget, open_session, plan, run
from segforge_mock import MockTransport, create_app
from segforge_mock.app import App
from segforge_mock.models.reading import Payload
from segforge_mock.models.served import models_of_catalog
from tests.catalogs import drawn_models, drawn_payloads
from tests.typescript.conftest import execute, tool

KEY = "SG_0123456789abcdef"
MODELS = int(os.environ.get("SEGFORGE_MODELS", "30"))
"""The number of random models; `make any-catalog` uses 200."""

EMITTERS = ("mock", "python", "typescript")


@pytest.fixture(scope="module")
def any_catalog(catalog: Catalog) -> Catalog:
    """A catalog of the gateway with only the random models."""
    models = tuple(sorted(drawn_models(MODELS), key=lambda model: model.slug))
    assert len(models) == MODELS
    return replace(catalog, models=models, gateway=replace(catalog.gateway, sample=models[0].slug))


@pytest.fixture(scope="module")
def generated(any_catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files generated from this catalog."""
    folder = tmp_path_factory.mktemp("generated")
    write(folder, Generated(list(emit(any_catalog, EMITTERS))), EMITTERS)
    return folder


@pytest.fixture(scope="module")
def app(any_catalog: Catalog) -> App:
    """A mock of it without delays."""
    return create_app(models=models_of_catalog(any_catalog), time_scale=0, images="tiny", keys=[KEY])


@pytest.fixture
def client(app: App) -> Iterator[httpx.Client]:
    with httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY}) as client:
        yield client


def test_the_mock_accepts_examples_and_defaults(any_catalog: Catalog, client: httpx.Client) -> None:
    """Examples and defaults are accepted even if the page itself excludes their values."""
    for model in any_catalog.models:
        payloads = [model.valid_example]
        payloads += [
            {**model.valid_example, p.name: p.default}
            for p in model.parameters
            if isinstance(p.default, str | int | float)
        ]
        for version in model.versions:
            for payload in payloads:
                answer = client.post(f"/{version}/{model.slug}", json=payload)
                assert answer.status_code == 200, (model.slug, payload, answer.text)
                if version == "v2":
                    assert client.get(answer.json()["response_url"]).status_code == 200


def test_the_mock_and_the_specs_accept_the_same_values(app: App, cases: list[tuple[Model, dict[str, Any]]]) -> None:
    for model, params in cases:
        served = app.models.get(model.slug)
        assert served is not None
        read = served.read(json.dumps(params).encode())
        found = violations(model.parameters, params)
        assert read == found if found else isinstance(read, Payload), (model.slug, params)


def test_the_mock_s_package_holds_the_catalog(any_catalog: Catalog, generated: Path) -> None:
    folder = generated / "mock" / "segmind_mock"
    assert runpy.run_path(str(folder / "gateway.py"))["GATEWAY"] == any_catalog.gateway
    modules = runpy.run_path(str(folder / "__init__.py"))["MODELS"]
    for model in any_catalog.models:
        assert runpy.run_path(str(folder / "models" / f"{modules.pop(model.slug)}.py"))["MODEL"] == model
    assert modules == {}


def test_the_contract_is_quiet(any_catalog: Catalog, app: App) -> None:
    planned = plan(any_catalog, any_catalog.models[:: MODELS // 10], max_examples=4, seed=0)
    with contextlib.closing(AsgiTarget(app, KEY)) as target:
        outcome = run(planned, open_session(any_catalog, target))
    found = [
        (failure.case.name, failure.broken.expected, failure.broken.found)
        for failure in outcome.failures
        if failure.broken.rule != "bytes.match_size"  # tiny images do not have the requested size
    ]
    assert found == []


def test_mypy_accepts_the_client(generated: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-version",
        "3.10",
        "--cache-dir",
        str(generated / "mypy"),
    ]
    run_ = subprocess.run(
        [*command, "segmind_client"], cwd=generated / "python", capture_output=True, text=True, check=False
    )
    assert run_.returncode == 0, run_.stdout


@pytest.fixture(scope="module")
def compiled(any_catalog: Catalog, generated: Path) -> Path:
    """The TypeScript client compiled to JavaScript, together with a call of each model without optional parameters."""
    folder = generated / "typescript"
    lines = [f"import * as m{at} from './models/{module(model)}.js';" for at, model in enumerate(any_catalog.models)]
    for at, (model, name) in enumerate(name_models(any_catalog.models)):
        needed = {p.name: model.valid_example[p.name] for p in model.parameters if p.required}
        call = "run" if "v1" in model.versions else "submit"
        lines.append(f"void new m{at}.{name}({{ apiKey: 'k' }}).{call}({typescript_object(needed)});")
    (folder / "src" / "uses.ts").write_text("\n".join(lines), "utf-8")
    options = ["--pretty", "false", "--skipDefaultLibCheck", "-p", "tsconfig.esm.json"]
    tsc = execute("node", tool("typescript", "tsc"), *options, cwd=folder)
    assert tsc.stdout == ""
    return folder / "dist" / "esm"


def test_tsc_accepts_the_client_and_calls_of_it(compiled: Path) -> None:
    assert (compiled / "uses.js").is_file()


def test_the_clients_and_the_specs_agree_on_values(
    generated: Path, compiled: Path, cases: list[tuple[Model, dict[str, Any]]]
) -> None:
    """The TypeScript client does not check URIs, to stay small. Otherwise both clients agree."""
    expected = [[[v.rule, v.parameter] for v in violations(model.parameters, params)] for model, params in cases]
    asked = json.dumps([[model.slug, params] for model, params in cases])
    python = execute(sys.executable, "-c", IN_PYTHON, cwd=generated / "python", ASKED=written(generated, asked))
    assert python.returncode == 0, python.stderr
    found = json.loads(python.stdout)
    wrong = [(case[1], each, right) for case, each, right in zip(cases, found, expected, strict=True) if each != right]
    assert wrong == []

    asked = json.dumps([[module(model), marked(params)] for model, params in cases])
    typescript = execute(
        "node", "--input-type=module", "--eval", IN_NODE, cwd=compiled, ASKED=written(generated, asked)
    )
    assert typescript.returncode == 0, typescript.stderr
    found = json.loads(typescript.stdout)
    for (model, params), each, right in zip(cases, found, expected, strict=True):
        assert [rule for rule in right if rule[0] != "format.uri"] == each, (model.slug, params)


@pytest.fixture(scope="module")
def cases(any_catalog: Catalog) -> list[tuple[Model, dict[str, Any]]]:
    """Returns payloads of all models."""
    return [(model, params) for model in any_catalog.models for params in drawn_payloads(model, 20)]


IN_PYTHON = """
import json, os
from segmind_client._check import violations
with open(os.environ["ASKED"]) as file:
    cases = json.load(file)
print(json.dumps([[(v.rule, v.parameter) for v in violations(slug, params)] for slug, params in cases]))
"""
IN_NODE = """
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const found = [];
const large = (_key, value) => (value?.large ? BigInt(value.large) : value);
for (const [module, params] of JSON.parse(readFileSync(process.env.ASKED, "utf-8"), large)) {
  const [Model] = Object.values(await import(pathToFileURL(`${process.cwd()}/models/${module}.js`)));
  const broken = new Model({ apiKey: "k" }).check(Object.fromEntries(params));
  found.push(broken.map(({ rule, parameter }) => [rule, parameter]));
}
console.log(JSON.stringify(found));
"""


def written(folder: Path, text: str) -> str:
    """Writes a text to a file and returns its path."""
    (folder / "asked.json").write_text(text, "utf-8")
    return str(folder / "asked.json")


def marked(params: dict[str, Any]) -> list[tuple[str, Any]]:
    """Returns the parameters as pairs, because one may be named `__proto__`. Large integers are marked."""
    return [
        (name, {"large": str(value)} if isinstance(value, int) and abs(value) >= 2**53 else value)
        for name, value in params.items()
    ]


def module(model: Model) -> str:
    """Returns the name of a model's TypeScript module."""
    return "-".join(words(model.slug))


def typescript_object(params: dict[str, Any]) -> str:
    """Returns an object literal."""
    return (
        f"{{ {', '.join(f'{typescript_key(name)}: {typescript_literal(value)}' for name, value in params.items())} }}"
    )
