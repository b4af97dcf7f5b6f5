"""The ledger of costs, and the limit `max_spend`."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from segforge import default_specs, load_catalog
from segforge.spec.price import highest_credits, usual_credits
from segforge_mock import Mock
from segmind_client import AsyncSegmind, ResultExpired, Segmind, ServerError, SpendLimit
from tests.client.conftest import KEY, Gateway, json_answer

CATALOG = load_catalog(default_specs())
COST = {"x-cost": "0.4"}
BILLED = usual_credits(CATALOG.gateway, CATALOG.model("flux-ipadapter"))
"""What the mock bills for a call of flux-ipadapter."""
MOST = highest_credits(CATALOG.gateway, CATALOG.model("flux-ipadapter")) or 0.0
"""The most that one may cost, which the clients reserve."""


def test_the_ledger_adds_up_v1_and_v2_and_counts_a_job_once() -> None:
    with Mock(time_scale=0, images="tiny", credits=10_000) as mock, Segmind(mock.key, mock.url) as client:
        assert client.flux_ipadapter.run(image="https://host.test/a.png", prompt="a cat").cost == BILLED
        job = client.flux_ipadapter.submit(image="https://host.test/a.png", prompt="a cat")
        assert client.spend.calls == 1
        for _ in range(2):
            assert job.wait().cost == BILLED
        again = client.jobs.from_json(job.to_json())
        assert again.wait().cost == BILLED
        assert client.spend.credits == pytest.approx(2 * BILLED)
        assert (client.spend.calls, client.spend.unknown) == (2, 0)
        assert client.spend.by_model == {"flux-ipadapter": pytest.approx(2 * BILLED)}
        assert mock.credits == pytest.approx(10_000 - client.spend.credits)


def test_a_limit_allows_only_calls_that_fit(gateway: Gateway) -> None:
    gateway.on("POST", "/v1/any", json_answer({}, headers=COST))
    with Segmind(KEY, gateway.url, max_spend=1.0) as client:
        client.run_sync("any")
        client.run_sync("any")
        with pytest.raises(SpendLimit, match="max_spend=1") as caught:
            client.run_sync("any")
        with pytest.raises(SpendLimit):
            client.with_options(timeout=5).run_sync("any")
    assert caught.value.model == "any"
    assert len(gateway.received) == 2


def test_running_jobs_count_towards_the_limit(gateway: Gateway) -> None:
    gateway.on("POST", "/v1/any", json_answer({}, headers=COST))
    gateway.job(slug="any")
    with Segmind(KEY, gateway.url, max_spend=1.0) as client:
        client.run_sync("any")
        client.submit_async("any")
        with pytest.raises(SpendLimit):
            client.submit_async("any")
    assert client.spend.credits == 0.4


def test_a_failed_job_costs_nothing_and_releases_its_reservation(gateway: Gateway) -> None:
    gateway.job(slug="any")
    gateway.on("GET", "/v2/requests/r1/status", json_answer({"status": "FAILED", "error": "no"}, 422))
    with Segmind(KEY, gateway.url) as client:
        with pytest.raises(Exception, match="no"):
            client.run("any")
        assert (client.spend.credits, client.spend.calls, client.spend.unknown) == (0, 0, 0)


def test_a_call_with_unknown_outcome_is_counted_separately(gateway: Gateway) -> None:
    gateway.on("POST", "/v1/any", json_answer({}, 500), json_answer({}))
    with Segmind(KEY, gateway.url) as client:
        with pytest.raises(ServerError):
            client.run_sync("any")
        client.run_sync("any")  # states no cost
        assert (client.spend.credits, client.spend.calls, client.spend.unknown) == (0, 0, 2)


def test_a_refusal_costs_nothing(gateway: Gateway) -> None:
    with Segmind(KEY, gateway.url) as client, pytest.raises(Exception, match="404"):
        client.run_sync("unknown")
    assert client.spend.unknown == 0


CALL: Any = {"image": "https://host.test/a.png", "prompt": "a cat"}


@pytest.fixture
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, images="tiny") as mock:
        mock.latency(0.2)  # the calls of a test overlap
        yield mock


@pytest.mark.parametrize(("limit", "sent"), [(1, 1), (2.4, 2), (0, 0)])
def test_concurrent_calls_do_not_exceed_the_limit(mock: Mock, limit: float, sent: int) -> None:
    with Segmind(mock.key, mock.url, max_spend=limit * MOST) as client:
        done = client.gather([partial(client.flux_ipadapter.run, **CALL)] * 8)
        assert len(done.failures) == 8 - sent
        assert {type(error) for error in done.failures.values()} == {SpendLimit}
        assert client.spend.calls == sent
    assert len(mock.requests) == sent


def test_concurrent_calls_do_not_exceed_the_limit_on_an_event_loop(mock: Mock) -> None:
    async def main() -> int:
        async with AsyncSegmind(mock.key, mock.url, max_spend=MOST) as client:
            return len((await client.gather([partial(client.flux_ipadapter.submit, **CALL)] * 8)).failures)

    assert asyncio.run(main()) == 7
    assert [request.method for request in mock.requests].count("POST") == 1


def test_an_expired_job_releases_its_reservation(gateway: Gateway) -> None:
    gateway.on("POST", "/v1/any", json_answer({}, headers=COST))
    gateway.job(slug="any")
    with Segmind(KEY, gateway.url, max_spend=0.9) as client:
        client.run_sync("any")
        job = client.submit_async("any")
        for _ in range(2):
            with pytest.raises(ResultExpired):
                job.wait()
        assert (client.spend.credits, client.spend.calls, client.spend.unknown) == (0.4, 1, 1)
        client.run_sync("any")


def test_a_job_of_an_unknown_model_is_not_in_by_model(mock: Mock) -> None:
    with Segmind(mock.key, mock.url) as client:
        job = client.flux_ipadapter.submit(**CALL)
        with Segmind(mock.key, mock.url) as other:
            other.jobs.resume(job.request_id).wait()
            assert (other.spend.credits, other.spend.by_model) == (BILLED, {})


@pytest.mark.parametrize("limit", [-1, float("nan")])
def test_an_invalid_limit_is_rejected(limit: float) -> None:
    with pytest.raises(ValueError, match="max_spend"):
        Segmind(KEY, max_spend=limit)
