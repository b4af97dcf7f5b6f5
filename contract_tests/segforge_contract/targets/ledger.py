"""The ledger of a run: the credits spent, and the credits reserved for calls that aren't settled. It does no I/O.

The bound: each request reserves the most that it is assumed to cost before it is sent; `worst` is that of a call. The
credits spent, the reservations and the next reservation together never exceed the cap. A reservation is released only
if

- the request was not sent, or
- it was answered (a job: ended), and a balance read *afterwards* shows its cost, or
- no balance can be read, and the answer is a refusal: the docs say that only a 200 answer is billed.

A call with an unknown outcome keeps its reservation for the rest of the run. The credits spent are the larger of two
sums: the costs that answers state, and the drop in the balance. If the balance can't be read or contradicts the
answers, each call that was carried out counts as the larger of `worst` and its stated cost.

Requests that the docs call free reserve credits too, readings of the balance included, since a reading shows only
what was billed before it. They do so while a balance shows whether they are free.

So the bill stays within the cap if no request costs more than it reserves, and the balance is correct. The first
settlement above `worst` halts the run. The cap can then be exceeded by the excess of that call, and of calls in flight.
A drop in the balance that no call explains, or any drop under a cap of 0, stops free requests too, readings of the
balance included: one of them is billed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

NOTHING = Decimal(0)
_ROUNDING = Decimal("0.005")  # credits that rounding to two decimals may remove from a stated cost
_NOISE = Decimal("0.000001")  # credits of error in a balance stored as a float


@dataclass
class Hold:
    """The reservation of one request, in credits. `told` is the cost that its answers have stated so far."""

    amount: Decimal
    worst: Decimal
    told: Decimal = NOTHING
    settled: bool = False
    """Whether only a reading of the balance is missing."""
    free: bool = False
    """Whether the request is free by the docs."""

    @property
    def most(self) -> Decimal:
        """The most that the request may still turn out to have cost."""
        return max(self.amount, self.told)


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
    tolls: Decimal = NOTHING
    """The costs that answers to free requests state."""
    _assumed: Decimal = NOTHING
    _told_before: Decimal = NOTHING
    """The sum of the stated costs of requests without a reservation: the last reading shows their cost."""
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
        """The credits reserved beyond those spent, so that the sum is the most that the run may have cost so far."""
        return self._most - self.spent

    @property
    def _most(self) -> Decimal:
        # A reservation counts in full: the last reading doesn't show what its request cost, whatever it states.
        assumed = NOTHING if self.trusted else self._assumed
        return max(self._told_before, self.lost, assumed) + sum((hold.most for hold in self._holds.values()), NOTHING)

    @property
    def unsettled(self) -> int:
        """The number of calls with an unknown outcome or a running job."""
        return sum(not (hold.settled or hold.free) for hold in self._holds.values())

    @property
    def readable(self) -> bool:
        """Whether the balance was ever read."""
        return self._balance is not None

    @property
    def reserves_free(self) -> bool:
        """Whether requests that should be free reserve credits: if there are any, and the balance shows their cost."""
        return self.cap > 0 and (self.trusted or not self.readable)

    @property
    def stopped(self) -> bool:
        """Whether not even a free request may be sent."""
        return self.drained or self._most > self.cap + _NOISE

    def fits(self, amount: Decimal, *, free: bool = False) -> bool:
        """Returns whether a call that reserves this amount is allowed, or a request that should be free."""
        return (free or self.halted is None) and not self.drained and self._most + amount <= self.cap

    def reading_helps(self, amount: Decimal, reading: Decimal, *, free: bool = False) -> bool:
        """Returns whether a request doesn't fit, but may once the balance was read. Reading it reserves `reading`."""
        if self.fits(amount, free=free) or not (free or self.halted is None):
            return False
        settled = sum((hold.amount - hold.told for hold in self._holds.values() if hold.settled), NOTHING)
        return self._most - settled + reading + amount <= self.cap

    def reserve(self, call: int, amount: Decimal, worst: Decimal, *, free: bool = False) -> None:
        """Reserves `amount` for a request that may cost up to `worst`. A cap of 0 allows only an amount of 0."""
        self._holds[call] = Hold(amount, worst, free=free)

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
            self.tolls += told
            self.told += told
            self._told_before += told
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
            # Earlier calls are missing from its drop. So are earlier readings without an answer, which stay reserved.
            self.trusted = not (self.carried_out or self.told or any(not hold.free for hold in self._holds.values()))
            return
        lost = max(before - balance, NOTHING)
        self.lost += lost
        expected = self._expected if self.cap else NOTHING
        if lost > expected + _NOISE:
            self.drained = True
            self.halted = (
                f"the balance dropped by {plain(lost)} for calls that may cost at most {plain(expected)}: "
                "a call costs more than assumed, a free request is billed, or the key is also used elsewhere"
            )
        if 2 * self.lost < self.told or (self.carried_out and not self.lost):
            self.trusted = False
        for call in [call for call, hold in self._holds.items() if hold.settled]:
            self._drop(call)

    @property
    def _expected(self) -> Decimal:
        """The most that calls which aren't settled may cost."""
        return sum((hold.worst for hold in self._holds.values() if not hold.free), NOTHING)

    def _drop(self, call: int) -> None:
        self._told_before += self._holds.pop(call).told

    @property
    def unexplained(self) -> Decimal:
        """The drop in the balance beyond stated costs, the assumed cost of other calls, and rounding."""
        excess = self.lost - self.told - self.untold - self._expected - _NOISE - _ROUNDING * self.carried_out
        return max(excess, NOTHING)

    def _settle(self, call: int, told: Decimal | None, *, carried_out: bool) -> None:
        hold = self._holds[call]
        self._tell(hold, told)
        self._assumed += max(hold.worst, hold.told) if carried_out else hold.told
        if carried_out and told is None and not hold.told:
            self.untold += hold.worst
        if not self.trusted:
            self._drop(call)
            return
        hold.amount = hold.worst if carried_out else hold.amount
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
