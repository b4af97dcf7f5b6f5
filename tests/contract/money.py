"""The money proof: campaigns against a gateway that bills, interrupted and resumed, checked against its own book.

`python -m tests.contract.money [CAMPAIGNS]` runs them all, `test_money.py` a few.
"""

import atexit
import contextlib
import io
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from segforge import Catalog
from segforge.cli import main
from segforge_contract import HttpTarget, NoAnswer, Request, Response
from tests.contract.billing import KEY, Faults, Gateway, serve
from tests.seeds import copy_seeds, seed_catalog
from tests.shared import run_proof

WORST = Decimal("0.05")
PRICES = {
    "flux-img2img": WORST,
    "flux-ipadapter": Decimal("0.02"),
    "flux-controlnet": Decimal("0.11"),
    "style-transfer": Decimal("0.05"),
}
"""The most that a call of each model costs by its spec."""


@dataclass(frozen=True)
class Trial:
    """One campaign: the gateway's faults, the cap, and when the run is killed.

    `kills`: the number of requests before each kill. `hard`: the kill is a SIGKILL at about that time.
    `unseen`: how many free requests a gateway that bills them may bill under a cap of 0, and one more for each start.
    """

    seed: int
    faults: Faults
    models: tuple[str, ...]
    cap: Decimal
    kills: tuple[int, ...]
    hard: bool
    unseen: int = 0

    def most(self, starts: int) -> Decimal:
        """The most credits that the campaign may cost, started so many times."""
        return self.cap + (self.unseen + starts if self.unseen else 0) * self.faults.free_price


@dataclass(frozen=True)
class Result:
    """The result of a trial, by the gateway's book."""

    trial: Trial
    billed: Decimal
    requests: int
    starts: int


def trials(count: int, *, first: int = 0) -> Iterator[Trial]:
    """Yields campaigns, each drawn from its number. Most have a cap above 0; one in five ends by SIGKILL."""
    kinds = (_paid_trial, _hungry_trial, _paid_trial, _free_trial, _paid_trial, _hungry_trial, _toll_trial, _free_trial)
    for seed in range(first, first + count):
        yield kinds[seed % len(kinds)](seed)


def _models(draw: random.Random) -> tuple[str, ...]:
    """Draws one model, or two that cost different amounts."""
    return tuple(draw.sample(sorted(PRICES), draw.choice((1, 1, 2))))


def _prices(share: Decimal) -> dict[str, Decimal]:
    return {slug: price * share for slug, price in PRICES.items()}


def _paid_trial(seed: int) -> Trial:
    draw = random.Random(seed)
    balance = draw.choice(("true", "true", "missing", "frozen"))
    seen = balance == "true"  # a cap can't cover a cost that neither an answer nor the balance shows
    faults = Faults(
        seed=seed,
        prices=_prices(draw.choice((Decimal(1), Decimal(1), Decimal("0.4"), Decimal("0.066")))),
        told=draw.choice(("true", "true", "half", "double", "none", "words", "nan", "negative")),
        balance=balance,
        bills_at=draw.choice(("submit", "completion")),
        lost_before=draw.choice((0, 0, 0.02, 0.1)),
        lost_after=draw.choice((0, 0, 0.02, 0.3)),
        refusal_billed=draw.choice((0, 0, 0.03, 1)) if seen else 0,
        refusal_told=draw.random() < 0.5,
        error_after=draw.choice((0, 0.3)) if seen else 0,
        invalid_accepted=draw.choice((0, 0, 0.03, 1)),
        job_fails=draw.choice((0, 0.3)),
        failure_billed=seen and draw.random() < 0.5,
        id_repeated=draw.choice((0, 0, 0, 0.2)),
        limited=draw.choice((0, 0.03)),
    )
    cap = draw.choice((Decimal("0.15"), Decimal("0.2"), Decimal("0.4"), Decimal("1.5")))
    kills = tuple(draw.randrange(1, 300) for _ in range(draw.choice((0, 1, 2, 4))))
    return Trial(seed, faults, _models(draw), cap, kills, hard=seed % 5 == 0)


def _hungry_trial(seed: int) -> Trial:
    """A gateway that bills every request at the full price, and a runner that is killed early and often."""
    draw = random.Random(seed)
    balance = draw.choice(("true", "missing"))
    faults = Faults(
        seed=seed,
        prices=_prices(Decimal(1)),
        told="true" if balance == "missing" else draw.choice(("true", "none", "half")),
        balance=balance,
        bills_at=draw.choice(("submit", "completion")),
        lost_after=draw.choice((0, 0.05, 0.1)),
        refusal_billed=draw.choice((0.5, 1)),
        refusal_told=balance == "missing" or draw.random() < 0.5,
        invalid_accepted=draw.choice((0, 0.5, 1)),
    )
    cap = WORST * draw.randrange(4, 20)
    kills = tuple(draw.randrange(2, 60) for _ in range(draw.choice((2, 4, 6))))
    return Trial(seed, faults, _models(draw), cap, kills, hard=seed % 5 == 0)


def _free_trial(seed: int) -> Trial:
    """Draws a gateway that keeps its contract over an unreliable connection, and a cap of 0."""
    draw = random.Random(seed)
    faults = Faults(
        seed=seed,
        prices=_prices(Decimal(1)),
        balance=draw.choice(("true", "missing")),
        bills_at=draw.choice(("submit", "completion")),
        lost_before=draw.choice((0, 0.1)),
        lost_after=draw.choice((0, 0.1)),
        limited=draw.choice((0, 0.05)),
    )
    kills = tuple(draw.randrange(1, 300) for _ in range(draw.choice((0, 1, 2))))
    return Trial(seed, faults, _models(draw), Decimal(0), kills, hard=seed % 5 == 0)


def _toll_trial(seed: int) -> Trial:
    """Draws a gateway that bills requests that are free by the docs. The balance or the answers show it."""
    draw = random.Random(seed)
    told = draw.random() < 0.3
    kinds = ("balance", "poll", "unknown", "keyless")
    faults = Faults(
        seed=seed,
        prices=_prices(Decimal(1)),
        bills_at=draw.choice(("submit", "completion")),
        lost_after=draw.choice((0, 0.05)),
        free_billed=tuple(draw.sample(kinds, draw.choice((1, 1, 2, 4)))),
        free_told=told,
        free_price=draw.choice((Decimal("0.001"), Decimal("0.01"), Decimal("0.05"))),
    )
    cap = draw.choice((Decimal(0), Decimal(0), Decimal("0.15"), Decimal("0.4")))
    kills = tuple(draw.randrange(1, 100) for _ in range(draw.choice((0, 1, 2))))
    return Trial(seed, faults, _models(draw), cap, kills, hard=seed % 5 == 0, unseen=0 if cap else 2)


@cache
def specs() -> Path:
    """Returns a folder of specs whose models have the prices above."""
    folder = tempfile.TemporaryDirectory(prefix="segforge-money-")
    atexit.register(folder.cleanup)
    return copy_seeds(Path(folder.name) / "specs", PRICES)


def run_trial(trial: Trial, catalog: Catalog, folder: Path) -> Result:
    """Runs a campaign, killed as often as the trial says and resumed each time, until it ends."""
    gateway = Gateway(catalog, trial.faults)
    file = folder / f"{trial.seed}.jsonl"
    draw = random.Random(-trial.seed)
    starts = 0
    with serve(gateway) as url:
        for kill in (*trial.kills, None):
            arguments = _arguments(trial, url, file)
            starts += 1
            if (_in_a_process if trial.hard else run_here)(arguments, kill):
                break
            if file.exists() and draw.random() < 0.5:
                with file.open("ab") as torn:  # a line cut by the kill
                    torn.write(b'{"exchange":7,"at":17')
    return Result(trial, gateway.book.billed, gateway.book.requests, starts)


def _arguments(trial: Trial, url: str, file: Path) -> list[str]:
    if file.exists():
        return ["contract", "--specs", str(specs()), "--target", url, "--resume", str(file)]
    return [
        *("contract", "--specs", str(specs()), "--target", url, "--record", str(file), "--models", *trial.models),
        *("--max-examples", "1", "--seed", str(trial.seed), "--max-spend", str(trial.cap)),
    ]


class _Killed(BaseException):
    """Simulates SIGKILL in this process: the harness doesn't catch it."""


def run_here(arguments: list[str], kill_after: int | None, *, lose: bool = True) -> bool:
    """Runs the command in this process, up to `kill_after` requests. Returns whether it ended by itself.

    `lose`: if `kill_after` is odd, the server still handles the last request, and its answer is lost.
    """
    real = HttpTarget.send
    sends = 0

    def send(self: HttpTarget, request: Request) -> Response:
        nonlocal sends
        sends += 1
        if kill_after is not None and sends >= kill_after:
            if lose and sends % 2:
                with contextlib.suppress(NoAnswer):
                    real(self, request)  # the request was sent, and its answer is lost with the process
            raise _Killed
        return real(self, request)

    HttpTarget.send = send  # type: ignore[method-assign]
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = main(arguments)
    except _Killed:
        return False
    finally:
        HttpTarget.send = real  # type: ignore[method-assign]
    if code not in (0, 1, 2):
        raise AssertionError(f"exit {code}")
    return True


def _in_a_process(arguments: list[str], kill_after: int | None) -> bool:
    """Runs the command in its own process and kills it after a while. Returns whether it ended by itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from segforge.cli import main; sys.exit(main())", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(None if kill_after is None else 0.8 + kill_after * 0.01)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


def check(result: Result) -> str | None:
    """Describes how a trial exceeded its cap, None if it didn't."""
    trial = result.trial
    most = trial.most(result.starts)
    if result.billed <= most:
        return None
    return f"campaign {trial.seed}: billed {result.billed}, over the {most} allowed: {trial}"


def prove(count: int, first: int = 0) -> list[Result]:
    """Runs campaigns one after another. Raises AssertionError if one costs more than its cap."""
    catalog = seed_catalog()
    memory = Path("/dev/shm")  # the proof covers a killed process, not a machine that lost power
    results = []
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        for trial in trials(count, first=first):
            result = run_trial(trial, catalog, Path(folder))
            if complaint := check(result):
                raise AssertionError(complaint)
            results.append(result)
    return results


def summary(results: list[Result]) -> str:
    """The result of the proof in a few lines."""
    paid = [result for result in results if result.trial.cap]
    used = sorted(result.billed / result.trial.cap for result in paid)
    free = [result for result in results if not result.trial.cap and not result.trial.unseen]
    tolled = [result for result in results if result.trial.unseen]
    tolls = sum(bool(result.trial.faults.free_billed) for result in paid)
    beyond = sum(result.billed for result in tolled)
    return (
        f"{len(results)} campaigns, {sum(result.starts - 1 for result in results)} restarts, "
        f"{sum(result.trial.hard for result in results)} campaigns in processes of their own, "
        f"{sum(result.requests for result in results)} requests\n"
        f"{len(paid)} with a cap above 0, {tolls} of them on gateways that bill free requests: "
        f"billed {sum(result.billed for result in paid)} of "
        f"{sum(result.trial.cap for result in paid)} credits, never more than the cap; "
        f"median {float(used[len(used) // 2]):.0%} of it, most {float(used[-1]):.1%}\n"
        f"{len(free)} with a cap of 0: billed {sum(result.billed for result in free)} credits\n"
        f"{len(tolled)} with a cap of 0 on gateways that bill free requests: billed {beyond} credits, of "
        f"{sum((result.trial.most(result.starts) - result.trial.cap for result in tolled), Decimal(0))} allowed"
    )


if __name__ == "__main__":
    os.environ["SEGMIND_API_KEY"] = KEY
    run_proof(__doc__, prove, summary)
