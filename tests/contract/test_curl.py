"""Curl commands, run by a real shell with a fake curl that prints its arguments."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segforge_contract import Request
from segforge_contract.messages.curl import curl
from segforge_contract.messages.request import INVALID_KEY
from tests.contract.standin import KEY

URL = "http://127.0.0.1:8086"
PRINT = """curl() {
  for word; do printf '%s\\0' "$word"; done
  printf 'stdin\\0'
  if [ "$word" = @- ]; then cat; fi
}
"""


def sent(command: str) -> tuple[list[str], bytes]:
    """Returns the arguments and the standard input that curl receives from a shell."""
    done = subprocess.run(
        ["/bin/sh", "-c", PRINT + command], env={"SEGMIND_API_KEY": KEY}, capture_output=True, check=True
    )
    words, _, stdin = done.stdout.partition(b"stdin\0")
    assert done.stderr == b""
    return words.decode("utf-8", "surrogateescape").split("\0")[:-1], stdin


def body_of(words: list[str], stdin: bytes) -> bytes:
    return stdin if words[-1] == "@-" else words[-1].encode()


@settings(max_examples=40)
@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_body_arrives_byte_for_byte(body: bytes) -> None:
    words, stdin = sent(curl(Request("POST", "/v1/x", "valid", "application/json", body), URL))
    assert body_of(words, stdin) == body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"@/etc/passwd",
        b"-n",
        b"%s%n",
        b"it's $HOME `id` \\ \"",
        b"\x00\x1b[2J",
        "猫".encode(),
        b"\\101",
        b"'; id; '",
    ],
)
def test_hostile_bodies_arrive_byte_for_byte(body: bytes) -> None:
    words, stdin = sent(curl(Request("POST", "/v1/x", "valid", "application/json", body), URL))
    assert body_of(words, stdin) == body


def test_key_comes_from_the_environment_when_the_command_runs() -> None:
    command = curl(Request("GET", "/v2/requests/1/status"), URL)
    assert KEY not in command
    assert sent(command)[0] == ["-sS", "-i", f"{URL}/v2/requests/1/status", "-H", f"x-api-key: {KEY}"]


def test_missing_and_invalid_keys_stay_so() -> None:
    assert not any("x-api-key" in word for word in sent(curl(Request("GET", "/v2/requests/1", "missing"), URL))[0])
    assert f"x-api-key: {INVALID_KEY}" in sent(curl(Request("GET", "/v2/requests/1", "invalid"), URL))[0]


def test_request_without_content_type_sends_none() -> None:
    words, _ = sent(curl(Request("POST", "/v1/x", "valid", None, b"{}"), URL))
    assert "Content-Type:" in words


@pytest.mark.parametrize(
    ("request_", "method"),
    [
        (Request("POST", "/v1/x", "valid", None, b"{}"), None),
        (Request("GET", "/v1/x"), None),
        (Request("PUT", "/v1/x", "valid", None, b"{}"), "PUT"),
        (Request("DELETE", "/v1/x"), "DELETE"),
    ],
)
def test_method_is_named_if_curl_would_choose_another(request_: Request, method: str | None) -> None:
    words, _ = sent(curl(request_, URL))
    assert (words[words.index("-X") + 1] if "-X" in words else None) == method
