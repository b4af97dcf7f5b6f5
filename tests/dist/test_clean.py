"""The commands of the docs, from the wheels alone: in an environment and a folder without a checkout."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dist.build import ROOT, build_python
from tests.dist.proof import PAGE, Environment, follow
from tests.shared import once

INSTALLS = ("python3 -m venv", ".venv/bin/pip install")


def make(folder: Path) -> None:
    """Installs the wheels. The other packages are those of this environment, in which segforge is only a link."""
    environment = folder / "env"
    venv.create(environment)
    for project in (ROOT, ROOT / "generated" / "python"):
        build_python(project, folder / "wheels", "wheel")
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install", "--quiet"]
    wheels = map(str, (folder / "wheels").glob("*.whl"))
    subprocess.run([*pip, "--no-deps", "--no-index", "--no-compile", *wheels], check=True, timeout=120)
    [packages] = environment.glob("lib/*/site-packages")
    runner = environment / "bin" / "pytest"
    runner.write_text(f"#!{environment}/bin/python\nimport sys, pytest\nsys.exit(pytest.console_main())\n", "utf-8")
    runner.chmod(0o755)
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"), "utf-8")


@pytest.fixture
def clean(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment with the wheels, and an empty folder."""
    installed = once(tmp_path_factory, "clean-install", make) / "env"
    variables = {"HOME": str(tmp_path), "PATH": f"{installed}/bin:/usr/bin:/bin"}
    packaged = next(installed.glob("lib/*/site-packages/segforge"))
    before = held(packaged)
    (tmp_path / ".venv").symlink_to(installed)
    yield Environment("wheels", tmp_path, {**variables, "XDG_CACHE_HOME": str(installed.parent / "cache")})
    assert held(packaged) == before, "a command changed the installed package"


def held(folder: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime for path in folder.rglob("*") if path.suffix != ".pyc" and path.is_file()}


def test_the_page_for_python_works_without_a_checkout(clean: Environment) -> None:
    follow(clean, "start/python.md", skipped=INSTALLS)
    assert (clean.folder / "image.jpeg").read_bytes().startswith(b"\xff\xd8")
    assert f"{ROOT}/" not in "\n".join(clean.lines)


def test_the_page_for_contract_runs_works_without_a_checkout(clean: Environment) -> None:
    follow(clean, "start/ci.md", skipped=INSTALLS, narrow=" --rules 'range.*' --max-examples 0")


def test_the_maintainer_s_commands_use_the_specs_of_the_folder(clean: Environment) -> None:
    clean.run("segforge generate --only openapi --jobs 1")
    assert (clean.folder / "generated" / "openapi" / "segmind.yaml").read_bytes() == (
        ROOT / "generated" / "openapi" / "segmind.yaml"
    ).read_bytes()
    shutil.copy(ROOT / PAGE, clean.folder)
    clean.run(f"segforge import {PAGE.name}")
    draft = clean.folder / "specs" / "models" / "pixel-painter.yaml"
    assert draft.is_file()
    for name in ("gateway.yaml", "models/style-transfer.yaml"):
        shutil.copy(ROOT / "specs" / name, clean.folder / "specs" / name)
    assert "2 models, 0 errors" in clean.run("segforge lint")
    clean.run("segforge generate --only openapi --jobs 1 --allow-breaking")
    assert "pixel-painter" in (clean.folder / "generated" / "openapi" / "segmind.yaml").read_text("utf-8")
    clean.run("segforge contract --target mock --models pixel-painter --max-examples 2")


@pytest.mark.parametrize(
    "command", ["drift page.txt --apply", "drift --directory --apply", "diff HEAD HEAD --write-changelog"]
)
def test_no_command_edits_the_installed_package(clean: Environment, command: str) -> None:
    (clean.folder / "page.txt").touch()
    printed = clean.run(f"segforge {command}", code=2)
    assert "would change the installed package" in printed
    assert "cp -r " in printed
