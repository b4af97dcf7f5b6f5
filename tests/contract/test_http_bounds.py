"""Servers that send slowly, endlessly or too much: each exchange ends within its bound, and the message names it."""

import contextlib
import gzip
import itertools
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator

import pytest

from segforge_contract import HttpTarget, NoAnswer, Request
from segforge_contract.targets import http as http_target
from tests.contract.standin import KEY

GET = Request("GET", "/v1/get-user-credits")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@contextlib.contextmanager
def serve(pieces: Callable[[], Iterable[bytes]]) -> Iterator[str]:
    """Serves an answer on a port of this machine, piece by piece, to each connection. Yields its base URL."""
    ended = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for piece in pieces():
                connection.sendall(piece)
                if ended.is_set():
                    return
            ended.wait(20)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def slowly(data: bytes) -> Iterator[bytes]:
    for number in range(len(data)):
        time.sleep(0.02)
        yield data[number : number + 1]


def failure(pieces: Callable[[], Iterable[bytes]], longest: float = 20.0) -> tuple[NoAnswer, float]:
    """Sends a request to such a server. Returns the error, and the seconds that it took."""
    with (
        pytest.MonkeyPatch.context() as patch,
        serve(pieces) as url,
        contextlib.closing(HttpTarget(url, KEY)) as target,
    ):
        patch.setattr(http_target, "_LONGEST_ANSWER", longest)
        started = time.monotonic()
        with pytest.raises(NoAnswer) as caught:
            target.send(GET)
        return caught.value, time.monotonic() - started


TRICKLES: dict[str, Callable[[], Iterable[bytes]]] = {
    "nothing": lambda: (),
    "headers": lambda: slowly(HEAD + b"x-padding: " + b"a" * 10_000),
    "100 Continue": lambda: slowly(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "a body": lambda: itertools.chain([HEAD + b"content-length: 1000\r\n\r\n"], slowly(b" " * 1000)),
    "chunks": lambda: itertools.chain([HEAD + b"transfer-encoding: chunked\r\n\r\n"], slowly(b"1\r\na\r\n" * 1000)),
}


@pytest.mark.parametrize("kind", TRICKLES)
def test_answer_that_trickles_in_ends_with_the_exchange(kind: str) -> None:
    error, seconds = failure(TRICKLES[kind], longest=0.3)
    assert "no complete answer after 0.3 s" in str(error)
    assert error.slow
    assert seconds < 5


def test_read_without_a_byte_times_out_before_the_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(http_target._TIMEOUTS, "read", 0.1)
    error, _ = failure(lambda: ())
    assert "ReadTimeout" in str(error)
    assert error.slow


@pytest.mark.parametrize(
    "piece",
    [b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 1000],
    ids=["100", "103"],
)
def test_informational_answers_without_an_end_are_cut_by_their_size(piece: bytes) -> None:
    error, _ = failure(lambda: itertools.repeat(piece))
    assert "more than 1 MiB before the body" in str(error)


def _body(data: bytes, encoding: str) -> Callable[[], Iterable[bytes]]:
    head = f"content-encoding: {encoding}\r\ncontent-length: {len(data)}\r\n\r\n"
    return lambda: (HEAD + head.encode() + data,)


def test_gzip_inside_gzip_uses_bounded_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    inner = b"".join(packer.compress(bytes(2**20)) for _ in range(512)) + packer.flush()  # half a gigabyte of zeros
    tracemalloc.start()
    try:
        error, _ = failure(_body(gzip.compress(gzip.compress(inner)), "gzip, gzip, gzip"))
        assert "the body is larger than 64 MiB" in str(error)
        assert tracemalloc.get_traced_memory()[1] < 200 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "encoding", "said"),
    [
        (gzip.compress(b"{}"), ", ".join(["gzip"] * 4), "compressed 4 times"),
        (b"{}", "gzip", "can't be decompressed"),
        (b"\xff\xff", "deflate", "can't be decompressed"),
    ],
    ids=["four times", "not gzip", "not deflate"],
)
def test_body_that_can_not_be_decompressed_is_no_answer(data: bytes, encoding: str, said: str) -> None:
    assert said in str(failure(_body(data, encoding))[0])


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b'{"a": 1}', "identity"),
        (gzip.compress(b'{"a": 1}'), "gzip"),
        (gzip.compress(zlib.compress(b'{"a": 1}')), "deflate, gzip"),
        (zlib.compress(b'{"a": 1}')[2:-4], "deflate"),
    ],
    ids=["identity", "gzip", "both", "raw deflate"],
)
def test_compressed_body_is_read(data: bytes, encoding: str) -> None:
    with serve(_body(data, encoding)) as url, contextlib.closing(HttpTarget(url, KEY)) as target:
        assert target.send(GET).json == {"a": 1}
