"""Stubs: which requests meet a scenario, an answer or a delay, from a script, the admin API or the pytest fixture."""

import random
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from segforge_mock.bounds import BadSetting
from segforge_mock.faults.effects import Effect
from segforge_mock.faults.replies import Edit, Reply
from segforge_mock.faults.scenarios import Fault, Scenario
from segforge_mock.jobs.job import GivenFile

ControlRouteName: TypeAlias = Literal[
    "upload_input",
    "pixelflow_run",
    "pixelflow_run_by_slug",
    "pixelflow_poll",
    "model_list",
    "account",
    "generations",
    "recent_generations",
    "request_history",
    "request_history_entry",
    "webhook_list",
    "webhook_add",
    "webhook_update",
    "webhook_deactivate",
    "webhook_logs",
    "finetune_submit",
    "finetune_details",
    "finetune_list",
    "finetune_upload_url",
    "finetune_access",
    "finetune_download_url",
]
"""The names of the `other_routes` of the specs that the mock serves."""
RouteName: TypeAlias = Literal[
    "run", "submit", "status", "result", "poll", "credits", "image", "upload", "asset", ControlRouteName
]
Distribution: TypeAlias = Literal["constant", "uniform", "exponential", "lognormal"]

MAX_STUBS: Final = 1_000
STUB_BYTES: Final = 1_200
"""Memory that a stub takes beside its texts, bodies and outputs, with its counter."""
SHOWN_BYTES: Final = 1_024
STUBS_SHARE: Final = 8
"""The memory limit divided by the most that all stubs of a tenant may need."""


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A delay before an answer, drawn from a distribution of the standard library's `random`.

    `seconds` is the constant, the upper end (uniform), the mean (exponential) or the median (lognormal). With
    `after_effect`, the delay is between the effect of the request, such as a new job, and the answer.
    """

    distribution: Distribution
    seconds: Annotated[float, Meta(ge=0, le=600)]
    sigma: Annotated[float, Meta(ge=0, le=5)] = 0.5
    after_effect: bool = False

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
    """What the mock does with some requests, and the requests that it applies to.

    It skips the first `after` matching requests, then applies to every `every`-th one, at most `times` times (None:
    without limit). `seconds` is the length of a fault that takes time. `answer` replaces the gateway's answer, `edit`
    changes it, and `effect` changes the run or job.
    """

    scenario: str | None = None
    latency: Latency | None = None
    route: RouteName | None = None
    slug: str | None = None
    after: Annotated[int, Meta(ge=0)] = 0
    every: Annotated[int, Meta(ge=1)] = 1
    times: Annotated[int, Meta(ge=1)] | None = None
    seconds: Annotated[float, Meta(ge=0, le=600)] | None = None
    answer: Reply | None = None
    edit: Edit | None = None
    effect: Effect | None = None

    @property
    def is_delay(self) -> bool:
        """Whether the stub only delays answers. Delays of several stubs add up; otherwise the first stub wins."""
        return self.scenario is None and self.answer is None and self.edit is None and self.effect is None

    @property
    def content_bytes(self) -> int:
        """Memory that its slug, bodies, headers and outputs take, in bytes (an estimate)."""
        parts = (self.answer, self.edit, self.effect)
        return 4 * len(self.slug or "") + sum(part.size for part in parts if part is not None)


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of stubs; the first that applies to a request decides about it."""

    rules: tuple[Stub, ...]


class BadStub(BadSetting):
    """A stub or script that is not valid; the message says why."""


class _Counted:
    """A stub that `read_stub` made, and the number of requests that matched."""

    __slots__ = ("_files", "matched", "stub")

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        self.matched = 0
        self._files: tuple[tuple[GivenFile, bytes], ...] = ()

    @property
    def files(self) -> tuple[tuple[GivenFile, bytes], ...]:
        """The records of its outputs, with their bytes. They are hashed once."""
        effect = self.stub.effect
        if effect is not None and effect.outputs and not self._files:
            self._files = tuple(output.given for output in effect.outputs)
        return self._files


class Stubs:
    """The stubs of one tenant. `read_stub` makes valid stubs. `most_bytes` limits those that are added later."""

    def __init__(
        self, known: Mapping[str, Scenario], stubs: Iterable[Stub], seed: int, most_bytes: int = 2**30
    ) -> None:
        self._known = known
        self._kept = [_Counted(stub) for stub in stubs]
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._most = MAX_STUBS + len(self._kept)
        self._most_bytes = most_bytes
        self.size = STUB_BYTES * len(self._kept)
        """Memory taken, in bytes (an estimate). The contents of the first stubs are shared by all tenants."""

    def __bool__(self) -> bool:
        return bool(self._kept)

    def add(self, stub: Stub) -> None:
        """Adds a stub after the others.

        Raises BadStub if MAX_STUBS were added to those of the script, or if they need too much memory.
        """
        if len(self._kept) == self._most:
            raise BadStub(f"{self._most} stubs are set, which is the limit; remove stubs before adding another")
        size = self.size + STUB_BYTES + stub.content_bytes
        if size > self._most_bytes:
            raise BadStub(
                f"the stubs of this key would need {size} bytes, and may need {self._most_bytes} (an eighth of the "
                "memory limit); remove stubs, use smaller bodies, or raise --max-memory (max_memory in Python)"
            )
        self.size = size
        self._kept.append(_Counted(stub))

    def clear(self) -> None:
        """Removes all stubs."""
        self._kept.clear()
        self.size = 0

    def as_json(self) -> list[dict[str, Any]]:
        """Returns the stubs in their order, each with the requests that matched it; long bytes as their number."""
        return [
            {**_shown(kept.stub), "matched": kept.matched, "applied": _applied(kept.stub, kept.matched)}
            for kept in self._kept
        ]

    def fault(self, route: str, slug: str) -> Fault:
        """Counts a request to a route and model (empty if its route names none) and returns its fault."""
        chosen: _Counted | None = None
        delay = late = 0.0
        for kept in self._kept:
            stub = kept.stub
            if (stub.route is not None and stub.route != route) or (stub.slug is not None and stub.slug != slug):
                continue
            if chosen is not None and not stub.is_delay:
                continue
            kept.matched += 1
            if not _applies(stub, kept.matched):
                continue
            if stub.latency is not None:
                drawn = stub.latency.draw(self._chance)
                delay, late = (delay, late + drawn) if stub.latency.after_effect else (delay + drawn, late)
            if not stub.is_delay:
                chosen = kept
        if chosen is None:
            return Fault(None, delay, late)
        stub = chosen.stub
        scenario = None if stub.scenario is None else self._known[stub.scenario]
        return Fault(scenario, delay, late, stub.seconds, stub.answer, stub.edit, stub.effect, chosen.files)


def _applies(stub: Stub, number: int) -> bool:
    """Returns whether a stub applies to the matching request with this number, from 1."""
    past = number - stub.after
    if past <= 0 or past % stub.every:
        return False
    return stub.times is None or past // stub.every <= stub.times


def _applied(stub: Stub, matched: int) -> int:
    """Returns the number of requests that a stub applied to, of those that matched."""
    applied = max(0, matched - stub.after) // stub.every
    return applied if stub.times is None else min(applied, stub.times)


def _shown(stub: Stub) -> dict[str, Any]:
    """Returns a stub as JSON. Bytes of more than SHOWN_BYTES are shown as their number."""
    data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(stub))
    stated = (stub.answer, stub.edit, *(stub.effect.outputs if stub.effect is not None else ()))
    shown = (data.get("answer"), data.get("edit"), *data.get("effect", {}).get("outputs", ()))
    for part, fields in zip(stated, shown, strict=True):
        if part is not None and fields is not None and len(part.base64 or b"") > SHOWN_BYTES:
            del fields["base64"]
            fields["bytes"] = len(part.base64 or b"")
    return data


def plain(value: Any) -> Any:
    """Returns a value of a stub that JSON has no type for: a path as text, encoded JSON decoded. Raises TypeError."""
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"expected a value of JSON, found one of the type {type(value).__name__}")
