"""Writes what was generated: only what changed, atomically; removes what is stale; leaves alone what was hand-edited.

`manifest.json` in the output folder holds the SHA-256 of every file written, by emitter. A file whose bytes are neither
those of the manifest nor those to be written was edited by hand.
"""

import difflib
import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from segforge.emit.artifact import Generated, sha256

MANIFEST: Final = "manifest.json"


class HandEdited(Exception):
    """Files that segforge did not write, or that changed since, are in the way; `diffs` shows how they differ."""

    def __init__(self, diffs: Mapping[str, str]) -> None:
        super().__init__(", ".join(diffs))
        self.diffs = dict(diffs)


class BadManifest(Exception):
    """The manifest is not one that segforge wrote."""


@dataclass(frozen=True)
class Changes:
    """What writing would do (or did): paths relative to the output folder, sorted."""

    written: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.written or self.removed)


def fingerprint(digests: Mapping[str, str]) -> bytes:
    """Stands for files with these digests, in whatever order they come."""
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).digest()


def fingerprint_on_disk(out: Path, emitters: Collection[str]) -> tuple[bytes, int]:
    """The fingerprint of the files of these emitters that the manifest names, and how many they are.

    Of files that are not as the manifest says, something that is no fingerprint. Raises BadManifest.
    """
    files = {path: digest for path, digest in _read_manifest(out).items() if _emitter(path) in emitters}
    return fingerprint(files) if are_on_disk(out, files) else b"", len(files)


def are_on_disk(out: Path, files: Mapping[str, str]) -> bool:
    """Whether all these files have the digests that are given by their paths."""
    return all((raw := _read(out / path)) is not None and sha256(raw) == digest for path, digest in files.items())


def plan(out: Path, generated: Generated, emitters: Collection[str]) -> Changes:
    """What `write` would change, the manifest too where it alone is stale. Raises HandEdited and BadManifest."""
    manifest = _read_manifest(out)
    changes = _compare(out, generated, manifest, emitters)
    return changes if changes or _next(manifest, generated, emitters) == manifest else Changes((MANIFEST,), ())


def write(out: Path, generated: Generated, emitters: Collection[str]) -> Changes:
    """Make the output folder hold the files of these emitters; files of other emitters stay as they are.

    Raises HandEdited and BadManifest before anything is written.
    """
    manifest = _read_manifest(out)
    changes = _compare(out, generated, manifest, emitters)
    texts = {str(artifact.path): artifact.text for artifact in generated.artifacts}
    for path in changes.written:
        write_atomically(out / path, texts[path])
    for path in changes.removed:
        _remove(out, path)
    _write_manifest(out, _next(manifest, generated, emitters))
    return changes


def _next(manifest: Mapping[str, str], generated: Generated, emitters: Collection[str]) -> dict[str, str]:
    """The manifest once everything is written."""
    return {path: digest for path, digest in manifest.items() if _emitter(path) not in emitters} | generated.digests


def _compare(out: Path, generated: Generated, manifest: Mapping[str, str], emitters: Collection[str]) -> Changes:
    edited: dict[str, str] = {}
    written = []
    for path, text in sorted((str(artifact.path), artifact.text) for artifact in generated.artifacts):
        before = _read(out / path)
        if before == text.encode():
            continue
        written.append(path)
        if before is not None and sha256(before) != manifest.get(path):
            edited[path] = _diff(path, before, text)
    expected = generated.digests.keys()
    stale = [path for path in sorted(manifest) if _emitter(path) in emitters and path not in expected]
    for path in stale:
        before = _read(out / path)
        if before is not None and sha256(before) != manifest[path]:
            edited[path] = _diff(path, before, "")
    if edited:
        raise HandEdited(edited)
    return Changes(tuple(written), tuple(path for path in stale if (out / path).is_file()))


def _diff(path: str, before: bytes, text: str) -> str:
    lines = difflib.unified_diff(
        before.decode("utf-8", "replace").splitlines(),
        text.splitlines(),
        f"{path} (on disk)",
        f"{path} (generated)",
        lineterm="",
    )
    return "\n".join(lines)


def _emitter(path: str) -> str:
    return PurePosixPath(path).parts[0]


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb", buffering=0) as file:  # in half the time of `read_bytes`, for thousands of small files
            return file.read()
    except FileNotFoundError:
        return None


def write_atomically(path: Path, text: str) -> None:
    """Write a text file by replacing it whole, so that nobody sees half of it; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = ""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
        Path(name).chmod(0o644)
        os.replace(name, path)  # noqa: PTH105 - the function says that the target may exist
    except BaseException:
        if name:
            Path(name).unlink(missing_ok=True)
        raise


def _remove(out: Path, path: str) -> None:
    """Remove a file, and the folders that it leaves empty."""
    (out / path).unlink(missing_ok=True)
    for folder in list((out / path).parents)[: len(PurePosixPath(path).parts) - 1]:
        try:
            folder.rmdir()
        except OSError:
            return


def _read_manifest(out: Path) -> dict[str, str]:
    raw = _read(out / MANIFEST)
    if raw is None:
        return {}
    try:
        files = json.loads(raw)["files"]
        manifest = {str(path): str(digest) for path, digest in files.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadManifest(
            f"{out / MANIFEST} is not a manifest that segforge wrote; restore it, or delete the output folder"
        ) from error
    for path in manifest:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts:
            raise BadManifest(
                f"{out / MANIFEST} names {path}, outside the output folder; restore it, or delete the output folder"
            )
    return manifest


def _write_manifest(out: Path, manifest: Mapping[str, str]) -> None:
    text = json.dumps({"generated-by": "segforge generate", "files": dict(sorted(manifest.items()))}, indent=2) + "\n"
    if _read(out / MANIFEST) != text.encode():
        write_atomically(out / MANIFEST, text)
