"""Structure of the three packages: directions of imports, sizes, class names and public names."""

import ast
import importlib
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = {
    "segforge": ROOT / "generator" / "segforge",
    "segforge_mock": ROOT / "mock_server" / "segforge_mock",
    "segforge_contract": ROOT / "contract_tests" / "segforge_contract",
}

SAME_NAME: Final[dict[str, str]] = {}
"""Class names that may be defined more than once, with the reason."""


def modules() -> Iterator[Path]:
    for folder in PACKAGES.values():
        yield from sorted(folder.rglob("*.py"))


def test_modules_and_packages_stay_small() -> None:
    long = {
        str(path.relative_to(ROOT)): lines for path in modules() if (lines := path.read_text("utf-8").count("\n")) > 350
    }
    side_by_side: dict[str, int] = defaultdict(int)
    for path in modules():
        if path.name != "__init__.py":
            side_by_side[str(path.parent.relative_to(ROOT))] += 1
    crowded = {folder: count for folder, count in side_by_side.items() if count > 15}
    assert (long, crowded) == ({}, {})


def test_a_class_name_has_one_meaning() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in homes.items() if len(found) > 1 and name not in SAME_NAME} == {}


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("segforge", ["Catalog", "Finding", "SpecError", "check_specs", "default_specs", "load_catalog"]),
        (
            "segforge.spec",
            [
                *("Catalog", "Finding", "Gateway", "Model", "Parameter", "SpecError", "Violation"),
                *("check_specs", "default_specs", "load_catalog", "violations"),
            ],
        ),
    ],
)
def test_public_names(module: str, names: list[str]) -> None:
    package = importlib.import_module(module)
    assert package.__all__ == names
    assert all(getattr(package, name).__name__ == name for name in names)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = package.nothing


def test_public_names_load_when_used() -> None:
    code = "import sys, segforge.spec; print([name for name in sys.modules if name.startswith('segforge.spec.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("module", "imported"),
    [("segforge/spec/printable.py", "segforge.emit.quoting"), ("segforge_mock/settings.py", "segforge_contract.rules")],
)
def test_an_import_in_the_wrong_direction_is_found(tmp_path: Path, module: str, imported: str) -> None:
    for name, folder in PACKAGES.items():
        shutil.copytree(folder, tmp_path / name, ignore=lambda _, names: {n for n in names if n == "__pycache__"})
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    changed = tmp_path / module
    changed.write_text(changed.read_text("utf-8") + f"\nimport {imported}\n", "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    importer = module.removesuffix(".py").replace("/", ".")
    assert done.returncode == 1
    assert f"{importer} -> {imported}" in " ".join(done.stdout.split())
