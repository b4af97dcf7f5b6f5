"""The rule about response times finds a slow server, and is quiet on a fast one. It is off by default."""

import json
from pathlib import Path

import pytest

from segforge.cli import main
from segforge_mock.handle import Mock

NAME = "time.within_average"
RUN = ("--models", "flux-img2img", "--max-examples", "0", "--forget", "--rules", "payload.valid", "time.*")


def test_a_slow_server_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", "SG_0123456789abcdef")
    file = tmp_path / "report.json"
    for scale, factor, code in ((0.01, "0.005", 1), (0, "1000", 0)):
        with Mock(time_scale=scale) as mock:
            words = ("--target", mock.url, *RUN, "--json", str(file), "--max-time-factor", factor)
            assert main(["contract", *words]) == code
        report = json.loads(file.read_text("utf-8"))
        assert {failure["rule"] for failure in report["failures"]} == ({NAME} if code else set())
        assert NAME not in {point["rule"] for point in report["coverage"]["missing"]}


def test_it_is_off_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "explain", NAME]) == 2
    assert main(["contract", "--target", "mock", *RUN]) == 2
    assert "no rule matches" in capsys.readouterr().err
    assert main(["contract", "explain", NAME, "--max-time-factor", "5"]) == 0
    assert "5 times the average" in capsys.readouterr().out
