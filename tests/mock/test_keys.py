"""Which keys a mock accepts, by default and if it is limited."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from segforge.cli import main
from segforge_mock import Mock, MockTransport, create_app
from segforge_mock.bounds import BadSetting

DOCUMENTED = "SG_0123456789abcdef"


def status(key: str, **settings: Any) -> int:
    """Returns the status of a request with a key to a mock with these settings."""
    with httpx.Client(transport=MockTransport(create_app(**settings)), base_url="http://mock") as client:
        answers = [client.get("/v1/get-user-credits", headers={"x-api-key": key}) for _ in range(2)]
    assert answers[0].status_code == answers[1].status_code
    if answers[0].status_code == 401:
        assert answers[0].json()["error"].startswith("Unauthorized. API key is invalid")
    return answers[0].status_code


@pytest.mark.parametrize("key", ["x", "sk-test", "SG_0123456789ABCDEF", DOCUMENTED, "a invalid", "k" * 300])
def test_any_key_is_accepted(key: str) -> None:
    assert status(key) == 200


@pytest.mark.parametrize("key", ["invalid", "invalid-key", "INVALID_KEY"])
def test_a_key_that_starts_with_invalid_is_refused(key: str) -> None:
    assert status(key) == 401
    assert status(key, keys=[key]) == 200


@pytest.mark.parametrize("key", ["SG_1", "SG_0123456789abcdeX", "SG_0123456789ABCDEF", "x"])
def test_only_the_documented_format_may_be_accepted(key: str) -> None:
    assert status(key, key_format="documented") == 401
    assert status(DOCUMENTED, key_format="documented") == 200


def test_only_listed_keys_may_be_accepted() -> None:
    assert status("mine", keys=["mine", "x"]) == 200
    assert status(DOCUMENTED, keys=["mine", "x"]) == 401
    assert status("mine", keys=[]) == 401


def test_the_fixture_takes_the_same_settings() -> None:
    with Mock(key_format="documented", time_scale=0) as mock:
        url = f"{mock.url}/v1/get-user-credits"
        assert [httpx.get(url, headers={"x-api-key": key}).status_code for key in (mock.key, "x")] == [200, 401]


def test_a_mock_says_whether_it_accepts_any_key() -> None:
    said = []
    for settings in ({}, {"keys": ["x"]}, {"key_format": "documented"}):
        transport = MockTransport(create_app(**settings))
        with httpx.Client(transport=transport, base_url="http://mock") as client:
            key = "x" if settings != {"key_format": "documented"} else DOCUMENTED
            said.append(client.get("/v1/get-user-credits", headers={"x-api-key": key}).headers.get("x-mock-keys"))
    assert said == ["any", None, None]


@pytest.mark.parametrize("settings", [{"key_format": "strict"}, {"key_format": "documented", "keys": ["x"]}])
def test_settings_that_are_not_valid(settings: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match="key_format"):
        create_app(**settings)


def test_options_without_an_effect_are_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "keys").write_text("x\n", "utf-8")
    for option in ("--api-key=x", f"--keys-file={tmp_path / 'keys'}"):
        assert main(["mock", "--key-format", "documented", option]) == 2
        assert "--key-format has no effect" in " ".join(capsys.readouterr().err.split())
