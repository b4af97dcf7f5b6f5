"""Tests the rules that need a situation: an hour later, an empty balance, a rate limit, a failing job.

The mock can set these up through its admin API (docs/mock.md, Admin API). Other targets can't, so these rules aren't
tested there, and the report says so.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from segforge.spec.catalog import Model
from segforge_contract.cases.case import Case, Operation, expected, named, operations
from segforge_contract.cases.gate import UNSOUND, sound
from segforge_contract.cases.parameters import payload_case
from segforge_contract.cases.requests import JSON_TYPE, poll_request
from segforge_contract.checks.answers import Broken, figure
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.phases.audit import Audit
from segforge_contract.engine.session import Session
from segforge_contract.errors import NoAnswer, NotSent
from segforge_contract.messages.request import ADMIN, Request
from segforge_contract.rules.table import JOB_FAILED, RULES

_GONE: tuple[tuple[Operation, str], ...] = (
    ("status", "request.unknown"),
    ("result", "request.unknown"),
    ("poll", "output.unknown"),
)
_ATTEMPTS = 3
_SHORT_LIMIT = 1.0  # seconds after which a limit for each second has ended
_MARGIN = 60.0  # seconds before the end of the retention at which a job must still exist


@dataclass(frozen=True)
class Stage:
    """The admin API of a target, if it has one."""

    session: Session

    @property
    def has_clock(self) -> bool:
        """Whether the target has a clock that can be moved. Only targets on this machine are asked."""
        clock = self.call("GET", "clock") if self.session.target.loopback and not self.session.careful else None
        return isinstance(clock, dict) and "now" in clock

    def call(self, method: str, name: str, body: object = None) -> Any:
        """Calls the admin API. Returns the JSON of the answer, or None if the target has no such route."""
        data = None if body is None else json.dumps(body).encode()
        try:
            response = self.session.send(Request(method, f"{ADMIN}{name}", "valid", JSON_TYPE if data else None, data))
        except (NoAnswer, NotSent):
            return None
        return response.json if response.status == 200 else None


def stages(session: Session, model: Model) -> Iterator[list[Failure]]:
    """Sets up each situation for a model with v2 jobs. Yields the failures of each situation."""
    stage = Stage(session)
    if not stage.has_clock:
        names = ", ".join(rule.name for rule in RULES.values() if rule.family == "stage")
        why = (
            "a run with a cap doesn't move the clock or set the balance of its target"
            if session.careful
            else "the target has no admin API to move its clock or set a balance"
        )
        session.unsent[f"{why}: {names}"] += 1
        return
    sample = payload_case(session.catalog.gateway, model, "submit", None, None)
    if not sound(model, sample):
        session.unsent[UNSOUND] += 1
        return
    for situation in (_failing_job, _low_balance, _rate_limit, _later):
        yield from _undisturbed(session, partial(situation, stage, model, sample))


def _undisturbed(session: Session, situation: Callable[[], Iterator[list[Failure]]]) -> Iterator[list[Failure]]:
    """Sets up a situation, again if it broke rules while an answer was lost: a second attempt changes its outcome."""
    for _ in range(_ATTEMPTS):
        lost, found = session.lost, list(situation())
        if session.lost == lost or not any(found):
            yield from found
            return
    session.unsent[f"answers were lost in each of {_ATTEMPTS} attempts at a situation"] += 1


def _as(session: Session, sample: Case, rule: str, *outcomes: str) -> Case:
    """Returns the sample as a case of another rule, with the named outcomes or those of the rule."""
    gateway, operation = session.catalog.gateway, sample.operation
    kept = tuple(named(gateway, name, operation) for name in outcomes) or expected(gateway, rule, operation)
    return replace(sample, rule=rule, change=RULES[rule].promise, outcomes=kept)


def _failing_job(stage: Stage, model: Model, sample: Case) -> Iterator[list[Failure]]:  # noqa: ARG001 - one of a table
    session, lost = stage.session, stage.session.lost
    added = stage.call("POST", "rules", {"scenario": "job-failed", "times": 1, "route": "submit"})
    if added is None and session.lost == lost:  # a stub whose answer was lost is there, and only the case removes it
        return
    case, audit = _as(session, sample, "job.failed_is_422", JOB_FAILED), Audit(session)
    yield session.perform(case)
    yield session.settle(deep=True)
    yield audit.close([case])


def _low_balance(stage: Stage, model: Model, sample: Case) -> Iterator[list[Failure]]:  # noqa: ARG001 - one of a table
    session = stage.session
    before = figure((stage.call("GET", "credits") or {}).get("credits"))
    cost = session.follower.account.cost
    if before is None or cost is None:
        return
    try:
        for operation in operations(model):
            call = payload_case(session.catalog.gateway, model, operation, None, None)
            stage.call("PUT", "credits", {"credits": cost * 0.99})
            yield session.perform(_as(session, call, "money.balance_too_low"))
            stage.call("PUT", "credits", {"credits": cost})
            yield session.perform(_as(session, call, "money.balance_covers"))
    finally:
        stage.call("PUT", "credits", {"credits": before})
    yield session.settle()


def _rate_limit(stage: Stage, model: Model, sample: Case) -> Iterator[list[Failure]]:  # noqa: ARG001 - one of a table
    session = stage.session
    if stage.call("PUT", "rate-limit", {"per_minute": 0}) is None:
        return
    failures = session.perform(case := _as(session, sample, "rate.limited"))
    if failures:  # a limit for each second, or that of a proxy, may have answered first
        session.pace.sleep(_SHORT_LIMIT)
        failures = session.perform(case)
    yield failures
    stage.call("PUT", "rate-limit", {"per_minute": None})


def _later(stage: Stage, model: Model, sample: Case) -> Iterator[list[Failure]]:  # noqa: ARG001 - one of a table
    session, gateway = stage.session, stage.session.catalog.gateway
    failures = session.perform(_as(session, sample, "job.kept"))
    if failures or not session.follower.jobs:
        yield failures
        return
    job = session.follower.jobs[-1]
    yield session.settle()
    retention = gateway.lifecycle.retention_seconds
    stage.call("POST", "clock", {"advance": max(retention - _MARGIN, 0.0)})
    kept = session.send(poll_request(gateway, "result", job.request_id))
    if kept.status != 200:
        found = f"{kept.in_words}, {_MARGIN:g} s before its end"
        yield [Failure(job.case, Broken("job.kept", f"200 for {retention:g} s", found), (job.case.request,))]
    stage.call("POST", "clock", {"advance": _MARGIN})
    for operation, outcome in _GONE:
        request = poll_request(gateway, operation, job.request_id)
        case = replace(_as(session, sample, "job.expired", outcome), operation=operation, request=request, payload=None)
        yield session.perform(case)
