"""A gateway that bills, over a real socket, with its own book and random faults.

It shares no code with the harness. `Book.billed` holds the billed credits, whatever its answers say.
"""

import contextlib
import io
import json
import random
import socket
import struct
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from segforge import Catalog
from tests.contract.validation import Validation

KEY = "SG_00112233aabbccdd"
OPENING = Decimal(100)

_IMAGE = io.BytesIO()
Image.new("RGB", (16, 16), "teal").save(_IMAGE, "jpeg")


@dataclass(frozen=True)
class Faults:
    """The faults of a gateway; fractions are probabilities. By default it keeps its contract."""

    seed: int = 0
    price: Decimal = Decimal("0.05")
    prices: Mapping[str, Decimal] = field(default_factory=dict)  # of models that cost something else
    told: str = "true"  # x-cost and metrics.cost: true, half, double, none, words, nan, negative
    balance: str = "true"  # true, missing, frozen
    bills_at: str = "completion"  # when a job is billed: submit, completion
    lost_before: float = 0  # the connection is cut before the request is handled
    lost_after: float = 0  # the connection is dropped after the call was executed and billed
    error_after: float = 0  # 500, 502 or 504 after the request was billed
    free_billed: tuple[str, ...] = ()  # the free routes that are billed: balance, poll, unknown, keyless
    free_price: Decimal = Decimal("0.01")
    free_told: bool = False  # whether such an answer states its x-cost
    refusal_billed: float = 0
    refusal_told: bool = True  # whether a billed refusal states its x-cost
    invalid_accepted: float = 0
    job_fails: float = 0
    failure_billed: bool = False
    id_repeated: float = 0
    limited: float = 0  # 429, with Retry-After: 0


@dataclass
class Book:
    """The billed calls with their costs, and the requests."""

    entries: list[tuple[str, Decimal]] = field(default_factory=list)
    requests: int = 0

    @property
    def billed(self) -> Decimal:
        """The sum of all billed amounts."""
        return sum((amount for _, amount in self.entries), Decimal(0))


class Dropped(Exception):
    """The connection must be closed without an answer."""


class Gateway:
    """The state and behaviour of the gateway; `Handler` speaks HTTP."""

    def __init__(self, catalog: Catalog, faults: Faults) -> None:
        self.faults = faults
        self.book = Book()
        self.models = {model.slug: model for model in catalog.models}
        self.validations = {model.slug: Validation(model, frozenset()) for model in catalog.models}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.random = random.Random(faults.seed)
        self.lock = threading.Lock()
        self.slug = ""  # of the request that is being answered

    def chance(self, share: float) -> bool:
        return share > 0 and self.random.random() < share

    @property
    def price(self) -> Decimal:
        """What a call of the model of the current request costs."""
        return self.faults.prices.get(self.slug, self.faults.price)

    def bill(self, what: str) -> None:
        self.book.entries.append((what, self.price))

    def cost(self) -> Any:
        """The cost that an answer states."""
        price = self.price
        return {
            "true": float(price),
            "half": float(price / 2),
            "double": float(price * 2),
            "none": None,
            "words": "a little",
            "nan": "NaN",
            "negative": -float(price),
        }[self.faults.told]

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Raises Dropped."""
        with self.lock:
            self.book.requests += 1
            if self.chance(self.faults.lost_before):
                raise Dropped
            before = len(self.book.entries)
            status, fields, content = self.route(method, path, headers, body)
            if self.free_kind(path, headers, status) in self.faults.free_billed:
                self.book.entries.append(("free", self.faults.free_price))
                fields = {**fields, "x-cost": str(self.faults.free_price)} if self.faults.free_told else fields
            billed = len(self.book.entries) > before
            if self.chance(self.faults.lost_after):
                raise Dropped
            if billed and self.chance(self.faults.error_after):
                return refusal(self.random.choice((500, 502, 504)), "out of luck")
            return status, fields, content

    def free_kind(self, path: str, headers: Mapping[str, str], status: int) -> str:
        """The kind of a request that is free by the docs, or `""` for another."""
        if headers.get("x-api-key") != KEY:
            return "keyless"
        if path.endswith("get-user-credits"):
            return "balance"
        polls = "requests" in path.split("/")[:3]
        return ("unknown" if status == 404 else "poll") if polls else ""

    def route(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        key = headers.get("x-api-key")
        if key != KEY:
            return refusal(401, "Unauthorized")
        if self.chance(self.faults.limited):
            return 429, {"content-type": "application/json", "retry-after": "0"}, b'{"error": "Rate limit exceeded"}'
        parts = path.strip("/").split("/")
        if parts == ["v1", "get-user-credits"]:
            return self.balance()
        if parts[1] == "requests":
            return self.poll(parts)
        model = self.models.get(parts[1])
        if model is None:
            return refusal(404, "Model not found")
        self.slug = model.slug
        if method != "POST":
            return 405, {"content-type": "text/html"}, b"<title>405</title>"
        if headers.get("content-type", "").partition(";")[0] != "application/json":
            return refusal(406, "Invalid content type")
        try:
            sent = json.loads(body.decode(), parse_constant=no_constant)
        except (ValueError, RecursionError):
            sent = None
        violations = self.validations[model.slug].read(sent)[1] if isinstance(sent, dict) else ["body"]
        if violations and not (isinstance(sent, dict) and self.chance(self.faults.invalid_accepted)):
            if self.chance(self.faults.refusal_billed):
                self.bill("refusal")
                return refusal(400, "Invalid", {"x-cost": str(self.cost())} if self.faults.refusal_told else {})
            return refusal(400, "Invalid parameters")
        return self.submit() if parts[0] == "v2" else self.run()

    def balance(self) -> tuple[int, dict[str, str], bytes]:
        if self.faults.balance == "missing":
            return refusal(404, "No credits found for the user")
        left = OPENING if self.faults.balance == "frozen" else OPENING - self.book.billed
        return reply(200, {"credits": float(left) - 1, "free-credits": 1.0})

    def run(self) -> tuple[int, dict[str, str], bytes]:
        self.bill("run")
        cost = self.cost()
        fields = {"content-type": "image/jpeg", "x-request-id": "a"} | ({} if cost is None else {"x-cost": str(cost)})
        return 200, fields, _IMAGE.getvalue()

    def submit(self) -> tuple[int, dict[str, str], bytes]:
        request_id = str(uuid.UUID(int=self.random.getrandbits(128)))
        if self.jobs and self.chance(self.faults.id_repeated):
            request_id = self.random.choice(list(self.jobs))
        self.jobs[request_id] = {"slug": self.slug, "looks": 0, "billed": self.faults.bills_at == "submit"}
        self.jobs[request_id]["fails"] = self.chance(self.faults.job_fails)
        if self.faults.bills_at == "submit":
            self.bill("submit")
        base = f"https://api.segmind.com/v2/requests/{request_id}"
        urls = {"poll_url": base.replace("v2", "v1"), "status_url": f"{base}/status", "response_url": base}
        return reply(200, {"request_id": request_id, "status": "QUEUED", **urls})

    def poll(self, parts: list[str]) -> tuple[int, dict[str, str], bytes]:
        job = self.jobs.get(parts[2])
        if job is None:
            return refusal(404, "not found")
        self.slug = job["slug"]
        job["looks"] += parts[-1] == "status"
        if job["looks"] < 2:
            return reply(200, {"status": "PROCESSING", "request_id": parts[2], "metrics": {}})
        if not job["billed"] and (self.faults.failure_billed or not job["fails"]):
            job["billed"] = True
            self.bill("job")
        cost = self.cost()
        metrics = {"inference_time": 1.0} | ({} if cost is None or job["fails"] else {"cost": cost})
        if job["fails"]:
            return reply(422, {"status": "FAILED", "request_id": parts[2], "error": "no luck", "metrics": metrics})
        output = {} if parts[-1] == "status" else {"output": "https://images.segmind.com/a.jpeg"}
        return reply(200, {"status": "COMPLETED", "request_id": parts[2], "metrics": metrics, **output})


def no_constant(name: str) -> Any:
    raise ValueError(name)


def reply(status: int, body: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return status, {"content-type": "application/json"}, json.dumps(body).encode()


def refusal(status: int, error: str, extra: Mapping[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    _, fields, body = reply(status, {"error": error})
    return status, fields | dict(extra or {}), body


@contextlib.contextmanager
def serve(gateway: Gateway) -> Iterator[str]:
    """Serves it on a port of this machine. Yields its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, fields, content = gateway.answer(self.command, self.path, headers, body)
            except Dropped:
                # Reset the connection instead of closing it.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {**fields, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(b"" if self.command == "HEAD" else content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Logs nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Ignores errors of connections that a killed runner left."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
