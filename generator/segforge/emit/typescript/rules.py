"""The rules of a model as the check of the TypeScript client reads them. A model imports only the checks it needs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from segforge.emit.clients.files import is_file
from segforge.emit.quoting import Code, typescript_literal
from segforge.emit.typescript.layout import Group, Tree, array, flat, labelled, laid_out
from segforge.spec.catalog import Condition, Json, Model, Parameter

BOUNDS: Final = ("multiple_of", "min_length", "max_length", "exclusive_minimum", "exclusive_maximum")
"""The limits of a parameter in the order of the arguments of the client's `bounds`. Minimum and maximum are common, so
they are part of the rules themselves."""

MODULES: Final = {
    "base64": "formats",
    "bounds": "bounds",
    "brokenConditions": "conditions",
    "deepViolations": "parts",
    "uri": "formats",
    "violations": "validation",
}
"""The module of each check that a model may need."""

_SCALARS: Final = ("string", "integer", "number", "boolean")
_HOLE: Final = Code("")
_PARAMETERS: Final = "const PARAMETERS: readonly Parameter[] = "
_CONDITIONS: Final = "const CONDITIONS: readonly Condition[] = "


@dataclass(frozen=True)
class Rules:
    """The rules of a model, laid out: those of its parameters, those of its conditions, and the checks they use."""

    parameters: Code
    conditions: Code | None
    checks: frozenset[str]

    @property
    def violations(self) -> Code:
        """The function that checks the parameters."""
        return Code("deepViolations" if "deepViolations" in self.checks else "violations")


def rules_of(model: Model) -> Rules:
    """Returns the rules of a model."""
    used: set[str] = set()
    parameters = array(*(_rule(parameter, used) for parameter in model.parameters))
    if "deepViolations" not in used:
        used.add("violations")
    conditions = [_condition(model, one) for one in model.conditions if not one.inferred]
    if conditions:
        used.add("brokenConditions")
    return Rules(
        laid_out(parameters, 0, before=len(_PARAMETERS)),
        laid_out(array(*conditions), 0, before=len(_CONDITIONS)) if conditions else None,
        frozenset(used),
    )


def _rule(parameter: Parameter, used: set[str], *, inner: bool = False) -> Group:
    """Returns a tuple of the client's type `Parameter`."""
    scalar = parameter.type in _SCALARS
    choices = parameter.choices
    closed = choices is not None and not choices.open
    facts = tuple(_parts(parameter, used))
    if facts or parameter.type not in _SCALARS:
        used.add("deepViolations")
    flags = bool(parameter.required) + 2 * parameter.takes_null + 4 * is_file(parameter)
    return array(
        typescript_literal(parameter.name),
        typescript_literal(parameter.type),
        typescript_literal(flags) if flags else _HOLE,
        _limit(parameter.minimum),
        _limit(parameter.maximum),
        _values(choices.known) if choices is not None and closed and scalar else _HOLE,
        _values(parameter.disputed) if scalar and parameter.disputed else _HOLE,
        _more(parameter, used, inner=inner),
        Group("{ ", facts, " }") if facts else _HOLE,
    )


def _more(parameter: Parameter, used: set[str], *, inner: bool) -> Tree:
    """Returns the function of the checks that few parameters need, in the order in which the specs name their rules."""
    checks: list[Group | Code] = []
    limits = [getattr(parameter, name) for name in BOUNDS]
    while limits and limits[-1] is None:
        limits.pop()
    if limits:
        used.add("bounds")
        checks.append(Group("bounds(", tuple(Code("undefined") if one is None else _limit(one) for one in limits), ")"))
    if parameter.choices is None and (parameter.format == "base64" or (inner and parameter.format == "uri")):
        used.add(parameter.format)
        checks.append(Code(parameter.format))
    if len(checks) < 2:
        return checks[0] if checks else _HOLE
    bounds, other = map(flat, checks)
    return Code(f"(value) => [...{bounds}(value), ...{other}(value)]")


def _parts(parameter: Parameter, used: set[str]) -> Iterator[Group]:
    """Yields the facts about items, properties and members, and about values that are no scalars."""
    for name, limit in (("few", parameter.min_items), ("many", parameter.max_items)):
        if limit is not None:
            yield labelled(name, _limit(limit))
    if parameter.items is not None:
        yield labelled("items", _rule(parameter.items, used, inner=True))
    if parameter.properties:
        yield labelled("properties", array(*(_rule(one, used, inner=True) for one in parameter.properties)))
    if parameter.any_of:
        yield labelled("members", array(*(_rule(one, used, inner=True) for one in parameter.any_of)))
    if parameter.type not in _SCALARS:
        if parameter.choices is not None and not parameter.choices.open:
            yield labelled("values", _values(parameter.choices.known))
        if parameter.disputed:
            yield labelled("printed", _values(parameter.disputed))


def _condition(model: Model, condition: Condition) -> Group:
    """Returns an object of the client's type `Condition`."""
    facts: list[Group] = [
        labelled(name, _values(names))
        for name, names in (
            ("one", condition.exactly_one_of),
            ("parameters", condition.parameters),
            ("present", condition.when_present),
            ("requires", condition.requires),
            ("forbids", condition.forbids),
        )
        if names
    ]
    facts += [
        labelled(name, _pairs(values))
        for name, values in (
            ("only", condition.only_when),
            ("when", condition.when),
            ("values", condition.forbids_values),
        )
        if values
    ]
    if condition.with_defaults:
        facts.append(labelled("defaults", _pairs(model.defaults_in(condition))))
    return Group("{ ", tuple(facts), " }")


def _pairs(values: Mapping[str, Json]) -> Group:
    return array(*(array(typescript_literal(name), _value(known)) for name, known in values.items()))


def _values(values: Iterable[Json]) -> Group:
    return array(*map(_value, values))


def _value(value: Json) -> Tree:
    return _values(value) if isinstance(value, list | tuple) else typescript_literal(value)


def _limit(limit: float | None) -> Code:
    return _HOLE if limit is None else typescript_literal(limit)
