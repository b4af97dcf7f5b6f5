"""Formats emitted Python in one pass of ruff, whose exact version is pinned, so that the bytes are always the same."""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from ruff import find_ruff_bin

from segforge.emit.artifact import Artifact
from segforge.emit.quoting import LINE_LENGTH

_MEMORY: Final = "/dev/shm"  # noqa: S108 - mkdtemp makes a folder of our own there
"""A file system in memory, on Linux: thousands of small files on a disk take longer than formatting them."""


def format_python(artifacts: Iterable[Artifact]) -> Iterator[Artifact]:
    """The artifacts with each `.py` file's imports sorted and its code formatted. Raises RuntimeError on bad syntax."""
    emitted = list(artifacts)
    memory = _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="segforge-", dir=memory) as folder:
        root = Path(folder)
        for artifact in emitted:
            if artifact.path.suffix == ".py":
                path = root / artifact.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(artifact.text, "utf-8", newline="\n")
        _ruff(root, "check", "--select", "I,F401", "--fix", "--quiet")
        _ruff(root, "format", "--quiet")
        for artifact in emitted:
            path = root / artifact.path
            text = path.read_text("utf-8") if artifact.path.suffix == ".py" else artifact.text
            yield Artifact(artifact.path, text)


def _ruff(root: Path, *arguments: str) -> None:
    command = [find_ruff_bin(), *arguments, "--isolated", "--no-cache"]
    line_length = ["--line-length", str(LINE_LENGTH), "--target-version", "py310", "."]
    result = subprocess.run([*command, *line_length], cwd=root, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"ruff refused emitted code: {result.stdout}{result.stderr}")
