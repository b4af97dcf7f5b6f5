"""The changes of one parameter or nested part: boundary values, known values, wrong types, odd texts."""

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from segforge.spec.catalog import Absent, Choices, Json, Parameter
from segforge.spec.values import accepts, has_limit, is_among, value_violations
from segforge_contract.cases.parts import spots
from segforge_contract.cases.settled import OMITTED
from segforge_contract.cases.texts import MISFORMED, near_misses
from segforge_contract.cases.values import LONGEST_SENT, MOST_ITEMS_SENT, is_free, part_value, sized
from segforge_contract.rules.table import type_rule

_HUGE = 10**30
_MOST_MISFITS = 16  # values that fit no member of a union


@dataclass(frozen=True)
class ParameterChange:
    """The new value of one parameter, or OMITTED, and the rule that it tests.

    `place` is the place of the nested part that changes, if any, and `part` the new value there.
    """

    rule: str
    value: Any
    place: str | None = None
    part: Any = None


@dataclass(frozen=True)
class PartUnderTest:
    """A parameter or a nested part, with a valid value.

    `prose`: it takes any text. `sizes`: it sets the size or the number of outputs. `in_sample`: the page's sample has
    it.
    """

    part: Parameter
    valid: Json
    prose: bool = False
    sizes: bool = False
    in_sample: bool = False


def changes_of(subject: PartUnderTest) -> Iterator[ParameterChange]:
    """Yields every change of one value. `gate.sound` filters out changes that the specs contradict."""
    for family in (
        _range_changes,
        _exclusive_changes,
        _step_changes,
        _length_changes,
        _size_changes,
        _enum_changes,
        _union_changes,
        _presence_changes,
        _type_changes,
        _format_changes,
        _text_changes,
    ):
        yield from family(subject)


def part_changes(subject: PartUnderTest) -> Iterator[ParameterChange]:
    """Yields every change of one value, and of each part nested in it, as new values of the whole."""
    yield from changes_of(subject)
    for spot in spots(subject.part, subject.valid):
        prose = is_free(spot.part) and spot.part.required is False
        own = PartUnderTest(spot.part, spot.value, prose=prose, in_sample=spot.in_sample)
        for change in _samples_of(own) if spot.again else changes_of(own):
            yield ParameterChange(change.rule, spot.put(change.value), spot.place, change.value)


def _samples_of(subject: PartUnderTest) -> Iterator[ParameterChange]:
    """Yields a few changes of a part that other changes test at another place."""
    yield from _presence_changes(subject)
    yield from itertools.islice(_type_changes(subject), 2)
    yield from (change for change in _enum_changes(subject) if change.rule == "enum.unknown")


def _range_changes(subject: PartUnderTest) -> Iterator[ParameterChange]:
    part = subject.part
    if part.minimum is not None:
        yield ParameterChange("range.at_minimum", part.minimum)
        yield ParameterChange("range.below", part.minimum - _step(part, part.minimum))
        yield from _far_below(subject, part.minimum)
    if part.maximum is not None:
        yield ParameterChange("range.at_maximum", part.maximum)
        yield ParameterChange("range.above", part.maximum + _step(part, part.maximum))
        yield from _far_above(subject, part.maximum)
    if part.type == "number" and not any(value_violations(part, 0)):
        yield ParameterChange("range.minus_zero", -0.0)
    boundless = part.choices is None and not has_limit(part)
    if part.type == "integer" and boundless and not subject.sizes:
        yield from (ParameterChange("number.huge", value) for value in (_HUGE, 2**31))


def _exclusive_changes(subject: PartUnderTest) -> Iterator[ParameterChange]:
    """Yields the exclusive ends themselves, which are not allowed, and values far beyond them."""
    part = subject.part
    if part.exclusive_minimum is not None:
        yield ParameterChange("range.below", part.exclusive_minimum)
        yield from _far_below(subject, part.exclusive_minimum)
    if part.exclusive_maximum is not None:
        yield ParameterChange("range.above", part.exclusive_maximum)
        yield from _far_above(subject, part.exclusive_maximum)


def _step_changes(subject: PartUnderTest) -> Iterator[ParameterChange]:
    """Yields numbers in the range that are multiples of 1, or of half or a third of the step, but not of the step."""
    part = subject.part
    step = part.multiple_of
    if step is None or step == 1:
        return
    valid = subject.valid
    away = {each for each in (1, step // 2, step // 3) if each}
    for value in (valid + each * sign for each in sorted(away) for sign in (1, -1)):
        if [each.rule for each in value_violations(part, value)] == ["range.off_step"]:
            yield ParameterChange("range.off_step", value)


def _length_changes(subject: PartUnderTest) -> Iterator[ParameterChange]:
    """Yields texts at both limits of the length, and one character beyond. Other texts than prose refer to things."""
    part = subject.part
    if not subject.prose:
        return
    shortest, longest = part.min_length, part.max_length
    if shortest is not None and shortest <= LONGEST_SENT:
        yield ParameterChange("range.at_shortest", "a" * shortest)
        if shortest:
            yield ParameterChange("range.too_short", "a" * (shortest - 1))
    if longest is not None and longest < LONGEST_SENT:
        yield ParameterChange("range.at_longest", "a" * longest)
        yield ParameterChange("range.too_long", "a" * (longest + 1))


def _far_below(subject: PartUnderTest, minimum: float) -> Iterator[ParameterChange]:
    """Yields values that become valid if their sign is lost, and values that overflow."""
    part = subject.part
    valid = subject.valid
    if -valid < minimum:
        yield ParameterChange("range.below", -valid)
    yield ParameterChange("range.below", -_HUGE if part.type == "integer" else -1e308)


def _far_above(subject: PartUnderTest, maximum: float) -> Iterator[ParameterChange]:
    """Yields values that become valid if they are cut to 32 bits, and values that overflow."""
    part = subject.part
    if part.type == "integer":
        valid = int(subject.valid)
        yield ParameterChange("range.above", valid + max(1, (int(maximum) - valid) // 2**32 + 1) * 2**32)
    yield ParameterChange("range.above", _HUGE if part.type == "integer" else 1e308)


def _step(part: Parameter, bound: float) -> float:
    """Returns the distance to the nearest value outside a bound; for numbers, one that 32-bit floats still resolve."""
    return 1 if part.type == "integer" else 1e-6 * max(1.0, abs(bound))


def _size_changes(subject: PartUnderTest) -> Iterator[ParameterChange]:
    """Yields arrays at both limits of the number of items, and with one item less or more."""
    part = subject.part
    if part.type != "array":
        return
    items = subject.valid if isinstance(subject.valid, list) else []
    if part.items is not None and not items:
        items = [part_value(part.items)]
    if part.min_items is not None and part.min_items <= MOST_ITEMS_SENT:
        yield ParameterChange("range.at_fewest", sized(part, items, part.min_items))
        if part.min_items:
            yield ParameterChange("range.too_few", sized(part, items, part.min_items - 1))
    if part.max_items is not None and part.max_items < MOST_ITEMS_SENT:
        yield ParameterChange("range.at_most", sized(part, items, part.max_items))
        yield ParameterChange("range.too_many", sized(part, items, part.max_items + 1))


def _enum_changes(subject: PartUnderTest) -> Iterator[ParameterChange]:
    part = subject.part
    if part.type == "boolean":
        yield from (ParameterChange("boolean.each", value) for value in (True, False))
    if part.choices is None:
        return
    for known in part.choices.known:
        yield ParameterChange("enum.each", known)
    if not part.choices.open:
        for stranger in _strangers(part, part.choices):
            yield ParameterChange("enum.unknown", stranger)


def _strangers(part: Parameter, choices: Choices) -> Iterator[object]:
    """Yields values outside a closed set: numbers beside and between the known ones, changed words, another boolean."""
    numbers = sorted(value for value in choices.known if isinstance(value, int | float) and not isinstance(value, bool))
    if numbers:
        yield from (max(numbers) + 1, min(numbers) - 1)
        between = ((low + high) / 2 for low, high in itertools.pairwise(numbers))
        yield from (int(value) if part.type == "integer" else value for value in between)
    first = next((value for value in choices.known if isinstance(value, str)), None)
    if first is not None:
        yield from (value for value in near_misses(first) if value not in choices.known)
    if part.type == "boolean":
        yield from (value for value in (True, False) if not is_among(value, choices.known))


def _union_changes(subject: PartUnderTest) -> Iterator[ParameterChange]:
    """Yields a value of each member of a union, valid variants of it, and values that fit no member.

    A misfit has a wrong type, or is the value of a member with one change that breaks one of its rules.
    """
    union = subject.part
    if not union.any_of:
        return
    broken: list[Any] = [1.5, True, {"no_such_key": 1}, [], {}]
    for member in union.any_of:
        valid = part_value(member, subject.valid if accepts(member, subject.valid) else None)
        yield ParameterChange("union.each", valid)
        for change in part_changes(PartUnderTest(member, valid)):
            if change.rule in ("enum.each", "boolean.each"):
                yield ParameterChange("union.each", change.value)
            elif change.value is not OMITTED:
                broken.append(change.value)
    misfits = {
        json.dumps(value): value
        for value in broken
        # Text may be cast to a number, null has rules of its own, and no rule is about formats.
        if not isinstance(value, str | None) and not _spells_number(value) and not accepts(union, value, formats=False)
    }
    yield from (ParameterChange("type.no_member", value) for value in itertools.islice(misfits.values(), _MOST_MISFITS))


def _spells_number(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_spells_number, value.values() if isinstance(value, dict) else value))
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False


def _presence_changes(subject: PartUnderTest) -> Iterator[ParameterChange]:
    part = subject.part
    if part.required:
        yield ParameterChange("required.missing", OMITTED)
    elif part.required is False and subject.in_sample:
        yield ParameterChange("optional.omitted", OMITTED)
    if part.nullable:
        yield ParameterChange("null.nullable", None)
    elif refuses_null(part):
        yield ParameterChange("null.not_nullable", None)
    if not isinstance(part.default, Absent) and part.default is not None:
        yield ParameterChange("default.explicit", part.default)


def refuses_null(part: Parameter) -> bool:
    """Returns whether null has none of the types that the page states. A part of unknown type may take it."""
    if part.any_of:
        return not part.nullable and all(map(refuses_null, part.any_of))
    return not part.nullable and part.type != "any"


def _type_changes(subject: PartUnderTest) -> Iterator[ParameterChange]:
    """Yields values of every other JSON type. Where possible, a cast would make the value valid."""
    part = subject.part
    valid = subject.valid
    for sent, value in (
        *(("string", each) for each in _spelled(part, valid)),
        ("number", _fraction(part, valid)),
        *(("integer", each) for each in _whole(part)),
        ("boolean", _truth(part)),
        ("array", [valid]),
        ("object", {"value": valid}),
    ):
        rule = type_rule(sent, part.type)
        if rule is not None:
            yield ParameterChange(rule, value)
    if part.type == "integer":
        yield ParameterChange("type.whole_for_integer", float(valid))


def _spelled(part: Parameter, valid: Any) -> tuple[str, ...]:
    """Returns the valid values as strings: both booleans, every known value of a set, an array's only item."""
    if part.type == "boolean":
        return ("true", "false")
    alone = [valid[0]] if isinstance(valid, list) and valid and isinstance(valid[0], str) else []
    known = (valid, *(() if part.choices is None else part.choices.known))
    return tuple(dict.fromkeys((*map(json.dumps, known), *alone)))


def _whole(part: Parameter) -> tuple[int, ...]:
    """Returns integers that a cast makes valid: 1 and 0 for a boolean, the numeric strings of a set."""
    if part.type == "boolean":
        return (1, 0)
    known = () if part.choices is None else part.choices.known
    digits = [each for each in known if isinstance(each, str) and each.isascii() and each.isdecimal()]
    return tuple(int(each) for each in digits if str(int(each)) == each) or (1,)


def _fraction(part: Parameter, valid: Any) -> Any:
    """Returns a number with a fraction; for an integer, one that int() or round() brings into the range."""
    if part.type != "integer":
        return 1.5
    return valid + 0.25 if part.maximum is None or valid < part.maximum else valid - 0.25


def _truth(part: Parameter) -> bool:
    """Returns the boolean that is within the range if it is cast to 1 or 0."""
    return part.minimum is None or part.minimum > 0 or part.maximum is None or part.maximum >= 1


def _format_changes(subject: PartUnderTest) -> Iterator[ParameterChange]:
    """Yields texts without the format that the page states. A set of values decides instead of a format."""
    part = subject.part
    if part.format is not None and part.choices is None:
        yield from (ParameterChange(f"format.{part.format}", text) for text in MISFORMED.get(part.format, ()))


def _text_changes(subject: PartUnderTest) -> Iterator[ParameterChange]:
    """Yields odd texts for free text that the limits of its length allow.

    URLs and identities refer to real things, so they keep their values.
    """
    part = subject.part
    if not subject.prose:
        return
    for rule, text in (
        ("text.unicode", 'Fuß, кот, 猫, חתול, 🐈, l\'été "{0}" 50%s <b> \\ $x;--'),
        ("text.empty", ""),
        ("text.long", "a cat and " * 1000),
        ("text.control", "a cat\r\n\ton a mat\x00\x1b[31m\x7f"),
    ):
        if not any(value_violations(part, text)):
            yield ParameterChange(rule, text)
