"""Check that a gateway keeps what its docs promise. The requests are real: the live gateway bills them."""

import argparse
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segforge.cli import Command
from segforge.console import console
from segforge_contract.cli.options import (
    add_catalog_options,
    chosen_catalog,
    chosen_models,
    count,
    seconds,
    told,
)
from segforge_contract.engine.interrupt import interruptible
from segforge_contract.engine.open import add_live_options, opened, print_money, taken_up
from segforge_contract.findings.deviation_file import (
    add_deviation_options,
    known_deviations,
    print_verdict,
    update_file,
    verdict_json,
    verdict_on,
)
from segforge_contract.reports.files import add_report_options, check_reports, kept_first, report

if TYPE_CHECKING:
    from segforge.spec.catalog import Catalog
    from segforge_contract.engine.campaign import RunResult
    from segforge_contract.engine.open import Run
    from segforge_contract.engine.plan import Plan
    from segforge_contract.findings.known import Verdict

COMMANDS: Final[dict[str, Command]] = {
    "rules": Command("segforge_contract.cli.rules", "list the rules that a gateway is held to"),
    "explain": Command("segforge_contract.cli.explain", "say what a rule checks, why, and by which docs"),
    "compare": Command("segforge_contract.cli.compare", "say where two gateways disagree"),
}
"""Commands below `segforge contract`, each in a module of `segforge_contract.cli`."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--target",
        metavar="URL",
        help="the gateway's base URL, without /v1; live, for the real one; or mock, for the mock in this process",
    )
    add_catalog_options(parser)
    add_report_options(parser)
    parser.add_argument(
        "--max-examples",
        type=count,
        default=3,
        metavar="N",
        help="payloads that Hypothesis draws for each model and version, default 3",
    )
    parser.add_argument("--seed", type=count, metavar="N", help="seed of those payloads, drawn unless given")
    parser.add_argument(
        "--deadline", type=seconds, metavar="SECONDS", help="how long a job may take, default as the docs say"
    )
    parser.add_argument(
        "--max-time", type=seconds, metavar="SECONDS", help="how long the run may take; then it ends, and exits with 2"
    )
    parser.add_argument(
        "--database",
        metavar="DIR",
        help="keep Hypothesis' examples in that folder, or in a Redis server that runners share: redis://HOST:PORT/0",
    )
    add_live_options(parser)
    add_deviation_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run a campaign; gives 0 if all rules held, 1 if one is broken, 2 where it can't run, or not to its end.

    A run that a signal ended gives 128 and the signal's number.
    """
    return told("segforge contract", lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    check_reports(args)
    known = known_deviations(args)
    with (
        interruptible(args.max_time) as go_through,
        taken_up(args) as journal,
        opened(args, _plan(args, chosen_catalog(args)), journal) as run,
    ):
        if run is None:
            return 0
        outcome = _campaign(run)
        go_through()
        outcome = replace(outcome, failures=(*outcome.failures, *run.closing_failures(outcome)))
        if known is None:
            return _report(args, run, outcome, None)
        verdict = verdict_on(known, outcome)
        code = _report(args, run, replace(outcome, failures=verdict.new), verdict)
        if args.update_deviations:
            update_file(args, known, verdict, run.session.target.base_url)
        return code


def _plan(args: argparse.Namespace, catalog: "Catalog") -> "Plan":
    from segforge_contract.engine.plan import plan

    if args.seed is None:
        args.seed = random.SystemRandom().randrange(2**32)
    models = chosen_models(catalog, args.models)
    first = kept_first(args, catalog, models)
    args.out_of_order = bool(first)
    planned = plan(catalog, models, max_examples=args.max_examples, seed=args.seed, first=first)
    if args.database is None:
        return planned
    from segforge_contract.engine.examples import open_examples

    return replace(planned, examples=open_examples(args.database))


def _campaign(run: "Run") -> "RunResult":
    import platformdirs

    from segforge_contract.cli.progress import progress_bar
    from segforge_contract.engine.campaign import run as run_campaign

    # Hypothesis keeps tables of characters in a folder that it would make wherever this command is run.
    cache = Path(platformdirs.user_cache_dir("segforge")) / "hypothesis"
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(cache))
    with progress_bar(console(error=True), run.plan.requests, run.session, run.ledger) as progress:
        return run_campaign(run.plan, run.session, progress=progress)


def _report(args: argparse.Namespace, run: "Run", outcome: "RunResult", verdict: "Verdict | None") -> int:
    from segforge_contract.reports.report import Report

    deviations = None if verdict is None else verdict_json(verdict)
    code = report(args, Report(run.plan, outcome, run.session.target.base_url, run.money, deviations))
    print_money(console(), run, outcome)
    if verdict is not None:
        print_verdict(console(), verdict)
    if outcome.stopped is not None and run.journal is not None:
        console(error=True).print(f"go on with it by: segforge contract --resume {run.journal}", markup=False)
    return code
