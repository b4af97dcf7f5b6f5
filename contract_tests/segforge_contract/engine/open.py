"""Opens a target under the terms of a run: its cap, its price and its journal."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

from segforge.spec.catalog import Catalog
from segforge_contract.engine.campaign import RunResult, unexplained
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.plan import Plan, announcement, within
from segforge_contract.engine.preflight import look_at
from segforge_contract.engine.price import Prices, prices_of
from segforge_contract.engine.session import Session, open_session
from segforge_contract.engine.settings import Settings, continued
from segforge_contract.errors import BadJournal, BadTarget, Misuse
from segforge_contract.messages.request import INVALID_KEY
from segforge_contract.targets.base import Target, checked_url
from segforge_contract.targets.capped import CappedTarget
from segforge_contract.targets.journal import Journal, create, read, reopen
from segforge_contract.targets.ledger import NOTHING, Ledger, plain
from segforge_contract.targets.open import IN_PROCESS, open_target
from segforge_contract.targets.replay import RecordedTarget, ReplayedTarget

_SHOWN: Final = 5
Notify: TypeAlias = Callable[[str], None]
"""Shows a message to the user while the run goes on."""


@dataclass(frozen=True)
class Run:
    """A campaign that is ready to run: its plan, its session, and the ledger if there is a cap."""

    plan: Plan
    session: Session
    ledger: Ledger | None = None
    journal: Path | None = None
    """The file from which the run can be resumed."""

    def closing_failures(self, result: RunResult) -> list[Failure]:
        """The failure if the balance lost credits that no answer states, unless a rule about money is broken anyway."""
        told = any(failure.broken.rule.startswith("money.") for failure in result.failures)
        return [] if self.ledger is None or told else unexplained(self.ledger, self.plan.catalog.gateway)

    @property
    def money(self) -> Mapping[str, str | int | bool | None] | None:
        """What a report states about money, if there is a cap."""
        return None if self.ledger is None else self.ledger.in_words()


@contextmanager
def open_journal(settings: Settings) -> Iterator[tuple[Settings, Journal | None]]:
    """Opens the journal to resume or replay, if there is one, and derives the settings of its run. Raises Misuse."""
    file = settings.resume or settings.replay
    if file is None:
        if settings.target is None:
            raise Misuse("--target is missing; expected --target URL, --target live, or --target mock")
        yield settings, None
        return
    try:
        journal = reopen(file) if settings.resume else read(file)
    except (OSError, BadJournal) as error:
        raise Misuse(str(error)) from None
    with closing(journal):
        yield continued(settings, journal.settings), journal


@dataclass(frozen=True)
class Offer:
    """An open target, with the plan and the terms of a run that has not started; `cap` in credits."""

    settings: Settings
    plan: Plan
    target: Target
    cap: Decimal | None
    prices: Prices
    journal: Journal | None = None

    def announcement(self) -> Iterator[str]:
        """Describes what the run will send and may cost, one line at a time."""
        return announcement(self.plan, self.target.base_url, self.cap, self.prices)

    def spent_before(self) -> Iterator[str]:
        """Describes what the journal of a resumed run says about its spending."""
        if self.journal is None or self.cap is None:
            return
        silent = ReplayedTarget(Journal(self.journal.settings))
        kept = Journal(self.journal.settings, self.journal.entries)
        ledger = _purse(silent, self.plan.catalog, kept, self.cap, self.prices).ledger
        left = max(self.cap - ledger.spent - ledger.held, NOTHING)
        yield f"Before: {plain(ledger.spent)} spent, {plain(ledger.held)} reserved, {plain(left)} left."

    @contextmanager
    def start(self, notify: Notify) -> Iterator[Run]:
        """Starts the journal and looks at the target. Raises Misuse, BadTarget and Unreachable."""
        catalog = self.plan.catalog
        with closing(self.journal or self._new_journal(notify)) as journal:
            if self.cap is None:
                look_at(self.target, catalog)
                kept = RecordedTarget(self.target, journal) if journal.durable else self.target
                yield Run(self.plan, _uncapped(self.settings, kept, catalog, notify))
                return
            session, ledger = _capped(self.settings, self.target, catalog, journal, self.cap, self.prices, notify)
            yield Run(self.plan, session, ledger, journal.file)

    def _new_journal(self, notify: Notify) -> Journal:
        return _start_journal(self.settings, self.target, self.cap, notify, reordered=self.plan.reordered)


@contextmanager
def offered(settings: Settings, plan: Plan, journal: Journal | None, *, needs_key: bool = True) -> Iterator[Offer]:
    """Opens the target of a run under its terms, without sending a request. Raises Misuse and BadTarget.

    Without `needs_key`, a missing key is no error: a plan can be shown without one.
    """
    catalog = plan.catalog
    with closing(_target(settings, catalog, needs_key=needs_key)) as target:
        cap, prices = _terms(settings, catalog, target)
        yield Offer(settings, plan if cap is None else within(plan, cap, prices), target, cap, prices, journal)


def check_target(settings: Settings, catalog: Catalog, *, needs_key: bool = True) -> None:
    """Finds a mistake in a URL or the key without a plan, which takes seconds. Raises Misuse and BadTarget."""
    if settings.target not in (None, IN_PROCESS):
        _target(settings, catalog, needs_key=needs_key).close()


def _target(settings: Settings, catalog: Catalog, *, needs_key: bool) -> Target:
    """Opens the target without sending a request. Raises Misuse and BadTarget."""
    key = os.environ.get(catalog.gateway.auth.environment) or (None if needs_key else INVALID_KEY)
    _check_public_url(settings)
    return open_target(settings.target or "", key, catalog, settings.specs)


def _check_public_url(settings: Settings) -> None:
    """Refuses a public URL that is none. Raises Misuse."""
    try:
        checked_url(settings.public_url or "https://localhost")
    except BadTarget as error:
        raise Misuse(f"--public-url: {error}") from None


def replayed(settings: Settings, plan: Plan, journal: Journal) -> Run:
    """A run that judges the answers in a journal. Raises Misuse."""
    target = ReplayedTarget(journal)
    cap, prices = _terms(settings, plan.catalog, target)
    session = open_session(
        plan.catalog,
        target,
        deadline=settings.deadline,
        sleep=target.pause,
        clock=target.clock,
        careful=cap is not None,
        audited=not journal.settings.get("out_of_order"),
    )
    session.public_url = settings.public_url
    return Run(plan if cap is None else within(plan, cap, prices), session)


@contextmanager
def session_within(settings: Settings, catalog: Catalog, target: Target, notify: Notify) -> Iterator[Session]:
    """Opens a session without a plan. It has a cap if the settings state one, or if the target is another host.

    Raises Misuse, BadTarget and Unreachable.
    """
    cap, prices = _terms(settings, catalog, target)
    if cap is None:
        look_at(target, catalog)
        yield _uncapped(settings, target, catalog, notify)
        return
    with closing(_start_journal(settings, target, cap, notify, reordered=True)) as journal:
        yield _capped(settings, target, catalog, journal, cap, prices, notify)[0]


def _uncapped(settings: Settings, target: Target, catalog: Catalog, notify: Notify) -> Session:
    session = open_session(catalog, target, deadline=settings.deadline, tell=_tells_waits(notify))
    session.public_url = settings.public_url
    return session


def _capped(
    settings: Settings,
    target: Target,
    catalog: Catalog,
    journal: Journal,
    cap: Decimal,
    prices: Prices,
    notify: Notify,
) -> tuple[Session, Ledger]:
    """A session under a cap, and its ledger. Raises Misuse if the journal belongs to another target.

    Raises BadTarget and Unreachable, as `look_at` does.
    """
    recorded = journal.settings.get("target")
    if recorded != target.base_url:
        raise Misuse(
            f"--resume: the journal's target is {recorded}, not {target.base_url}; omit --target when resuming"
        )
    tell_wait = _tells_waits(notify)
    purse = _purse(target, catalog, journal, cap, prices, tell_wait)
    look_at(target, catalog, purse.look)
    purse.open()
    session = open_session(
        catalog,
        purse,
        deadline=settings.deadline,
        sleep=purse.pause,
        tell=tell_wait,
        careful=True,
        audited=not journal.entries,
    )
    session.public_url = settings.public_url
    return session, purse.ledger


def _purse(
    target: Target,
    catalog: Catalog,
    journal: Journal,
    cap: Decimal,
    prices: Prices,
    tell: Callable[[float], None] = lambda _seconds: None,
) -> CappedTarget:
    """A target under a cap, which has replayed its journal and sent nothing."""
    return CappedTarget(target, catalog.gateway, journal, cap=cap, worst=prices.of, free=prices.free, tell=tell)


def _tells_waits(notify: Notify) -> Callable[[float], None]:
    """Returns a function that shows each wait for a 429 of at least a second."""

    def tell(seconds: float) -> None:
        if seconds >= 1:
            notify(f"429, too many requests: waiting {seconds:.0f} s")

    return tell


def _terms(settings: Settings, catalog: Catalog, target: Target) -> tuple[Decimal | None, Prices]:
    """The cap (None for none) and the prices of calls. A host other than this machine always has a cap.

    A cap needs the price of each model that may be called, and must cover a call of one. Calls that don't fit are not
    sent.
    """
    prices = prices_of(catalog.gateway, catalog.models, settings.assume_price)
    cap = settings.max_spend
    if cap is None and not target.loopback:
        cap = NOTHING
    if not cap:
        return cap, prices
    tested = [model for model in catalog.models if settings.models is None or model.slug in settings.models]
    unknown = [model.slug for model in tested if model.slug not in prices.known]
    if unknown and settings.assume_price is None:
        shown = ", ".join(unknown[:_SHOWN]) + (f" and {len(unknown) - _SHOWN} more" if unknown[_SHOWN:] else "")
        raise Misuse(
            f"no source states what a call of {shown} may cost; state the most that one costs with --assume-price, "
            "choose other models with --models, or set --max-spend to 0 to send only free requests"
        )
    chosen = prices.among(tested)
    if cap < chosen.least + 2 * chosen.free:
        raise Misuse(
            f"--max-spend: {plain(cap)} doesn't cover one call of {plain(chosen.least)} credits, and the "
            f"{plain(2 * chosen.free)} that two readings of the balance may cost on a gateway that bills them; "
            "raise it, or set it to 0 to send only free requests"
        )
    return cap, replace(prices, free=chosen.free)


def _start_journal(
    settings: Settings, target: Target, cap: Decimal | None, notify: Notify, *, reordered: bool
) -> Journal:
    """A new journal. It is a file if `record` names one, or if the run may spend credits. Raises Misuse."""
    header = {
        "target": target.base_url,
        "loopback": target.loopback,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "out_of_order": reordered,
        **settings.stored(cap=cap),
    }
    if settings.record is None and not cap:
        return Journal(header)
    try:
        file = settings.record or _own_file()
        journal = create(file, header)
    except (OSError, BadJournal) as error:
        raise Misuse(f"--record: {error}") from None
    if cap:
        notify(f"if this run is interrupted, resume it with --resume {file}")
    return journal


def _own_file() -> Path:
    import platformdirs

    folder = Path(platformdirs.user_state_dir("segforge")) / "contract"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{time.monotonic_ns():x}.jsonl"
