"""Checks that a gateway keeps the promises of its docs. The requests are real: the live gateway bills them."""

import argparse
import os
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segforge.cli import Command
from segforge.console import console
from segforge.github import annotating
from segforge.options import count, seconds
from segforge_contract.cli.confirm import add_journal_options, add_spending_options, confirmed
from segforge_contract.cli.deviations import add_deviation_options, known_deviations, today, update_file
from segforge_contract.cli.options import (
    add_catalog_options,
    add_rule_options,
    catalog_of,
    models_of,
    reporting,
    settings_of,
    with_house_rules,
)
from segforge_contract.cli.reports import add_report_options, kept_first, open_reports, report
from segforge_contract.engine.interrupt import interruptible

if TYPE_CHECKING:
    from segforge.spec.finding import Finding
    from segforge_contract.engine.campaign import RunResult
    from segforge_contract.engine.open import Run
    from segforge_contract.engine.plan import Plan
    from segforge_contract.engine.settings import Settings
    from segforge_contract.findings.known import Verdict
    from segforge_contract.reports.reporter import Reporter

COMMANDS: Final[dict[str, Command]] = {
    "rules": Command("segforge_contract.cli.rules", "list the rules that a gateway must keep"),
    "explain": Command("segforge_contract.cli.explain", "explain what a rule checks, why, and which docs promise it"),
    "compare": Command("segforge_contract.cli.compare", "show where two gateways disagree"),
}
"""Commands below `segforge contract`, each in a module of `segforge_contract.cli`."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument(
        "--target",
        metavar="URL",
        help="the gateway's base URL, without /v1; live for the real gateway; or mock for the mock in this process",
    )
    add_catalog_options(parser)
    add_rule_options(parser)
    for option, verb in (("--rules", "test only"), ("--skip-rules", "don't test")):
        parser.add_argument(option, nargs="+", metavar="PATTERN", help=f"{verb} these rules, such as 'range.*'")
    add_report_options(parser)
    parser.add_argument(
        "--max-examples",
        type=count,
        default=3,
        metavar="N",
        help="how many payloads Hypothesis draws for each model and version (default: 3)",
    )
    parser.add_argument("--seed", type=count, metavar="N", help="the seed of those payloads (default: a random one)")
    parser.add_argument(
        "--public-url",
        metavar="URL",
        help="the start of the URLs that the target states for its jobs, if it isn't the target's own",
    )
    parser.add_argument(
        "--deadline",
        type=seconds,
        metavar="SECONDS",
        help="how long a job may take (default: the documented time)",
    )
    parser.add_argument(
        "--max-time",
        type=seconds,
        metavar="SECONDS",
        help="how long the run may take; after that it stops and exits with 2",
    )
    parser.add_argument(
        "--database",
        metavar="DIR",
        help="keep Hypothesis' examples in this folder, or in a shared Redis server: redis://HOST:PORT/0",
    )
    add_spending_options(parser)
    add_journal_options(parser)
    add_deviation_options(parser)


def run(args: argparse.Namespace) -> int:
    """Runs a campaign. Returns 0 if all rules held, 1 if one is broken, 2 if it couldn't run to its end.

    A run that a signal ended returns 128 plus the number of the signal.
    """
    with annotating(args, "contract") as noted:
        return reporting("segforge contract", with_house_rules(args, lambda args: _run(args, noted)))


def _run(args: argparse.Namespace, noted: "list[Finding]") -> int:
    from segforge_contract.engine.open import open_journal
    from segforge_contract.findings.known import verdict_on

    reporters = open_reports(args, noted)
    known = known_deviations(args)
    with interruptible(args.max_time) as ignore_interrupts, open_journal(settings_of(args)) as (resumed, journal):
        settings = _with_seed(resumed)
        plan = _plan(settings, needs_key=not args.plan)
        with confirmed(settings, plan, journal, plan_only=args.plan, agreed=args.yes) as run:
            if run is None:
                return 0
            result = _campaign(run)
            ignore_interrupts()
            result = replace(result, failures=(*result.failures, *run.closing_failures(result)))
            if known is None:
                return _report(args, settings, reporters, run, result, None)
            verdict = verdict_on(known, result, today())
            code = _report(args, settings, reporters, run, replace(result, failures=verdict.new), verdict)
            if args.update_deviations:
                update_file(args.deviations, known, verdict, run.session.target.base_url, agreed=args.yes)
            return code


def _with_seed(settings: "Settings") -> "Settings":
    return settings if settings.seed is not None else replace(settings, seed=random.SystemRandom().randrange(2**32))


def _plan(settings: "Settings", *, needs_key: bool) -> "Plan":
    from segforge_contract.engine.open import check_target
    from segforge_contract.engine.plan import plan
    from segforge_contract.engine.selection import selection

    catalog = catalog_of(settings)
    models = models_of(settings, catalog)
    if settings.replay is None:
        check_target(settings, catalog, needs_key=needs_key)
    planned = plan(
        catalog,
        models,
        max_examples=settings.max_examples or 0,
        seed=settings.seed or 0,
        first=kept_first(settings, catalog, models),
        chosen=selection(settings.rules, settings.skip_rules),
    )
    if settings.database is None:
        return planned
    from segforge_contract.engine.examples import open_examples

    return replace(planned, examples=open_examples(settings.database))


def _campaign(run: "Run") -> "RunResult":
    import platformdirs

    from segforge_contract.cli.progress import progress_bar
    from segforge_contract.engine.campaign import run as run_campaign

    # Hypothesis stores tables of characters; by default it would create a folder in the working directory for them.
    cache = Path(platformdirs.user_cache_dir("segforge")) / "hypothesis"
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(cache))
    with progress_bar(console(error=True), run.plan.requests, run.session, run.ledger) as progress:
        return run_campaign(run.plan, run.session, progress=progress)


def _report(
    args: argparse.Namespace,
    settings: "Settings",
    reporters: "Sequence[Reporter]",
    run: "Run",
    result: "RunResult",
    verdict: "Verdict | None",
) -> int:
    from segforge_contract.reports.report import Report
    from segforge_contract.reports.text import print_money, print_verdict

    found = Report(
        run.plan,
        result,
        run.session.target.base_url,
        run.money,
        verdict,
        specs=settings.specs,
        journal=run.journal or settings.record or settings.resume or settings.replay,
        ended=time.time(),
    )
    code = report(args, settings, reporters, found)
    print_money(console(), run.ledger, result)
    if verdict is not None:
        print_verdict(console(), verdict)
    if result.stopped is not None and run.journal is not None:
        console(error=True).print(f"to resume this run: segforge contract --resume {run.journal}", markup=False)
    return code
