"""Check that a gateway keeps what its docs promise. The requests are real: the live gateway bills them."""

import argparse
import json
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
    writable,
)

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
    parser.add_argument(
        "--yes", action="store_true", help="send requests that may be billed to a host that is not this machine"
    )


def run(args: argparse.Namespace) -> int:
    """Run a campaign; gives 0 if all rules held, 1 if one is broken, 2 where it can't run at all."""
    return told("segforge contract", lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    from segforge_contract.campaign import plan
    from segforge_contract.session import open_session

    catalog = chosen_catalog(args)
    models = chosen_models(catalog, args.models)
    writable("--json", args.json)
    target = chosen_target(args.target, args, catalog)
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(2**32)
    try:
        planned = plan(catalog, models, max_examples=args.max_examples, seed=seed)
        if not target.loopback:
            _announce(planned, target, confirmed=args.yes)
        outcome = _campaign(planned, open_session(catalog, target, deadline=args.deadline))
    finally:
        target.close()
    return _report(planned, outcome, target, args.json)


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
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from segforge_contract.campaign import run as run_campaign

    # Hypothesis keeps tables of characters in a folder that it would make wherever this command is run.
    cache = Path(platformdirs.user_cache_dir("segforge")) / "hypothesis"
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(cache))
    err = console(error=True)
    columns = (TextColumn("contract"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=planned.requests)
        return run_campaign(planned, session, progress=lambda done: progress.update(task, completed=done))


def _report(planned: "Plan", outcome: "Outcome", target: "Target", file: Path | None) -> int:
    from segforge_contract.report import print_outcome, to_json

    print_outcome(console(), planned, outcome, target.base_url)
    if file is not None:
        try:
            file.write_text(json.dumps(to_json(planned, outcome, target.base_url), indent=2) + "\n", "utf-8")
        except OSError as error:
            raise Misuse(f"--json: {error}") from None
    if outcome.failures:
        return 1
    return 0 if outcome.stopped is None else 2
