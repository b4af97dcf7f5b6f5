"""Downloads docs pages from one host: slowly, only those that changed, and up to a size limit."""

import datetime
import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from segforge.environment import way_to
from segforge.files import write_atomically
from segforge.pages.source.document import MAX_BYTES

if TYPE_CHECKING:
    import httpx

INDEX: Final = "index.json"
DIRECTORY_FOLDER: Final = "directory"
"""The folder of a store with the vendor's list of models, and what the vendor's list says of single models."""
LIST_KEY: Final = "llms"
"""The key of the vendor's list in the index of that folder."""
MAX_REDIRECTS: Final = 4
PAGES: Final = frozenset(["text/html", "application/xhtml+xml", "text/plain", "text/markdown"])
"""The media types of docs pages."""
TEXTS: Final = frozenset(["text/plain", "text/markdown"])
"""The media types of the vendor's list."""
AGENT: Final = "segforge (reads docs pages weekly; https://pypi.org/project/segforge)"


class FetchError(Exception):
    """A page was not downloaded. The message states the reason and the remedy."""


@dataclass(frozen=True)
class Stored:
    """The index entry of a stored page: URL, file name, date of the last request (YYYY-MM-DD), hash and HTTP tags."""

    url: str
    file: str
    fetched: str
    sha256: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class FetchResult:
    """The outcome for one page. `why` is the reason for a failure, or for leaving a stored page unchanged.

    `file` is the name of the stored file; empty after a failure.
    """

    slug: str
    url: str
    result: Literal["new", "changed", "unchanged", "failed"]
    why: str = ""
    file: str = ""


@dataclass(frozen=True)
class Limits:
    """Limits of a fetch: seconds between two requests, seconds per request, and bytes per page."""

    pause: float = 1.0
    timeout: float = 20.0
    max_bytes: int = MAX_BYTES


def read_index(store: Path) -> dict[str, Stored]:
    """Returns the entries of a store by slug. Raises FetchError if its index is malformed."""
    try:
        data = json.loads((store / INDEX).read_text("utf-8"))
        return {str(slug): Stored(**entry) for slug, entry in data.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise FetchError(f"{store / INDEX}: {error}; delete the file to download all pages again") from None


def fetch(
    client: "httpx.Client",
    pages: Sequence[tuple[str, str]],
    store: Path,
    limits: Limits,
    sleep: Callable[[float], None] = time.sleep,
    kinds: Collection[str] = PAGES,
) -> Iterator[FetchResult]:
    """Downloads pages (slug and URL) of some media types into a store, one by one, and yields an outcome for each.

    Raises FetchError if the pages are on several hosts, or if the store's index is malformed.
    """
    hosts = {_origin(url) for _, url in pages}
    if len(hosts) > 1:
        raise FetchError(f"the pages are on several hosts ({', '.join(sorted(hosts))}); fetch one host at a time")
    index = read_index(store)
    robots = _robots(client, pages[0][1], limits) if pages else None
    for number, (slug, url) in enumerate(pages):
        if number:
            sleep(limits.pause)
        try:
            if robots is not None and not robots.can_fetch(AGENT, url):
                raise FetchError("the host's robots.txt disallows it; save the page by hand")
            yield _one(client, slug, url, store, index, limits, kinds)
        except FetchError as error:
            yield FetchResult(slug, url, "failed", str(error))
        write_atomically(store / INDEX, json.dumps({key: asdict(index[key]) for key in sorted(index)}, indent=2) + "\n")


def _one(
    client: "httpx.Client",
    slug: str,
    url: str,
    store: Path,
    index: dict[str, Stored],
    limits: Limits,
    kinds: Collection[str],
) -> FetchResult:
    known = index.get(slug)
    there = known is not None and known.url == url and (store / known.file).is_file()
    headers = {}
    if known is not None and there:
        headers = {"If-None-Match": known.etag} if known.etag else {}
        headers |= {"If-Modified-Since": known.last_modified} if known.last_modified and not known.etag else {}
    status, answer, body = _get(client, url, headers, limits)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    if status == 304 and known is not None and there:
        index[slug] = replace(known, fetched=today)
        return FetchResult(slug, url, "unchanged", "not modified", known.file)
    if status != 200:
        raise FetchError(f"HTTP {status}; expected 200; check the URL")
    kind = answer.get("content-type", "text/html").partition(";")[0].strip().lower()
    if kind not in kinds:
        expected = "an HTML page" if "text/html" in kinds else "a text"
        raise FetchError(f"Content-Type {kind[:80]}; expected {expected}; check the URL")
    digest = hashlib.sha256(body).hexdigest()
    file = f"{slug}.html" if "html" in kind else f"{slug}.txt"
    index[slug] = Stored(url, file, today, digest, answer.get("etag"), answer.get("last-modified"))
    if known is not None and there and known.sha256 == digest:
        return FetchResult(slug, url, "unchanged", "same content", file)
    write_bytes(store / file, body)
    return FetchResult(slug, url, "changed" if there else "new", file=file)


def write_bytes(path: Path, body: bytes) -> None:
    """Writes a file by replacing it, so that no reader sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(body)
    part.replace(path)


def _get(
    client: "httpx.Client", url: str, headers: dict[str, str], limits: Limits
) -> tuple[int, "httpx.Headers", bytes]:
    """Requests a URL and follows redirects on its host. Returns status, headers and body.

    Raises FetchError if the connection fails, a redirect leaves the host, or a limit is exceeded.
    """
    import httpx

    origin, address = _origin(url), url
    started = time.monotonic()
    for _ in range(MAX_REDIRECTS + 1):
        try:
            with client.stream(
                "GET", address, headers={"User-Agent": AGENT, **headers}, timeout=limits.timeout, follow_redirects=False
            ) as answer:
                if answer.is_redirect and "location" in answer.headers:
                    address = urljoin(address, answer.headers["location"])
                    if _origin(address) != origin:
                        raise FetchError(f"redirected to another host, {_origin(address)}; check the URL")
                    continue
                body = bytearray()
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > limits.max_bytes:
                        raise FetchError(f"more than {limits.max_bytes:,} bytes; expected a docs page; check the URL")
                    if time.monotonic() - started > 4 * limits.timeout:
                        raise FetchError(f"not complete after {4 * limits.timeout:g} s; try again later")
                return answer.status_code, answer.headers, bytes(body)
        except httpx.HTTPError as error:
            way = way_to(url).in_words if isinstance(error, httpx.ConnectError | httpx.ProxyError) else ""
            raise FetchError(f"{type(error).__name__}: {error}{way}; try again later") from None
    raise FetchError(f"more than {MAX_REDIRECTS} redirects; check the URL")


def _robots(client: "httpx.Client", url: str, limits: Limits) -> RobotFileParser | None:
    """Returns the host's robots.txt, or None if it has none or it can't be read."""
    try:
        status, _, body = _get(client, urljoin(url, "/robots.txt"), {}, limits)
    except FetchError:
        return None
    if status != 200:
        return None
    parser = RobotFileParser()
    parser.parse(body[:500_000].decode("utf-8", "replace").splitlines())
    return parser


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"
