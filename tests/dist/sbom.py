"""Writes the software bills of materials of the distributions, in the format CycloneDX."""

import json
import os
import re
import sys
import tarfile
import tempfile
import venv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.dist.build import EPOCH, ROOT, BuildError, command, run
from tests.dist.licences import vendored


def write_all(out: Path) -> list[Path]:
    """Writes one file for each wheel and each npm package of a folder that `build` filled. Raises BuildError."""
    made = []
    for wheel in sorted(out.glob("*.whl")):
        project = ROOT if wheel.name.startswith("segforge-") else ROOT / "generated" / "python"
        bill = of_wheel(wheel, project)
        if project == ROOT:
            _add_vendored(bill)
        made.append(_write(out / f"{'-'.join(wheel.name.split('-')[:2])}.whl.cdx.json", bill))
    packages = sorted(out.glob("*.tgz"))
    return made + [_write(out / f"{package.stem}.tgz.cdx.json", of_package(package)) for package in packages]


def of_wheel(wheel: Path, project: Path) -> Any:
    """Returns the bill of a wheel with all extras, at the versions of constraints.txt. Raises BuildError."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=False)
        python = str(Path(folder) / "bin" / "python")
        extra = "[all]" if project == ROOT else ""
        install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
        run(*install, "--constraint", str(ROOT / "constraints.txt"), f"{wheel.resolve()}{extra}", cwd=ROOT)
        make = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"]
        bill = json.loads(run(*make, "--pyproject", str(project / "pyproject.toml"), python, cwd=ROOT))
    # The wheel itself is the subject of the bill. Its path on this machine is not.
    name = bill["metadata"]["component"]["name"]
    removed = {each["bom-ref"] for each in bill["components"] if each["name"] == name}
    bill["components"] = [each for each in bill["components"] if each["bom-ref"] not in removed]
    bill["dependencies"] = [each for each in bill["dependencies"] if each["ref"] not in removed]
    return bill


def of_package(package: Path) -> Any:
    """Returns the bill of an npm package, which npm makes. Raises BuildError."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(package) as archive:
            archive.extractall(folder, filter="data")
        unpacked = Path(folder) / "package"
        manifest = json.loads((unpacked / "package.json").read_text("utf-8"))
        manifest.pop("devDependencies", None)
        (unpacked / "package.json").write_text(json.dumps(manifest), "utf-8")
        run("npm", "install", "--package-lock-only", "--silent", "--no-audit", "--no-fund", cwd=unpacked)
        bill = json.loads(run("npm", "sbom", "--sbom-format", "cyclonedx", "--package-lock-only", cwd=unpacked))
    # npm numbers each bill at random, and dates it.
    del bill["serialNumber"]
    moment = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", EPOCH)), UTC)
    bill["metadata"]["timestamp"] = moment.isoformat().replace("+00:00", "Z")
    return bill


def _add_vendored(bill: Any) -> None:
    for each in vendored():
        name, version = each.name.split()
        purl = f"pkg:npm/{name}@{version}"
        licences = [{"license": {"id": each.licence}}]
        component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        bill["components"].append({**component, "licenses": licences})
        bill["dependencies"].append({"ref": purl})
        root = bill["metadata"]["component"]["bom-ref"]
        for entry in bill["dependencies"]:
            if entry["ref"] == root:
                entry["dependsOn"] = sorted({*entry.get("dependsOn", []), purl})


def _write(path: Path, bill: Any) -> Path:
    text = json.dumps(bill, indent=2, sort_keys=True) + "\n"
    if (found := re.search(r"file:///[^\"]*|/tmp/[^\"]*", text)) is not None:
        raise BuildError(path.name, f"it names a path of this machine: {found[0]}")
    path.write_text(text, "utf-8")
    return path


def written(out: Path) -> Iterator[str]:
    """Writes the bills of a folder. Yields a line for each."""
    for path in write_all(out):
        yield f"{path.name}  {len(json.loads(path.read_text('utf-8')).get('components', []))} components"


if __name__ == "__main__":
    sys.exit(command(written))
