"""Tenants: each key (or name in the x-mock-tenant header) has its own clock, rules, limits and journal."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from segforge_mock.journal import Journal
from segforge_mock.policies import Policy
from segforge_mock.scenarios import Rules

MAX_TENANTS: Final = 1_000


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
    """The tenants by name, the newest MAX_TENANTS of them."""

    def __init__(self, new: Callable[[str], Tenant]) -> None:
        self._new = new
        self._tenants: OrderedDict[bytes, Tenant] = OrderedDict()

    def get(self, raw: bytes) -> Tenant:
        """The tenant of that name, as it stands in a header; one not seen before starts fresh."""
        tenant = self._tenants.get(raw)
        if tenant is None:
            tenant = self._tenants[raw] = self._new(raw.decode("latin-1"))
            if len(self._tenants) > MAX_TENANTS:
                self._tenants.popitem(last=False)
        return tenant

    def reset(self, name: str) -> None:
        """Forget a tenant."""
        self._tenants.pop(name.encode("latin-1"), None)
