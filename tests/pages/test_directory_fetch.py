"""`segforge fetch --directory` stores the vendor's list, and its llms.txt of single models, with date and hash."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from segforge.cli import main
from segforge.pages.fetch import read_index
from tests.pages.layouts import blank_line
from tests.pages.listed import SMALL, listed, write_specs
from tests.seeds import seed_catalog


class Site:
    """A host with texts by path, which answers with a media type, and remembers the paths that were requested."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {"/llms.txt": listed(SMALL)}
        self.kind = "text/plain; charset=utf-8"
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                body = site.texts.get(self.path, "").encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", site.kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing is printed."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/llms.txt"


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def fetch(tmp_path: Path, *arguments: str) -> int:
    specs = write_specs(tmp_path / "specs")
    store = ["--store", str(tmp_path / "pages"), "--specs", str(specs)]
    return main(["fetch", "--directory", *arguments, *store, "--pause", "0"])


def test_the_list_is_stored_and_compared(tmp_path: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch(tmp_path, site.url) == 0
    assert "5 models; compare it with segforge drift --directory" in capsys.readouterr().out
    stored = read_index(tmp_path / "pages" / "directory")["llms"]
    assert (stored.url, stored.file, len(stored.sha256)) == (site.url, "llms.txt", 64)
    assert site.asked == ["/robots.txt", "/llms.txt"]
    drift = ["drift", "--directory", "--store", str(tmp_path / "pages"), "--specs", str(tmp_path / "specs"), "--apply"]
    assert main(drift) == 0
    assert f'read: "{stored.fetched}"' in (tmp_path / "specs" / "directory.yaml").read_text("utf-8")
    assert fetch(tmp_path, site.url) == 0
    assert "unchanged" in capsys.readouterr().out.splitlines()[-1]


def test_the_text_of_a_model_is_stored_and_nothing_is_claimed_about_it(
    tmp_path: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.texts["/models/cutter/llms.txt"] = "Anything."
    model = seed_catalog().models[0]
    site.texts[f"/models/{model.slug}/llms.txt"] = blank_line(model)
    assert fetch(tmp_path, site.url, "cutter", model.slug, "zoomer") == 1
    out, err = capsys.readouterr()
    folder = tmp_path / "pages" / "directory" / "models"
    assert (folder / "cutter.txt").read_text("utf-8") == "Anything."
    lines = {line.split()[1]: line for line in (out + err).splitlines()}
    assert "models/cutter" in lines
    assert "try segforge drift" not in lines["models/cutter"]
    assert f"try segforge drift {folder / model.slug}.txt" in lines[f"models/{model.slug}"]
    assert "HTTP 404" in lines["models/zoomer"]
    assert not (folder / "zoomer.txt").exists()


def test_a_page_instead_of_the_list_is_not_stored(
    tmp_path: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.kind = "text/html"
    assert fetch(tmp_path, site.url) == 1
    assert "Content-Type text/html; expected a text" in capsys.readouterr().err
    assert not (tmp_path / "pages" / "directory" / "llms.txt").exists()


def test_a_list_that_was_damaged_on_the_host_is_reported(
    tmp_path: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.texts["/llms.txt"] = listed(SMALL).replace("$0.5", "$NaN")
    assert fetch(tmp_path, site.url) == 0
    assert "4 models, 1 problem" in capsys.readouterr().out
    site.texts["/llms.txt"] = "Nothing here."
    assert fetch(tmp_path, site.url) == 0
    assert "no table of models" in capsys.readouterr().out


@pytest.mark.parametrize(
    "given", [["../x"], ["a/b"], ["http://a.example/llms.txt", "http://b.example/llms.txt"], [".."], ["x" * 101]]
)
def test_misuse_of_fetch(given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch(tmp_path, *given) == 2
    assert "segforge fetch:" in capsys.readouterr().err
