"""Lists the licences of everything that users of segforge install or receive, and checks that they are compatible.

`python -m tests.dist.licences` writes docs/explanation/licences.md. A test checks that the page is current.
"""

import importlib.metadata
import json
import re
import sys
from dataclasses import dataclass
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.dist.build import CLIENT, LAUNCHER, ROOT

PAGE: Final = ROOT / "docs" / "explanation" / "licences.md"
VENDOR: Final = ROOT / "mock_server" / "segforge_mock" / "console" / "static" / "vendor"
OURS: Final = ("segforge", "segmind-client")

COMPATIBLE: Final = frozenset(
    "Apache-2.0 BSD-2-Clause BSD-3-Clause ISC MIT MIT-0 MIT-CMU MPL-2.0 PSF-2.0".split()  # noqa: SIM905
)
"""Licences under which code may be used by, and shipped with, code under Apache-2.0. MPL-2.0 covers its files only."""

CLASSIFIERS: Final = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""The SPDX names of the classifiers that state one licence. `BSD License` is not among them, since it is several."""

READ: Final = {"jinja2": "BSD-3-Clause"}
"""Packages whose metadata name no licence of SPDX: the licence that their file of the licence contains."""


class Incompatible(Exception):
    """A licence that is unknown, or that is not among the compatible ones."""


@dataclass(frozen=True)
class Licensed:
    """A package, its licence as an SPDX expression, and the extras of segforge that need it."""

    name: str
    licence: str
    needed_by: str


def python_packages() -> list[Licensed]:
    """Returns the packages that `segforge[all]` and `segmind-client` need on this system. Raises Incompatible."""
    needed: dict[str, set[str]] = {}
    extras = ["", *sorted(importlib.metadata.metadata("segforge").get_all("Provides-Extra") or ())]
    for extra in extras:
        if extra not in ("all", "bench", "dev", "dist", "docs"):
            _follow(
                f"segforge[{extra}]" if extra else "segforge", f"segforge[{extra}]" if extra else "segforge", needed
            )
    _follow("segmind-client", "segmind-client", needed)
    found = []
    for name, users in sorted(needed.items()):
        base = "segforge" in users
        shown = sorted(user for user in users if not (base and user.startswith("segforge[")))
        found.append(Licensed(name, licence_of(name), ", ".join(shown)))
    return found


def _follow(text: str, user: str, needed: dict[str, set[str]]) -> None:
    requirement = Requirement(text)
    name = canonicalize_name(requirement.name)
    if user in needed.get(name, ()):
        return
    if name not in OURS:
        needed.setdefault(name, set()).add(user)
    for line in importlib.metadata.requires(name) or ():
        below = Requirement(line)
        chosen = [{"extra": extra} for extra in ("", *requirement.extras)]
        if below.marker is None or any(below.marker.evaluate(each) for each in chosen):
            _follow(f"{below.name}[{','.join(below.extras)}]" if below.extras else below.name, user, needed)


def licence_of(name: str) -> str:
    """Returns the licence that the metadata of an installed package state. Raises Incompatible."""
    metadata = importlib.metadata.metadata(name)
    stated = [each.split(" :: ")[-1] for each in metadata.get_all("Classifier") or () if each.startswith("License ::")]
    known = [CLASSIFIERS[each] for each in stated if each in CLASSIFIERS]
    expression = _first(metadata, "License-Expression") or (
        " AND ".join(sorted(known)) if known and len(known) == len(stated) else _first(metadata, "License")
    )
    licence = READ.get(name, expression)
    if not is_compatible(licence):
        raise Incompatible(
            f"{name} is under {licence or stated}; expected one of {', '.join(sorted(COMPATIBLE))}. If its licence is "
            "compatible with Apache-2.0, add it in tests/dist/licences.py; else remove the dependency"
        )
    return licence


def _first(metadata: importlib.metadata.PackageMetadata, name: str) -> str:
    """Returns a field of the metadata, or an empty text."""
    return next(iter(metadata.get_all(name) or ()), "")


def is_compatible(licence: str) -> bool:
    """Whether each part of an SPDX expression that joins with AND has a compatible alternative."""
    parts = re.sub(r"[()]", "", licence).split(" AND ")
    return all(any(each.strip() in COMPATIBLE for each in part.split(" OR ")) for part in parts)


def vendored() -> list[Licensed]:
    """Returns the libraries whose code is in the wheel of segforge. Raises Incompatible."""
    rows = re.findall(
        r"^\| `[^|]+` \| (\S+) (\S+) \| [^|]+ \| ([^|,]+), ", (VENDOR / "README.md").read_text("utf-8"), re.MULTILINE
    )
    found = [
        Licensed(f"{name} {version}", licence, "the console of the mock")
        for name, version, licence in sorted(set(rows))
    ]
    for each in found:
        if not is_compatible(each.licence):
            raise Incompatible(f"{each.name} is under {each.licence}")
    return found


def npm_packages() -> list[Licensed]:
    """Returns the run-time dependencies of the npm packages. There are none, and others would need a check here."""
    for folder in (CLIENT, LAUNCHER):
        manifest = json.loads((folder / "package.json").read_text("utf-8"))
        for kind in ("dependencies", "optionalDependencies", "peerDependencies", "bundleDependencies"):
            if manifest.get(kind):
                raise Incompatible(f"{manifest['name']} has {kind}; list their licences in tests/dist/licences.py")
    return []


def page() -> str:
    """Returns the page of the docs. Raises Incompatible."""
    npm_packages()
    rows = [f"| {each.name} | {each.licence} | {each.needed_by} |" for each in (*vendored(), *python_packages())]
    return "\n".join(
        [
            "<!-- Written by `python -m tests.dist.licences`; do not edit. -->",
            "",
            "# Licences",
            "",
            "segforge and its clients are under Apache-2.0. This list has everything that "
            "their users receive with them or install",
            "with them on Linux, and the licence that its metadata state. A test fails if a "
            "licence is unknown or not compatible.",
            "Windows adds colorama (BSD-3-Clause). The npm packages have no run-time dependencies.",
            "",
            "| package | licence | needed by |",
            "| --- | --- | --- |",
            *rows,
            "",
            "`jinja2` states only that it is under a BSD licence; its licence file is "
            "BSD-3-Clause. The wheels of `av` also contain",
            "FFmpeg and codecs under licences of their own, such as the LGPL. segforge ships "
            "none of these files, and runs without",
            "`av`.",
            "",
        ]
    )


def main() -> int:
    """Writes the page. Returns 1 if a licence is not compatible."""
    try:
        PAGE.write_text(page(), "utf-8")
    except Incompatible as error:
        print(f"licences: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
