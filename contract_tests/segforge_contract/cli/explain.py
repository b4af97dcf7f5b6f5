"""Explains a rule: its check, its reason, the docs that promise it, and an example request."""

import argparse
import json
from collections.abc import Iterator

from segforge.console import console
from segforge_contract.cli.options import (
    add_catalog_options,
    add_rule_options,
    catalog_of,
    models_of,
    reporting,
    settings_of,
    with_house_rules,
)
from segforge_contract.engine.selection import rule_hint
from segforge_contract.errors import Misuse
from segforge_contract.messages.curl import curl
from segforge_contract.reports.why import Explanation, explanations, to_json
from segforge_contract.rules.table import RULES

_LONG = 2000  # characters of the example that are printed
_SHOWN = 8  # parameters of a model that are listed


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument(
        "rule", metavar="RULE", help="a rule's name, such as range.below; `segforge contract rules` lists all rules"
    )
    add_catalog_options(parser)
    add_rule_options(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the explanation. Returns 0, or 2 if there is no such rule."""
    return reporting("segforge contract explain", with_house_rules(args, _run))


def _run(args: argparse.Namespace) -> int:
    if args.rule not in RULES:
        raise Misuse(f"unknown rule {args.rule!r}; {rule_hint(args.rule)}")
    settings = settings_of(args)
    catalog = catalog_of(settings)
    [explanation] = explanations(catalog, models_of(settings, catalog), (args.rule,))
    gateway = catalog.gateway
    if args.json:
        console().print(json.dumps(to_json(explanation), indent=2), markup=False)
        return 0
    for line in _lines(explanation):
        console().print(line, markup=False)
    if explanation.example is not None:
        case = explanation.example
        console().print(f"\nexample: {case.name}", markup=False)
        command = curl(case.request, gateway.base_url, key_header=gateway.auth.header)
        console().print(f"  {command if len(command) <= _LONG else f'{command[:_LONG]}…'}", markup=False)
    return 0


def _lines(explanation: Explanation) -> Iterator[str]:
    rule = explanation.rule
    yield f"{rule.name}: {rule.promise}"
    yield f"  source   {rule.source}"
    yield f"  why      {explanation.why}"
    yield f"  how      {explanation.how}"
    for each in explanation.expectations:
        yield f"  expects  {each.profile}, {each.version}: {each.status} {each.outcome} ({each.when})"
        if each.source != rule.source:
            yield f"           by {each.source}"
    models: dict[str, list[str]] = {}
    for model, parameter in explanation.cases:
        models.setdefault(model or "any model", []).append(parameter or "the request")
    for model, parameters in models.items():
        rest = f" and {len(parameters) - _SHOWN} more" if len(parameters) > _SHOWN else ""
        yield f"  tests    {model}: {', '.join(parameters[:_SHOWN])}{rest}"
