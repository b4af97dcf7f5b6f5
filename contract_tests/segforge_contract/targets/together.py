"""Sends requests concurrently, and opens a target under other accounts."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from segforge_contract.messages.request import Request
from segforge_contract.targets.base import Target
from segforge_contract.targets.http import HttpTarget
from segforge_contract.targets.in_process import AsgiTarget
from segforge_contract.targets.patient import Outcome, PatientTarget, attempt


def others(target: Target) -> Sequence[Target]:
    """Returns the same target under its other accounts; empty if it has none."""
    if isinstance(target, PatientTarget):
        return others(target.inner)
    return target.others() if isinstance(target, AsgiTarget) else ()


def send_together(target: Target, requests: Sequence[Request]) -> list[Outcome]:
    """Sends requests concurrently if the target supports it, otherwise one by one."""
    if isinstance(target, PatientTarget):
        return list(map(target.settled, requests, send_together(target.inner, requests)))
    if isinstance(target, AsgiTarget):
        return [*target.send_together(requests)]
    if not isinstance(target, HttpTarget):
        return [attempt(target, request) for request in requests]
    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(partial(attempt, target), requests))
