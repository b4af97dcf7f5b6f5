"""pytest plugin: the fixture `segforge_contract`, and the options that name the gateway it tests.

pytest loads this module in every run once segforge is installed, so it imports nothing else until it is used.
"""

import argparse
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

if TYPE_CHECKING:
    from segforge.spec.catalog import Catalog, Model
    from segforge_contract.engine.settings import Settings
    from segforge_contract.targets.base import Target
    from segforge_contract.testing import Contract

ALL: Final = "all"
SAMPLE: Final = "sample"
"""Values of --segforge-models that stand for several models."""

LOOPBACK = pytest.StashKey[bool]()
"""Whether the target runs on this machine, so that a request can't cost money."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares the options."""
    group = parser.getgroup("segforge", "contract of the Segmind gateway")
    group.addoption("--segforge-target", metavar="URL", help="the gateway to test (default: the mock in this process)")
    group.addoption(
        "--segforge-yes",
        action="store_true",
        help="send requests to a host other than this machine",
    )
    group.addoption(
        "--segforge-models",
        metavar="SLUGS",
        help=f"test only these models, separated by commas; {SAMPLE}: the complete ones and every tenth partial one "
        f"(default: models in the configuration file, or {ALL})",
    )
    group.addoption(
        "--segforge-max-spend",
        metavar="CREDITS",
        help="spend no more than this; tests that don't fit are skipped. 0 sends only free requests, and is the "
        "default for a host other than this machine",
    )
    group.addoption(
        "--segforge-assume-price",
        metavar="CREDITS",
        help="the most that a call of a model costs whose price no source states; needed under a cap above 0 "
        "(default: assume-price in the configuration file)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Refuses a target that can't be used, or that could cost money, before anything is sent."""
    if config.getoption("--segforge-target") is None:
        return
    from segforge.extras import MissingExtra, require_extra

    try:
        require_extra("contract", "--segforge-target")
    except MissingExtra as error:
        raise pytest.UsageError(str(error)) from None
    from segforge_contract.errors import BadTarget

    try:
        target = _open(config, own_catalog())
        target.close()
    except BadTarget as error:
        raise pytest.UsageError(f"--segforge-target: {error}") from None
    config.stash[LOOPBACK] = target.loopback
    if not target.loopback and not config.getoption("--segforge-yes"):
        raise pytest.UsageError(
            f"--segforge-target: requests to {target.base_url} may cost money; add --segforge-yes to send them"
        )
    if config.getoption("--segforge-max-spend") not in (None, "0") and config.getoption("numprocesses", None):
        raise pytest.UsageError("--segforge-max-spend: workers can't share a cap; omit -n, or set the cap to 0")


@pytest.fixture(scope="session")
def segforge_contract(request: pytest.FixtureRequest) -> "Iterator[Contract]":
    """The gateway under test; `keeps(rule, model, operation, payload)` fails if it breaks a rule."""
    from segforge.extras import MissingExtra, require_extra

    try:
        require_extra("contract", "the fixture segforge_contract")
    except MissingExtra as error:
        _stop(request.session, str(error))
    from segforge_contract.engine.open import session_within
    from segforge_contract.errors import BadTarget, Misuse, Unreachable
    from segforge_contract.rules.house import in_force
    from segforge_contract.rules.loading import load
    from segforge_contract.testing import Contract

    catalog = own_catalog()
    with closing(_open(request.config, catalog)) as target:
        try:
            with (
                in_force(load(configured(request.config.rootpath).get("house-rules", ()))),
                session_within(_settings(request.config), catalog, target, _notify) as session,
            ):
                yield Contract(session, partial(_stop, request.session))
        except Misuse as error:  # whose text names the options of the command
            _stop(request.session, re.sub(r"(?<![\w-])--(?!segforge-)", "--segforge-", str(error)))
        except BadTarget as error:
            _stop(request.session, str(error))
        except Unreachable as error:
            _stop(request.session, f"the target can't be reached: {error}")


def _stop(session: pytest.Session, reason: str) -> NoReturn:
    if "PYTEST_XDIST_WORKER" in os.environ:  # in a worker, pytest.exit would end it without a message
        session.shouldstop = reason
        pytest.fail(reason, pytrace=False)
    pytest.exit(reason, returncode=2)


def _notify(message: str) -> None:
    from segforge.console import console

    console(error=True).print(message, style="yellow", markup=False)


def _settings(config: pytest.Config) -> "Settings":
    """The settings that the options state. Raises Misuse."""
    from decimal import Decimal

    from segforge.options import credits, price
    from segforge_contract.engine.settings import Settings
    from segforge_contract.errors import Misuse
    from segforge_contract.targets.open import IN_PROCESS

    amounts: dict[str, Decimal | None] = {}
    for name, number in (("--segforge-max-spend", credits), ("--segforge-assume-price", price)):
        text = config.getoption(name)
        try:
            amounts[name] = None if text is None else Decimal(number(text))
        except argparse.ArgumentTypeError as error:
            raise Misuse(f"{name}: {error}") from None
    return Settings(
        target=config.getoption("--segforge-target") or IN_PROCESS,
        models=tuple(model.slug for model in chosen_models(config)),
        max_spend=amounts["--segforge-max-spend"],
        assume_price=amounts["--segforge-assume-price"] or configured(config.rootpath).get("assume-price"),
    )


def chosen_models(config: pytest.Config) -> "tuple[Model, ...]":
    """Returns the models of the specs that --segforge-models or the configuration file names.

    Raises UsageError if one of them names a model without a spec.
    """
    from segforge.spec.printable import show

    option = config.getoption("--segforge-models")
    wanted, models = option or ",".join(configured(config.rootpath).get("models", [ALL])), own_catalog().models
    if wanted in (ALL, SAMPLE):
        return models if wanted == ALL else spread(models)
    slugs = [slug.strip() for slug in wanted.split(",")]
    known = {model.slug: model for model in models}
    if unknown := [slug for slug in slugs if slug not in known]:
        raise pytest.UsageError(
            f"{'--segforge-models' if option else 'models in the configuration file'}: no spec has the slug "
            f"{show(unknown[0])}; write slugs of specs, {ALL} or {SAMPLE}"
        )
    return tuple(known[slug] for slug in dict.fromkeys(slugs))


def spread(models: "Sequence[Model]") -> "tuple[Model, ...]":
    """Returns the complete ones among models, and every tenth partial one, since those are built alike."""
    partial_ones = [model for model in models if model.level == "partial"]
    return tuple(model for model in models if model.level != "partial" or model in partial_ones[::10])


@cache
def configured(folder: Path) -> Mapping[str, Any]:
    """The options of `[contract]` in the configuration file of a folder, by name. Raises UsageError.

    The plugin uses `models`, `assume-price` and `house-rules`. A target and a cap are stated for each run of pytest,
    so that a file never makes a bare `pytest` call another host or spend credits.
    """
    from segforge.configuration.apply import stated_by
    from segforge.options import Misuse
    from segforge_contract.cli.contract import configure

    parser = argparse.ArgumentParser()
    configure(parser)
    try:
        return stated_by(parser, "contract", folder)
    except Misuse as error:
        raise pytest.UsageError(str(error)) from None


@cache
def own_catalog() -> "Catalog":
    """The Catalog of segforge's own specs, which the suite and its target share."""
    from segforge.spec.load import default_specs, load_catalog

    return load_catalog(default_specs())


def _open(config: pytest.Config, catalog: "Catalog") -> "Target":
    from segforge_contract.targets.open import IN_PROCESS, open_target

    text = config.getoption("--segforge-target") or IN_PROCESS
    return open_target(text, os.environ.get(catalog.gateway.auth.environment), catalog)
