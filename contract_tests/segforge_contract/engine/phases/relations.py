"""Tests the rules between several answers: a seed repeats an image, and a default may be omitted.

Images are compared if the target itself serves them. One call omits all defaults at once. Only if its image differs,
each default is omitted alone, to name the parameter at fault.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard

from segforge.spec.catalog import Absent, Gateway, Model, Parameter
from segforge.spec.values import equal, verdict
from segforge_contract.cases.case import Case, Operation
from segforge_contract.cases.gate import is_surely_valid
from segforge_contract.cases.parameters import valid_case
from segforge_contract.cases.payloads import base_payload, is_valid
from segforge_contract.cases.settled import settled
from segforge_contract.checks.answers import Broken
from segforge_contract.checks.images import alike, is_lossy, same_pixels
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.session import Session

_ANOTHER_PROMPT = "A red bicycle in the snow"
_A_SEED = 46588


@dataclass(frozen=True)
class Explicit:
    """A payload that sends every printed default, the names of those defaults, and the name of the seed."""

    payload: Mapping[str, Any]
    omissible: tuple[str, ...]
    seed: str


def explicit(model: Model) -> Explicit | None:
    """Returns the payload with all defaults.

    Returns None if the model returns no images that can be compared or has no seed, or if the payload isn't valid.
    """
    controls, by_name = model.returns.controls, model.parameters_by_name
    if controls.seed is None or not _has_images(model):
        return None
    defaults = {p.name: p.default for p in model.parameters if not p.required and _printed(model, p)}
    payload = {**base_payload(model), **defaults}
    fixed = set()
    if not _is_seed(payload.get(controls.seed)) or not _is_seed(defaults.get(controls.seed, 0)):
        payload[controls.seed] = next(_seeds(model, _A_SEED), _A_SEED)
        fixed.add(controls.seed)
    if controls.size_from_input is not None:  # otherwise width and height would have no effect
        payload[controls.size_from_input] = False
        fixed.add(controls.size_from_input)
    payload = settled(model, payload, fixed=fixed) or payload
    if not is_surely_valid(model, payload):
        return None
    sent = (name for name in defaults if name in payload and equal(payload[name], defaults[name]))
    return Explicit(payload, tuple(name for name in sent if name not in fixed and by_name[name]), controls.seed)


def _has_images(model: Model) -> bool:
    """Returns whether the outputs are images with pixels, which can be compared. JSON without a shape may hold some."""
    returns = model.returns
    may_hold = returns.media == "image" or (returns.media == "json" and returns.shape is None)
    return may_hold and set(returns.formats) != {"svg"}


def _printed(model: Model, parameter: Parameter) -> bool:
    return not isinstance(parameter.default, Absent) and is_valid(model, parameter, parameter.default)


def _seeds(model: Model, near: int) -> Iterator[int]:
    """Yields valid seeds that repeat an image, those near a number first."""
    parameter = model.parameters_by_name[model.returns.controls.seed or ""]
    known = () if parameter.choices is None else parameter.choices.known
    for seed in (near, near + 1, near - 1, *known, parameter.minimum, parameter.maximum):
        if _is_seed(seed) and verdict(parameter, seed) == "valid":
            yield seed


def two_seeds(model: Model) -> tuple[int, int] | None:
    """Returns two valid seeds, that of the sample first if it repeats an image. None if no seed shows in the output."""
    said = explicit(model)
    if said is None:
        return None
    usual = base_payload(model).get(said.seed)
    first = usual if _is_seed(usual) else int(said.payload[said.seed])
    other = next((each for each in _seeds(model, first) if each != first), None)
    return None if other is None else (first, other)


def another_seed(model: Model, said: Explicit) -> int | None:
    """Returns a valid seed near that of a payload, None if there is no other one."""
    seed = said.payload[said.seed]
    return next((each for each in _seeds(model, int(seed)) if each != seed), None)


def _is_seed(value: object) -> TypeGuard[int]:
    """Returns whether a seed repeats an image: -1 and null ask for a random one."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def most_calls(model: Model, *, broken: bool) -> int:
    """Returns the most calls that `relations` makes for one operation. `broken`: on a gateway that breaks the rules."""
    said = explicit(model)
    if said is None:
        return 0
    quality = model.returns.controls.quality is not None
    return 5 + quality + (len(said.omissible) if broken else 0)


def relations(session: Session, model: Model, operation: Operation) -> Iterator[list[Failure]]:
    """Compares the images of a model. Yields the failures of each step."""
    said = explicit(model)
    if said is None:
        reason = (
            "images can't be compared, since no seed repeats one"
            if _has_images(model)
            else f"only images are compared, and the output is of the medium {model.returns.media}"
        )
        session.unsent[f"{model.slug}: {reason}"] += 1
        return
    comparison = _Relation(session, session.catalog.gateway, model, operation, said)
    if comparison.reference is None:
        yield comparison.failures
        session.unsent[f"{model.slug} {operation}: the first call returned no image to compare"] += 1
        return
    yield from (check() for check in (comparison.repeats, comparison.defaults, comparison.effects))
    yield comparison.failures


@dataclass(frozen=True)
class _Effect:
    """The effect of another value: whether the image looks different, and whether all its pixels are the same."""

    case: Case
    before: str
    differs: bool
    same: bool


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
        self.reference = self._image(self.case)

    def repeats(self) -> list[Failure]:
        """Sends the same payload again; the image must be the same."""
        again = replace(self.case, request=replace(self.case.request, copy=1))
        self._sent(again, "seed.repeats_picture")
        self.stable = self._same(again)
        if self.stable:
            return []
        return [self._failure(replace(again, rule="seed.repeats_picture"), "the same image twice", "another image")]

    def defaults(self) -> list[Failure]:
        """Omits all defaults at once and, if the image differs, each one alone."""
        if not self.stable:
            return []
        everything = self._without(self.said.omissible, None)
        for name in self.said.omissible:
            self._sent(replace(everything, parameter=name), everything.rule)
        if self._same(everything):
            return []
        cases = [self._without((name,), name) for name in self.said.omissible]
        broken = [case for case in cases if not self._same(case)] or [everything]
        return [self._failure(case, f"the image of {self._defaults(case)}", "another image") for case in broken]

    def effects(self) -> list[Failure]:
        """Sends another seed, another prompt and another quality: each must change the image.

        No image is expected to change on a gateway that always returns the same one, as some mocks do. A prompt and a
        quality have no effect only if all pixels are the same, since a small effect is an effect.
        """
        if not self.stable:
            return []
        seed, prompt, quality = (self._effect(rule, *change) for rule, change in self._others().items())
        failures = []
        if seed is not None and not seed.differs and prompt is not None and prompt.differs:
            failures.append(seed)
        if prompt is not None and prompt.same and seed is not None and seed.differs:
            failures.append(prompt)
        alive = any(each is not None and each.differs for each in (seed, prompt))
        if quality is not None and quality.same and alive:
            failures.append(quality)
        return [self._failure(each.case, "another image", f"the image of {each.before}") for each in failures]

    def _others(self) -> dict[str, tuple[str | None, Any]]:
        """Returns for each rule about an effect the parameter and its other value, None if there is none."""
        controls = self.model.returns.controls
        lossy = self.reference is not None and is_lossy(self.reference)
        return {
            "seed.changes_picture": (self.said.seed, another_seed(self.model, self.said)),
            "prompt.changes_picture": (controls.prompt, _ANOTHER_PROMPT),
            "quality.changes_picture": (controls.quality, self._other_quality() if lossy else None),
        }

    def _other_quality(self) -> float | None:
        """Returns the end of the range of qualities that is farther away from the reference's quality."""
        parameter = self.model.parameters_by_name.get(self.model.returns.controls.quality or "")
        if parameter is None:
            return None
        usual = self.said.payload.get(parameter.name, parameter.default)
        ends = [end for end in (parameter.minimum, parameter.maximum) if end is not None]
        if not ends or isinstance(usual, bool) or not isinstance(usual, int | float):
            return None
        return max(ends, key=lambda end: abs(end - usual))

    def _effect(self, rule: str, name: str | None, value: Any) -> "_Effect | None":
        """Sends another value. Returns its effect, None if there is no other value or no image."""
        if name is None or value is None:
            return None
        case = self._changed(rule, name, value)
        image = self._image(case)
        if image is None or self.reference is None:
            return None
        self._sent(case, rule)
        before = f"{name} = {self.said.payload.get(name)!r}"
        return _Effect(case, before, not alike(self.reference, image), same_pixels(self.reference, image))

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
        """Returns whether a case returns the reference image, or no image, which other rules judge."""
        image = self._image(case)
        return image is None or self.reference is None or alike(self.reference, image)

    def _image(self, case: Case) -> bytes | None:
        image, failures = self.session.image(case)
        self.failures += failures
        return image

    def _failure(self, case: Case, expected: str, found: str) -> Failure:
        return Failure(case, Broken(case.rule, expected, found), (self.case.request, case.request))
