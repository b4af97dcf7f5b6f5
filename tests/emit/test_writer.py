"""The writer writes changed files only, atomically, removes stale ones, and keeps hand-edited ones."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segforge.cli import main
from segforge.emit.artifact import Artifact, Generated, sha256
from segforge.emit.manifest import (
    BadManifest,
    HandEdited,
    LeavesFolder,
    are_on_disk,
    fingerprint,
    fingerprint_on_disk,
    plan,
    write,
)

FIRST = [Artifact(PurePosixPath("a/one.txt"), "1\n"), Artifact(PurePosixPath("a/deep/two.txt"), "2\n")]
OTHER = [Artifact(PurePosixPath("b/three.txt"), "3\n")]


def tree(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_only_changed_files_are_written(tmp_path: Path) -> None:
    assert write(tmp_path, Generated(FIRST), ["a"]).written == ("a/deep/two.txt", "a/one.txt")
    before = (tmp_path / "a/one.txt").stat().st_mtime_ns
    changed = [FIRST[0], Artifact(FIRST[1].path, "22\n")]
    assert write(tmp_path, Generated(changed), ["a"]).written == ("a/deep/two.txt",)
    assert (tmp_path / "a/one.txt").stat().st_mtime_ns == before
    assert not write(tmp_path, Generated(changed), ["a"])


def test_stale_files_and_their_folders_are_removed(tmp_path: Path) -> None:
    write(tmp_path, Generated([*FIRST, *OTHER]), ["a", "b"])
    (tmp_path / "a/mine.txt").write_text("not segforge's")
    changes = write(tmp_path, Generated(FIRST[:1]), ["a"])
    assert changes.removed == ("a/deep/two.txt",)
    assert set(tree(tmp_path)) == {"a/one.txt", "a/mine.txt", "b/three.txt", "manifest.json"}
    assert not (tmp_path / "a/deep").exists()


def test_an_edited_file_is_reported_with_a_diff_and_nothing_is_written(tmp_path: Path) -> None:
    write(tmp_path, Generated(FIRST), ["a"])
    (tmp_path / "a/one.txt").write_text("mine\n")
    before = tree(tmp_path)
    with pytest.raises(HandEdited) as caught:
        write(
            tmp_path, Generated([Artifact(FIRST[0].path, "new\n"), Artifact(PurePosixPath("a/four.txt"), "4\n")]), ["a"]
        )
    assert "-mine" in caught.value.diffs["a/one.txt"]
    assert "+new" in caught.value.diffs["a/one.txt"]
    assert tree(tmp_path) == before


def test_an_edited_stale_file_is_reported(tmp_path: Path) -> None:
    write(tmp_path, Generated(FIRST), ["a"])
    (tmp_path / "a/one.txt").write_text("mine\n")
    with pytest.raises(HandEdited):
        write(tmp_path, Generated(FIRST[1:]), ["a"])


def test_a_foreign_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/one.txt").write_text("theirs\n")
    with pytest.raises(HandEdited):
        write(tmp_path, Generated(FIRST), ["a"])


def test_an_interrupted_run_can_be_repeated(tmp_path: Path) -> None:
    write(tmp_path, Generated(FIRST), ["a"])
    (tmp_path / "a/one.txt").write_text("new\n")  # written by the run that died before its manifest
    assert write(tmp_path, Generated([Artifact(FIRST[0].path, "new\n"), FIRST[1]]), ["a"]).written == ()


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    assert plan(tmp_path / "out", Generated(FIRST), ["a"]).written == ("a/deep/two.txt", "a/one.txt")
    assert not (tmp_path / "out").exists()


def test_a_missing_manifest_is_stale(tmp_path: Path) -> None:
    write(tmp_path, Generated(FIRST), ["a"])
    (tmp_path / "manifest.json").unlink()
    assert plan(tmp_path, Generated(FIRST), ["a"]).written == ("manifest.json",)
    assert not write(tmp_path, Generated(FIRST), ["a"])
    assert not plan(tmp_path, Generated(FIRST), ["a"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"files": {"a\\u0000b": "0"}}',
        '{"files": {}, "unfinished": {"../x": "0"}}',
        '{"files": {"../../x": "0"}}',
        '{"files": {"/etc/passwd": "0"}}',
        '{"files": {"a/\\ud800": "0"}}',
        '{"files": {"b/x": "\\ud800"}}',
        "\0",
    ],
)
def test_a_foreign_manifest_is_rejected(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BadManifest):
        write(tmp_path, Generated(FIRST), ["a"])


paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(lambda parts: PurePosixPath("e", *parts, "f.txt"))
outputs = st.dictionaries(paths, st.text("xyz\n", max_size=4), max_size=6)


@given(first=outputs, second=outputs, spared=st.booleans())
def test_the_output_is_that_of_the_last_run(
    tmp_path_factory: pytest.TempPathFactory,
    first: dict[PurePosixPath, str],
    second: dict[PurePosixPath, str],
    spared: bool,
) -> None:
    """Files that are on disk already may be given by their digests alone."""
    out = tmp_path_factory.mktemp("out")
    write(out, all_of(first), ["e"])
    same = {path: text for path, text in second.items() if spared and first.get(path) == text}
    digests = {str(path): sha256(text.encode()) for path, text in same.items()}
    assert are_on_disk(out, digests)
    made = {path: text for path, text in second.items() if path not in same}
    write(out, replace(all_of(made), unchanged=digests), ["e"])
    files = tree(out)
    manifest = json.loads(files.pop("manifest.json"))
    assert files == {str(path): text.encode() for path, text in second.items()}
    assert manifest["files"] == {path: sha256(text) for path, text in files.items()}
    assert not plan(out, all_of(second), ["e"])
    assert fingerprint_on_disk(out, ["e"]) == (fingerprint(all_of(second).digests), len(second))


def all_of(texts: dict[PurePosixPath, str]) -> Generated:
    return Generated([Artifact(path, text) for path, text in texts.items()])


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("2\n"), lambda path: path.write_text("")])
def test_missing_and_changed_files_are_not_on_disk(tmp_path: Path, change: Callable[[Path], object]) -> None:
    write(tmp_path, Generated(FIRST), ["a"])
    assert are_on_disk(tmp_path, Generated(FIRST).digests)
    change(tmp_path / FIRST[0].path)
    assert not are_on_disk(tmp_path, Generated(FIRST).digests)
    assert fingerprint_on_disk(tmp_path, ["a"]) != (fingerprint(Generated(FIRST).digests), len(FIRST))


@pytest.mark.parametrize("path", ["a", "a/deep", "a/one.txt"])
@pytest.mark.parametrize("files", [FIRST, OTHER], ids=["write", "remove"])
def test_links_out_of_the_output_folder_are_rejected(tmp_path: Path, path: str, files: list[Artifact]) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    write(out, Generated(FIRST), ["a", "b"])
    (out / path).rename(elsewhere)
    (out / path).symlink_to(elsewhere)
    changed = [Artifact(artifact.path, "changed\n") for artifact in files]
    before = tree(tmp_path)
    with pytest.raises(LeavesFolder, match=str(out / path)):
        write(out, Generated(changed), ["a", "b"])
    assert tree(tmp_path) == before


def test_a_link_within_the_output_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "a").symlink_to("real")
    write(tmp_path, Generated(FIRST), ["a"])
    assert (tmp_path / "real/one.txt").read_text() == "1\n"


def test_a_default_output_folder_that_links_elsewhere_is_misuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "project/specs").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "project/generated").symlink_to("../elsewhere")
    assert main(["generate", "--specs", str(tmp_path / "project/specs")]) == 2
    err = " ".join(capsys.readouterr().err.split())
    assert f"--out {tmp_path / 'elsewhere'}" in err.replace("\n", "")
    assert not any((tmp_path / "elsewhere").iterdir())


def test_a_named_pipe_in_the_output_does_not_block(tmp_path: Path) -> None:
    write(tmp_path, Generated(FIRST), ["a"])
    (tmp_path / "a/one.txt").unlink()
    os.mkfifo(tmp_path / "a/one.txt")
    assert not are_on_disk(tmp_path, Generated(FIRST).digests)
    with pytest.raises(HandEdited):
        write(tmp_path, Generated(FIRST), ["a"])


def test_concurrent_runs_write_one_after_the_other(tmp_path: Path) -> None:
    both = [Generated([Artifact(PurePosixPath(f"e/{name}.txt"), text) for name in range(50)]) for text in "12"]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda each: write(tmp_path, each, ["e"]), both * 5))
    files = tree(tmp_path)
    manifest = json.loads(files.pop("manifest.json"))
    assert len(set(files.values())) == 1
    assert manifest["files"] == {path: sha256(text) for path, text in files.items()}
