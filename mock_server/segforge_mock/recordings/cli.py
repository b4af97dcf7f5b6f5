"""Work with recordings: convert them to and from HAR, and draft spec facts from them. `segforge mock` records them."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from segforge.options import Misuse

if TYPE_CHECKING:
    from segforge_mock.models.served import ServedModels


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    commands = parser.add_subparsers(dest="action", metavar="har|import|draft", required=True)
    har = commands.add_parser("har", help="print recordings as a HAR file", allow_abbrev=False)
    har.add_argument("folder", type=Path, metavar="DIR", help="folder of recordings")
    importing = commands.add_parser("import", help="add the exchanges of a HAR file, without keys", allow_abbrev=False)
    importing.add_argument("file", type=Path, metavar="FILE", help="HAR file")
    importing.add_argument("folder", type=Path, metavar="DIR", help="folder of recordings; made if it doesn't exist")
    importing.add_argument(
        "--host", action="append", metavar="NAME", help="import requests to this host, not to Segmind's; repeatable"
    )
    importing.add_argument("--small-media", action="store_true", help="store a small file for each large one")
    draft = commands.add_parser(
        "draft", help="propose spec facts from recordings, with their evidence; writes nothing", allow_abbrev=False
    )
    draft.add_argument("folder", type=Path, metavar="DIR", help="folder of recordings")
    draft.add_argument("--specs", type=Path, metavar="DIR", help="compare with these specs instead")
    draft.add_argument("--format", choices=("text", "json"), default="text", help="output format")
    parser.epilog = "Exit codes: 0 done, 1 nothing imported, 2 misuse."


def run(args: argparse.Namespace) -> int:
    """Runs a subcommand. Returns 2 if the recordings, the HAR file or the specs can't be read."""
    from segforge.console import console
    from segforge.spec.finding import SpecError
    from segforge.spec.printable import one_line
    from segforge_mock.recordings.recording import BadRecording

    actions = {"har": _har, "import": _import, "draft": _draft}
    try:
        return actions[args.action](args)
    except SpecError as error:
        reasons = [str(finding) for finding in error.findings]
    except (BadRecording, Misuse) as error:
        reasons = [str(error)]
    for reason in reasons:
        console(error=True).print(f"segforge record: {one_line(reason)}", style="red", markup=False)
    return 2


def _har(args: argparse.Namespace) -> int:
    from segforge_mock.recordings.folder import read_folder
    from segforge_mock.recordings.har import as_har

    print(json.dumps(as_har(read_folder(args.folder)), indent=1, ensure_ascii=False))
    return 0


def _import(args: argparse.Namespace) -> int:
    from segforge.console import console
    from segforge.spec.printable import counted
    from segforge_mock.http.tls import GATEWAY_HOSTS
    from segforge_mock.recordings.folder import RecordingFolder
    from segforge_mock.recordings.har import import_har, read_har

    hosts = frozenset(host.lower() for host in args.host) if args.host else frozenset(GATEWAY_HOSTS)
    har = read_har(args.file)
    folder = RecordingFolder(args.folder, small_media=args.small_media)
    done = import_har(har, folder, hosts.__contains__, (_models(None).gateway.base_url,))
    out = console()
    out.print(f"{counted(done.number, 'exchange')} imported to {args.folder}", markup=False)
    for reason, number in done.skipped.most_common(10):
        out.print(f"{number} skipped: {reason}", markup=False)
    if not done.number:
        console(error=True).print(
            "segforge record: no exchange was imported; name the hosts to import with --host", style="red", markup=False
        )
    return 0 if done.number else 1


def _draft(args: argparse.Namespace) -> int:
    from segforge.console import console
    from segforge.spec.printable import counted, one_line
    from segforge_mock.recordings.draft import drafts
    from segforge_mock.recordings.folder import read_folder

    found = drafts(_models(args.specs), read_folder(args.folder))
    if args.format == "json":
        print(json.dumps([{**one._asdict(), "evidence": evidence} for one, evidence in found.items()], indent=2))
        return 0
    out, subject = console(), ""
    for one, evidence in found.items():
        if one.subject != subject:
            subject = one.subject
            out.print(one_line(subject), style="bold", markup=False)
        out.print(one_line(f"  {one.place}: {one.seen}"), markup=False)
        out.print(one_line(f"    spec: {one.stated}"), markup=False)
        for each in evidence:
            out.print(one_line(f"    evidence: {each}"), markup=False)
    out.print(f"{counted(len(found), 'proposal')}; check each one, and take it over by hand", markup=False)
    return 0


def _models(specs: Path | None) -> "ServedModels":
    if specs is None:
        from segforge_mock.models.served import packaged_models

        return packaged_models()
    from segforge_mock.models.own_specs import models_of

    return models_of(specs)
