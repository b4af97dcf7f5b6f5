"""Committed files equal the files generated from the specs, byte for byte, on any machine."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segforge import Catalog, default_specs
from segforge.cli import main
from segforge.emit import formatting
from segforge.emit.artifact import Artifact, Subject
from segforge.emit.formatting import format_python
from segforge.emit.pipeline import emit
from segforge.emit.python.listing import listing
from segforge.emit.python.names import named_model
from tests.seeds import seed_catalog

GENERATED = Path(__file__).parents[2] / "generated"


def tree(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_committed_files_are_current() -> None:
    assert main(["generate", "--check"]) == 0


def test_hash_seed_and_locale_do_not_change_the_bytes(tmp_path: Path) -> None:
    trees = []
    for seed, locale in (("1", "C"), ("4242", "C.UTF-8")):
        out = tmp_path / seed
        command = [sys.executable, "-m", "segforge.cli", "generate", "--specs", str(default_specs()), "--out", str(out)]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONUTF8": "0"}
        subprocess.run(command, check=True, env=environment, capture_output=True)
        trees.append(tree(out))
    assert trees[0] == trees[1]
    manifest = {name: data for name, data in trees[0].items() if name != "manifest.json"}
    assert {name: (GENERATED / name).read_bytes() for name in manifest} == manifest
    assert sum(map(len, trees[0].values())) < 12_000_000, "the generated tree is committed, so it stays under 12 MB"


def test_check_lists_stale_files_and_writes_nothing(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = specs.parent / "generated"
    assert main(["generate", "--specs", str(specs)]) == 0
    path = specs / "models" / "flux-img2img.yaml"
    path.write_text(path.read_text("utf-8").replace("maximum: 50", "maximum: 60"), "utf-8")
    (specs / "models" / "flux-dev-finetuned.yaml").unlink()
    before = tree(out)
    capsys.readouterr()
    assert main(["generate", "--check", "--specs", str(specs)]) == 1
    printed = capsys.readouterr()
    assert "stale    openapi/models/flux-img2img.yaml" in printed.out
    assert "obsolete openapi/models/flux-dev-finetuned.yaml" in printed.out
    assert "segforge generate" in printed.err
    assert tree(out) == before

    assert main(["generate", "--specs", str(specs), "--allow-breaking"]) == 0
    assert main(["generate", "--check", "--specs", str(specs)]) == 0
    assert not (out / "openapi/models/flux-dev-finetuned.yaml").exists()


@pytest.mark.parametrize("name", ["openapi/segmind.yaml", "python/public-surface.txt", "python/CHANGELOG.md"])
def test_a_hand_edited_file_is_reported_with_a_diff(specs: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["generate", "--specs", str(specs), "--only", name.partition("/")[0]]
    assert main(command) == 0
    edited = specs.parent / "generated" / name
    edited.write_bytes(edited.read_bytes() + b"# mine \xff\n")
    capsys.readouterr()
    for options in ([], ["--check"]):
        assert main([*command, *options]) == 1
        error = capsys.readouterr().err
        assert "-# mine" in error
        assert "nothing was written" in error
        assert "would break" not in error
    assert edited.read_bytes().endswith(b"# mine \xff\n")


@pytest.mark.parametrize(("script", "found"), [("echo full >&2; exit 2", "full"), ("kill -9 $$", "-9")])
def test_a_formatter_that_fails_ends_in_one_message(
    script: str, found: str, specs: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ruff = specs.parent / "ruff"
    ruff.write_text(f"#!/bin/sh\n{script}\n")
    ruff.chmod(0o755)
    monkeypatch.setattr(formatting, "find_ruff_bin", lambda: str(ruff))
    assert main(["generate", "--specs", str(specs), "--only", "mock", "--no-cache"]) == 2
    assert found in capfd.readouterr().err
    assert not (specs.parent / "generated").exists()


def test_only_keeps_other_files(specs: Path) -> None:
    out = specs.parent / "generated"
    assert main(["generate", "--specs", str(specs), "--only", "openapi"]) == 0
    assert {path.name for path in out.iterdir()} == {"openapi", "manifest.json"}
    assert main(["generate", "--specs", str(specs), "--only", "mock"]) == 0
    shutil.rmtree(out / "openapi")
    assert main(["generate", "--specs", str(specs), "--only", "mock", "--check"]) == 0
    assert main(["generate", "--specs", str(specs), "--only", "openapi", "--check"]) == 1


def test_an_unknown_emitter_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["generate", "--only", "cobol"])
    assert exit_.value.code == 2
    assert "openapi" in capsys.readouterr().err


def test_a_new_model_does_not_change_the_samples(specs: Path) -> None:
    out = specs.parent / "generated"
    assert main(["generate", "--specs", str(specs), "--out", str(out), "--only", "python", "typescript"]) == 0
    before = tree(out)
    text = (specs / "models/flux-img2img.yaml").read_text("utf-8")
    (specs / "models/aa.yaml").write_text(text.replace("flux-img2img", "aa").replace("anime style", "a"), "utf-8")
    assert main(["generate", "--specs", str(specs), "--out", str(out), "--only", "python", "typescript"]) == 0
    after = tree(out)
    samples = [path for path in before if "/examples/" in path]
    assert len(samples) > 5
    assert [path for path in samples if after[path] != before[path]] == []


TEXTS = (
    "it's 'quoted' " * 30,
    'it\'s a "b"',
    'say "a" \\',
    "a\nb\t\u2028\x00\u00e9",
    "\\'" * 40,
    '"' * 40,
    "'" * 90 + '"',
)


def assert_formatted(text: str, expected: list[str]) -> None:
    """Ruff leaves the module of these descriptions' schemas as it is, and it holds them."""
    [formatted] = format_python([Artifact(PurePosixPath("python/schemas.py"), text)])
    assert formatted.text == text
    found: dict[str, object] = {}
    exec(text, found)
    schemas = cast("dict[str, str]", found["SCHEMAS"])
    assert [json.loads(schema)["description"] for schema in schemas.values()] == expected


def test_the_formatter_leaves_what_is_emitted_as_formatted(catalog: Catalog) -> None:
    models = tuple(replace(catalog.models[0], slug=f"m{place}", description=text) for place, text in enumerate(TEXTS))
    [emitted] = [file for file in emit(replace(catalog, models=models), ["python"]) if file.path.name == "_schemas.py"]
    assert_formatted(emitted.text, list(TEXTS))


quoted = st.text("'\"\\{}a \n\0\x85\u2028\u00e9", min_size=20)


@settings(max_examples=3)
@given(st.lists(st.text() | quoted | quoted.map(lambda text: "'" * 99 + text), min_size=50, max_size=90))
def test_the_formatter_leaves_a_schema_of_any_text(texts: list[str]) -> None:
    catalog = seed_catalog()
    plain = replace(catalog.models[0], parameters=(), example={}, conditions=())
    models = [named_model(replace(plain, slug=f"m{place}", description=text)) for place, text in enumerate(texts)]
    lines = [listing(Subject(catalog.gateway, named.model, ""), named)["schema"] for named in models]
    assert_formatted("\n".join(["SCHEMAS = {", *lines, "}", ""]), texts)
