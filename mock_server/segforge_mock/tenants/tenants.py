"""Tenants: each key, or name in the x-mock-tenant header, has its own clock, stubs, limits and history."""

import hashlib
from collections.abc import Callable
from typing import Final

from segforge_mock.faults.stubs import Stub, Stubs
from segforge_mock.jobs.policy import Policy
from segforge_mock.memory import STATE_SHARE, Memory, Shelf
from segforge_mock.tenants.history import History

MAX_TENANTS: Final = 1_000
TENANT_BYTES: Final = 5_600
"""Memory that a tenant takes beside its key and its stubs; half of it is the state of its random numbers."""


def name_of(raw: bytes) -> str:
    """Returns the name of a key's (or header value's) tenant. It is a hash, so that no key is kept with a job."""
    return hashlib.sha256(raw).hexdigest()[:32]


class Tenant:
    """The settings and the history of one tenant. Its jobs and credits are in the store."""

    __slots__ = ("clock_offset", "history", "name", "policy", "profile", "rate_limit", "stubs", "waiting")

    def __init__(
        self, name: str, stubs: Stubs, policy: Policy | None, rate_limit: int | None, history: History
    ) -> None:
        self.name = name
        self.stubs = stubs
        self.policy = policy
        self.rate_limit = rate_limit
        self.clock_offset = 0.0
        self.profile: str | None = None
        self.history = history
        self.waiting = 0
        """The number of running requests of this tenant that wait."""


class Tenants:
    """The tenants that sent the latest requests: at most MAX_TENANTS, and at most as many as fit into the memory.

    A tenant with a request that waits is never dropped.
    """

    def __init__(self, new: Callable[[str], Tenant], memory: Memory) -> None:
        self._new = new
        self._tenants: Shelf[bytes, Tenant] = Shelf(
            memory,
            "tenants",
            most=MAX_TENANTS,
            most_bytes=memory.limit // STATE_SHARE,
            forget=self._forget,
            in_use=lambda tenant: tenant.waiting > 0,
            last=True,
        )
        self._keys: dict[str, bytes] = {}
        self._listeners: list[Callable[[str], object]] = []

    def on_forget(self, listener: Callable[[str], object]) -> None:
        """Calls a function with the name of each tenant that is dropped or reset."""
        self._listeners.append(listener)

    def get(self, raw: bytes) -> Tenant:
        """Returns the tenant of a key or of a header's value; creates it if necessary."""
        kept = self._tenants.use(raw)
        if kept is not None:
            return kept.thing
        tenant = self._new(name_of(raw))
        self._keys[tenant.name] = raw
        self._tenants.put(raw, tenant, TENANT_BYTES + len(raw) + tenant.stubs.size)
        return tenant

    def add_stub(self, tenant: Tenant, stub: Stub) -> None:
        """Adds a stub after a tenant's others. Raises BadStub if there are too many."""
        before = tenant.stubs.size
        tenant.stubs.add(stub)
        self._grow(tenant, tenant.stubs.size - before)

    def clear_stubs(self, tenant: Tenant) -> None:
        """Removes all stubs of a tenant."""
        before = tenant.stubs.size
        tenant.stubs.clear()
        self._grow(tenant, -before)

    def _grow(self, tenant: Tenant, more: int) -> None:
        kept = self._tenants.use(self._keys.get(tenant.name, b""))
        if kept is not None and kept.thing is tenant:
            self._tenants.grow(kept, more)

    def named(self, name: str) -> Tenant | None:
        """Returns the tenant with this name, or None."""
        key = self._keys.get(name)
        return None if key is None else self._tenants.get(key)

    def key_of(self, name: str) -> bytes | None:
        """Returns the key (or the header's value) of the tenant with this name, or None if none is kept."""
        return self._keys.get(name)

    def newest(self, most: int) -> list[tuple[bytes, Tenant]]:
        """Returns at most `most` tenants with their keys, the last used first."""
        return self._tenants.newest(most)

    def reset(self, name: str) -> None:
        """Removes a tenant."""
        key = self._keys.get(name)
        tenant = None if key is None else self._tenants.pop(key)
        if key is not None and tenant is not None:
            self._forget(tenant)

    def _forget(self, tenant: Tenant) -> None:
        del self._keys[tenant.name]
        tenant.history.clear()
        for listener in self._listeners:
            listener(tenant.name)
