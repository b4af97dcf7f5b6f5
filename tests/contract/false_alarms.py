"""Whole campaigns against the correct mock, on each profile and over many seeds: no rule may break.

`python -m tests.contract.false_alarms [SEEDS] [--whole]` runs 20, `test_false_alarms.py` a few.
"""

import argparse
import contextlib
import sys
import time

from segforge import Catalog, default_specs, load_catalog
from segforge_contract import open_session, plan, run
from segforge_contract.cases.case import under_profile
from segforge_contract.engine.campaign import RunResult
from segforge_contract.targets.open import IN_PROCESS, open_target
from tests.seeds import seed_catalog


def campaign(catalog: Catalog, *slugs: str, seed: int, max_examples: int) -> RunResult:
    """Runs a campaign for these models, or for all, against the mock in process under the catalog's profile."""
    models = [model for model in catalog.models if not slugs or model.slug in slugs]
    with contextlib.closing(open_target(IN_PROCESS, None, catalog)) as target:
        return run(plan(catalog, models, max_examples=max_examples, seed=seed), open_session(catalog, target))


def alarms(outcome: RunResult) -> list[str]:
    """The failures of a campaign, one line each."""
    return [f"{each.broken.rule}: {each.case.name}: {each.broken.found}" for each in outcome.failures]


def main() -> int:
    """Runs all campaigns. Returns 1 if there was a false alarm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="?", type=int, default=20, metavar="SEEDS")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed (default: 0)")
    parser.add_argument("--whole", action="store_true", help="test all models, not the seed models alone")
    parser.add_argument("--max-examples", type=int, default=20, metavar="N", help="as in segforge contract")
    args = parser.parse_args()
    catalog = load_catalog(default_specs()) if args.whole else seed_catalog()
    found = 0
    for profile in (profile.name for profile in catalog.gateway.profiles):
        cases, started = 0, time.process_time()
        for seed in range(args.first, args.first + args.seeds):
            outcome = campaign(under_profile(catalog, profile), seed=seed, max_examples=args.max_examples)
            cases += len(outcome.sent)
            found += len(outcome.failures)
            for line in alarms(outcome):
                print(f"{profile}, seed {seed}: {line}", flush=True)
            print(f"{profile}: {seed + 1 - args.first} of {args.seeds} seeds, {cases} cases", file=sys.stderr)
        print(f"{profile}: {args.seeds} seeds, {cases} cases, {time.process_time() - started:.0f} CPU s", flush=True)
    print(f"{found} false alarms")
    return min(found, 1)


if __name__ == "__main__":
    raise SystemExit(main())
