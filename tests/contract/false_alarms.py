"""Whole campaigns against the correct mock, on each profile and over many seeds: no rule may break.

`python -m tests.contract.false_alarms [SEEDS] [--whole]` runs 20, `test_false_alarms.py` a few. `--limit 30`,
`--lost 0.01` and `--latency 0.2` put the mock behind a bad connection. Its waits move a clock and take no time.
"""

import argparse
import contextlib
import random
import sys
import time
from dataclasses import dataclass

from segforge import Catalog, default_specs, load_catalog
from segforge_contract import NoAnswer, Request, Response, open_session, plan, run
from segforge_contract.cases.case import under_profile
from segforge_contract.engine.campaign import RunResult
from segforge_contract.targets.base import Target
from segforge_contract.targets.open import IN_PROCESS, open_target
from tests.seeds import seed_catalog


@dataclass(frozen=True)
class Weather:
    """What a connection does to requests: a limit for each second, the share of lost answers, seconds of latency."""

    limit: int | None = None
    lost: float = 0.0
    latency: float = 0.0


class Rough:
    """A target behind a bad connection. Its clock moves only when somebody waits."""

    def __init__(self, target: Target, weather: Weather, seed: int) -> None:
        self.base_url, self.loopback = target.base_url, target.loopback
        self.seconds = 0.0
        self.limited = self.lost = 0
        self._target, self._weather, self._random = target, weather, random.Random(seed)
        self._window: tuple[int, int] = (0, 0)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def clock(self) -> float:
        return self.seconds

    def send(self, request: Request) -> Response:
        self.sleep(self._weather.latency)
        second, sent = self._window
        self._window = (int(self.seconds), sent + 1 if second == int(self.seconds) else 1)
        if self._weather.limit is not None and self._window[1] > self._weather.limit:
            self.limited += 1
            return Response(429, {"content-type": "application/json", "retry-after": "1"}, b'{"error": "Too many"}')
        answer = self._target.send(request)
        if self._random.random() < self._weather.lost:
            self.lost += 1
            raise NoAnswer("no answer: the connection was reset")
        return answer

    def close(self) -> None:
        self._target.close()


def campaign(catalog: Catalog, *slugs: str, seed: int, max_examples: int, weather: Weather | None = None) -> RunResult:
    """Runs a campaign for these models, or for all, against the mock in process under the catalog's profile."""
    models = [model for model in catalog.models if not slugs or model.slug in slugs]
    planned = plan(catalog, models, max_examples=max_examples, seed=seed)
    with contextlib.closing(open_target(IN_PROCESS, None, catalog)) as target:
        if weather is None:
            return run(planned, open_session(catalog, target))
        rough = Rough(target, weather, seed)
        result = run(planned, open_session(catalog, rough, sleep=rough.sleep, clock=rough.clock))
        if (rough.limited or weather.limit is None) and (rough.lost or not weather.lost):
            return result
        raise AssertionError("the weather did nothing")


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
    parser.add_argument("--limit", type=int, metavar="N", help="requests allowed in a second")
    parser.add_argument("--lost", type=float, default=0.0, metavar="SHARE", help="share of answers that are lost")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="seconds before each answer")
    args = parser.parse_args()
    weather = Weather(args.limit, args.lost, args.latency)
    catalog = load_catalog(default_specs()) if args.whole else seed_catalog()
    found = 0
    for profile in (profile.name for profile in catalog.gateway.profiles):
        cases, started = 0, time.process_time()
        for seed in range(args.first, args.first + args.seeds):
            own, examples = under_profile(catalog, profile), args.max_examples
            rough = None if weather == Weather() else weather
            outcome = campaign(own, seed=seed, max_examples=examples, weather=rough)
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
