"""Changes each fact of each model's page, one at a time, and prints whether drift finds, classifies and applies it.

Run from the checkout: `python -m benchmarks.page_mutations`. It takes about a minute.
"""

import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console

from tests.pages.layouts import (
    blank_line,
    html_cards,
    html_table,
    joined_bare,
    joined_labelled,
    tokens_bare,
    tokens_labelled,
)
from tests.pages.mutations import apply_and_reread, drift_of, finds, mutations, spec_of
from tests.seeds import seed_catalog

LAYOUTS = (blank_line, joined_bare, joined_labelled, tokens_bare, tokens_labelled, html_cards, html_table)


def main() -> int:
    """Prints the figures. Returns 1 if a change was missed or not applied cleanly."""
    counts: Counter[str] = Counter()
    notes = []
    with tempfile.TemporaryDirectory() as folder:
        for model in seed_catalog().models:
            source = spec_of(model.slug)
            for mutation in mutations(model):
                counts["changes"] += 1
                for layout in LAYOUTS:
                    found = finds(drift_of(layout(mutation.model), source), mutation)
                    counts[f"found and classified, {layout.__name__}"] += found
                    notes += [] if found else [f"{model.slug}: {mutation.name} in {layout.__name__}"]
                result = apply_and_reread(model.slug, mutation, Path(folder))
                clean = not result.left and result.comments_after == result.comments_before
                counts["applied, without remaining drift or lost comments"] += clean
                notes += [] if clean else [f"{model.slug}: {mutation.name} applied: {result.left}"]
    console = Console()
    for name, count in counts.items():
        console.print(f"{count:>6} {name}", markup=False)
    for note in notes:
        console.print(note, style="red", markup=False)
    return 1 if notes else 0


if __name__ == "__main__":
    raise SystemExit(main())
