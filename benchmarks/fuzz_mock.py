"""Sends malformed requests to a mock; checks for 5xx, crashes and memory growth. `python benchmarks/fuzz_mock.py`.

It sends COUNT requests (default: 100,000), one after another on loopback.
"""

import argparse
import random
import re
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from rich.progress import track

KEY: Final = b"SG_0123456789abcdef"
_PATHS: Final = (
    b"/v1/style-transfer",
    b"/v2/style-transfer",
    b"/v2/requests/x",
    b"/v2/requests/x/status",
    b"/v1/get-user-credits",
    b"/upload-asset",
    b"/_mock/rules",
    b"/_mock/requests?count=1",
    b"/generations/x-1.png",
    b"/",
    b"*",
)
_NAMES: Final = (b"style_image", b"width", b"model", b"seed", b"number_of_images", b"scenario", b"data_urls", b"zz")
_VALUES: Final = (
    *(b"1", b"-1", b"0.1", b"1e999", b"NaN", b"null", b"true", b'""', b'"x"', b"[]", b"{}"),
    *(b"[[[[", b'"\\ud800"', b"9" * 400, b"\xff"),
)
_METHODS: Final = (b"POST", b"POST", b"POST", b"GET", b"HEAD", b"OPTIONS", b"PUT", b"BREW", b"")
_KEYS: Final = (KEY, KEY, KEY, b"", b"\xff", b"SG_")
_TYPES: Final = (
    *(b"application/json", b"application/json", b"text/plain", b"multipart/form-data; boundary=x"),
    *(b"multipart/form-data", b";;"),
)
_HEADERS: Final = (
    *(b"transfer-encoding: chunked", b"x-mock-profile: observed", b"x-mock-profile: \xff", b"x-mock-job: polls=0"),
    *(b"expect: 100-continue", b"upgrade: websocket", b"a" * 9_000 + b": 1", b": :", b"x-mock-tenant: \xff"),
)
_INSERTS: Final = (b"", b"\x00", b"\r\n", b"\xff", b"{", b" ")


def malformed(chance: random.Random) -> bytes:
    """Returns a request with a malformed line, malformed headers, a malformed body, or all of them."""
    values = [b'"%s":%s' % (chance.choice(_NAMES), chance.choice(_VALUES)) for _ in range(chance.randrange(4))]
    body = b"{" + b",".join(values) + chance.choice((b"}", b"", b"}}", b",}"))
    length = b"%d" % len(body)
    headers = [
        b"host: x",
        b"connection: close",
        b"x-api-key: " + chance.choice(_KEYS),
        b"content-type: " + chance.choice(_TYPES),
        b"content-length: " + chance.choice((length, length, length, b"0", b"-1", b"x")),
    ]
    if chance.random() < 0.2:
        headers.append(chance.choice(_HEADERS))
    chance.shuffle(headers)
    version = chance.choice((b"1.1", b"1.1", b"1.1", b"1.0", b"9", b""))
    line = b"%s %s HTTP/%s" % (chance.choice(_METHODS), chance.choice(_PATHS), version)
    raw = line + b"\r\n" + b"\r\n".join(headers) + b"\r\n\r\n" + body
    if chance.random() < 0.3:
        place = chance.randrange(len(raw))
        raw = raw[:place] + chance.choice(_INSERTS) + raw[place + chance.randrange(3) :]
    return raw


def send(url: str, raw: bytes) -> int | None:
    """Sends bytes and closes. Returns the status of the answer, or None if the server closed without one."""
    host, _, port = url.removeprefix("http://").partition(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(64)
        except OSError:
            pass
    found = re.match(rb"HTTP/1\.[01] ([0-9]{3})", answer)
    return int(found[1]) if found else None


def _memory(pid: int) -> int:
    """Returns the resident memory of a process in kB."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(re.findall(r"VmRSS:\s+([0-9]+) kB", status)[0])


def main() -> int:
    """Runs the campaign. Returns 1 if an answer was a 5xx or the server died."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", "--time-scale", "0", "--media", "tiny"]
    statuses: Counter[int | None] = Counter()
    memory = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().split()[-1] if process.stdout else ""
        for number in track(range(args.count), "malformed requests"):
            raw = malformed(chance)
            status = send(url, raw)
            if status is not None and status >= 500:
                print(f"{status} for {raw!r}", file=sys.stderr)
            statuses[status] += 1
            if number in (args.count // 5, args.count - 1):
                memory[number] = _memory(process.pid)
        alive = process.poll() is None and send(url, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n") == 200
        process.terminate()
    bad = sum(count for status, count in statuses.items() if status is not None and status >= 500)
    print(f"{args.count} requests, {bad} answered 5xx, server {'up' if alive else 'DOWN'}")
    print("by status: " + ", ".join(f"{status or 'hung up'} {count}" for status, count in statuses.most_common()))
    print("memory: " + ", ".join(f"{kilobytes} kB after {number + 1}" for number, kilobytes in memory.items()))
    return 1 if bad or not alive else 0


if __name__ == "__main__":
    sys.exit(main())
