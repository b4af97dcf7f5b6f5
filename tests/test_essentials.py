"""The essential tests import only packages that their environments have. CI runs them without the other ones."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
MAKEFILE: Final = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
OWN: Final = {"segforge", "segforge_contract", "segforge_mock", "segmind_client", "tests"}


def installed() -> set[str]:
    """The packages that the recipe of these environments installs, dependencies of dependencies left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    [named] = re.findall(r"--editable generated/python ([a-z -]+)$", MAKEFILE, re.MULTILINE)
    chosen = [extras[name] for name in re.findall(r"\w+", extras["all"][0].partition("[")[2])]
    stated = [*project["dependencies"], *(each for extra in chosen for each in extra), *named.split()]
    return {re.split(r"[^\w.-]", each)[0].lower() for each in stated}


def essential() -> set[Path]:
    """The modules of the essential tests, with those in `tests` that they import."""
    [named] = re.findall(r"^ESSENTIAL := (.*)$", MAKEFILE, re.MULTILINE)
    places = [ROOT / name for name in named.split()]
    waiting = [path for place in places for path in ([place] if place.suffix else place.rglob("*.py"))]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += path.parent.glob("conftest.py")
            candidates = (ROOT / f"{name.replace('.', '/')}.py" for name in imports(path) if name.startswith("tests."))
            waiting += filter(Path.is_file, candidates)
    return found


def imports(path: Path) -> Iterator[str]:
    """The names that a module imports when it is loaded: each module, and each name from a module as if it were one."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def test_essential_tests_import_only_what_their_environments_have() -> None:
    homes = packages_distributions()
    importers: dict[str, set[str]] = defaultdict(set)
    for path in essential():
        for name in imports(path):
            importers[name.partition(".")[0]].add(str(path.relative_to(ROOT)))
    foreign = importers.keys() - OWN - set(sys.stdlib_module_names)
    assert {"httpx", "pytest", "requests"} <= foreign
    missing = {
        name: importers[name] for name in foreign if installed().isdisjoint(map(str.lower, homes.get(name, [name])))
    }
    assert missing == {}
