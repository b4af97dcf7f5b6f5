"""Intended faults are not logged: dropped connections, and a stop with requests in flight."""

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from segforge_mock import Mock
from segforge_mock.faults.scenarios import FAULT_SECONDS, FAULTS
from segforge_mock.http import server
from tests.seeds import seed_catalog
from tests.shared import started

EXAMPLE = seed_catalog().model("style-transfer").valid_example


@pytest.mark.parametrize("fault", sorted(FAULTS))
@pytest.mark.parametrize("path", ["/v2/style-transfer", "/v1/style-transfer"])
def test_an_intended_fault_is_not_logged(fault: str, path: str, caplog: pytest.LogCaptureFixture) -> None:
    with Mock(time_scale=0, media="tiny") as mock:
        headers = {"x-api-key": mock.key}
        mock.scenario(fault, times=1, seconds=0.01 if fault in FAULT_SECONDS else None)
        with contextlib.suppress(httpx.RemoteProtocolError):
            httpx.post(mock.url + path, headers=headers, json=EXAMPLE)
        assert httpx.post(mock.url + path, headers=headers, json=EXAMPLE).status_code == 200
    assert caplog.records == []


def test_a_stop_ends_requests_in_flight_without_a_log_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STOP_SECONDS", 0.05)
    ends: list[str] = []

    def call() -> None:
        try:
            answer = httpx.post(f"{url}/v1/style-transfer", headers={"x-api-key": mock.key}, json=EXAMPLE, timeout=20)
            ends.append(str(answer.status_code))
        except httpx.HTTPError as error:
            ends.append(type(error).__name__)

    with Mock(time_scale=1000) as mock:
        url = mock.url
        callers = [threading.Thread(target=call) for _ in range(3)]
        for caller in callers:
            caller.start()
        mock.wait_for(3)
    for caller in callers:
        caller.join(10)
    assert set(ends) <= {"RemoteProtocolError", "ReadError"}
    assert len(ends) == 3
    assert caplog.records == []


QUICK_STOP = """
import sys
from segforge.cli import main
from segforge_mock.http import server
server.STOP_SECONDS = 0.1
sys.exit(main(sys.argv[1:]))
"""
"""The command, which waits a shorter time for running requests."""


def request(path: str, **headers: str) -> bytes:
    """Returns the bytes of a request with the sample's payload."""
    body = json.dumps(EXAMPLE).encode()
    lines = [f"POST {path} HTTP/1.1", "host: localhost", "x-api-key: k", "content-type: application/json"]
    lines += [f"content-length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def unfinished() -> Iterator[bytes]:
    """Yields requests that run, or arrive, for a long time: each fault, delays, a wait, and an incomplete request."""
    for fault in FAULTS:
        for path in ("/v1/style-transfer", "/v2/style-transfer"):
            yield request(path, **{"x-mock-scenario": fault})
    yield request("/v1/style-transfer", **{"x-mock-tenant": "slow"})
    yield request("/v2/style-transfer", **{"x-mock-tenant": "late"})
    yield b"GET /_mock/requests/wait?count=900&timeout=60 HTTP/1.1\r\nhost: localhost\r\nx-api-key: k\r\n\r\n"
    yield request("/v1/style-transfer")[:-5]
    yield b"POST /v1"
    yield b""


def add_stubs(url: str, verify: ssl.SSLContext | bool = True) -> None:
    late = {"latency": {"distribution": "constant", "seconds": 60}}
    for tenant, stub in (("slow", {"scenario": "slow-body", "seconds": 60}), ("late", late)):
        headers = {"x-api-key": "k", "x-mock-tenant": tenant}
        httpx.post(f"{url}/_mock/rules", json=stub, headers=headers, verify=verify).raise_for_status()


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_signal_ends_the_command_silently_whatever_runs(tls: bool, tmp_path: Path) -> None:
    """A third of the clients has disconnected before the signal, some of them with a reset."""
    authority = tmp_path / "ca.pem"
    command = [sys.executable, "-c", QUICK_STOP, "mock", "--port", "0", *(["--tls", str(authority)] if tls else [])]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process, contextlib.ExitStack() as stack:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        host, port = url.partition("//")[2].split(":")
        context = ssl.create_default_context(cafile=authority) if tls else None
        add_stubs(url, context or True)

        def connect() -> socket.socket:
            raw = socket.create_connection((host, int(port)), timeout=10)
            return stack.enter_context(raw if context is None else context.wrap_socket(raw, server_hostname=host))

        connections = []
        for data in unfinished():
            connections.append(connect())
            connections[-1].sendall(data)
        stack.enter_context(socket.create_connection((host, int(port)))).sendall(b"\x16\x03\x01\x00")
        count = f"{url}/_mock/requests/count"
        until(lambda: _count(count, "slow", context or True) == 1)
        for number, connection in enumerate(connections):
            if number % 3 == 0:
                if number % 2:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                connection.close()
        httpx.get(f"{url}/healthz", verify=context or True).raise_for_status()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")


def _count(url: str, tenant: str, verify: ssl.SSLContext | bool) -> int:
    headers = {"x-api-key": "k", "x-mock-tenant": tenant}
    count: int = httpx.get(url, headers=headers, verify=verify).json()["count"]
    return count


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("stop", [True, False], ids=["stop", "disconnect"])
@pytest.mark.parametrize("fault", ["hang-before", "hang-after", "slow-body"])
def test_the_end_of_a_fault_that_takes_time_is_not_logged(
    fault: str, stop: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STOP_SECONDS", 0.05)
    with Mock(time_scale=0, media="tiny") as mock:
        mock.scenario(fault, seconds=60)
        host, port = mock.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            data = request("/v1/style-transfer").replace(b"x-api-key: k", f"x-api-key: {mock.key}".encode())
            connection.sendall(data)
            assert mock.wait_for(1)[0].path == "/v1/style-transfer"
            if not stop:
                connection.close()
                mock.clear_scenarios()
                answer = httpx.post(f"{mock.url}/v1/style-transfer", headers={"x-api-key": mock.key}, json=EXAMPLE)
                assert answer.status_code == 200
            else:
                mock.stop()
    assert caplog.records == []
