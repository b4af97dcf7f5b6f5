"""Check that a gateway keeps what its docs promise. The requests are real: the live gateway bills them."""

import argparse
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segforge.cli import Command
from segforge.commands.console import console
from segforge_contract.options import (
    Misuse,
    add_catalog_options,
    chosen_catalog,
    chosen_models,
    chosen_target,
    count,
    told,
)
from segforge_contract.reports import add_report_options, check_reports, report

if TYPE_CHECKING:
    from segforge_contract.campaign import Outcome, Plan
    from segforge_contract.session import Session
    from segforge_contract.target import Target

COMMANDS: Final[dict[str, Command]] = {}
"""Commands below `segforge contract`, each in a module of `segforge_contract.commands`."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--target",
        required=True,
        metavar="URL",
        help="the gateway's base URL, without /v1; or mock, for the mock in this process",
    )
    add_catalog_options(parser)
    add_report_options(parser)
    parser.add_argument(
        "--max-examples",
        type=count,
        default=20,
        metavar="N",
        help="payloads that Hypothesis draws for each model and version, default 20",
    )
    parser.add_argument("--seed", type=count, metavar="N", help="seed of those payloads, drawn unless given")
    parser.add_argument(
        "--deadline", type=float, metavar="SECONDS", help="how long a job may take, default as the docs say"
    )
    parser.add_argument(
        "--yes", action="store_true", help="send requests that may be billed to a host that is not this machine"
    )


def run(args: argparse.Namespace) -> int:
    """Run a campaign; gives 0 if all rules held, 1 if one is broken, 2 where it can't run at all."""
    return told("segforge contract", lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    from segforge_contract.campaign import plan
    from segforge_contract.report import Report
    from segforge_contract.session import open_session

    catalog = chosen_catalog(args)
    models = chosen_models(catalog, args.models)
    check_reports(args)
    target = chosen_target(args.target, args, catalog)
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(2**32)
    try:
        planned = plan(catalog, models, max_examples=args.max_examples, seed=seed)
        if not target.loopback:
            _announce(planned, target, confirmed=args.yes)
        outcome = _campaign(planned, open_session(catalog, target, deadline=args.deadline))
    finally:
        target.close()
    return report(args, Report(planned, outcome, target.base_url))


def _announce(planned: "Plan", target: "Target", *, confirmed: bool) -> None:
    err = console(error=True)
    err.print(
        f"{target.base_url}: up to {planned.requests} requests besides free polls. "
        f"Billed: up to {planned.billed} while it keeps its contract, {planned.worst_case} at worst.",
        style="yellow",
        markup=False,
    )
    if not confirmed:
        raise Misuse(
            "these requests may cost money; add --yes to send them, or --models and --max-examples to send fewer"
        )


def _campaign(planned: "Plan", session: "Session") -> "Outcome":
    import platformdirs

    from segforge_contract.campaign import run as run_campaign
    from segforge_contract.progress import progress_bar

    # Hypothesis keeps tables of characters in a folder that it would make wherever this command is run.
    cache = Path(platformdirs.user_cache_dir("segforge")) / "hypothesis"
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(cache))
    with progress_bar(console(error=True), planned.requests, session) as progress:
        return run_campaign(planned, session, progress=progress)
