"""Generating by content: with or without a cache, on one core or more, after any edit, the bytes are the same."""

import dataclasses
import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from segforge.cli import main
from segforge.emit.artifact import Artifact
from segforge.emit.formatting import format_python
from segforge.emit.openapi.document import document
from segforge.emit.openapi.text import SafeTextDumper, json_text, yaml_text
from segforge.emit.pipeline import EMITTERS, emit
from segforge.emit.quoting import LINE_LENGTH
from segforge.emit.request_types import request_type, request_types
from segforge.spec.catalog import Catalog, Choices, Model, Parameter
from segforge.spec.inputs import read_inputs
from segforge.spec.lint import lint_catalog, schema, slugs_collide
from segforge.spec.load import load_catalog
from segforge.spec.printable import HIDDEN
from segforge.spec.source import SourceFile
from tests.emit.test_generate import tree

MODEL = "models/flux-img2img.yaml"


def generate(specs: Path, out: Path, *options: str) -> dict[str, bytes]:
    assert main(["generate", "--specs", str(specs), "--out", str(out), "--allow-breaking", *options]) == 0
    return tree(out)


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(specs: Path) -> None:
        text = (specs / name).read_text("utf-8")
        assert old in text
        (specs / name).write_text(text.replace(old, new, 1), "utf-8")

    return edit


def added(specs: Path) -> None:
    """A model whose parameters' type in TypeScript has the name of another model's class."""
    text = (specs / MODEL).read_text("utf-8")
    (specs / "models/flux-img2img-params.yaml").write_text(text.replace("flux-img2img", "flux-img2img-params"), "utf-8")


EDITS: dict[str, Callable[[Path], None]] = {
    "description": replaced(MODEL, "description: ", "description: Really "),
    "range": replaced(MODEL, "maximum: 50", "maximum: 60"),
    "comment": replaced(MODEL, "slug:", "# nothing\nslug:"),
    "gateway": replaced("gateway.yaml", "description: ", "description: Really "),
    "model added": added,
    "model removed": lambda specs: (specs / MODEL).unlink(),
    "change log removed": lambda specs: (specs / "changelog.yaml").unlink(),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_after_an_edit_the_cache_gives_what_a_fresh_run_gives(
    specs: Path, tmp_path: Path, edit: Callable[[Path], None]
) -> None:
    cache = f"--cache={tmp_path / 'cache'}"
    before = generate(specs, tmp_path / "kept", cache)
    edit(specs)
    after = generate(specs, tmp_path / "kept", cache)
    assert after == generate(specs, tmp_path / "fresh", "--no-cache", "--jobs=1")
    assert after == generate(specs, tmp_path / "elsewhere", cache)
    assert (after == before) == (edit is EDITS["comment"])


def test_processes_and_hash_seeds_make_no_difference(specs: Path, tmp_path: Path) -> None:
    trees = []
    for seed, jobs in (("1", "1"), ("77", "2"), ("4242", "5")):
        out = tmp_path / seed
        options = ["--specs", str(specs), "--out", str(out), "--jobs", jobs, "--no-cache"]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-m", "segforge.cli", "generate", *options]
        subprocess.run(command, check=True, env=environment, capture_output=True)
        trees.append(tree(out))
    assert trees[0] == trees[1] == trees[2]
    plain = {str(artifact.path): artifact.text.encode() for artifact in emit(load_catalog(specs), EMITTERS)}
    assert trees[0] == plain | {"manifest.json": trees[0]["manifest.json"]}


@pytest.mark.parametrize(
    "damage",
    [lambda raw: raw[: len(raw) // 2], lambda raw: raw[:40] + b"?" + raw[41:], lambda _: b"", lambda raw: raw + b"\0"],
    ids=["cut off", "changed", "empty", "longer"],
)
def test_damaged_entries_are_made_anew(specs: Path, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    cache = tmp_path / "cache"
    right = generate(specs, tmp_path / "first", f"--cache={cache}")
    for entry in cache.iterdir():
        entry.write_bytes(damage(entry.read_bytes()))
    assert generate(specs, tmp_path / "second", f"--cache={cache}") == right


def test_entries_in_each_others_place_are_made_anew(specs: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    right = generate(specs, tmp_path / "first", f"--cache={cache}")
    entries = sorted(cache.iterdir())
    contents = [entry.read_bytes() for entry in entries]
    for entry, content in zip(entries, [*contents[1:], contents[0]], strict=True):
        entry.write_bytes(content)
    assert generate(specs, tmp_path / "second", f"--cache={cache}") == right


@pytest.mark.parametrize("name", ["openapi/segmind.json", "python/segmind_client/types/flux_img2img.py"])
def test_check_finds_what_is_stale_whatever_the_cache_holds(specs: Path, tmp_path: Path, name: str) -> None:
    options = ["--specs", str(specs), "--out", str(tmp_path / "out"), f"--cache={tmp_path / 'cache'}"]
    assert main(["generate", *options]) == 0
    assert main(["generate", "--check", *options]) == 0
    path = tmp_path / "out" / name
    text = path.read_text("utf-8")
    path.write_text(text + "\n", "utf-8")
    assert main(["generate", "--check", *options]) == 1
    path.unlink()
    assert main(["generate", "--check", *options]) == 1
    path.write_text(text, "utf-8")
    assert main(["generate", "--check", *options]) == 0


@pytest.mark.parametrize("edit", [lambda _: None, replaced(MODEL, "description: ", "description: Really ")])
def test_files_that_are_gone_are_made_again(specs: Path, tmp_path: Path, edit: Callable[[Path], None]) -> None:
    cache, out = f"--cache={tmp_path / 'cache'}", tmp_path / "out"
    generate(specs, out, cache)
    (out / "python/segmind_client/types/flux_img2img.py").unlink()
    (out / "openapi/models/flux-controlnet.yaml").unlink()
    edit(specs)
    assert generate(specs, out, cache) == generate(specs, tmp_path / "fresh", "--no-cache")


def test_a_file_of_a_model_that_was_edited_is_refused_with_a_full_cache(
    specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["generate", "--specs", str(specs), "--out", str(tmp_path / "out"), f"--cache={tmp_path / 'cache'}"]
    assert main(options) == 0
    edited = tmp_path / "out/python/segmind_client/types/flux_img2img.py"
    edited.write_text(edited.read_text("utf-8") + "\nMINE = 1\n", "utf-8")
    replaced("models/flux-controlnet.yaml", "description: ", "description: Really ")(specs)
    before = tree(tmp_path / "out")
    assert main(options) == 1
    assert "-MINE = 1" in capsys.readouterr().err
    assert tree(tmp_path / "out") == before


def test_errors_are_the_same_with_a_full_cache(specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["generate", "--specs", str(specs), "--out", str(tmp_path / "out"), f"--cache={tmp_path / 'cache'}"]
    assert main(options) == 0
    replaced(MODEL, "type: integer", "type: whole")(specs)
    replaced("gateway.yaml", "title:", "titel:")(specs)
    capsys.readouterr()
    assert main(options) == 1
    with_cache = capsys.readouterr().err
    assert main([*options, "--no-cache"]) == 1
    assert capsys.readouterr().err == with_cache
    assert "titel" in with_cache
    assert "whole" in with_cache


def test_a_run_with_nothing_to_do_imports_none_of_what_generates(specs: Path, tmp_path: Path) -> None:
    options = ["--specs", str(specs), "--out", str(tmp_path / "out"), f"--cache={tmp_path / 'cache'}"]
    assert main(["generate", *options]) == 0
    code = (
        "import sys; from segforge.cli import main; main(sys.argv[1:]);"
        "print(*{'jinja2', 'datamodel_code_generator', 'jsonschema', 'jsonschema_rs'} & sys.modules.keys(), 'no more')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "generate", *options], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "no more"


NAMES = """
prompt seed steps Literal literal Annotated int str class items field __x _x a-b a__b 1st Any
Meta UNSET NotRequired TypedDict ImageInput StepsRange
"""
names = st.sampled_from(NAMES.split())
parameters = st.builds(
    Parameter,
    name=names,
    type=st.just("integer"),
    required=st.booleans(),
    description=st.sampled_from(["Plain.", '"""', "class Foo(Struct):\n    x: int", "\\", "a\n\nb"]),
    nullable=st.booleans(),
    minimum=st.none() | st.integers(0, 3),
    maximum=st.none() | st.integers(4, 9),
    choices=st.none() | st.just(Choices((1, 2), 2)) | st.just(Choices((1,), 5)),
)
slugs = st.sampled_from(["a", "b", "a-1", "a1", "1-1", "11", "any", "class", "b-params", "no-model", "steps-range"])


@settings(max_examples=40)
@given(
    catalogs=st.dictionaries(
        slugs, st.lists(parameters, min_size=1, max_size=5, unique_by=lambda p: p.name), min_size=2
    ),
)
@pytest.mark.parametrize("kind", ["typed_dict", "struct"])
def test_many_request_types_are_those_of_each_model_alone(
    catalog: Catalog, kind: Any, catalogs: dict[str, list[Parameter]]
) -> None:
    base = catalog.model("flux-img2img")
    models = [dataclasses.replace(base, slug=slug, parameters=tuple(of)) for slug, of in catalogs.items()]
    together, alone = request_types(models, kind), [request_type(model, kind) for model in models]
    assert [each.name for each in together] == [each.name for each in alone]
    texts = [
        {artifact.path.name: artifact.text for artifact in format_python(map(artifact_of, range(len(types)), types))}
        for types in ([each.source for each in together], [each.source for each in alone])
    ]
    assert texts[0] == texts[1]


def artifact_of(index: int, source: str) -> Artifact:
    return Artifact(PurePosixPath(f"m{index}.py"), source)


seen = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).filter(lambda text: not HIDDEN.search(text))
texts = seen | st.sampled_from(["x " * 90, "- ", "a: b", ""])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
entries = st.dictionaries(texts, values, min_size=1, max_size=4)


@given(
    info=values,
    tags=st.lists(values, min_size=1, max_size=3),
    paths=entries,
    components=st.dictionaries(st.sampled_from(["responses", "schemas"]), entries, min_size=1),
)
def test_a_document_written_entry_by_entry_is_the_document(
    info: object, tags: list[object], paths: dict[str, object], components: dict[str, dict[str, object]]
) -> None:
    whole = {"info": info, "tags": tags, "paths": paths, "components": components}
    assert json_text(whole, {}) == json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
    written = yaml.dump(whole, Dumper=SafeTextDumper, sort_keys=False, allow_unicode=True, width=LINE_LENGTH)
    assert yaml_text(whole, {}) == written


@pytest.mark.parametrize("slug", ["another", "get-user-credits", "fluximg2img", "jobs"])
def test_the_common_document_is_that_of_all_models(catalog: Catalog, slug: str) -> None:
    model = catalog.model("flux-img2img")
    models: tuple[Model, ...] = (*catalog.models, dataclasses.replace(model, slug=slug, versions=("v1",)))
    whole = dataclasses.replace(catalog, models=models)
    files = {artifact.path.name: artifact.text for artifact in emit(whole, ["openapi"])}
    expected = document(catalog.gateway, models)
    assert json.loads(files["segmind.json"]) == expected == yaml.safe_load(files["segmind.yaml"])
    assert list(json.loads(files["segmind.json"])["paths"]) == list(expected["paths"])


@given(st.lists(st.from_regex(r"\A[ab1]([.-][ab1])?\Z"), max_size=5, unique=True))
def test_slugs_collide_where_lint_says_so(slugs: list[str]) -> None:
    sources = [SourceFile(Path(slug), slug, {"slug": slug}, {}, {}) for slug in slugs]
    assert slugs_collide(slugs) == bool(lint_catalog(sources))


def test_another_schema_finds_what_the_old_one_let_pass(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = f"--cache={tmp_path / 'cache'}"
    generate(specs, tmp_path / "out", cache)
    replaced("schema/model.schema.json", '"maxLength": 200', '"maxLength": 2')(specs)
    for module in ("inputs", "lint.schema"):
        monkeypatch.setattr(f"segforge.spec.{module}.default_specs", lambda: specs)
    for name in ("_schema", "_quick_validator", "_validator"):
        monkeypatch.setattr(schema, name, functools.cache(getattr(schema, name).__wrapped__))
    assert main(["generate", "--specs", str(specs), "--out", str(tmp_path / "out"), cache]) == 1
    assert "schema.maxLength" in capsys.readouterr().err


def test_the_digest_of_the_inputs_is_of_names_and_bytes(specs: Path) -> None:
    def digest() -> bytes:
        inputs = read_inputs(specs)
        assert inputs is not None
        return inputs.digest()

    digests = [digest()]
    for edit in EDITS.values():
        if (specs / MODEL).exists():
            edit(specs)
            digests.append(digest())
    assert len(set(digests)) == len(digests)
    (specs / "gateway.yaml").unlink()
    assert read_inputs(specs) is None
