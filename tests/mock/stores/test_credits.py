"""Balances: a large one by default, exact to the millionth, and limited on request."""

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest

from segforge.cli import main
from segforge_mock import Mock, MockTransport, create_app
from segforge_mock.bounds import MAX_CREDITS, BadSetting
from segforge_mock.stores.memory import MemoryStore
from tests.mock.conftest import KEY
from tests.mock.stores.charger import job
from tests.mock.stores.conftest import Kind
from tests.seeds import seed_catalog

EXAMPLE = seed_catalog().model("style-transfer").valid_example
COSTS = [0.05, 0.074328, 1e-6, 0.1, 0.2, 999.999999, 0.000333]


def test_the_largest_balance_is_reported_and_reduced_exactly(kind: Kind) -> None:
    """Amounts compare as texts, since numbers that differ by rounding have another one."""

    async def run() -> list[str]:
        store = kind.store(MAX_CREDITS)
        said = [repr(await store.balance("t"))]
        for number, cost in enumerate(COSTS * 20):
            if number % 2:
                said.append(repr(await store.charge("t", cost)))
            else:
                kept = await store.submit(job(f"{number}", tenant="t", cost=cost))
                said.append(repr(None if kept is None else kept.remaining_credits))
        assert repr(await store.balance("t")) == said[-1]
        await store.close()
        return said

    left, expected = Decimal(1_000_000_000), ["1000000000.0"]
    for cost in COSTS * 20:
        left -= Decimal(f"{cost:.6f}")
        expected.append(f"{left.normalize():f}")
    assert asyncio.run(run()) == expected


def reported(**settings: Any) -> tuple[str, str]:
    """Returns the balance at the start, and the remaining credits after a run."""
    transport = MockTransport(create_app(time_scale=0, media="tiny", **settings))
    with httpx.Client(transport=transport, base_url="http://mock", headers={"x-api-key": KEY}) as client:
        before = client.get("/v1/get-user-credits").json()["credits"]
        answer = client.post("/v1/style-transfer", json=EXAMPLE)
        after = client.get("/v1/get-user-credits").json()["credits"]
    cost = Decimal(answer.headers["x-cost"])
    assert Decimal(answer.headers["x-remaining-credits"]) == Decimal(str(after)) == Decimal(str(before)) - cost
    return str(before), str(after)


def test_a_key_starts_with_a_billion_credits() -> None:
    assert reported()[0] == "1000000000.0"


def test_a_finite_balance_is_used_up() -> None:
    assert reported(credits=10_000)[0] == "10000.0"
    with Mock(credits=0.01, time_scale=0) as mock:
        refused = httpx.post(f"{mock.url}/v1/style-transfer", json=EXAMPLE, headers={"x-api-key": mock.key})
        assert (refused.status_code, mock.credits) == (406, 0.01)
        mock.credits = MAX_CREDITS
        mock.reset()
        assert mock.credits == 0.01


@pytest.mark.parametrize("credits", [-1, 1e9 + 1, float("nan"), "10"])
def test_a_balance_that_is_not_valid_is_refused(credits: Any) -> None:
    with pytest.raises(BadSetting, match="credits"):
        create_app(credits=credits)


def test_a_balance_has_no_effect_with_a_store_of_its_own() -> None:
    with pytest.raises(BadSetting, match="no effect with a store"):
        create_app(credits=1, store=MemoryStore(1.0))


def test_the_option_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["mock", "--credits", "2e9"])
    assert exit_.value.code == 2
    assert "--credits" in capsys.readouterr().err
