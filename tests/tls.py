"""A server over TLS whose authority no runtime knows."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme


class _Silent(BaseHTTPRequestHandler):
    """Answers every request with 501, and logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in http.server
        """Logs nothing."""


@contextmanager
def served_over_tls(folder: Path) -> Iterator[str]:
    """Yields the address of the server. `ca.pem` in the folder is its authority, and `other.pem` another one."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    trustme.CA().cert_pem.write_to_path(str(folder / "other.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Silent)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
