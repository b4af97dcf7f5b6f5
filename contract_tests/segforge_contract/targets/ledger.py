"""The ledger of a run: the credits spent, and the credits reserved for calls that aren't settled. It does no I/O.

The bound: `worst` is the most that one call is assumed to cost, and that much is reserved before each call. The credits
spent, the reservations and the next reservation together never exceed the cap. A reservation is released only if

- the request was not sent, or
- the call was answered (a job: ended), and a balance read *afterwards* shows its cost, or
- no balance can be read, and the answer is a refusal: the docs say that only a 200 answer is billed.

A call with an unknown outcome keeps its reservation for the rest of the run. The credits spent are the larger of two
sums: the costs that answers state, and the drop in the balance. If the balance can't be read or contradicts the
answers, each call that was carried out counts as the larger of `worst` and its stated cost.

So the bill stays within the cap if no call costs more than `worst`, requests that the docs call free are free, and any
balance is correct. The first settlement above `worst` halts the run. The cap can then be exceeded by the excess of that
call, and of calls in flight. A drop in the balance that no call explains, or any drop under a cap of 0, stops free
requests too, readings of the balance included: one of them is billed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

NOTHING = Decimal(0)
_ROUNDING = Decimal("0.005")  # credits that rounding to two decimals may remove from a stated cost
_NOISE = Decimal("0.000001")  # credits of error in a balance stored as a float


@dataclass
class Hold:
    """The reservation of one call, in credits. `told` is the cost that its answers have stated so far."""

    amount: Decimal
    worst: Decimal
    told: Decimal = NOTHING
    settled: bool = False
    """Whether only a reading of the balance is missing."""


@dataclass
class Ledger:
    """The ledger of one run. The caller numbers the calls."""

    cap: Decimal
    told: Decimal = NOTHING
    """The sum of all stated costs."""
    lost: Decimal = NOTHING
    """The drop in the balance since it was first read."""
    trusted: bool = False
    """Whether the balance can be read and agrees with the answers."""
    carried_out: int = 0
    halted: str | None = None
    """The reason why no more billable requests may be sent, whatever the cap; None if they may."""
    drained: bool = False
    """Whether the balance dropped more than the calls explain, so that no request is known to be free."""
    untold: Decimal = NOTHING
    """The assumed maximum cost of calls that were carried out without a stated cost."""
    _assumed: Decimal = NOTHING
    _balance: Decimal | None = None
    _holds: dict[int, Hold] = field(default_factory=dict)
    _jobs: dict[str, int] = field(default_factory=dict)

    @property
    def spent(self) -> Decimal:
        """The cost of the run as far as known; an estimate is never too low."""
        if self.trusted:
            return max(self.told, self.lost)
        return max(self.told, self.lost, self._assumed)

    @property
    def held(self) -> Decimal:
        """The sum of all reservations."""
        return sum((hold.amount for hold in self._holds.values()), NOTHING)

    @property
    def awaits_balance(self) -> int:
        """The number of calls that a reading of the balance would settle."""
        return sum(hold.settled for hold in self._holds.values())

    @property
    def unsettled(self) -> int:
        """The number of calls with an unknown outcome or a running job."""
        return sum(not hold.settled for hold in self._holds.values())

    @property
    def readable(self) -> bool:
        """Whether the balance was ever read."""
        return self._balance is not None

    @property
    def stopped(self) -> bool:
        """Whether not even a free request may be sent."""
        return self.drained or self.spent + self.held > self.cap + _NOISE

    def fits(self, amount: Decimal) -> bool:
        """Returns whether a call that reserves this amount is allowed."""
        return self.halted is None and self.spent + self.held + amount <= self.cap

    def reserve(self, call: int, amount: Decimal, worst: Decimal) -> None:
        """Reserves `amount` for a call that may cost up to `worst`. A cap of 0 allows only an amount of 0."""
        self._holds[call] = Hold(amount, worst)

    def release(self, call: int) -> None:
        """Releases the reservation of a call that was not sent."""
        del self._holds[call]

    def refused(self, call: int, told: Decimal | None) -> None:
        """Settles a call that was answered but not carried out."""
        self._settle(call, told, carried_out=False)

    def answered(self, call: int, told: Decimal | None) -> None:
        """Settles a call that was carried out."""
        self.carried_out += 1
        self._settle(call, told, carried_out=True)

    def queued(self, call: int, request_id: str, told: Decimal | None) -> None:
        """Notes that the call started a job, which may be billed until it ends."""
        hold = self._holds[call]
        hold.amount = max(hold.amount, hold.worst)
        self._tell(hold, told)
        if self._jobs.setdefault(request_id, call) != call:
            self.halted = f"two submits returned the same request_id {request_id}, so their costs can't be separated"

    def free(self, told: Decimal | None) -> None:
        """Notes the cost that the answer to a free request states, which should be none."""
        if told:
            self.told += told
            self.drained = True
            self.halted = f"a request that is free by the docs was billed {plain(told)} credits, as its answer states"

    def ended(self, request_id: str, told: Decimal | None, *, completed: bool) -> bool:
        """Settles a job that has ended. Returns False if the job is unknown or already settled."""
        call = self._jobs.get(request_id)
        if call is None or call not in self._holds or self._holds[call].settled:
            return False
        (self.answered if completed else self.refused)(call, told)
        return True

    def read(self, balance: Decimal | None) -> None:
        """Settles all answered calls by a reading of the balance. None means that it couldn't be read."""
        if balance is None:
            return
        before, self._balance = self._balance, balance
        if before is None:
            self.trusted = not (self._holds or self.carried_out or self.told)  # earlier calls are missing from its drop
            return
        lost = max(before - balance, NOTHING)
        self.lost += lost
        expected = sum((hold.worst for hold in self._holds.values()), NOTHING) if self.cap else NOTHING
        if lost > expected + _NOISE:
            self.drained = True
            self.halted = (
                f"the balance dropped by {plain(lost)} for calls that may cost at most {plain(expected)}: "
                "a call costs more than assumed, a free request is billed, or the key is also used elsewhere"
            )
        if 2 * self.lost < self.told or (self.carried_out and not self.lost):
            self.trusted = False
        self._holds = {call: hold for call, hold in self._holds.items() if not hold.settled}

    @property
    def unexplained(self) -> Decimal:
        """The drop in the balance beyond stated costs, the assumed cost of other calls, and rounding."""
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
        most = hold.worst if self.cap else NOTHING
        if told > most:
            self.halted = f"a call was billed {plain(told)} credits, more than the assumed maximum of {plain(most)}"

    def in_words(self) -> Mapping[str, str | int | bool | None]:
        """Returns the totals for a report."""
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
    """Returns an amount as text, without an exponent or trailing zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
