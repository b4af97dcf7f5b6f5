"""The live stream of the console: server-sent events about one tenant.

A stream looks at the tenant a few times a second and sends what has changed, so a request costs nothing more while a
console is open. It has no queue: a reader that is slow misses steps in between, and gets the newest state.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

import msgspec

from segforge_mock.http.request import Scope
from segforge_mock.http.waiting import WAITING_BYTES, WAITS, Waits, sleep
from segforge_mock.jobs.job import state
from segforge_mock.memory import HeldBytes, Memory
from segforge_mock.stores.base import Store
from segforge_mock.tenants.history import HistoryEntry
from segforge_mock.tenants.tenants import Tenant, Tenants

TICK_SECONDS: Final = 0.2
JOBS_SECONDS: Final = 0.5
"""How often jobs are read while the tenant sends nothing. Only the time then changes their states."""
ALIVE_SECONDS: Final = 15.0
"""How often a stream without news sends a comment, so that a connection without a reader is found."""
SHOWN: Final = 100
"""The newest requests and the newest jobs that a stream looks at."""
MAX_TEXT: Final = 500
"""Characters of a path, of a client's name or of the error of a job in an event."""
STREAM_BYTES: Final = WAITING_BYTES + 256 * 2**10
"""Memory that a stream needs: what it sent last, one event, and the buffers of its connection."""


class Live:
    """One stream about the tenant of this name. `now` returns a tenant's time."""

    def __init__(
        self, tenants: Tenants, store: Store, memory: Memory, now: Callable[[Tenant], float], scope: Scope, name: str
    ) -> None:
        self._tenants = tenants
        self._store = store
        self._memory = memory
        self._now = now
        self._scope = scope
        self._name = name
        self._sent: dict[str, bytes] = {}
        self._entries: dict[int, tuple[float, bool]] = {}
        """The number of each request that was sent, with its time, and whether it was running."""
        self._jobs_at = 0.0

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Yields events until the client leaves or the server stops. Raises Disconnected, Full and StoreError.

        Without the mock's own server, which notices both, there is a single look.
        """
        loop = asyncio.get_running_loop()
        waits: Waits | None = (self._scope.get("extensions") or {}).get(WAITS)
        if waits is not None:
            waits.hanging = True  # the stream has no end that a stop of the server could wait for
        with HeldBytes(self._memory, STREAM_BYTES):
            yield b"retry: 1000\n\n"
            alive = loop.time()
            while True:
                news = await self._news(loop.time())
                if news or loop.time() > alive + ALIVE_SECONDS:
                    alive = loop.time()
                    yield news or b": no news\n\n"
                if waits is None:
                    return
                await sleep(self._scope, TICK_SECONDS)

    async def _news(self, at: float) -> bytes:
        """Returns the events about everything that has changed since the last look."""
        tenant = self._tenants.named(self._name)
        entries = [] if tenant is None else tenant.history.newest(SHOWN)
        fresh = self._fresh(entries)
        parts = [self._changed("state", await self._state(tenant))]
        if fresh:
            parts.append(_event("requests", fresh))
        if fresh or at >= self._jobs_at:
            self._jobs_at = at + JOBS_SECONDS
            parts.append(self._changed("jobs", await self._jobs(tenant)))
        return b"".join(parts)

    def _fresh(self, entries: list[HistoryEntry]) -> list[dict[str, Any]]:
        """Returns the requests that are new, or were answered, since the last look. Forgets those that are gone."""
        seen, self._entries = self._entries, {entry.number: (entry.at, entry.running) for entry in entries}
        return [_summary(entry) for entry in entries if seen.get(entry.number) != (entry.at, entry.running)]

    async def _state(self, tenant: Tenant | None) -> dict[str, Any]:
        credits = await self._store.balance(self._name)
        if tenant is None:
            return {"tenant": self._name, "credits": credits, "known": False}
        return {
            "tenant": self._name,
            "credits": credits,
            "known": True,
            "offset": tenant.clock_offset,
            "rate_limit": tenant.rate_limit,
            "profile": tenant.profile,
            "policy": None if tenant.policy is None else msgspec.to_builtins(tenant.policy),
            "rules": tenant.stubs.size,
            "oldest": min(self._entries, default=0),
            "newest": max(self._entries, default=0),
        }

    async def _jobs(self, tenant: Tenant | None) -> list[dict[str, Any]]:
        if tenant is None:
            return []
        now = self._now(tenant)
        return [
            {
                "request_id": job.request_id,
                "slug": job.slug,
                "status": state(job, now, await self._store.progress(job.request_id)),
                "error": None if job.error is None else job.error[:MAX_TEXT],
                "cost": job.cost,
                "submitted_at": job.submitted_at,
                "queue_seconds": job.queue_seconds,
                "run_seconds": job.run_seconds,
                "polls": job.polls,
                "held": job.held,
            }
            for job in await self._store.jobs(self._name, SHOWN)
        ]

    def _changed(self, name: str, data: object) -> bytes:
        """Returns an event, or nothing if the same event was sent last."""
        event = _event(name, data)
        if self._sent.get(name) == event:
            return b""
        self._sent[name] = event
        return event


def _event(name: str, data: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))


def _summary(entry: HistoryEntry) -> dict[str, Any]:
    """Returns a request without headers and bodies; its texts are masked, and then cut."""
    whole = entry._replace(request_body=b"", response_body=b"").as_json()
    del whole["request"], whole["response"]
    return {name: value[:MAX_TEXT] if isinstance(value, str) else value for name, value in whole.items()}
