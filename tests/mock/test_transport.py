"""The mock in process, with httpx's sync and async clients: the docs' samples run and close everything."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from segforge_mock import MockTransport, create_app
from tests.mock.conftest import KEY
from tests.seeds import seed_catalog

EXAMPLE = seed_catalog().model("style-transfer").valid_example
PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "pytest.md").read_text("utf-8")
SAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_samples_of_the_docs_run_and_leave_nothing_open() -> None:
    assert len(SAMPLES) == 2
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", "\n".join(SAMPLES)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")


def test_an_async_client_runs_submits_and_polls() -> None:
    async def main() -> None:
        transport = MockTransport(create_app(time_scale=0))
        async with httpx.AsyncClient(transport=transport, base_url="http://mock", headers={"x-api-key": KEY}) as client:
            runs = await asyncio.gather(*(client.post("/v1/style-transfer", json=EXAMPLE) for _ in range(3)))
            assert [run.status_code for run in runs] == [200] * 3
            job = (await client.post("/v2/style-transfer", json=EXAMPLE)).json()
            assert (await client.get(job["response_url"])).json()["status"] == "COMPLETED"

    asyncio.run(main())


@pytest.mark.parametrize("name", ["drop-before", "drop-during", "drop-after"])
def test_a_dropped_connection_raises_httpx_s_error_in_async_too(name: str) -> None:
    async def main() -> None:
        headers = {"x-api-key": KEY, "x-mock-scenario": name}
        async with httpx.AsyncClient(transport=MockTransport(create_app(time_scale=0)), headers=headers) as client:
            await client.post("http://mock/v2/style-transfer", json=EXAMPLE)

    with pytest.raises(httpx.RemoteProtocolError):
        asyncio.run(main())
