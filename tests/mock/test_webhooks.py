"""Webhooks reach the hosts that they may reach, and nothing else: in the background, with bounded retries."""

import asyncio
import http.server
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from segforge.cli import main
from segforge_mock import BadSetting, Mock, MockTransport, create_app
from segforge_mock.gateway.control import delivery
from segforge_mock.models.served import packaged_models
from tests.mock.conftest import KEY

HEADERS = {"x-api-key": KEY}
FLOW = "/workflows/6839bf53659263e69c7a567a-v1"


class Receiver:
    """A server that notes what it receives and answers with the next of its answers, the last one again and again."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], Any]] = []
        self.answers: list[tuple[int, dict[str, str]]] = [(200, {})]
        self.hang = threading.Event()
        self.hangs = False
        self.url = ""

    def events(self) -> list[str]:
        return [body["event"] for _, _, body in self.received]


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = httpx.Response(200, content=self.rfile.read(int(self.headers["content-length"]))).json()
            answers = receiver.answers
            status, headers = answers.pop(0) if len(answers) > 1 else answers[0]
            receiver.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}, data))
            if receiver.hangs:
                receiver.hang.wait(20)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Writes nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        receiver.url = f"{'http' if context is None else 'https'}://localhost:{server.server_address[1]}"
        try:
            yield receiver
        finally:
            receiver.hang.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, media="tiny") as mock:
        yield mock


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def add(mock: Mock, url: str, *types: str) -> str:
    body = {"webhook_url": url, "event": {"types": types or ["PIXELFLOW"]}}
    answer = httpx.post(f"{mock.url}/webhook/add", json=body, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["webhook_id"])


def run(mock: Mock, **headers: str) -> dict[str, Any]:
    answer = httpx.post(f"{mock.url}{FLOW}", json={"text": "x"}, headers=HEADERS | headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def logs(mock: Mock, webhook: str) -> list[dict[str, Any]]:
    url = f"{mock.url}/webhook/dispatch-logs"
    found: list[dict[str, Any]] = httpx.get(url, params={"webhook_id": webhook}, headers=HEADERS).json()["data"]
    return found


@pytest.mark.parametrize(
    ("types", "events"),
    [
        (["PIXELFLOW"], ["NODE_RUN", "GRAPH_RUN"]),
        (["GRAPH_RUN"], ["GRAPH_RUN"]),
        (["NODE_RUN", "other"], ["NODE_RUN"]),
        (["other"], []),
    ],
)
def test_the_events_of_a_run_are_delivered(mock: Mock, receiver: Receiver, types: list[str], events: list[str]) -> None:
    webhook, other = add(mock, f"{receiver.url}/hook?a=b", *types), add(mock, receiver.url, "GRAPH_RUN")
    started = run(mock)
    until(lambda: len(logs(mock, webhook)) == len(events) and len(logs(mock, other)) == 1)
    bodies = [(path, body) for path, _, body in receiver.received if path != "/"]
    poll = httpx.get(started["poll_url"], headers=HEADERS).json()
    expected = {"request_id": started["request_id"], "status": "COMPLETED", "output": poll["output"]}
    assert bodies == [("/hook?a=b", {"event": event} | expected) for event in events]
    for _, headers, _ in receiver.received:
        assert headers["host"] == receiver.url.removeprefix("http://")
        assert headers["content-type"] == "application/json"
        assert KEY not in str(headers)
    shown = [(one["event"], one["attempt"], one["status_code"], one["error"]) for one in logs(mock, webhook)]
    assert shown == [(event, 1, 200, None) for event in reversed(events)]


def test_the_docs_show_the_form_of_a_delivery(mock: Mock, receiver: Receiver) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "mock.md").read_text("utf-8")
    [shown] = re.findall(r'`(\{"event": .*?\})`', docs)
    add(mock, receiver.url, "GRAPH_RUN")
    run(mock)
    until(lambda: receiver.received)
    assert json.loads(shown).keys() == receiver.received[0][2].keys()


def test_a_failed_run_has_no_node_that_ran(mock: Mock, receiver: Receiver) -> None:
    add(mock, receiver.url)
    started = run(mock, **{"x-mock-scenario": "job-blocked"})
    until(lambda: receiver.received)
    assert receiver.received[0][2] == {
        "event": "GRAPH_RUN",
        "request_id": started["request_id"],
        "status": "FAILED",
        "output": "",
    }
    poll = httpx.get(started["poll_url"], headers=HEADERS)
    assert (poll.status_code, poll.json()["status"]) == (200, "FAILED")
    assert poll.json()["error"] == poll.json()["error_message"]["error"]


def test_a_held_run_has_no_event_until_it_is_released(mock: Mock, receiver: Receiver) -> None:
    add(mock, receiver.url, "GRAPH_RUN")
    mock.job_policy("held")
    run(mock)
    run(mock, **{"x-mock-job": "instant"})
    until(lambda: len(receiver.received) == 1)
    mock.release()
    until(lambda: len(receiver.received) == 2)


def test_a_reset_ends_deliveries(mock: Mock, receiver: Receiver) -> None:
    add(mock, receiver.url)
    mock.job_policy("held")
    run(mock)
    until(lambda: mock.app.memory.in_use)
    mock.reset()
    until(lambda: not mock.app.memory.in_use)
    assert httpx.get(f"{mock.url}/webhook/get", headers=HEADERS).json() == {"data": []}
    assert receiver.received == []


def test_an_attempt_without_success_is_repeated_twice(mock: Mock, receiver: Receiver) -> None:
    receiver.answers = [(500, {}), (404, {}), (204, {}), (500, {})]
    webhook = add(mock, receiver.url, "GRAPH_RUN")
    run(mock)
    until(lambda: len(logs(mock, webhook)) == 3)
    assert [(one["attempt"], one["status_code"]) for one in logs(mock, webhook)] == [(3, 204), (2, 404), (1, 500)]
    run(mock)
    until(lambda: len(logs(mock, webhook)) == 6)
    assert len(receiver.received) == 6
    assert "2xx" in logs(mock, webhook)[0]["error"]


def test_redirects_are_not_followed(mock: Mock, receiver: Receiver) -> None:
    with receiving() as inner:
        receiver.answers = [(307, {"location": inner.url})]
        webhook = add(mock, receiver.url, "GRAPH_RUN")
        run(mock)
        until(lambda: len(logs(mock, webhook)) == 3)
        assert {one["status_code"] for one in logs(mock, webhook)} == {307}
        assert inner.received == []


def test_no_body_of_an_answer_is_read(mock: Mock, receiver: Receiver) -> None:
    receiver.answers = [(200, {"content-length": "1000000000000"})]
    webhook = add(mock, receiver.url, "GRAPH_RUN")
    run(mock)
    until(lambda: logs(mock, webhook))
    assert logs(mock, webhook)[0]["status_code"] == 200


def test_a_receiver_that_hangs_is_left_and_blocks_nothing(
    mock: Mock, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT", 0.2)
    receiver.hangs = True
    webhook = add(mock, receiver.url, "GRAPH_RUN")
    run(mock)
    until(lambda: receiver.received)
    started = time.monotonic()
    assert httpx.get(f"{mock.url}/healthz").status_code == 200
    until(lambda: len(logs(mock, webhook)) == 3)
    assert time.monotonic() - started < 5
    assert {(one["status_code"], one["error"]) for one in logs(mock, webhook)} == {
        (None, "no answer within 0.2 seconds")
    }


def test_the_mock_stops_while_a_receiver_hangs(receiver: Receiver) -> None:
    receiver.hangs = True
    with Mock(time_scale=0, media="tiny") as mock:
        add(mock, receiver.url)
        run(mock)
        until(lambda: receiver.received)
        started = time.monotonic()
    assert time.monotonic() - started < 5


def test_a_receiver_that_is_away_is_noted(mock: Mock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    webhook = add(mock, url, "GRAPH_RUN")
    run(mock)
    until(lambda: len(logs(mock, webhook)) == 3)
    assert "Connect" in logs(mock, webhook)[0]["error"]


@pytest.mark.parametrize(
    "host",
    [
        *("example.com", "10.0.0.1", "169.254.169.254", "0.0.0.0", "2130706433", "0x7f.1", "127.0.0.1.nip.io"),
        *("[::ffff:10.0.0.1]", "[::ffff:127.0.0.1]", "[fd00::1]", "localhost.evil.test", "allowed.test.evil.test"),
    ],
)
def test_other_hosts_receive_nothing_and_the_log_says_so(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def resolve(name: str, *_: object, **__: object) -> list[Any]:
        asked.append(name)
        raise OSError

    attempt = in_process(resolve, monkeypatch, f"http://{host}:8080/", "localhost", "allowed.test")
    assert (attempt["status_code"], attempt["attempt"], asked) == (None, 1, [])
    assert "--webhook-host" in attempt["error"]


def in_process(resolve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, url: str, *hosts: str) -> dict[str, Any]:
    """Delivers one event on an event loop whose names `resolve` looks up. Returns the newest attempt."""

    async def deliver() -> dict[str, Any]:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
        app = create_app(time_scale=0, media="tiny", webhook_hosts=hosts)
        async with httpx.AsyncClient(transport=MockTransport(app), base_url="http://mock", headers=HEADERS) as client:
            body = {"webhook_url": url, "event": {"types": ["GRAPH_RUN"]}}
            webhook = (await client.post("/webhook/add", json=body)).json()["webhook_id"]
            await client.post(FLOW, json={})
            while True:
                await asyncio.sleep(0.01)
                found = await client.get("/webhook/dispatch-logs", params={"webhook_id": webhook})
                if found.json()["data"]:
                    await app.close()
                    return dict(found.json()["data"][0])

    return asyncio.run(asyncio.wait_for(deliver(), 10))


def test_an_allowed_name_is_resolved_once_per_attempt(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second look-up could return another address than the one that was checked."""
    asked: list[str] = []
    port = int(receiver.url.rpartition(":")[2])

    async def resolve(host: str, asked_port: int, **_: object) -> list[Any]:
        asked.append(host)
        assert asked_port == port
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", asked_port))]

    attempt = in_process(resolve, monkeypatch, f"http://hook.test:{port}/x", "hook.test")
    assert (attempt["status_code"], asked) == (200, ["hook.test"])
    assert receiver.received[0][1]["host"] == f"hook.test:{port}"


@pytest.mark.parametrize(("host", "allowed"), [("::1", "localhost"), ("fd00::1", "fd00::1"), ("fd00::1", "[fd00::1]")])
def test_addresses_of_ipv6_are_allowed_like_others(host: str, allowed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def resolve(name: str, *_: object, **__: object) -> list[Any]:
        asked.append(name)
        raise OSError("no such machine")

    attempt = in_process(resolve, monkeypatch, f"http://[{host}]:8080/", allowed)
    assert asked == [host] * len(asked) != []
    assert "no such machine" in attempt["error"]


def test_a_local_name_of_another_machine_receives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(_host: str, port: int, **_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", port))]

    attempt = in_process(resolve, monkeypatch, "http://x.localhost/", "localhost")
    assert (attempt["status_code"], "10.0.0.1" in attempt["error"]) == (None, True)


def test_certificates_are_checked_under_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with receiving(context) as receiver, Mock(time_scale=0, media="tiny") as mock:
        webhook = add(mock, receiver.url, "GRAPH_RUN")
        run(mock)
        until(lambda: len(logs(mock, webhook)) == 3)
        assert receiver.received == []
        assert "CERTIFICATE_VERIFY_FAILED" in logs(mock, webhook)[0]["error"]
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        run(mock)
        until(lambda: receiver.received)


@pytest.mark.parametrize("path", ["/webhook/add", "/webhook/update"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.test"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.test"}, 403),
        ({"content-type": "text/plain"}, 415),
    ],
    ids=str,
)
def test_pages_of_other_origins_add_no_webhook(mock: Mock, path: str, headers: dict[str, str], status: int) -> None:
    """They could make the mock send requests to other programs on this machine."""
    webhook = add(mock, "http://localhost:1/")
    body = {"webhook_url": f"{mock.url}/_mock/reset", "event": {"types": ["PIXELFLOW"]}, "webhook_id": webhook}
    answer = httpx.post(f"{mock.url}{path}", json=body, headers=HEADERS | headers)
    assert answer.status_code == status, answer.text
    found = httpx.get(f"{mock.url}/webhook/get", headers=HEADERS).json()["data"]
    assert [one["webhook_url"] for one in found] == ["http://localhost:1/"]


@pytest.mark.parametrize(
    "body",
    [
        *(
            {"webhook_url": url, "event": {"types": ["x"]}}
            for url in (
                "",
                "x",
                "ftp://localhost/",
                "http://",
                "http://u:p@localhost/",
                "http://localhost:0/",
                "http://localhost:99999/",
                "http://loc\nalhost/",
                "http://löcal/",
                "http://localhost/" + "x" * 2_000,
            )
        ),
        {"webhook_url": "http://localhost/", "event": {"types": []}},
        {"webhook_url": "http://localhost/", "event": {"types": ["x"] * 21}},
        {"webhook_url": "http://localhost/"},
        [],
    ],
    ids=lambda body: str(body)[:50],
)
def test_a_webhook_that_is_none_is_refused(mock: Mock, body: object) -> None:
    answer = httpx.post(f"{mock.url}/webhook/add", json=body, headers=HEADERS)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_webhooks_are_bounded_and_belong_to_a_key(mock: Mock) -> None:
    for _ in range(20):
        webhook = add(mock, "http://localhost:1/")
    body = {"webhook_url": "http://localhost:1/", "event": {"types": ["x"]}}
    refused = httpx.post(f"{mock.url}/webhook/add", json=body, headers=HEADERS)
    assert (refused.status_code, "20" in refused.json()["error"]) == (400, True)
    other = {"x-api-key": f"SG_{0:016}"}
    assert httpx.post(f"{mock.url}/webhook/add", json=body, headers=other).status_code == 200
    unknown = httpx.get(f"{mock.url}/webhook/inactive", params={"webhook_id": webhook}, headers=other)
    assert unknown.status_code == 404


def test_runs_whose_events_wait_are_bounded(mock: Mock, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "MAX_TASKS", 2)
    add(mock, receiver.url, "GRAPH_RUN")
    mock.job_policy("held")
    ids = [run(mock)["request_id"] for _ in range(4)]
    mock.release()
    until(lambda: len(receiver.received) == 2)
    until(lambda: not mock.app.memory.in_use)
    assert sorted(body["request_id"] for _, _, body in receiver.received) == sorted(ids[:2])


@pytest.mark.parametrize("options", [["--webhook-host", "http://x"], ["--webhook-host", "x", "--upstream", "http://x"]])
def test_an_impossible_host_is_misuse(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mock", "--port", "0", *options]) == 2
    assert "--webhook-host" in capsys.readouterr().err
    with pytest.raises(BadSetting, match="webhook_hosts"):
        create_app(webhook_hosts=["http://x"])


@pytest.mark.parametrize(
    ("options", "hosts"),
    [
        ([], {"localhost"}),
        (["--host", "0.0.0.0"], set()),
        (["--host", "0.0.0.0", "--webhook-host", "app"], {"app"}),
        (["--webhook-host", "app", "--webhook-host", "B.test"], {"app", "b.test", "localhost"}),
    ],
)
def test_only_a_mock_for_this_machine_sends_to_it(options: list[str], hosts: set[str]) -> None:
    import argparse

    from segforge_mock.arguments import configure, settings_of

    parser = argparse.ArgumentParser()
    configure(parser)
    assert set(settings_of(parser.parse_args(options), packaged_models()).webhook_hosts) == hosts
