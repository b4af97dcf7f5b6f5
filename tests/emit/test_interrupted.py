"""Ctrl-C or a kill while generating leaves no traceback, hanging process or file behind.

After a run was killed at any step, the next one succeeds, even if the specs changed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path, PurePosixPath

import pytest

from benchmarks.synthetic_specs import write_specs
from segforge.cli import main
from segforge.emit import formatting
from segforge.emit.artifact import Artifact, Generated
from segforge.emit.manifest import HandEdited, fingerprint, fingerprint_on_disk, plan, write

KILLED = 9
START = "import sys; from segforge.cli import main; print('started', flush=True); sys.exit(main())"
"""Runs the command line, and says when the interpreter has started, which takes long on a busy machine."""
STEPS = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod"}


@pytest.mark.parametrize(("number", "codes"), [(signal.SIGINT, {130, 0}), (signal.SIGKILL, {-signal.SIGKILL, 0})])
@pytest.mark.parametrize("seconds", [0.3, 0.6, 1.0])
def test_an_interrupted_run_leaves_nothing_behind(
    number: signal.Signals, codes: set[int], seconds: float, tmp_path: Path
) -> None:
    write_specs(tmp_path / "specs", 60)
    command = [sys.executable, "-c", START, "generate", "--specs", str(tmp_path / "specs"), "--no-cache", "--jobs", "2"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
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


def texts(**files: str) -> dict[str, str]:
    return {f"a/{name.replace('_', '/')}.txt": text for name, text in files.items()}


FIRST = texts(one="1", two="2", deep_gone="3", same="=")
SECOND = texts(one="11", two="22", same="=", deeper_new="5", kept="6")
THIRD = texts(one="111", deeper_other="7", same="=", kept="66")
FOURTH = texts(two="2222", same="=")


def generated(files: dict[str, str]) -> Generated:
    """One file is given as unchanged on disk, by its digest alone."""
    made = Generated([Artifact(PurePosixPath(path), text) for path, text in files.items()])
    same = {path: made.digests[path] for path in files if path == "a/same.txt" and files is not FIRST}
    return Generated([artifact for artifact in made.artifacts if str(artifact.path) not in same], same)


def killed_at(step: int, run: Callable[[], object]) -> bool:
    """Run in a process that ends, without any cleaning up, before its change number `step` to the file system.

    Returns False if the run has fewer steps.
    """
    process = os.fork()
    if process == 0:
        steps = count()

        def end(event: str, args: tuple[object, ...]) -> None:
            opens = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
            if (event in STEPS or opens) and next(steps) == step:
                os._exit(KILLED)

        sys.addaudithook(end)
        try:
            run()
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert code in (0, KILLED)
    return code == KILLED


def files_of(out: Path) -> dict[str, str]:
    files = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*") if path.is_file()}
    files.pop("manifest.json")
    return files


@pytest.mark.parametrize("files", [FIRST, SECOND, THIRD], ids=["back", "again", "on"])
def test_a_run_killed_at_any_step_does_not_block_the_next(tmp_path: Path, files: dict[str, str]) -> None:
    for step in count():
        out = tmp_path / str(step)
        write(out, generated(FIRST), ["a"])
        killed = killed_at(step, lambda out=out: write(out, generated(SECOND), ["a"]))  # type: ignore[misc]
        write(out, generated(files), ["a"])
        assert files_of(out) == files
        assert not [path for path in out.rglob("*") if path.is_dir() and not any(path.iterdir())]
        assert not plan(out, generated(files), ["a"])
        assert fingerprint_on_disk(out, ["a"]) == (fingerprint(generated(files).digests), len(files))
        if not killed:
            break
    assert step > 15


def test_several_killed_runs_do_not_block_the_next(tmp_path: Path) -> None:
    for step in count(step=2):
        out = tmp_path / str(step)
        write(out, generated(FIRST), ["a"])
        killed = killed_at(step, lambda out=out: write(out, generated(SECOND), ["a"]))  # type: ignore[misc]
        for other in range(step % 5 + 3, 30, 9):
            killed_at(other, lambda out=out: write(out, generated(THIRD), ["a"]))  # type: ignore[misc]
        write(out, generated(FOURTH), ["a"])
        assert files_of(out) == FOURTH
        if not killed:
            break


def test_an_edit_after_a_kill_is_still_reported(tmp_path: Path) -> None:
    write(tmp_path, generated(FIRST), ["a"])
    assert killed_at(12, lambda: write(tmp_path, generated(SECOND), ["a"]))
    (tmp_path / "a/two.txt").write_text("mine")
    with pytest.raises(HandEdited, match=r"a/two\.txt"):
        write(tmp_path, generated(THIRD), ["a"])


def test_a_run_of_other_emitters_keeps_unfinished_files(tmp_path: Path) -> None:
    write(tmp_path, generated(FIRST), ["a"])
    assert killed_at(12, lambda: write(tmp_path, generated(SECOND), ["a"]))
    write(tmp_path, Generated([Artifact(PurePosixPath("b/x.txt"), "x")]), ["b"])
    write(tmp_path, generated(THIRD), ["a"])
    assert files_of(tmp_path) == {**THIRD, "b/x.txt": "x"}


def test_the_command_works_after_a_kill_and_a_change_of_specs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """At a few steps only: each takes a whole run."""
    write_specs(tmp_path / "specs", 2)
    command = ["generate", "--specs", str(tmp_path / "specs"), "--cache", str(tmp_path / "cache"), "--jobs", "1"]
    assert main(command) == 0
    gateway = tmp_path / "specs/gateway.yaml"
    for step in (60, 90):
        gateway.write_text(gateway.read_text("utf-8").replace("title: ", "title: A", 1), "utf-8")
        assert killed_at(step, lambda: main(command))
        gateway.write_text(gateway.read_text("utf-8").replace("title: ", "title: B", 1), "utf-8")
        assert main(command) == 0, capfd.readouterr()
        assert main([*command, "--check"]) == 0
        assert not list((tmp_path / "generated").rglob(".*"))


def test_folders_of_killed_runs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Formatting takes place in memory, where what is left stays until the machine starts anew."""
    monkeypatch.setattr(formatting, "_MEMORY", str(tmp_path))

    def half() -> None:
        formatted = iter(formatting.format_python([Artifact(PurePosixPath("x.py"), "x = 1\n")]))
        next(formatted)
        os._exit(KILLED)

    assert killed_at(10**6, half)
    [left] = tmp_path.iterdir()
    (tmp_path / "segforge-others").mkdir()
    list(formatting.format_python([]))
    assert left.is_dir()  # it could be in use: it is not old enough
    os.utime(left, (0, 0))
    list(formatting.format_python([]))
    assert [path.name for path in tmp_path.iterdir()] == ["segforge-others"]
