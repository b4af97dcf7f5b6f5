"""Runs campaigns against the stand-in, in process and without waiting."""

import contextlib
from collections.abc import Iterator
from functools import lru_cache

from segforge import Catalog
from segforge_contract import AsgiTarget, Report, plan, run
from segforge_contract.checks.job import Pace
from segforge_contract.engine.campaign import RunResult
from segforge_contract.engine.plan import Plan
from segforge_contract.engine.session import Session
from tests.contract.standin import BASE_URL, KEY, StandIn


class Clock:
    """A clock that advances only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@contextlib.contextmanager
def session(catalog: Catalog, standin: StandIn) -> Iterator[Session]:
    """Opens a session with the stand-in."""
    clock = Clock()
    with contextlib.closing(AsgiTarget(standin, KEY, base_url=BASE_URL)) as target:
        yield Session(catalog, target, Pace(0.01, deadline=2, sleep=clock.sleep, clock=clock.now))


@lru_cache(maxsize=20)
def planned(catalog: Catalog, slugs: tuple[str, ...], max_examples: int, seed: int) -> Plan:
    """Returns the plan of a campaign over these models or all."""
    models = [model for model in catalog.models if not slugs or model.slug in slugs]
    return plan(catalog, models, max_examples=max_examples, seed=seed)


def campaign(catalog: Catalog, standin: StandIn, *slugs: str, max_examples: int = 0, seed: int = 0) -> RunResult:
    """Runs the tables, and as many drawn payloads, over these models or all."""
    with session(catalog, standin) as opened:
        return run(planned(catalog, slugs, max_examples, seed), opened)


def broken_rules(outcome: RunResult) -> set[str]:
    """Returns the names of the broken rules."""
    return {failure.broken.rule for failure in outcome.failures}


def reported(catalog: Catalog, standin: StandIn, *slugs: str, max_examples: int = 0) -> Report:
    """Runs the tables, and as many drawn payloads, over these models. Returns the report."""
    made = planned(catalog, slugs, max_examples, 0)
    with session(catalog, standin) as opened:
        return Report(made, run(made, opened), BASE_URL)
