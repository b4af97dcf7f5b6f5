"""Whole keys are masked, and short keys don't spoil text."""

import json

import httpx
import pytest

from segforge.masking import Mask, secrets_of
from segforge_contract.targets.base import read_answer
from segforge_mock import MockTransport, create_app
from tests.seeds import seed_catalog

KEY = "SG_0123456789abcdef"
EXAMPLE = seed_catalog().model("style-transfer").valid_example


@pytest.mark.parametrize(
    ("key", "text", "masked"),
    [
        ("x", "/v1/sdxl1.0-txt2img x", "/v1/sdxl1.0-txt2img x"),
        ("sk-test", "sk-test", "sk-test"),
        ("sk-test-1", '{"key": "sk-test-1"}', '{"key": "***"}'),
        ("sk-test-1", "sk-test-10 ask-test-1 sk-test-1_", "sk-test-10 ask-test-1 sk-test-1_"),
        ("sk-test-1", "?key%3Dsk-test-1&a%2fsk-test-1", "?key%3D***&a%2f***"),
        ("sk-test-1", r'"a\nsk-test-1\tsk-test-1"', r'"a\n***\t***"'),
        (KEY, f"{KEY}/a{KEY}b", "***/a***b"),
        ("key with \\ and (", "key with \\ and (", "***"),
        ("", "a b", "a b"),
    ],
)
def test_text(key: str, text: str, masked: str) -> None:
    mask = Mask([key.encode()])
    assert mask.text(text) == mask.raw(text.encode()).decode() == masked


@pytest.mark.parametrize(
    ("key", "value", "masked"),
    [
        ("x", "x", "***"),
        ("x", "token=x; next=xx", "token=***; next=xx"),
        ("x", "text/x-y, image/x", "text/x-y, image/x"),
        ("sk-test-1", "http://host/?key=sk-test-1", "http://host/?key=***"),
        (KEY, f"id-{KEY}", "id-***"),
    ],
)
def test_header_values(key: str, value: str, masked: str) -> None:
    assert Mask([key.encode()]).header(value.encode()).decode() == masked


def test_a_longer_key_is_masked_before_one_inside_of_it() -> None:
    assert Mask([KEY.encode(), f"{KEY}00".encode()]).text(f"{KEY}00 {KEY}") == "*** ***"


def test_secrets_are_found_without_their_scheme_or_name() -> None:
    headers = [(b"authorization", b"Bearer token-1"), (b"cookie", b"a=1; session=two"), (b"accept", b"*/*")]
    assert {b"Bearer token-1", b"token-1", b"1", b"two"} <= set(secrets_of(headers))
    assert b"*/*" not in secrets_of(headers)


@pytest.mark.parametrize("key", ["x", "sk-test", KEY])
def test_the_history_shows_the_path_as_sent_and_no_key_in_a_header(key: str) -> None:
    app = create_app(time_scale=0, keys=[key])
    headers = {"x-api-key": key, "x-copy": key, "x-url": f"http://h/?key={key}", "user-agent": "fox/1.0"}
    with httpx.Client(transport=MockTransport(app), base_url="http://mock", headers=headers) as client:
        client.post("/v1/sdxl1.0-txt2img", json=EXAMPLE)
        [entry] = client.get("/_mock/requests").json()
    assert entry["path"] == "/v1/sdxl1.0-txt2img"
    assert json.loads(entry["request"]["body"]) == EXAMPLE
    sent = entry["request"]["headers"]
    assert (sent["x-api-key"], sent["x-copy"], sent["x-url"]) == ("***", "***", "http://h/?key=***")
    assert sent["user-agent"] == "fox/1.0"


def test_an_answer_to_a_short_key_stays_whole() -> None:
    answer = read_answer(200, {"content-type": "text/x", "x-key": "x"}, b"\x00x axe x", "x")
    assert (answer.body, answer.headers["content-type"]) == (b"\x00x axe x", "text/x")
    assert answer.headers["x-key"] == "$SEGMIND_API_KEY"
