"""What must hold between several answers: the same seed repeats a picture, a default may as well be left out.

Pictures are compared where the target hands them out itself. One call with everything left out stands for all defaults;
only where its picture differs are they left out one by one, to name the one that counts for something else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from segforge.spec.catalog import Absent, Gateway, Model, Parameter
from segforge.spec.values import payload_verdict, verdict
from segforge_contract.cases.case import Case, Operation
from segforge_contract.cases.parameters import valid_case
from segforge_contract.cases.payloads import base_payload
from segforge_contract.checks.answers import Broken
from segforge_contract.checks.images import alike
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.session import Session

AT_ONCE = 4
"""How many jobs are submitted at the same time."""

_ANOTHER_PROMPT = "A red bicycle in the snow"
_A_SEED = 46588


@dataclass(frozen=True)
class Explicit:
    """A payload that sends every printed default, and the parameters that may as well be left out of it."""

    payload: Mapping[str, Any]
    omissible: tuple[str, ...]
    seed: str


def explicit(model: Model) -> Explicit | None:
    """The payload with everything said; None where no seed repeats a model's pictures, or none such is valid."""
    controls, by_name = model.returns.controls, model.parameters_by_name
    if controls.seed is None:
        return None
    defaults = {p.name: p.default for p in model.parameters if not p.required and _printed(p)}
    payload = {**base_payload(model), **defaults}
    fixed = set()
    if not _is_seed(payload.get(controls.seed)) or not _is_seed(defaults.get(controls.seed, 0)):
        payload[controls.seed] = next(_seeds(model, _A_SEED), _A_SEED)
        fixed.add(controls.seed)
    if controls.size_from_input is not None:  # else nothing would be seen of width and height
        payload[controls.size_from_input] = False
        fixed.add(controls.size_from_input)
    if payload_verdict(model, payload) != "valid":
        return None
    return Explicit(payload, tuple(name for name in defaults if name not in fixed and by_name[name]), controls.seed)


def _printed(parameter: Parameter) -> bool:
    return not isinstance(parameter.default, Absent) and verdict(parameter, parameter.default) == "valid"


def _seeds(model: Model, near: int) -> Iterator[int]:
    """Valid seeds that repeat a picture, those near a number first."""
    parameter = model.parameters_by_name[model.returns.controls.seed or ""]
    known = () if parameter.choices is None else parameter.choices.known
    for seed in (near, near + 1, near - 1, *known, parameter.minimum, parameter.maximum):
        if _is_seed(seed) and verdict(parameter, seed) == "valid":
            yield int(seed)  # type: ignore[arg-type]


def _is_seed(value: object) -> bool:
    """Whether a seed's value repeats a picture: -1 and null ask for any."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def most_calls(model: Model, *, broken: bool) -> int:
    """How many calls `relations` makes for one operation at most; `broken`: of a gateway that breaks its contract."""
    said = explicit(model)
    return 0 if said is None else 5 + (len(said.omissible) if broken else 0)


def relations(session: Session, model: Model, operation: Operation) -> Iterator[list[Failure]]:
    """Hold the pictures of a model against each other; gives what broke, a step at a time."""
    said = explicit(model)
    if said is None:
        session.unsent[f"{model.slug}: no seed repeats a picture, so that none can be compared"] += 1
        return
    comparison = _Relation(session, session.catalog.gateway, model, operation, said)
    if comparison.reference is None:
        yield comparison.failures
        session.unsent[f"{model.slug} {operation}: no picture to compare came of it"] += 1
        return
    yield from (check() for check in (comparison.repeats, comparison.defaults, comparison.seed))
    yield comparison.failures


@dataclass
class _Relation:
    session: Session
    gateway: Gateway
    model: Model
    operation: Operation
    said: Explicit
    failures: list[Failure] = field(default_factory=list)
    stable: bool = True

    def __post_init__(self) -> None:
        self.case = self._case("payload.valid", None, "every default said", self.said.payload)
        self.reference = self._picture(self.case)

    def repeats(self) -> list[Failure]:
        """The same payload again."""
        again = replace(self.case, request=replace(self.case.request, copy=1))
        self._sent(again, "seed.repeats_picture")
        self.stable = self._same(again)
        if self.stable:
            return []
        return [self._failure(replace(again, rule="seed.repeats_picture"), "the same picture twice", "another one")]

    def defaults(self) -> list[Failure]:
        """The payload without all that it says by default, then, if need be, without each."""
        if not self.stable:
            return []
        everything = self._without(self.said.omissible, None)
        for name in self.said.omissible:
            self._sent(replace(everything, parameter=name), everything.rule)
        if self._same(everything):
            return []
        cases = [self._without((name,), name) for name in self.said.omissible]
        broken = [case for case in cases if not self._same(case)] or [everything]
        return [self._failure(case, f"the picture of {self._defaults(case)}", "another picture") for case in broken]

    def seed(self) -> list[Failure]:
        """Another seed; where that changes nothing, another prompt too: a stand-in may draw one picture for all."""
        name, prompt = self.said.seed, self.model.returns.controls.prompt
        seed = self.said.payload[name]
        other = next((each for each in _seeds(self.model, int(seed)) if each != seed), None)
        if not self.stable or prompt is None or other is None:
            return []
        case = self._changed("seed.changes_picture", name, other)
        self._sent(case, case.rule)
        if not self._same(case) or self._same(self._changed("payload.valid", prompt, _ANOTHER_PROMPT)):
            return []
        return [self._failure(case, "another picture", f"that of {name} = {seed}")]

    def _sent(self, case: Case, rule: str) -> None:
        self.session.sent.append(replace(case, rule=rule))

    def _defaults(self, case: Case) -> str:
        names = [case.parameter] if case.parameter is not None else self.said.omissible
        return ", ".join(f"{name} = {self.said.payload[name]!r}" for name in names)

    def _changed(self, rule: str, name: str, value: Any) -> Case:
        return self._case(rule, name, f"{name} = {value}", {**self.said.payload, name: value})

    def _without(self, names: tuple[str, ...], parameter: str | None) -> Case:
        payload = {name: value for name, value in self.said.payload.items() if name not in names}
        return self._case("default.omitted_equals_explicit", parameter, f"without {', '.join(names)}", payload)

    def _case(self, rule: str, parameter: str | None, change: str, payload: Mapping[str, Any]) -> Case:
        case = valid_case(self.gateway, self.model, self.operation, payload, change)
        return replace(case, rule=rule, parameter=parameter)

    def _same(self, case: Case) -> bool:
        """Whether a case gives the picture of reference; one that gives none is the tables' affair."""
        picture = self._picture(case)
        return picture is None or self.reference is None or alike(self.reference, picture)

    def _picture(self, case: Case) -> bytes | None:
        picture, failures = self.session.picture(case)
        self.failures += failures
        return picture

    def _failure(self, case: Case, expected: str, found: str) -> Failure:
        return Failure(case, Broken(case.rule, expected, found), (self.case.request, case.request))


def at_once(session: Session, case: Case) -> list[Failure]:
    """Submit the same job several times at the same time: each has to be a job of its own."""
    copies = [replace(case, request=replace(case.request, copy=number)) for number in range(1, AT_ONCE + 1)]
    return session.perform_together(copies)
