"""How a run reaches a gateway that may bill it: under a cap, after a word of consent, and with a journal of it all."""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from segforge.console import console
from segforge_contract.cli.options import chosen_target
from segforge_contract.errors import Misuse

if TYPE_CHECKING:
    from rich.console import Console

    from segforge.spec.catalog import Catalog
    from segforge_contract.engine.campaign import RunResult
    from segforge_contract.engine.failure import Failure
    from segforge_contract.engine.plan import Plan, Price
    from segforge_contract.engine.session import Session
    from segforge_contract.targets.base import Target
    from segforge_contract.targets.journal import Journal
    from segforge_contract.targets.ledger import Ledger

_KEPT = ("seed", "models", "max_examples", "profile", "max_spend", "assume_price")
"""The options that decide what is sent, which a journal holds."""


def add_live_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options about money, the journal and the cassette."""
    add_spending_options(parser)
    kept = parser.add_argument_group("journal").add_mutually_exclusive_group()
    kept.add_argument("--record", type=Path, metavar="FILE", help="write every exchange there, the key masked")
    kept.add_argument(
        "--resume",
        type=Path,
        metavar="FILE",
        help="go on with a run that was cut off, under the seed, models, profile, price and cap in its journal",
    )
    kept.add_argument("--replay", type=Path, metavar="FILE", help="run the checks on what was recorded, offline")


def add_spending_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options about money."""
    money = parser.add_argument_group("money")
    money.add_argument(
        "--plan", action="store_true", help="say what would be sent and what it may cost, and send nothing"
    )
    money.add_argument(
        "--max-spend",
        type=_credits,
        metavar="CREDITS",
        help="spend no more than that, restarts included; 0 sends only what isn't billed, and is the default "
        "for a host that is not this machine",
    )
    money.add_argument(
        "--assume-price",
        type=_price,
        metavar="CREDITS",
        help="the most that one call costs, default as the specs assume",
    )
    money.add_argument("--yes", action="store_true", help="send without asking to a host that is not this machine")


def _credits(text: str) -> str:
    """An amount of credits, kept as it was typed."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not (amount.is_finite() and amount >= 0):
        raise argparse.ArgumentTypeError(f"expected an amount of credits from 0, such as 2.50, found {text!r}")
    return text


def _price(text: str) -> str:
    """An amount of credits above 0: calls that are taken to cost nothing would all fit below any cap."""
    if not Decimal(_credits(text)):
        raise argparse.ArgumentTypeError(f"expected an amount of credits above 0, such as 0.05, found {text!r}")
    return text


@contextmanager
def taken_up(args: argparse.Namespace) -> "Iterator[Journal | None]":
    """The journal of `--resume` or `--replay`, open; what it was started with goes into `args`. Raises Misuse."""
    from segforge_contract.errors import BadJournal
    from segforge_contract.targets.journal import read, reopen

    file = args.resume or args.replay
    if file is None:
        if args.target is None:
            raise Misuse("name a gateway: --target URL, --target live, or --target mock for the one in this process")
        yield None
        return
    try:
        journal = reopen(file) if args.resume else read(file)
    except (OSError, BadJournal) as error:
        raise Misuse(str(error)) from None
    with closing(journal):
        raised = args.max_spend
        if args.resume:
            _check_terms(args, journal)
        vars(args).update({name: journal.settings.get(name) for name in _KEPT})
        if args.resume and args.max_examples is None:
            raise Misuse(f"--resume: {file} is of a pytest run, which can't be gone on with; run pytest again")
        if args.resume and args.max_spend is None:
            raise Misuse(f"--resume: {file} was recorded without a cap, so that it holds no account; start anew")
        args.max_spend = raised if raised is not None and args.resume else args.max_spend
        args.target = args.target or journal.settings.get("target")
        yield journal


def _check_terms(args: argparse.Namespace, journal: "Journal") -> None:
    """Refuse options that are not those of the run that is gone on with; only the cap may be raised. Raises Misuse."""
    for name in ("seed", "models", "profile", "assume_price"):
        given, kept = getattr(args, name), journal.settings.get(name)
        if given is not None and given != kept:
            option = f"--{name.replace('_', '-')}"
            raise Misuse(f"--resume: the run goes on under the {option} of its journal, {kept}; leave {option} out")
    cap = journal.settings.get("max_spend")
    if args.max_spend is not None and cap is not None and Decimal(args.max_spend) < Decimal(cap):
        raise Misuse(f"--resume: --max-spend may raise the cap of {cap}, not lower it to {args.max_spend}")


@dataclass(frozen=True)
class Run:
    """A campaign that is ready to go: what it sends, to whom, and the ledger if there is a cap."""

    plan: "Plan"
    session: "Session"
    ledger: "Ledger | None" = None
    journal: Path | None = None
    """The file to go on with if it is cut off."""

    def closing_failures(self, outcome: "RunResult") -> "list[Failure]":
        """What the balance shows once all is sent, unless a rule about money told it: money no answer speaks of."""
        from segforge_contract.engine.campaign import unexplained

        told = any(failure.broken.rule.startswith("money.") for failure in outcome.failures)
        return [] if self.ledger is None or told else unexplained(self.ledger, self.plan.catalog.gateway)

    @property
    def money(self) -> "Mapping[str, str | int | bool | None] | None":
        """What a report holds about money, if there is a cap."""
        return None if self.ledger is None else self.ledger.in_words()


def print_money(out: "Console", run: Run, outcome: "RunResult") -> None:
    """Print what was held back and why, and what was spent."""
    for reason, cases in outcome.unsent.items():
        out.print(f"{cases} not sent: {reason}", style="yellow", markup=False)
    if run.ledger is not None:
        print_ledger(out, run.ledger)


def print_ledger(out: "Console", ledger: "Ledger") -> None:
    """Print what was spent, and how that is known."""
    from segforge_contract.targets.ledger import plain

    if ledger.trusted:
        word = "by the balance" if ledger.lost >= ledger.told else "by the answers"
    else:
        word = "by the answers, the balance being no witness"
    out.print(
        f"spent {plain(ledger.spent)} of {plain(ledger.cap)} credits {word}, "
        f"{plain(ledger.held)} kept back for {ledger.unsettled} open calls"
    )
    if ledger.halted is not None:
        out.print(f"halted: {ledger.halted}", style="red", markup=False)


@contextmanager
def opened(args: argparse.Namespace, plan: "Plan", journal: "Journal | None") -> "Iterator[Run | None]":
    """A plan made ready to run by the options, announced and agreed to; None where it was to be announced only.

    Raises Misuse and BadTarget.
    """
    from segforge_contract.engine.plan import announcement

    if journal is not None and args.replay is not None:
        yield _replayed(args, plan, journal)
        return
    with closing(chosen_target(args.target, args, plan.catalog)) as target:
        cap, price = _terms(args, plan.catalog, target)
        plan = _under(plan, cap, price)
        lines = announcement(plan, target.base_url, cap, price)
        if args.plan:
            known = [] if journal is None or cap is None else [_spent_before(plan.catalog, journal, cap, price)]
            console().print("\n".join([*lines, *known]), markup=False)
            yield None
            return
        if not target.loopback:
            _ask(lines, agreed=args.yes)
        with closing(journal or _start_journal(args, target, cap)) as kept:
            yield _ready(args, plan, target, kept, cap, price)


def _spent_before(catalog: "Catalog", journal: "Journal", cap: Decimal, price: "Price") -> str:
    """What a run that is to be gone on with has left of its cap, by its journal alone."""
    from segforge_contract.targets.capped import CappedTarget
    from segforge_contract.targets.journal import Journal
    from segforge_contract.targets.ledger import NOTHING, plain
    from segforge_contract.targets.replay import ReplayedTarget

    nobody, kept = ReplayedTarget(Journal(journal.settings)), Journal(journal.settings, journal.entries)
    ledger = CappedTarget(nobody, catalog.gateway, kept, cap=cap, worst=price.of).ledger
    left = max(cap - ledger.spent - ledger.held, NOTHING)
    return f"Before: {plain(ledger.spent)} spent, {plain(ledger.held)} kept back, so that {plain(left)} are left."


def _replayed(args: argparse.Namespace, plan: "Plan", journal: "Journal") -> Run:
    from segforge_contract.engine.session import open_session
    from segforge_contract.targets.replay import ReplayedTarget

    target = ReplayedTarget(journal)
    cap, price = _terms(args, plan.catalog, target)
    session = open_session(
        plan.catalog,
        target,
        deadline=args.deadline,
        sleep=target.pause,
        clock=target.clock,
        careful=cap is not None,
        audited=not journal.settings.get("out_of_order"),
    )
    return Run(_under(plan, cap, price), session)


def _ready(
    args: argparse.Namespace, plan: "Plan", target: "Target", journal: "Journal", cap: Decimal | None, price: "Price"
) -> Run:
    from segforge_contract.engine.preflight import look_at
    from segforge_contract.engine.session import open_session
    from segforge_contract.targets.replay import RecordedTarget

    look_at(target, plan.catalog)
    if cap is None:
        kept = RecordedTarget(target, journal) if journal.durable else target
        return Run(plan, open_session(plan.catalog, kept, deadline=args.deadline))
    session, ledger = _within(cap, price, plan.catalog, target, journal, args.deadline)
    return Run(plan, session, ledger, journal.file)


def _within(
    cap: Decimal, price: "Price", catalog: "Catalog", target: "Target", journal: "Journal", deadline: float | None
) -> "tuple[Session, Ledger]":
    """A session under a cap, and its ledger. Raises Misuse where the journal is another gateway's."""
    from segforge_contract.engine.session import open_session
    from segforge_contract.targets.capped import CappedTarget
    from segforge_contract.targets.patient import PatientTarget

    if journal.settings.get("target") != target.base_url:
        raise Misuse(f"--resume: the journal is of {journal.settings.get('target')}, not of {target.base_url}")
    purse = CappedTarget(target, catalog.gateway, journal, cap=cap, worst=price.of, tell=_tell_wait)
    session = open_session(
        catalog,
        PatientTarget(purse, tell=_tell_wait),
        deadline=deadline,
        sleep=purse.pause,
        careful=True,
        audited=not journal.entries,
    )
    return session, purse.ledger


def _tell_wait(seconds: float) -> None:
    """Say on stderr why nothing happens for a while."""
    if seconds >= 1:
        console(error=True).print(f"answered 429, too many requests: waiting {seconds:.0f} s", style="yellow")


@contextmanager
def session_within(max_spend: str | None, catalog: "Catalog", target: "Target") -> "Iterator[Session]":
    """A session without a plan, under a cap if one is named or the target is not this machine.

    Raises Misuse, BadTarget and Unreachable.
    """
    from segforge_contract.engine.preflight import look_at
    from segforge_contract.engine.session import open_session

    args = argparse.Namespace(**dict.fromkeys(_KEPT), record=None, out_of_order=True)
    try:
        args.max_spend = None if max_spend is None else _credits(max_spend)
    except argparse.ArgumentTypeError as error:
        raise Misuse(str(error)) from None
    cap, price = _terms(args, catalog, target)
    look_at(target, catalog)
    if cap is None:
        yield open_session(catalog, target)
        return
    with closing(_start_journal(args, target, cap)) as journal:
        yield _within(cap, price, catalog, target, journal, None)[0]


def _terms(args: argparse.Namespace, catalog: "Catalog", target: "Target") -> "tuple[Decimal | None, Price]":
    """The cap (None for none) and the price of a call; a host that isn't this machine always has a cap."""
    from segforge_contract.engine.plan import assumed_price
    from segforge_contract.targets.ledger import plain

    try:
        price = assumed_price(catalog, None if args.assume_price is None else Decimal(args.assume_price))
    except KeyError as error:
        raise Misuse(f"the specs assume no price (assumptions.{error.args[0]}); state one: --assume-price") from None
    if args.max_spend is None and not target.loopback:
        args.max_spend = "0"
    cap = None if args.max_spend is None else Decimal(args.max_spend)
    if cap and cap < price.worst:
        raise Misuse(
            f"--max-spend: {plain(cap)} doesn't cover one call of {plain(price.worst)} credits; "
            "give 0 for what isn't billed, more for what is, or a lower --assume-price"
        )
    return cap, price


def _under(plan: "Plan", cap: Decimal | None, price: "Price") -> "Plan":
    from segforge_contract.engine.plan import within

    return plan if cap is None else within(plan, cap, price)


def _ask(lines: Iterable[str], *, agreed: bool) -> None:
    """Say what is going to be sent, and ask unless that was agreed to. Raises Misuse."""
    err = console(error=True)
    for line in lines:
        err.print(line, style="yellow", markup=False)
    if agreed:
        return
    if not sys.stdin.isatty():
        raise Misuse(
            "these requests may cost money; add --yes to send them, or --models and --max-examples to send fewer"
        )
    err.print("Send them? [y/N] ", end="", markup=False)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Misuse("nothing was sent")


def _start_journal(args: argparse.Namespace, target: "Target", cap: Decimal | None) -> "Journal":
    """A journal at `--record`; a run that may spend always keeps one. Raises Misuse."""
    from segforge_contract.errors import BadJournal
    from segforge_contract.targets.journal import Journal, create

    settings = {
        "target": target.base_url,
        "loopback": target.loopback,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "out_of_order": args.out_of_order,
        **{name: getattr(args, name) for name in _KEPT},
    }
    if args.record is None and not cap:
        return Journal(settings)
    try:
        file = args.record or _own_file()
        journal = create(file, settings)
    except (OSError, BadJournal) as error:
        raise Misuse(f"--record: {error}") from None
    if cap:
        console(error=True).print(f"if this run is cut off, go on with it by --resume {file}", markup=False)
    return journal


def _own_file() -> Path:
    import platformdirs

    folder = Path(platformdirs.user_state_dir("segforge")) / "contract"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{time.monotonic_ns():x}.jsonl"
