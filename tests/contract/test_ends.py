"""Runs that end early: wrong servers, wrong keys, full disks, signals and time limits."""

import contextlib
import gzip
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from segforge import Catalog
from segforge.cli import main
from segforge.environment import way_to
from segforge_contract import HttpTarget, NoAnswer, Request
from segforge_contract.engine.interrupt import interruptible
from segforge_contract.errors import Interrupted
from segforge_contract.targets import http as http_target
from segforge_contract.targets import patient
from segforge_contract.targets.base import NO_CONNECTION
from tests.contract import billing
from tests.contract.serving import serve
from tests.contract.standin import KEY, Answer, StandIn
from tests.seeds import seed_specs

SPECS = ("--specs", str(seed_specs()))
MODEL = (*SPECS, "--models", "style-transfer", "--max-examples", "0", "--seed", "1", "--forget")
PROGRAM = (sys.executable, "-c", "import sys; from segforge.cli import main; sys.exit(main())", "contract")

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)


class Always:
    """An app that returns the same answer to every request."""

    def __init__(self, status: int, content_type: str, body: bytes, **headers: str) -> None:
        self.status = status
        self.headers = {"content-type": content_type, **{n.replace("_", "-"): v for n, v in headers.items()}}
        self.body = body
        self.requests = 0

    async def __call__(self, _scope: Message, _receive: object, send: Send) -> None:
        self.requests += 1
        raw = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": self.body})


class Slow(StandIn):
    """A slow stand-in that calls a function at a chosen request."""

    def __init__(self, catalog: Catalog, *faults: str, at: int = 0, do: Callable[[], object] = lambda: None) -> None:
        super().__init__(catalog, *faults)
        self.at, self.do = at, do

    def route(self, *args: Any) -> Any:
        if len(self.seen) == self.at:
            self.do()
        time.sleep(0.002)
        return super().route(*args)


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (Always(401, "application/json", b'{"error": "expired"}'), "rejects the key (401 application/json"),
        (Always(403, "text/html", b"no"), "rejects the key (403"),
        (Always(200, "text/html", b"<h1>Welcome</h1>"), "GET /v1/get-user-credits returns 200"),
        (Always(502, "text/html", b"<center>nginx"), "502 text/html <center>nginx"),
        (Always(302, "text/html", b"", location="https://elsewhere.invalid/"), '"https://elsewhere.invalid/"'),
    ],
)
def test_target_that_is_no_gateway_or_rejects_the_key_ends_the_run_immediately(
    app: Always, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(app) as url:
        assert main(["contract", "--target", url, *MODEL]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert said in err
    assert app.requests <= 3


class Elsewhere(StandIn):
    """A gateway of which only one path exists. The others are absent, at a cost if `cost` is set."""

    def __init__(self, catalog: Catalog, path: str, **cost: str) -> None:
        super().__init__(catalog)
        self.path, self.cost = path, cost

    def route(self, method: str, parts: list[str], headers: Mapping[str, str], body: bytes) -> Answer:
        if "/".join(parts) == self.path:
            return super().route(method, parts, headers, body)
        self.check_key(headers)
        return Answer(404, "application/json", b'{"error": "No such route"}', self.cost)


@pytest.mark.parametrize("cap", [(), ("--max-spend", "0"), ("--max-spend", "1")])
def test_wrong_path_of_the_right_server_ends_the_run_with_one_message(
    cap: tuple[str, ...],
    catalog: Catalog,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    with serve(Elsewhere(catalog, "")) as url:
        assert main(["contract", "--target", f"{url}/api", *MODEL, *cap]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    said = err.splitlines()[-1]  # a cap above 0 announces its journal first
    assert f"{url}/api has none of a gateway's routes: GET /v1/get-user-credits returns 404" in said
    assert said.endswith(f"probably {url}")


@pytest.mark.parametrize(
    ("path", "cost"),
    [("v1/get-user-credits", {}), ("v2/style-transfer", {}), ("v1/flux-img2img", {}), ("", {"x-cost": "0.01"})],
)
def test_gateway_with_one_route_or_a_price_is_tested(path: str, cost: dict[str, str], catalog: Catalog) -> None:
    with serve(Elsewhere(catalog, path, **cost)) as url:
        assert main(["contract", "--target", url, *MODEL, "--rules", "method.not_allowed"]) in (0, 1)


@pytest.mark.parametrize("fault", ["no_key_accepted", "any_key_accepted", "no_key_403", "error_text"])
def test_wrong_key_handling_is_a_finding_not_a_rejected_key(catalog: Catalog, fault: str) -> None:
    with serve(StandIn(catalog, fault)) as url:
        assert main(["contract", "--target", url, *MODEL]) == 1


def test_endless_body_is_no_answer_and_uses_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_target, "_LARGEST_ANSWER", 2**20)
    bomb = Always(200, "application/json", gzip.compress(b"\0" * 2**26), content_encoding="gzip")
    with serve(bomb) as url:
        target = HttpTarget(url, KEY)
        with contextlib.closing(target), pytest.raises(NoAnswer, match="larger than 1 MiB"):
            target.send(Request("GET", "/"))


BROKEN_ENVIRONMENT = [
    ("ALL_PROXY", "socks5://127.0.0.1:1"),
    ("HTTP_PROXY", "foo://x"),
    ("http_proxy", "http://user:secret@x:y"),
    ("HTTPS_PROXY", "http://[::1"),
    ("HTTP_PROXY", "nowhere.invalid"),
    ("SSL_CERT_FILE", "/nonexistent"),
]


@pytest.mark.parametrize(("variable", "value"), BROKEN_ENVIRONMENT)
@pytest.mark.parametrize("command", ["contract", "fetch"])
def test_variable_that_prevents_connections_is_named(
    variable: str, value: str, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    url = f"{'https' if variable == 'HTTPS_PROXY' else 'http'}://192.0.2.1"
    page = ["fetch", f"{url}/models/x/api", "--timeout", "2"]
    code = main(["contract", "--target", url, "--yes", *MODEL] if command == "contract" else page)
    err = capsys.readouterr().err
    assert code == (1 if command == "fetch" and "nowhere" in value else 2)  # a page that can't be fetched isn't misuse
    assert variable in err
    assert "secret" not in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("variable", "value"), BROKEN_ENVIRONMENT)
def test_loopback_uses_no_proxy(variable: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(variable, value)
    with serve(Always(200, "text/plain", b"a page")) as url:
        target = HttpTarget(url, KEY)
        assert target.send(Request("GET", "/")).body == b"a page"
        target.close()
        assert main(["fetch", f"{url}/models/x/api", "--pause", "0", "--store", str(tmp_path)]) == 0


@pytest.mark.parametrize("no_proxy", ["localhost,127.0.0.0/8,::1/128", "192.0.2.0/24", "*", "[", "http://["])
def test_no_proxy_accepts_dockers_entries(no_proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    excepted = no_proxy in ("192.0.2.0/24", "*")
    assert way_to("http://192.0.2.1").proxy == (None if excepted else "http://proxy.test:3128")
    HttpTarget("http://192.0.2.1", KEY).close()


def test_max_time_ends_the_run_with_its_reports(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    hung = threading.Event()
    with serve(Slow(catalog, "steps_unbounded", at=60, do=lambda: hung.wait(20))) as url:
        started = time.monotonic()
        code = main(["contract", "--target", url, "--max-time", "3", "--json", str(file), *MODEL])
        hung.set()
    assert (code, time.monotonic() - started < 15) == (2, True)
    document = json.loads(file.read_text("utf-8"))
    assert document["held"] is False
    assert re.match(r"--max-time: .*3 s after \d+ cases", document["stopped"])
    assert "stopped early: --max-time" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ter")]
)
def test_interrupted_run_writes_reports_and_failures_and_can_be_resumed(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str], number: int, code: int, word: str
) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("json", "junit", "html")}
    kept, journal = tmp_path / "kept", tmp_path / "run.jsonl"
    gateway = Slow(catalog, "key_in_error", at=150, do=lambda: os.kill(os.getpid(), number))
    with serve(gateway) as url:
        options = [part for name, file in files.items() for part in (f"--{name}", str(file))]
        options += ["--failures", str(kept), "--max-spend", "0", "--record", str(journal)]
        assert main(["contract", "--target", url, *MODEL[:-1], *options]) == code
    out, err = capsys.readouterr()
    document = json.loads(files["json"].read_text("utf-8"))
    assert document["stopped"].startswith(word)
    assert (document["held"], bool(document["failures"])) == (False, True)
    assert 'errors="1"' in files["junit"].read_text("utf-8")
    assert "Stopped early" in files["html"].read_text("utf-8")
    assert list(kept.glob("*.json"))
    assert "stopped early: " in out
    assert f"--resume {journal}" in err


def test_signal_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interruptible(60):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


class Dropping:
    """An object whose deletion takes a while. Python drops each exception that is raised meanwhile."""

    def __del__(self) -> None:
        time.sleep(5)


def test_interrupt_in_a_callback_that_drops_exceptions_still_ends_the_block() -> None:
    def work() -> None:
        dropping = Dropping()
        del dropping
        time.sleep(5)

    started, hook = time.monotonic(), sys.unraisablehook
    with pytest.raises(Interrupted, match="--max-time"), interruptible(0.2):
        work()
    assert time.monotonic() - started < 4
    assert sys.unraisablehook is hook


def test_full_disk_prints_one_line_and_still_writes_the_report(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    arguments = ["--target", "mock", "--record", str(tmp_path / "run.jsonl"), "--json", str(report), *MODEL]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))

    done = subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, check=False, preexec_fn=limit, cwd=tmp_path
    )
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "stopped early: the journal can't be written" in done.stdout
    assert json.loads(report.read_text("utf-8"))["held"] is False


def test_unwritable_report_does_not_prevent_the_others(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from segforge.files import write_atomically as real
    from segforge_contract.reports import reporter

    def full(path: Path, text: str) -> None:
        if path.name == "a.json":
            raise OSError(28, "No space left on device")
        real(path, text)

    monkeypatch.setattr(reporter, "write_atomically", full)
    lost, junit = tmp_path / "a.json", tmp_path / "b.xml"
    with serve(StandIn(catalog)) as url:
        options = ("--json", str(lost), "--junit", str(junit), "--max-spend", "0")
        assert main(["contract", "--target", url, *MODEL, *options]) == 2
    out, err = capsys.readouterr()
    assert "spent 0 of 0 credits" in out
    assert "--json: [Errno 28]" in err
    assert (junit.exists(), lost.exists()) == (True, False)


def test_reports_are_written_if_stdout_is_closed(tmp_path: Path) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.xml"]
    arguments = ["--target", "mock", "--json", str(files[0]), "--junit", str(files[1]), *MODEL]
    reading, writing = os.pipe()
    os.close(reading)
    subprocess.run([*PROGRAM, *arguments], stdout=writing, stderr=subprocess.DEVNULL, check=False, cwd=tmp_path)
    os.close(writing)
    assert [file.exists() for file in files] == [True, True]


def test_replayed_run_has_the_same_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.jsonl"
    assert main(["contract", "--target", "mock", "--record", str(file), *MODEL]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    capsys.readouterr()
    assert main(["contract", *SPECS, "--replay", str(file)]) == 0, capsys.readouterr().out


@contextmanager
def bills(catalog: Catalog, **faults: Any) -> Iterator[tuple[billing.Gateway, str]]:
    gateway = billing.Gateway(catalog, billing.Faults(**faults))
    with billing.serve(gateway) as url:
        yield gateway, url


def test_run_halted_by_spending_does_not_pass(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("json", "junit", "html")}
    options = [part for name, file in files.items() for part in (f"--{name}", str(file))]
    with bills(catalog, price=Decimal("0.5")) as (_, url):
        code = main(["contract", "--target", url, *MODEL, "--max-spend", "10", *options])
    document = json.loads(files["json"].read_text("utf-8"))
    assert code == (1 if document["failures"] else 2)
    assert (document["held"], document["stopped"][:8]) == (False, "halted: ")
    assert "<title>Contract held" not in files["html"].read_text("utf-8")
    assert 'errors="1"' in files["junit"].read_text("utf-8")
    assert "all rules held" not in capsys.readouterr().out


@pytest.mark.parametrize("told", ["none", "nan", "negative"])
def test_calls_without_a_stated_cost_are_not_billed_refusals(catalog: Catalog, told: str, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    with bills(catalog, told=told) as (_, url):
        main(["contract", "--target", url, *MODEL, "--max-spend", "1", "--json", str(file)])
    failures = json.loads(file.read_text("utf-8"))["failures"]
    assert [each for each in failures if each["rule"] == "money.refusal_is_free"] == []


def test_cap_of_0_is_exceeded_only_by_the_first_unstated_bill(catalog: Catalog) -> None:
    with bills(catalog, refusal_billed=1, refusal_told=False) as (gateway, url):
        assert main(["contract", "--target", url, *MODEL, "--max-spend", "0"]) == 1
        assert len(gateway.book.entries) == 1


def test_held_back_cases_do_not_count_as_requests(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    with bills(catalog) as (gateway, url):
        main(["contract", "--target", url, *MODEL, "--max-spend", "0.1", "--json", str(file)])
        document = json.loads(file.read_text("utf-8"))
        assert document["held_back"]
        assert document["requests"] <= gateway.book.requests


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--seed", "2"), "--seed conflicts with the journal's seed (1)"),
        (("--max-spend", "0.1"), "--max-spend 0.1 is lower than the journal's cap of 0.5"),
        (("--models", "flux-img2img"), "--models conflicts with the journal's models"),
    ],
)
def test_run_cannot_be_resumed_under_other_terms(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "run.jsonl"
    with bills(catalog) as (_, url):
        main(["contract", "--target", url, *MODEL, "--max-spend", "0.5", "--record", str(file)])
        assert main(["contract", *SPECS, "--resume", str(file), *options]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [("--assume-price", "0"), ("--deadline", "nan"), ("--deadline", "-1"), ("--max-time", "0")]
)
def test_option_that_disables_a_guard_is_misuse(options: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["contract", "--target", "mock", *options])


def test_target_that_disappears_exits_with_2_and_breaks_no_rule(tmp_path: Path, catalog: Catalog) -> None:
    file = tmp_path / "report.json"
    real, sends = HttpTarget.send, 0

    def send(self: HttpTarget, request: Request) -> Any:
        nonlocal sends
        sends += 1
        if sends > 40:
            raise NoAnswer(f"{NO_CONNECTION}refused", refused=True)
        return real(self, request)

    with pytest.MonkeyPatch.context() as patch, serve(StandIn(catalog)) as url:
        patch.setattr(HttpTarget, "send", send)
        assert main(["contract", "--target", url, *MODEL, "--json", str(file)]) == 2
    document = json.loads(file.read_text("utf-8"))
    assert (document["failures"], document["held"]) == ([], False)
    assert "the target no longer answers" in document["stopped"]


def test_endless_429_is_reported_and_ends_the_run(
    catalog: Catalog, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient, "_ATTEMPTS", 2)

    class Limited(StandIn):
        def route(self, *args: Any) -> Any:
            if len(self.seen) < 30:
                return super().route(*args)
            return Answer(429, "application/json", b'{"error": "Too many"}', {"retry-after": "1"})

    with serve(Limited(catalog)) as url:
        assert main(["contract", "--target", url, *MODEL, "--max-spend", "0", "--max-time", "60"]) in (1, 2)
    out, err = capsys.readouterr()
    assert "429" in out
    assert "429, too many requests: waiting 1 s" in err
