"""Settings of the suite: few drawn payloads, the same in every run, and no shrinking if it may cost money."""

from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from segforge.extras import MissingExtra, require_extra
from segforge.spec.catalog import Model
from segforge_contract.cases.gate import has_valid_payloads
from segforge_contract.pytest_plugin import LOOPBACK, chosen_models, own_catalog

try:
    require_extra("contract", "the suite segforge_contract")
except MissingExtra as error:
    pytest.exit(str(error), returncode=2)

from hypothesis import Phase, settings

from segforge_contract.cases.case import Case, operations
from segforge_contract.engine.plan import plan

_HERE = Path(__file__).parent
_BILLED = (
    "test_valid_payload_is_accepted",
    "test_job_ends_with_a_result",
    "test_jobs_live_as_documented_in_any_order",
)
_OF_ONE_MODEL = ("test_jobs_live_as_documented_in_any_order",)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Makes a test for each rule, call or job of the models that --segforge-models names."""
    models = chosen_models(metafunc.config)
    names = metafunc.fixturenames
    if "cases" in names:
        cases = _by_rule(models)
        metafunc.parametrize("cases", cases.values(), ids=cases)
    elif "operation" in names:
        can_be_drawn = _CAN_BE_DRAWN[metafunc.definition.originalname]
        calls = [(model, operation) for model in models if can_be_drawn(model) for operation in operations(model)]
        ids = [f"{model.slug}-{operation}" for model, operation in calls]
        metafunc.parametrize(("model", "operation"), calls, ids=ids)
    elif "model" in names:
        queued = [model for model in models if "v2" in model.versions]
        queued = queued[:1] if metafunc.definition.originalname in _OF_ONE_MODEL else queued
        metafunc.parametrize("model", queued, ids=[model.slug for model in queued])


def _can_be_broken(model: Model) -> bool:
    """Returns whether a source states a fact whose violation can be drawn."""
    from segforge_contract.cases.drawn import breaking_changes

    return not breaking_changes(model, own_catalog().gateway).is_empty


_CAN_BE_DRAWN = {
    "test_valid_payload_is_accepted": has_valid_payloads,
    "test_breaking_change_is_refused": _can_be_broken,
}


@cache
def _by_rule(models: tuple[Model, ...]) -> dict[str, list[Case]]:
    """Returns the cases of each rule on each model and operation."""
    groups: defaultdict[str, list[Case]] = defaultdict(list)
    for case in plan(own_catalog(), models, max_examples=0, seed=0).cases:
        groups[f"{case.model or 'gateway'}-{case.operation}-{case.rule}"].append(case)
    return groups


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs free tests first, since a used-up cap stops even refusals."""
    items.sort(key=_is_billed)


def _is_billed(item: pytest.Item) -> bool:
    """Returns whether a test of this suite sends requests that a correct gateway bills."""
    if not isinstance(item, pytest.Function) or _HERE not in item.path.parents:
        return False
    callspec = getattr(item, "callspec", None)
    cases = callspec.params.get("cases", ()) if callspec is not None else ()
    return item.originalname in _BILLED or any(case.accepted for case in cases)


def pytest_configure(config: pytest.Config) -> None:
    """Refuses unknown models, and registers the Hypothesis profile.

    The profile shrinks only on this machine, since shrinking sends more requests.
    """
    chosen_models(config)
    phases = (Phase.generate, *([Phase.shrink] if config.stash.get(LOOPBACK, True) else []))
    settings.register_profile(
        "segforge-contract", max_examples=15, deadline=None, derandomize=True, database=None, phases=phases
    )
