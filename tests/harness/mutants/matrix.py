"""Writes the kill matrix: a page that lists the rules that each mutant breaks. `make kill-matrix` runs it.

Every figure on the page is a count, so the same code always writes the same page. `--seeds 3` writes nothing: it tries
each mutant with that many other seeds, and exits with 1 if one survives or is reported under another rule.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from segforge_contract import RULES
from tests.harness.mutants.mutant import Mutant
from tests.harness.mutants.table import MUTANTS
from tests.harness.mutants.trial import Trial, try_out
from tests.seeds import seed_catalog

PAGE: Final = Path(__file__).parents[2] / "mutants" / "kill-matrix.md"

_HEAD: Final = """\
# Kill matrix

Mutants test the contract tests themselves: each mutant in `tests/harness/mutants/` is the mock with one seeded fault,
and each is run against the contract tests. `make kill-matrix` writes this page. `make test` fails if the page is out
of date, if a mutant survives, or if a rule has no mutant that breaks it.

Each trial is an in-process run over the one model that shows the fault. It sends the tables, and as many payloads
drawn by Hypothesis as the column *drawn* says. *Requests* and *billed* count what was sent up to the first broken
rule, polls included. *Unpaid* marks mutants that are also found by a request that costs nothing while the contract
holds. [A benchmark](../../docs/benchmarks/contract.md) compares the results with Schemathesis.
"""


def row(mutant: Mutant, trial: Trial) -> str:
    """Returns the line of one mutant in the table."""
    counted = trial.killed and not mutant.drawn  # drawn payloads depend on the settings and the version of Hypothesis
    cells = [
        f"`{mutant.name}`",
        mutant.does,
        ", ".join(f"`{rule}`" for rule in trial.rules) or "**missed**",
        trial.requests if counted else "",
        trial.billed if counted else "",
        "yes" if trial.unpaid else "",
        mutant.drawn or "",
    ]
    return f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in cells)} |"


def page(trials: Mapping[str, Trial]) -> str:
    """Returns the whole page, with the mutants in the order of the table."""
    killed = sum(trial.killed for trial in trials.values())
    unpaid = sum(trial.unpaid for trial in trials.values())
    mutants = [row(MUTANTS[name], trial) for name, trial in trials.items()]
    rules = [
        f"| `{rule}` | {', '.join(f'`{name}`' for name in killers(rule, trials)) or '**none**'} |" for rule in RULES
    ]
    return "\n".join(
        [
            _HEAD,
            f"{killed} of {len(trials)} mutants are killed; {unpaid} of them are also found by free requests.",
            "",
            "## Mutants",
            "",
            "| mutant | what it does | rules found broken | requests | billed | unpaid | drawn |",
            "| --- | --- | --- | ---: | ---: | --- | ---: |",
            *mutants,
            "",
            "## Rules",
            "",
            "| rule | broken by |",
            "| --- | --- |",
            *rules,
            "",
        ]
    )


def killers(rule: str, trials: Mapping[str, Trial]) -> Iterable[str]:
    """Returns the names of the mutants that break a rule."""
    return (name for name, trial in trials.items() if rule in trial.rules)


def survivors(seed: int) -> list[str]:
    """Returns the mutants that are not reported as they should be with this seed."""
    catalog = seed_catalog()
    trials = {name: try_out(catalog, mutant, seed) for name, mutant in MUTANTS.items()}
    return [name for name, trial in trials.items() if not trial.names(MUTANTS[name].breaks, MUTANTS[name].field)]


def main() -> int:
    """Tries every mutant and writes the page, or tries them with several seeds."""
    parser = argparse.ArgumentParser(description="Writes the kill matrix.")
    parser.add_argument("--seeds", type=int, default=0, metavar="N", help="try N other seeds, and write nothing")
    seeds: int = parser.parse_args().seeds
    if seeds:
        missed = {seed: survivors(seed) for seed in range(1, seeds + 1)}
        for seed, names in missed.items():
            killed = len(MUTANTS) - len(names)
            print(f"seed {seed}: {killed} of {len(MUTANTS)} killed. Missed: {', '.join(names) or 'none'}.", flush=True)
        return int(any(missed.values()))
    catalog = seed_catalog()
    PAGE.write_text(page({name: try_out(catalog, mutant) for name, mutant in MUTANTS.items()}), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
