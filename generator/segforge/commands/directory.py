"""List, search and show the models of the gateway's directory: modality, average price and time, and what is known."""

import argparse
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from segforge.console import console
from segforge.spec.catalog import Directory, Listing, Unlisted
from segforge.spec.finding import SpecError
from segforge.spec.inputs import display, model_paths, working_specs
from segforge.spec.load import check_form, load_directory
from segforge.spec.printable import counted, one_line, show
from segforge.spec.search import meant, near_slugs, search
from segforge.spec.source import read_bytes

_PARTIAL: Final = re.compile(rb"^level: *[\"']?partial", re.MULTILINE)
_HEADER: Final = ("slug", "spec", "usd", "seconds", "modality", "title")


@dataclass(frozen=True)
class _Holdings:
    """The directory of a folder of specs, and the level of each spec: complete or partial."""

    directory: Directory
    levels: Mapping[str, str]

    def level(self, slug: str) -> str:
        """Returns how much is known about a model: complete, partial or listed."""
        return self.levels.get(slug, "listed")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    commands = parser.add_subparsers(dest="action", metavar="list|search|show", required=True)
    listing = commands.add_parser("list", help="every listed model", allow_abbrev=False)
    listing.add_argument("--modality", metavar="TEXT", help="only modalities with this text, such as video")
    listing.add_argument("--level", choices=("complete", "partial", "listed"), help="only models of this level")
    listing.add_argument("--unlisted", action="store_true", help="the models that the list lacks, with the reasons")
    listing.add_argument(
        "--disagreements", action="store_true", help="the specs whose medium is not that of their modality"
    )
    searching = commands.add_parser("search", help="the models that match all words", allow_abbrev=False)
    searching.add_argument("words", nargs="+", metavar="WORD", help="text of a slug, a title or a modality")
    showing = commands.add_parser("show", help="all that is known about one model", allow_abbrev=False)
    showing.add_argument("slug", metavar="SLUG")
    for each in (listing, searching, showing):
        each.add_argument("--specs", type=Path, default=working_specs(), metavar="DIR", help="folder of the specs")
        each.add_argument("--format", choices=("text", "json"), default="text", help="output format")
    parser.epilog = "Exit codes: 0 found, 1 nothing found, 2 misuse."


def run(args: argparse.Namespace) -> int:
    """Prints models. Returns 1 if there are none, 2 if the directory can't be read."""
    try:
        known = _Holdings(load_directory(args.specs), _levels(args.specs))
    except SpecError as error:
        for finding in error.findings:
            console(error=True).print(f"segforge directory: {finding}", style="red", markup=False)
        return 2
    if args.action == "show":
        return _show(known, args)
    if args.action == "search":
        found: Iterable[Listing | Unlisted] = search(known.directory, args.words)
    elif args.unlisted:
        found = known.directory.unlisted.values()
    elif args.disagreements:
        return _disagree(known, args)
    else:
        found = known.directory.listings.values()
    return _print(known, [one for one in found if _is_wanted(known, one, args)], args.format)


def _levels(specs: Path) -> dict[str, str]:
    """Returns the level of each spec by its slug, from a quick look at the files."""
    return {
        path.stem: "partial" if _PARTIAL.search(read_bytes(path)) else "complete"
        for path in model_paths(specs)
        if path.is_file()
    }


def _is_wanted(known: _Holdings, one: Listing | Unlisted, args: argparse.Namespace) -> bool:
    if args.action != "list":
        return True
    modality = one.modality if isinstance(one, Listing) else ""
    fits = args.modality is None or args.modality.lower() in modality.lower()
    return fits and args.level in (None, known.level(one.slug))


def _print(known: _Holdings, found: list[Listing | Unlisted], format_: str) -> int:
    if format_ == "json":
        print(json.dumps([_facts(known, one) for one in found], indent=2, ensure_ascii=False))
        return 0 if found else 1
    out = console()
    listings = [one for one in found if isinstance(one, Listing)]
    if listings:
        rows = [_row(known, one) for one in listings]
        widths = [max(len(row[column]) for row in (*rows, _HEADER)) for column in range(len(_HEADER) - 1)]
        for number, row in enumerate((_HEADER, *rows)):
            cells = (cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True))
            out.print("  ".join(cells).rstrip(), style="bold" if not number else "", markup=False)
    for one in found:
        if isinstance(one, Unlisted):
            out.print(one_line(f"{one.slug}  {one.state}: {one.why} {one.source}"), markup=False)
    out.print(f"{counted(len(found), 'model')}; list of {known.directory.read}", style="green" if found else "yellow")
    return 0 if found else 1


def _row(known: _Holdings, one: Listing) -> tuple[str, ...]:
    usd = "" if one.usd is None else f"{one.usd:.4g}"
    seconds = "" if one.seconds is None else f"{one.seconds:.4g}"
    return one.slug, known.level(one.slug), usd, seconds, one_line(one.modality), one_line(one.title)


def _facts(known: _Holdings, one: Listing | Unlisted) -> dict[str, Any]:
    """Returns a model of the directory as JSON, with the medium of its modality and the level of its spec."""
    facts = {name: value for name, value in vars(one).items() if value is not None}
    promised = known.directory.modality(one.slug)
    media = {} if promised is None else {"media": promised.media}
    return {**facts, **media, "level": known.levels.get(one.slug, "listed" if isinstance(one, Listing) else "unlisted")}


def _show(known: _Holdings, args: argparse.Namespace) -> int:
    directory, slug = known.directory, args.slug
    found = directory.listings.get(slug) or directory.unlisted.get(slug)
    if found is None:
        near = near_slugs(slug, (*directory.listings, *directory.unlisted))
        hint = meant(near, "`segforge directory search WORD` finds models")
        console(error=True).print(f"segforge directory: no model {show(slug)}; {hint}", style="red", markup=False)
        return 1
    facts = {**_facts(known, found), **_of_spec(args.specs, slug)}
    if args.format == "json":
        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return 0
    for name, value in facts.items():
        shown = value if isinstance(value, str) else show(value, 1_000)
        console().print(f"{name:<12}  {one_line(shown)}", markup=False)
    return 0


def _of_spec(specs: Path, slug: str) -> dict[str, Any]:
    """Returns the file of a model's spec with its medium, price and parameters; nothing without a usable spec."""
    path = next((path for path in model_paths(specs) if path.stem == slug), None)
    source = check_form(path, "model")[0] if path is not None else None
    if path is None or source is None:
        return {}
    data = source.data
    price = {"price": data["price"]["printed"]} if "price" in data else {}
    facts = {"spec": display(path), "media": data["returns"]["media"], "page": data["source"]["url"]}
    return {**facts, **price, "versions": data["versions"], "parameters": list(data["parameters"])}


def _disagree(known: _Holdings, args: argparse.Namespace) -> int:
    """Prints the specs whose medium is not that of their modality. The mock and the clients follow the spec."""
    found = []
    for path in model_paths(args.specs):
        promised = known.directory.modality(path.stem)
        source = check_form(path, "model")[0] if promised is not None else None
        if promised is not None and source is not None and source.data["returns"]["media"] != promised.media:
            media = source.data["returns"]["media"]
            modality = known.directory.listings[path.stem].modality
            found.append({"slug": path.stem, "spec": media, "modality": modality, "media": promised.media})
    if args.format == "json":
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    for one in found:
        line = f"{one['slug']}  the spec says {one['spec']}, its modality {one['modality']!r} stands for {one['media']}"
        console().print(one_line(line), markup=False)
    console().print(f"{counted(len(found), 'disagreement')}", style="yellow" if found else "green")
    return 0
