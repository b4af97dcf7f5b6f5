"""Estimates of the cost of calls before they are sent, and the reservations that `max_spend` makes from them."""

import asyncio
import dataclasses
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from segforge import Catalog, load_catalog
from segforge.spec.catalog import Average, Price
from segforge.spec.identifiers import snake_case
from segforge.spec.price import estimate as stated
from segforge.spec.price import highest_credits, model_estimate
from segforge_mock import Mock
from segmind_client import AsyncSegmind, Estimate, Segmind, SpendLimit
from tests.client.conftest import KEY, Gateway, json_answer
from tests.client.wide import write_client, write_specs
from tests.seeds import whole_catalog

CATALOG: Final = whole_catalog()
FACTOR: Final = float(CATALOG.gateway.assumptions["price_factor"].value)
SPECS: Final = {model.slug: model for model in CATALOG.models}
WITHOUT_SPEC: Final = [listing for slug, listing in CATALOG.directory.listings.items() if slug not in SPECS]
DEAREST: Final = max(WITHOUT_SPEC, key=lambda one: one.usd or 0)
CLIENT: Final = Segmind(KEY, "http://localhost:1")


def test_an_upper_end_is_at_least_what_the_sources_state() -> None:
    for listing in WITHOUT_SPEC:
        found = CLIENT.estimate(listing.slug)
        if listing.usd is None:
            assert found is None
        else:
            assert found is not None
            assert (found.low, found.average, found.high >= FACTOR * listing.usd) == (0, listing.usd, True)
            assert found.high <= FACTOR * listing.usd * 1.01 + 1e-9
    for model in CATALOG.models:
        mine, theirs = CLIENT.estimate(model.slug), model_estimate(CATALOG.gateway, model)
        assert (mine is None) == (theirs is None), model.slug
        if mine is not None and theirs is not None:
            assert (mine.low, mine.average, mine.source) == (theirs.low, theirs.average, theirs.source)
            printed = 0 if model.price is None or model.price.to is None else model.price.to
            average = 0 if model.average is None or model.average.usd is None else model.average.usd
            assert mine.high >= max(theirs.high, FACTOR * average), model.slug
            assert model.price is None or model.price.unit not in ("generation", None) or mine.high >= printed
            assert mine.credits_high == highest_credits(CATALOG.gateway, model)
            assert mine.credits_low == mine.low


def test_a_model_and_the_client_return_the_same_estimate() -> None:
    for slug in ("flux-img2img", "sora-2", "nano-banana", "gemini-1.5-pro", "seedance-2.5", "bg-replace"):
        model = SPECS[slug]
        assert getattr(CLIENT, snake_case(slug)).estimate(**model.example) == CLIENT.estimate(slug, **model.example)


def test_an_estimate_is_frozen_and_names_its_sources() -> None:
    found = CLIENT.kling_1_6_image2video.estimate(prompt="a cat", duration=5)
    assert isinstance(found, Estimate)
    assert "$0.560 - $1.96 per generation" in found.source
    assert f"{FACTOR:g} times the average" in found.source
    assert CATALOG.directory.read in found.source
    assert found.low == 0.56
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.high = 0.0  # type: ignore[misc]  # it is frozen


def test_without_a_source_there_is_no_estimate() -> None:
    assert CLIENT.gemini_1_5_pro.estimate() is None
    assert CLIENT.estimate("no-such-model") is None


def test_the_asynchronous_client_estimates_without_waiting() -> None:
    async def main() -> tuple[Estimate | None, Estimate | None]:
        async with AsyncSegmind(KEY, "http://localhost:1") as client:
            return client.flux_img2img.estimate(), client.estimate("flux-img2img")

    assert asyncio.run(main()) == (CLIENT.estimate("flux-img2img"),) * 2


def test_a_listed_model_without_a_spec_reserves_its_upper_end() -> None:
    found = CLIENT.estimate(DEAREST.slug)
    assert found is not None
    with Mock() as mock, Segmind(mock.key, mock.url, max_spend=found.credits_high - 0.01) as poor:
        for call in (poor.run, poor.run_sync, poor.submit_async):
            with pytest.raises(SpendLimit, match=f"may cost {found.credits_high:g}"):
                call(DEAREST.slug, prompt="a cat")
        assert mock.requests == []


def test_running_calls_of_a_listed_model_do_not_exceed_the_limit_together(gateway: Gateway) -> None:
    slug = DEAREST.slug
    found = CLIENT.estimate(slug)
    assert found is not None
    gateway.job(slug=slug)
    with Segmind(KEY, gateway.url, max_spend=1.5 * found.credits_high) as client:
        client.submit_async(slug)
        with pytest.raises(SpendLimit):
            client.submit_async(slug)
    assert len(gateway.received) == 1


def test_a_cost_that_was_higher_than_the_estimate_counts(gateway: Gateway) -> None:
    found = CLIENT.estimate("bg-removal")
    assert found is not None
    gateway.on("POST", "/v1/bg-removal", json_answer({}, headers={"x-cost": "2"}))
    with Segmind(KEY, gateway.url, max_spend=3) as client:
        client.run_sync("bg-removal")
        with pytest.raises(SpendLimit, match="may cost 2"):
            client.run_sync("bg-removal")


RATES: Final = (
    ("both ends", Price("$0.10 - $0.20 per second", from_=0.1, to=0.2, unit="second"), 0.5, {"duration": 8}),
    ("a text", Price("$0.10 - $0.20 per second", from_=0.1, to=0.2, unit="second"), 0.5, {"duration": "4s"}),
    ("no average", Price("$0.20 per second", from_=0.2, to=0.2, unit="second"), None, {"duration": 8.0}),
    ("from only", Price("from $0.10 per second", from_=0.1, unit="second"), 0.05, {"duration": 12}),
    ("approximate", Price("~$0.10 per second", from_=0.1, to=0.1, unit="second"), 0.05, {"duration": 4}),
)


@pytest.fixture(scope="module")
def per_second(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """A client with a model for each of these prices."""
    import importlib
    import sys

    folder = tmp_path_factory.mktemp("rates")
    write_client(rated(folder / "specs"), folder / "client", "rated_client")
    sys.path.insert(0, str(folder / "client"))
    return importlib.import_module("rated_client")


def rated(folder: Path) -> Catalog:
    """A catalog with a model for each of these prices, and one whose price per second has no upper end."""
    catalog = load_catalog(write_specs(folder))
    clip = catalog.model("clip")
    returns = dataclasses.replace(
        clip.returns, controls=dataclasses.replace(clip.returns.controls, duration="duration")
    )
    models = [
        dataclasses.replace(clip, slug=f"clip-{place}", returns=returns, price=price, average=average_of(usd))
        for place, (_, price, usd, _) in enumerate(RATES)
    ]
    vague = Price("from $0.10 per second", from_=0.1, unit="second")
    models.append(dataclasses.replace(clip, slug="clip-vague", returns=returns, price=vague, average=None))
    return dataclasses.replace(catalog, models=tuple(models))


def average_of(usd: float | None) -> Average:
    return Average("2026-08-19", usd=usd)


@pytest.mark.parametrize("place", range(len(RATES)), ids=[name for name, *_ in RATES])
def test_the_seconds_of_a_call_narrow_a_price_per_second(per_second: Any, place: int) -> None:
    _, price, usd, params = RATES[place]
    client = per_second.Segmind(KEY)
    seconds = float(str(params["duration"]).removesuffix("s"))
    narrow = client.estimate(f"clip-{place}", **params)
    wanted = stated(CATALOG.gateway, price, average_of(usd), (seconds, seconds))
    assert wanted is not None
    assert narrow.low == pytest.approx(wanted.low)
    assert wanted.high * (1 - 1e-9) <= narrow.high <= wanted.high * 1.01
    assert f"for {seconds:g} s" in narrow.source
    whole = client.estimate(f"clip-{place}", speed=2)
    assert whole.low <= narrow.low <= narrow.high <= whole.high
    for odd in (True, None, -1, 1e9, "soon", [5], float("nan")):
        assert client.estimate(f"clip-{place}", duration=odd) == whole


def test_a_price_per_second_without_an_upper_end_stays_unknown(per_second: Any) -> None:
    assert per_second.Segmind(KEY).estimate("clip-vague", duration=4) is None
