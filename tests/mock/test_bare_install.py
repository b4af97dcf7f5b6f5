"""The mock runs without the packages that only generation, contract tests and page tools need."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from segforge import default_specs
from tests.mock.conftest import KEY
from tests.seeds import whole_catalog
from tests.shared import started

ABSENT = ("ruff", "hypothesis", "jsonschema_rs", "selectolax", "ruamel")

WITHOUT_THEM = f"""
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ImportError(f"{{name}} is not installed")

sys.meta_path.insert(0, Absent())
from segforge.cli import main
sys.exit(main(["mock", "--port", "0", "--time-scale", "0", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("own", [False, True], ids=["curated", "own-specs"])
def test_the_mock_runs_without_the_other_extras(own: bool, tmp_path: Path) -> None:
    """A model of each medium answers. The second start with own specs reads them from the cache."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    options = ["--specs", str(default_specs())] if own else []
    for _ in range(2 if own else 1):
        command = [sys.executable, "-c", WITHOUT_THEM, *options]
        with started(command, stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            for model in {model.returns.media: model for model in whole_catalog().models}.values():
                for version in model.versions:
                    sent = {"json": model.valid_example, "headers": {"x-api-key": KEY}, "timeout": 60}
                    assert httpx.post(f"{url}/{version}/{model.slug}", **sent).status_code == 200  # type: ignore[arg-type]
            process.terminate()
