"""Other runs write to the output, or specs change, while a run generates: no file is stale, and no cache is wrong."""

from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from segforge.cli import main
from segforge.commands import generate as command
from segforge.emit.artifact import Artifact, Generated
from segforge.emit.manifest import WrittenMeanwhile, plan, state, write
from segforge.spec.inputs import Inputs, read_inputs
from tests.emit import test_incremental
from tests.emit.test_generate import tree
from tests.emit.test_incremental import MODEL, replaced

ONLY = "--only=mock"

OTHER_MODEL = replaced("models/flux-controlnet.yaml", "description: ", "description: Really ")
SHAPE = """\
name: block
source: {url: https://www.segmind.com/models/x/api, reviewed: "2026-11-28"}
facts: {type: string, description: A block., max_length: 9}
"""


def generate(specs: Path, out: Path, *options: str, only: str = ONLY) -> dict[str, bytes]:
    return test_incremental.generate(specs, out, only, *options)


def meanwhile(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object], times: int = 1) -> None:
    """Runs an action when a run has generated its files and is about to compare them with those on disk."""
    left = [action] * times
    real: dict[str, Callable[..., Any]] = {"plan": plan, "write": write}

    def patched(name: str, *args: Any) -> Any:
        if left:
            left.pop()()
        return real[name](*args)

    for name in real:
        monkeypatch.setattr(command, name, partial(patched, name))


@pytest.mark.parametrize("options", [[], ["--no-cache"], ["--check"]])
def test_a_run_starts_again_if_another_one_wrote_meanwhile(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    """The first run has found the files of the model current, which the second one then changes."""
    out, cache = tmp_path / "out", f"--cache={tmp_path / 'cache'}"
    generate(specs, out, cache)
    OTHER_MODEL(specs)

    def other_run() -> None:
        replaced(MODEL, "description: ", "description: Really ")(specs)
        generate(specs, out, cache)

    meanwhile(monkeypatch, other_run)
    assert generate(specs, out, cache, *options) == generate(specs, tmp_path / "fresh", "--no-cache")
    replaced(MODEL, "description: ", "description: Very ")(specs)
    assert generate(specs, out, cache) == generate(specs, tmp_path / "fresh", "--no-cache")


def test_a_breaking_change_that_another_run_took_back_is_none(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, model = tmp_path / "out", specs / MODEL
    generate(specs, out, only="--only=python")
    text = model.read_text("utf-8")
    replaced(MODEL, "versions: [v1, v2]", "versions: [v1]")(specs)

    def other_run() -> None:
        model.write_text(text, "utf-8")
        OTHER_MODEL(specs)
        generate(specs, out, only="--only=python")

    meanwhile(monkeypatch, other_run)
    assert main(["generate", "--specs", str(specs), "--out", str(out), "--only=python"]) == 0
    assert tree(out) == generate(specs, tmp_path / "fresh", "--no-cache", only="--only=python")


def test_runs_without_end_are_an_error(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    generate(specs, out)
    before = tree(out)

    def other_run() -> None:
        manifest = out / "manifest.json"
        manifest.write_text(manifest.read_text("utf-8").replace('"mock/', '"mock/_', 1), "utf-8")

    meanwhile(monkeypatch, other_run, times=100)
    assert main(["generate", "--specs", str(specs), "--out", str(out), ONLY, "--no-cache"]) == 2
    assert "other runs keep writing" in capsys.readouterr().err
    assert {**tree(out), "manifest.json": b""} == {**before, "manifest.json": b""}


def test_runs_of_other_emitters_do_not_count(tmp_path: Path) -> None:
    mine, other = (Generated([Artifact(PurePosixPath(f"{name}/x.txt"), name)]) for name in "ab")
    since = state(tmp_path)
    write(tmp_path, other, ["b"])
    assert plan(tmp_path, mine, ["a"], since)
    assert write(tmp_path, mine, ["a"], since)
    before = tree(tmp_path)
    for change in (plan, write):
        with pytest.raises(WrittenMeanwhile):
            change(tmp_path, Generated([]), ["a"], since)
    assert tree(tmp_path) == before


def test_what_is_read_later_does_not_reach_the_cache(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shape and a model are edited while a run generates, and the edits are taken back."""
    replaced(MODEL, "parameters:\n", "parameters:\n  block: {required: false, description: A block., shape: block}\n")(
        specs
    )
    shape, model, broken = specs / "shapes/block.yaml", specs / MODEL, tmp_path / "broken"
    shape.write_text(SHAPE, "utf-8")
    text = model.read_text("utf-8")

    def edited(path: Path, later: str) -> Callable[[Path], Inputs | None]:
        def read(folder: Path) -> Inputs | None:
            inputs = read_inputs(folder)
            path.write_text(later, "utf-8")
            return inputs

        return read

    out, cache = tmp_path / "out", f"--cache={tmp_path / 'cache'}"
    monkeypatch.setattr(command, "read_inputs", edited(shape, SHAPE.replace("9", "10")))
    generate(specs, out, cache)
    shape.write_text(SHAPE, "utf-8")
    model.write_text("broken", "utf-8")
    monkeypatch.setattr(command, "read_inputs", edited(model, text))
    generate(specs, broken, cache)
    monkeypatch.setattr(command, "read_inputs", read_inputs)
    assert generate(specs, out, cache) == generate(specs, tmp_path / "fresh", "--no-cache")
    model.write_text("broken", "utf-8")
    assert main(["generate", "--specs", str(specs), "--out", str(broken), ONLY, cache]) == 1
