"""The rules of a model's parameters as the check of the Python client reads them: expressions that construct them."""

from collections.abc import Iterable, Iterator
from typing import Final

from segforge.emit.clients.files import input_kind
from segforge.emit.quoting import Code, python_literal
from segforge.spec.catalog import Condition, Model, Parameter
from segforge.spec.values import LIMITS

_FACTS: Final = ("exactly_one_of", "only_when", "parameters", "when", "when_present", "requires", "forbids")


def rules(parameters: Iterable[Parameter]) -> Code:
    """Returns a mapping from names of parameters to their rules."""
    items = (f"{python_literal(parameter.name)}: {_rules(parameter)}" for parameter in parameters)
    return Code("{" + ", ".join(items) + "}")


def _rules(parameter: Parameter) -> Code:
    return Code(f"Rules({', '.join([python_literal(parameter.type), *_facts(parameter)])})")


def _facts(parameter: Parameter) -> Iterator[str]:
    file = any(input_kind(part) is not None for part in (parameter, *parameter.any_of))
    for name, holds in (("required", parameter.required), ("nullable", parameter.takes_null), ("file", file)):
        yield from (f"{name}=True" for _ in [0] if holds)
    limits = {name: getattr(parameter, name) for name in LIMITS if getattr(parameter, name) is not None}
    yield from (f"limits={python_literal(limits)}" for _ in [0] if limits)
    if parameter.choices is None:
        yield from (f"format={python_literal(parameter.format)}" for _ in [0] if parameter.format is not None)
    elif not parameter.choices.open:
        yield f"choices={python_literal(parameter.choices.known)}"
    yield from (f"printed={python_literal(parameter.disputed)}" for _ in [0] if parameter.disputed)
    yield from (f"items={_rules(parameter.items)}" for _ in [0] if parameter.items is not None)
    yield from (f"properties={rules(parameter.properties)}" for _ in [0] if parameter.properties)
    if parameter.any_of:
        members = (f"({python_literal(member.name)}, {_rules(member)})" for member in parameter.any_of)
        yield f"any_of=({', '.join(members)},)"


def conditions(model: Model) -> Code:
    """Returns a tuple of the conditions that are checked: all that weren't inferred."""
    listed = [_condition(model, condition) for condition in model.conditions if not condition.inferred]
    return Code(f"({''.join(f'{one}, ' for one in listed)})")


def _condition(model: Model, condition: Condition) -> Code:
    facts = {name: getattr(condition, name) for name in (*_FACTS, "forbids_values") if getattr(condition, name)}
    if condition.with_defaults:
        facts["defaults"] = model.defaults_in(condition)
    return Code(f"Condition({', '.join(f'{name}={python_literal(value)}' for name, value in facts.items())})")
