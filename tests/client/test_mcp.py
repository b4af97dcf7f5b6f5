"""`segmind mcp`: the official client of the Model Context Protocol uses its tools, and the key never leaves it."""

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client

from segforge_mock import Mock

PARAMS: dict[str, Any] = {"prompt": "x", "image": "https://example.com/in.png", "steps": 20, "seed": 1, "denoise": 0.75}
PARAMS |= {"scheduler": "simple", "sampler_name": "euler"}
PAID = {"model": "flux-img2img", "params": PARAMS, "max_cost": 1}


@pytest.fixture
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, images="tiny") as mock:
        yield mock


def served(mock: Mock, folder: Path, work: Callable[[ClientSession], Awaitable[None]], *options: str) -> str:
    """Runs work with the official client. Returns what the server wrote to standard error."""
    environment = {"SEGMIND_API_KEY": mock.key, "SEGMIND_BASE_URL": mock.url, "PATH": os.environ["PATH"]}
    command = ["-W", "error", "-m", "segmind_client", "mcp", *options]
    server = StdioServerParameters(command=sys.executable, args=command, env=environment, cwd=folder)
    log = folder / "log"

    async def session() -> None:
        with log.open("w") as errors:
            async with stdio_client(server, errlog=errors) as (read, write), ClientSession(read, write) as client:
                await client.initialize()
                with anyio.fail_after(30):
                    await work(client)

    anyio.run(session)
    return log.read_text("utf-8")


async def call(client: ClientSession, name: str, **arguments: Any) -> tuple[bool, str]:
    """Calls a tool. Returns whether it failed, and its text."""
    answer = await client.call_tool(name, arguments)
    [content] = answer.content
    text: str = content.text  # type: ignore[union-attr]  # our tools return text only
    dumped = answer.model_dump(by_alias=True)
    return dumped["isError"], text


def test_the_tools_are_few_and_small(mock: Mock, tmp_path: Path) -> None:
    async def work(client: ClientSession) -> None:
        found = await client.list_tools()
        assert [tool.name for tool in found.tools] == ["search", "describe", "estimate", "run"]
        assert len(found.model_dump_json(by_alias=True)) < 3000
        failed, text = await call(client, "search", query="flux image")
        assert not failed
        assert "flux-img2img" in [one["slug"] for one in json.loads(text)["models"]]
        _, text = await call(client, "describe", model="flux-img2img")
        assert json.loads(text)["parameters"]["properties"]["steps"]["maximum"] == 50
        _, text = await call(client, "estimate", model="flux-img2img")
        assert json.loads(text)["credits_high"] > 0
        failed, text = await call(client, "describe", model="flux-img2im")
        assert (failed, "flux-img2img" in text) == (True, True)

    served(mock, tmp_path, work)
    assert mock.requests == []


def test_run_calls_a_model_under_both_limits(mock: Mock, tmp_path: Path) -> None:
    async def work(client: ClientSession) -> None:
        failed, text = await call(client, "run", **PAID)
        assert not failed, text
        record = json.loads(text)
        assert record["status"] == "COMPLETED"
        assert record["output"].startswith(mock.url)
        failed, text = await call(client, "run", request_id=record["request_id"])
        assert json.loads(text)["output"] == record["output"]
        sent = len(mock.requests)
        for wrong, word in (
            ({**PAID, "max_cost": 0.0001}, "0.0001"),
            ({**PAID, "max_cost": None}, "max_cost"),
            ({**PAID, "params": {**PARAMS, "steps": 0}}, "steps"),
            ({**PAID, "model": "no-such-model"}, "search"),
            (PAID, "max_spend=0.1"),
        ):
            failed, text = await call(client, "run", **wrong)
            assert failed, text
            assert word in text
        assert len(mock.requests) == sent

    # One call may cost 0.08 credits and costs 0.026, so a second one may exceed the limit.
    log = served(mock, tmp_path, work, "--max-spend", "0.1")
    assert mock.jobs[0].request_id in log
    assert len(mock.jobs) == 1


def test_without_a_limit_of_the_user_nothing_is_sent(mock: Mock, tmp_path: Path) -> None:
    async def work(client: ClientSession) -> None:
        failed, text = await call(client, "run", **PAID)
        assert (failed, "--max-spend" in text) == (True, True)

    served(mock, tmp_path, work)
    assert mock.requests == []


def test_a_job_that_outlasts_the_wait_is_found_again(mock: Mock, tmp_path: Path) -> None:
    mock.job_policy("held")

    async def work(client: ClientSession) -> None:
        failed, text = await call(client, "run", **PAID)
        [job] = mock.jobs
        assert failed
        assert f'{{"request_id": "{job.request_id}"}}' in text
        mock.release()
        failed, text = await call(client, "run", request_id=job.request_id)
        assert json.loads(text)["status"] == "COMPLETED"

    served(mock, tmp_path, work, "--max-spend", "1", "--timeout", "0.3")
    assert len(mock.jobs) == 1


def test_the_key_is_in_no_answer_error_or_log(mock: Mock, tmp_path: Path) -> None:
    mock.stub("submit", times=1, effect={"error": f"the key {mock.key} is bad"})
    mock.stub("submit", times=1, answer={"status": 500, "json": {"error": f"key {mock.key}"}})
    texts: list[str] = []

    async def work(client: ClientSession) -> None:
        texts.extend([(await call(client, "run", **PAID))[1] for _ in range(2)])
        texts.append((await call(client, "describe", model=mock.key))[1])
        texts.append((await call(client, "run", **{**PAID, "params": {**PARAMS, "prompt": mock.key}}))[1])

    log = served(mock, tmp_path, work, "--max-spend", "5")
    assert len(texts) == 4
    assert mock.key not in log + "".join(texts)
    command = [sys.executable, "-m", "segmind_client", "mcp", "--api-key", mock.key]
    done = subprocess.run(command, capture_output=True, text=True, check=False, input="")
    assert done.returncode == 2
    assert mock.key not in done.stdout + done.stderr


HOSTILE = [
    b"not json", b"[]", b"[" * 100_000, b"\xff\xfe",
    b'{"id": 1}', b'{"id": 1, "method": 5}', b'{"id": 1, "method": "x"}',
    b'{"id": 1, "method": "tools/call", "params": [1]}', b'{"id": 1, "method": "tools/call", "params": {"name": {}}}',
    b'{"id": 1, "method": "tools/call", "params": {"name": "run", "arguments": 7}}', b'{"method": "x"}', b"",
    b'{"id": 1, "method": "tools/call", "params": {"name": "run", "arguments": {"model": [], "params": null}}}',
]  # fmt: skip


def test_hostile_messages_are_answered_and_end_nothing(tmp_path: Path) -> None:
    lines = b"\n".join([*HOSTILE, b'{"jsonrpc": "2.0", "id": "last", "method": "ping"}', b""])
    command = [sys.executable, "-m", "segmind_client", "mcp"]
    done = subprocess.run(command, input=lines, capture_output=True, check=False, cwd=tmp_path, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"jsonrpc": "2.0", "id": "last", "result": {}} in answers
    assert len([each for each in answers if "error" in each]) == 10
    assert [each["result"]["isError"] for each in answers if each.get("result")] == [True]
