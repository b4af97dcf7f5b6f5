"""What calls cost: what the answers say, and what the balance says."""

from dataclasses import dataclass
from typing import NamedTuple

from segforge_contract.checks.answers import figure
from segforge_contract.messages.request import Response

TOLERANCE = 1e-6
"""Credits; sums of floats are no better than that."""


class Balance(NamedTuple):
    """The balance of an account, in credits: those that were paid for, and those that are free."""

    credits: float
    free: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.credits + self.free

    def shows(self, remaining: float) -> bool:
        """Whether this is what `remaining` credits are; no page says whether that counts the free ones."""
        return any(abs(known - remaining) <= TOLERANCE for known in (self.credits, self.total))


def read_balance(response: Response) -> Balance | None:
    """The balance that an answer of the credits route tells, None where it tells none."""
    body = response.json if response.status == 200 else None
    if not isinstance(body, dict) or figure(body.get("credits")) is None:
        return None
    return Balance(figure(body["credits"]) or 0.0, figure(body.get("free-credits")) or 0.0)


@dataclass
class Account:
    """What the answers since a reading of the balance said about money.

    `spent` is the sum of their costs, `unknown` how many named none though they were billed, `cost` and `remaining`
    what the last one said. `reading`: whether anybody is going to hold that against the balance. `tangled`: something
    ended otherwise than it had to, so that nobody can tell what it should have cost.
    """

    spent: float = 0.0
    unknown: int = 0
    cost: float | None = None
    remaining: float | None = None
    reading: bool = False
    tangled: bool = False

    def add(self, cost: float | None, remaining: float | None) -> None:
        """Count one billed answer."""
        if cost is None or cost < 0:
            self.unknown += 1
        else:
            self.spent += cost
            self.cost = cost or self.cost
        self.remaining = remaining
