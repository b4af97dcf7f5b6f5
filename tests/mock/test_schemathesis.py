"""Schemathesis, with our OpenAPI document, finds nothing on the mock."""

import subprocess
import sys
from pathlib import Path

from segforge_mock import Mock

DOCUMENT = Path(__file__).parents[2] / "generated" / "openapi" / "segmind.yaml"


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with Mock(time_scale=0, media="tiny") as mock:
        command = [sys.executable, "-m", "schemathesis.cli", "run", str(DOCUMENT), "--url", mock.url, "--no-color"]
        command += ["--header", f"x-api-key: {mock.key}", "--checks", "all", "--max-examples", "10", "--seed", "1"]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
        asked = len(mock.requests)
    assert result.returncode == 0, result.stdout[-5000:]
    assert asked > 500
