"""Options that several commands share, the specs and models they choose, and how a command reports misuse."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from segforge.console import console
from segforge.options import number
from segforge.spec.inputs import default_specs, working_specs
from segforge.spec.printable import show
from segforge_contract.engine.settings import NAMES, Settings
from segforge_contract.errors import Misuse

if TYPE_CHECKING:
    from segforge.spec.catalog import Catalog, Model


def add_catalog_options(parser: argparse.ArgumentParser) -> None:
    """Declares `--specs`, `--models` and `--profile`."""
    parser.add_argument("--specs", type=Path, default=working_specs(), metavar="DIR", help="folder of the specs")
    parser.add_argument("--models", nargs="+", metavar="SLUG", help="only these models")
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="the profile to expect if sources disagree (default: the first profile of the specs)",
    )


def add_rule_options(parser: argparse.ArgumentParser) -> None:
    """Declares `--house-rules` and `--max-time-factor`."""
    parser.add_argument(
        "--house-rules",
        nargs="+",
        metavar="FILE.py:NAME",
        help="also check these rules of your own: functions with @house_rule, in a file or an installed module",
    )

    parser.add_argument(
        "--max-time-factor",
        type=number(0, math.inf, noun="a factor", above=True),
        metavar="FACTOR",
        help="test that a v1 output takes at most this many times the directory's average (default: not tested)",
    )


def with_house_rules(args: argparse.Namespace, command: "Callable[[argparse.Namespace], int]") -> Callable[[], int]:
    """Returns the body of a command that runs while the house rules of its options are in force. It raises Misuse."""

    def body() -> int:
        from segforge_contract.rules.house import in_force
        from segforge_contract.rules.loading import load
        from segforge_contract.rules.timing import time_rule

        timed = () if args.max_time_factor is None else (time_rule(args.max_time_factor),)
        with in_force([*timed, *load(args.house_rules or ())]):
            return command(args)

    return body


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings that a command's options state. An option that the command doesn't have keeps its default."""
    given = {name: value for name, value in vars(args).items() if name in NAMES}
    given["specs"] = None if args.specs == default_specs() else args.specs
    for name in ("rules", "skip_rules"):
        given[name] = tuple(patterns) if (patterns := getattr(args, name, None)) else None
    given["models"] = None if args.models is None else tuple(args.models)
    if getattr(args, "forget", False):
        given["failures"] = None
    return Settings(**given)


def catalog_of(settings: Settings) -> "Catalog":
    """The catalog of the settings' specs, under their profile. Raises SpecError and Misuse."""
    from segforge.spec.load import load_catalog
    from segforge_contract.cases.case import under_profile

    catalog = load_catalog(settings.specs or default_specs())
    if settings.profile is None:
        return catalog
    try:
        return under_profile(catalog, settings.profile)
    except KeyError:
        known = ", ".join(profile.name for profile in catalog.gateway.profiles)
        raise Misuse(f"--profile: unknown profile {settings.profile}; expected one of {known}") from None


def models_of(settings: Settings, catalog: "Catalog") -> "tuple[Model, ...]":
    """The models that the settings name, by default all of the catalog. Raises Misuse."""
    slugs = settings.models
    known = [model.slug for model in catalog.models]
    unknown = [slug for slug in slugs or () if slug not in known]
    if unknown:
        from segforge_contract.engine.selection import model_hint

        hint = "separate models by spaces" if "," in unknown[0] else model_hint(unknown[0], known)
        raise Misuse(f"--models: unknown model {show(unknown[0])}; {hint}")
    return tuple(model for model in catalog.models if slugs is None or model.slug in slugs)


def reporting(name: str, command: Callable[[], int]) -> int:
    """Runs the body of a command. Prints an error that prevents it in one line, and returns 2 for it."""
    from segforge.commands.lint import print_findings
    from segforge.spec.finding import SpecError
    from segforge_contract.errors import BadTarget, Interrupted, Unreachable

    try:
        return command()
    except SpecError as error:
        print_findings(list(error.findings), error=True)
    except (Misuse, BadTarget) as error:
        console(error=True).print(f"{name}: {error}", style="red", markup=False)
    except Unreachable as error:
        console(error=True).print(f"{name}: the target can't be reached: {error}", style="red", markup=False)
    except Interrupted as error:
        console(error=True).print(f"{name}: {error}; nothing was tested", style="red", markup=False)
        return error.code
    except BrokenPipeError:
        raise  # the reader of stdout is gone; the program's entry point handles that
    except OSError as error:
        console(error=True).print(f"{name}: {error}", style="red", markup=False)
    return 2
