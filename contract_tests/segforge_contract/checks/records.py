"""Compares two records of one completed job, such as two reads of its result."""

from typing import Any, Final

from segforge_contract.checks.answers import figure
from segforge_contract.messages.request import Response

_LASTING: Final = ("output", "images", "video", "audio", "seed")
"""The members of a result that can't change once the job is completed."""


def agree(first: Response, again: Response) -> bool:
    """Returns whether two reads of a result hold the same output, and state the same cost if both state one."""
    one, two = _body(first), _body(again)
    if any(_unsigned(one.get(name)) != _unsigned(two.get(name)) for name in _LASTING):
        return False
    costs = [figure(metrics.get("cost")) for metrics in map(_metrics, (one, two))]
    return None in costs or costs[0] == costs[1]


def output_in(response: Response) -> Any:
    """Returns the output that a record states, None if the answer is no record with an output."""
    return _unsigned(_body(response).get("output")) or None


def _body(response: Response) -> dict[str, Any]:
    return response.json if isinstance(response.json, dict) else {}


def _metrics(body: dict[str, Any]) -> dict[str, Any]:
    metrics = body.get("metrics")
    return metrics if isinstance(metrics, dict) else {}


def _unsigned(value: Any) -> Any:
    """Returns a value without the queries of its URLs, which may be signatures."""
    if isinstance(value, dict):
        return {name: _unsigned(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_unsigned(each) for each in value]
    return value.partition("?")[0] if isinstance(value, str) and value.startswith(("https://", "http://")) else value
