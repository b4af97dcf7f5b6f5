"""Writes all pages of the site: `python -m docs.building out/docs`. `make docs` then builds them with MkDocs.

No generator of sites is imported, so that another one can build the same pages.
"""

import shutil
import sys
from pathlib import Path
from typing import Final

from docs.building.links import INCLUDED, Origin, relinked
from docs.building.reference import reference_pages
from segforge import default_specs, load_catalog

ROOT: Final = Path(__file__).parents[2]
_OURS: Final = "building"
"""The folder of docs/ that holds no pages."""


def write(folder: Path) -> None:
    """Replaces a folder by the pages of docs/, those outside of it, and the reference."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder, ignore=shutil.ignore_patterns(_OURS, "__pycache__"))
    origins = [Origin(f"docs/{place}", place) for place in sorted(_places(folder))]
    origins += [Origin(file, place) for file, place in INCLUDED.items()]
    known = {origin.place for origin in origins}

    def placed(file: str) -> str:
        place = f"files/{file}"
        if place not in known:
            known.add(place)
            if file.endswith(".md"):
                origins.append(Origin(file, place))
            else:
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / file, folder / place)
        return place

    for origin in origins:  # it grows
        _write(folder / origin.place, relinked((ROOT / origin.file).read_text("utf-8"), origin, ROOT, placed))
    for place, text in reference_pages(load_catalog(default_specs())):
        _write(folder / place, text)


def _places(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*.md")]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
