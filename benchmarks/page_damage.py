"""Damages docs pages one byte at a time, applies the drift of each result, and prints the number of wrong writes.

Run from the checkout: `python -m benchmarks.page_damage [PAGE...] [--every 1] [--first 0] [--processes 2]`.
Without pages, the project's own test pages are damaged: the example page, and each model in each layout. A page that is
named needs a spec that agrees with it. Each wrong write is printed to stderr as soon as it is found,
and again at the end.
"""

import argparse
import multiprocessing
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from segforge import default_specs
from segforge.pages.drift.compare import compare
from segforge.pages.read import page_of_bytes
from segforge.spec.load import check_model
from tests.pages.damage import KINDS, damages, own_pages, sweep
from tests.pages.layouts import ALL

CHUNK = 50
"""Damaged bytes in one piece of work."""
Work = tuple[str, bytes, str, int, int, int, tuple[str, ...]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the counts. Returns 1 if a write was wrong, 2 if a page can't be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "pages", type=Path, nargs="*", metavar="PAGE", help="saved docs pages of models that have specs"
    )
    parser.add_argument("--every", type=int, default=1, help="damage every n-th byte only (default: 1)")
    parser.add_argument("--first", type=int, default=0, help="the first byte that is damaged (default: 0)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="what is done to a byte")
    parser.add_argument("--processes", type=int, default=2, help="how many processes share the work (default: 2)")
    parser.add_argument("--layouts", nargs="*", choices=list(ALL), default=list(ALL), help="layouts of the test pages")
    args = parser.parse_args(arguments)
    console = Console()
    pages = list(given_pages(args.pages) if args.pages else own_pages(args.layouts))
    work = [one for page in pages for one in cut(page, args.first, args.every, tuple(args.kinds))]
    counts: dict[str, Counter[str]] = {}
    notes = []
    progress = Console(stderr=True)
    with multiprocessing.Pool(args.processes) as pool:
        for done, (name, count, found) in enumerate(pool.imap_unordered(run, work), start=1):
            counts.setdefault(name, Counter()).update(count)
            for note in (f"{name}: {one}" for one in found):
                notes.append(note)
                progress.print(note, style="red", markup=False, highlight=False, soft_wrap=True)
            if done % max(len(work) // 20, 1) == 0:
                progress.print(f"{done} of {len(work)} pieces, {len(notes)} wrong writes", highlight=False)
    total: Counter[str] = Counter()
    for name, count in sorted(counts.items()):
        total.update(count)
        console.print(line(count), name, markup=False, highlight=False)
    console.print(line(total), "all", markup=False, highlight=False)
    for note in sorted(notes):
        console.print(note, style="red", markup=False, soft_wrap=True)
    return 1 if notes else 0


def line(count: Counter[str]) -> str:
    """Formats the counts of a page."""
    wrong, plain = count["wrong writes"], count["plain changes, written"]
    return f"{count['damages']:>8} damages, {plain:>5} plain changes written, {wrong:>4} wrong writes:"


def given_pages(paths: Sequence[Path]) -> Iterator[tuple[str, bytes, str]]:
    """Yields the pages with their specs. Raises SystemExit if a page differs from its spec."""
    for path in paths:
        raw = path.read_bytes()
        slug = str(page_of_bytes(raw, str(path)).get("slug"))
        file = default_specs() / "models" / f"{slug}.yaml"
        source = check_model(file)[0] if file.is_file() else None
        if source is None or compare(page_of_bytes(raw, str(path)), source).differences:
            raise SystemExit(f"{path}: the page has no spec or differs from it; pass a page that agrees with its spec")
        yield path.name, raw, file.read_text("utf-8")


def cut(page: tuple[str, bytes, str], start: int, every: int, kinds: tuple[str, ...]) -> Iterator[Work]:
    """The work on a page, in pieces."""
    name, raw, text = page
    for first in range(start, len(raw), CHUNK * every):
        yield name, raw, text, first, min(first + CHUNK * every, len(raw)), every, kinds


def run(work: Work) -> tuple[str, Counter[str], list[str]]:
    """Does one piece of work. Returns the page's name, the counts, and each wrong write."""
    name, raw, text, first, end, every, kinds = work
    with tempfile.TemporaryDirectory() as folder:
        slug = page_of_bytes(raw, name).get("slug")
        file = Path(folder) / f"{slug}.yaml"
        file.write_text(text, "utf-8")
        source, _ = check_model(file)
    assert source is not None, name
    counts, notes = sweep(raw, text, source, damages(raw, kinds, first=first, step=every, end=end))
    return name, counts, notes


if __name__ == "__main__":
    raise SystemExit(main())
