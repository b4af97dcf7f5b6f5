"""Lists the rules: the promise of each, the expected statuses, and how many cases test it."""

import argparse
import json

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
from segforge_contract.errors import Misuse
from segforge_contract.reports.why import Explanation, chosen_rules, explanations, to_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add_catalog_options(parser)
    add_rule_options(parser)
    parser.add_argument("--rule", metavar="TEXT", help="only rules whose names contain this, such as range or job.")
    parser.add_argument("--json", action="store_true", help="print a JSON array, with sources and parameters")


def run(args: argparse.Namespace) -> int:
    """Prints the table. Returns 0, or 2 if there is nothing to list."""
    return reporting("segforge contract rules", with_house_rules(args, _run))


def _run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    catalog = catalog_of(settings)
    names = chosen_rules(args.rule)
    if not names:
        raise Misuse(f"--rule: no rule's name contains {args.rule!r}; omit --rule to list all rules")
    listed = [
        each
        for each in explanations(catalog, models_of(settings, catalog), names)
        if each.cases or not each.rule.outcomes or each.rule.family == "stage" or args.models is None
    ]
    if args.json:
        console().print(json.dumps([to_json(each) for each in listed], indent=2), markup=False)
        return 0
    width = max((len(each.rule.name) for each in listed), default=0)
    for each in listed:
        count = sum(each.cases.values())
        cases = f"{count} cases" if count else each.rule.family
        console().print(f"{each.rule.name:{width}}  {cases:>9}  {_expects(each):22}  {each.rule.promise}", markup=False)
    return 0


def _expects(explanation: Explanation) -> str:
    """The statuses expected under the first profile, such as `v1 400, v2 400`."""
    first = next((each.profile for each in explanation.expectations), None)
    by_version: dict[str, list[str]] = {}
    for each in explanation.expectations:
        if each.profile == first:
            by_version.setdefault(each.version, []).append(str(each.status))
    return ", ".join(f"{version} {'/'.join(dict.fromkeys(codes))}" for version, codes in by_version.items())
