"""The check before a call finds the same violations as the mock."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segforge.spec.catalog import Model
from segforge.spec.identifiers import snake_case
from segforge.spec.values import violations
from segmind_client import InvalidParameters, Segmind
from tests.client.conftest import KEY, Gateway
from tests.seeds import seed_catalog

MODELS = seed_catalog().models
CLIENT = Segmind(KEY)
VALUES = (
    st.none() | st.booleans() | st.integers(-5, 3000) | st.floats(-5, 3000) | st.text(max_size=3)
    | st.lists(st.integers(), max_size=1) | st.dictionaries(st.text(max_size=1), st.none(), max_size=1)
)  # fmt: skip


@st.composite
def calls(draw: st.DrawFn) -> tuple[Model, dict[str, Any]]:
    """Draws a model, and parameters that are valid, invalid, missing or unknown."""
    model = draw(st.sampled_from(MODELS))
    params: dict[str, Any] = dict(model.valid_example)
    for name in draw(st.sets(st.sampled_from([*model.parameters_by_name, "unknown"]), max_size=4)):
        known = model.parameters_by_name[name].choices if name in model.parameters_by_name else None
        params[name] = draw(st.sampled_from(known.known) | VALUES if known else VALUES)
    for name in draw(st.sets(st.sampled_from(sorted(params)), max_size=2)):
        del params[name]
    return model, params


@given(call=calls())
def test_the_client_and_the_mock_name_the_same_rules_in_the_same_order(call: tuple[Model, dict[str, Any]]) -> None:
    model, params = call
    found = getattr(CLIENT, snake_case(model.slug)).check(**params)
    expected = violations(model.parameters, params)
    assert [(v.rule, v.parameter) for v in found] == [(v.rule, v.parameter) for v in expected]


URI_PARTS = (
    "https:",
    "data:",
    "a1+.-:",
    "//",
    "host.test",
    "[::1]",
    ":80",
    "u:p@",
    "/a.png",
    "%41",
    "%4",
    "?q=1",
    "#f",
    "é",
    " ",
    "[",
    "\n",
)


@given(text=st.text(max_size=6) | st.lists(st.sampled_from(URI_PARTS), max_size=6).map("".join))
@example("a.png")
@example("")
@example("data:image/png;base64,AAAA")
def test_the_client_and_the_mock_accept_the_same_uris(text: str) -> None:
    model = next(model for model in MODELS if model.slug == "flux-ipadapter")
    params = {**model.valid_example, "image": text}
    found = [(v.rule, v.parameter) for v in CLIENT.flux_ipadapter.check(**params)]
    assert found == [(v.rule, v.parameter) for v in violations(model.parameters, params)]


def test_an_address_may_be_of_any_length() -> None:
    for text, rules in (
        ("data:image/png;base64," + "A" * 5_000_000, []),
        ("https://" + "a:" * 100_000, ["format.uri"]),
        ("https://h/" + "%41" * 500_000, []),
        ("https://h/" + "%41" * 500_000 + " ", ["format.uri"]),
    ):
        assert [found.rule for found in CLIENT.flux_ipadapter.check(image=text, prompt="a cat")] == rules


@pytest.mark.parametrize("model", MODELS, ids=[model.slug for model in MODELS])
def test_the_example_of_a_page_is_valid(model: Model) -> None:
    assert getattr(CLIENT, snake_case(model.slug)).check(**model.valid_example) == ()


def test_a_client_that_validates_names_everything_and_sends_nothing(gateway: Gateway) -> None:
    with Segmind(KEY, gateway.url, validate=True) as client:
        for call in (client.run_sync, client.submit_async, client.run):
            with pytest.raises(InvalidParameters) as caught:
                call("flux-ipadapter", prompt=1)
            rules = [(found.parameter, found.rule) for found in caught.value.violations]
            assert rules == [("image", "required.missing"), ("prompt", "type.integer_for_string")]
            assert "required.missing" in str(caught.value)
            assert caught.value.model == "flux-ipadapter"
    assert gateway.received == []


def test_a_model_that_the_client_does_not_know_is_not_checked(gateway: Gateway) -> None:
    gateway.job(slug="brand-new")
    with Segmind(KEY, gateway.url, validate=True) as client:
        assert client.submit_async("brand-new", anything=1).request_id == "r1"
