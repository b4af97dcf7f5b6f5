"""The site is built without a warning. Its pages load nothing from other hosts, and each link has a target."""

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from selectolax.lexbor import LexborHTMLParser

from tests.docs.pages import BIN, ROOT
from tests.shared import started
from tests.typescript.conftest import TOOLS, node

LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""The elements that load a file, and their attributes."""


def test_the_site_is_built_and_complete(tmp_path: Path) -> None:
    site = build(tmp_path)
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 300
    faults = [fault for page in pages for fault in wrong(site, page)]
    assert faults == []
    assert {page.resolve() for page in pages} - linked(pages) == {site.resolve() / "404.html"}
    assert [path for path in site.rglob("*.css") if "url(http" in path.read_text("utf-8")] == []
    in_a_browser(site, tmp_path)


def build(folder: Path) -> Path:
    """Builds the site like `make docs`, in a folder."""
    config = (ROOT / "mkdocs.yml").read_text("utf-8")
    config = config.replace("out/docs", f"{folder}/docs").replace("out/site", f"{folder}/site")
    (folder / "mkdocs.yml").write_text(config, "utf-8")
    commands = (
        [sys.executable, "-m", "docs.building", str(folder / "docs")],
        [str(BIN / "mkdocs"), "build", "--strict", "--quiet", "--config-file", str(folder / "mkdocs.yml")],
    )
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def wrong(site: Path, page: Path) -> Iterator[str]:
    """Yields what a page loads from elsewhere, and its links without a target."""
    tree = parsed(page)
    for tag, attribute in LOADING.items():
        for element in tree.css(f"{tag}[{attribute}]"):
            address = element.attributes[attribute] or ""
            if address.startswith(("http:", "https:", "//")) and element.attributes.get("rel") != "canonical":
                yield f"{page.name} loads {address}"
    for link in tree.css("a[href]") if page.name != "404.html" else ():  # its links start at the root of a server
        path, anchor = urldefrag(link.attributes["href"] or "")
        if urlsplit(path).scheme:
            continue
        target = (page.parent / unquote(path)).resolve() if path else page
        target = target / "index.html" if target.is_dir() else target
        if not target.is_file():
            yield f"{page.relative_to(site)}: no file {path}"
        elif anchor and target.suffix == ".html" and unquote(anchor) not in anchors(target):
            yield f"{page.relative_to(site)}: no anchor #{anchor} in {path or 'it'}"


def linked(pages: list[Path]) -> set[Path]:
    """The pages that another page links to."""
    found = set()
    for page in pages:
        hrefs = {urldefrag(link.attributes["href"] or "")[0] for link in parsed(page).css("a[href]")}
        found |= {(page.parent / unquote(href)).resolve() for href in hrefs if href} - {page.resolve()}
    return found


@cache
def parsed(page: Path) -> LexborHTMLParser:
    return LexborHTMLParser(page.read_text("utf-8"))


@cache
def anchors(page: Path) -> frozenset[str]:
    return frozenset(element.attributes["id"] or "" for element in parsed(page).css("[id]"))


def in_a_browser(site: Path, folder: Path) -> None:
    """Opens pages in Chromium: dark and on a phone, too. None may request another host, or be wider than the screen."""
    command = [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(site)]
    with started(command, stdout=subprocess.PIPE, env={"PYTHONUNBUFFERED": "1"}) as server:
        assert server.stdout is not None
        port = server.stdout.readline().split(" port ")[1].split()[0]
        settings = {"TMPDIR": str(folder), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x", "TOOLS": str(TOOLS)}
        script = str(Path(__file__).with_suffix(".mjs"))
        done = node(script, f"http://127.0.0.1:{port}", cwd=folder, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
