"""Send the same cases to two gateways, and say what would have to change in the specs where they disagree."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segforge.console import console
from segforge.spec.printable import one_line
from segforge_contract.cli.options import add_catalog_options, chosen_catalog, chosen_models, told, writable
from segforge_contract.engine.open import add_spending_options, opened, print_ledger
from segforge_contract.errors import Misuse

if TYPE_CHECKING:
    from segforge_contract.engine.open import Run
    from segforge_contract.findings.compare import Comparison, Disagreement

_SHOWN = 3  # cases of one proposed change that are printed


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    for side, what in (("left", "the one to start from, often mock"), ("right", "the one that the specs are to fit")):
        parser.add_argument(f"--{side}", required=True, metavar="URL", help=f"{what}; a URL, live, or mock")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every disagreement there")
    add_catalog_options(parser)
    add_spending_options(parser)


def run(args: argparse.Namespace) -> int:
    """Compare; gives 0 where both agree, 1 where they don't, 2 where they can't be compared."""
    return told("segforge contract compare", lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    from segforge_contract.engine.plan import plan
    from segforge_contract.findings.compare import compare

    writable("--json", args.json)
    catalog = chosen_catalog(args)
    planned = plan(catalog, chosen_models(catalog, args.models), max_examples=0, seed=0)
    with opened(_side(args, args.left), planned, None) as left, opened(_side(args, args.right), planned, None) as right:
        if left is None or right is None:
            return 0
        # What one side may not be sent for its cost, the other isn't sent either.
        thrifty = left if left.ledger is not None else right
        cases = [*thrifty.plan.cases, *(pack.case for pack in thrifty.plan.packs)]
        return _report(args, left, right, compare(catalog, cases, left.session, right.session))


def _side(args: argparse.Namespace, target: str) -> argparse.Namespace:
    """The options as a campaign against one side has them."""
    fixed = {"target": target, "record": None, "resume": None, "replay": None, "deadline": None, "out_of_order": False}
    return argparse.Namespace(**{**vars(args), **fixed, "seed": 0, "max_examples": 0})


def _report(args: argparse.Namespace, left: "Run", right: "Run", found: "Comparison") -> int:
    from segforge_contract.findings.compare import by_proposal

    out = console()
    sides = (left.session.target.base_url, right.session.target.base_url)
    for proposal, group in by_proposal(found.disagreements):
        out.print(one_line(f"{proposal.file}: {proposal.where}: {proposal.change}"), style="red", markup=False)
        for each in group[:_SHOWN]:
            out.print(one_line(f"  {each.case.name}: left {each.left}, right {each.right}"), markup=False)
        if group[_SHOWN:]:
            out.print(f"  and {len(group) - _SHOWN} more, see --json")
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
    if args.json is not None:
        document = {
            "left": sides[0],
            "right": sides[1],
            "compared": found.compared,
            "not_compared": found.unsent,
            "disagreements": [_json(each) for each in found.disagreements],
        }
        try:
            args.json.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
        except OSError as error:
            raise Misuse(f"--json: {error}") from None
    return 1 if found.disagreements else 0


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
