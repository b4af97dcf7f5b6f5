"""The ledger's law: the bill stays within the cap if no call costs more than assumed and the balance is correct."""

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from segforge_contract.targets.ledger import NOTHING, Ledger, plain

WORST = Decimal("0.05")
OPENING = Decimal(100)


class Gateway:
    """A gateway's true bill and the costs that it states. `witness` is the behavior of its balance."""

    def __init__(self, witness: str) -> None:
        self.witness = witness
        self.billed = Decimal(0)
        self.owed: dict[str, Decimal] = {}

    def balance(self) -> Decimal | None:
        return {"true": OPENING - self.billed, "frozen": OPENING, "missing": None}[self.witness]


prices = st.sampled_from([Decimal(0), Decimal("0.0033"), Decimal("0.02"), WORST])
costs = st.sampled_from([None, Decimal(0), Decimal("0.01"), WORST, Decimal("0.2")])
FREE = Decimal("0.01")
steps = st.tuples(
    st.sampled_from(
        ["run", "run", "lost", "lost before", "refused", "submit", "end", "fail", "free", "weigh", "weigh"]
    ),
    prices,
    costs,
)


@example(  # the balance already shows more than the answers state, so the last stated cost adds to it
    cap=2 * WORST,
    witness="true",
    script=[("run", WORST, None), ("weigh", NOTHING, None), ("run", WORST, WORST), ("run", WORST, WORST)],
    billed_at_submit=False,
)
@example(  # readings of the balance are billed
    cap=5 * FREE, witness="true", script=[("weigh", WORST, None)] * 9, billed_at_submit=False
)
@given(
    cap=st.integers(0, 12).map(lambda calls: calls * WORST + Decimal("0.01") * (calls % 2)),
    witness=st.sampled_from(["true", "frozen", "missing"]),
    script=st.lists(steps, max_size=60),
    billed_at_submit=st.booleans(),
)
def test_bill_stays_within_the_cap(
    cap: Decimal, witness: str, script: list[tuple[str, Decimal, Decimal | None]], billed_at_submit: bool
) -> None:
    """Holds for any stated costs and lost answers; with a correct balance, even if free requests are billed."""
    gateway, ledger = Gateway(witness), Ledger(cap)
    ledger.read(gateway.balance())
    for call, (what, price, told) in enumerate(script, 1):
        if what in ("weigh", "free"):
            _send_free(gateway, ledger, call, min(price, FREE), reads=what == "weigh")
        elif what in ("end", "fail"):
            for request_id, owed in list(gateway.owed.items())[:1]:
                del gateway.owed[request_id]
                gateway.billed += owed if what == "end" or witness == "true" else 0
                ledger.ended(request_id, told, completed=what == "end")
        elif ledger.fits(WORST):
            ledger.reserve(call, WORST, WORST)
            _answer(gateway, ledger, call, what, price, told, billed_at_submit=billed_at_submit)
        assert gateway.billed + sum(gateway.owed.values()) <= cap


def _send_free(gateway: Gateway, ledger: Ledger, call: int, price: Decimal, *, reads: bool) -> None:
    """Sends a request that should be free, such as a reading of the balance. It is billed after its answer is made."""
    if ledger.stopped or (ledger.cap and not ledger.fits(FREE, free=True)):
        return
    if ledger.cap:
        ledger.reserve(call, FREE, FREE, free=True)
    balance = gateway.balance()
    gateway.billed += price if gateway.witness == "true" and ledger.cap else 0
    if reads:
        ledger.read(balance)
    if ledger.cap:
        ledger.refused(call, None)


def _answer(
    gateway: Gateway,
    ledger: Ledger,
    call: int,
    what: str,
    price: Decimal,
    told: Decimal | None,
    *,
    billed_at_submit: bool,
) -> None:
    match what:
        case "before-lost":
            pass
        case "lost":
            gateway.billed += price
        case "refused":
            gateway.billed += price if gateway.witness == "true" else 0
            ledger.refused(call, told)
        case "run":
            gateway.billed += price
            ledger.answered(call, told)
        case "submit":
            if billed_at_submit:
                gateway.billed += price
            gateway.owed[f"job-{call}"] = Decimal(0) if billed_at_submit else price
            ledger.queued(call, f"job-{call}", None)


def test_unknown_outcome_keeps_its_reservation() -> None:
    ledger = Ledger(2 * WORST)
    ledger.read(OPENING)
    ledger.reserve(1, WORST, WORST)
    ledger.read(OPENING)
    assert (ledger.spent, ledger.held, ledger.unsettled) == (NOTHING, WORST, 1)


def test_balance_settles_a_call_and_frees_the_rest() -> None:
    ledger = Ledger(2 * WORST)
    ledger.read(OPENING)
    ledger.reserve(1, WORST, WORST)
    ledger.answered(1, Decimal("0.01"))
    assert (ledger.spent, ledger.held) == (Decimal("0.01"), Decimal("0.04"))  # until the balance is read
    ledger.read(OPENING - Decimal("0.01"))
    assert (ledger.spent, ledger.held) == (Decimal("0.01"), NOTHING)


def test_call_above_the_assumed_price_halts_the_run() -> None:
    ledger = Ledger(Decimal(10))
    ledger.read(OPENING)
    ledger.reserve(1, WORST, WORST)
    ledger.answered(1, Decimal("0.06"))
    assert ledger.halted is not None
    assert not ledger.fits(Decimal(0))


def test_unstated_bill_above_the_assumed_price_halts_the_run_once_the_balance_shows_it() -> None:
    ledger = Ledger(Decimal(10))
    ledger.read(OPENING)
    ledger.reserve(1, WORST, WORST)
    ledger.answered(1, WORST)
    ledger.read(OPENING - Decimal("0.5"))
    assert ledger.halted is not None
    assert ledger.spent == Decimal("0.5")


def test_drop_that_no_answer_states_is_unexplained() -> None:
    ledger = Ledger(Decimal(1))
    ledger.read(OPENING)
    ledger.reserve(1, WORST, WORST)
    ledger.refused(1, None)
    ledger.read(OPENING - WORST)
    assert plain(ledger.unexplained) == "0.049999"


def test_job_keeps_its_reservation_until_it_ends_and_the_balance_is_read() -> None:
    ledger = Ledger(Decimal(1))
    ledger.read(OPENING)
    ledger.reserve(1, WORST, WORST)
    ledger.queued(1, "a", None)
    ledger.read(OPENING)
    assert ledger.held == WORST
    assert ledger.ended("a", Decimal("0.02"), completed=True)
    assert not ledger.ended("a", Decimal("0.02"), completed=True)
    ledger.read(OPENING - Decimal("0.02"))
    assert (ledger.spent, ledger.held) == (Decimal("0.02"), NOTHING)
