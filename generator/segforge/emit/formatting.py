"""Formats emitted Python in one run of ruff. Its version is pinned exactly, so that the bytes never vary."""

import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ruff import find_ruff_bin

from segforge.emit.artifact import Artifact
from segforge.emit.quoting import LINE_LENGTH

_MEMORY: Final = "/dev/shm"  # noqa: S108 - mkdtemp makes a folder of our own there
"""Linux's in-memory file system. Writing thousands of small files to disk takes longer than formatting them."""

_OURS: Final = 'lint.isort.known-first-party = ["segmind_client", "segmind_mock"]'
"""The emitted packages. Ruff would recognize them by their other files, of which a run may lack some."""

_PREFIX: Final = "segforge-format-"
_SHOWN: Final = 2000
"""Characters of ruff's output that an error shows."""
_RECENT: Final = 60.0
"""Seconds after which an unlocked folder counts as left by a killed run."""


def format_python(artifacts: Iterable[Artifact]) -> Iterator[Artifact]:
    """Sorts the imports and formats the code of each `.py` file that is not yet formatted.

    Raises OSError if memory, space or ruff are missing, or on invalid syntax.
    """
    emitted = list(artifacts)
    with _workspace() as root:
        for artifact in filter(_is_rough, emitted):
            path = root / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(artifact.text, "utf-8", newline="\n")
        _ruff(root, "check", "--select", "I,F401", "--fix", "--quiet", "--config", _OURS)
        _ruff(root, "format", "--quiet")
        for artifact in emitted:
            rough = _is_rough(artifact)
            yield Artifact(artifact.path, (root / artifact.path).read_text("utf-8")) if rough else artifact


def _is_rough(artifact: Artifact) -> bool:
    return artifact.path.suffix == ".py" and not artifact.formatted


@contextmanager
def _workspace() -> Iterator[Path]:
    """Yields a temporary folder for ruff. Removes folders left by killed runs."""
    memory = Path(_MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else tempfile.gettempdir())
    for left in memory.glob(f"{_PREFIX}*"):
        if _is_left(left):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=memory) as folder, _locked(Path(folder)):
        yield Path(folder)


def _is_left(folder: Path) -> bool:
    """Whether a workspace belongs to this user, is older than `_RECENT`, and is not locked."""
    try:
        found = folder.lstat()
        old = time.time() - found.st_mtime > _RECENT
        if not old or not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            return False
        with _locked(folder):
            return True
    except (AttributeError, OSError):  # Windows has no user ids; another process holds the lock
        return False


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Locks a folder for the block; the lock ends with the process. Raises OSError if another process holds it."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _ruff(root: Path, *arguments: str) -> None:
    command = [find_ruff_bin(), *arguments, "--isolated", "--no-cache"]
    line_length = ["--line-length", str(LINE_LENGTH), "--target-version", "py310", "."]
    result = subprocess.run([*command, *line_length], cwd=root, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        printed = f"{result.stdout}{result.stderr}".strip()[-_SHOWN:]
        raise ChildProcessError(
            f"`ruff {arguments[0]}` ended with {result.returncode} on emitted code; memory, or space in {root.parent}, "
            f"may be short: {printed or 'it printed nothing'}"
        )
