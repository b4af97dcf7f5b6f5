"""The fault of a request: a request header wins over the tenant's stubs, and stubs over chaos."""

from collections.abc import Mapping
from typing import Final

from segforge_mock.faults.scenarios import Chaos, Fault, Scenario
from segforge_mock.gateway.call import Call
from segforge_mock.gateway.profile import BadHeader
from segforge_mock.gateway.refusals import Refusals
from segforge_mock.http.answers import Answer

SCENARIO_HEADER: Final = b"x-mock-scenario"


class Faults:
    """Chooses faults. `known` holds all scenarios by name, `chaos` plays some at random."""

    def __init__(self, known: Mapping[str, Scenario], chaos: Chaos | None) -> None:
        self.known = known
        self.chaos = chaos

    def of(self, call: Call) -> Fault:
        """Returns the fault of a call and counts the call for stubs. Raises BadHeader for an unknown scenario."""
        name = call.request.header(SCENARIO_HEADER)
        if name:
            scenario = self.known.get(name)
            if scenario is None:
                raise BadHeader(f"x-mock-scenario: unknown scenario {name!r}; expected one of {', '.join(self.known)}")
            return Fault(scenario)
        fault = call.tenant.stubs.fault(call.match.route, call.slug)
        if fault.scenario is None and self.chaos is not None:
            return fault._replace(scenario=self.chaos.fault().scenario)
        return fault


def scenario_refusal(call: Call, refusals: Refusals) -> Answer | None:
    """Returns the refusal that a scenario asks for, or None. A failed job is a refusal on any route but submit."""
    scenario = call.fault.scenario
    if scenario is None or scenario.kind == "fault" or (scenario.kind == "job" and call.match.route == "submit"):
        return None
    if scenario.case == "rate.limited":
        return refusals.rate_limited(call.now)
    value = call.match.value
    values = {
        "slug": value,
        "request_id": value,
        "path": call.request.path,
        "balance": "0.0",
        "cost": "0.05",
        "cap": "50",
        "period": "month",
        "reason": "the scenario asks for it",
        "violations": "the scenario asks for it",
    }
    return refusals.case(scenario.case, values)
