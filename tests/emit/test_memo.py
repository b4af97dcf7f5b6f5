"""The cache returns content unchanged or not at all, stays within its limit, and keeps versions apart."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import segforge
from segforge.emit.memo import Memo


def entry(folder: Path) -> Path:
    [path] = folder.iterdir()
    return path


@given(content=st.binary(max_size=200), inputs=st.lists(st.binary(max_size=8), max_size=3))
def test_content_is_returned(tmp_path_factory: pytest.TempPathFactory, content: bytes, inputs: list[bytes]) -> None:
    memo = Memo(tmp_path_factory.mktemp("memo"))
    key = memo.key(*inputs)
    assert memo.get(key) is None
    memo.keep(key, content)
    assert memo.get(key) == content
    assert memo.get(memo.key(*inputs, b"")) is None


@given(content=st.binary(min_size=1, max_size=60), data=st.data())
def test_damage_is_ignored(tmp_path_factory: pytest.TempPathFactory, content: bytes, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("memo")
    memo = Memo(folder)
    memo.keep(memo.key(b"a"), content)
    raw = entry(folder).read_bytes()
    damaged = data.draw(
        st.integers(0, len(raw) - 1).map(lambda end: raw[:end])
        | st.tuples(st.integers(0, len(raw) - 1), st.integers(1, 255)).map(
            lambda at: raw[: at[0]] + bytes([raw[at[0]] ^ at[1]]) + raw[at[0] + 1 :]
        )
        | st.binary(min_size=1, max_size=8).map(lambda more: raw + more)
    )
    entry(folder).write_bytes(damaged)
    assert memo.get(memo.key(b"a")) is None


def test_an_entry_under_another_key_is_ignored(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    memo.keep(memo.key(b"a"), b"of a")
    entry(tmp_path).rename(tmp_path / memo.key(b"b"))
    assert memo.get(memo.key(b"b")) is None


def test_the_split_of_inputs_changes_the_key(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    assert len({memo.key(b"ab", b"c"), memo.key(b"a", b"bc"), memo.key(b"abc"), memo.key(b"abc", b"")}) == 4


def test_the_least_recently_used_entry_is_removed_first(tmp_path: Path) -> None:
    memo = Memo(tmp_path, limit=450)
    for number in range(4):
        memo.keep(memo.key(bytes([number])), b"x" * 100)
        os.utime(tmp_path / memo.key(bytes([number])), (number, number))
    assert memo.get(memo.key(bytes([0]))) is not None  # which makes it the newest
    memo.prune()
    assert [memo.get(memo.key(bytes([number]))) is not None for number in range(4)] == [True, False, True, True]


def test_entries_that_another_run_removes_are_no_error(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "memo", limit=150)
    for name in (b"a", b"b"):
        memo.keep(memo.key(name), b"x" * 100)
    (tmp_path / "memo" / "removed").symlink_to("nowhere")  # as an entry that is listed and then removed
    memo.prune()
    assert sum(memo.get(memo.key(name)) is not None for name in (b"a", b"b")) == 1
    shutil.rmtree(tmp_path / "memo")
    memo.prune()
    assert memo.get(memo.key(b"a")) is None


def test_a_change_of_segforge_changes_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Memo(None).key(b"a")
    package = tmp_path / "segforge"
    shutil.copytree(Path(segforge.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(segforge, "__file__", str(package / "__init__.py"))
    assert Memo(None).key(b"a") == before
    template = package / "emit/templates/python/models/model.py.jinja"
    template.write_text(template.read_text("utf-8") + "\n", "utf-8")
    assert Memo(None).key(b"a") != before


def test_a_dependency_version_changes_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff-0.1.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    before = Memo(None).key(b"a")
    (tmp_path / "ruff-0.1.dist-info").rename(tmp_path / "ruff-0.2.dist-info")
    assert Memo(None).key(b"a") != before


def test_a_read_only_folder_stores_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memo = Memo(tmp_path / "file" / "folder")
    memo.keep(memo.key(b"a"), b"x")
    assert memo.get(memo.key(b"a")) is None
    memo.prune()
