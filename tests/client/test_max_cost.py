"""`max_cost`: a call that may cost more, or whose cost no source states, is refused before anything is sent."""

import math
import pickle
from typing import Any

import pytest

from segmind_client import CostLimit, Segmind
from segmind_client._directory import RATES
from tests.client.conftest import KEY, Gateway, json_answer
from tests.seeds import seed_catalog

PARAMS = {"image": "https://host.test/a.png", "prompt": "a cat"}


def test_a_call_that_may_cost_more_is_refused_with_both_amounts(client: Segmind, gateway: Gateway) -> None:
    gateway.job()
    found = client.estimate("flux-img2img")
    assert found is not None
    most = found.credits_high
    for limit, is_sent in ((most * 0.99, False), (most, True), (math.inf, True)):
        limited = client.with_options(max_cost=limit)
        before = len(gateway.received)
        if is_sent:
            limited.submit_async("flux-img2img", **PARAMS)
        else:
            with pytest.raises(CostLimit, match="max_cost is") as caught:
                limited.submit_async("flux-img2img", **PARAMS)
            error = pickle.loads(pickle.dumps(caught.value))
            assert (error.max_cost, error.may_cost, error.model) == (limit, most, "flux-img2img")
            assert f"{most:g}" in str(error)
        assert len(gateway.received) == before + is_sent


def test_a_call_without_a_known_price_is_refused(client: Segmind, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/unheard-of", json_answer({}))
    with pytest.raises(CostLimit, match="no source states") as caught:
        client.with_options(max_cost=1e6).run_sync("unheard-of")
    assert (caught.value.max_cost, caught.value.may_cost) == (1e6, None)
    assert not gateway.received
    client.run_sync("unheard-of")
    client.with_options(max_cost=math.inf).run_sync("unheard-of")
    assert len(gateway.received) == 2


def test_the_parameters_of_the_call_count(client: Segmind, gateway: Gateway) -> None:
    slug, (parameter, *_) = next(iter(RATES.items()))
    gateway.job(slug=slug)
    short, long = (client.estimate(slug, **{parameter: seconds}) for seconds in (5, 500))
    assert short is not None
    assert long is not None
    limited = client.with_options(max_cost=short.credits_high)
    limited.submit_async(slug, **{parameter: 5})
    with pytest.raises(CostLimit):
        limited.submit_async(slug, **{parameter: 500})
    assert len(gateway.received) == 1


def test_models_and_clients_keep_the_limit(gateway: Gateway) -> None:
    example: Any = seed_catalog().model("style-transfer").valid_example
    with Segmind(KEY, gateway.url, max_cost=0) as client:
        with pytest.raises(CostLimit):
            client.style_transfer.submit(**example)
        with pytest.raises(CostLimit):
            client.run("flux-img2img", **PARAMS)
        assert (client.spend.calls, client.spend.unknown) == (0, 0)
    assert not gateway.received


@pytest.mark.parametrize("wrong", [-1, math.nan, "1", True])
def test_an_invalid_limit_is_rejected(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"max_cost is .*; expected credits from 0 upwards"):
        Segmind(KEY, max_cost=wrong)
