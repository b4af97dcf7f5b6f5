"""A campaign: the tables first, then Hypothesis, then the jobs that both left behind."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from segforge.spec.catalog import Catalog, Model
from segforge_contract.cases.case import Case, Operation, operations
from segforge_contract.cases.parameters import payload_case
from segforge_contract.cases.tables import deterministic_cases
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.interrupt import why
from segforge_contract.engine.phases import drawn, tables
from segforge_contract.engine.phases.packs import Pack, perform
from segforge_contract.engine.phases.relations import AT_ONCE, at_once, most_calls, relations
from segforge_contract.engine.phases.stages import stages
from segforge_contract.engine.session import Session
from segforge_contract.errors import Unreachable
from segforge_contract.messages.request import Request
from segforge_contract.targets.base import NO_CONNECTION

if TYPE_CHECKING:
    from segforge_contract.engine.examples import Examples

Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """What a campaign is going to send: the cases of the tables, and how many examples Hypothesis may draw.

    `packs` come last, and are billed. `draws_valid`: whether Hypothesis draws valid payloads, which are billed too.
    `examples` is where it keeps those that broke a rule, and starts from the next time, if anywhere.
    """

    catalog: Catalog
    models: tuple[Model, ...]
    cases: tuple[Case, ...]
    max_examples: int
    seed: int
    draws_valid: bool = True
    packs: tuple[Pack, ...] = ()
    examples: "Examples | None" = None

    @property
    def explorations(self) -> tuple[tuple[Model, Operation, bool], ...]:
        """What Hypothesis explores: a model, an operation, and whether payloads are to be valid."""
        if not self.max_examples:
            return ()
        return tuple(
            (model, operation, valid)
            for model in self.models
            for operation in operations(model)
            for valid in ((True, False) if self.draws_valid else (False,))
        )

    @property
    def requests(self) -> int:
        """The most requests that are sent, without what is never billed (polls, pictures, balance) and shrinking."""
        drawn = self.max_examples * len(self.explorations)
        return len(self.cases) + drawn + len(self.packs) + self._related(broken=True)

    def _related(self, *, broken: bool) -> int:
        """How many calls are made to hold their answers against each other; `broken`: by a gateway that breaks them."""
        if not self.draws_valid:
            return 0
        calls = [most_calls(model, broken=broken) * len(operations(model)) for model in self.models]
        return sum(calls) + (AT_ONCE if any("v2" in model.versions for model in self.models) else 0)

    @property
    def billed(self) -> int:
        """The most answers that are billed while the gateway keeps its contract."""
        drawn = self.max_examples * sum(valid for *_, valid in self.explorations)
        return sum(case.accepted for case in self.cases) + drawn + len(self.packs) + self._related(broken=False)

    @property
    def worst_case(self) -> int:
        """The most answers that could be billed by a gateway that accepts whatever it is sent."""
        drawn = self.max_examples * len(self.explorations)
        calls = sum(case.could_be_billed for case in self.cases)
        return calls + drawn + len(self.packs) + self._related(broken=True)


@dataclass(frozen=True)
class RunResult:
    """How a campaign went: what broke, and what it took. `stopped` says why it ended early, if it did.

    `interrupted` is the exit code where it was told to end, by a signal or for its time.
    """

    failures: tuple[Failure, ...]
    sent: tuple[Case, ...]
    requests: int
    billed: int
    seconds: float
    stopped: str | None = None
    unsent: dict[str, int] = field(default_factory=dict)
    """How many cases were held back, by the reason."""
    interrupted: int | None = None


def plan(
    catalog: Catalog, models: Iterable[Model], *, max_examples: int, seed: int, first: Iterable[Case] = ()
) -> Plan:
    """A campaign over some models: the cases that go `first`, then the tables.

    The same request is planned once, under the first rule that calls for it.
    """
    models = tuple(models)
    seen: set[Request] = set()
    cases = []
    for case in (*first, *deterministic_cases(catalog, models)):
        if case.request not in seen:
            seen.add(case.request)
            cases.append(case)
    return Plan(catalog, models, tuple(cases), max_examples, seed)


def run(plan: Plan, session: Session, *, progress: Progress = lambda _done, _broken: None) -> RunResult:
    """Run a campaign; `progress` is told how many of the planned requests are done, and how much broke so far.

    Raises Unreachable where nothing answers from the start; a target that goes away later leaves what was found so far,
    and so do an interruption and a journal that can't be written any more.
    """
    started = session.pace.clock()
    failures: list[Failure] = []
    stopped = interrupted = None
    try:
        for done, found in _steps(plan, session):
            failures += found
            progress(done, len(failures))
    except Unreachable as error:
        if not session.answers:
            raise
        stopped = f"the target can't be reached any more: {error}"
        # That nobody was there any more is no rule that was broken.
        failures = [each for each in failures if not each.broken.found.startswith(NO_CONNECTION)]
    except OSError as error:
        stopped = f"what was exchanged can't be written down: {error}"
    except KeyboardInterrupt as error:
        reason, interrupted = why(error)
        stopped = f"{reason} after {len(session.sent)} cases"
    seconds = session.pace.clock() - started
    return RunResult(
        tuple(failures),
        tuple(session.sent),
        session.requests,
        session.billed,
        seconds,
        stopped,
        dict(session.unsent),
        interrupted,
    )


def _steps(plan: Plan, session: Session) -> Iterator[tuple[int, list[Failure]]]:
    """Each step's failures, after how many of the planned requests are done."""
    done = 0
    for _, group in itertools.groupby(plan.cases, lambda case: (case.model, case.operation)):
        for found in tables.audited(session, list(group)):
            done += 1
            yield min(done, len(plan.cases)), found
    for index, (model, operation, valid) in enumerate(plan.explorations, 1):
        done = len(plan.cases) + plan.max_examples * index
        yield (
            done,
            drawn.explore(
                session,
                model,
                operation,
                valid=valid,
                max_examples=plan.max_examples,
                seed=plan.seed,
                examples=plan.examples,
            ),
        )
    before = len(plan.cases) + plan.max_examples * len(plan.explorations)
    for done, pack in enumerate(plan.packs, before + 1):
        yield done, perform(pack, session)
    yield plan.requests, session.settle()
    for found in _beyond_tables(plan, session):
        yield plan.requests, found
    yield plan.requests, []


def _beyond_tables(plan: Plan, session: Session) -> Iterator[list[Failure]]:
    """What takes several answers to see, and what takes another hour or an empty balance."""
    queued = [model for model in plan.models if "v2" in model.versions][:1]
    if plan.draws_valid:
        yield from _between_answers(plan, session, queued)
    if not session.target.loopback:
        return
    for model in queued:
        if plan.max_examples and plan.draws_valid:
            yield _lives(plan, session, model)
        yield from stages(session, model)


def _between_answers(plan: Plan, session: Session, queued: list[Model]) -> Iterator[list[Failure]]:
    for model in plan.models:
        for operation in operations(model):
            yield from relations(session, model, operation)
    for model in queued:
        yield at_once(session, payload_case(plan.catalog.gateway, model, "submit", None, None))
        yield session.settle()


def _lives(plan: Plan, session: Session, model: Model) -> list[Failure]:
    from segforge_contract.engine.phases.lives import explore

    return explore(session.accounts(), model, seed=plan.seed, max_examples=plan.max_examples)
