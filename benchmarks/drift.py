"""Compares 500 synthetic pages, in every layout, with 500 specs through `segforge drift`, and measures the time.

Run from the checkout: `python -m benchmarks.drift`. The limit is 10 s on 2 cores.
"""

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from segforge.pages.import_openapi.drafts import draft_of
from tests.pages.layouts import BARE, LABELLED
from tests.seeds import seed_catalog

PAGES = 500
BOUND = 10.0


def main() -> int:
    """Prints the time. Returns 1 if it exceeds the limit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = make(folder)
        command = [
            str(Path(sys.executable).with_name("segforge")),
            "drift",
            "--all",
            "--store",
            str(folder / "pages"),
            "--specs",
            str(folder / "specs"),
        ]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(done.stdout.strip().splitlines()[-1] if done.stdout else done.stderr)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    cpu = f"{spent.ru_utime + spent.ru_stime:.1f} s of CPU, {spent.ru_maxrss / 1024:.0f} MB at most"
    print(f"{PAGES} pages, {size / 1e6:.1f} MB: {seconds:.1f} s (limit {BOUND:g} s), {cpu}, on {machine}")
    return 0 if seconds < BOUND and done.returncode == 0 else 1


def make(folder: Path) -> int:
    """Writes the pages and their specs. Returns the size of the pages in bytes."""
    (folder / "pages").mkdir()
    (folder / "specs" / "models").mkdir(parents=True)
    layouts = [
        layout for name, layout in {**LABELLED, **BARE}.items() if name not in ("pixelflow", "llm", "older sync page")
    ]
    models = seed_catalog().models
    size = 0
    for number in range(PAGES):
        model = replace(models[number % len(models)], slug=f"model-{number}", typical_seconds=None)
        text = layouts[number // len(models) % len(layouts)](model)
        suffix = "html" if text.startswith("<") else "txt"
        (folder / "pages" / f"{model.slug}.{suffix}").write_text(text, "utf-8")
        (folder / "specs" / "models" / f"{model.slug}.yaml").write_text(draft_of(model).text, "utf-8")
        size += len(text.encode())
    return size


if __name__ == "__main__":
    raise SystemExit(main())
