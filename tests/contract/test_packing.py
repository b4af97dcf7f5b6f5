"""Packs: many boundary values in one paid call, split only if it fails."""

from decimal import Decimal

import pytest

from segforge import Catalog
from segforge_contract import plan
from segforge_contract.cases.case import Case
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.phases.packs import Pack, packs, perform
from tests.contract.campaigns import session
from tests.contract.standin import StandIn

_GONE = object()


def accepted(catalog: Catalog, slug: str) -> list[Case]:
    cases = plan(catalog, [catalog.model(slug)], max_examples=0, seed=0).cases
    return [case for case in cases if case.accepted and not case.undecided]


def packed(catalog: Catalog, slug: str) -> tuple[Pack, ...]:
    return packs(catalog, accepted(catalog, slug), lambda _: Decimal("0.05"))


def perform_all(catalog: Catalog, *faults: str) -> tuple[list[Failure], StandIn]:
    standin = StandIn(catalog, *faults)
    with session(catalog, standin) as opened:
        failures = [failure for pack in packed(catalog, "flux-ipadapter") for failure in perform(pack, opened)]
    return failures, standin


def submits(standin: StandIn) -> int:
    return sum(method == "POST" for method, _, _ in standin.seen)


def test_packs_hold_every_accepted_case_once_in_far_fewer_calls(catalog: Catalog) -> None:
    for model in catalog.models:
        cases, made = accepted(catalog, model.slug), packed(catalog, model.slug)
        assert sorted(part.name for pack in made for part in pack.parts) == sorted(case.name for case in cases)
        assert len(made) < len(cases) / 2


def test_pack_holds_the_value_of_each_of_its_parts(catalog: Catalog) -> None:
    for pack in packed(catalog, "flux-ipadapter"):
        for part in pack.parts:
            if part.parameter is not None:
                assert part.payload is not None
                assert pack.case.payload is not None
                assert pack.case.payload.get(part.parameter, _GONE) == part.payload.get(part.parameter, _GONE)


def test_most_valuable_pack_comes_first(catalog: Catalog) -> None:
    sizes = [len(pack.parts) for pack in packed(catalog, "flux-ipadapter")]
    assert sizes[0] == max(sizes) > 5
    assert sizes[-1] == 1


def test_correct_gateway_receives_only_the_packs(catalog: Catalog) -> None:
    failures, standin = perform_all(catalog)
    assert failures == []
    assert submits(standin) == len(packed(catalog, "flux-ipadapter"))


@pytest.mark.parametrize(
    ("fault", "rule"), [("crashes_at_maximum", "range.at_maximum"), ("dies_at_minimum", "range.at_minimum")]
)
def test_failing_pack_is_split_down_to_the_wrong_value(catalog: Catalog, fault: str, rule: str) -> None:
    failures, standin = perform_all(catalog, fault)
    assert {(failure.broken.rule, failure.case.parameter) for failure in failures} == {(rule, "quality")}
    assert submits(standin) < len(packed(catalog, "flux-ipadapter")) + 20


def test_failure_that_no_single_value_shows_is_reported_for_all_together(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway refuses two maxima together but accepts each alone."""
    standin = StandIn(catalog)
    check = standin.validations["flux-ipadapter"].read

    def read(sent: dict[str, object]) -> tuple[dict[str, object], list[str]]:
        payload, violations = check(sent)
        both = payload.get("quality") == 100 and payload.get("num_inference_steps") == 75
        return payload, violations or (["together"] if both else [])

    monkeypatch.setattr(standin.validations["flux-ipadapter"], "read", read)
    with session(catalog, standin) as opened:
        failures = [failure for pack in packed(catalog, "flux-ipadapter") for failure in perform(pack, opened)]
    assert {failure.broken.rule for failure in failures} == {"payload.valid"}
    assert all(failure.case.change.startswith("together: ") for failure in failures)
