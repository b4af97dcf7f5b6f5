"""Stubs: which requests meet a scenario or a delay, from a script, the admin API or the pytest fixture."""

import random
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta

from segforge_mock.bounds import BadSetting
from segforge_mock.faults.scenarios import SLOW_SECONDS, Fault, Scenario

RouteName: TypeAlias = Literal["run", "submit", "status", "result", "poll", "credits", "image", "upload"]
Distribution: TypeAlias = Literal["constant", "uniform", "exponential", "lognormal"]

MAX_STUBS: Final = 1_000
STUB_BYTES: Final = 800
"""Memory that a stub takes beside its slug, with its counter."""


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A delay before an answer, drawn from a distribution of the standard library's `random`.

    `seconds` is the constant, the upper end (uniform), the mean (exponential) or the median (lognormal).
    """

    distribution: Distribution
    seconds: Annotated[float, Meta(ge=0, le=600)]
    sigma: Annotated[float, Meta(ge=0, le=5)] = 0.5

    def draw(self, chance: random.Random) -> float:
        """Draws a delay in seconds, at most 600."""
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


class Stub(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A scenario or a latency, and the requests that it applies to.

    It skips the first `after` matching requests, then applies to every `every`-th one, at most `times` times (None:
    without limit). `seconds` is the length of a slow body.
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
    """A file of stubs; the first that applies to a request decides its scenario."""

    rules: tuple[Stub, ...]


class BadStub(BadSetting):
    """A stub or script that is not valid; the message says why."""


class Stubs:
    """The stubs of one tenant, each with a counter of the requests that matched. `read_stub` makes valid stubs."""

    def __init__(self, known: Mapping[str, Scenario], stubs: Iterable[Stub], seed: int) -> None:
        self._known = known
        self._stubs: list[tuple[Stub, list[int]]] = []
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._most = MAX_STUBS
        self.size = 0
        """Memory taken, in bytes (an estimate)."""
        for stub in stubs:
            self._most += 1
            self.add(stub)

    def __bool__(self) -> bool:
        return bool(self._stubs)

    def add(self, stub: Stub) -> None:
        """Adds a stub after the others. Raises BadStub if MAX_STUBS were added to those of the script."""
        if len(self._stubs) == self._most:
            raise BadStub(f"{self._most} stubs are set, which is the limit; remove stubs before adding another")
        self.size += STUB_BYTES + 4 * len(stub.slug or "")
        self._stubs.append((stub, [0]))

    def clear(self) -> None:
        """Removes all stubs."""
        self._stubs.clear()
        self.size = 0

    def fault(self, route: str, slug: str) -> Fault:
        """Counts a request to a route and model (empty if its route names none) and returns its fault."""
        scenario, delay, seconds = None, 0.0, SLOW_SECONDS
        for stub, count in self._stubs:
            if (stub.route is not None and stub.route != route) or (stub.slug is not None and stub.slug != slug):
                continue
            if stub.scenario is not None and scenario is not None:
                continue
            if not _applies(stub, count):
                continue
            if stub.latency is not None:
                delay += stub.latency.draw(self._chance)
            if stub.scenario is not None:
                scenario = self._known[stub.scenario]
                seconds = SLOW_SECONDS if stub.seconds is None else stub.seconds
        return Fault(scenario, delay, seconds)


def _applies(stub: Stub, count: list[int]) -> bool:
    count[0] += 1
    past = count[0] - stub.after
    if past <= 0 or past % stub.every:
        return False
    return stub.times is None or past // stub.every <= stub.times


def read_script(path: Path, known: Mapping[str, Scenario], slugs: Collection[str] | None = None) -> tuple[Stub, ...]:
    """Reads the stubs of a YAML file; `slugs`: see `read_stub`. Raises BadStub with the file and the place in it."""
    from segforge.spec.source import read_source

    source, findings = read_source(path, str(path))
    if source is None or findings:
        raise BadStub("\n".join(map(str, findings)))
    try:
        stubs = msgspec.convert(source.data, Script).rules
        for stub in stubs:
            _check(stub, known, slugs)
    except msgspec.ValidationError as error:
        raise BadStub(f"{path}: {_message(error)}") from None
    except BadStub as error:
        raise BadStub(f"{path}: {error}") from None
    return stubs


def read_stub(data: Any, known: Mapping[str, Scenario], slugs: Collection[str] | None = None) -> Stub:
    """Reads a stub from decoded JSON, or checks a Stub made in Python.

    `slugs` are the models that are served, or None if any slug is. Raises BadStub, and TypeError for a value that JSON
    has no type for.
    """
    try:
        stub = msgspec.convert(msgspec.to_builtins(data), Stub)
    except msgspec.ValidationError as error:
        raise BadStub(_message(error)) from None
    _check(stub, known, slugs)
    return stub


def _message(error: msgspec.ValidationError) -> str:
    """Returns msgspec's message, with the known names if it found an unknown route or distribution."""
    for place, names in ((".route`", get_args(RouteName)), (".distribution`", get_args(Distribution))):
        if str(error).endswith(place):
            return f"{error}; expected one of {', '.join(names)}"
    return str(error)


def _check(stub: Stub, known: Mapping[str, Scenario], slugs: Collection[str] | None) -> None:
    """Raises BadStub for a stub that does nothing or names an unknown scenario or model."""
    if stub.scenario is None and stub.latency is None:
        raise BadStub("a stub needs a scenario or a latency; it has neither")
    if stub.scenario is not None and stub.scenario not in known:
        raise BadStub(f"scenario: unknown scenario {stub.scenario!r}; expected one of {', '.join(known)}")
    if stub.slug is not None and slugs is not None and stub.slug not in slugs:
        close = " or ".join(map(repr, get_close_matches(stub.slug, slugs))) or "a model that is served"
        raise BadStub(f"slug: unknown model {stub.slug!r}; expected {close}, or allow any model")
    if stub.slug is not None and stub.route not in (None, "run", "submit"):
        raise BadStub(f"slug: requests to the route {stub.route} name no model; leave out slug or route")
