"""Download docs pages, slowly and only if they changed, and store them with date and hash.

With --directory, download the vendor's list of models, and what it links for single models.
"""

import argparse
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from segforge.console import console
from segforge.environment import BadEnvironment, way_to
from segforge.options import pause
from segforge.pages.fetch import (
    DIRECTORY_FOLDER,
    LIST_KEY,
    PAGES,
    TEXTS,
    FetchError,
    FetchResult,
    Limits,
    fetch,
)
from segforge.pages.listing.table import read_list
from segforge.pages.read import read_page
from segforge.pages.source.document import PageError
from segforge.spec.finding import SpecError
from segforge.spec.inputs import DIRECTORY_FILE, model_paths, working_specs
from segforge.spec.load import load_catalog, load_directory
from segforge.spec.printable import counted, one_line

LIST_URL = "https://www.segmind.com/llms.txt"
PAGE_URL = "https://www.segmind.com/models/{slug}/api"
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_STYLES = {"new": "green", "changed": "yellow", "unchanged": "", "failed": "red"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("pages", nargs="*", metavar="SLUG|URL", help="slugs of models, or URLs of docs pages")
    parser.add_argument("--all", action="store_true", help="the page of every spec, from the URL in the spec")
    parser.add_argument(
        "--directory",
        action="store_true",
        help="the vendor's list of models, and with slugs (or --all) also its llms.txt of each model",
    )
    parser.add_argument(
        "--store", type=Path, default=Path("pages"), metavar="DIR", help="folder of the pages (default: pages)"
    )
    parser.add_argument("--specs", type=Path, default=working_specs(), metavar="DIR", help="folder of the specs")
    parser.add_argument("--pause", type=pause, default=1.0, metavar="SECONDS", help="between requests (default: 1)")
    parser.add_argument("--timeout", type=pause, default=20.0, metavar="SECONDS", help="per request (default: 20)")
    parser.epilog = "Exit codes: 0 all downloaded or unchanged, 1 a download failed, 2 misuse."


def run(args: argparse.Namespace) -> int:
    """Downloads pages. Returns 1 if one failed, 2 if the arguments name none."""
    try:
        pages = _lists(args) if args.directory else _pages(args)
    except (ValueError, SpecError) as error:
        _say(str(error))
        return 2
    import httpx

    limits = Limits(pause=max(args.pause, 0.0), timeout=args.timeout)
    failed = 0
    try:
        transport = httpx.HTTPTransport(retries=2, **way_to(pages[0][1]).options)
        with httpx.Client(transport=transport) as client:
            store = args.store / DIRECTORY_FOLDER if args.directory else args.store
            for outcome in fetch(client, pages, store, limits, kinds=TEXTS if args.directory else PAGES):
                failed += outcome.result == "failed"
                _print(_with_form(outcome, store) if args.directory else outcome)
    except BadEnvironment as error:
        _say(str(error))
        return 2
    except (FetchError, OSError) as error:
        _say(str(error))
        return 1
    return 1 if failed else 0


def _pages(args: argparse.Namespace) -> list[tuple[str, str]]:
    """Returns the slug and URL of each page. Raises ValueError if an argument is neither, or if none is given."""
    pages = {}
    if args.all:
        pages = {model.slug: model.source.url for model in load_catalog(args.specs).models}
    for given in args.pages:
        if given.startswith(("https://", "http://")):
            parts = [
                part for part in urlsplit(given).path.split("/") if part not in ("", "api", "models", "pixelflows")
            ]
            if not parts or not _SLUG.fullmatch(parts[-1]):
                raise ValueError(f"{given} doesn't name a model; expected a URL such as {PAGE_URL.format(slug='SLUG')}")
            pages[parts[-1]] = given
        elif _SLUG.fullmatch(given):
            pages[given] = PAGE_URL.format(slug=given)
        else:
            raise ValueError(f"{given} is neither a slug, such as flux-img2img, nor a URL")
    if not pages:
        raise ValueError("no pages; pass slugs or URLs, or use --all")
    return list(pages.items())


def _lists(args: argparse.Namespace) -> list[tuple[str, str]]:
    """Returns the key and URL of the vendor's list, and of the llms.txt of each model that the arguments name.

    The list is at the URL that `directory.yaml` states. A URL as argument replaces it.
    """
    source = load_directory(args.specs).source if (args.specs / DIRECTORY_FILE).is_file() else LIST_URL
    given = [one for one in args.pages if one.startswith(("https://", "http://"))]
    if len(given) > 1:
        raise ValueError("--directory reads one list; pass one URL, and slugs of models")
    source = given[0] if given else source
    slugs = [one for one in args.pages if one not in given]
    if args.all:
        slugs = [*(path.stem for path in model_paths(args.specs)), *slugs]
    for slug in slugs:
        if not _SLUG.fullmatch(slug):
            raise ValueError(f"{slug} is no slug, such as flux-img2img")
    models = ((f"models/{slug}", urljoin(source, f"/models/{slug}/llms.txt")) for slug in dict.fromkeys(slugs))
    return [(LIST_KEY, source), *models]


def _with_form(outcome: FetchResult, store: Path) -> FetchResult:
    """Returns an outcome that says what can be read from the file.

    The form of a model's own llms.txt is not known. If it looks like a docs page, its reader may try it.
    """
    if outcome.result == "failed":
        return outcome
    path = store / outcome.file
    try:
        if outcome.slug == LIST_KEY:
            found = read_list(path)
            problems = f", {counted(len(found.problems), 'problem')}" if found.problems else ""
            why = f"{counted(len(found.rows), 'model')}{problems}; compare it with segforge drift --directory"
        else:
            page = read_page(path)
            why = f"in an unknown form; read it yourself: {path}"
            if page.get("slug") == outcome.slug.rpartition("/")[2] and page.parameters and not page.problems:
                why = f"looks like a docs page; try segforge drift {path}"
    except PageError as error:
        why = str(error)
    return replace(outcome, why="; ".join(filter(None, (outcome.why, why))))


def _print(outcome: FetchResult) -> None:
    line = f"{outcome.result:<9} {outcome.slug}  {outcome.url}{f'  {outcome.why}' if outcome.why else ''}"
    console(error=outcome.result == "failed").print(one_line(line), style=_STYLES[outcome.result], markup=False)


def _say(text: str) -> None:
    console(error=True).print(f"segforge fetch: {one_line(text)}", style="red", markup=False)
