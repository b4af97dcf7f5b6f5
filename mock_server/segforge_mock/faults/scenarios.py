"""Scenarios: faults that the mock plays on purpose, named by a request header, a stub or chance.

A request header wins over a stub, and a stub over chaos. Most names are those of the status cases in
`specs/gateway.yaml`, with hyphens: `rate.limited` is `rate-limited`. The others are those in FAULTS.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from segforge.spec.catalog import Gateway
from segforge_mock.bounds import BadSetting
from segforge_mock.faults.effects import Effect
from segforge_mock.faults.replies import Edit, Reply
from segforge_mock.jobs.job import GivenFile

Kind: TypeAlias = Literal["case", "job", "fault"]

FAULTS: Final = {
    "drop-before": "the connection closes before the request is processed",
    "drop-during": "the request takes effect; the connection closes half-way through the answer",
    "drop-after": "the request takes effect; the connection closes before the answer starts",
    "hang-before": "no answer, and the request is not processed; the connection closes after the stub's seconds (600)",
    "hang-after": "no answer, but the request takes effect; the connection closes after the stub's seconds (600)",
    "slow-body": "the answer's body arrives in ten parts over the stub's seconds (default: 1)",
    "truncated-image": "the second half of an image or another file is missing; JSON answers are unchanged",
    "malformed-json": "the second half of a JSON body is missing; files are unchanged",
}
FAULT_SECONDS: Final = {"slow-body": 1.0, "hang-before": 600.0, "hang-after": 600.0}
"""The faults that take time, in seconds unless a stub states another time."""


class Scenario(NamedTuple):
    """A fault with a name. `kind` is `case` for a refusal, `job` for a failed job and `fault` for one of FAULTS.

    `case` names the status case that a refusal or failed job answers with; it is empty for one of FAULTS.
    """

    name: str
    kind: Kind
    case: str
    description: str


class Fault(NamedTuple):
    """The faults of one request: a scenario, or the parts of a stub, and delays in seconds.

    `delay` is before the request takes effect, `late` between that and the answer. `seconds` is the length of a fault
    that takes time (None: the usual one). `files` are the outputs of `effect`, with their bytes.
    """

    scenario: Scenario | None = None
    delay: float = 0.0
    late: float = 0.0
    seconds: float | None = None
    reply: Reply | None = None
    edit: Edit | None = None
    effect: Effect | None = None
    files: tuple[tuple[GivenFile, bytes], ...] = ()

    @property
    def is_delay(self) -> bool:
        """Whether the answer is the gateway's own, at most delayed."""
        return self.scenario is None and self.reply is None and self.edit is None and self.effect is None


NOTHING: Final = Fault()


def scenarios(gateway: Gateway) -> dict[str, Scenario]:
    """Returns every scenario by name: refusals and job failures from the gateway's status cases, then FAULTS."""
    found = {}
    for status in gateway.statuses:
        for case in status.cases:
            if status.code >= 400:
                name = case.name.replace(".", "-").replace("_", "-")
                kind: Kind = "job" if case.name.startswith("job.") else "case"
                found[name] = Scenario(name, kind, case.name, f"{status.code}: {case.when}")
    return found | {name: Scenario(name, "fault", "", text) for name, text in FAULTS.items()}


class Chaos:
    """Plays each scenario at random, at its rate. The same seed repeats the same sequence."""

    def __init__(self, rates: Sequence[tuple[Scenario, float]], seed: int) -> None:
        self._rates = rates
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def fault(self) -> Fault:
        """Draws the fault of the next request."""
        drawn = self._chance.random()
        for scenario, rate in self._rates:
            drawn -= rate
            if drawn < 0:
                return Fault(scenario)
        return NOTHING


def read_chaos(text: str, known: Mapping[str, Scenario], seed: int) -> Chaos:
    """Reads `NAME=RATE,NAME=RATE`, with rates from 0 to 1 that add up to at most 1. Raises BadSetting."""
    rates = []
    for part in text.split(","):
        name, _, rate = part.strip().partition("=")
        if name not in known:
            raise BadSetting(f"chaos: unknown scenario {name!r}; expected one of {', '.join(known)}")
        try:
            rates.append((known[name], float(rate)))
        except ValueError:
            raise BadSetting(f"chaos: expected a rate from 0 to 1 for {name}, found {rate!r}") from None
    total = sum(rate for _, rate in rates)
    if not all(0 <= rate <= 1 for _, rate in rates) or total > 1:
        raise BadSetting(f"chaos: expected rates from 0 to 1 that add up to at most 1, found {text!r}")
    return Chaos(rates, seed)
