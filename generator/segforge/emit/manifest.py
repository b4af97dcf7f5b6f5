"""Writes generated files: changed ones only, atomically. Removes stale files and never overwrites hand-edited ones.

`manifest.json` in the output folder holds the SHA-256 digest of every written file. A file is hand-edited if its digest
is neither the manifest's nor that of its new content.

Before a run changes any file, it lists the digests that it is about to write under `unfinished` in the manifest. If the
run is killed, each file matches either `files` or `unfinished`, so the next run recognizes it, even if the specs have
changed meanwhile.

A run looks at files on disk before it has the lock, to see what is current. If another run wrote meanwhile, which shows
in the manifest, it writes nothing and must start again.
"""

import difflib
import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from segforge.emit.artifact import Generated, sha256
from segforge.files import PART, write_atomically

MANIFEST: Final = "manifest.json"
_PATIENCE: Final = 60.0
"""Seconds to wait for another run that writes to the same folder."""


class HandEdited(Exception):
    """Files in the output folder were not written by segforge, or were edited since; `diffs` holds the differences."""

    def __init__(self, diffs: Mapping[str, str]) -> None:
        super().__init__(", ".join(diffs))
        self.diffs = dict(diffs)


class BadManifest(Exception):
    """The manifest was not written by segforge."""


class LeavesFolder(Exception):
    """A symbolic link in the output folder points outside of it; the message names the link."""


class WrittenMeanwhile(Exception):
    """Another run has written to the output folder since this one started, which has written nothing."""


@dataclass(frozen=True)
class Changes:
    """The changes that writing makes or would make: paths relative to the output folder, sorted."""

    written: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.written or self.removed)


def fingerprint(digests: Mapping[str, str]) -> bytes:
    """Returns one digest of all these files' digests, independent of their order."""
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).digest()


def fingerprint_on_disk(out: Path, emitters: Collection[str]) -> tuple[bytes, int]:
    """Returns the fingerprint of these emitters' files in the manifest, and their number.

    The fingerprint is `b""` if a file differs from the manifest, or a run was killed. Raises BadManifest.
    """
    manifest = _read_manifest(out)
    files = {path: digest for path, digest in manifest.files.items() if _emitter(path) in emitters}
    whole = not manifest.unfinished and not any(_parts(out, {MANIFEST})) and are_on_disk(out, files)
    return fingerprint(files) if whole else b"", len(files)


def are_on_disk(out: Path, files: Mapping[str, str]) -> bool:
    """Whether all files have these digests, given by path."""
    folder = os.path.join(out, "")  # noqa: PTH118 - a run joins thousands of paths, and Path takes ten times as long
    return all((raw := _read(folder + path)) is not None and sha256(raw) == digest for path, digest in files.items())


def state(out: Path) -> bytes:
    """Returns the content of the manifest, `b""` without one. `plan` and `write` compare it with the one they find."""
    return _read(out / MANIFEST) or b""


def plan(out: Path, generated: Generated, emitters: Collection[str], since: bytes | None = None) -> Changes:
    """Returns the changes that `write` would make, including the manifest if only that is stale.

    Raises HandEdited, BadManifest, LeavesFolder, and WrittenMeanwhile if another run wrote since the state `since`.
    """
    manifest = _read_manifest(out)
    changes = _compare(out, generated, manifest, emitters).changes
    _expect(since, out, emitters)
    return changes if changes or _next(manifest, generated, emitters) == manifest else Changes((MANIFEST,), ())


def write(
    out: Path,
    generated: Generated,
    emitters: Collection[str],
    since: bytes | None = None,
    judge: Callable[[], object] = bool,
) -> Changes:
    """Writes the files of these emitters to the output folder, and removes their stale files.

    Waits while another run writes to the folder. Before it writes anything, it raises HandEdited, BadManifest,
    LeavesFolder, WrittenMeanwhile if another run wrote since the state `since`, or an error of `judge`, which may then
    read the files as segforge wrote them. Raises OSError.
    """
    with _alone(out):
        _expect(since, out, emitters)
        manifest = _read_manifest(out)
        compared = _compare(out, generated, manifest, emitters)
        judge()
        for part in list(_parts(out, {MANIFEST, *manifest.unfinished})):
            part.unlink(missing_ok=True)
        if compared.changes:
            _write_manifest(out, _begun(manifest, compared, generated, emitters))
        texts = {str(artifact.path): artifact.text for artifact in generated.artifacts}
        for path in compared.changes.written:
            write_atomically(out / path, texts[path])
        for path in compared.stale:
            _remove(out, path)
        _write_manifest(out, _next(manifest, generated, emitters))
    return compared.changes


@dataclass(frozen=True)
class _Manifest:
    """Digests by path: `files` after the last complete run, `unfinished` as a killed run intended to write them."""

    files: Mapping[str, str]
    unfinished: Mapping[str, str] = field(default_factory=dict)

    def wrote(self, path: str, digest: str) -> bool:
        return digest in (self.files.get(path), self.unfinished.get(path))

    def of(self, emitters: Collection[str], *, others: bool = False) -> "_Manifest":
        """The part about these emitters, or about all others."""
        files, unfinished = (
            {path: digest for path, digest in part.items() if (_emitter(path) in emitters) != others}
            for part in (self.files, self.unfinished)
        )
        return _Manifest(files, unfinished)


@dataclass(frozen=True)
class _Compared:
    """The changes to make, the stale paths, and the digests of known files on disk."""

    changes: Changes
    stale: tuple[str, ...]
    there: Mapping[str, str]


def _next(manifest: _Manifest, generated: Generated, emitters: Collection[str]) -> _Manifest:
    """Returns the manifest after everything is written."""
    others = manifest.of(emitters, others=True)
    return _Manifest({**others.files, **generated.digests}, others.unfinished)


def _begun(manifest: _Manifest, compared: _Compared, generated: Generated, emitters: Collection[str]) -> _Manifest:
    """Returns the manifest before the first file is written: it lists each file's current and future digest."""
    others = manifest.of(emitters, others=True)
    written = {path: generated.digests[path] for path in compared.changes.written}
    files = {**others.files, **generated.unchanged, **compared.there}
    return _Manifest(files, {**others.unfinished, **written})


def _compare(out: Path, generated: Generated, manifest: _Manifest, emitters: Collection[str]) -> _Compared:
    texts = {str(artifact.path): artifact.text for artifact in generated.artifacts}
    known = sorted({*manifest.files, *manifest.unfinished})
    stale = tuple(path for path in known if _emitter(path) in emitters and path not in generated.digests)
    _stay_inside(out, {out.joinpath(path).parent for path in (*texts, *stale)})
    edited: dict[str, str] = {}
    there: dict[str, str] = {}
    written = []
    for path in sorted({*texts, *stale}):
        before = _read(out / path)
        same = path in texts and before == texts[path].encode()
        if path in texts and not same:
            written.append(path)
        if before is None:
            continue
        there[path] = generated.digests[path] if same else sha256(before)
        if not same:
            _stay_inside(out, [out / path])
            if not manifest.wrote(path, there[path]):
                edited[path] = _diff(path, before, texts.get(path, ""))
    if edited:
        raise HandEdited(edited)
    return _Compared(Changes(tuple(written), tuple(path for path in stale if path in there)), stale, there)


def _stay_inside(out: Path, paths: Iterable[Path]) -> None:
    """Raises LeavesFolder if a path, with its links resolved, is outside of the output folder."""
    root = os.path.realpath(out)
    for path in sorted(paths):
        real = os.path.realpath(path)
        if real != root and not real.startswith(os.path.join(root, "")):  # noqa: PTH118 - faster than Path
            raise LeavesFolder(
                f"{path} points to {real}, outside of the output folder {out}; nothing was written. Remove the "
                "symbolic link, or pass the intended folder with --out"
            )


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Creates the output folder and locks it against other runs. The system releases the lock of a killed run."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(out, os.O_RDONLY)
    try:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise TimeoutError(f"another run has been writing to {out} for {_PATIENCE:g} s; stop it") from None
                time.sleep(0.02)
            except OSError:  # a file system without locks
                break
        yield
    finally:
        os.close(descriptor)


def _parts(out: Path, paths: Collection[str]) -> Iterator[Path]:
    """Unfinished files that killed runs left beside these paths."""
    for folder in {out.joinpath(path).parent for path in paths}:
        with suppress(FileNotFoundError, NotADirectoryError):
            for name in os.listdir(folder):  # noqa: PTH208 - names alone
                match = PART.fullmatch(name)
                if match and (folder / match[1]).relative_to(out).as_posix() in paths:
                    yield folder / name


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
    return path.partition("/")[0]


def _read(path: Path | str) -> bytes | None:
    """Returns the bytes of a file, `b""` if it isn't a regular file, and None if it doesn't exist."""
    try:
        # Takes half the time of `read_bytes` for small files, and doesn't block on a named pipe.
        with open(path, "rb", buffering=0, opener=_open_at_once) as file:
            return file.read() if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except FileNotFoundError:
        return None


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _remove(out: Path, path: str) -> None:
    """Removes a file, and its parent folders that are empty afterwards."""
    (out / path).unlink(missing_ok=True)
    for folder in list((out / path).parents)[: len(PurePosixPath(path).parts) - 1]:
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return


def _expect(since: bytes | None, out: Path, emitters: Collection[str]) -> None:
    """Raises WrittenMeanwhile if the manifest tells other things about these emitters than in the state `since`."""
    if since is None or (now := state(out)) == since:
        return
    before, after = (_parsed(raw, out) if raw else _Manifest({}) for raw in (since, now))
    if before.of(emitters) != after.of(emitters):
        raise WrittenMeanwhile(str(out))


def _read_manifest(out: Path) -> _Manifest:
    raw = _read(out / MANIFEST)
    return _Manifest({}) if raw is None else _parsed(raw, out)


def _parsed(raw: bytes, out: Path) -> _Manifest:
    """Returns the manifest of a file's content. Raises BadManifest."""
    try:
        manifest = msgspec.json.decode(raw, type=_Manifest)
    except (ValueError, RecursionError) as error:
        raise BadManifest(
            f"{out / MANIFEST} was not written by segforge; restore it, or delete the output folder"
        ) from error
    for path in (*manifest.files, *manifest.unfinished):
        if not all(path.split("/")) or not {".", ".."}.isdisjoint(path.split("/")) or "\0" in path:
            raise BadManifest(
                f"{out / MANIFEST} names {path!a}, outside the output folder; restore it, or delete the output folder"
            )
    return manifest


def _write_manifest(out: Path, manifest: _Manifest) -> None:
    data = {"generated-by": "segforge generate", "files": dict(sorted(manifest.files.items()))}
    if manifest.unfinished:
        data |= {"unfinished": dict(sorted(manifest.unfinished.items()))}
    raw = msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n"
    if _read(out / MANIFEST) != raw:
        write_atomically(out / MANIFEST, raw)
