"""Faults on purpose: what can be asked for by name, and when it happens.

A request header goes before a scripted rule, a rule before chaos. Names are those of the status cases in
`specs/gateway.yaml` with hyphens (`rate.limited` is `rate-limited`), and those of the faults below.
"""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, get_args

import msgspec
from msgspec import Meta

from segforge.spec.catalog import Gateway
from segforge_mock.settings import BadSetting

Kind: TypeAlias = Literal["case", "job", "fault"]
RouteName: TypeAlias = Literal["run", "submit", "status", "result", "poll", "credits", "picture", "upload"]
Distribution: TypeAlias = Literal["constant", "uniform", "exponential", "lognormal"]

FAULTS: Final = {
    "drop-before": "the connection is closed before the request is looked at",
    "drop-during": "the request takes effect; the connection is closed half-way through the answer",
    "drop-after": "the request takes effect; the connection is closed before any of the answer",
    "slow-body": "the answer's body comes in ten pieces over the rule's seconds (default: 1)",
    "truncated-picture": "the second half of a picture's bytes is missing; JSON answers are left alone",
    "malformed-json": "the second half of a JSON body is missing; pictures are left alone",
}
SLOW_SECONDS: Final = 1.0
MAX_RULES: Final = 1_000
RULE_BYTES: Final = 800
"""What a rule needs in memory beside its slug, with its count."""


class Scenario(NamedTuple):
    """Something that can go wrong: its name, how it comes about, the status case behind it, what it does."""

    name: str
    kind: Kind
    case: str
    description: str


def scenarios(gateway: Gateway) -> dict[str, Scenario]:
    """Every scenario by name: refusals and job failures from the gateway's status cases, then the faults."""
    found = {}
    for status in gateway.statuses:
        for case in status.cases:
            if status.code >= 400:
                name = case.name.replace(".", "-").replace("_", "-")
                kind: Kind = "job" if case.name.startswith("job.") else "case"
                found[name] = Scenario(name, kind, case.name, f"{status.code}: {case.when}")
    return found | {name: Scenario(name, "fault", "", f"{text}") for name, text in FAULTS.items()}


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds to wait before an answer, drawn from a distribution of the standard library's `random`."""

    distribution: Distribution
    seconds: Annotated[float, Meta(ge=0, le=600, description="the constant, the upper end, the mean or the median")]
    sigma: Annotated[float, Meta(ge=0, le=5)] = 0.5

    def draw(self, chance: random.Random) -> float:
        """A time in seconds, at most ten minutes."""
        match self.distribution:
            case "constant":
                drawn = self.seconds
            case "uniform":
                drawn = chance.uniform(0, self.seconds)
            case "exponential":
                drawn = chance.expovariate(1 / self.seconds) if self.seconds else 0.0
            case _:
                drawn = self.seconds * chance.lognormvariate(0, self.sigma)
        return min(drawn, 600.0)


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When what happens: a scenario or a latency, for the requests that match.

    It spares the first `after` matching requests, then takes every `every`-th, `times` times (None: without end).
    """

    scenario: str | None = None
    latency: Latency | None = None
    route: RouteName | None = None
    slug: str | None = None
    after: Annotated[int, Meta(ge=0)] = 0
    every: Annotated[int, Meta(ge=1)] = 1
    times: Annotated[int, Meta(ge=1)] | None = None
    seconds: Annotated[float, Meta(ge=0, le=600)] | None = None


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of rules; the first that takes a request decides."""

    rules: tuple[Rule, ...]


class BadRule(BadSetting):
    """A rule, a script or a chaos setting that can't be used; the message says why."""


class Plan(NamedTuple):
    """What is to happen to one request."""

    scenario: Scenario | None = None
    delay: float = 0.0
    seconds: float = SLOW_SECONDS


NOTHING: Final = Plan()


class Rules:
    """The rules of one tenant, as `read_rule` gives them, each with its count of the requests that matched."""

    def __init__(self, known: Mapping[str, Scenario], rules: Iterable[Rule], seed: int) -> None:
        self._known = known
        self._rules: list[tuple[Rule, list[int]]] = []
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._most = MAX_RULES
        self.size = 0
        """Bytes in memory, estimated."""
        for rule in rules:
            self._most += 1
            self.add(rule)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def add(self, rule: Rule) -> None:
        """Add a rule after the others. Raises BadRule if MAX_RULES were added to those of the script."""
        if len(self._rules) == self._most:
            raise BadRule(f"{len(self._rules)} rules are set, expected at most that many; drop those that are done")
        self.size += RULE_BYTES + 4 * len(rule.slug or "")
        self._rules.append((rule, [0]))

    def clear(self) -> None:
        """Drop all rules."""
        self._rules.clear()
        self.size = 0

    def plan(self, route: str, slug: str) -> Plan:
        """What the rules want to happen to a request."""
        scenario, delay, seconds = None, 0.0, SLOW_SECONDS
        for rule, count in self._rules:
            if (rule.route is not None and rule.route != route) or (rule.slug is not None and rule.slug != slug):
                continue
            if rule.scenario is not None and scenario is not None:
                continue
            if not _takes(rule, count):
                continue
            if rule.latency is not None:
                delay += rule.latency.draw(self._chance)
            if rule.scenario is not None:
                scenario = self._known[rule.scenario]
                seconds = SLOW_SECONDS if rule.seconds is None else rule.seconds
        return Plan(scenario, delay, seconds)


def _takes(rule: Rule, count: list[int]) -> bool:
    count[0] += 1
    past = count[0] - rule.after
    if past <= 0 or past % rule.every:
        return False
    return rule.times is None or past // rule.every <= rule.times


class Chaos:
    """Scenarios that happen at random, each at its rate; a seed makes a run repeatable."""

    def __init__(self, rates: Sequence[tuple[Scenario, float]], seed: int) -> None:
        self._rates = rates
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def plan(self) -> Plan:
        """What chance wants to happen to a request."""
        drawn = self._chance.random()
        for scenario, rate in self._rates:
            drawn -= rate
            if drawn < 0:
                return Plan(scenario)
        return NOTHING


def read_chaos(text: str, known: Mapping[str, Scenario], seed: int) -> Chaos:
    """Chaos from `NAME=RATE,NAME=RATE`, rates from 0 to 1 that add up to at most 1. Raises BadRule."""
    rates = []
    for part in text.split(","):
        name, _, rate = part.strip().partition("=")
        if name not in known:
            raise BadRule(f"no scenario {name!r}; there are: {', '.join(known)}")
        try:
            rates.append((known[name], float(rate)))
        except ValueError:
            raise BadRule(f"{name}: expected a rate from 0 to 1, found {rate!r}") from None
    if not all(0 <= rate <= 1 for _, rate in rates) or sum(rate for _, rate in rates) > 1:
        raise BadRule("rates must lie between 0 and 1 and add up to at most 1")
    return Chaos(rates, seed)


def read_script(path: Path, known: Mapping[str, Scenario], slugs: Collection[str] | None = None) -> tuple[Rule, ...]:
    """The rules of a YAML file; `slugs`: see `read_rule`. Raises BadRule with the file and the place in it."""
    from segforge.spec.source import read_source

    source, findings = read_source(path, str(path))
    if source is None or findings:
        raise BadRule("\n".join(map(str, findings)))
    try:
        rules = msgspec.convert(source.data, Script).rules
        for rule in rules:
            _check(rule, known, slugs)
    except msgspec.ValidationError as error:
        raise BadRule(f"{path}: {_message(error)}") from None
    except BadRule as error:
        raise BadRule(f"{path}: {error}") from None
    return rules


def read_rule(data: Any, known: Mapping[str, Scenario], slugs: Collection[str] | None = None) -> Rule:
    """A rule from decoded JSON, or a checked one from a Rule made in Python.

    `slugs`: the models that are served, None where any is. Raises BadRule, and TypeError for what JSON has no type for.
    """
    try:
        rule = msgspec.convert(msgspec.to_builtins(data), Rule)
    except msgspec.ValidationError as error:
        raise BadRule(_message(error)) from None
    _check(rule, known, slugs)
    return rule


def _message(error: msgspec.ValidationError) -> str:
    """What is wrong with a rule, and the names that there are where it has none of them."""
    for place, names in ((".route`", get_args(RouteName)), (".distribution`", get_args(Distribution))):
        if str(error).endswith(place):
            return f"{error}; there are: {', '.join(names)}"
    return str(error)


def _check(rule: Rule, known: Mapping[str, Scenario], slugs: Collection[str] | None) -> None:
    """Raise BadRule where a rule does nothing or names an unknown scenario or model."""
    if rule.scenario is None and rule.latency is None:
        raise BadRule("a rule needs a scenario or a latency")
    if rule.scenario is not None and rule.scenario not in known:
        raise BadRule(f"no scenario {rule.scenario!r}; there are: {', '.join(known)}")
    if rule.slug is not None and slugs is not None and rule.slug not in slugs:
        close = " or ".join(map(repr, get_close_matches(rule.slug, slugs))) or "one that is served, or allow any model"
        raise BadRule(f"slug: no model {rule.slug!r}; name {close}")
    if rule.slug is not None and rule.route not in (None, "run", "submit"):
        raise BadRule(f"slug: requests to {rule.route} name no model; leave out one of them")
