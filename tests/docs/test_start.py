"""The pages for beginners are followed to the letter. Only their installations are replaced by the tests' own."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import BIN, ROOT, blocks, follow, on_free_port
from tests.seeds import copy_seeds
from tests.typescript.conftest import project
from tests.typescript.test_launcher import tests_of_a_user

__all__ = ["project", "tests_of_a_user"]


def test_the_page_for_python(tmp_path: Path) -> None:
    shown = dict(follow("start/python.md", tmp_path, {}, {"pytest": "-p no:cacheprovider"}))
    assert "2 passed" in shown[".venv/bin/pytest -q test_draw.py"]
    assert (tmp_path / "image.jpeg").read_bytes().startswith(b"\xff\xd8")
    assert shown[".venv/bin/python draw.py"].startswith("image/jpeg ")
    assert "0 errors, 0 warnings" in shown[".venv/bin/segforge check-usage draw.py test_draw.py"]


def test_the_page_for_typescript(
    tmp_path: Path, project: Path, tests_of_a_user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = tmp_path / "node_modules"
    modules.mkdir()
    for installed in (*(project / "node_modules").iterdir(), *(tests_of_a_user / "node_modules").iterdir()):
        if not (modules / installed.name).exists():
            (modules / installed.name).symlink_to(installed)
    monkeypatch.setenv("SEGFORGE", str(BIN / "segforge"))
    shown = list(follow("start/typescript.md", tmp_path, {}, {"npx tsc": "--skipLibCheck"}))
    outputs = {command: output for command, output in shown if command.startswith(("node", "npx vitest"))}
    assert "2 passed" in outputs["npx vitest run draw.test.ts"]
    assert (tmp_path / "image.jpeg").read_bytes().startswith(b"\xff\xd8")
    assert outputs["node draw.mjs"].startswith("image/jpeg ")


def test_the_page_for_ci(tmp_path: Path) -> None:
    cheaper = {"segforge contract": "--rules 'range.*' --max-examples 0"}
    shown = list(follow("start/ci.md", tmp_path, {"--html": 1}, cheaper))
    passed, failed, planned = (output for command, output in shown if "segforge contract" in command)
    assert "rules held" in passed
    assert "range.above: flux-img2img" in failed
    assert "</html>" in (tmp_path / "report.html").read_text("utf-8")
    assert "up to 0 if the gateway keeps its contract" in planned


def test_the_page_for_the_sdks_prints_what_the_page_about_new_models_shows(tmp_path: Path) -> None:
    copy_seeds(tmp_path / "specs")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    ours = {
        "generate": "--specs specs",
        "import": "--out specs/models",
        "contract": "--specs specs",
        "lint": "--specs specs",
    }
    more = {f"segforge {name}": added for name, added in ours.items()}
    targets = {"make setup", "make demo"}
    (tmp_path / "Makefile").write_text("setup demo:\n", "utf-8")
    shown = list(follow("start/maintainer.md", tmp_path, {}, more))
    assert targets <= {command for command, _ in shown}
    printed = {command.split()[1]: output.splitlines() for command, output in reversed(shown) if "segforge" in command}
    [transcript] = [block.text for block in blocks("how-to/new-model.md") if block.language == "console"]
    for name, lines in re.findall(r"\$ segforge (\w+).*\n((?:[^$].*\n)+)", transcript):
        expected = lines.splitlines()
        assert [*map(_shape, printed[name][-len(expected) :])] == [*map(_shape, expected)]
    assert not (tmp_path / "specs" / "models" / "pixel-painter.yaml").exists()


def test_the_page_for_ci_starts_a_mock_and_waits_for_it(tmp_path: Path) -> None:
    [script] = [block.text for block in blocks("how-to/ci.md") if block.language == "sh"]
    script = on_free_port(script) + 'curl --silent --fail "$SEGMIND_BASE_URL/healthz"\nkill %1\n'
    path = f"{BIN}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-mc", script], cwd=tmp_path, env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith('{"status":"ok"}')


def _shape(text: str) -> str:
    """Returns a line of output with its numbers replaced."""
    return re.sub(r"[0-9][0-9.]*", "N", text)
