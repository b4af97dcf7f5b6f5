"""A gateway that ignores a fact about a nested part, a union or a condition breaks the rules of that fact alone."""

from dataclasses import replace
from typing import Any

import pytest

from segforge import Catalog
from segforge.spec.catalog import Choices, Model, Parameter
from segforge_contract import run
from segforge_contract.engine.campaign import RunResult
from tests.contract.campaigns import broken_rules, planned, session
from tests.contract.standin import StandIn
from tests.harness.mutants.nested import MODEL

PALETTE = MODEL.parameters_by_name["palette"]


def changed(*path: str, **facts: Any) -> Model:
    """Returns the model with other facts about the part at a path of names, `items` and members of unions."""

    def of(part: Parameter, rest: tuple[str, ...]) -> Parameter:
        if not rest:
            return replace(part, **facts)
        if part.items is not None and rest[0] == "items":
            return replace(part, items=of(part.items, rest[1:]))
        return replace(
            part,
            properties=tuple(of(one, rest[1:]) if one.name == rest[0] else one for one in part.properties),
            any_of=tuple(of(one, rest[1:]) if one.name == rest[0] else one for one in part.any_of),
        )

    return replace(
        MODEL, parameters=tuple(of(one, path[1:]) if one.name == path[0] else one for one in MODEL.parameters)
    )


def with_condition(number: int, **facts: Any) -> Model:
    """Returns the model with other facts about a condition, or without it."""
    kept = [replace(one, **facts) if index == number else one for index, one in enumerate(MODEL.conditions)]
    return replace(MODEL, conditions=tuple(kept if facts else (*kept[:number], *kept[number + 1 :])))


# What the gateway serves instead, and the rules that this breaks, each with the places that its failures name.
FAULTS: dict[str, tuple[Model, dict[str, set[str]]]] = {
    "fewer items": (changed("images", min_items=None), {"range.too_few": {"images"}}),
    "more items": (changed("images", max_items=None), {"range.too_many": {"images"}}),
    "fewest refused": (changed("images", min_items=3), {"range.at_fewest": {"images"}}),
    "most refused": (changed("images", max_items=3), {"range.at_most": {"images"}}),
    "a key omitted": (
        changed("elements", "items", "tag", required=False),
        {"required.missing": {"elements[0].tag", "elements[1].tag"}},
    ),
    "a nested range": (changed("elements", "items", "weight", maximum=None), {"range.above": {"elements[0].weight"}}),
    "a nested end": (
        changed("elements", "items", "weight", maximum=None, exclusive_maximum=1),
        {"range.at_maximum": {"elements[0].weight"}},
    ),
    "a nested set": (
        changed("elements", "items", "kind", choices=Choices(("a", "b"), 3)),
        {"enum.unknown": {"elements[0].kind", "elements[1].kind"}},
    ),
    "a nested value": (
        changed("elements", "items", "kind", choices=Choices(("a",), 1)),
        {"enum.each": {"elements[0].kind"}},
    ),
    "a deep key": (
        changed("elements", "items", "box", "left", required=False),
        {"required.missing": {"elements[0].box.left", "elements[1].box.left"}},
    ),
    "numbers between": (changed("seconds", choices=None, minimum=4, maximum=12), {"enum.unknown": {"seconds"}}),
    "a member": (changed("palette", any_of=PALETTE.any_of[:1]), {"union.each": {"palette"}}),
    "any member": (
        changed("palette", any_of=()),
        {"type.no_member": {"palette"}, "null.not_nullable": {"palette"}},
    ),
    "a loose member": (changed("palette", "preset", "name", type="any"), {"type.no_member": {"palette"}}),
    "one of several": (with_condition(0), {"condition.none": {"data"}, "condition.several": {"data"}}),
    "two of several": (
        with_condition(0, exactly_one_of=("url",)),
        {"condition.several": {"data"}, "optional.omitted": {"url"}},
    ),
    "only when": (with_condition(1), {"condition.only_when": {"fade_time"}}),
    "only when another": (
        with_condition(1, only_when={"transition": ("cut",)}),
        {
            "condition.only_when": {"fade_time"},
            "condition.kept": {"fade_time"},
            "range.at_minimum": {"fade_time"},
            "range.at_maximum": {"fade_time"},
        },
    ),
    "requires": (with_condition(2, requires=()), {"condition.requires": {"first_frame"}}),
    "forbids": (with_condition(2, forbids=()), {"condition.forbids": {"references"}}),
    "forbids with another": (
        with_condition(2, when_present=("first_frame",)),
        {"condition.requires": {"first_frame"}, "condition.kept": {"references"}},
    ),
    "forbids a value": (with_condition(3), {"condition.forbids_value": {"quality"}}),
    "forbids a value always": (with_condition(3, when={"seconds": (4, 8)}), {"condition.kept": {"quality"}}),
}


@pytest.fixture(scope="module")
def own(catalog: Catalog) -> Catalog:
    return replace(catalog, models=(MODEL,))


def broken(own: Catalog, served: Model, *, drawn: int = 0) -> RunResult:
    """Runs the contract tests of the model on a gateway that serves another one."""
    with session(own, StandIn(replace(own, models=(served,)))) as opened:
        return run(planned(own, (), drawn, 0), opened)


def test_a_gateway_with_the_same_facts_breaks_nothing(own: Catalog) -> None:
    assert broken_rules(broken(own, MODEL, drawn=30)) == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_nested_fact_is_found(own: Catalog, fault: str) -> None:
    served, rules = FAULTS[fault]
    found: dict[str, set[str | None]] = {}
    for failure in broken(own, served).failures:
        if failure.case.parameter is not None:
            found.setdefault(failure.broken.rule, set()).add(failure.case.parameter)
    assert found == rules
