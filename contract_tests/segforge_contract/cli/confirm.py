"""The options about money and the journal, and the consent to requests that may cost money."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segforge import options
from segforge.console import console
from segforge_contract.errors import Misuse

if TYPE_CHECKING:
    from segforge_contract.engine.open import Run
    from segforge_contract.engine.plan import Plan
    from segforge_contract.engine.settings import Settings
    from segforge_contract.targets.journal import Journal


def add_journal_options(parser: argparse.ArgumentParser) -> None:
    """Declares the options about the journal."""
    kept = parser.add_argument_group("journal").add_mutually_exclusive_group()
    kept.add_argument("--record", type=Path, metavar="FILE", help="write every exchange to this file, the key masked")
    kept.add_argument(
        "--resume",
        type=Path,
        metavar="FILE",
        help="resume an interrupted run with the seed, models, profile, price and cap in its journal",
    )
    kept.add_argument("--replay", type=Path, metavar="FILE", help="judge the answers in this journal, offline")


def add_spending_options(parser: argparse.ArgumentParser) -> None:
    """Declares the options about money."""
    money = parser.add_argument_group("money")
    money.add_argument(
        "--plan", action="store_true", help="print what would be sent and what it may cost, and send nothing"
    )
    money.add_argument(
        "--max-spend",
        type=_credits,
        metavar="CREDITS",
        help="spend no more than this, resumed runs included. 0 sends only free requests, and is the default for "
        "a host other than this machine",
    )
    money.add_argument(
        "--assume-price",
        type=_price,
        metavar="CREDITS",
        help="the most that one call costs (default: the price that the specs assume)",
    )
    money.add_argument("--yes", action="store_true", help="don't ask before sending requests to another host")


_credits: Final = options.OptionType(lambda text: Decimal(options.credits(text)), options.credits.schema)
_price: Final = options.OptionType(lambda text: Decimal(options.price(text)), options.price.schema)


def notify(message: str) -> None:
    """Prints a message on stderr while the run goes on."""
    console(error=True).print(message, style="yellow", markup=False)


@contextmanager
def confirmed(
    settings: "Settings", plan: "Plan", journal: "Journal | None" = None, *, plan_only: bool, agreed: bool
) -> "Iterator[Run | None]":
    """Opens the target, prints the plan and asks for consent. Yields None with `plan_only`.

    `agreed` skips the question. Raises Misuse and BadTarget.
    """
    from segforge_contract.engine.open import offered, replayed

    if journal is not None and settings.replay is not None:
        yield replayed(settings, plan, journal)
        return
    with offered(settings, plan, journal, needs_key=not plan_only) as offer:
        if plan_only:
            console().print("\n".join([*offer.announcement(), *offer.spent_before()]), markup=False)
            yield None
            return
        if not offer.target.loopback:
            _ask(offer.announcement(), agreed=agreed)
        with offer.start(notify) as run:
            yield run


def _ask(lines: Iterable[str], *, agreed: bool) -> None:
    """Prints what will be sent, and asks unless the user agreed already. Raises Misuse."""
    for line in lines:
        notify(line)
    if agreed:
        return
    if not sys.stdin.isatty():
        raise Misuse(
            "these requests may cost money; add --yes to send them, or --models and --max-examples to send fewer"
        )
    console(error=True).print("Send them? [y/N] ", end="", markup=False)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Misuse("nothing was sent: the answer was not y or yes")
