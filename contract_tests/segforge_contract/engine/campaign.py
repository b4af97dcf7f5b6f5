"""Runs a campaign: the tables, drawn payloads, packs, jobs, then the rules that need several answers."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from segforge.spec.catalog import Gateway, Model
from segforge_contract.cases.case import Case, Operation, operations
from segforge_contract.checks.answers import Broken
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.interrupt import why
from segforge_contract.engine.phases import drawn, tables, together
from segforge_contract.engine.phases.lookback import look_back
from segforge_contract.engine.phases.packs import perform
from segforge_contract.engine.phases.relations import relations
from segforge_contract.engine.phases.stages import stages
from segforge_contract.engine.plan import Plan
from segforge_contract.engine.session import Session
from segforge_contract.errors import Unreachable
from segforge_contract.messages.request import Request
from segforge_contract.targets.base import NO_CONNECTION
from segforge_contract.targets.ledger import Ledger, plain

Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class RunResult:
    """The result of a campaign: the failures, the cases that were sent, and how many calls were accepted."""

    failures: tuple[Failure, ...]
    sent: tuple[Case, ...]
    requests: int
    billed: int
    seconds: float
    stopped: str | None = None
    """Why the campaign ended early, if it did."""
    unsent: dict[str, int] = field(default_factory=dict)
    """How many cases were held back, by the reason."""
    interrupted: int | None = None
    """The exit code if a signal or the time limit ended the campaign."""
    skipped: frozenset[str] = frozenset()
    """The rules that were not to be tested."""


def run(plan: Plan, session: Session, *, progress: Progress = lambda _done, _broken: None) -> RunResult:
    """Runs a campaign. `progress` receives the number of planned requests that are done, and of failures so far.

    Raises Unreachable if the target never answers. If the target disappears later, the run is interrupted, or the
    journal can't be written, the result holds all findings so far.
    """
    started = session.pace.clock()
    session.selection = plan.selection
    failures: list[Failure] = []
    stopped = interrupted = None
    try:
        for done, found in _steps(plan, session):
            failures += plan.selection.kept(found)
            progress(done, len(failures))
    except Unreachable as error:
        if not session.answers:
            raise
        stopped = f"the target no longer answers: {error}"
        # A target that disappears is not a contract violation.
        failures = [each for each in failures if not _shows_only_absence(each, session)]
    except OSError as error:
        stopped = f"the journal can't be written: {error}"
    except KeyboardInterrupt as error:
        reason, interrupted = why(error)
        stopped = f"{reason} after {len(session.sent)} cases"
    return RunResult(
        tuple(failures),
        tuple(session.sent),
        session.requests,
        session.billed,
        session.pace.clock() - started,
        stopped,
        dict(session.unsent),
        interrupted,
        plan.selection.skipped,
    )


def _steps(plan: Plan, session: Session) -> Iterator[tuple[int, list[Failure]]]:
    """Yields the failures of each step, after the number of planned requests that are done."""
    done = 0
    for _, group in itertools.groupby(plan.cases, lambda case: (case.model, case.operation)):
        for found in tables.audited(session, list(group)):
            done += 1
            yield min(done, len(plan.cases)), found
    for index, exploration in enumerate(plan.explorations, 1):
        yield len(plan.cases) + plan.max_examples * index, _explore(plan, session, *exploration)
    before = len(plan.cases) + plan.max_examples * len(plan.explorations)
    for done, pack in enumerate(plan.packs, before + 1):
        yield done, perform(pack, session)
    yield plan.requests, session.settle()
    for found in _beyond_tables(plan, session):
        yield plan.requests, found
    yield plan.requests, []


def _shows_only_absence(failure: Failure, session: Session) -> bool:
    return failure.broken.found.startswith(NO_CONNECTION) or any(failure is each for each in session.unanswered)


def _explore(plan: Plan, session: Session, model: Model, operation: Operation, valid: bool) -> list[Failure]:
    return drawn.explore(
        session,
        model,
        operation,
        valid=valid,
        max_examples=plan.max_examples,
        seed=plan.seed,
        examples=plan.examples,
    )


def _beyond_tables(plan: Plan, session: Session) -> Iterator[list[Failure]]:
    """Tests the rules that need several answers, a later hour or an empty balance."""
    queued = [model for model in plan.models if "v2" in model.versions][:1]
    kept = {case.model for case in plan.cases if case.rule == together.RULE}
    if plan.draws_valid and plan.compares:
        yield from _between_answers(
            plan, session, [model for model in plan.models if model in queued or model.slug in kept]
        )
    yield look_back(session)
    yield unreadable(session)
    if not session.target.loopback:
        return
    for model in queued:
        if plan.max_examples and plan.draws_valid and plan.selection.has("job"):
            yield _lives(plan, session, model)
        if plan.selection.has("stage", "job"):
            yield from stages(session, model)


def _between_answers(plan: Plan, session: Session, queued: list[Model]) -> Iterator[list[Failure]]:
    for model in plan.models:
        for operation in operations(model):
            yield from relations(session, model, operation)
    for model in queued:
        yield together.at_once(session, model)


def _lives(plan: Plan, session: Session, model: Model) -> list[Failure]:
    from segforge_contract.engine.phases.lives import explore

    return explore(session.accounts(), model, seed=plan.seed, max_examples=plan.max_examples)


def unreadable(session: Session) -> list[Failure]:
    """The failure if the credits route answers 200 without numbers, so that no rule about money can be tested."""
    response, route = session.follower.unreadable, session.catalog.gateway.routes.credits
    if response is None:
        return []
    request = Request(route.method, route.path)
    case = Case("money.readable", "run", None, None, "the balance", request, ())
    return [Failure(case, Broken(case.rule, 'JSON with a number as "credits"', response.in_words), (request,))]


def unexplained(ledger: Ledger, gateway: Gateway) -> list[Failure]:
    """The failure if the balance shrank by more than all answers state, or if a free request was billed."""
    if not ledger.unexplained and not ledger.tolls:
        return []
    route = gateway.routes.credits
    request = Request(route.method, route.path)
    case = Case("money.refusal_is_free", "run", None, None, "the balance after all requests", request, ())
    expected = f"a balance that lost the {plain(ledger.told)} stated"
    found = f"{plain(ledger.lost)} less, {plain(ledger.unexplained)} of it unexplained; or the key is in use elsewhere"
    if ledger.tolls:
        expected = "no cost in answers to requests that are free by the docs"
        found = f"{plain(ledger.tolls)} credits stated"
    return [Failure(case, Broken(case.rule, expected, found), (request,))]
