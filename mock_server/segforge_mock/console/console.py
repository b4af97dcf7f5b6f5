"""The console: its page, the models, the tenants to look at, and the live stream."""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import parse_qsl

from segforge_mock.bounds import BadSetting
from segforge_mock.console.knowledge import details, listed
from segforge_mock.console.live import Live
from segforge_mock.console.pages import page
from segforge_mock.http.answers import Answer, Delivery, json_answer
from segforge_mock.http.request import IncomingRequest
from segforge_mock.memory import Memory
from segforge_mock.models.served import ServedModels
from segforge_mock.stores.base import Store
from segforge_mock.tenants.tenants import Tenant, Tenants

WATCHED_HEADER: Final = b"x-mock-watch"
"""Names the tenant that an admin call is about by the name that GET /_mock/tenants lists, since keys are masked."""
CALLS: Final = ("events", "models", "tenants")
"""The paths under /_mock/ that `Console.answer` knows, for GET."""
MAX_STREAMS: Final = 16
MAX_WATCHED: Final = 50
MAX_TENANTS: Final = 50
_SHOWN_END: Final = 4
_LONG_KEY: Final = 16
"""Characters from which the last four of a key may be shown."""


class Console:
    """Answers what the page needs beside the admin API. `now` returns a tenant's time."""

    def __init__(
        self, models: ServedModels, tenants: Tenants, store: Store, memory: Memory, now: Callable[[Tenant], float]
    ) -> None:
        self._models = models
        self._tenants = tenants
        self._store = store
        self._memory = memory
        self._now = now
        self._streams = 0
        self._watched: OrderedDict[str, bytes] = OrderedDict()
        """The keys of the last tenants that were looked at by name, so that they can be looked at after a reset."""

    def page(self, request: IncomingRequest) -> Answer | None:
        """Answers a request for the page or one of its files, which need no token; None for any other request."""
        return page(request)

    def watched(self, request: IncomingRequest) -> Tenant | None:
        """Returns the tenant that x-mock-watch names, or None without it. Raises BadSetting for an unknown name."""
        name = request.header(WATCHED_HEADER)
        if not name:
            return None
        key = self._tenants.key_of(name)
        key = self._watched.get(name) if key is None else key
        if key is None:
            raise BadSetting(f"x-mock-watch: unknown tenant {name[:64]!r}; GET /_mock/tenants lists those in memory")
        self._watched[name] = key
        self._watched.move_to_end(name)
        if len(self._watched) > MAX_WATCHED:
            self._watched.popitem(last=False)
        return self._tenants.get(key)

    def answer(self, request: IncomingRequest, name: str, tenant: Tenant) -> Answer | None:
        """Answers GET models, tenants and events; `name` is the path under /_mock/. None for any other request.

        Raises BadSetting.
        """
        if request.method != "GET":
            return None
        match name:
            case "models":
                query = dict(parse_qsl(request.scope.get("query_string", b"").decode("latin-1")))
                slug = query.get("slug")
                return json_answer(200, listed(self._models) if slug is None else details(self._models, slug))
            case "tenants":
                return json_answer(200, self._listed_tenants(tenant))
            case "events":
                return self._events(request, tenant)
        return None

    def _listed_tenants(self, own: Tenant) -> list[dict[str, Any]]:
        """Returns the newest tenants that sent something, with masked keys, the last first. `own` is the caller's."""
        return [
            {"name": tenant.name, "key": masked(key), "requests": len(tenant.history), "own": tenant is own}
            for key, tenant in self._tenants.newest(MAX_TENANTS)
            if tenant is own or len(tenant.history)
        ]

    def _events(self, request: IncomingRequest, tenant: Tenant) -> Answer:
        if self._streams >= MAX_STREAMS:
            error = f"{MAX_STREAMS} consoles are open, which is the limit; close one of them"
            return json_answer(503, {"error": error})
        live = Live(self._tenants, self._store, self._memory, self._now, request.scope, tenant.name)
        return Answer(200, [(b"content-type", b"text/event-stream")], b"", Delivery(parts=self._counted(live)))

    async def _counted(self, live: Live) -> AsyncGenerator[bytes, None]:
        self._streams += 1
        try:
            async with aclosing(live.events()) as events:
                async for event in events:
                    yield event
        finally:
            self._streams -= 1


def masked(key: bytes) -> str:
    """Returns a text that tells a key from others without revealing it."""
    if not key:
        return "no key"
    text = key.decode("latin-1")
    return f"…{text[-_SHOWN_END:]}" if len(text) >= _LONG_KEY else "a short key"
