"""Intended faults are not logged: dropped connections, and a stop with requests in flight."""

import contextlib
import threading
import time

import httpx
import pytest

from segforge.spec.price import usual_credits
from segforge_mock import Mock
from segforge_mock.faults.scenarios import FAULT_SECONDS, FAULTS
from segforge_mock.http import server
from tests.seeds import seed_catalog

MODEL = seed_catalog().model("style-transfer")
EXAMPLE = MODEL.valid_example


@pytest.mark.parametrize("fault", sorted(FAULTS))
@pytest.mark.parametrize("path", ["/v2/style-transfer", "/v1/style-transfer"])
def test_an_intended_fault_is_not_logged(fault: str, path: str, caplog: pytest.LogCaptureFixture) -> None:
    with Mock(time_scale=0, media="tiny") as mock:
        headers = {"x-api-key": mock.key}
        mock.scenario(fault, times=1, seconds=0.01 if fault in FAULT_SECONDS else None)
        with contextlib.suppress(httpx.RemoteProtocolError):
            httpx.post(mock.url + path, headers=headers, json=EXAMPLE)
        assert httpx.post(mock.url + path, headers=headers, json=EXAMPLE).status_code == 200
    assert caplog.records == []


def test_a_stop_ends_requests_in_flight_without_a_log_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STOP_SECONDS", 0.05)
    ends: list[str] = []

    def call() -> None:
        try:
            answer = httpx.post(f"{url}/v1/style-transfer", headers={"x-api-key": mock.key}, json=EXAMPLE, timeout=20)
            ends.append(str(answer.status_code))
        except httpx.HTTPError as error:
            ends.append(type(error).__name__)

    with Mock(time_scale=1000) as mock:
        url, opening = mock.url, mock.credits
        callers = [threading.Thread(target=call) for _ in range(3)]
        for caller in callers:
            caller.start()
        deadline = time.monotonic() + 10
        cost = usual_credits(mock.app.models.gateway, MODEL)
        while mock.credits > opening - 2.5 * cost and time.monotonic() < deadline:
            time.sleep(0.01)
    for caller in callers:
        caller.join(10)
    assert set(ends) <= {"RemoteProtocolError", "ReadError"}
    assert len(ends) == 3
    assert caplog.records == []
