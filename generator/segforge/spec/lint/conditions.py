"""Rules about conditions: their form, the parameters and values that they name, and the page's sample under them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from segforge.spec.build import build_conditions
from segforge.spec.catalog import Parameter
from segforge.spec.finding import Finding
from segforge.spec.lint.parameters import undisputed
from segforge.spec.printable import show
from segforge.spec.source import Location, SourceFile
from segforge.spec.values import broken_by, value_violations

_PREMISE: Final = {"when", "when_present"}
_CONSEQUENCES: Final = {"requires", "forbids", "forbids_values"}
_MODIFIERS: Final = {"with_defaults", "inferred"}
_NAMES: Final = ("exactly_one_of", "parameters", "when_present", "requires", "forbids")
"""The fields that list parameters. The other ones, of `_VALUES`, list values of parameters."""
_VALUES: Final = ("only_when", "when", "forbids_values")


def conditions_have_a_form(source: SourceFile) -> Iterator[Finding]:
    """A condition has one form: exactly_one_of, only_when with parameters, or a premise with consequences."""
    expected = (
        "exactly_one_of; only_when with parameters; or when or when_present with requires, forbids or forbids_values"
    )
    for at, condition in _each(source):
        fields = condition.keys() - _MODIFIERS
        whole = bool(fields & _PREMISE) and bool(fields & _CONSEQUENCES) and fields <= _PREMISE | _CONSEQUENCES
        if not whole and fields not in ({"exactly_one_of"}, {"only_when", "parameters"}):
            found = f"a condition with {', '.join(sorted(fields)) or 'no statement'}"
            yield source.finding(at, "condition.form", found, expected, "write one condition for each statement")


def conditions_name_parameters(source: SourceFile) -> Iterator[Finding]:
    """The parameters of a condition are those of the model."""
    parameters = source.data["parameters"]
    for at, condition in _each(source):
        places = [
            ((*at, field, index), name) for field in _NAMES for index, name in enumerate(condition.get(field, ()))
        ]
        places += [((*at, field, name), name) for field in _VALUES for name in condition.get(field, ())]
        for place, name in places:
            if name not in parameters:
                found, expected = show(name), "the name of a parameter below"
                keyed = place[-1] == name
                yield source.finding(place, "condition.unknown", found, expected, "correct the name", key=keyed)


def condition_values_are_possible(source: SourceFile) -> Iterator[Finding]:
    """A parameter accepts the values that a condition names; otherwise no valid payload has them.

    A value of another type is an error. A value outside of limits or set means that the page contradicts itself.
    """
    for at, condition in _each(source):
        for field in _VALUES:
            for name, values in condition.get(field, {}).items():
                data = source.data["parameters"].get(name)
                for index, value in enumerate(values if data is not None else ()):
                    yield from _impossible(source, (*at, field, name, index), undisputed(name, data), value)


def _impossible(source: SourceFile, at: Location, parameter: Parameter, value: object) -> Iterator[Finding]:
    for violation in list(value_violations(parameter, value))[:1]:
        warning = not violation.rule.startswith(("type", "null"))
        expected = f"a value that {show(parameter.name)} accepts, since no valid payload has another one"
        mend = "check both on the page, and keep them if it prints both" if warning else "correct the value"
        yield source.finding(at, "condition.value", violation.message, expected, mend, warning=warning)


def conditions_can_be_kept(source: SourceFile) -> Iterator[Finding]:
    """A condition doesn't contradict itself or what is required, and stands once."""
    required = {name for name, data in source.data["parameters"].items() if data["required"] is True}
    seen: list[Mapping[str, Any]] = []
    for at, condition in _each(source):
        for place, found in _contradictions(condition, required):
            expected = "a condition that valid payloads can keep and break"
            yield source.finding((*at, *place), "condition.contradiction", found, expected, "correct the condition")
        if condition in seen:
            yield source.finding(at, "condition.duplicate", "the condition again", "each condition once", "remove it")
        seen.append(condition)


def _contradictions(condition: Mapping[str, Any], required: set[str]) -> Iterator[tuple[Location, str]]:
    """Yields the place within a condition and the words of each contradiction."""
    premise = {*condition.get("when", ()), *condition.get("when_present", ())}
    always = "required, so it is sent in any case"
    clashes: dict[str, list[tuple[Collection[str], str]]] = {
        "exactly_one_of": [(required, always)],
        "parameters": [(condition.get("only_when", ()), "part of only_when itself"), (required, always)],
        "requires": [(premise, "part of the premise"), (required, always)],
        "forbids": [
            (premise, "part of the premise"),
            (required, always),
            (condition.get("requires", ()), "in requires, too"),
        ],
        "forbids_values": [(condition.get("when", ()), "part of the premise")],
    }
    for field, reasons in clashes.items():
        for index, name in enumerate(condition.get(field, ())):
            reason = next((words for names, words in reasons if name in names), None)
            if reason is not None:
                yield (field, name if field == "forbids_values" else index), f"{show(name)} in {field} is {reason}"


def example_keeps_conditions(source: SourceFile) -> Iterator[Finding]:
    """The page's sample keeps the conditions, inferred ones too. Otherwise the page contradicts itself: a warning."""
    data = source.data
    defaults = {name: one["default"] for name, one in data["parameters"].items() if "default" in one}
    for condition in build_conditions(data):
        for _, name, message in broken_by(condition, data["example"], defaults):
            inferred = ", by an inferred condition" if condition.inferred else ""
            at: Location = ("example", name) if name in data["example"] else ("example",)
            yield source.finding(
                at,
                "example.condition",
                f"the example breaks a condition: {show(name)} {message}{inferred}",
                "an example that keeps all conditions",
                "move the value to quirks if the page prints it, or correct the condition",
                key=True,
                warning=True,
            )


def _each(source: SourceFile) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    for index, condition in enumerate(source.data.get("conditions", ())):
        yield ("conditions", index), condition
