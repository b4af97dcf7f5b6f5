"""Measures the speed of the contract tests against the mock: `python benchmarks/contract_speed.py`.

It runs the tables alone and the whole campaign of `segforge contract`, in process and over loopback. CPU seconds are
those of this process; over loopback the mock has a process of its own.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from segforge import Catalog
from segforge_contract import open_session, plan, run
from segforge_contract.engine.plan import Plan
from segforge_contract.targets.base import Target
from segforge_contract.targets.open import IN_PROCESS, open_target
from tests.seeds import seed_catalog

KEY = "SG_0123456789abcdef"
DRAWN = 3
"""The number of payloads drawn for each model, version and kind: the default of the command."""


@contextlib.contextmanager
def mock(images: str) -> Iterator[str]:
    """Starts a mock in a process of its own. Yields its URL."""
    program = "import sys; from segforge.cli import main; sys.exit(main())"
    options = ["mock", "--port", "0", "--time-scale", "0", "--job-policy", "polls=3", "--media", images]
    process = subprocess.Popen([sys.executable, "-c", program, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


def measure(name: str, catalog: Catalog, target: Target, planned: Plan) -> None:
    """Runs a campaign and prints its cost."""
    with contextlib.closing(target):
        session = open_session(catalog, target)
        wall, cpu = time.perf_counter(), time.process_time()
        outcome = run(planned, session)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    cases = len(outcome.sent)
    print(
        f"{name:34} {cases:6} cases {outcome.requests:6} requests {wall:6.2f} s {cases / wall:6.0f} cases/s"
        f" {cpu:6.2f} CPU s {cases / cpu:6.0f} cases/CPU s, {len(outcome.failures)} failures"
    )


def main() -> None:
    """Measures each figure in one run."""
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", "/tmp/hypothesis")
    catalog = seed_catalog()
    whole = plan(catalog, catalog.models, max_examples=DRAWN, seed=1)
    tables = replace(whole, max_examples=0, draws_valid=False)
    open_target(IN_PROCESS, KEY, catalog).close()  # imports are not measured
    measure("warm-up, in process", catalog, open_target(IN_PROCESS, KEY, catalog), tables)
    measure("tables, in process", catalog, open_target(IN_PROCESS, KEY, catalog), tables)
    with mock("plain") as url:
        measure("warm-up, loopback", catalog, open_target(url, KEY, catalog), tables)  # the mock renders its images
        measure("tables, loopback", catalog, open_target(url, KEY, catalog), tables)
    measure("whole run, in process", catalog, open_target(IN_PROCESS, KEY, catalog), whole)
    with mock("full") as url:
        measure("whole run, loopback, full images", catalog, open_target(url, KEY, catalog), whole)


if __name__ == "__main__":
    main()
