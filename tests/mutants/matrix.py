"""The kill matrix: what the harness found of each mutant, as a page. `python -m tests.mutants.matrix` writes it.

Every figure in it is a count, so that the same code writes the same page.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from segforge.spec.load import default_specs, load_catalog
from segforge_contract.rules.table import RULES
from tests.mutants.mutant import Mutant
from tests.mutants.table import MUTANTS
from tests.mutants.trial import Trial, try_out

PAGE: Final = Path(__file__).parents[2] / "docs" / "kill-matrix.md"

_HEAD: Final = """\
# Kill matrix

The harness is itself tested: `tests/mutants/` seeds faults in the mock, one at a time, and runs the harness on each.
`make kill-matrix` writes this page and `make test` fails where it is no longer true, where a mutant is missed, or
where a rule is broken by no mutant.

A trial is a campaign over the one model that shows the fault, in process: the tables, and where *drawn* says so as
many payloads of Hypothesis. *Requests* and *billed* are what it took until the first broken rule, polls included;
*unpaid* tells that a request showed the fault that costs nothing while the contract holds. How Schemathesis does on
the same mutants: [contract.md](contract.md).
"""


def row(mutant: Mutant, trial: Trial) -> str:
    """A mutant's line in the table."""
    counted = trial.killed and not mutant.drawn  # what Hypothesis draws is up to its settings and version
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
    """The whole page, its mutants in the order of the table."""
    killed = sum(trial.killed for trial in trials.values())
    unpaid = sum(trial.unpaid for trial in trials.values())
    mutants = [row(MUTANTS[name], trial) for name, trial in trials.items()]
    rules = [
        f"| `{rule}` | {', '.join(f'`{name}`' for name in killers(rule, trials)) or '**none**'} |" for rule in RULES
    ]
    return "\n".join(
        [
            _HEAD,
            f"{killed} of {len(trials)} mutants are killed, {unpaid} of them also by requests that cost nothing.",
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
    """The mutants that a rule kills."""
    return (name for name, trial in trials.items() if rule in trial.rules)


def main() -> None:
    """Try every mutant, and write the page."""
    catalog = load_catalog(default_specs())
    PAGE.write_text(page({name: try_out(catalog, mutant) for name, mutant in MUTANTS.items()}), "utf-8")


if __name__ == "__main__":
    main()
