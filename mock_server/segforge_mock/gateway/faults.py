"""The fault of a request: a request header wins over the tenant's stubs, and stubs over chaos."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from msgspec.structs import replace

from segforge_mock.faults.effects import QUEUEING_ROUTES
from segforge_mock.faults.scenarios import FAULT_SECONDS, Chaos, Fault, Scenario
from segforge_mock.gateway.call import Call
from segforge_mock.gateway.profile import BadHeader
from segforge_mock.gateway.refusals import Refusals
from segforge_mock.http.answers import NO_ANSWER, Answer, Delivery
from segforge_mock.http.waiting import hang, pause
from segforge_mock.memory import Memory

NO_EFFECT: Final = {"drop-before": NO_ANSWER, "hang-before": replace(NO_ANSWER, delivery=Delivery("hang-before"))}
"""The answers of the faults that keep a request from being processed."""
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
        fault = call.tenant.stubs.fault(call.match.route, call.match.slug)
        if self.chaos is not None and fault.is_delay:
            return fault._replace(scenario=self.chaos.fault().scenario)
        return fault


def scripted_answer(call: Call, refusals: Refusals) -> Answer | None:
    """Returns the answer of a stub, or the refusal of a scenario, or None if the request takes effect.

    A failed job is a refusal on any route that starts none.
    """
    scenario, reply = call.fault.scenario, call.fault.reply
    if reply is not None:
        return reply.answer()
    if scenario is None or scenario.kind == "fault" or (scenario.kind == "job" and call.match.route in QUEUEING_ROUTES):
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


async def finished(call: Call, answer: Answer, memory: Memory) -> Answer:
    """Returns the answer of a call with the changes of its stub, after its late delay. Raises Disconnected and Full."""
    fault = call.fault
    if fault.late:
        await pause(memory, call.request, call.tenant, fault.late)
    return answer if fault.edit is None else fault.edit.of(answer)


def delivered(call: Call, answer: Answer, memory: Memory) -> Answer:
    """Returns the answer of a call with the delivery of its fault."""
    scenario = call.fault.scenario
    if scenario is None or scenario.kind != "fault":
        return answer
    name = scenario.name
    if name not in FAULT_SECONDS:
        return replace(answer, delivery=Delivery(name)) if answer.status else answer
    seconds = FAULT_SECONDS[name] if call.fault.seconds is None else call.fault.seconds
    wait = partial(pause if name == "slow-body" else hang, memory, call.request, call.tenant)
    return replace(answer, delivery=Delivery(name, seconds, wait))
