"""Payloads are checked by a type compiled from the specs, and a user's own specs are cached."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from segforge import Catalog, load_catalog
from segforge.spec.catalog import Choices, Condition, Model, Parameter
from segforge.spec.values import broken_conditions, payload_violations
from segforge_mock.models import own_specs
from segforge_mock.models.compiled import request_type
from segforge_mock.models.own_specs import models_of
from segforge_mock.models.reading import Malformed, Payload, ServedModel
from tests.catalogs import drawn_models, drawn_payloads, sends_null_of_unknown_type

TEXT = Parameter("text", "string", required=None, description="Text.")
SEEDS = ("flux-controlnet", "flux-dev-finetuned", "flux-img2img", "flux-ipadapter", "style-transfer")
URI = Parameter("uri", "string", required=None, description="A URI.", format="uri")


def test_the_compiled_type_accepts_the_sample_of_every_curated_model(catalog: Catalog) -> None:
    for model in catalog.models:
        compiled = request_type(model)
        if compiled is not None:
            msgspec.json.decode(json.dumps(model.valid_example).encode(), type=compiled)
    assert all(map(request_type, map(catalog.model, SEEDS)))


@cache
def cases(nested: bool) -> list[tuple[Model, list[dict[str, Any]]]]:
    """Random models with payloads, and each of their parameters alone with the payloads that have it."""
    found = []
    for model in drawn_models(30, nested=nested):
        payloads = drawn_payloads(model, 25)
        found.append((model, payloads))
        for parameter in model.parameters:
            single = replace(model, parameters=(parameter,), conditions=())
            name = parameter.name
            found.append((single, [{name: payload[name]} for payload in payloads if name in payload]))
    return found


@pytest.mark.parametrize("nested", [False, True])
def test_the_compiled_type_accepts_no_payload_that_breaks_a_rule(nested: bool) -> None:
    accepted = unknown = 0
    for model, payloads in cases(nested):
        compiled = request_type(model)
        for payload in payloads if compiled is not None else ():
            try:
                msgspec.json.decode(json.dumps(payload).encode(), type=compiled)
            except msgspec.ValidationError:
                continue
            accepted += 1
            unknown += sends_null_of_unknown_type(model, payload)
            assert payload_violations(model, payload) == [], (model.slug, payload)
    assert accepted > 100
    assert bool(unknown) == nested


@pytest.mark.parametrize(
    "parameter",
    [
        Parameter('a"b', "string", required=True, description="A quotation mark."),
        Parameter("a", "integer", required=True, description="Beyond 64 bits.", maximum=2**64),
        Parameter("a", "number", required=True, description="Numbers.", choices=Choices((1, 2.5), 2)),
        Parameter("a", "boolean", required=True, description="One value.", choices=Choices((True,), 1)),
        Parameter("a", "array", required=True, description="A range of any array.", maximum=2),
        Parameter("a", "any", required=True, description="Two kinds of text.", any_of=(TEXT, URI)),
        Parameter("a", "array", required=True, description="A part.", items=replace(TEXT, name='a"b')),
    ],
    ids=lambda parameter: parameter.description,
)
def test_a_rule_that_msgspec_cannot_express_has_no_compiled_type(catalog: Catalog, parameter: Parameter) -> None:
    assert request_type(replace(catalog.models[0], parameters=(parameter,))) is None


def test_parts_unions_and_sizes_are_compiled(catalog: Catalog) -> None:
    """A chat's messages need no second check."""
    content = Parameter(
        "content",
        "any",
        required=True,
        description="",
        any_of=(TEXT, Parameter("parts", "array", required=None, description="", items=TEXT, max_items=2)),
    )
    message = Parameter("items", "object", required=None, description="", properties=(content,))
    messages = Parameter("messages", "array", required=True, description="", items=message, min_items=1)
    compiled = request_type(replace(catalog.models[0], parameters=(messages,)))
    assert compiled is not None
    decoder = msgspec.json.Decoder(compiled)
    for good in ([{"content": "a"}], [{"content": ["a", "b"], "more": 1}]):
        decoder.decode(json.dumps({"messages": good}).encode())
    wrong: list[Any] = [[], [{}], [{"content": None}], [{"content": ["a", "b", "c"]}], [{"content": [1]}], [1], "a"]
    for bad in wrong:
        with pytest.raises(msgspec.ValidationError):
            decoder.decode(json.dumps({"messages": bad}).encode())


@pytest.mark.parametrize("nested", [False, True])
def test_a_payload_is_refused_exactly_if_it_breaks_a_rule(nested: bool) -> None:
    """The mock names the same broken rules as the specs' definition, in both profiles."""
    refused = accepted = 0
    for model, payloads in cases(nested):
        served = ServedModel(model)
        for payload in payloads:
            body = json.dumps(payload).encode()
            found = served.read(body)
            expected = payload_violations(model, payload)
            assert found == (expected or found), (model.slug, payload)
            assert isinstance(found, Payload) == (not expected), (model.slug, payload)
            refused, accepted = refused + bool(expected), accepted + (not expected)
            if isinstance(found, Payload):
                assert payload_violations(model, msgspec.json.decode(found.body)) == []
                assert served.values(found.body) == served.values(body)
    assert min(refused, accepted) > 100


@pytest.mark.parametrize("nested", [False, True])
def test_the_observed_profile_reads_numbers_from_text_at_any_depth(nested: bool) -> None:
    """A payload whose numbers are sent as text is judged like the payload itself, except where text is valid, too."""
    compared = 0
    for model, payloads in cases(nested):
        served = ServedModel(model)
        for payload in payloads:
            plain = served.read(json.dumps(payload).encode(), cast=True, formats=False)
            if not isinstance(plain, Payload):
                continue
            texts = {name: spelled(value, model.parameters_by_name[name]) for name, value in payload.items()}
            if any(broken_conditions(model, texts)):
                continue
            read = served.read(json.dumps(texts).encode(), cast=True, formats=False)
            assert isinstance(read, Payload), (model.slug, texts, read)
            compared += texts != payload
    assert compared > 50


def spelled(value: Any, parameter: Parameter) -> Any:
    """Returns a value with its numbers as text, where the spec has numbers alone."""
    if parameter.type in ("integer", "number") and isinstance(value, int | float) and not isinstance(value, bool):
        return repr(int(value) if isinstance(value, float) and value.is_integer() else value)
    if isinstance(value, list) and parameter.items is not None:
        return [spelled(item, parameter.items) for item in value]
    if isinstance(value, dict):
        known = {part.name: part for part in parameter.properties}
        return {name: spelled(part, known[name]) if name in known else part for name, part in value.items()}
    return value


def test_a_union_of_numbers_is_read_from_text(catalog: Catalog) -> None:
    whole = Parameter("whole", "integer", required=None, description="", maximum=3)
    sizes = Parameter("sizes", "array", required=None, description="", items=replace(whole, name="items"))
    union = Parameter("size", "any", required=True, description="", any_of=(whole, sizes))
    served = ServedModel(replace(catalog.models[0], parameters=(union,)))
    for sent, kept in (("2", 2), (["1", "2.0"], [1, 2]), (3.0, 3)):
        read = served.read(json.dumps({"size": sent}).encode(), cast=True)
        assert isinstance(read, Payload)
        assert json.loads(read.body) == {"size": kept}
    for wrong in ("4", ["1", "4"], "two", [["1"]]):
        assert isinstance(served.read(json.dumps({"size": wrong}).encode(), cast=True), list)


def test_an_inferred_condition_is_never_refused(catalog: Catalog) -> None:
    condition = Condition(exactly_one_of=("text", "uri"))
    for inferred in (False, True):
        conditions = (replace(condition, inferred=inferred),)
        served = ServedModel(replace(catalog.models[0], parameters=(TEXT, URI), conditions=conditions))
        assert isinstance(served.read(b'{"text": "a"}'), Payload)
        assert isinstance(served.read(b"{}"), Payload) == inferred
        assert isinstance(served.read(b'{"text": "a", "uri": "a:b"}'), Payload) == inferred


def test_deep_nesting_is_malformed(catalog: Catalog) -> None:
    anything = Parameter("any", "any", required=None, description="")
    text_or_any = replace(anything, any_of=(TEXT, anything))
    unknown = ServedModel(replace(catalog.models[0], parameters=(TEXT,)))
    assert isinstance(unknown.read(b'{"any":' + b"[" * 510 + b"]" * 510 + b"}"), Payload)
    for parameter in (anything, text_or_any):
        served = ServedModel(replace(catalog.models[0], parameters=(parameter,)))
        for depth in (10, 60, 63):
            body = b'{"any":' + b"[" * depth + b"]" * depth + b"}"
            assert isinstance(served.read(body), Payload)
            served.values(body)
        for depth in (64, 65, 500, 100_000):
            assert isinstance(served.read(b'{"any":' + b"[" * depth + b"]" * depth + b"}"), Malformed)
        wide = json.dumps({"any": [[[]]] * 100}).encode()
        assert isinstance(served.read(wide), Payload)


def test_equal_payloads_have_equal_values(catalog: Catalog) -> None:
    """1 and 1.0 are the same at any depth, so that they lead to the same output."""
    anything = Parameter("any", "any", required=None, description="", default=[{"a": 1.0}])
    served = ServedModel(replace(catalog.models[0], parameters=(anything,)))
    assert repr(served.values(b'{"any": [1, {"a": [2.0, true]}]}')) == repr(
        served.values(b'{"any": [1.0, {"a": [2, true]}]}')
    )
    assert repr(served.values(b"{}")) == repr(served.values(b'{"any": [{"a": 1}]}'))


def test_cached_specs_are_the_same_models(specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = load_catalog(specs)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fresh = models_of(specs)

    def fail(*_: Any) -> Any:
        raise AssertionError("the specs were checked again")

    with monkeypatch.context() as patch:
        patch.setattr(own_specs, "valid_data", fail)
        cached = models_of(specs)
    for models in (fresh, cached):
        assert models.gateway == catalog.gateway
        assert [models.get(slug).model for slug in models.slugs] == list(catalog.models)  # type: ignore[union-attr]


def test_changed_specs_and_a_damaged_cache_are_checked_again(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = models_of(specs).slugs
    path = specs / "models" / "style-transfer.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("maximum: 10\n", "maximum: 20000000000000000000000\n"), "utf-8")
    [entry] = (tmp_path / "cache" / "segforge" / "mock").iterdir()
    for _ in range(2):
        models = models_of(specs)
        served = models.get("style-transfer")
        assert models.slugs == before
        assert served is not None
        assert served.model.parameters_by_name["number_of_images"].maximum == 2 * 10**22
    path.write_text(text, "utf-8")
    entry.write_bytes(entry.read_bytes()[:-9])
    assert models_of(specs).slugs == before
