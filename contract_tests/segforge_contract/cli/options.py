"""What the commands about a gateway share: options, the specs and models that they choose, and how misuse is told."""

import argparse
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from segforge.console import console
from segforge.spec.load import default_specs
from segforge_contract.errors import Misuse

if TYPE_CHECKING:
    from segforge.spec.catalog import Catalog, Model
    from segforge_contract.targets.base import Target


def add_catalog_options(parser: argparse.ArgumentParser) -> None:
    """Declare `--specs`, `--models` and `--profile`, which `chosen_catalog` and `chosen_models` read."""
    parser.add_argument("--specs", type=Path, default=default_specs(), metavar="DIR", help="folder of the specs")
    parser.add_argument("--models", nargs="+", metavar="SLUG", help="only these models")
    parser.add_argument(
        "--profile", metavar="NAME", help="what to expect where sources disagree, default the specs' first"
    )


def count(text: str) -> int:
    """An option's value that is a whole number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, found {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """An option's value that is a time in seconds, above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, found {text!r}")
    return value


def chosen_catalog(args: argparse.Namespace) -> "Catalog":
    """The Catalog of `--specs`, under `--profile`. Raises SpecError and Misuse."""
    from segforge.spec.load import load_catalog

    catalog = load_catalog(args.specs)
    return catalog if args.profile is None else _under_profile(catalog, args.profile)


def _under_profile(catalog: "Catalog", name: str) -> "Catalog":
    from segforge_contract.cases.case import under_profile

    try:
        return under_profile(catalog, name)
    except KeyError:
        known = ", ".join(profile.name for profile in catalog.gateway.profiles)
        raise Misuse(f"--profile: there is no profile {name}; there are {known}") from None


def chosen_models(catalog: "Catalog", slugs: list[str] | None) -> "tuple[Model, ...]":
    """The models of `--models`, all where none is named. Raises Misuse."""
    known = [model.slug for model in catalog.models]
    unknown = [slug for slug in slugs or () if slug not in known]
    if unknown:
        raise Misuse(f"--models: there is no model {', '.join(unknown)}; there are {', '.join(known)}")
    return tuple(model for model in catalog.models if slugs is None or model.slug in slugs)


def chosen_target(text: str, args: argparse.Namespace, catalog: "Catalog") -> "Target":
    """The target of that name; the mock in process serves `--specs`. A plan needs no key. Raises BadTarget."""
    from segforge_contract.messages.request import INVALID_KEY
    from segforge_contract.targets.open import open_target

    own_specs = None if args.specs == default_specs() else args.specs
    key = os.environ.get(catalog.gateway.auth.environment) or (INVALID_KEY if args.plan else None)
    return open_target(text, key, catalog, own_specs)


def writable(option: str, file: Path | None) -> None:
    """Refuse a file that can't be written, before hours are spent on what goes there. Raises Misuse."""
    if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
        raise Misuse(f"{option}: no file can be written at {file}")


def told(name: str, command: Callable[[], int]) -> int:
    """Run a command's body; what keeps it from running is told in a line, and gives 2."""
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
        console(error=True).print(f"{name}: {error}; nothing was put to the test", style="red", markup=False)
        return error.code
    except BrokenPipeError:
        raise  # nobody reads any more, which is for the caller to end
    except OSError as error:
        console(error=True).print(f"{name}: {error}", style="red", markup=False)
    return 2
