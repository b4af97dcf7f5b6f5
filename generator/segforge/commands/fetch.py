"""Download docs pages, slowly and only if they changed, and store them with date and hash."""

import argparse
import re
from pathlib import Path
from urllib.parse import urlsplit

from segforge.console import console
from segforge.environment import BadEnvironment, way_to
from segforge.options import pause
from segforge.pages.fetch import FetchError, FetchResult, Limits, fetch
from segforge.spec.finding import SpecError
from segforge.spec.load import default_specs, load_catalog
from segforge.spec.printable import one_line

PAGE_URL = "https://www.segmind.com/models/{slug}/api"
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_STYLES = {"new": "green", "changed": "yellow", "unchanged": "", "failed": "red"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("pages", nargs="*", metavar="SLUG|URL", help="slugs of models, or URLs of docs pages")
    parser.add_argument("--all", action="store_true", help="the page of every spec, from the URL in the spec")
    parser.add_argument(
        "--store", type=Path, default=Path("pages"), metavar="DIR", help="folder of the pages (default: pages)"
    )
    parser.add_argument("--specs", type=Path, default=default_specs(), metavar="DIR", help="folder of the specs")
    parser.add_argument("--pause", type=pause, default=1.0, metavar="SECONDS", help="between requests (default: 1)")
    parser.add_argument("--timeout", type=pause, default=20.0, metavar="SECONDS", help="per request (default: 20)")
    parser.epilog = "Exit codes: 0 all downloaded or unchanged, 1 a download failed, 2 misuse."


def run(args: argparse.Namespace) -> int:
    """Downloads pages. Returns 1 if one failed, 2 if the arguments name none."""
    try:
        pages = _pages(args)
    except (ValueError, SpecError) as error:
        _say(str(error))
        return 2
    import httpx

    limits = Limits(pause=max(args.pause, 0.0), timeout=args.timeout)
    failed = 0
    try:
        transport = httpx.HTTPTransport(retries=2, **way_to(pages[0][1]).options)
        with httpx.Client(transport=transport) as client:
            for outcome in fetch(client, pages, args.store, limits):
                failed += outcome.result == "failed"
                _print(outcome)
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


def _print(outcome: FetchResult) -> None:
    line = f"{outcome.result:<9} {outcome.slug}  {outcome.url}{f'  {outcome.why}' if outcome.why else ''}"
    console(error=outcome.result == "failed").print(one_line(line), style=_STYLES[outcome.result], markup=False)


def _say(text: str) -> None:
    console(error=True).print(f"segforge fetch: {one_line(text)}", style="red", markup=False)
