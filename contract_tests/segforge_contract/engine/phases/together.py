"""Submits several jobs at the same time: each must have its own id and return the output of its own payload."""

from dataclasses import replace
from typing import Final

from segforge.spec.catalog import Model
from segforge_contract.cases.case import Case
from segforge_contract.cases.parameters import payload_case, valid_case
from segforge_contract.cases.payloads import base_payload
from segforge_contract.checks.answers import Broken
from segforge_contract.checks.images import alike, first_image
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.follow import failures_in
from segforge_contract.engine.phases.relations import two_seeds
from segforge_contract.engine.session import Session
from segforge_contract.errors import NoAnswer, NotSent

RULE: Final = "job.result_own"
"""The rule that only jobs which wait at the same time can break."""
AT_ONCE = 5
"""The number of jobs submitted at the same time."""
_ODD_ONE = 1  # the position of the job with another seed; neither reversing nor rotating the jobs keeps it in place


def at_once(session: Session, model: Model) -> list[Failure]:
    """Submits jobs at the same time, one of them with another seed, and reads their results in reverse order."""
    usual = odd = payload_case(session.catalog.gateway, model, "submit", None, None)
    name, seeds = model.returns.controls.seed, two_seeds(model)
    if name is not None and seeds is not None:
        usual, odd = (
            valid_case(
                session.catalog.gateway,
                model,
                "submit",
                {**base_payload(model), name: seed},
                f"{name} = {seed}, at once",
            )
            for seed in seeds
        )
    cases = [odd if number == _ODD_ONE else usual for number in range(AT_ONCE)]
    copies = [replace(case, request=replace(case.request, copy=number)) for number, case in enumerate(cases, 1)]
    failures = session.perform_together(copies)
    watched = session.follower.follow(list(reversed(session.follower.take())), deep=True)
    failures += failures_in(watched)
    images: dict[int, bytes] = {}
    for job, watch in watched:
        try:
            served = watch.file()
        except (NotSent, NoAnswer):
            continue
        image = None if served is None else first_image(served)
        if image is not None:
            images[job.case.request.copy] = image
    if odd is usual or len(images) < AT_ONCE:
        return failures
    session.sent.append(replace(copies[_ODD_ONE], rule=RULE, parameter=None))
    return failures + _crossed(copies, [images[case.request.copy] for case in copies])


def _crossed(cases: list[Case], images: list[bytes]) -> list[Failure]:
    """Returns the failure if the odd job returned the usual image, and a usual job another one.

    Only then the outputs are crossed for sure: a gateway may ignore seeds, or never repeat an image. One more job may
    return another image, since it may be crossed with an earlier job.
    """
    others = [number for number in range(AT_ONCE) if number != _ODD_ONE]
    for number in others:
        rest = [images[each] for each in others if each != number]
        usual = sum(alike(images[_ODD_ONE], image) for image in rest) >= len(rest) - 1
        if usual and not any(alike(images[number], image) for image in rest):
            expected, found = (
                "the image of its own seed",
                f"the image that the job of {cases[number].change} should return",
            )
            case = cases[_ODD_ONE]
            return [Failure(case, Broken(RULE, expected, found), tuple(each.request for each in cases))]
    return []
