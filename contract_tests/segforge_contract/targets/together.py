"""Sends requests concurrently, and opens a target under other accounts."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from segforge_contract.errors import NoAnswer, NotSent
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.base import Target
from segforge_contract.targets.http import HttpTarget
from segforge_contract.targets.in_process import AsgiTarget


def others(target: Target) -> Sequence[Target]:
    """Returns the same target under its other accounts; empty if it has none."""
    return target.others() if isinstance(target, AsgiTarget) else ()


def send_together(target: Target, requests: Sequence[Request]) -> list[Response | NoAnswer | NotSent]:
    """Sends requests concurrently if the target supports it, otherwise one by one."""
    if isinstance(target, AsgiTarget):
        return [*target.send_together(requests)]

    def outcome(request: Request) -> Response | NoAnswer | NotSent:
        try:
            return target.send(request)
        except (NoAnswer, NotSent) as error:
            return error

    if not isinstance(target, HttpTarget):
        return [outcome(request) for request in requests]
    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(outcome, requests))
