"""The cost of calls: by the answers, and by the balance."""

from dataclasses import dataclass
from typing import NamedTuple

from segforge_contract.checks.answers import figure
from segforge_contract.messages.request import Response

TOLERANCE = 1e-6
"""The precision of sums of floats, in credits."""


class Balance(NamedTuple):
    """The balance of an account: paid and free credits."""

    credits: float
    free: float

    @property
    def total(self) -> float:
        """The paid and free credits together."""
        return self.credits + self.free

    def shows(self, remaining: float) -> bool:
        """Returns whether `remaining` matches the balance, with or without free credits: no page says which."""
        return any(abs(known - remaining) <= TOLERANCE for known in (self.credits, self.total))


def read_balance(response: Response) -> Balance | None:
    """Returns the balance in an answer of the credits route, or None if it holds none."""
    body = response.json if response.status == 200 else None
    if not isinstance(body, dict):
        return None
    credits, free = figure(body.get("credits")), figure(body.get("free-credits"))
    if credits is None or (free is None and body.get("free-credits") is not None):
        return None
    return Balance(credits, free or 0.0)


@dataclass
class Account:
    """The costs that answers have stated since a reading of the balance, in credits.

    `spent` is the sum of the costs, and `unknown` counts the billed answers without a cost. `cost` and `remaining` are
    the values of the last answer. `reading`: whether the sum will be compared with the balance. `tangled`: a call ended
    in an unexpected way, so its correct cost is unknown.
    """

    spent: float = 0.0
    unknown: int = 0
    cost: float | None = None
    remaining: float | None = None
    reading: bool = False
    tangled: bool = False

    def add(self, cost: float | None, remaining: float | None) -> None:
        """Adds one billed answer."""
        if cost is None or cost < 0:
            self.unknown += 1
        else:
            self.spent += cost
            self.cost = cost or self.cost
        self.remaining = remaining
