"""For any model with nested parameters, the client compiles, takes valid calls, and checks values as the specs do."""

import gzip
import json
import os
import re
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
from segforge.spec.identifiers import pascal_case, words
from segforge.spec.values import is_among, payload_violations
from tests.catalogs import drawn_models, drawn_payloads, sends_null_of_unknown_type
from tests.typescript.conftest import execute, node, tool
from tests.typescript.models import every_model
from tests.typescript.test_package import bundles

HERE = Path(__file__).parent

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
    cases += [
        (model, {**model.valid_example, one.name: "not base64"})
        for model in (*models, *every_model())
        for one in model.parameters
        if one.format == "base64"
    ]
    assert any(sends_null_of_unknown_type(model, params) for model, params in cases)
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


RIGHT = """
import * as every from "./index.js";
const client = new every.Segmind({ apiKey: "k" });
function is<T>(_value: T): void {}
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_a: A, _b: B, _same: Same<A, B>): void {}
declare const file: Blob;
declare const bytes: Uint8Array;
const parts = { referenceImages: [], extra: 1, box: { ["__proto__"]: 1n } };
const image = { type: "image", image_url: { url: bytes } };
const messages = [{ role: "user", content: [{ type: "text", text: "a" }, image] }] as const;
same(await client.anyVideo.run({ video: file }), null! as every.VideoResult, true);
same(await client.anyAudio.run({ voice: bytes, clips: [{ sound: file }] }), null! as every.AudioResult, true);
same(await client.anyModel3d.run({ mesh: new URL("https://a.test") }), null! as every.Model3dResult, true);
same((await client.anyOpenaiChat.run({ messages })).text, null! as string, true);
same((await (await client.anyAnthropicChat.submit({ messages })).output()).text, null! as string, true);
same((await (await client.anyVideo.submit({ video: file })).download())[0]!, null! as every.VideoResult, true);
same(await client.anyParts.submit(parts), null! as every.Job<every.MediaResult>, true);
same((await client.anyEmbedding.run({ messages })).embedding, null! as number[], true);
is<Promise<every.CaptionResult>>(client.anyCaption.run({ messages }));
is<Promise<every.TextResult>>(client.anyText.run({ prompt: "a" }));
void client.anyPartial.run({ prompt: "a", unknown: 1, frames: [{ at: 1, odd: true }] });
void client.anyParts.run({ ...parts, palette: { name: "a" }, image: file, odd: "auto" });
void client.anyParts.run({ ...parts, constructor: [1, "1", true], seeds: [2n ** 64n] });
void client.anyParts.run({ ...parts, palette: { members: [{ a: 1 }] }, extra: { a: [null, 1] }, settings: {} });
void client.anyParts.run({ ...parts, nothing: [1, null] });
void client.anyParts.run({ ...parts, referenceImages: [{ tag: "a" }, { uri: file, tag: "b", toString: 1 }] });
void client.anyParts.run({ ...parts, nothing: null, extra: null });
void client.anyScalars.run({ scale: 1.5, duration: 8, always: true, size: "720x1280", style: "any" });
void client.anyScalars.run({ scale: 2, maybe: undefined, seed: 2n ** 64n });
const held: every.AnyPartsParams = parts;
void held;
"""
WRONG = """
import { Segmind } from "./index.js";
const client = new Segmind({ apiKey: "k" });
const parts = { referenceImages: [], extra: 1, box: { ["__proto__"]: 1 } };
declare const file: Blob;
"""
WRONG_USES = (
    "client.anyParts.run({ ...parts, image_urls: [1] });",
    "client.anyParts.run({ ...parts, image_urls: 'https://a.test' });",
    "client.anyParts.run({ ...parts, referenceImages: [{ uri: file }] });",
    "client.anyParts.run({ ...parts, referenceImages: [{ tag: 1 }] });",
    "client.anyParts.run({ ...parts, referenceImages: [{ tag: 'abc', tog: 1 }] });",
    "client.anyParts.run({ ...parts, referenceImages: { tag: 'abc' } });",
    "client.anyParts.run({ referenceImages: [], extra: 1 });",
    "client.anyParts.run({ ...parts, box: {} });",
    "client.anyParts.run({ ...parts, palette: { odd: 1 } });",
    "client.anyParts.run({ ...parts, palette: { members: [1] } });",
    "client.anyParts.run({ ...parts, grid: [[1], ['2']] });",
    "client.anyParts.run({ ...parts, extra: () => 1 });",
    "client.anyParts.run({ ...parts, odd: 5 });",
    "client.anyParts.run({ ...parts, odd: true });",
    "client.anyParts.run({ ...parts, constructor: [2] });",
    "client.anyParts.run({ ...parts, level: [null] });",
    "client.anyScalars.run({ scale: 2.5 });",
    "client.anyScalars.run({ scale: 1.5, duration: 9 });",
    "client.anyScalars.run({ scale: 1.5, always: false });",
    "client.anyScalars.run({ scale: 1.5, size: '1x1' });",
    "client.anyScalars.run({});",
    "client.anyAudio.run({ voice: 'x', link: file });",
    "client.anyAudio.run({ voice: new URL('https://a.test') });",
    "client.anyAudio.run({ voice: 'x', clips: [{ sound: 1 }] });",
    "client.anyVideo.run({ video: 1 });",
    "client.anyPartial.run({ prompt: 1 });",
    "client.anyPartial.run({ frames: [{ at: 'x' }] });",
    "client.anyOpenaiChat.run({ messages: [{ role: 'user' }] });",
    "client.anyOpenaiChat.run({ messages: [{ role: 'system', content: 'a' }] });",
    "client.anyOpenaiChat.run({ messages: [{ role: 'user', content: [{ text: 'a' }] }] });",
    "client.anyOpenaiChat.run({ messages: [{ role: 'user', content: [{ type: 'a', image_url: {} }] }] });",
    "client.anyText.run({ prompt: 'a' }).then((one) => one.files);",
    "client.anyVideo.submit({ video: file }).then(async (one) => (await one.output()).images);",
)


def test_right_uses_compile_and_each_wrong_use_is_an_error(compiled: Path) -> None:
    """A wrong type of an item and a missing nested key are errors."""
    folder = compiled.parents[1]
    (folder / "src" / "right.ts").write_text(RIGHT, "utf-8")
    (folder / "src" / "wrong.ts").write_text(WRONG + "\n".join(f"void {use}" for use in WRONG_USES), "utf-8")
    tsc = execute(
        "node",
        tool("typescript", "tsc"),
        *("--pretty", "false", "--skipDefaultLibCheck", "-p", "tsconfig.json"),
        cwd=folder,
    )
    found = re.findall(r"^src/(\w+)\.ts\((\d+),", tsc.stdout, re.MULTILINE)
    first = WRONG.count("\n") + 1
    lines = {("wrong", str(first + at)) for at in range(len(WRONG_USES))}
    assert set(found) == lines, tsc.stdout


def test_calls_of_every_medium(compiled: Path) -> None:
    run = node("--test", "--test-reporter=tap", str(HERE / "media.test.mjs"), cwd=compiled, PACKAGE=str(compiled))
    assert run.returncode == 0, run.stdout
    assert int(re.findall(r"^# pass (\d+)$", run.stdout, re.MULTILINE)[0]) > 40


def test_a_bundle_of_any_model_is_small(compiled: Path) -> None:
    models = every_model()
    names = [pascal_case(model.slug) for model in models]
    lines = [
        f"import {{ {name} }} from './models/{model.slug}.js'; export default new {name}();"
        for model, name in zip(models, names, strict=True)
    ]
    for model, made in zip(models, bundles(compiled, lines), strict=True):
        assert len(gzip.compress(made.encode(), 9, mtime=0)) < MOST_BYTES, model.slug


MOST_BYTES = 8 * 1024
"""The largest bundle of any model in bytes, minified by esbuild and gzipped."""


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
