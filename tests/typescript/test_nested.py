"""For any model with nested parameters, the client compiles, takes valid calls, and checks values as the specs do."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from segforge import Catalog
from segforge.emit.artifact import Generated
from segforge.emit.manifest import write
from segforge.emit.pipeline import emit, name_models
from segforge.emit.quoting import typescript_literal
from segforge.spec.catalog import ABSENT, Json, Model, Parameter
from segforge.spec.identifiers import words
from segforge.spec.values import is_among, payload_violations
from tests.catalogs import drawn_models, drawn_payloads
from tests.typescript.conftest import execute, tool
from tests.typescript.models import every_model

MODELS = int(os.environ.get("SEGFORGE_MODELS", "30"))
"""The number of random models."""


@pytest.fixture(scope="module")
def models() -> list[Model]:
    """Random models with nested parameters, of which every third one is partial, and models with every construct."""
    drawn = drawn_models(MODELS, nested=True)
    return [*(replace(one, level="partial") if at % 3 == 0 else one for at, one in enumerate(drawn)), *every_model()]


@pytest.fixture(scope="module")
def compiled(catalog: Catalog, models: list[Model], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client of these models, compiled together with a valid call of each model."""
    folder = tmp_path_factory.mktemp("nested")
    every = replace(catalog, models=tuple(models), gateway=replace(catalog.gateway, sample=models[0].slug))
    write(folder, Generated(list(emit(every, ["typescript"]))), ["typescript"])
    folder /= "typescript"
    lines: list[str] = []
    for at, (model, name) in enumerate(name_models(models)):
        call = "run" if "v1" in model.versions else "submit"
        lines.append(f"import * as m{at} from './models/{module(model)}.js';\nexport const c{at} = m{at}.{name};")
        lines += [
            f"void new m{at}.{name}({{ apiKey: 'k' }}).{call}({typescript_literal(params)});"
            for params in [{**model.valid_example}, *valid_payloads(model)]
            if fits_types(model, params)
        ]
    assert len(lines) > 3 * len(models)
    (folder / "src" / "uses.ts").write_text("\n".join(lines), "utf-8")
    tsc = execute(
        "node",
        tool("typescript", "tsc"),
        *("--pretty", "false", "--skipDefaultLibCheck", "-p", "tsconfig.esm.json"),
        cwd=folder,
    )
    assert tsc.stdout == ""
    return folder / "dist" / "esm"


def valid_payloads(model: Model) -> Iterator[dict[str, Any]]:
    """Yields payloads that break no rule."""
    for params in drawn_payloads(model, 20):
        if not payload_violations(model, params):
            yield params


def fits_types(model: Model, params: dict[str, Any]) -> bool:
    """Returns whether a call is of the model's type: without unknown keys and large numbers."""
    known = {one.name for one in model.parameters if one.required} <= params.keys()
    return known and all(_fits(one, params[one.name]) for one in model.parameters if one.name in params)


def _fits(parameter: Parameter, value: Json) -> bool:
    """Returns whether a valid value is of its parameter's type, which knows no printed lists and objects."""
    if isinstance(value, list | dict) and is_among(value, parameter.disputed):
        return False
    if isinstance(value, list):
        return parameter.items is None or all(_fits(parameter.items, one) for one in value)
    if isinstance(value, dict):
        known = {one.name for one in parameter.properties}
        return (not known or value.keys() <= known) and all(
            _fits(one, value[one.name]) for one in parameter.properties if one.name in value
        )
    return not isinstance(value, float | int) or isinstance(value, bool) or abs(value) < 2**53


def test_valid_calls_compile(compiled: Path) -> None:
    assert (compiled / "uses.js").is_file()


CHECK = """
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const found = [];
const large = (_key, value) => (value?.large ? BigInt(value.large) : value);
for (const [module, params] of JSON.parse(readFileSync(process.env.ASKED, "utf-8"), large)) {
  const [Model] = Object.values(await import(pathToFileURL(`${process.cwd()}/models/${module}.js`)));
  const broken = new Model({ apiKey: "k" }).check(params);
  if (broken.some(({ message }) => typeof message !== "string" || !message)) throw new Error("no message");
  found.push(broken.map(({ rule, parameter }) => [rule, parameter]));
}
console.log(JSON.stringify(found));
"""


def test_the_client_and_the_specs_agree_on_values(compiled: Path, models: list[Model], tmp_path: Path) -> None:
    cases = [(model, params) for model in models for params in drawn_payloads(model, 20)]
    cases += [(model, params) for model in every_model() for params in (*combined(model), *CHOSEN.get(model.slug, ()))]
    asked = json.dumps([[module(model), marked(params)] for model, params in cases])
    (tmp_path / "asked.json").write_text(asked, "utf-8")
    run = execute("node", "--input-type=module", "--eval", CHECK, cwd=compiled, ASKED=str(tmp_path / "asked.json"))
    assert run.returncode == 0, run.stderr
    seen = set()
    for (model, params), found in zip(cases, json.loads(run.stdout), strict=True):
        expected = [[one.rule, one.parameter] for one in payload_violations(model, params)]
        seen |= {rule for rule, _ in expected}
        top = {one.name for one in model.parameters}
        assert [one for one in expected if one[0] != "format.uri" or one[1] not in top] == found, (model.slug, params)
    assert seen >= SEEN


def combined(model: Model) -> list[dict[str, Any]]:
    """Returns payloads with valid and invalid values of all parameters together, always the same."""
    values = {
        name: [value for payload in drawn_payloads(model, 60) if (value := payload.get(name, ABSENT)) is not ABSENT]
        for name in model.parameters_by_name
    }
    chosen = Random(0)
    return [
        {
            **model.valid_example,
            **{name: chosen.choice(some) for name, some in values.items() if some and chosen.random() < 0.5},
        }
        for _ in range(200)
    ]


CHOSEN: dict[str, list[dict[str, Any]]] = {
    "any-scalars": [
        {"scale": scale, "first": "a", "duration": 8, "always": True, "size": size}
        for scale, size in ((2, "1280x720"), (2.0, "720x1280"), (1.5, "1280x720"))
    ],
    "any-parts": [
        {"level": [3, 8.5, 100, 2**64, 8]},
        {"box": {"__proto__": "x"}},
        {"image_urls": ["https://a.test/x.png"] * 4},
        {"referenceImages": [{"toString": 0}]},
    ],
}
"""Payloads that random ones are unlikely to be."""

SEEN = {
    *("range.below", "range.above", "range.off_step", "range.too_short", "range.too_long"),
    *("range.too_few", "range.too_many", "enum.unknown", "format.uri", "format.base64", "type.no_member"),
    *("condition.none", "condition.several", "condition.only_when", "condition.requires", "condition.forbids"),
    *("condition.forbids_value", "required.missing", "null.not_nullable"),
}
"""The rules that the payloads must break, so that the comparison means something."""


def marked(value: Json) -> Json:
    """Returns a JSON value with its large integers marked."""
    if isinstance(value, list):
        return [marked(one) for one in value]
    if isinstance(value, dict):
        return {key: marked(one) for key, one in value.items()}
    return {"large": str(value)} if isinstance(value, int) and abs(value) >= 2**53 else value


def module(model: Model) -> str:
    """Returns the name of a model's module."""
    return "-".join(words(model.slug))
