"""Random models with arrays, objects, unions and conditions, and the same models with one change."""

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from itertools import zip_longest
from random import Random
from typing import Any

from segforge.spec.catalog import Choices, Model, Parameter, Returns
from segforge.spec.values import accepts, payload_violations
from tests.catalogs import drawn_models, drawn_payloads

MODELS = 40
FIELDS = tuple(one.name for one in fields(Parameter) if one.name not in ("name", "disputed"))
WHOLE = ("versions", "returns", "level")
"""The facts of a whole model that callers of the clients see, beside conditions and parameters."""
ANSWERS = (Returns("image", ("png",)), Returns("json"), Returns("json", shape="caption"), Returns("text"))


@cache
def originals() -> tuple[Model, ...]:
    """Returns the models, all of the same slug, without disputed values, since changes of those are not compared."""
    return tuple(
        replace(one, slug="x", parameters=tuple(map(undisputed, one.parameters)))
        for one in drawn_models(MODELS, nested=True)
    )


def undisputed(one: Parameter) -> Parameter:
    """Returns a parameter without disputed values, at any depth."""
    return replace(
        one,
        disputed=(),
        items=one.items and undisputed(one.items),
        properties=tuple(map(undisputed, one.properties)),
        any_of=tuple(map(undisputed, one.any_of)),
    )


def mutations(random: Random, each: int) -> Iterator[tuple[Model, Model]]:
    """Yields each model `each` times, with one change. A few changes are none, such as a number by an equal one."""
    for model in originals():
        for _ in range(each):
            tries = [mutated(model, random) for _ in range(4)]
            yield model, next((one for one in tries if one != model), tries[0])


def mutated(model: Model, random: Random) -> Model:
    """Returns a model in which one fact, at any depth, has another value."""
    others = originals()
    field = random.choice((*FIELDS, "conditions", "part", "parameters", *WHOLE))
    if field == "conditions":
        donors = [
            one for other in others for one in other.conditions if set(one.names) <= set(model.parameters_by_name)
        ]
        return replace(model, conditions=(random.choice(donors),) if donors and random.random() < 0.7 else ())
    if field in WHOLE:
        facts: dict[str, Any] = {
            "versions": random.choice((("v1",), ("v2",), ("v1", "v2"))),
            "returns": random.choice(ANSWERS),
            "level": random.choice(("complete", "partial")),
        }
        return replace(model, **{field: facts[field]})
    donor = random.choice(parts(random.choice(others)))
    if field == "parameters":
        kept = [one for one in model.parameters if one is not random.choice(model.parameters)]
        new = replace(donor, name="new")
        return replace(model, parameters=(*model.parameters, new) if random.random() < 0.5 else tuple(kept))
    target = random.choice(parts(model))
    value = replace(donor, name=target.name) if field == "part" else replace(target, **{field: getattr(donor, field)})
    return replace(model, parameters=tuple(replaced(one, target, value) for one in model.parameters))


def valid_payloads(model: Model, random: Random) -> list[dict[str, Any]]:
    """Returns payloads that break no rule of a model."""
    drawn = [*drawn_payloads(model, 20), dict(model.valid_example)]
    values = {
        one.name: [sent[one.name] for sent in drawn if one.name in sent and accepts(one, sent[one.name])]
        for one in model.parameters
    }
    made = [
        {name: random.choice(known) for name, known in values.items() if known and random.random() < share}
        for share in (0.3, 0.7, 1, 1)
        for _ in range(5)
    ]
    unique = {repr(one): one for one in made}
    return [one for one in unique.values() if not payload_violations(model, one)]


def canonical(model: Model) -> str:
    """Returns all facts of a model as text, without the order of values and parts, in which 1 and 1.0 are the same."""
    rules = (replace(one, exactly_one_of=tuple(sorted(one.exactly_one_of))) for one in model.conditions)
    parameters = sorted(map(in_order, model.parameters), key=repr)
    text = repr(replace(model, conditions=tuple(rules), parameters=tuple(parameters)))
    return re.sub(r"\d+(?:\.\d+)?e[+-]\d+|\d+\.\d+", lambda found: whole(float(found[0])), text)


def whole(number: float) -> str:
    return str(int(number) if number.is_integer() else number)


def in_order(one: Parameter) -> Parameter:
    """Returns a parameter with its values and parts in an order of their own."""
    choices = one.choices
    if choices is not None:
        pairs = sorted(zip_longest(choices.known, choices.labels), key=repr)
        labels = tuple(label for _, label in pairs) if choices.labels else ()
        choices = Choices(tuple(value for value, _ in pairs), choices.total, labels)
    return replace(
        one,
        choices=choices,
        items=one.items and in_order(one.items),
        properties=tuple(sorted(map(in_order, one.properties), key=repr)),
        any_of=tuple(sorted(map(in_order, one.any_of), key=repr)),
    )


def parts(model: Model) -> list[Parameter]:
    """Returns the parameters of a model, and their parts."""
    return [part for parameter in model.parameters for part in parameter.walk()]


def replaced(one: Parameter, target: Parameter, value: Parameter) -> Parameter:
    """Returns a parameter in which one part, found by identity, is another."""
    if one is target:
        return value
    return replace(
        one,
        items=one.items and replaced(one.items, target, value),
        properties=tuple(replaced(part, target, value) for part in one.properties),
        any_of=tuple(replaced(part, target, value) for part in one.any_of),
    )
