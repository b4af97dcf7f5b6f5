"""The rule about response times, which is off unless `--max-time-factor` states the factor that it allows."""

from typing import Any, Final

from segforge_contract.rules.house import HouseRule
from segforge_contract.rules.table import Rule

NAME: Final = "time.within_average"


def time_rule(factor: float) -> HouseRule:
    """Returns the rule that a v1 answer takes at most `factor` times the average time of its model.

    The average is that of the vendor's directory. The time of a v2 job is not judged, since jobs wait in a queue and a
    run looks at several in turn.
    """

    def within_average(exchange: Any) -> str | None:
        if not is_timed(exchange):
            return None
        limit = factor * exchange.model.average.seconds
        taken = exchange.response.seconds
        return None if taken <= limit else f"{taken:.3g} s, more than {factor:g} times {limit / factor:.3g} s"

    promise = f"a v1 output takes at most {factor:g} times the average time of its model"
    why = "callers choose their timeouts by the average that the vendor publishes"
    rule = Rule(NAME, "house", promise, "the vendor's directory; the factor is --max-time-factor", why=why)
    return HouseRule(rule, within_average, "timing.py", is_timed, ("run",))


def is_timed(exchange: Any) -> bool:
    """Whether an answer is a v1 output whose time was measured, of a model with a stated average."""
    average = None if exchange.model is None else exchange.model.average
    measured = exchange.response.seconds is not None and exchange.response.status == 200
    return measured and exchange.case.operation == "run" and average is not None and bool(average.seconds)
