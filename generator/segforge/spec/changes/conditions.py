"""Changes of a model's conditions, statement by statement: `forbids: [a, b]` makes two statements."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from segforge.spec.catalog import Condition, Model, Scalar
from segforge.spec.changes.change import Change, sided, stated
from segforge.spec.printable import show, span

_NEVER: Final = Condition()


@dataclass(frozen=True)
class _Statement:
    """One statement of a condition, as a condition of its own. Equal statements have equal keys."""

    condition: Condition

    @property
    def key(self) -> str:
        """The statement without regard to the order of names and values. 1 and 1.0 are the same value."""
        data = replace(self.condition, inferred=False).__dict__
        return json.dumps({name: _sorted(value) for name, value in data.items()}, sort_keys=True)

    def concerns(self, names: Collection[str]) -> bool:
        """Returns whether only payloads that send one of these parameters can break the statement."""
        one = self.condition
        if one.with_defaults or one.exactly_one_of:
            return False
        targets = {*one.parameters, *one.forbids, *one.forbids_values}
        return not targets.isdisjoint(names) or not {*one.when, *one.when_present}.isdisjoint(names)


def condition_changes(old: Model, new: Model) -> Iterator[Change]:
    """Yields the changes of conditions. An inferred condition concerns readers only.

    A new statement breaks callers, unless only payloads with a parameter that is new can break it.
    """
    added = set(new.parameters_by_name) - set(old.parameters_by_name)
    before, after = ({one.key: one for one in _statements(model, inferred=False)} for model in (old, new))
    for key, one in before.items():
        if key not in after:
            yield _change(new.slug, "condition.removed", one, is_new=False)
    for key, one in after.items():
        if key not in before:
            harmless = one.concerns(added) or _extends(one.condition, before.values(), added)
            yield _change(new.slug, "condition.added", one, is_new=True, harmless=harmless)
    readers = [_read(model, sure) for model, sure in ((old, after), (new, before))]
    if readers[0].keys() != readers[1].keys():
        sides = [[one.condition for one in side.values()] for side in readers]
        yield sided(
            new.slug, "conditions", "text.changed", "editorial", *([stated(one) for one in side] for side in sides)
        )


def _read(model: Model, sure: Collection[str]) -> dict[str, _Statement]:
    """Returns the inferred statements of a model that the other side doesn't state for sure."""
    return {one.key: one for one in _statements(model, inferred=True) if one.key not in sure}


def _extends(one: Condition, before: Iterable[_Statement], added: Collection[str]) -> bool:
    """Returns whether a choice of one parameter is an old choice, extended by new parameters."""
    names = set(one.exactly_one_of)
    old = (set(other.condition.exactly_one_of) for other in before)
    return bool(names) and any(own and own <= names and names - own <= set(added) for own in old)


def _statements(model: Model, *, inferred: bool) -> Iterator[_Statement]:
    for one in model.conditions:
        if one.inferred is inferred:
            yield from map(_Statement, single_statements(one))


def single_statements(one: Condition) -> Iterator[Condition]:
    """Yields each statement of a condition as a condition of its own."""
    own: dict[str, Any] = {"with_defaults": one.with_defaults, "inferred": one.inferred}
    premise = {**own, "when": one.when, "when_present": one.when_present}
    if one.exactly_one_of:
        yield replace(_NEVER, exactly_one_of=one.exactly_one_of, **own)
    for name in one.parameters:
        yield replace(_NEVER, only_when=one.only_when, parameters=(name,), **own)
    for name in one.requires:
        yield replace(_NEVER, requires=(name,), **premise)
    for name in one.forbids:
        yield replace(_NEVER, forbids=(name,), **premise)
    for name, values in one.forbids_values.items():
        for value in values:
            yield replace(_NEVER, forbids_values={name: (value,)}, **premise)


def _sorted(value: Any) -> Any:
    if isinstance(value, tuple):
        return sorted(json.dumps(_plain(one)) for one in value)
    return {name: _sorted(one) for name, one in value.items()} if isinstance(value, Mapping) else value


def _plain(value: Scalar) -> Scalar:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _change(slug: str, rule: str, one: _Statement, *, is_new: bool, harmless: bool = False) -> Change:
    data = stated(one.condition)
    change = sided(
        slug,
        "conditions",
        rule,
        "breaking" if is_new and not harmless else "additive",
        None if is_new else data,
        data if is_new else None,
    )
    return replace(change, words=_words(one.condition, is_new=is_new))


def _words(one: Condition, *, is_new: bool) -> str:
    premise = " and ".join([*([_values(one.when)] if one.when else []), *map(span, one.when_present)])
    if one.exactly_one_of:
        names = ", ".join(map(span, one.exactly_one_of))
        return f"exactly one of {names} must be sent" if is_new else f"{names} need no longer be sent one at a time"
    if one.only_when:
        name, values = span(one.parameters[0]), _values(one.only_when)
        return f"{name} may be sent only with {values}" if is_new else f"{name} may be sent without {values}"
    if one.requires:
        name = span(one.requires[0])
        return f"{name} must be sent with {premise}" if is_new else f"{name} is optional with {premise} now"
    if one.forbids:
        name = span(one.forbids[0])
        return f"{name} {'must not' if is_new else 'may'} be sent with {premise}"
    verb = "must not" if is_new else "may"
    return f"{_values(one.forbids_values)} {verb} be sent with {premise}"


def _values(values: Mapping[str, tuple[Scalar, ...]]) -> str:
    return " and ".join(f"{span(name)} {' or '.join(map(show, known))}" for name, known in values.items())
