"""Tests the lives of jobs as a state machine: jobs of several accounts, with submits, polls and waits in any order.

The machine's model of a job is its case, its last state and its age; each step checks one answer against the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import hypothesis
from hypothesis import stateful
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from segforge.spec.catalog import Model
from segforge_contract.cases.case import Case, Operation
from segforge_contract.cases.changes import ParameterChange
from segforge_contract.cases.drawn import breaking_changes
from segforge_contract.cases.parameters import payload_case, valid_case
from segforge_contract.cases.payloads import base_payload
from segforge_contract.cases.requests import poll_request
from segforge_contract.checks.answers import Broken
from segforge_contract.checks.job import Watch
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.follow import SubmittedJob
from segforge_contract.engine.phases.audit import Audit
from segforge_contract.engine.phases.stages import Stage
from segforge_contract.engine.session import Session
from segforge_contract.errors import Broke

STEPS = 12
"""The most steps in one run of the machine."""

_MARGIN = 60.0  # seconds before the end of the retention in which a job may be kept or expired
_POLLS: tuple[Operation, ...] = ("status", "result", "poll")


@dataclass
class Living:
    """A submitted job: its account, the machine's time at the submit in seconds, and the answers seen."""

    session: Session
    job: SubmittedJob
    watch: Watch
    submitted: float
    ended: bool = False


class JobMachine(stateful.RuleBasedStateMachine):
    """Submits, polls and waits. Each of the `accounts` is a session with its own key; all call `model`."""

    accounts: ClassVar[Sequence[Session]]
    model: ClassVar[Model]
    nonsense: ClassVar[st.SearchStrategy[tuple[str, ParameterChange]]]
    last: ClassVar[list[Failure]] = []

    jobs = stateful.Bundle("jobs")
    account = st.integers(0, 7)

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.living: list[Living] = []
        self.broke = False
        self.has_clock = Stage(self.accounts[0]).has_clock
        ids: set[str] = set()
        outputs: dict[str, str] = {}
        for session in self.accounts:  # a run must not depend on earlier runs
            session.follower.start_afresh(ids, outputs)
        self.audits = [Audit(session) for session in self.accounts]
        self.lost = self._lost

    @stateful.rule(target=jobs, account=account, seed=st.integers(1, 3), count=st.integers(1, 3))
    def submit(self, account: int, seed: int, count: int) -> "stateful.MultipleResults[Living]":
        """Submits one job, or several at the same time."""
        gateway, control = self._session(account).catalog.gateway, self.model.returns.controls.seed
        payload = base_payload(self.model) | ({} if control is None else {control: seed})
        case = valid_case(gateway, self.model, "submit", payload, f"job {len(self.living) + 1}")
        copies = [replace(case, request=replace(case.request, copy=number)) for number in range(1, count + 1)]
        session = self._session(account)
        self.check(session.perform_together(copies) if count > 1 else session.perform(case))
        return stateful.multiple(*self._new_jobs(session))

    @stateful.precondition(lambda self: not self.nonsense.is_empty)
    @stateful.rule(target=jobs, account=account, data=st.data())
    def submit_nonsense(self, account: int, data: st.DataObject) -> "stateful.MultipleResults[Living]":
        """Submits a payload that breaks a rule. It must start no job, or a job that fails."""
        session = self._session(account)
        parameter, change = data.draw(self.nonsense)
        self.check(session.perform(payload_case(session.catalog.gateway, self.model, "submit", parameter, change)))
        return stateful.multiple(*self._new_jobs(session))

    @stateful.rule(living=jobs)
    def poll(self, living: Living) -> None:
        """Polls a job's status, and its result once it has ended."""
        if self._gone(living, "status"):
            return
        state = living.watch.poll()
        if state is not None and state.terminal and not living.ended:
            living.ended = True
            living.session.follower.conclude(living.job, living.watch, deep=True)
        self.check_watch(living)

    @stateful.rule(living=jobs, operation=st.sampled_from(_POLLS[1:]))
    def ask_for_result(self, living: Living, operation: Operation) -> None:
        """Polls a job's result, or its output on v1, at any time."""
        if not self._gone(living, operation):
            living.watch.ask_early(operation)
            self.check_watch(living)

    @stateful.rule(living=jobs, operation=st.sampled_from(_POLLS))
    def ask_with_a_wrong_key(self, living: Living, operation: Operation) -> None:
        """Polls a job with an invalid key, which must be refused."""
        if living.watch.accepts_any_key:
            return
        response = living.watch.ask(operation, "invalid")
        expected = living.session.catalog.gateway.cases["auth.invalid"][0].code
        if response.status != expected:
            living.watch.report("auth.invalid", f"{expected}, for an existing job", response.in_words)
        self.check_watch(living)

    @stateful.precondition(lambda self: self.has_clock and self.living)
    @stateful.rule(minutes=st.sampled_from((1, 30, 58, 60)))
    def wait(self, minutes: int) -> None:
        """Moves the clock of all accounts."""
        for session in self.accounts:
            Stage(session).call("POST", "clock", {"advance": minutes * 60.0})
        self.now += minutes * 60.0

    def teardown(self) -> None:
        """Follows all jobs to their end and audits their cost."""
        if self.broke:
            return
        for session, audit in zip(self.accounts, self.audits, strict=True):
            own = [living for living in self.living if living.session is session]
            running = [living for living in own if not living.ended]
            here = [living.job for living in running if self.now - living.submitted < self._retention - _MARGIN]
            self.check(session.follow(here))
            session.follower.account.tangled |= len(here) < len(running)  # the end of the other jobs is unknown
            self.check(audit.close([living.job.case for living in own]) if own else [])

    def check(self, failures: list[Failure]) -> None:
        """Raises Broke if there are failures. A lost answer hides what happened, so none counts after one."""
        if failures and self._lost == self.lost:
            self.broke = True
            type(self).last = failures
            raise Broke(failures)

    def check_watch(self, living: Living) -> None:
        """Raises Broke if a job's polls broke rules."""
        case, watch = living.job.case, living.watch
        self.check([Failure(case, broken, (case.request, *watch.sent)) for broken in watch.broken])

    @property
    def _lost(self) -> int:
        return sum(session.lost for session in self.accounts)

    @property
    def _retention(self) -> float:
        return self.accounts[0].catalog.gateway.lifecycle.retention_seconds

    def _session(self, account: int) -> Session:
        return self.accounts[account % len(self.accounts)]

    def _new_jobs(self, session: Session) -> list[Living]:
        new = [Living(session, job, session.follower.watch(job), self.now) for job in session.follower.take()]
        self.living += new
        return new

    def _gone(self, living: Living, operation: Operation) -> bool:
        """Returns whether a job's retention is over or ending. If it is over, checks that the poll returns 404."""
        age = self.now - living.submitted
        if age < self._retention - _MARGIN:
            return False
        if age >= self._retention:
            response = living.session.send(
                poll_request(living.session.catalog.gateway, operation, living.job.request_id)
            )
            if response.status != 404:
                self.check([_expired(living.job.case, f"{response.in_words}, {age:g} s after the submit")])
        return True


def _expired(case: Case, found: str) -> Failure:
    return Failure(case, Broken("job.expired", "404 after the retention", found), (case.request,))


def explore(accounts: Sequence[Session], model: Model, *, seed: int, max_examples: int) -> list[Failure]:
    """Runs the machine. Returns the failures of the shortest failing run. Raises Unreachable."""
    nonsense = breaking_changes(model, accounts[0].catalog.gateway)
    members = {"accounts": accounts, "model": model, "nonsense": nonsense, "last": []}
    machine: type[JobMachine] = type("JobMachine", (JobMachine,), members)
    hypothesis.seed(seed)(machine)
    settings = hypothesis.settings(
        max_examples=max_examples,
        stateful_step_count=STEPS,
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    try:
        stateful.run_state_machine_as_test(machine, settings=settings)
    except Broke as broke:
        return broke.failures
    except Flaky:
        return list(machine.last)
    return []
