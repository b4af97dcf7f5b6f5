"""The npm package passes publint and Are The Types Wrong, has both module kinds, is small, and has no dependencies."""

import gzip
import json
import re
import shutil
import tarfile
from pathlib import Path

import pytest

from segforge import Catalog
from segforge.spec.identifiers import camel_case, pascal_case
from tests.typescript.conftest import COMMITTED, ROOT, TOOLS, node, tool

MOST_BYTES = 6 * 1024
"""The largest bundle of one model in bytes, minified by esbuild and gzipped."""


@pytest.fixture(scope="session")
def package(project: Path) -> Path:
    return project / "node_modules" / "segmind-client"


@pytest.fixture(scope="session")
def tarball(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive that `npm publish` would send."""
    npm = Path(shutil.which("npm") or "npm").resolve()
    folder = tmp_path_factory.mktemp("packed")
    run = node(str(npm), "pack", "--ignore-scripts", "--silent", "--pack-destination", str(folder), cwd=package)
    assert run.returncode == 0, run.stderr
    return next(folder.glob("*.tgz"))


def test_publint_finds_nothing(package: Path) -> None:
    """Apart from a newer form of `browser`, which older compilers and bundlers do not know."""
    run = node(tool("publint", "publint"), "--strict", "--pack", "false", cwd=package)
    assert run.returncode == 0, run.stdout
    (found,) = re.findall(r"^\d+\. (.+)$", run.stdout, re.MULTILINE)
    assert found.startswith("pkg.browser with an object value can be refactored"), run.stdout


def test_the_package_contains_its_license(tarball: Path) -> None:
    with tarfile.open(tarball) as packed:
        held = packed.extractfile("package/LICENSE")
        assert held is not None
        assert held.read() == (ROOT / "LICENSE").read_bytes()


def test_are_the_types_wrong_finds_nothing(tarball: Path) -> None:
    run = node(tool("@arethetypeswrong/cli", "attw"), str(tarball), "--format", "json", cwd=tarball.parent)
    assert run.returncode == 0, run.stdout
    analysis = json.loads(run.stdout)["analysis"]
    assert analysis["problems"] == []
    assert {".", "./core"} <= set(analysis["entrypoints"])


def test_nothing_is_needed_at_run_time(package: Path) -> None:
    manifest = json.loads((package / "package.json").read_text("utf-8"))
    assert not {"dependencies", "peerDependencies", "optionalDependencies"} & set(manifest)
    assert manifest["engines"] == {"node": ">=18"}


@pytest.mark.parametrize("kind", ["import", "require"])
def test_both_kinds_of_modules_load_and_export_the_same(project: Path, catalog: Catalog, kind: str) -> None:
    load = "await import" if kind == "import" else "require"
    paths = ["segmind-client", "segmind-client/core", "segmind-client/models"]
    paths += [f"segmind-client/models/{model.slug}" for model in catalog.models]
    code = f"for (const path of {paths}) console.log(JSON.stringify(Object.keys({load}(path)).sort()))"
    run = node(f"--input-type={'module' if kind == 'import' else 'commonjs'}", "--eval", code, cwd=project)
    assert run.returncode == 0, run.stderr
    everything, core, knowledge, *models = [json.loads(line) for line in run.stdout.splitlines()]
    assert {"Segmind", "SegmindClient", "SegmindCore", "BadRequest", "MediaResult"} <= set(everything)
    assert core == ["SegmindCore"]
    assert knowledge == ["Directory", "ModelInfo", "models"]
    assert models == [[pascal_case(model.slug)] for model in catalog.models]


BUNDLE = """
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
const { buildSync } = createRequire(import.meta.url)(process.env.ESBUILD);
const entries = JSON.parse(process.env.ENTRIES);
const entryPoints = entries.map((contents, index) => {
  const name = `entry-${String(index).padStart(4, "0")}.mjs`;
  writeFileSync(name, contents);
  return name;
});
const options = { bundle: true, minify: true, write: false, format: "esm", platform: "browser", target: "es2022" };
// One build reads each module once. Without splitting, each entry has its own bundle.
const made = buildSync({ ...options, entryPoints, outdir: "bundles", logLevel: "error" }).outputFiles;
const byName = Object.fromEntries(made.map((file) => [file.path.replaceAll("\\\\", "/").split("/").at(-1), file.text]));
console.log(JSON.stringify(entryPoints.map((name) => byName[name.split("/").at(-1).replace(".mjs", ".js")])));
"""


def bundles(project: Path, entries: list[str]) -> list[str]:
    """Bundles each entry with its imports for browsers."""
    esbuild = str((TOOLS / "esbuild" / "lib" / "main.js").resolve())
    (project / "bundle.mjs").write_text(BUNDLE)
    run = node("bundle.mjs", cwd=project, ESBUILD=esbuild, ENTRIES=json.dumps(entries))
    assert run.returncode == 0, run.stderr
    made: list[str] = json.loads(run.stdout)
    return made


def test_a_bundle_of_one_model_is_small_and_contains_no_other(project: Path, catalog: Catalog) -> None:
    names = [pascal_case(model.slug) for model in catalog.models]
    entries = [f"import {{ {name} }} from 'segmind-client'; export default new {name}();" for name in names]
    for model, made in zip(catalog.models, bundles(project, entries), strict=True):
        assert len(gzip.compress(made.encode(), 9, mtime=0)) < MOST_BYTES
        assert [other.slug for other in catalog.models if f'"{other.slug}"' in made] == [model.slug]
        assert "gather" not in made
        assert "CONNREF" not in made, "a browser knows no such error"


def test_a_bundle_of_the_client_alone_contains_no_model(project: Path, catalog: Catalog) -> None:
    entry = "import { NAME } from 'segmind-client'; export default new NAME();"
    core, whole = bundles(project, [entry.replace("NAME", name) for name in ("SegmindCore", "Segmind")])
    assert [model.slug for model in catalog.models if f'slug:"{model.slug}"' in core] == []
    assert [m.slug for m in catalog.models if f'slug:"{m.slug}"' in whole] == [m.slug for m in catalog.models]


def test_the_samples_of_the_readme_run_against_the_mock(project: Path, mock_url: str) -> None:
    text = (COMMITTED / "README.md").read_text("utf-8")
    samples = re.findall(r"^```ts\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(samples) >= 4
    (project / "readme").mkdir(exist_ok=True)
    code = "\n".join(samples).replace(", type FluxImg2imgParams", "").replace(": FluxImg2imgParams", "")
    (project / "readme" / "readme.mjs").write_text(code)
    environment = {"SEGMIND_API_KEY": "SG_0123456789abcdef", "SEGMIND_BASE_URL": mock_url}
    run = node("readme.mjs", cwd=project / "readme", **environment)
    assert run.returncode == 0, run.stderr
    assert (project / "readme" / "image.jpeg").read_bytes().startswith(b"\xff\xd8\xff")


def test_the_page_for_programs_that_write_code_runs_and_has_the_form_of_llms_txt(project: Path, mock_url: str) -> None:
    text = (COMMITTED / "llms.txt").read_text("utf-8")
    assert re.match(r"# segmind-client\n\n> .+\n\n", text)
    lists = text[text.index("\n## ") :]
    links = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): .+$", lists, re.MULTILINE)
    assert len(links) == lists.count("\n- ")
    assert [link for link in links if not (project / "node_modules" / "segmind-client" / link).is_file()] == []
    [sample] = re.findall(r"^```ts\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    [one_model] = re.findall(r"`(import \{ .*?)`", text)
    used = "\nawait client.estimate('flux-img2img', params); client.jobs.resume(job.requestId); new FluxImg2img();\n"
    folder = project / "llms"
    folder.mkdir(exist_ok=True)
    (folder / "llms.mjs").write_text(f"{one_model};\n{sample.replace(' as const', '')}{used}", "utf-8")
    run = node("llms.mjs", cwd=folder, SEGMIND_API_KEY="SG_0123456789abcdef", SEGMIND_BASE_URL=mock_url)
    assert run.returncode == 0, run.stderr
    assert (folder / "from-job-image.jpeg").read_bytes().startswith(b"\xff\xd8\xff")


EXAMPLES = sorted((COMMITTED / "examples").glob("*.mjs"))


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_an_example_prints_the_expected_output(example: Path, project: Path, mock_url: str) -> None:
    folder = project / f"example-{example.stem}"
    folder.mkdir(exist_ok=True)
    shutil.copy(example, folder)
    environment = {"SEGMIND_API_KEY": "SG_0123456789abcdef", "SEGMIND_BASE_URL": mock_url}
    run = node(example.name, cwd=folder, **environment)
    expected = {
        "call": r"image/jpeg 0\.\d+ credits",
        "job": r"COMPLETED \d+ http://\S+ \{",
        "many": r"5 image/jpeg\n0\.\d+ credits",
    }
    assert run.returncode == 0, run.stderr
    assert re.search(expected[example.stem], run.stdout), run.stdout


WEB = """
import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
// What browsers, Deno, Bun and edge workers all have, and no more: no process, no Buffer, no require.
const names = ["AbortController", "AbortSignal", "Blob", "Request", "Response", "TextDecoder", "TextEncoder", "URL"];
const web = Object.fromEntries([...names, "atob", "btoa"].map((name) => [name, globalThis[name]]));
web.setTimeout = (call, ms) => setTimeout(call, ms);
web.clearTimeout = clearTimeout;
web.fetch = (...given) => fetch(...given);
const context = createContext({ ...web, BASE_URL: process.env.MOCK_URL, KEY: process.env.KEY });
console.log(await runInContext(readFileSync("web.js", "utf-8"), context));
"""


def test_nothing_but_web_standards_is_needed(project: Path, mock_url: str) -> None:
    """The browser bundle calls, waits and downloads in a realm without Node's own globals."""
    code = """
    import { Segmind } from "segmind-client";
    const client = new Segmind({ apiKey: KEY, baseUrl: BASE_URL });
    const job = await client.submitAsync("style-transfer", PARAMS);
    const [image] = await job.download();
    globalThis.done = `${image.contentType} ${image.blob().size > 0}`;
    """
    style = {"style_image": "https://example.com/style.png"}
    (made,) = bundles(project, [code.replace("PARAMS", json.dumps(style))])
    (project / "web.js").write_text(f"(async () => {{ {made}; return globalThis.done; }})()")
    (project / "web.mjs").write_text(WEB)
    run = node("web.mjs", cwd=project, MOCK_URL=mock_url, KEY="SG_0123456789abcdef")
    assert run.stdout.strip() == "image/webp true", run.stdout + run.stderr
    assert run.returncode == 0


def test_every_property_of_the_client_is_its_model(project: Path, catalog: Catalog) -> None:
    names = json.dumps([camel_case(model.slug) for model in catalog.models])
    code = "import { Segmind } from 'segmind-client'; const client = new Segmind({ apiKey: 'k' });"
    code += f"console.log({names}.map((name) => client[name].slug).join())"
    run = node("--input-type=module", "--eval", code, cwd=project)
    assert run.stdout.strip() == ",".join(model.slug for model in catalog.models)
