"""A request on its way through the mock gateway."""

from typing import Final

import msgspec

from segforge.spec.catalog import Profile
from segforge_mock.faults.scenarios import NOTHING, Fault, Scenario
from segforge_mock.gateway.routing import Match
from segforge_mock.http.answers import Answer, json_answer
from segforge_mock.http.request import IncomingRequest
from segforge_mock.jobs.policy import Policy
from segforge_mock.tenants.history import End
from segforge_mock.tenants.tenants import Tenant

NO_ROUTE: Final = Match("", "", "")
"""The match of a path that leads to no route."""


class Call(msgspec.Struct, eq=False):
    """A request with its route, key, tenant, profile, policy and fault. `now` is the tenant's time in seconds.

    The key is empty if the request has none that its route accepts. `end` is the end of the request's entry in the
    history.
    """

    request: IncomingRequest
    match: Match
    key: bytes
    tenant: Tenant
    now: float
    end: End
    profile: Profile
    policy: Policy | None
    fault: Fault = NOTHING

    @property
    def failure(self) -> Scenario | None:
        """The scenario that makes a submitted job fail, or None."""
        scenario = self.fault.scenario
        return scenario if scenario is not None and scenario.kind == "job" else None

    @property
    def alphabetical(self) -> bool:
        """Whether the profile sorts the keys of JSON answers."""
        return self.profile.key_order == "alphabetical"

    def json(self, status: int, data: object) -> Answer:
        """Returns a JSON answer with its keys in the profile's order."""
        return json_answer(status, data, alphabetical=self.alphabetical)
