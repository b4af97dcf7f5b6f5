"""The files of a code base: which are read, and in which language."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

Language: TypeAlias = Literal["python", "javascript", "shell", "php", "go", "markdown"]

MAX_BYTES: Final = 2_000_000
"""The largest file that is read."""
MAX_FILES: Final = 100_000
"""The most files that one run looks at."""
LANGUAGES: Final[dict[str, Language]] = {
    **dict.fromkeys((".py", ".pyi", ".pyw"), "python"),
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"), "javascript"),
    **dict.fromkeys((".sh", ".bash", ".zsh", ".ksh"), "shell"),
    **dict.fromkeys((".php", ".phtml"), "php"),
    ".go": "go",
    **dict.fromkeys((".md", ".markdown", ".mdx"), "markdown"),
}
_SKIPPED_FOLDERS: Final = frozenset(
    {"node_modules", "bower_components", "vendor", "venv", "env", "virtualenv", "site-packages", "__pycache__"}
    | {"dist-packages", "build", "dist"}
)
_MINIFIED_NAME: Final = re.compile(r"\.min\.[a-z]+\Z|\.bundle\.js\Z")
_LONGEST_LINES: Final = 2_000
"""The average length of a line from which a file counts as minified, if it has more bytes than `_SMALL`."""
_SMALL: Final = 20_000
_SHEBANG: Final = re.compile(rb"#![^\n]{0,200}?\b(python|node|deno|bun|sh|bash|zsh|ksh|php)[0-9.]*\b")
_INTERPRETERS: Final[dict[bytes, Language]] = {
    b"python": "python",
    **dict.fromkeys((b"node", b"deno", b"bun"), "javascript"),
    **dict.fromkeys((b"sh", b"bash", b"zsh", b"ksh"), "shell"),
    b"php": "php",
}


@dataclass(frozen=True)
class CodeFile:
    """A file and its text; `why` states why it isn't read, or is empty."""

    path: Path
    language: Language | None = None
    text: str = ""
    why: str = ""


def code_files(paths: list[Path]) -> Iterator[CodeFile]:
    """Yields the files below paths that may call the gateway, each once, in the order of their names.

    Folders of other people's code, such as `node_modules`, are left out, unless they are among the paths. Links to
    folders are not followed.
    """
    seen: set[tuple[int, int]] = set()
    count = 0
    for path in paths:
        explicit = not path.is_dir()
        for each in [path] if explicit else _walk(path):
            count += 1
            if count > MAX_FILES:
                yield CodeFile(each, why=f"more than {MAX_FILES} files; pass fewer paths")
                return
            found = _read(each, seen, explicit=explicit)
            if found is not None:
                yield found


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_skipped(Path(root), name))
        for name in sorted(names):
            yield Path(root, name)


def _is_skipped(root: Path, name: str) -> bool:
    """Returns whether a folder holds no code of its own: hidden folders, virtual environments, installed packages."""
    return name.startswith(".") or name in _SKIPPED_FOLDERS or (root / name / "pyvenv.cfg").is_file()


def _read(path: Path, seen: set[tuple[int, int]], *, explicit: bool) -> CodeFile | None:
    """Reads one file. Returns None for one that isn't code, doesn't name the vendor, or was read already."""
    language = LANGUAGES.get(path.suffix.lower())
    try:
        known = path.stat()
        if (known.st_dev, known.st_ino) in seen or (language is None and path.suffix and not explicit):
            return None
        if not stat.S_ISREG(known.st_mode):
            return CodeFile(path, why="not a regular file") if explicit or language else None
        seen.add((known.st_dev, known.st_ino))
        with path.open("rb") as file:
            raw = file.read(200) if language is None else b""
            if language is None:
                found = _SHEBANG.match(raw)
                language = _INTERPRETERS[found[1]] if found else None
            raw += file.read(MAX_BYTES + 1 - len(raw)) if language is not None else b""
    except OSError as error:
        return CodeFile(path, why=error.strerror or "unreadable") if explicit or language else None
    if language is None:
        return CodeFile(path, why="not in a language that is read") if explicit else None
    return _decoded(path, language, raw, explicit=explicit)


def _decoded(path: Path, language: Language, raw: bytes, *, explicit: bool) -> CodeFile | None:
    if b"segmind" not in raw.lower():
        return CodeFile(path, language) if explicit else None
    if len(raw) > MAX_BYTES:
        return CodeFile(path, language, why=f"larger than {MAX_BYTES} bytes")
    if b"\0" in raw:
        return CodeFile(path, language, why="a binary file")
    long = len(raw) > _SMALL and len(raw) / (raw.count(b"\n") + 1) > _LONGEST_LINES
    if not explicit and (_MINIFIED_NAME.search(path.name) or long):
        return CodeFile(path, language, why="minified")
    return CodeFile(path, language, raw.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n"))
