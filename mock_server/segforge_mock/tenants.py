"""Tenants: each key (or name in the x-mock-tenant header) has its own clock, rules, limits and journal."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from segforge_mock.journal import Journal
from segforge_mock.policies import Policy
from segforge_mock.scenarios import Rules

MAX_TENANTS: Final = 1_000


def name_of(raw: bytes) -> str:
    """The name of the tenant that a key (or a header's value) stands for: a hash, so that no key is kept with a job."""
    return hashlib.sha256(raw).hexdigest()[:32]


class Tenant:
    """What one tenant has set; jobs and credits are in the store."""

    __slots__ = ("clock_offset", "journal", "name", "policy", "profile", "rate_limit", "rules")

    def __init__(self, name: str, rules: Rules, policy: Policy | None, rate_limit: int | None) -> None:
        self.name = name
        self.rules = rules
        self.policy = policy
        self.rate_limit = rate_limit
        self.clock_offset = 0.0
        self.profile: str | None = None
        self.journal = Journal()


class Tenants:
    """The tenants, the newest MAX_TENANTS of them. Their names are hashes: the keys they stand for are kept nowhere."""

    def __init__(self, new: Callable[[str], Tenant]) -> None:
        self._new = new
        self._tenants: OrderedDict[bytes, Tenant] = OrderedDict()
        self._names: dict[str, Tenant] = {}

    def get(self, raw: bytes) -> Tenant:
        """The tenant of a key, or of what the header says instead; one not seen before starts fresh."""
        tenant = self._tenants.get(raw)
        if tenant is None:
            tenant = self._tenants[raw] = self._new(name_of(raw))
            self._names[tenant.name] = tenant
            if len(self._tenants) > MAX_TENANTS:
                _, oldest = self._tenants.popitem(last=False)
                del self._names[oldest.name]
        return tenant

    def named(self, name: str) -> Tenant | None:
        """The tenant of that name, or None."""
        return self._names.get(name)

    def reset(self, name: str) -> None:
        """Forget a tenant."""
        if self._names.pop(name, None) is not None:
            self._tenants = OrderedDict((raw, tenant) for raw, tenant in self._tenants.items() if tenant.name != name)
