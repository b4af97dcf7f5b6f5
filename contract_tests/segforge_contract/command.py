"""Check that a gateway keeps what its docs promise. The requests are real: the live gateway bills them."""

import argparse
import json
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segforge.cli import Command
from segforge.commands.console import console
from segforge_contract.deviation_file import (
    add_deviation_options,
    known_deviations,
    print_verdict,
    update_file,
    verdict_json,
    verdict_on,
)
from segforge_contract.live import add_live_options, opened, print_money, taken_up
from segforge_contract.options import (
    Misuse,
    add_catalog_options,
    chosen_catalog,
    chosen_models,
    count,
    told,
    writable,
)

if TYPE_CHECKING:
    from segforge.spec.catalog import Catalog
    from segforge_contract.campaign import Outcome, Plan
    from segforge_contract.deviations import Verdict
    from segforge_contract.live import Run
    from segforge_contract.session import Session

COMMANDS: Final[dict[str, Command]] = {
    "compare": Command("segforge_contract.commands.compare", "say where two gateways disagree"),
}
"""Commands below `segforge contract`, each in a module of `segforge_contract.commands`."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--target",
        metavar="URL",
        help="the gateway's base URL, without /v1; live, for the real one; or mock, for the mock in this process",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole report there")
    add_catalog_options(parser)
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
    add_live_options(parser)
    add_deviation_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run a campaign; gives 0 if all rules held, 1 if one is broken, 2 where it can't run at all."""
    return told("segforge contract", lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    writable("--json", args.json)
    known = known_deviations(args)
    with taken_up(args) as journal, opened(args, _plan(args, chosen_catalog(args)), journal) as run:
        if run is None:
            return 0
        outcome = _campaign(run.plan, run.session)
        outcome = replace(outcome, failures=(*outcome.failures, *run.closing_failures()))
        if known is None:
            return _report(args, run, outcome, None)
        verdict = verdict_on(known, outcome)
        code = _report(args, run, replace(outcome, failures=verdict.new), verdict)
        if args.update_deviations:
            update_file(args, known, verdict, run.session.target.base_url)
        return code


def _plan(args: argparse.Namespace, catalog: "Catalog") -> "Plan":
    from segforge_contract.campaign import plan

    if args.seed is None:
        args.seed = random.SystemRandom().randrange(2**32)
    return plan(catalog, chosen_models(catalog, args.models), max_examples=args.max_examples, seed=args.seed)


def _campaign(planned: "Plan", session: "Session") -> "Outcome":
    import platformdirs

    from segforge_contract.campaign import run as run_campaign
    from segforge_contract.progress import progress_bar

    # Hypothesis keeps tables of characters in a folder that it would make wherever this command is run.
    cache = Path(platformdirs.user_cache_dir("segforge")) / "hypothesis"
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(cache))
    with progress_bar(console(error=True), planned.requests, session) as progress:
        return run_campaign(planned, session, progress=progress)


def _report(args: argparse.Namespace, run: "Run", outcome: "Outcome", verdict: "Verdict | None") -> int:
    from segforge_contract.report import Report, print_report, to_json

    report = Report(run.plan, outcome, run.session.target.base_url)
    print_report(console(), report)
    print_money(console(), run, outcome)
    if verdict is not None:
        print_verdict(console(), verdict)
    if args.json is not None:
        document = to_json(report) | run.to_json(outcome)
        if verdict is not None:
            document["deviations"] = verdict_json(verdict)
        try:
            args.json.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
        except OSError as error:
            raise Misuse(f"--json: {error}") from None
    if outcome.failures or (verdict is not None and not verdict.holds):
        return 1
    return 0 if outcome.stopped is None and run.halted is None else 2
