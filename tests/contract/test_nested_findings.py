"""Findings about nested places: proposals for the specs, packs, snippets, and random models on the mock."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from segforge import Catalog
from segforge.spec.catalog import Model, Returns, Shape
from segforge.spec.values import payload_verdict
from segforge_contract import AsgiTarget, open_session, plan, run
from segforge_contract.cases.case import Case, under_profile
from segforge_contract.cases.gate import sound
from segforge_contract.cases.payloads import base_payload
from segforge_contract.checks.answers import Broken
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.phases.packs import packs
from segforge_contract.engine.resend import repeated_case
from segforge_contract.findings.compare import ComparedAnswer, propose
from segforge_contract.reports.test_snippet import as_test
from segforge_mock import create_app
from segforge_mock.models.served import models_of_catalog
from tests.catalogs import drawn_models
from tests.contract.campaigns import planned
from tests.harness.mutants.nested import MODEL

KEY = "SG_0123456789abcdef"
MEDIA: tuple[tuple[str, tuple[str, ...], Shape | None], ...] = (
    ("video", ("mp4",), None),
    ("audio", ("wav",), None),
    ("model3d", (), None),
    ("image", ("svg",), None),
    ("text", (), None),
    ("json", (), "openai_chat"),
    ("json", (), "embedding"),
)


@pytest.fixture(scope="module")
def own(catalog: Catalog) -> Catalog:
    return replace(catalog, models=(MODEL,))


@pytest.fixture(scope="module")
def cases(own: Catalog) -> tuple[Case, ...]:
    return tuple(case for case in planned(own, (), 0, 0).cases if case.operation == "run" and case.model == "nested")


def first(cases: tuple[Case, ...], rule: str, parameter: str) -> Case:
    return next(case for case in cases if (case.rule, case.parameter) == (rule, parameter))


ACCEPTED, REFUSED = ComparedAnswer(200, "application/json"), ComparedAnswer(400, "application/json")


@pytest.mark.parametrize(
    ("rule", "parameter", "seen", "where", "change"),
    [
        ("range.too_many", "images", ACCEPTED, "parameters, images", "max_items: "),
        ("range.at_fewest", "images", REFUSED, "parameters, images", "min_items: more items"),
        ("range.above", "elements[0].weight", ACCEPTED, "parameters, elements[0].weight", "maximum: 1.000001 is"),
        ("enum.each", "elements[0].kind", REFUSED, "parameters, elements[0].kind", 'choices: without "a"'),
        ("required.missing", "elements[0].box.left", ACCEPTED, "parameters, elements[0].box.left", "required: false"),
        ("type.no_member", "palette", ACCEPTED, "parameters, palette", "any_of: 1.5 is accepted too"),
        ("union.each", "palette", REFUSED, "parameters, palette", "any_of: without the member of {"),
        ("condition.only_when", "fade_time", ACCEPTED, "conditions", 'transition = "cut", fade_time = 1'),
        ("condition.kept", "quality", REFUSED, "conditions", 'one that refuses: quality = "1080p", seconds = 4'),
    ],
)
def test_a_proposal_names_the_place_and_the_value(
    own: Catalog,
    cases: tuple[Case, ...],
    rule: str,
    parameter: str,
    seen: ComparedAnswer,
    where: str,
    change: str,
) -> None:
    found = propose(own, first(cases, rule, parameter), seen)
    assert (found.file, found.where) == ("models/nested.yaml", where)
    assert change in found.change


def test_a_refusal_with_another_status_is_proposed_for_required_parameters(
    own: Catalog, cases: tuple[Case, ...]
) -> None:
    case = first(cases, "condition.several", "data")
    assert propose(own, case, ComparedAnswer(406, "application/json")).where.endswith("outcomes of required on v1")


def test_packs_keep_conditions_and_hold_each_case_once(own: Catalog, cases: tuple[Case, ...]) -> None:
    accepted = [case for case in cases if case.accepted and not case.undecided]
    made = packs(own, accepted, lambda _: Decimal("0.05"))
    assert sorted(part.name for pack in made for part in pack.parts) == sorted(case.name for case in accepted)
    assert len(made) < len(accepted)
    assert all(payload_verdict(MODEL, pack.case.payload or base_payload(MODEL)) == "valid" for pack in made)


def test_a_snippet_repeats_a_nested_case(own: Catalog, cases: tuple[Case, ...]) -> None:
    class Recorder:
        kept: tuple[Any, ...] = ()

        def keeps(self, *sent: Any) -> None:
            self.kept = sent

    for case in (each for each in cases if each.payload is not None and each.request.method == "POST"):
        if case.parameter is None:
            continue
        names: dict[str, Any] = {}
        exec(as_test(Failure(case, Broken(case.rule, "a refusal", "200"), (case.request,))), names)
        recorder = Recorder()
        next(test for name, test in names.items() if name.startswith("test_"))(recorder)
        rule, model, operation, sent = recorder.kept
        again = repeated_case(own, rule, model, operation, sent)
        assert again.request == case.request
        assert sound(MODEL, again)


def _any_models() -> Iterator[Model]:
    for number, model in enumerate(drawn_models(14, nested=True)):
        media, formats, shape = MEDIA[number % len(MEDIA)]
        returns = Returns(media, formats, model.returns.controls, shape)  # type: ignore[arg-type]
        yield replace(model, returns=returns) if number % 2 else model


@pytest.mark.parametrize("profile", ["documented", "observed"])
def test_no_alarm_for_any_models_on_the_mock(catalog: Catalog, profile: str) -> None:
    models = tuple(_any_models())
    own = under_profile(replace(catalog, models=models), profile)
    app = create_app(models=models_of_catalog(own), time_scale=0, profile=profile, keys=[KEY])
    found: list[tuple[str, str]] = []
    with contextlib.closing(AsgiTarget(app, KEY)) as target:
        for model in models:
            result = run(plan(own, [model], max_examples=3, seed=0), open_session(own, target))
            found += [(failure.case.name, failure.broken.found) for failure in result.failures]
    assert found == []
