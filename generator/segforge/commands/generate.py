"""Write all files that are derived from the specs: clients, OpenAPI documents and the mock's models."""

import argparse
import atexit
import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import platformdirs

from segforge.console import say
from segforge.emit.artifact import Generated
from segforge.emit.clients.surface import Shrunk, check_surfaces
from segforge.emit.clients.versions import overtaken
from segforge.emit.manifest import (
    BadManifest,
    Changes,
    HandEdited,
    LeavesFolder,
    WrittenMeanwhile,
    fingerprint,
    fingerprint_on_disk,
    plan,
    state,
    write,
)
from segforge.emit.memo import Memo
from segforge.emit.pipeline import EMITTERS, emit
from segforge.emit.workers import WorkerKilled
from segforge.extras import require_extra
from segforge.options import positive_count
from segforge.spec.catalog import Release
from segforge.spec.finding import SpecError
from segforge.spec.inputs import PACKAGED, Inputs, read_inputs, working_specs
from segforge.spec.printable import counted

_SHOWN: Final = 20
"""Lost lines of one client's public surface that are printed."""
_ATTEMPTS: Final = 5
"""Times that a run starts because another one wrote to the output folder meanwhile."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("--specs", type=Path, default=working_specs(), metavar="DIR", help="folder of the specs")
    parser.add_argument("--out", type=Path, metavar="DIR", help="output folder (default: generated, beside your specs)")
    parser.add_argument(
        "--only", nargs="+", choices=EMITTERS, metavar="NAME", help=f"write only these: {', '.join(EMITTERS)}"
    )
    parser.add_argument(
        "--allow-breaking", action="store_true", help="allow changes that break code that uses the clients"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; list stale files and exit with 1")
    parser.add_argument(
        "--jobs", type=positive_count, default=_cores(), metavar="N", help="number of processes (default: one per core)"
    )
    parser.add_argument("--cache", type=Path, metavar="DIR", help="cache folder (default: the user's)")
    parser.add_argument("--no-cache", action="store_true", help="generate everything again and cache nothing")


def run(args: argparse.Namespace) -> int:
    """Generates or checks. Returns 1 if specs have errors or files are stale or edited by hand, 2 without specs.

    Raises MissingExtra, and OSError if a file can't be read or written.
    """
    beside = Path.cwd() if args.specs == PACKAGED else args.specs.resolve().parent
    out: Path = args.out or beside / "generated"
    if not args.specs.is_dir():
        return _misuse(f"no folder {args.specs}; pass the folder of your specs with --specs")
    if out.exists() and not out.is_dir():
        return _misuse(f"{out} is not a folder; pass another with --out")
    if args.out is None and not (target := out.resolve()).is_relative_to(beside.resolve()):
        return _misuse(f"{out} is a symbolic link to {target}; to write there, pass --out {target}")
    try:
        with _no_search_for_garbage():
            return _undisturbed(args, out)
    except SpecError as error:
        from segforge.commands.lint import print_findings

        print_findings(list(error.findings), error=True)
        return 1
    except Shrunk as error:
        _print_shrunk(out, args.specs, error)
        return 1
    except HandEdited as error:
        _print_edited(out, error)
        return 1
    except WorkerKilled:
        say(
            "segforge generate: a worker process was killed. If memory is short, use --jobs 1",
            "red",
            error=True,
        )
        return 1
    except (BadManifest, LeavesFolder) as error:
        say(f"segforge generate: {error}", "red", error=True)
        return 1


def _undisturbed(args: argparse.Namespace, out: Path) -> int:
    """Does the work of `_generate_or_check`, from the start if another run wrote to the output folder meanwhile.

    Then files that were current may not be, and that run may have read newer specs.
    """
    for _ in range(_ATTEMPTS):
        since = state(out)
        try:
            return _generate_or_check(args, out, since)
        except WrittenMeanwhile:
            continue
        except (HandEdited, Shrunk):
            if state(out) == since:
                raise
    raise TimeoutError(f"other runs keep writing to {out}, so this one wrote nothing; wait for them, or stop them")


def _generate_or_check(args: argparse.Namespace, out: Path, since: bytes) -> int:
    """Writes files, or lists stale ones, if the manifest is still in the state `since`. Returns the exit code.

    Raises MissingExtra, SpecError, Shrunk, HandEdited, WrittenMeanwhile, WorkerKilled, BadManifest, LeavesFolder and
    OSError.
    """
    names = tuple(dict.fromkeys(args.only or EMITTERS))
    memo = Memo(None if args.no_cache else args.cache or Path(platformdirs.user_cache_dir("segforge")) / "generate")
    inputs = read_inputs(args.specs)
    whole = memo.key(b"whole", ",".join(names).encode(), inputs.digest() if inputs is not None else b"")
    if (known := memo.get(whole)) is not None:
        found, files = fingerprint_on_disk(out, names)
        if found == known:
            return _report(files, Changes((), ()), check=args.check)
    installed = memo.key(b"installed")
    if memo.get(installed) is None:  # the key stands for the names and versions of all installed distributions
        require_extra("generate", "`segforge generate`")
        memo.keep(installed, b"")
    generated = None if inputs is None else _generate(inputs, names, memo, args.jobs, out)
    if generated is None:
        generated = _generate_from_files(args.specs, names)
    else:
        memo.keep(whole, fingerprint(generated.digests))
    judge = partial(_judge, args, out, generated)
    if args.check:
        changes = plan(out, generated, names, since)
        _list_stale(changes)
        judge()
    else:
        changes = write(out, generated, names, since, judge)
    return _report(len(generated.digests), changes, check=args.check)


def _judge(args: argparse.Namespace, out: Path, generated: Generated) -> None:
    """Compares the clients with those in the output folder, which were not edited by hand. Raises Shrunk, or warns."""
    if not args.allow_breaking:
        check_surfaces(out, generated.artifacts)
    release = overtaken(out, generated.artifacts)
    if release is not None:
        _warn(release, args.specs)


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """Stops the search for garbage in cycles, of which a run of seconds leaves hardly any. It takes 4 % of the time.

    The interpreter searches again when it ends, which takes 5 %, unless all objects are frozen by then.
    """
    before = gc.isenabled()
    gc.disable()
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        if before:
            gc.enable()


def _misuse(message: str) -> int:
    say(f"segforge generate: {message}", error=True)
    return 2


def _generate(inputs: Inputs, names: Sequence[str], memo: Memo, processes: int, out: Path) -> Generated | None:
    """Generates all files with the cache. Returns None if the specs have an error."""
    from segforge.emit.cache import generate

    return generate(inputs, names, memo, processes, out)


def _generate_from_files(specs: Path, names: Sequence[str]) -> Generated:
    """Generates all files of specs that are read again, so nothing is cached. Raises SpecError with every finding."""
    from segforge.spec.load import load_catalog

    return Generated(list(emit(load_catalog(specs), names)))


def _cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _list_stale(changes: Changes) -> None:
    for path in changes.written:
        say(f"stale    {path}")
    for path in changes.removed:
        say(f"obsolete {path}")


def _report(files: int, changes: Changes, *, check: bool) -> int:
    if check and changes:
        say("generated files are stale; run: segforge generate", "red", error=True)
        return 1
    lines = [*(f"wrote    {path}" for path in changes.written), *(f"removed {path}" for path in changes.removed)]
    if lines:
        say("\n".join(lines))
    changed = len(changes.written) + len(changes.removed)
    say(f"{counted(files, 'file')}, {changed} changed", "green")
    return 0


def _warn(release: Release, specs: Path) -> None:
    """Warns that the clients of a released version would change, which calls for a new version."""
    say(
        f"warning: version {release.version} is already released ({release.date}), and its clients change. Run: "
        f"segforge diff HEAD {specs} --write-changelog (or pass that release's revision), then segforge generate",
        "yellow",
        error=True,
    )


def _print_shrunk(out: Path, specs: Path, error: Shrunk) -> None:
    for path, lines in error.lost.items():
        for line in lines[:_SHOWN]:
            say(f"{out / path}: would break: {line}", error=True)
        if len(lines) > _SHOWN:
            say(f"{out / path}: and {len(lines) - _SHOWN} more", error=True)
    say(
        "code that uses the clients would break; nothing was written. Correct the specs. If the change is intended, "
        "record it (since HEAD, or since the last release's revision) and generate again:\n"
        f"  segforge diff HEAD {specs} --write-changelog\n  segforge lint\n  segforge generate\n"
        "If you don't keep a change log, run `segforge generate --allow-breaking`.",
        "red",
        error=True,
    )


def _print_edited(out: Path, error: HandEdited) -> None:
    for diff in error.diffs.values():
        say(diff, error=True)
    say(
        f"{out}: {counted(len(error.diffs), 'file')} not written by segforge, or edited since; nothing was written. "
        "Move the change to the specs or templates and delete the edited file, or restore it. Then generate again.",
        "red",
        error=True,
    )
