"""Check that a gateway keeps what its docs promise. The requests are real: the live gateway bills them."""

import argparse
import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

from segforge.commands.console import console
from segforge.spec.load import default_specs

if TYPE_CHECKING:
    from segforge.spec.catalog import Catalog, Model
    from segforge_contract.campaign import Outcome, Plan
    from segforge_contract.session import Session
    from segforge_contract.target import Target

IN_PROCESS = "mock"
_IN_PROCESS_KEY = "SG_0123456789abcdef"  # well-formed, which is all that the mock asks for
_IN_PROCESS_TIME_SCALE = 0.001  # a job takes milliseconds, and is still seen in more than one state


class _Misuse(Exception):
    """The command can't run as it was called; the message says why and what to do."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--target",
        required=True,
        metavar="URL",
        help="the gateway's base URL, without /v1; or mock, for the mock in this process",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole report there")
    parser.add_argument("--specs", type=Path, default=default_specs(), metavar="DIR", help="folder of the specs")
    parser.add_argument("--models", nargs="+", metavar="SLUG", help="only these models")
    parser.add_argument(
        "--max-examples",
        type=_count,
        default=20,
        metavar="N",
        help="payloads that Hypothesis draws for each model and version, default 20",
    )
    parser.add_argument("--seed", type=_count, metavar="N", help="seed of those payloads, drawn unless given")
    parser.add_argument(
        "--deadline", type=float, metavar="SECONDS", help="how long a job may take, default as the docs say"
    )
    parser.add_argument(
        "--profile", metavar="NAME", help="what to expect where sources disagree, default the specs' first"
    )
    parser.add_argument(
        "--yes", action="store_true", help="send requests that may be billed to a host that is not this machine"
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, found {text!r}")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Run a campaign; gives 0 if all rules held, 1 if one is broken, 2 where it can't run at all."""
    from segforge.commands.lint import print_findings
    from segforge.spec.finding import SpecError
    from segforge.spec.load import load_catalog
    from segforge_contract.session import Unreachable
    from segforge_contract.target import BadTarget

    try:
        catalog = load_catalog(args.specs)
        return _run(args, catalog if args.profile is None else _under_profile(catalog, args.profile))
    except SpecError as error:
        print_findings(list(error.findings), error=True)
    except (_Misuse, BadTarget) as error:
        console(error=True).print(f"segforge contract: {error}", style="red", markup=False)
    except Unreachable as error:
        console(error=True).print(f"segforge contract: the target can't be reached: {error}", style="red", markup=False)
    return 2


def _run(args: argparse.Namespace, catalog: "Catalog") -> int:
    from segforge_contract.campaign import plan

    models = _models(catalog, args.models)
    if args.json is not None and (args.json.is_dir() or not args.json.absolute().parent.is_dir()):
        raise _Misuse(f"--json: no file can be written at {args.json}")
    own_specs = None if args.specs == default_specs() else args.specs
    target = open_target(args.target, os.environ.get(catalog.gateway.auth.environment), catalog, own_specs)
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(2**32)
    try:
        planned = plan(catalog, models, max_examples=args.max_examples, seed=seed)
        if not target.loopback:
            _announce(planned, target, confirmed=args.yes)
        outcome = _campaign(planned, open_session(catalog, target, deadline=args.deadline))
    finally:
        target.close()
    return _report(planned, outcome, target, args.json)


def _under_profile(catalog: "Catalog", name: str) -> "Catalog":
    from segforge_contract.cases import under_profile

    try:
        return under_profile(catalog, name)
    except KeyError:
        known = ", ".join(profile.name for profile in catalog.gateway.profiles)
        raise _Misuse(f"--profile: there is no profile {name}; there are {known}") from None


def _models(catalog: "Catalog", slugs: list[str] | None) -> "tuple[Model, ...]":
    known = [model.slug for model in catalog.models]
    unknown = [slug for slug in slugs or () if slug not in known]
    if unknown:
        raise _Misuse(f"--models: there is no model {', '.join(unknown)}; there are {', '.join(known)}")
    return tuple(model for model in catalog.models if slugs is None or model.slug in slugs)


def open_target(text: str, key: str | None, catalog: "Catalog", own_specs: Path | None = None) -> "Target":
    """The target of that name: a URL, or `mock`, which serves our own specs unless given others. Raises BadTarget."""
    from segforge_contract.target import AsgiTarget, BadTarget, HttpTarget

    auth = catalog.gateway.auth
    if text == IN_PROCESS:
        try:
            from segforge_mock.app import create_app
            from segforge_mock.emitted import models_of
        except ImportError as error:
            raise BadTarget(f"the mock can't be loaded: {error}") from None
        models = None if own_specs is None else models_of(own_specs)
        return AsgiTarget(
            create_app(models=models, time_scale=_IN_PROCESS_TIME_SCALE), key or _IN_PROCESS_KEY, key_header=auth.header
        )
    if not key:
        raise BadTarget(f"no API key; put it in the environment: export {auth.environment}=SG_...")
    return HttpTarget(text, key, key_header=auth.header)


def _announce(planned: "Plan", target: "Target", *, confirmed: bool) -> None:
    err = console(error=True)
    err.print(
        f"{target.base_url}: up to {planned.requests} requests besides free polls. "
        f"Billed: up to {planned.billed} while it keeps its contract, {planned.worst_case} at worst.",
        style="yellow",
        markup=False,
    )
    if not confirmed:
        raise _Misuse(
            "these requests may cost money; add --yes to send them, or --models and --max-examples to send fewer"
        )


def open_session(catalog: "Catalog", target: "Target", *, deadline: float | None = None) -> "Session":
    """A session with a target; jobs are polled as the docs say, more often on this machine. `deadline` in seconds."""
    from segforge_contract.jobs import Pace
    from segforge_contract.session import Session

    lifecycle = catalog.gateway.lifecycle
    interval = 0.02 if target.loopback else lifecycle.poll_interval_seconds
    return Session(catalog, target, Pace(interval, lifecycle.deadline_seconds if deadline is None else deadline))


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
            raise _Misuse(f"--json: {error}") from None
    if outcome.failures:
        return 1
    return 0 if outcome.stopped is None else 2
