"""A client with a hard-coded host reaches the mock over TLS."""

import re
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx

from tests.shared import started


def test_segmind_s_host_names_are_certified(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", "--tls", str(authority)]
    with started(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        [port] = re.findall(r"https://127\.0\.0\.1:([0-9]+)", process.stdout.readline())
        context = ssl.create_default_context(cafile=str(authority))
        assert httpx.get(f"https://localhost:{port}/healthz", verify=context).status_code == 200
        for host in ("api.segmind.com", "images.segmind.com", "workflows-api.segmind.com"):
            with (
                socket.create_connection(("127.0.0.1", int(port))) as raw,
                context.wrap_socket(raw, server_hostname=host) as connection,
            ):
                connection.sendall(f"GET /v1/get-user-credits HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
                assert connection.recv(100).startswith(b"HTTP/1.1 401")
        process.terminate()
        assert process.wait(10) == 0
    assert "PRIVATE" not in authority.read_text("ascii")
