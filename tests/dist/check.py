"""Checks built distributions: their form, their contents, and that the source distributions build the same wheels."""

import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final

from tests.dist.build import ROOT, TOOLS, BuildError, build_python, command, run

CONTENTS: Final = {
    "segforge": {
        "generator/segforge/": "segforge/",
        "mock_server/segforge_mock/": "segforge_mock/",
        "contract_tests/segforge_contract/": "segforge_contract/",
        "generated/mock/segmind_mock/": "segmind_mock/",
        "specs/": "segforge/specs/",
    },
    "segmind_client": {"generated/python/segmind_client/": "segmind_client/"},
}
"""The folders of the repository that each wheel holds, and their names in it."""


def check(out: Path) -> list[str]:
    """Checks all files of a folder that `build` filled. Returns one line for each check. Raises BuildError."""
    wheels, sources, packages = (sorted(out.glob(pattern)) for pattern in ("*.whl", "*.tar.gz", "*.tgz"))
    if (found := (len(wheels), len(sources), len(packages))) != (2, 2, 2):
        raise BuildError(str(out), f"expected 2 wheels, 2 source distributions and 2 npm packages, found {found}")
    run(sys.executable, "-m", "twine", "check", "--strict", *wheels, *sources, cwd=ROOT)
    for wheel in wheels:
        check_form(wheel)
        check_contents(wheel)
    for source in sources:
        check_source(source, out)
    for package in packages:
        check_package(package)
    return [
        f"twine check, check-wheel-contents: {len(wheels)} wheels, {len(sources)} source distributions",
        "contents: the wheels hold the files of the repository that they need, and no other",
        "source distributions: each builds the same bytes as the wheel",
        f"publint, attw: {len(packages)} npm packages",
    ]


def check_form(wheel: Path) -> None:
    """Runs check-wheel-contents. W002 is off: licences are in the metadata and beside the code that they cover."""
    folders = {within.split("/")[0] for within in CONTENTS[wheel.name.split("-")[0]].values()}
    program = Path(sys.executable).with_name("check-wheel-contents")
    run(program, "--no-config", "--ignore", "W002", "--toplevel", ",".join(sorted(folders)), wheel, cwd=ROOT)


def check_contents(wheel: Path) -> None:
    """Compares the files of a wheel with those of the repository. Raises BuildError."""
    name = wheel.name.split("-")[0]
    with zipfile.ZipFile(wheel) as archive:
        held = {each for each in archive.namelist() if not each.startswith(f"{name}-")}
    expected = {within + path for folder, within in CONTENTS[name].items() for path in _tracked(folder)}
    if held != expected:
        lines = [f"missing: {path}" for path in sorted(expected - held)]
        lines += [f"not in the repository: {path}" for path in sorted(held - expected)]
        raise BuildError(f"the contents of {wheel.name}", "\n".join(lines[:20]))


def _tracked(folder: str) -> list[str]:
    printed = subprocess.run(
        ["git", "ls-files", "-z", "."], cwd=ROOT / folder, capture_output=True, text=True, check=True
    )
    return printed.stdout.split("\0")[:-1]


def check_source(source: Path, out: Path) -> None:
    """Builds the wheel of a source distribution, and compares it with the one beside it. Raises BuildError."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
        [project] = Path(folder).iterdir()
        built = Path(folder) / "built"
        build_python(project, built, "wheel")
        [wheel] = built.iterdir()
        if wheel.read_bytes() != (out / wheel.name).read_bytes():
            raise BuildError(f"the wheel of {source.name}", f"it differs from {out / wheel.name}")


def check_package(package: Path) -> None:
    """Runs publint and Are The Types Wrong on an npm package. Raises BuildError."""
    run("node", _tool("publint"), "--strict", package.resolve(), cwd=ROOT)
    run("node", _tool("@arethetypeswrong/cli"), package.resolve(), cwd=ROOT)
    manifest = package_json(package)
    needed = {"dependencies", "peerDependencies", "optionalDependencies", "bundleDependencies"} & set(manifest)
    if needed:
        raise BuildError(f"package.json of {package.name}", f"expected no run-time dependencies, found {needed}")


def package_json(package: Path) -> Any:
    """Returns the package.json of an npm package."""
    with tarfile.open(package) as archive:
        held = archive.extractfile("package/package.json")
        assert held is not None
        return json.load(held)


def _tool(name: str) -> Path:
    [script] = json.loads((TOOLS / name / "package.json").read_text("utf-8"))["bin"].values()
    return TOOLS / name / str(script)


if __name__ == "__main__":
    sys.exit(command(check))
