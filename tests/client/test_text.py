"""Text of the gateway in messages and logs has no control characters and no users of URLs."""

import logging
import pickle

import httpx
import pytest

from segmind_client import ConnectionFailed, DownloadFailed, InferenceFailed, InferenceTimeout, Segmind, SegmindError
from tests.client.conftest import KEY, Answer, Gateway, json_answer

HOSTILE = "no\r\n2026-11-28 INFO paid \x1b[31m\x07\u202e\u2028\x85\ud800 https://bob:hunter2@a.test/x?y=z@w"
SHOWN = "no  2026-11-28 INFO paid  [31m      https://a.test/x?y=z@w"


def check(error: BaseException) -> None:
    for text in (str(error), repr(error), *map(str, error.args)):
        assert text.isprintable(), text
        assert "hunter2" not in text
        assert "bob" not in text


@pytest.mark.parametrize("error", [HOSTILE, {"message": HOSTILE}])
def test_the_gateway_s_message_is_shown_without_control_characters(
    client: Segmind, gateway: Gateway, error: object
) -> None:
    gateway.on("POST", "/v1/flux-img2img", json_answer({"error": error, "request_id": HOSTILE}, 400))
    with pytest.raises(SegmindError) as caught:
        client.run_sync("flux-img2img", prompt="a")
    check(caught.value)
    assert caught.value.body["error"] == error
    assert caught.value.request_id == HOSTILE
    if isinstance(error, str):
        assert caught.value.detail == SHOWN
    check(pickle.loads(pickle.dumps(caught.value)))


def test_the_record_of_a_job_is_shown_without_control_characters(
    client: Segmind, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway.job("r1\n\x1b[0m")
    path = "/v2/requests/r1%0A%1B%5B0m"
    gateway.on(
        "GET",
        f"{path}/status",
        json_answer({"status": HOSTILE}),
        json_answer({"status": "FAILED", "error": HOSTILE}, 422),
    )
    job = client.submit_async("flux-img2img", prompt="a")
    with pytest.raises(InferenceTimeout) as late:
        job.wait(timeout=0)
    check(late.value)
    with pytest.raises(InferenceFailed) as failed:
        job.wait()
    check(failed.value)
    assert repr(job).isprintable()
    assert [line for line in caplog.messages if not line.isprintable() or "hunter2" in line] == []


def test_an_interrupted_wait_shows_ids_without_control_characters(
    client: Segmind, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.job("r1\n\x1b[0m")
    gateway.on("GET", "/v2/requests/r1%0A%1B%5B0m/status", json_answer({"status": "QUEUED"}))

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as ended:
        client.submit_async("flux-img2img", prompt="a").wait(on_update=interrupt)
    assert all(line.isprintable() for line in (*caplog.messages, *getattr(ended.value, "__notes__", ())))
    assert ended.value.request_id == "r1\n\x1b[0m"  # type: ignore[attr-defined]


def test_the_user_of_a_download_s_url_is_shown_nowhere(
    client: Segmind, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = gateway.url.replace("//", "//bob:hunter2@") + "/files/1"
    gateway.job()
    record = {"status": "COMPLETED", "output": url}
    gateway.on("GET", "/v2/requests/r1/status", json_answer(record))
    gateway.on("GET", "/v2/requests/r1", json_answer(record))
    gateway.on("GET", "/files/1", Answer(410))
    with pytest.raises(DownloadFailed) as caught:
        client.submit_async("flux-img2img", prompt="a").download()
    check(caught.value)
    assert "/files/1" in str(caught.value)
    assert [line for line in caplog.messages if "hunter2" in line] == []


def test_the_text_of_a_broken_connection_is_shown_without_control_characters(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "segmind_client")

    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError(HOSTILE, request=request)

    events: list[object] = []
    http = httpx.Client(transport=httpx.MockTransport(broken))
    client = Segmind(KEY, "http://gateway.test", http_client=http, on_event=events.append)
    with pytest.raises(ConnectionFailed) as caught:
        client.run_sync("flux-img2img", prompt="a")
    check(caught.value)
    shown = (*caplog.messages, *map(repr, events))
    assert [line for line in shown if not line.isprintable() or "hunter2" in line] == []
