"""Compares two gateways with the same cases, and proposes changes to the specs where they disagree."""

import argparse
import json
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segforge.console import console
from segforge.spec.printable import one_line
from segforge_contract.cli.confirm import add_spending_options, confirmed
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
from segforge_contract.reports.reporter import check_writable, write_file

if TYPE_CHECKING:
    from segforge_contract.engine.open import Run
    from segforge_contract.findings.compare import Comparison, Disagreement

_SHOWN = 3  # cases printed for each proposed change


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    sides = (("left", "the gateway to start from, often mock"), ("right", "the gateway that the specs should describe"))
    for side, meaning in sides:
        parser.add_argument(f"--{side}", required=True, metavar="URL", help=f"{meaning}; a URL, live, or mock")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every disagreement to this file")
    add_catalog_options(parser)
    add_rule_options(parser)
    add_spending_options(parser)


def run(args: argparse.Namespace) -> int:
    """Compares two gateways. Returns 0 if they agree, 1 if they disagree, 2 if they can't be compared."""
    return reporting("segforge contract compare", with_house_rules(args, _run))


def _run(args: argparse.Namespace) -> int:
    from segforge_contract.engine.plan import plan
    from segforge_contract.findings.compare import compare

    check_writable("--json", args.json)
    settings = replace(settings_of(args), seed=0, max_examples=0)
    catalog = catalog_of(settings)
    planned = plan(catalog, models_of(settings, catalog), max_examples=0, seed=0)

    def side(target: str) -> "AbstractContextManager[Run | None]":
        return confirmed(replace(settings, target=target), planned, plan_only=args.plan, agreed=args.yes)

    with side(args.left) as left, side(args.right) as right:
        if left is None or right is None:
            return 0
        # If a case is too expensive for one side, the other side doesn't receive it either.
        thrifty = left if left.ledger is not None else right
        cases = [*thrifty.plan.cases, *(pack.case for pack in thrifty.plan.packs)]
        return _report(args.json, left, right, compare(catalog, cases, left.session, right.session))


def _report(file: Path | None, left: "Run", right: "Run", found: "Comparison") -> int:
    from segforge_contract.findings.compare import by_proposal
    from segforge_contract.reports.text import print_ledger

    out = console()
    sides = (left.session.target.base_url, right.session.target.base_url)
    for proposal, group in by_proposal(found.disagreements):
        out.print(one_line(f"{proposal.file}: {proposal.where}: {proposal.change}"), style="red", markup=False)
        for each in group[:_SHOWN]:
            out.print(one_line(f"  {each.case.name}: left {each.left}, right {each.right}"), markup=False)
        if group[_SHOWN:]:
            out.print(f"  and {len(group) - _SHOWN} more; --json FILE writes all of them")
    for reason, cases in found.unsent.items():
        out.print(f"{cases} not compared: {reason}", style="yellow", markup=False)
    out.print(
        f"{len(found.disagreements)} of {found.compared} cases answered differently by {sides[0]} and {sides[1]}",
        style="red" if found.disagreements else "green",
        markup=False,
    )
    for side in (left, right):
        if side.ledger is not None:
            print_ledger(out, side.ledger)
    if file is not None:
        _write(file, sides, found)
    return 1 if found.disagreements else 0


def _write(file: Path, sides: tuple[str, str], found: "Comparison") -> None:
    document = {
        "left": sides[0],
        "right": sides[1],
        "compared": found.compared,
        "not_compared": found.unsent,
        "disagreements": [_json(each) for each in found.disagreements],
    }
    try:
        write_file(file, json.dumps(document, indent=2) + "\n")
    except OSError as error:
        raise Misuse(f"--json: {error}") from None


def _json(each: "Disagreement") -> dict[str, Any]:
    case, proposal = each.case, each.proposal
    return {
        "rule": case.rule,
        "model": case.model,
        "operation": case.operation,
        "parameter": case.parameter,
        "change": case.change,
        "payload": None if case.payload is None else dict(case.payload),
        "left": str(each.left),
        "right": str(each.right),
        "proposal": {"file": proposal.file, "where": proposal.where, "change": proposal.change},
    }
