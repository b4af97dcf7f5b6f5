"""Estimates and the knowledge of all models in TypeScript: the same as in Python, and loaded only when it is used."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from segforge.emit.pipeline import emit
from segmind_client import Estimate, ModelInfo, Segmind
from segmind_client._knowledge import near_slugs
from tests.client.conftest import KEY
from tests.client.test_estimate import DEAREST, RATES, rated
from tests.client.test_warnings import NEAR, with_retired
from tests.client.wide import write_client
from tests.typescript.conftest import TOOLS, node

PYTHON: Final = Segmind(KEY, "http://localhost:1")
TINY: Final = 1e-4
"""Below this amount in USD, the languages write numbers differently."""


def shown(found: Any) -> Any:
    """Returns an estimate as it is in TypeScript. An unknown fact is left out."""
    if found is None:
        return None
    facts = {
        "low": found.low,
        "high": found.high,
        "average": found.average,
        "creditsLow": found.credits_low,
        "creditsHigh": found.credits_high,
        "source": found.source if found.average is None or found.average >= TINY else "",
    }
    return {name: value for name, value in facts.items() if value is not None}


def facts(one: ModelInfo) -> dict[str, Any]:
    """Returns the facts of a model as they are in TypeScript."""
    known = {
        "slug": one.slug,
        "title": one.title,
        "modality": one.modality,
        "media": one.media,
        "level": one.level,
        "note": one.note,
        "averageSeconds": one.average_seconds,
        "averageUsd": one.average_usd,
        "estimate": shown(one.estimate),
        "parameters": one.parameters,
    }
    return {name: value for name, value in known.items() if value is not None}


def run(project: Path, code: str, **environment: str) -> Any:
    """Runs a program with the package and returns the JSON that it prints."""
    done = node("--input-type=module", "--eval", code, cwd=project, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_model_has_the_same_facts_as_in_python(project: Path) -> None:
    code = """
import { models } from "segmind-client/models";
const all = models.list().map(async (one) => {
  const estimate = one.estimate && { ...one.estimate };
  if (estimate?.average < 1e-4) estimate.source = "";
  return { ...one, averageUsd: one.averageUsd, estimate, parameters: await one.parameters() };
});
console.log(JSON.stringify(await Promise.all(all)));
"""
    assert run(project, code) == [facts(one) for one in PYTHON.models.list()]


WORDS: Final = ("face swap", "FLUX img2img", "kling", "video to", "flux-img2img", "zzz", "", "  ")
MODALITIES: Final = ("video", "Image", "audio", "model3d", "json", "imageTo3d", "VOICE")


def test_the_same_models_are_found_as_in_python(project: Path) -> None:
    code = f"""
import {{ models }} from "segmind-client/models";
const slugs = (found) => found.map(({{ slug }}) => slug);
const failed = (modality) => {{ try {{ models.list({{ modality }}); }} catch (error) {{ return `${{error}}`; }} }};
console.log(JSON.stringify({{
  found: {json.dumps(WORDS)}.map((words) => slugs(models.search(words))),
  listed: {json.dumps(MODALITIES)}.map((modality) => slugs(models.list({{ modality }}))),
  unknown: ["no-such-model", "constructor", "__proto__", ""].map((slug) => models.get(slug) ?? null),
  unpriced: ["no-such-model", "constructor", "gemini-1.5-pro"].map((slug) => models.estimate(slug) ?? null),
  errors: ["vdeo", ""].map(failed),
  frozen: [models.get("flux-img2img"), models.estimate("flux-img2img")].map(Object.isFrozen),
}}));
"""
    found = run(project, code)
    assert found["found"] == [[one.slug for one in PYTHON.models.search(words)] for words in WORDS]
    assert found["listed"] == [[one.slug for one in PYTHON.models.list(modality)] for modality in MODALITIES]
    assert found["unknown"] == [None] * 4
    assert found["unpriced"] == [None] * 3
    assert all("expected a medium (audio, image, json, model3d, video)" in error for error in found["errors"])
    assert found["frozen"] == [True, True]


def test_a_client_estimates_its_models_and_any_other(project: Path) -> None:
    code = f"""
import {{ FluxImg2img, Segmind, SegmindCore }} from "segmind-client";
const options = {{ apiKey: "{KEY}", fetch: () => {{ throw new Error("sent"); }} }};
const client = new Segmind(options);
console.log(JSON.stringify([
  await client.fluxImg2img.estimate({{ prompt: "a cat" }}),
  await client.fluxImg2img.estimate(),
  await client.estimate("flux-img2img"),
  await new FluxImg2img(client).estimate(),
  await new SegmindCore(options).estimate("flux-img2img", {{}}),
  await client.estimate("{DEAREST.slug}"),
  (await client.estimate("no-such-model")) ?? null,
  (await client.gemini15Pro.estimate()) ?? null,
  (await new FluxImg2img(options).estimate()) ?? null,
]));
"""
    of_model = shown(PYTHON.flux_img2img.estimate())
    assert run(project, code) == [*[of_model] * 5, shown(PYTHON.estimate(DEAREST.slug)), None, None, None]


def test_a_listed_model_without_a_spec_reserves_its_upper_end(project: Path) -> None:
    found = PYTHON.estimate(DEAREST.slug)
    assert isinstance(found, Estimate)
    code = f"""
import {{ Segmind, SegmindCore }} from "segmind-client";
let sent = 0;
const answer = () => {{ sent += 1; return Response.json({{ request_id: "r1" }}); }};
const options = {{ apiKey: "{KEY}", fetch: answer }};
const results = [];
for (const kind of [Segmind, SegmindCore]) {{
  const poor = new kind({{ ...options, maxSpend: {found.credits_high} - 0.01 }});
  for (const call of ["run", "runSync", "submitAsync"]) {{
    const [done] = await Promise.allSettled([poor[call]("{DEAREST.slug}", {{}})]);
    results.push(`${{done.reason.name}} ${{done.reason.message.includes("may cost {found.credits_high:g}")}}`);
  }}
}}
const client = new Segmind({{ ...options, maxSpend: {found.credits_high} * 2.5 }});
const both = await Promise.allSettled([1, 2, 3].map(() => client.submitAsync("{DEAREST.slug}", {{}})));
console.log(JSON.stringify([results, both.map(({{ status }}) => status), sent]));
"""
    assert run(project, code) == [["SpendLimit true"] * 6, ["fulfilled", "fulfilled", "rejected"], 2]


def test_the_seconds_of_a_call_narrow_a_price_per_second_as_in_python(tmp_path: Path) -> None:
    catalog = rated(tmp_path / "specs")
    write_client(catalog, tmp_path / "client")
    [prices] = [one.text for one in emit(catalog, ["typescript"]) if one.path.name == "prices.ts"]
    (tmp_path / "prices.ts").write_text(prices, "utf-8")
    values: list[object] = [True, None, -1, 1e9, "soon", [5], "5s", " 5 Seconds ", 0.5]
    calls = [(f"clip-{place}", given) for place, (*_, given) in enumerate(RATES)]
    calls += [("clip-0", {"duration": value}) for value in values] + [("clip-vague", {"duration": 4})]
    code = """
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
const { buildSync } = createRequire(import.meta.url)(process.env.ESBUILD);
buildSync({ entryPoints: ["prices.ts"], outfile: "prices.mjs", format: "esm" });
const { estimate } = await import(`file://${process.cwd()}/prices.mjs`);
console.log(JSON.stringify(JSON.parse(process.env.CALLS).map(([slug, params]) => estimate(slug, params) ?? null)));
"""
    esbuild = str((TOOLS / "esbuild" / "lib" / "main.js").resolve())
    found = run(tmp_path, code, ESBUILD=esbuild, CALLS=json.dumps(calls))
    python = """
import json, os
from segmind_client import Segmind
calls = json.loads(os.environ["CALLS"])
made = [Segmind("SG_0123456789abcdef").estimate(slug, **params) for slug, params in calls]
print(json.dumps([one and [one.low, one.high, one.source] for one in made]))
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "client"), "CALLS": json.dumps(calls)}
    done = subprocess.run([sys.executable, "-c", python], env=environment, capture_output=True, text=True, check=True)
    wanted = json.loads(done.stdout)
    assert [one and [one["low"], one["high"], one["source"]] for one in found] == wanted
    assert wanted[-1] is None
    assert len({json.dumps(one) for one in wanted}) > len(RATES)


SPLIT: Final = """
import { createRequire } from "node:module";
const { buildSync } = createRequire(import.meta.url)(process.env.ESBUILD);
const stdin = { contents: process.env.ENTRY, resolveDir: process.cwd() };
const options = { bundle: true, minify: true, write: false, format: "esm", platform: "browser", target: "es2022" };
const made = buildSync({ ...options, stdin, splitting: true, outdir: "split" }).outputFiles;
console.log(JSON.stringify(Object.fromEntries(made.map(({ path, text }) => [path.replace(/.*\\//, ""), text]))));
"""


@pytest.mark.parametrize("name", ["SegmindCore", "Segmind"])
def test_a_bundler_puts_prices_into_a_file_of_its_own(project: Path, name: str) -> None:
    """Such a file is loaded on first use. The schemas and the titles are in no bundle of a client."""
    entry = f"import {{ {name} }} from 'segmind-client'; export default new {name}();"
    esbuild = str((TOOLS / "esbuild" / "lib" / "main.js").resolve())
    made: dict[str, str] = run(project, SPLIT, ESBUILD=esbuild, ENTRY=entry)
    main = made.pop("stdin.js")
    assert sum(DEAREST.slug in text for text in made.values()) == 1
    assert DEAREST.slug not in main
    assert all(DEAREST.title not in text and "Modality" not in text for text in [main, *made.values()])
    if name == "SegmindCore":
        assert len(gzip.compress(main.encode(), 9, mtime=0)) < 10 * 1024


def test_an_unlisted_model_warns_once_when_it_is_called_by_a_client(project: Path) -> None:
    code = f"""
import {{ Segmind }} from "segmind-client";
const said = [];
console.warn = (text) => said.push(text);
const client = new Segmind({{ apiKey: "{KEY}", fetch: () => Response.json({{ request_id: "r1" }}) }});
await client.estimate("gemini-1.5-pro");
await client.runSync("bg-removal", {{}});
await client.fluxImg2img.submit({{ prompt: "a cat" }});
const before = said.length;
await client.gemini15Pro.run({{ messages: [] }});
await client.runSync("gemini-1.5-pro", {{}});
console.log(JSON.stringify([before, said]));
"""
    before, [said] = run(project, code)
    assert before == 0
    assert said.startswith("segmind-client: the model gemini-1.5-pro is not in the vendor's list of ")


def test_a_retired_model_warns(tmp_path: Path) -> None:
    for one in emit(with_retired(tmp_path / "specs"), ["typescript"]):
        (tmp_path / one.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / one.path).write_text(one.text, "utf-8")
    code = f"""
import {{ createRequire }} from "node:module";
const {{ buildSync }} = createRequire(import.meta.url)(process.env.ESBUILD);
const contents = "export {{ SegmindCore }} from './core.js'; export {{ models }} from './models.js';";
const stdin = {{ contents, resolveDir: "typescript/src" }};
buildSync({{ stdin, bundle: true, format: "esm", platform: "node", outfile: "made.mjs" }});
const {{ SegmindCore, models }} = await import(`file://${{process.cwd()}}/made.mjs`);
const said = [];
console.warn = (text) => said.push(text);
const fetch = () => Response.json({{ error: "gone" }}, {{ status: 410 }});
const client = new SegmindCore({{ apiKey: "{KEY}", fetch }});
const names = [];
for (const slug of ["clip", "old"]) {{
  names.push((await client.runSync(slug, {{}}).catch((error) => error)).name, models.get(slug).level);
}}
console.log(JSON.stringify([names, said]));
"""
    esbuild = str((TOOLS / "esbuild" / "lib" / "main.js").resolve())
    names, said = run(tmp_path, code, ESBUILD=esbuild)
    assert names == ["Gone", "retired"] * 2
    assert ["clip is retired" in said[0], "old is retired" in said[1]] == [True, True]


def test_the_error_of_an_unknown_slug_names_the_nearest_as_in_python(project: Path) -> None:
    slugs = (*NEAR, "flux-img2img", "bg-removal", *(f"{one.slug[1:]}-x" for one in PYTHON.models.list("video")[::9]))
    code = f"""
import {{ Segmind }} from "segmind-client";
const fetch = () => Response.json({{ error: "Not Found" }}, {{ status: 404 }});
const client = new Segmind({{ apiKey: "{KEY}", fetch }});
const shown = ({{ near, message, detail }}) => ({{ near, message, detail }});
const failed = (slug) => client.runSync(slug, {{}}).catch(shown);
const submitted = await client.submitAsync("flux-img2im", {{}}).catch((error) => error.message);
console.log(JSON.stringify([await Promise.all({json.dumps(slugs)}.map(failed)), submitted]));
"""
    found, submitted = run(project, code)
    assert [tuple(one.get("near", ())) for one in found] == [near_slugs(slug) for slug in slugs]
    assert any(one.get("near") for one in found)
    for one in found:
        assert one["detail"] == "Not Found"
        near = one.get("near", ())
        assert one["message"] == "404: Not Found" + (f"; did you mean {' or '.join(near)}?" if near else "")
    assert "did you mean flux-img2img" in submitted
