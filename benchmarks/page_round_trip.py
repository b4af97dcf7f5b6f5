"""Reads pages rendered from synthetic models, and prints the correct, undecided and wrong facts for each layout.

Run from the checkout: `python -m benchmarks.page_round_trip [--pages 10000] [--seed 1] [--show 3] [--nested]`.
"""

import argparse
from collections import Counter

from hypothesis import HealthCheck, Phase, given, seed, settings
from rich.console import Console
from rich.table import Table

from segforge.pages.read import page_of_bytes
from segforge.pages.source.document import PageError
from segforge.spec.catalog import Model
from tests.pages.layouts import ALL, BARE, LABELLED, OLDEST
from tests.pages.models import models
from tests.pages.score import Score, score


def main() -> int:
    """Prints the figures. Returns 1 if a layout exceeds its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=10_000, help="pages of each layout")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random numbers")
    parser.add_argument("--layout", choices=tuple(ALL), nargs="+", default=tuple(ALL), help="read only these layouts")
    parser.add_argument("--show", type=int, default=0, help="number of mistakes to show for each layout")
    parser.add_argument("--nested", action="store_true", help="draw nested parameters; read the labelled layouts only")
    args = parser.parse_args()
    layouts = [name for name in args.layout if not args.nested or (name in LABELLED and name != "html table")]
    totals = {name: Score() for name in layouts}
    measure(args.pages, args.seed, totals, nested=args.nested)
    return report(totals, args.show, nested=args.nested)


def measure(pages: int, start: int, totals: dict[str, Score], *, nested: bool = False) -> None:
    """Draws models and reads their pages, and adds to the totals of each layout."""

    @seed(start)
    @settings(
        max_examples=pages,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(models(nested=nested))
    def one(model: Model) -> None:
        for name, total in totals.items():
            add(total, model, name)

    one()


def add(total: Score, model: Model, name: str) -> None:
    """Renders one model in one layout, reads the page, and adds the result."""
    text = ALL[name](model)
    try:
        page = page_of_bytes(text.encode(), name)
    except PageError as error:
        total.wrong += 1
        total.notes.append(str(error))
        return
    result = score(model, page, name)
    total.right += result.right
    total.undecided += result.undecided
    total.wrong += result.wrong
    total.surely_wrong += result.surely_wrong
    total.keys.update(result.keys)
    if len(total.notes) < 200:
        total.notes += result.notes


def report(totals: dict[str, Score], show: int, *, nested: bool = False) -> int:
    """Prints one row for each layout. Returns 1 if one exceeds its limit."""
    table = Table("layout", "facts", "undecided", "wrong", "wrong but confident", "within limit")
    kept = True
    for name, total in totals.items():
        facts = max(total.total, 1)
        limits = (
            (0.20, 0.0)
            if name in LABELLED and nested
            else (0.10, 0.001)
            if name in BARE
            else (1.0, 0.0)
            if name in OLDEST
            else (0.02, 0.0)
        )
        good = total.undecided / facts < limits[0] and (total.wrong / facts < limits[1] or total.wrong == 0)
        kept = kept and good
        wrong = f"{total.wrong} ({total.wrong / facts:.4%})"
        table.add_row(
            name,
            f"{total.total:,}",
            f"{total.undecided / facts:.3%}",
            wrong,
            str(total.surely_wrong),
            "yes" if good else "NO",
        )
    console = Console(width=120)
    console.print(table)
    for name, total in totals.items():
        if show and (total.notes or total.keys):
            console.print(f"{name}: undecided {Counter(total.keys).most_common(5)}", markup=False)
            for note in total.notes[:show]:
                console.print(f"  {note}", markup=False)
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
