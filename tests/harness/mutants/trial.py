"""Runs the contract tests on one mutant, in this process and without waiting."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from segforge import Catalog
from segforge_contract import RULES, AsgiTarget, plan, run
from segforge_contract.cases.case import Case, under_profile
from segforge_contract.checks.job import Pace
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.follow import SubmittedJob
from segforge_contract.engine.plan import Plan
from segforge_contract.engine.session import Session
from segforge_contract.reports.text import describe
from segforge_contract.targets.in_process import AsgiApp
from segforge_mock import create_app
from segforge_mock.app import App
from segforge_mock.media.files import Detail
from segforge_mock.models.served import models_of_catalog
from tests.harness.mutants.mutant import CONTROLNET, STYLE, Mutant
from tests.harness.mutants.original import KEY, Faulty, plain_images
from tests.harness.mutants.own import OWN, with_own
from tests.seeds import seed_catalog

BASE_URL = "http://127.0.0.1:9"
POLICY = "polls=3"
"""Jobs advance with each poll of their status: QUEUED, PROCESSING, then the end. So no test waits."""


class Clock:
    """The clock of the contract tests and the mock, in seconds. Sleeping moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        """Returns the seconds since the start. Each call adds a microsecond, so rounding never cuts an hour short."""
        self.seconds += 1e-6
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Moves the clock."""
        self.seconds += seconds


class Watched(Session):
    """A session that counts the requests up to the first broken rule."""

    killed_at: tuple[int, int] | None = None
    """The requests up to then, and the billed ones among them."""

    def perform(self, case: Case) -> list[Failure]:
        """See `Session`."""
        return self._noted(super().perform(case))

    def follow(self, jobs: Iterable[SubmittedJob], *, deep: bool = False) -> list[Failure]:
        """See `Session`."""
        return self._noted(super().follow(jobs, deep=deep))

    def _noted(self, found: list[Failure]) -> list[Failure]:
        if found and self.killed_at is None:
            self.killed_at = self.requests, self.billed
        return found


@dataclass(frozen=True)
class Trial:
    """The broken rules and failures of a mutant, and the requests (also billed ones) up to the first failure."""

    rules: tuple[str, ...]
    failures: tuple[Failure, ...]
    requests: int
    billed: int

    @property
    def killed(self) -> bool:
        """Whether any rule is broken."""
        return bool(self.failures)

    @property
    def unpaid(self) -> bool:
        """Whether a request that the contract makes free shows the fault."""
        return any(not failure.case.accepted for failure in self.failures)

    def names(self, breaks: str, field: str | None) -> bool:
        """Returns whether a report names the rule, or one with that prefix, and the parameter."""
        return any(
            failure.broken.rule.startswith(breaks)
            and (field is None or failure.case.parameter == field)
            and (failure.case.parameter or "") in describe(failure, BASE_URL)
            for failure in self.failures
        )


def try_out(catalog: Catalog, mutant: Mutant, seed: int = 0) -> Trial:
    """Runs the tables of the mutant's model, and as many drawn payloads as the mutant needs, with this seed."""
    clock = Clock()
    catalog = with_own(catalog, mutant.model)
    faulty = Faulty(correct(mutant.model, mutant.profile, clock), catalog, mutant.make())
    expected, drawn = under_profile(catalog, mutant.profile), mutant.drawn
    return campaign(expected, faulty, mutant.model, clock, max_examples=drawn, seed=seed)


def correct(model: str, profile: str, clock: Clock) -> App:
    """Returns the mock without a fault. Outputs are tiny unless the payload sets their size."""
    media: Detail = "full" if model in (CONTROLNET, STYLE, *OWN) else "tiny"
    models = models_of_catalog(with_own(seed_catalog(), model)) if model in OWN else None
    return create_app(
        models=models, now=clock.now, time_scale=0, job_policy=POLICY, profile=profile, media=media, keys=[KEY]
    )


def campaign(catalog: Catalog, app: AsgiApp, model: str, clock: Clock, *, max_examples: int, seed: int = 0) -> Trial:
    """Runs the contract tests on one model of an app in this process, with the same clock."""
    with plain_images(), contextlib.closing(AsgiTarget(app, KEY, base_url=BASE_URL)) as target:
        session = Watched(catalog, target, Pace(0.01, deadline=2, sleep=clock.sleep, clock=clock.now))
        outcome = run(_planned(catalog, model, max_examples, seed), session)
    broken = {failure.broken.rule for failure in outcome.failures}
    requests, billed = session.killed_at or (outcome.requests, outcome.billed)
    return Trial(tuple(name for name in RULES if name in broken), outcome.failures, requests, billed)


@lru_cache(maxsize=50)
def _planned(catalog: Catalog, model: str, max_examples: int, seed: int) -> Plan:
    return plan(catalog, [catalog.model(model)], max_examples=max_examples, seed=seed)
