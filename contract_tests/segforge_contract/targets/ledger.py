"""What a run may spend, has spent, and holds back for calls whose cost isn't settled. Pure; all amounts in credits.

The bound. `worst` is the most that one call is taken to cost. Before a call that much is reserved; what was spent,
what is reserved and the next reservation together never exceed the cap. A reservation is given back only when

- nothing was sent, or
- the call was answered (a job: ended), and a balance read *after that* shows what it cost, or
- no balance can be read, and the answer is a refusal: the docs say that only an answer of 200 is billed.

A call whose outcome is unknown keeps its reservation for good. What was spent is the larger of what the answers state
and what the balance lost; where the balance can't be read or contradicts the answers, each call that was carried out
counts as the larger of `worst` and what it states. So the bill stays within the cap as long as no call costs more than
`worst` and the balance, where there is one, is true. The first settlement beyond `worst` halts the run: the cap can be
overrun by what that one call exceeds `worst` by, calls in flight at that moment aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

NOTHING = Decimal(0)

_ROUNDING = Decimal("0.005")  # what a call's stated cost may lack, printed with two decimals
_NOISE = Decimal("0.000001")  # what a balance kept in binary fractions may be off by


@dataclass
class Hold:
    """What is kept back for one call: `amount` of the cap; `told` is what its answers stated so far."""

    amount: Decimal
    worst: Decimal
    told: Decimal = NOTHING
    settled: bool = False
    """Nothing but a reading of the balance is waited for."""


@dataclass
class Ledger:
    """The book of one run. Calls are numbered by whoever makes them."""

    cap: Decimal
    told: Decimal = NOTHING
    """The sum of all costs that answers stated."""
    lost: Decimal = NOTHING
    """What the balance lost since it was first read."""
    trusted: bool = False
    """Whether the balance can be read, and doesn't contradict the answers."""
    carried_out: int = 0
    halted: str | None = None
    """Why nothing that could be billed may be sent any more, whatever the cap."""
    untold: Decimal = NOTHING
    """What the calls that were carried out without saying their cost were taken to cost at most."""
    _assumed: Decimal = NOTHING
    _balance: Decimal | None = None
    _holds: dict[int, Hold] = field(default_factory=dict)
    _jobs: dict[str, int] = field(default_factory=dict)

    @property
    def spent(self) -> Decimal:
        """What the run has cost, as far as can be known: rather too much than too little."""
        if self.trusted:
            return max(self.told, self.lost)
        return max(self.told, self.lost, self._assumed)

    @property
    def held(self) -> Decimal:
        """What is kept back for calls that are not settled."""
        return sum((hold.amount for hold in self._holds.values()), NOTHING)

    @property
    def awaits_balance(self) -> int:
        """How many calls a reading of the balance would settle."""
        return sum(hold.settled for hold in self._holds.values())

    @property
    def unsettled(self) -> int:
        """How many calls have an unknown outcome, or a job that still runs."""
        return sum(not hold.settled for hold in self._holds.values())

    def fits(self, amount: Decimal) -> bool:
        """Whether a call that is to reserve this much may be made."""
        return self.halted is None and self.spent + self.held + amount <= self.cap

    def reserve(self, call: int, amount: Decimal, worst: Decimal) -> None:
        """Keep `amount` back for a call that may cost up to `worst`; a cap of 0 allows for an amount of 0 alone."""
        self._holds[call] = Hold(amount, worst)

    def release(self, call: int) -> None:
        """Nothing was sent."""
        del self._holds[call]

    def refused(self, call: int, told: Decimal | None) -> None:
        """The call was answered, and not carried out."""
        self._settle(call, told, carried_out=False)

    def answered(self, call: int, told: Decimal | None) -> None:
        """The call was carried out."""
        self.carried_out += 1
        self._settle(call, told, carried_out=True)

    def queued(self, call: int, request_id: str, told: Decimal | None) -> None:
        """The call started a job, which may be billed until it has ended."""
        hold = self._holds[call]
        hold.amount = max(hold.amount, hold.worst)
        self._tell(hold, told)
        if self._jobs.setdefault(request_id, call) != call:
            self.halted = f"two submits were given the same request_id {request_id}: what either costs can't be told"

    def ended(self, request_id: str, told: Decimal | None, *, completed: bool) -> bool:
        """A job has ended; gives whether it is one of this run that wasn't known to have."""
        call = self._jobs.get(request_id)
        if call is None or call not in self._holds or self._holds[call].settled:
            return False
        (self.answered if completed else self.refused)(call, told)
        return True

    def read(self, balance: Decimal | None) -> None:
        """The balance was read, or (None) could not be. Settles all calls that were answered before."""
        if balance is None:
            return
        before, self._balance = self._balance, balance
        if before is None:
            self.trusted = not (self._holds or self.carried_out or self.told)  # else what came before is not in it
            return
        lost = max(before - balance, NOTHING)
        self.lost += lost
        expected = sum((hold.worst for hold in self._holds.values()), NOTHING)
        if lost > expected + _NOISE:
            self.halted = (
                f"the balance lost {plain(lost)} over calls that may cost {plain(expected)} at most: "
                "a call costs more than assumed, or the key is in use elsewhere"
            )
        if 2 * self.lost < self.told or (self.carried_out and not self.lost):
            self.trusted = False
        self._holds = {call: hold for call, hold in self._holds.items() if not hold.settled}

    @property
    def unexplained(self) -> Decimal:
        """What the balance lost beyond what answers stated, silent or open calls may cost, and rounding may hide."""
        unsettled = sum((hold.worst for hold in self._holds.values()), NOTHING)
        excess = self.lost - self.told - self.untold - unsettled - _NOISE - _ROUNDING * self.carried_out
        return max(excess, NOTHING)

    def _settle(self, call: int, told: Decimal | None, *, carried_out: bool) -> None:
        hold = self._holds[call]
        self._tell(hold, told)
        self._assumed += max(hold.worst, hold.told) if carried_out else hold.told
        if carried_out and told is None and not hold.told:
            self.untold += hold.worst
        if not self.trusted:
            del self._holds[call]
            return
        hold.amount = max((hold.worst if carried_out else hold.amount) - hold.told, NOTHING)
        hold.settled = True

    def _tell(self, hold: Hold, told: Decimal | None) -> None:
        if told is None or told <= hold.told:
            return
        self.told += told - hold.told
        hold.told = told
        if told > hold.worst:
            self.halted = f"a call was billed {plain(told)} credits, more than the {plain(hold.worst)} assumed at worst"

    def in_words(self) -> Mapping[str, str | int | bool | None]:
        """The book's totals, for a report."""
        return {
            "cap": plain(self.cap),
            "spent": plain(self.spent),
            "held": plain(self.held),
            "stated": plain(self.told),
            "balance_lost": plain(self.lost),
            "balance_trusted": self.trusted,
            "carried_out": self.carried_out,
            "unsettled": self.unsettled,
            "halted": self.halted,
        }


def plain(amount: Decimal) -> str:
    """An amount as people write it, without an exponent or zeros at its end."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
