"""Ctrl-C, or an end that nobody announced, in the middle of generating: no traceback, no hang, nobody left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.synthetic_specs import write_specs


@pytest.mark.parametrize(("number", "codes"), [(signal.SIGINT, {130, 0}), (signal.SIGKILL, {-signal.SIGKILL, 0})])
@pytest.mark.parametrize("seconds", [0.3, 0.6, 1.0])
def test_nothing_is_left_of_a_run_that_ends_early(
    number: signal.Signals, codes: set[int], seconds: float, tmp_path: Path
) -> None:
    write_specs(tmp_path / "specs", 60)
    command = [sys.executable, "-m", "segforge.cli", "generate", "--specs", str(tmp_path / "specs"), "--no-cache"]
    with subprocess.Popen(
        [*command, "--jobs", "2"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        time.sleep(seconds)
        # Ctrl-C reaches all of a terminal's processes; who kills, kills one.
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        try:
            printed, _ = process.communicate(timeout=60)  # ends once the last process has closed its output
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode in codes
    assert "Traceback" not in printed
