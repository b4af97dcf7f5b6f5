"""The TypeScript compiler accepts the package and correct uses, and rejects wrong ones."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from segforge import Catalog
from segforge.emit.clients.surface import SURFACE
from segforge.spec.catalog import Model
from segforge.spec.identifiers import camel_case
from tests.shared import once
from tests.typescript.conftest import COMMITTED, TOOLS, node

HERE = Path(__file__).parent

RIGHT = """\
import { Job, JsonResult, MediaResult, Segmind, VideoResult, type JobRecord, type JobUpdate } from "segmind-client";

const client = new Segmind();
function given<T>(value: Promise<T>): T {
  return value as never;
}
declare const media: MediaResult;
declare const json: JsonResult;
declare const queued: Job<MediaResult>;
declare const record: JobRecord;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_a: A, _b: B, _same: Same<A, B>): void {}
"""
WRONG = """\
import { Segmind } from "segmind-client";

const client = new Segmind();
"""


def right_uses(model: Model) -> Iterator[str]:
    """Yields correct uses: the sample, each known value, bytes for images, and the types of results."""
    at = f"client.{camel_case(model.slug)}"
    result = "media" if model.returns.media == "image" else "json"
    yield f"same(given({call(f'{at}.run', model.valid_example)}), {result}, true);"
    if "v2" in model.versions:
        yield f"same(given({call(f'{at}.submit', model.valid_example)}), queued, true);"
        yield "same(given(queued.wait({ timeoutMs: 1, intervalMs: 1, signal: AbortSignal.abort() })), record, true);"
    for parameter in model.parameters:
        if parameter.choices is not None:
            for value in (*parameter.choices.known, *(["not on the page"] if parameter.choices.open else [])):
                yield f"{call(f'{at}.run', {**model.valid_example, parameter.name: value})};"
        if parameter.nullable:
            yield f"{call(f'{at}.run', {**model.valid_example, parameter.name: None})};"
        if not parameter.required:
            yield f"{call(f'{at}.run', model.valid_example, f'{parameter.name}: undefined')};"
        if parameter.format == "uri":
            for media in ("new Blob([])", "new Uint8Array()", "new URL('https://host.test')", "new ArrayBuffer(1)"):
                yield f"{call(f'{at}.run', model.valid_example, f'{parameter.name}: {media}')};"


def wrong_uses(model: Model) -> Iterator[str]:
    """Yields wrong uses, with one error each: a literal, a type, a missing or misspelled parameter, a version."""
    run = f"client.{camel_case(model.slug)}.run"
    for parameter in model.parameters:
        wrong: object = [] if parameter.type == "string" else "text"
        yield f"{call(run, {**model.valid_example, parameter.name: wrong})};"
        if parameter.choices is not None and not parameter.choices.open:
            yield f"{call(run, {**model.valid_example, parameter.name: 'not-a-value'})};"
        if parameter.required:
            yield f"{call(run, {key: value for key, value in model.valid_example.items() if key != parameter.name})};"
        if not parameter.nullable:
            yield f"{call(run, {**model.valid_example, parameter.name: None})};"
    yield f"{call(run, {**model.valid_example, f'{model.parameters[0].name}x': 1})};"
    yield f"{run}({json.dumps(next(iter(model.valid_example.values())))});"
    if "v2" not in model.versions:
        yield f"{call(f'client.{camel_case(model.slug)}.submit', model.valid_example)};"


def call(function: str, arguments: Mapping[str, object], last: str = "") -> str:
    given = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in arguments.items()]
    name = last.partition(":")[0]
    given = [each for each in given if not last or not each.startswith(f'"{name}":')]
    return f"{function}({{ {', '.join([*given, *([last] if last else [])])} }})"


@pytest.fixture(scope="module")
def uses(project: Path, catalog: Catalog) -> dict[str, str]:
    """Writes files with correct and wrong uses, and the samples of the README, to the project."""
    samples = re.findall(r"^```ts\n(.*?)^```$", (COMMITTED / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    texts = {
        "right.ts": RIGHT + "\n".join(use for model in catalog.models for use in right_uses(model)) + "\n",
        "wrong.ts": WRONG + "\n".join(use for model in catalog.models for use in wrong_uses(model)) + "\n",
        "readme.ts": "\n".join(samples),
        "llms.ts": (COMMITTED / "llms.txt").read_text("utf-8").partition("```ts\n")[2].partition("```")[0],
    }
    (project / "compiler.mjs").write_bytes((HERE / "compiler.mjs").read_bytes())
    return texts


@pytest.fixture(scope="module")
def checked(project: Path, uses: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the compiler says of all these files in a browser's project; workers of one run share it."""
    more = {"many.ts": RIGHT + MANY, "jobs.ts": RIGHT + JOBS, "promises.ts": PROMISES, "bytes.ts": RIGHT + BYTES}
    more |= {"chats.ts": RIGHT + CHATS, "wrong_chats.ts": WRONG + WRONG_CHATS}
    texts = {**uses, **more}

    def make(folder: Path) -> None:
        for name, text in texts.items():
            (project / name).write_text(text, "utf-8")
        answer = compiled(project, [*texts], surface=True, lib=["ES2022", "DOM"], types=[])
        (folder / "answer.json").write_text(json.dumps(answer), "utf-8")

    return json.loads((once(tmp_path_factory, "typescript-types", make) / "answer.json").read_text("utf-8"))


def found_in(answer: Any, *files: str) -> list[tuple[str, int]]:
    """The files and lines of the errors in some files."""
    return [(each["file"], each["line"]) for each in answer["found"] if each["file"] in files]


def compiled(project: Path, files: list[str], surface: bool = False, **options: object) -> Any:
    typescript = str((TOOLS / "typescript" / "lib" / "typescript.js").resolve())
    asked = json.dumps({"files": files, "options": options, "surface": surface})
    run = node("compiler.mjs", cwd=project, TYPESCRIPT=typescript, ASKED=asked)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_right_uses_are_clean_and_each_wrong_use_is_an_error_in_its_line(checked: Any, uses: dict[str, str]) -> None:
    first = WRONG.count("\n") + 1
    wrong = set(range(first, uses["wrong.ts"].count("\n") + 1))
    assert len(wrong) > 100
    with_errors = ("wrong.ts", "promises.ts", "wrong_chats.ts")
    assert [each for each in checked["found"] if each["file"] not in with_errors] == []
    assert {line for _, line in found_in(checked, "wrong.ts")} == wrong
    check_surface(checked["names"])


def check_surface(names: dict[str, list[str]]) -> None:
    """Compares the committed surface, which Python code derives, with the exports that the compiler finds."""
    lines = (COMMITTED / SURFACE).read_text("utf-8").splitlines()[1:]
    assert lines == sorted(set(lines))
    found: dict[str, set[str]] = {}
    for line in lines:
        if declared := re.match(r"(?:abstract class|class|interface|type) (\w+)|(\w+) = ", line):
            found.setdefault(declared[1] or declared[2], set())
        elif member := re.match(r"(?!client\.)(\w+)\.(\w+)", line):
            found.setdefault(member[1], set()).add(member[2])
    models = {name for name in names if f"class {name} extends Model" in lines}
    parameters = {f"{name}Params" for name in models}
    aliases = {line.split(" = ")[0] for line in lines if re.fullmatch(r"\w+ = \w+", line)}
    assert set(found) == set(names)
    for name in names.keys() - models - parameters - aliases:
        assert found[name] == {member for member in names[name] if member != "label"}, name


def test_the_types_compile_in_node_without_browser_types(project: Path, uses: dict[str, str]) -> None:
    (project / "node.ts").write_text(uses["right.ts"].replace("new Blob([])", "new URL('https://host.test')"))
    answer = compiled(project, ["node.ts"], lib=["ES2022"], types=["node"], skipLibCheck=True)
    assert answer["found"] == []


MANY = """\
const two = await client.gather([() => client.credits(), async () => 1]);
same(two, null! as [PromiseSettledResult<Record<string, unknown>>, PromiseSettledResult<number>], true);
same(await client.gather([1, 2].map((each) => async () => `${each}`)), null! as PromiseSettledResult<string>[], true);
const jobs = [async () => queued, async () => json] as const;
type Both = [PromiseSettledResult<Job<MediaResult>>, PromiseSettledResult<JsonResult>];
same(await client.gather(jobs), null! as Both, true);
"""
JOBS = """\
const any: Job = client.jobs.resume("r1");
same(any, null! as Job<MediaResult | JsonResult>, true);
same(await any.output(), null! as MediaResult | JsonResult, true);
same(client.jobs.resume("r1", VideoResult), null! as Job<VideoResult>, true);
same(await client.submitAsync("any", {}), any, true);
const images: Job = queued;
void images;
for await (const update of queued) {
  same(update, null! as JobUpdate, true);
  same(update.cost, 0 as number | undefined, true);
}
for await (const { record: last } of any.updates({ signal: AbortSignal.timeout(1) })) {
  same(last, record, true);
}
"""
CHATS = """\
import { type ChatMessage, type ChatResult } from "segmind-client";
import { SegmindCore } from "segmind-client/core";
import { chat } from "segmind-client/chat";

declare const reply: ChatResult;
declare const chats: Job<ChatResult>;
const image = { type: "image_url", image_url: { url: new Uint8Array() } } as const;
const messages: ChatMessage[] = [{ role: "user", content: [{ type: "text", text: "Hi" }, image] }];
same(await client.chat("any", messages, { temperature: 1 }, { timeoutMs: 1, maxCost: 1 }), reply, true);
same(await client.chatSync("any", "Hi"), reply, true);
same(await client.submitChat("any", [{ role: "system", content: "Hi" }]), chats, true);
same(await chat(new SegmindCore(), "any", "Hi"), reply, true);
same(reply.usage?.inputTokens, null! as number | undefined, true);
"""
WRONG_CHATS = """\
client.chat("any", 5);
client.chat("any", [{ role: "robot", content: "Hi" }]);
client.chat("any", [{ role: "user" }]);
client.chatSync("any", [{ role: "user", content: [{ type: "image", text: "Hi" }] }]);
client.submitChat("any", ["Hi"]);
"""
BYTES = """\
new Response(media.content), new Response(json.content), new Response(media.raw);
new Blob([media.content, ...media.images]);
const plain: Uint8Array = media.content;
void plain;
"""


PROMISES = f"{WRONG}client.gather([client.credits()]);\nclient.gather([1]);\n"


def test_gather_knows_the_type_of_each_place(checked: Any) -> None:
    lines = WRONG.count("\n")
    assert found_in(checked, "many.ts", "promises.ts") == [("promises.ts", lines + 1), ("promises.ts", lines + 2)]


def test_a_resumed_job_has_the_class_that_is_passed_or_either_class(checked: Any) -> None:
    assert found_in(checked, "jobs.ts") == []


def test_right_chats_are_clean_and_each_wrong_one_is_an_error_in_its_line(checked: Any) -> None:
    first, count = WRONG.count("\n") + 1, WRONG_CHATS.count("\n")
    found = found_in(checked, "chats.ts", "wrong_chats.ts")
    assert found == [("wrong_chats.ts", line) for line in range(first, first + count)]


def test_bytes_go_into_a_response_and_a_blob(checked: Any) -> None:
    assert found_in(checked, "bytes.ts") == []


def test_an_older_typescript_accepts_the_types(project: Path) -> None:
    """Before TypeScript 5.7, `Uint8Array` has no type argument."""
    folder = project / "node_modules" / "segmind-client" / "dist"
    texts = {path.name: path.read_text("utf-8") for path in folder.rglob("*.d.ts")}
    assert len(texts) > 10
    assert [
        name for name, text in texts.items() if "Uint8Array<" in re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    ] == []


@pytest.mark.parametrize("kind", ["CommonJS", "ESNext"])
def test_the_types_compile_with_other_module_resolutions(project: Path, uses: dict[str, str], kind: str) -> None:
    first = uses["right.ts"].splitlines()[RIGHT.count("\n")]
    (project / "short.ts").write_text(f"{RIGHT}{first}\nimport {{ SegmindCore }} from 'segmind-client/core';\n")
    resolution = {"CommonJS": "Node10", "ESNext": "Bundler"}[kind]
    answer = compiled(project, ["short.ts"], lib=["ES2022", "DOM"], types=[], module=kind, moduleResolution=resolution)
    assert answer["found"] == []
