"""Compiled templates beside their sources: they are used, renewed with the source, and never needed."""

from pathlib import Path
from types import CodeType

import pytest
from jinja2 import Environment, FileSystemLoader

from segforge.emit.bytecode import TemplateBytecode


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    (tmp_path / "page.jinja").write_text("first", "utf-8")
    return tmp_path


def render(folder: Path) -> tuple[str, int]:
    """Returns the text of the template in a new environment, and how often that compiled one."""
    compiled = 0

    class Counting(Environment):
        def _compile(self, source: str, filename: str) -> CodeType:
            nonlocal compiled
            compiled += 1
            return super()._compile(source, filename)

    text = Counting(loader=FileSystemLoader(folder), bytecode_cache=TemplateBytecode(folder)).get_template("page.jinja")
    return text.render(), compiled


def stored(folder: Path) -> list[Path]:
    return list(folder.rglob("*.pyc"))


def test_a_template_is_compiled_once_and_again_after_a_change(folder: Path) -> None:
    assert [render(folder), render(folder)] == [("first", 1), ("first", 0)]
    (folder / "page.jinja").write_text("second", "utf-8")
    assert [render(folder), render(folder)] == [("second", 1), ("second", 0)]


@pytest.mark.parametrize("keep", [0, 3, 20, -5])
def test_a_damaged_file_is_replaced(folder: Path, keep: int) -> None:
    render(folder)
    (file,) = stored(folder)
    file.write_bytes(file.read_bytes()[:keep])
    assert [render(folder), render(folder)] == [("first", 1), ("first", 0)]


def test_nothing_is_stored_if_python_stores_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    assert render(folder) == ("first", 1)
    assert stored(folder) == []


def test_a_folder_that_cannot_be_written_to_is_enough(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, _: bytes) -> None:
        raise PermissionError(path)

    monkeypatch.setattr("segforge.emit.bytecode.write_atomically", refuse)
    assert render(folder) == ("first", 1)
