"""Type checkers accept the client and correct uses, and reject wrong ones. The client runs on its oldest Python."""

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segforge import Catalog
from segforge.emit.clients.files import input_kind
from segforge.emit.clients.results import result_class
from segforge.emit.python.params import is_name
from segforge.emit.quoting import Code
from segforge.spec.catalog import Choices, Model, Parameter
from segforge.spec.identifiers import pascal_case, snake_case
from segforge_contract.pytest_plugin import spread
from tests.client import wide, wide_uses
from tests.seeds import whole_catalog
from tests.shared import once

ROOT = Path(__file__).parents[2]
MODELS = spread(whole_catalog().models)

# Names that are legal in a spec and awkward in Python: keywords, names of types and of the client, non-identifiers.
ODD_SLUGS = {
    "class": "class_",
    "none": "none",
    "run": "run_",
    "jobs": "jobs_",
    "media-result": "media_result",
    "model": "model",
    "exception": "exception",
    "3d-model": "model_3d_model",
    "types": "types",
}
ODD_PARAMETERS = (
    ("self", "str", "int", "bool", "Literal", "NotRequired", "Annotated", "StepsRange", "steps"),
    ("_private", "__mangled", "__dunder__", "slug", "params", "huge"),
    ("class", "with-hyphen", "with space", "1st", "naïve", "日本", 'quo"te', "steps"),
)

RIGHT = """\
from pathlib import Path
from typing_extensions import assert_type
from segmind_client import AsyncJob, AsyncSegmind, Job, JobResult, JsonResult, MediaResult, Segmind
from segmind_client import AudioResult, CaptionResult, ChatMessage, ChatResult, ChatUsage, EmbeddingResult, image_url
from segmind_client import Model3dResult, TextResult, VideoResult
from segmind_client import AudioInput, FileInput, ImageInput, Model3dInput, VideoInput

client = Segmind()
aio = AsyncSegmind()
images: list[ImageInput] = ["https://host.test/a.png", b"...", Path("a.png"), open("a.png", "rb")]
image_file: ImageInput = images[0]
video_file: VideoInput = Path("a.mp4")
audio_file: AudioInput = b"..."
model3d_file: Model3dInput = b"..."
any_file: FileInput = open("a.pdf", "rb")
documents: list[type[object]] = [CaptionResult, ChatResult, EmbeddingResult, TextResult]
files: list[type[MediaResult]] = [AudioResult, Model3dResult, VideoResult]
assert_type(client.run("any", steps=1), JobResult)
said: ChatMessage = {"role": "user", "content": [{"type": "text", "text": "Hi"}, image_url(Path("a.png"))]}
picked: list[ChatMessage] = [{"role": "system", "content": "Be brief."}, said]
assert_type(client.chat("any", picked, temperature=1), ChatResult)
assert_type(client.chat_sync("any", [{"role": "user", "content": "Hi"}]).usage, ChatUsage | None)
assert_type(client.submit_chat("any", prompt="Hi"), Job[ChatResult])


async def asynchronous() -> None:
    async with AsyncSegmind() as inner:
        assert_type(await inner.run("any", steps=1), JobResult)
        assert_type(await inner.chat("any", picked), ChatResult)
        assert_type(await inner.submit_chat("any", "Hi"), AsyncJob[ChatResult])
"""
CHAT_USES = (
    'client.chat("any", 5)',
    'client.chat("any", [{"role": "robot", "content": "Hi"}])',
    'client.chat("any", [{"role": "user", "content": 5}])',
    'client.chat("any", [{"role": "user"}])',
    'client.chat("any", [{"role": "user", "content": [{"type": "image", "text": "Hi"}]}])',
    'client.chat_sync("any", prompt=5)',
    'aio.submit_chat("any", [b"Hi"])',
)
"""Wrong uses of chats."""
WRONG = """\
from segmind_client import AsyncSegmind, Segmind

client = Segmind()
aio = AsyncSegmind()
"""


def odd_catalog(catalog: Catalog) -> Catalog:
    """Returns a catalog with names that are awkward in Python."""
    models = []
    for index, slug in enumerate(ODD_SLUGS):
        names = ODD_PARAMETERS[index % len(ODD_PARAMETERS)]
        parameters = [_odd_parameter(name, index) for index, name in enumerate(names)]
        example = {name: 1 if name in ("steps", "huge") else "a" for name in names}
        models.append(dataclasses.replace(MODELS[2], slug=slug, parameters=tuple(parameters), example=example))
    return dataclasses.replace(catalog, models=tuple(models))


def _odd_parameter(name: str, index: int) -> Parameter:
    plain = Parameter(name, "string", required=True, description="Odd.", choices=Choices(("a", "b"), 2 + index % 2))
    if name == "huge":
        return dataclasses.replace(plain, type="integer", choices=Choices((1, 2**63, -(2**63)), 2 + index % 2))
    if name != "steps":
        return plain
    return dataclasses.replace(plain, type="integer", choices=None, minimum=1, maximum=9, nullable=True)


def a_value(parameter: Parameter) -> Any:
    """Returns a value of a parameter that its type accepts, with all keys of objects."""
    if parameter.any_of:
        return a_value(parameter.any_of[0])
    if parameter.choices is not None and parameter.choices.known:
        return parameter.choices.known[0]
    if parameter.type == "array":
        return [a_value(parameter.items) if parameter.items is not None else "a"] * max(1, parameter.min_items or 1)
    if parameter.type == "object":
        return {part.name: a_value(part) for part in parameter.properties}
    return {"integer": 1, "number": 1.5, "boolean": True}.get(parameter.type, "https://a.test/x.png")


def all_values(model: Model) -> dict[str, Any]:
    """Returns a value for each parameter of a model whose name a call can hold."""
    return {one.name: a_value(one) for one in model.parameters if is_name(one.name)}


def right_uses(model: Model) -> Iterator[str]:
    """Yields correct uses: required parameters, all, each known value, files, and the types of results."""
    name, result, values = snake_case(model.slug), result_class(model.returns), all_values(model)
    call = f"client.{name}.{'run' if 'v1' in model.versions else 'submit'}"
    yield _call(call, {parameter.name: values[parameter.name] for parameter in model.parameters if parameter.required})
    yield f"from segmind_client.types.{name} import {pascal_case(model.slug)}Params"
    whole = {parameter.name: a_value(parameter) for parameter in model.parameters}
    yield f"params_{name}: {pascal_case(model.slug)}Params = {_spelt(whole)}"
    yield f"{call}(**params_{name})"
    for parameter in [one for one in model.parameters if is_name(one.name)]:
        if input_kind(parameter) is not None:
            yield _call(call, {**values, parameter.name: Code(f"{input_kind(parameter)}_file")})
        if parameter.choices is not None:
            open_ = ["not on the page"] if parameter.choices.open and parameter.type == "string" else []
            for value in (*parameter.choices.known, *open_):
                yield _call(call, {**values, parameter.name: value})
        if parameter.nullable:
            yield _call(call, {**values, parameter.name: None})
    if "v1" in model.versions:
        yield f"assert_type({_call(call, values)}, {result})"
        yield f"async def async_{name}() -> None:"
        yield f"    assert_type(await {_call(f'aio.{name}.run', values)}, {result})"
    if "v2" in model.versions:
        of = "" if result in ("MediaResult", "JsonResult") else f"[{result}]"
        yield f"async def async_job_{name}() -> None:"
        yield f"    job = await {_call(f'aio.{name}.submit', values)}"
        yield f"    assert_type(job, AsyncJob{of})"
        yield "    assert_type(await job.wait(), JobResult)"
        yield f"job_{name} = {_call(f'client.{name}.submit', values)}"
        yield f"assert_type(job_{name}, Job{of})"
        yield f"assert_type(job_{name}.download(), {result if of else 'MediaResult | JsonResult'})"
        yield f"assert_type(job_{name}.wait(timeout=600, interval=1.0), JobResult)"


def wrong_uses(model: Model) -> Iterator[str]:
    """Yields wrong uses, with one error each: a value, a type at any depth, a missing or unknown name, a version."""
    call = f"client.{snake_case(model.slug)}.{'run' if 'v1' in model.versions else 'submit'}"
    values = all_values(model)
    for parameter in [one for one in model.parameters if is_name(one.name)]:
        for wrong in (Code("1j"), *wrong_parts(parameter)):
            yield _call(call, {**values, parameter.name: wrong})
        if parameter.choices is not None and not parameter.choices.open:
            yield _call(call, {**values, parameter.name: "not-a-value"})
        if parameter.required:
            yield _call(call, {key: value for key, value in values.items() if key != parameter.name})
        if not parameter.takes_null:
            yield _call(call, {**values, parameter.name: None})
    unknown = {**values, f"{model.parameters[0].name}x": 1}
    if model.level != "partial":  # a partial model may have other parameters
        yield _call(call, unknown)
        yield _call(call.replace("client.", "aio."), unknown)
    yield f"{call}({next(iter(values.values()))!r})"
    for version, name in (("v1", "run"), ("v2", "submit")):
        if version not in model.versions:
            yield _call(f"client.{snake_case(model.slug)}.{name}", values)


def wrong_parts(parameter: Parameter) -> Iterator[Any]:
    """Yields values with one fault in a part: the type of an item or a key, a missing or an unknown key."""
    if parameter.any_of:
        return  # another member may accept the value
    if parameter.items is not None:
        yield from ([wrong] for wrong in (Code("1j"), *wrong_parts(parameter.items)))
    whole = a_value(parameter)
    for part in parameter.properties:
        yield from ({**whole, part.name: wrong} for wrong in (Code("1j"), *wrong_parts(part)))
        if part.required:
            yield {key: value for key, value in whole.items() if key != part.name}
    if parameter.properties:
        yield {**whole, "no such key": 1}


def _call(function: str, arguments: object) -> str:
    assert isinstance(arguments, dict)
    return f"{function}({', '.join(f'{name}={_spelt(value)}' for name, value in arguments.items())})"


def _spelt(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_spelt, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_spelt(one)}' for key, one in value.items())}}}"
    return str(value) if isinstance(value, Code) else repr(value)


def wrong_file() -> tuple[str, set[int]]:
    """Returns a file with one wrong use per line, and the numbers of these lines."""
    lines = [*CHAT_USES, *(use for model in MODELS for use in wrong_uses(model))]
    first = WRONG.count("\n") + 1
    return WRONG + "\n".join(lines) + "\n", set(range(first, first + len(lines)))


PLACES = ("client", "odd", "wide")
"""The folders of the project's own client, of one with awkward names, and of one with each construct of a spec."""


def make_project(folder: Path) -> None:
    catalog = whole_catalog()
    catalogs = (catalog, odd_catalog(catalog), wide.wide_catalog(folder / "specs"))
    for place, of in zip(PLACES, catalogs, strict=True):
        wide.write_client(of, folder / place)
    (folder / "wide" / "right.py").write_text(wide_uses.RIGHT)
    (folder / "wide" / "wrong.py").write_text(wide_uses.wrong_file()[0])
    right = [use for model in MODELS for use in right_uses(model)]
    (folder / "client" / "right.py").write_text(RIGHT + "\n".join(right) + "\n")
    (folder / "client" / "wrong.py").write_text(wrong_file()[0])
    samples = re.findall(
        r"^```python\n(.*?)^```$", (folder / "client" / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    uses = "print(segmind, SegmindClient, InferenceFailed, InferenceTimeout)\n"  # the last sample only imports them
    (folder / "client" / "readme.py").write_text("\n".join([*samples, uses]))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client, a client with awkward names, and files with correct and wrong uses."""
    return once(tmp_path_factory, "python-types", make_project)


def mypy(folder: Path) -> Iterator[tuple[str, int]]:
    """Yields the files and lines in which mypy reports an error. Both runs share what mypy knows of other packages."""
    command = [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.10", "--output", "json"]
    command += ["--cache-dir", str(folder / "mypy"), "--config-file=", "."]
    for place in PLACES:
        run = subprocess.run(command, cwd=folder / place, capture_output=True, text=True, check=False)
        assert run.returncode in (0, 1), run.stderr
        for message in map(json.loads, filter(None, run.stdout.splitlines())):
            yield f"{place}/{message['file']}", message["line"]


def pyright(folder: Path) -> Iterator[tuple[str, int]]:
    """Yields the files and lines in which pyright reports an error in strict mode."""
    config = {"typeCheckingMode": "strict", "pythonVersion": "3.10", "reportUnusedExpression": False}
    places = {"include": PLACES, "executionEnvironments": [{"root": place} for place in PLACES]}
    (folder / "pyrightconfig.json").write_text(json.dumps(config | places))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode in (0, 1), run.stderr
    answer = json.loads(run.stdout)
    assert answer["summary"]["filesAnalyzed"] == len([path for at in PLACES for path in (folder / at).rglob("*.py")])
    for message in answer["generalDiagnostics"]:
        yield str(Path(message["file"]).relative_to(folder.resolve())), message["range"]["start"]["line"] + 1


@pytest.fixture(scope="module", params=[mypy, pyright])
def errors(
    request: pytest.FixtureRequest, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, set[int]]:
    """The lines of each file in which a type checker reports an error."""

    def make(folder: Path) -> None:
        (folder / "errors.json").write_text(json.dumps([*request.param(project)]), "utf-8")

    found: dict[str, set[int]] = {}
    answer = once(tmp_path_factory, f"python-types-{request.param.__name__}", make) / "errors.json"
    for file, line in json.loads(answer.read_text("utf-8")):
        found.setdefault(file, set()).add(line)
    return found


def test_the_client_and_right_uses_are_clean_and_each_wrong_use_is_an_error_in_its_line(
    errors: dict[str, set[int]],
) -> None:
    _, wrong = wrong_file()
    assert len(wrong) > 600
    assert {file: lines for file, lines in errors.items() if file.startswith("client/")} == {"client/wrong.py": wrong}


def test_names_that_are_awkward_in_python_are_clean(errors: dict[str, set[int]]) -> None:
    assert [file for file in errors if file.startswith("odd/")] == []


def test_each_construct_is_clean_and_each_wrong_use_of_it_is_an_error_in_its_line(errors: dict[str, set[int]]) -> None:
    _, wrong = wide_uses.wrong_file()
    assert {file: lines for file, lines in errors.items() if file.startswith("wide/")} == {"wide/wrong.py": wrong}


def test_models_with_names_awkward_in_python_send_their_slug(project: Path) -> None:
    code = "import sys, segmind_client as s; print(*(getattr(s.Segmind('k'), name).slug for name in sys.argv[1:]))"
    run = subprocess.run(
        [sys.executable, "-c", code, *ODD_SLUGS.values()],
        cwd=project / "odd",
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == list(ODD_SLUGS)


def test_the_checked_client_is_the_committed_one(project: Path) -> None:
    for path in (project / "client" / "segmind_client").rglob("*.py"):
        committed = ROOT / "generated" / "python" / path.relative_to(project / "client")
        assert committed.read_bytes() == path.read_bytes()


def test_the_client_runs_on_python_3_10() -> None:
    package = ROOT / "generated" / "python" / "segmind_client"
    vermin = "import sys, vermin; sys.exit(vermin.main())"
    command = [sys.executable, "-c", vermin, "--target=3.10-", "--no-tips", "--eval-annotations", str(package)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert "Minimum required versions: 3.10" in run.stdout
