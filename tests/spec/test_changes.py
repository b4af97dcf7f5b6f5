"""Changes of models are found at any depth, and only breaking ones make valid payloads invalid."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from segforge import Catalog
from segforge.spec.catalog import Average, Choices, Condition, Model, OtherRoute, Parameter, Quirk, Returns
from segforge.spec.changelog import EMPTY, note_changes
from segforge.spec.changes import Change, breaks_callers, bump_of, gateway_changes, model_changes
from segforge.spec.sentences import sentence
from segforge.spec.values import payload_violations
from segforge.spec.yaml_edit import load
from tests.catalogs import drawn_models
from tests.spec.mutated import canonical, mutations, originals, valid_payloads


def test_a_change_of_one_fact_at_any_depth_is_found_and_only_breaking_ones_refuse_valid_payloads() -> None:
    random = Random(1)
    payloads = {id(model): valid_payloads(model, random) for model in originals()}
    checked = harmless = 0
    for model, changed in mutations(random, 50):
        changes = model_changes([model], [changed])
        assert bool(changes) == (canonical(changed) != canonical(model)), (model, changed)
        assert all("\n" not in sentence(one) for one in changes)
        if changes and not breaks_callers(changes):
            harmless += 1
            for payload in payloads[id(model)]:
                checked += 1
                assert payload_violations(changed, payload) == [], (changes, payload)
    assert all(model_changes([model], [model]) == [] for model in originals())
    assert harmless > 400
    assert checked > 2_000


def test_a_breaking_change_of_a_part_refuses_a_payload_that_was_valid() -> None:
    part = Parameter("uri", "string", required=False, description="", max_length=3)
    one = Parameter("images", "array", True, "", items=Parameter("items", "object", None, "", properties=(part,)))
    assert one.items is not None
    shorter = replace(one.items, properties=(replace(part, max_length=2),))
    (change,) = changes_of(one, replace(one, items=shorter))
    assert (change.rule, change.level, change.at) == (
        "range.narrowed",
        "breaking",
        "parameters.images.items.properties.uri.max_length",
    )
    assert sentence(change) == "x: `images[].uri` takes 2 or less characters (was 3 or less characters)"


def test_an_added_part_is_shown_with_the_facts_that_it_states() -> None:
    whole = Parameter("b", "object", required=False, description="B.", properties=(replace(LIST, note="N."),))
    (change,) = changes_of(THING, replace(THING, properties=(*THING.properties, replace(whole, name="c"))))
    assert change.to_json()["new"] == {
        "type": "object",
        "required": False,
        "properties": {
            "a": {"type": "array", "required": False, "max_items": 3, "items": {"type": "string"}},
        },
    }


def changes_of(old: Parameter, new: Parameter) -> list[Change]:
    return model_changes([made(old)], [made(new)])


def made(*parameters: Parameter, **facts: Any) -> Model:
    base = drawn_models(1)[0]
    return replace(base, slug="x", parameters=parameters, example={}, price=None, **facts)


TEXT = Parameter("a", "string", required=False, description="")
LIST = replace(TEXT, type="array", items=replace(TEXT, name="items", required=None), max_items=3)
THING = replace(TEXT, type="object", properties=(replace(TEXT, name="b"),))
UNION = replace(TEXT, type="any", any_of=(replace(TEXT, name="url"), replace(THING, name="preset")))


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (LIST, {"max_items": 2}, "Breaking: x: `a` takes 2 or less items (was 3 or less items)"),
        (LIST, {"min_items": 1}, "Breaking: x: `a` takes 1 to 3 items (was 3 or less items)"),
        (LIST, {"max_items": None}, "Added: x: `a` takes any number of items (was 3 or less items)"),
        (LIST, {"items": replace(TEXT, format="uri", required=None)}, "Breaking: x: `a[]` takes uri (was any text)"),
        (LIST, {"items": None}, "Added: x: `a` no longer limits its items"),
        (replace(LIST, items=None), {"items": TEXT}, "Breaking: x: `a` takes only items of type string"),
        (THING, {"properties": ()}, "Added: x: `a` no longer limits its properties"),
        (
            replace(THING, properties=()),
            {"properties": THING.properties},
            "Breaking: x: `a` takes only the properties `b`",
        ),
        (
            THING,
            {"properties": (*THING.properties, replace(TEXT, name="c", required=True))},
            "Breaking: x: `a.c` is new, and required",
        ),
        (THING, {"properties": (replace(TEXT, name="c"),)}, ["Breaking: x: `a.b` is gone", "Added: x: `a.c` is new"]),
        (UNION, {"any_of": UNION.any_of[:1]}, "Breaking: x: `a` no longer takes preset"),
        (UNION, {"any_of": ()}, "Added: x: `a` no longer limits its members"),
        (TEXT, {"type": "any", "any_of": UNION.any_of}, "Added: x: `a` is of type any (was string)"),
        (
            replace(TEXT, type="boolean"),
            {"type": "any", "any_of": UNION.any_of},
            "Breaking: x: `a` is of type any (was boolean)",
        ),
        (
            UNION,
            {
                "any_of": (
                    UNION.any_of[0],
                    replace(THING, name="preset", properties=(replace(TEXT, name="b", required=True),)),
                )
            },
            "Breaking: x: `a(preset).b` is required now",
        ),
        (TEXT, {"deprecated": True}, "Added: x: `a` is deprecated"),
        (TEXT, {"affects_price": True}, "Text: x: `a` affects the price"),
        (TEXT, {"file": "video"}, "Added: x: `a` takes files of kind video (was plain text)"),
        (
            replace(TEXT, file="image"),
            {"file": "video"},
            "Breaking: x: `a` takes files of kind video (was files of kind image)",
        ),
        (
            replace(TEXT, file="image"),
            {"file": "any"},
            "Added: x: `a` takes files of any kind (was files of kind image)",
        ),
        (TEXT, {"accepts": ("url",)}, "Breaking: x: `a` takes files as url only"),
        (replace(TEXT, accepts=("url", "part")), {"accepts": ("url",)}, "Breaking: x: `a` no longer takes part"),
        (replace(TEXT, accepts=("url",)), {"accepts": ("url", "part")}, "Added: x: `a` takes part too"),
        (TEXT, {"required": None}, "Text: x: `a` stays optional; its page no longer marks it"),
        (replace(TEXT, required=None), {"required": True}, "Breaking: x: `a` is required now"),
        (
            replace(TEXT, choices=Choices(("p", "q"), 2, ("P", None))),
            {"choices": Choices(("p", "q"), 2, ("P", "Q"))},
            "Text: x: texts were reworded",
        ),
        (
            replace(TEXT, choices=Choices(("p",), 1)),
            {"choices": Choices((), None)},
            ["Added: x: `a` takes other values too", 'Text: x: `a` no longer lists "p"'],
        ),
        (
            replace(TEXT, choices=Choices(("p",), 1), format="uri"),
            {"choices": None},
            "Breaking: x: `a` takes any value of its format",
        ),
    ],
)
def test_changes_of_new_facts_are_sentences(old: Parameter, new: dict[str, Any], line: str | list[str]) -> None:
    noted = load(note_changes(EMPTY, changes_of(old, replace(old, **new)), ())[0])["releases"][0]["changes"]
    assert list(noted) == ([line] if isinstance(line, str) else line)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ({}, {"level": "partial"}, "Added: x: it may take parameters that are not known"),
        ({"level": "partial"}, {}, "Breaking: x: all its parameters are known now"),
        (
            {},
            {"paths": {"v1": "/v1/models/{slug}"}},
            "Added: x: its v1 path is `/v1/models/{slug}` (was the usual one)",
        ),
        (
            {"paths": {"v1": "/v1/models/{slug}"}},
            {},
            "Breaking: x: its v1 path is the usual one (was `/v1/models/{slug}`)",
        ),
        ({}, {"encodings": ("json", "multipart")}, "Added: x: takes bodies encoded as multipart too"),
        ({}, {"auth": ("bearer",)}, "Text: x: the ways to authenticate that its page prints changed"),
        (
            {},
            {"quirks": (Quirk("sample.a", 1, "Text is expected."),)},
            "Text: x: the known contradictions of its page changed",
        ),
        ({}, {"average": Average("2026-11-20", usd=0.5)}, "Text: x: the average cost in USD is 0.5 (was not known)"),
        (
            {"returns": Returns("json")},
            {"returns": Returns("json", shape="caption")},
            "Added: x: its answer has the shape caption (was unknown)",
        ),
        (
            {"returns": Returns("json", shape="openai_chat")},
            {"returns": Returns("json", shape="anthropic_chat")},
            "Breaking: x: its answer has the shape anthropic_chat (was openai_chat)",
        ),
        ({"returns": Returns("image")}, {"returns": Returns("video")}, "Breaking: x: returns video (was image)"),
        (
            {"returns": Returns("image")},
            {"returns": Returns("image", printed="Text/JSON")},
            "Text: x: the page's text about its output was corrected",
        ),
    ],
)
def test_changes_of_a_whole_model_are_sentences(old: dict[str, Any], new: dict[str, Any], line: str) -> None:
    base = {"returns": Returns("image")}
    changes = model_changes([made(TEXT, **{**base, **old})], [made(TEXT, **{**base, **new})])
    (noted,) = load(note_changes(EMPTY, changes, ())[0])["releases"][0]["changes"]
    assert noted == line


A, B, C = (replace(TEXT, name=name) for name in "abc")
ONE = Condition(exactly_one_of=("a", "b"))


@pytest.mark.parametrize(
    ("old", "new", "more", "lines"),
    [
        ([], [ONE], [], ["Breaking: x: exactly one of `a`, `b` must be sent"]),
        ([ONE], [], [], ["Added: x: `a`, `b` need no longer be sent one at a time"]),
        ([ONE], [replace(ONE, exactly_one_of=("b", "a"))], [], []),
        (
            [ONE],
            [replace(ONE, exactly_one_of=("a", "b", "c"))],
            [C],
            [
                "Added: x: `c` is new",
                "Added: x: exactly one of `a`, `b`, `c` must be sent",
                "Added: x: `a`, `b` need no longer be sent one at a time",
            ],
        ),
        (
            [Condition(when_present=("a",), forbids=("b", "c"))],
            [Condition(when_present=("a",), forbids=("b",))],
            [],
            ["Added: x: `c` may be sent with `a`"],
        ),
        ([], [Condition(when={"a": ("p",)}, requires=("b",))], [], ['Breaking: x: `b` must be sent with `a` "p"']),
        (
            [],
            [Condition(when={"a": ("p",)}, forbids_values={"b": ("q",)})],
            [],
            ['Breaking: x: `b` "q" must not be sent with `a` "p"'],
        ),
        (
            [],
            [Condition(only_when={"a": ("p",)}, parameters=("c",))],
            [C],
            ["Added: x: `c` is new", 'Added: x: `c` may be sent only with `a` "p"'],
        ),
        ([], [replace(ONE, inferred=True)], [], ["Text: x: the conditions that its page's texts suggest changed"]),
        ([replace(ONE, inferred=True)], [ONE], [], ["Breaking: x: exactly one of `a`, `b` must be sent"]),
        ([ONE], [replace(ONE, inferred=True)], [], ["Added: x: `a`, `b` need no longer be sent one at a time"]),
    ],
)
def test_conditions_are_compared_statement_by_statement(
    old: list[Condition], new: list[Condition], more: list[Parameter], lines: list[str]
) -> None:
    before = made(A, B, *([] if more else [C]), conditions=tuple(old))
    after = made(A, B, C, conditions=tuple(new))
    releases = load(note_changes(EMPTY, model_changes([before], [after]), ())[0])["releases"]
    assert sorted(releases[0]["changes"] if releases else []) == sorted(lines)


def test_a_default_that_a_condition_looks_at_breaks_callers() -> None:
    rule = Condition(when={"a": ("p",)}, forbids=("b",), with_defaults=True)
    old, new = (made(replace(A, default=default), B, conditions=(rule,)) for default in ("q", "p"))
    assert payload_violations(old, {"b": ""}) == []
    assert payload_violations(new, {"b": ""}) != []
    assert bump_of(model_changes([old], [new])) == "major"


ROUTE = OtherRoute("upload", "POST", "https://x.test/upload", ("api_key",), "Stores a file.", {"200": "A URL."}, "Docs")


def test_other_routes_are_compared_and_raise_no_version_of_the_clients(catalog: Catalog) -> None:
    gateway = replace(catalog.gateway, other_routes=(ROUTE,))
    for other, rule, line in (
        ((), "route.removed", "gateway: route `upload` is gone"),
        (
            (replace(ROUTE, url="https://x.test/v2"),),
            "route.changed",
            'gateway: the url of route `upload` is "https://x.test/v2" (was "https://x.test/upload")',
        ),
        ((replace(ROUTE, meaning="Keeps a file."),), "route.described", "gateway: route `upload` was described anew"),
        ((replace(ROUTE, assumed="Its size."),), "route.described", "gateway: route `upload` was described anew"),
        ((ROUTE, replace(ROUTE, name="finetune")), "route.added", "gateway: route `finetune` is new"),
    ):
        (change,) = gateway_changes(gateway, replace(gateway, other_routes=other))
        assert (change.rule, sentence(change), bump_of([change])) == (rule, line, "none")


def test_a_parameter_of_chats_that_is_refused_breaks_callers(catalog: Catalog) -> None:
    first, *rest = catalog.gateway.chat_parameters
    assert not first.unsupported
    refusing = replace(catalog.gateway, chat_parameters=(replace(first, unsupported=True), *rest))
    for old, new, level, line in (
        (catalog.gateway, refusing, "breaking", '"refused" (was "sent")'),
        (refusing, catalog.gateway, "additive", '"sent" (was "refused")'),
    ):
        (change,) = gateway_changes(old, new)
        assert change.level == level
        assert sentence(change) == f"gateway: `chat_parameters.{first.name}` is {line}"
    other = replace(catalog.gateway, chat_parameters=(replace(first, meaning="Other."), *rest))
    (change,) = gateway_changes(catalog.gateway, other)
    assert change.level == "editorial"


def test_the_description_of_a_status_is_compared(catalog: Catalog) -> None:
    first, *rest = catalog.gateway.statuses
    gateway = replace(catalog.gateway, statuses=(replace(first, meaning="Other."), *rest))
    (change,) = gateway_changes(catalog.gateway, gateway)
    assert (change.at, change.level) == (f"statuses.{first.code}", "editorial")


def test_hostile_names_stay_text_in_sentences() -> None:
    hostile = "\u202e`x\n<b>"
    old = replace(THING, properties=(replace(TEXT, name=hostile),))
    lines = [sentence(one) for one in changes_of(old, replace(THING, properties=()))]
    lines += [sentence(one) for one in model_changes([made(A)], [made(A, conditions=(Condition((hostile, "a")),))])]
    assert all(line.isprintable() for line in lines)
