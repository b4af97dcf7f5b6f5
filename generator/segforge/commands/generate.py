"""Write everything that is derived from the specs: clients, OpenAPI documents and the mock's models."""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Final

import platformdirs

from segforge.commands.lint import print_findings
from segforge.console import console
from segforge.emit.artifact import Generated
from segforge.emit.clients.surface import Shrunk, check_surfaces
from segforge.emit.clients.versions import overtaken
from segforge.emit.manifest import (
    BadManifest,
    Changes,
    HandEdited,
    LeavesFolder,
    fingerprint,
    fingerprint_on_disk,
    plan,
    write,
)
from segforge.emit.memo import Memo
from segforge.emit.pipeline import EMITTERS, emit
from segforge.options import positive_count
from segforge.spec.catalog import Release
from segforge.spec.finding import SpecError
from segforge.spec.inputs import Inputs, read_inputs
from segforge.spec.load import default_specs, load_catalog
from segforge.spec.printable import counted

_SHOWN: Final = 20
"""Lines of one client's surface that are named where it would break."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--specs", type=Path, default=default_specs(), metavar="DIR", help="folder of the specs")
    parser.add_argument("--out", type=Path, metavar="DIR", help="output folder (default: generated, beside the specs)")
    parser.add_argument(
        "--only", nargs="+", choices=EMITTERS, metavar="NAME", help=f"only these of {', '.join(EMITTERS)}"
    )
    parser.add_argument(
        "--allow-breaking", action="store_true", help="let the public surface of a client lose what it has"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and list what is stale")
    parser.add_argument(
        "--jobs", type=positive_count, default=_cores(), metavar="N", help="processes to use (default: one a core)"
    )
    parser.add_argument("--cache", type=Path, metavar="DIR", help="folder of the cache (default: the user's)")
    parser.add_argument("--no-cache", action="store_true", help="make everything anew, and keep nothing for later")


def run(args: argparse.Namespace) -> int:
    """Generate or check; gives 1 where specs are wrong or files are stale or edited by hand, 2 without specs."""
    out: Path = args.out or args.specs.resolve().parent / "generated"
    if not args.specs.is_dir():
        return _misuse(f"no folder {args.specs}; name the folder of your specs with --specs")
    if out.exists() and not out.is_dir():
        return _misuse(f"{out} is no folder; name another with --out")
    if args.out is None and not (target := out.resolve()).is_relative_to(args.specs.resolve().parent):
        return _misuse(f"{out} is a symbolic link to {target}; to write there, name that folder: --out {target}")
    try:
        return _generate_or_check(args, out)
    except SpecError as error:
        print_findings(list(error.findings), error=True)
        return 1
    except Shrunk as error:
        _print_shrunk(out, args.specs, error)
        return 1
    except HandEdited as error:
        _print_edited(out, error)
        return 1
    except BrokenExecutor:
        console(error=True).print(
            "segforge generate: a process that generates was killed; with less memory, use --jobs 1", style="red"
        )
        return 1
    except (BadManifest, LeavesFolder, OSError) as error:
        console(error=True).print(f"segforge generate: {error}", style="red", markup=False)
        return 1


def _generate_or_check(args: argparse.Namespace, out: Path) -> int:
    """Write, or list what is stale. Raises SpecError, Shrunk, HandEdited, BrokenExecutor, BadManifest and OSError."""
    names = tuple(dict.fromkeys(args.only or EMITTERS))
    memo = Memo(None if args.no_cache else args.cache or Path(platformdirs.user_cache_dir("segforge")) / "generate")
    inputs = read_inputs(args.specs)
    whole = memo.key(b"whole", ",".join(names).encode(), inputs.digest() if inputs is not None else b"")
    if (known := memo.get(whole)) is not None:
        found, files = fingerprint_on_disk(out, names)
        if found == known:
            return _report(files, Changes((), ()), check=args.check)
    generated = _generate(args, inputs, names, memo, out)
    if inputs is not None:
        memo.keep(whole, fingerprint(generated.digests))
    release = overtaken(out, generated.artifacts)
    changes = plan(out, generated, names) if args.check else Changes((), ())
    _list_stale(changes)
    if not args.allow_breaking:
        check_surfaces(out, generated.artifacts)
    if not args.check:
        changes = write(out, generated, names)
    if release is not None:
        _warn(release, args.specs)
    return _report(len(generated.digests), changes, check=args.check)


def _misuse(message: str) -> int:
    console(error=True).print(f"segforge generate: {message}", markup=False)
    return 2


def _generate(
    args: argparse.Namespace, inputs: Inputs | None, names: Sequence[str], memo: Memo, out: Path
) -> Generated:
    """All files. Where anything is wrong with the specs, the plain way to them says what."""
    from segforge.emit.cache import generate

    generated = generate(inputs, names, memo, args.jobs, out) if inputs is not None else None
    return Generated(list(emit(load_catalog(args.specs), names))) if generated is None else generated


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _list_stale(changes: Changes) -> None:
    for path in changes.written:
        console().print(f"stale    {path}", markup=False)
    for path in changes.removed:
        console().print(f"obsolete {path}", markup=False)


def _report(files: int, changes: Changes, *, check: bool) -> int:
    out = console()
    if check and changes:
        console(error=True).print("out of date; run: segforge generate", style="red")
        return 1
    for path in changes.written:
        out.print(f"wrote    {path}", markup=False)
    for path in changes.removed:
        out.print(f"removed {path}", markup=False)
    changed = len(changes.written) + len(changes.removed)
    out.print(f"{counted(files, 'file')}, {changed} changed", style="green")
    return 0


def _warn(release: Release, specs: Path) -> None:
    """A version that somebody has can't change any more: the next one has to be noted."""
    console(error=True).print(
        f"warning: version {release.version} is released ({release.date}), and its clients change; run: "
        f"segforge diff HEAD {specs} --write-changelog (or from the revision of that release), then segforge generate",
        style="yellow",
        markup=False,
    )


def _print_shrunk(out: Path, specs: Path, error: Shrunk) -> None:
    console_ = console(error=True)
    for path, lines in error.lost.items():
        for line in lines[:_SHOWN]:
            console_.print(f"{out / path}: would break: {line}", markup=False)
        if len(lines) > _SHOWN:
            console_.print(f"{out / path}: and {len(lines) - _SHOWN} more", markup=False)
    console_.print(
        "code that uses the clients would break; nothing was written. Mend the specs or, if it is meant, note it (from "
        "HEAD, or the revision of the last release) and generate again:\n"
        f"  segforge diff HEAD {specs} --write-changelog\n  segforge lint\n  segforge generate\n"
        "Who keeps no change log: segforge generate --allow-breaking",
        style="red",
        markup=False,
    )


def _print_edited(out: Path, error: HandEdited) -> None:
    console_ = console(error=True)
    for diff in error.diffs.values():
        console_.print(diff, markup=False)
    console_.print(
        f"{out}: {counted(len(error.diffs), 'file')} not written by segforge, or edited since; nothing was written. "
        "Carry the change over to specs or templates and delete the edited file, or restore it, then generate again.",
        style="red",
        markup=False,
    )
