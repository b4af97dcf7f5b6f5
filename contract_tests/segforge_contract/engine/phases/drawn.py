"""Draws cases with Hypothesis, and shrinks a case that breaks a rule."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from segforge.spec.catalog import Catalog, Model
from segforge_contract.cases.case import Case, Operation
from segforge_contract.cases.gate import has_valid_payloads, sound
from segforge_contract.cases.parameters import payload_case, valid_case
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.session import Session
from segforge_contract.errors import Broke
from segforge_contract.messages.request import Request

if TYPE_CHECKING:
    from segforge_contract.engine.examples import Examples

Cases = Any  # a Hypothesis strategy of Case; naming its type would import Hypothesis at start-up


def case_strategy(catalog: Catalog, model: Model, operation: Operation, *, valid: bool) -> Cases:
    """Returns a strategy of sound cases: valid payloads, or the sample with one change that breaks a rule."""
    from segforge_contract.cases.drawn import breaking_changes, valid_payloads

    gateway = catalog.gateway
    if valid:
        cases = valid_payloads(model).map(
            lambda payload: valid_case(gateway, model, operation, payload, "a drawn payload")
        )
    else:
        cases = breaking_changes(model, gateway).map(lambda drawn: payload_case(gateway, model, operation, *drawn))
    return cases.filter(partial(sound, model))


def explore(
    session: Session,
    model: Model,
    operation: Operation,
    *,
    valid: bool,
    max_examples: int,
    seed: int,
    examples: "Examples | None" = None,
) -> list[Failure]:
    """Draws cases; returns the failures of the smallest failing one. Shrinks only if calls are free."""
    if valid and not has_valid_payloads(model):
        return []
    import hypothesis
    from hypothesis.errors import Flaky, Unsatisfiable

    database = None if examples is None else examples.scoped(f"{model.slug} {operation} {valid}")
    phases = [
        hypothesis.Phase.reuse,
        hypothesis.Phase.generate,
        *([hypothesis.Phase.shrink] if session.target.loopback else []),
    ]
    seen: dict[Request, list[Failure]] = {}
    rules: set[str] = set()

    @hypothesis.settings(
        max_examples=max_examples,
        phases=phases,
        database=database,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    @hypothesis.seed(seed)  # below the settings, since it would remove their database
    @hypothesis.given(case_strategy(session.catalog, model, operation, valid=valid))
    def holds(case: Case) -> None:
        if case.request not in seen:  # Hypothesis repeats a failing example, which may cost money
            seen[case.request] = session.perform(case)
        broken = [failure for failure in seen[case.request] if not rules or failure.broken.rule in rules]
        if broken:
            # Only the rules that broke first count while shrinking, so it can't slip from one finding to another.
            rules.update(failure.broken.rule for failure in broken)
            raise Broke(broken)

    try:
        holds()
    except Broke as broke:
        return broke.failures
    except Unsatisfiable:  # the page contradicts itself, so nothing can be drawn
        return []
    except Flaky:
        return list(_last(seen.values()))
    return []


def _last(found: Iterable[list[Failure]]) -> Iterator[Failure]:
    broken = [failures for failures in found if failures]
    yield from broken[-1] if broken else ()
