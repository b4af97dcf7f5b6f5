"""The mock's own paths, which no gateway has: the admin API, health and metrics. Also answers a browser's preflight."""

import asyncio
from collections import Counter
from typing import Final

from segforge_mock.admin import PREFIX as ADMIN_PREFIX
from segforge_mock.admin import Admin
from segforge_mock.http.answers import Answer, file_answer, json_answer
from segforge_mock.http.delivery import with_cors
from segforge_mock.http.request import IncomingRequest
from segforge_mock.http.waiting import WAITING_BYTES, until_left
from segforge_mock.memory import HeldBytes, Memory
from segforge_mock.metrics import metrics
from segforge_mock.stores.base import Store
from segforge_mock.tenants.tenants import Tenant

_HEALTH: Final = frozenset({"/healthz", "/readyz"})
_PATHS: Final = _HEALTH | {"/metrics"}


class Own:
    """Answers the mock's own paths. `admin` is None if the admin API is off; `counts` holds requests by route."""

    def __init__(
        self, store: Store, memory: Memory, counts: Counter[tuple[str, int]], admin: Admin | None = None
    ) -> None:
        self._store = store
        self._memory = memory
        self._counts = counts
        self._admin = admin

    def has(self, request: IncomingRequest) -> bool:
        """Returns whether a request is for the mock itself."""
        if request.method == "OPTIONS" and b"access-control-request-method" in request.headers:
            return True
        return request.path in _PATHS or _is_admin(request.path)

    async def answer(self, request: IncomingRequest, tenant: Tenant) -> Answer:
        """Answers a request to the mock itself. Raises Disconnected, StoreError and Full."""
        if _is_admin(request.path):
            if self._admin is None:
                return json_answer(403, {"error": "the admin API is off; see segforge mock --help, --admin-token"})
            with HeldBytes(self._memory, WAITING_BYTES):
                return await until_left(request.scope, asyncio.ensure_future(self._admin.answer(request, tenant)))
        if request.path == "/metrics":
            text = metrics(self._counts, self._memory)
            return file_answer("text/plain; version=0.0.4; charset=utf-8", text.encode())
        if request.path in _HEALTH:
            if request.path == "/readyz":
                await self._store.get("")
            return json_answer(200, {"status": "ok"})
        return _preflight(request)


def _is_admin(path: str) -> bool:
    return path.startswith(ADMIN_PREFIX) or path == ADMIN_PREFIX.removesuffix("/")


def _preflight(request: IncomingRequest) -> Answer:
    answer = Answer(204, [(b"content-length", b"0")], b"")
    with_cors(answer.headers, request.headers.get(b"origin", b"*"))
    asked = request.headers.get(b"access-control-request-headers", b"*")
    answer.headers.append((b"access-control-allow-methods", b"GET, POST, PUT, DELETE"))
    answer.headers.append((b"access-control-allow-headers", asked))
    answer.headers.append((b"access-control-max-age", b"600"))
    return answer
