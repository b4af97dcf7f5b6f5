"""Reports of a campaign: text for people, a document for machines. Neither can hold the key, see `exchange`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console

from segforge.text import one_line, show
from segforge_contract.campaign import Outcome, Plan
from segforge_contract.curl import curl
from segforge_contract.rules import RULES
from segforge_contract.session import Failure

_SHOWN = 3  # failures of one rule that are printed in full


def describe(failure: Failure, base_url: str, *, key_header: str = "x-api-key") -> str:
    """A failure in a few lines: what broke where, what was promised and by whom, and how to see it again."""
    case, broken = failure.case, failure.broken
    rule = RULES[broken.rule]
    where = " ".join(part for part in (case.model, case.operation) if part)
    lines = [
        f"{rule.name}: {where}: {case.change}",
        f"  promise   {rule.promise} ({rule.source})",
        f"  expected  {broken.expected}",
        f"  found     {broken.found}",
    ]
    if case.payload is not None:
        lines.append(f"  payload   {show(dict(case.payload), 2000)}")
    lines += [f"  curl      {curl(request, base_url, key_header=key_header)}" for request in failure.requests]
    return "\n".join(map(one_line, lines))  # much of it is the server's text


def print_outcome(out: Console, plan: Plan, outcome: Outcome, base_url: str) -> None:
    """Print the failures by rule, then one line that sums up."""
    key_header = plan.catalog.gateway.auth.header
    for rule, failures in _by_rule(outcome.failures):
        for failure in failures[:_SHOWN]:
            out.print(describe(failure, base_url, key_header=key_header), style="red", markup=False)
            out.print()
        if len(failures) > _SHOWN:
            out.print(f"{rule}: {len(failures) - _SHOWN} more like this, see --json", style="red", markup=False)
            out.print()
    if outcome.stopped is not None:
        out.print(f"stopped early, the target can't be reached any more: {outcome.stopped}", style="red", markup=False)
    broken = len({failure.broken.rule for failure in outcome.failures})
    verdict = f"{broken} rules broken, {len(outcome.failures)} times" if broken else "all rules held"
    out.print(
        f"{verdict}: {len(plan.models)} models, {sum(outcome.ran.values())} cases, {outcome.requests} requests, "
        f"{outcome.billed} billed, {outcome.seconds:.1f} s, seed {plan.seed}",
        style="red" if broken or outcome.stopped else "green",
    )


def to_json(plan: Plan, outcome: Outcome, base_url: str) -> dict[str, Any]:
    """The whole outcome as a JSON document, every failure with its curl commands."""
    key_header = plan.catalog.gateway.auth.header
    broken = {rule: len(failures) for rule, failures in _by_rule(outcome.failures)}
    return {
        "target": base_url,
        "seed": plan.seed,
        "max_examples": plan.max_examples,
        "models": [model.slug for model in plan.models],
        "held": not outcome.failures and outcome.stopped is None,
        "stopped": outcome.stopped,
        "requests": outcome.requests,
        "billed": outcome.billed,
        "seconds": round(outcome.seconds, 3),
        "rules": [
            {"name": rule.name, "promise": rule.promise, "source": rule.source}
            # A rule without cases of its own is judged on every answer, or every job, of its kind.
            | {"cases": outcome.ran.get(rule.name, 0) if rule.outcomes else None, "broken": broken.get(rule.name, 0)}
            for rule in RULES.values()
        ],
        "failures": [_failure_json(failure, base_url, key_header) for failure in outcome.failures],
    }


def _failure_json(failure: Failure, base_url: str, key_header: str) -> dict[str, Any]:
    case, broken = failure.case, failure.broken
    return {
        "rule": broken.rule,
        "case": case.rule,
        "model": case.model,
        "operation": case.operation,
        "parameter": case.parameter,
        "change": case.change,
        "payload": None if case.payload is None else dict(case.payload),
        "expected": broken.expected,
        "found": broken.found,
        "curl": [curl(request, base_url, key_header=key_header) for request in failure.requests],
    }


def _by_rule(failures: Iterable[Failure]) -> Iterator[tuple[str, list[Failure]]]:
    """The failures of each broken rule, in the order of the table."""
    groups: defaultdict[str, list[Failure]] = defaultdict(list)
    for failure in failures:
        groups[failure.broken.rule].append(failure)
    yield from ((name, groups[name]) for name in RULES if name in groups)
