"""`segforge check-usage` as users run it: output, exit codes, files that can't be read, and hostile input."""

import json
import os
import time
from pathlib import Path

import pytest

from segforge.cli import main
from tests.formats import violations

KEY = "SG_0123456789abcdef"
URL = "https://api.segmind.com/v1"
FAULT = f'import requests\nrequests.post("{URL}/flux-img2img", json={{**more, "steps": 0}})\n'


def command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Runs the command; returns the exit code and both outputs."""
    code = main(["check-usage", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_finding_has_its_place_and_its_facts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app.py").write_text(FAULT)
    code, out, _ = command(capsys, tmp_path)
    assert code == 1
    for part in ("app.py:2:72", "range.below", "flux-img2img", "steps", "minimum 1", "models/flux-img2img/api", "USD"):
        assert part in out


def test_clean_code_and_other_code_is_exit_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app.py").write_text(FAULT.replace(": 0", ": 20"))
    (tmp_path / "other.py").write_text("print('segmind')\n")
    (tmp_path / "broken.txt").write_text(f"{URL}/nonsense")
    code, out, err = command(capsys, tmp_path)
    assert (code, err) == (0, "")
    assert "0 errors, 0 warnings" in out


def test_json_and_sarif_state_the_same_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app.py").write_text(FAULT + f'OTHER = "{URL}/never-heard-of-it"\n')
    code, out, _ = command(capsys, tmp_path, "--format", "json")
    document = json.loads(out)
    assert code == 1
    assert [(one["rule"], one["line"], one["severity"]) for one in document["findings"]] == [
        ("range.below", 2, "error"),
        ("slug.unknown", 3, "warning"),
    ]
    price = document["calls"][0].pop("price")
    assert (price["average"], price["high"] > price["average"]) == (0.0264707, True)
    assert "2026-08-19" in price["source"]
    assert document["calls"][0] | {"file": ""} == {
        "file": "", "line": 2, "column": 1, "kind": "http", "slug": "flux-img2img"
    }  # fmt: skip
    code, out, _ = command(capsys, tmp_path, "--format", "sarif")
    log = json.loads(out)
    assert violations("sarif", log) == []
    results = log["runs"][0]["results"]
    assert code == 1
    assert [(one["ruleId"], one["level"]) for one in results] == [("range.below", "error"), ("slug.unknown", "warning")]


def test_a_path_that_does_not_exist_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = command(capsys, tmp_path / "none.py")
    assert code == 2
    assert "none.py" in err
    code, _, err = command(capsys, tmp_path, "--specs", tmp_path)
    assert code == 2
    assert "directory.yaml" in err


def test_folders_of_other_peoples_code_are_skipped_unless_they_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (".git", "node_modules", "own/pyvenv", ".venv"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "app.py").write_text(FAULT)
    (tmp_path / "own" / "pyvenv" / "pyvenv.cfg").write_text("")
    (tmp_path / "long.min.py").write_text(f'A = "{URL}/nonsense"')
    assert command(capsys, tmp_path)[0] == 0
    assert command(capsys, tmp_path / "node_modules")[0] == 1
    assert command(capsys, tmp_path / ".git" / "app.py")[0] == 1


def test_a_script_without_a_suffix_is_read_by_its_first_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deploy").write_text(f'#!/usr/bin/env bash\ncurl "{URL}/nonsense" -d "{{}}"\n')
    (tmp_path / "LICENSE").write_text("segmind")
    code, out, err = command(capsys, tmp_path)
    assert (code, err) == (1, "")
    assert "deploy:2:7" in out


def test_a_key_in_code_is_never_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = f'"steps": "{KEY}", "image": "no address {KEY}", "{KEY}": 1'
    (tmp_path / "app.py").write_text(
        f'import requests\nrequests.post("{URL}/flux-img2img", json={{{values}}}, headers={{"x-api-key": "{KEY}"}})\n'
        f'A = "{URL}/{KEY}"\nB = "{URL}/flux-img2img?key={KEY}"\n'
    )
    for format_ in ("text", "json", "sarif"):
        code, out, err = command(capsys, tmp_path, "--format", format_)
        assert code == 1
        assert KEY not in out + err
        assert "SG_***" in out


def doubled(line: bytes) -> bytes:
    """Lines of which each names the one before twice."""
    return b"".join(line % (number, number - 1, number - 1) for number in range(1, 60))


HOSTILE = {
    "deep.py": b"# segmind\nx = " + b"(" * 5000 + b")" * 5000,
    "sum.py": b"# segmind\nx = 'a'" + b" + 'a'" * 20_000,
    "calls.py": b"# segmind\nx = a" + b".b(1)" * 20_000,
    "fstring.py": b"segmind = f'{" * 200,
    "names.py": b"segmind = 1\na0 = 'x' + 'x'\n" + doubled(b"a%d = a%d + a%d\n"),
    "loop.py": b"segmind = url\nurl = segmind\nimport requests\nrequests.post(url, json=segmind)\n",
    "number.py": b"import segmind\nsegmind.run('flux-img2img', steps=0x" + b"f" * 30_000 + b", denoise=1e999)",
    "nul.py": b"segmind\0",
    "latin.py": b"segmind = '\xff\xfe'",
    "surrogate.py": b"import segmind\nsegmind.run('flux-img2img', **x, scheduler='\\ud800')",
    "huge.py": b"# segmind\n" * 300_000,
    "old.py": b"import segmind\nprint 'x'",
    "open.sh": b"segmind " + b"$(" * 15_000,
    "quotes.sh": b"segmind " + b"\"$(\"" * 30_000,
    "braces.sh": b"segmind ${" * 15_000,
    "heredocs.sh": b"segmind <<A\n" * 30_000,
    "variables.sh": b"A0=x\n" + doubled(b"A%d=$A%d$A%d\n") + b"curl $A59 # segmind",
    "json.sh": b"curl https://api.segmind.com/v1/flux-img2img --json '" + b'{"a":' * 15_000 + b"'",
    "deep.js": b"segmind(" + b"[" * 20_000 + b"]" * 20_000 + b")",
    "open.js": b"segmind" + b"({[" * 20_000,
    "closed.js": b"segmind" + b")}]" * 20_000,
    "crossed.js": b"segmind" + b"([)]" * 20_000,
    "templates.js": b"segmind(" + b"`${" * 20_000,
    "comments.js": b"segmind " + b"/*" * 60_000,
    "regex.js": b"segmind = " + b"/[" * 20_000,
    "quotes.js": b"segmind = " + b"\"\\" * 60_000,
    "sum.js": b"segmind = 'a'" + b" + 'a'" * 20_000,
    "calls.js": b"const d = {a: 1}; " + b"fetch(segmind, d);" * 30_000,
    "members.js": b"segmind" + b".a" * 60_000 + b"()",
    "arrows.js": b"segmind " + b"(a) => " * 20_000,
    "types.ts": b"segmind " + b"post<" * 20_000 + b">(1)" * 20_000,
    "consts.ts": b"const segmind: " + b"const a: b " * 20_000,
    "names.js": b"const a0 = 'x' + 'x';" + doubled(b"const a%d = a%d + a%d;\n") + b"segmind(a59)",
    "loop.js": b"const segmind = b, b = segmind; fetch(b, segmind)",
    "number.js": b"fetch('https://api.segmind.com/v1/flux-img2img', {method: 'POST', body: {steps: 1e999, seed: 0x"
    + b"f" * 30_000 + b"}})",
    "one.php": b"<?php segmind; " + b'"$a{$b' * 20_000,
    "heredocs.php": b"<?php segmind; " + b"<<<A\n" * 20_000,
    "functions.php": b"<?php segmind; " + b"function f($a) use ($b) " * 20_000,
    "tags.php": b"segmind" + b"<?php ?>" * 20_000,
    "functions.go": b"segmind " + b"func f(a " * 15_000,
    "raw.go": b"segmind " + b"`" * 60_001,
    "maps.go": b"segmind(" + b"map[string]any{\"a\": " * 15_000,
    "assigned.go": b"segmind " + b"a, " * 20_000 + b"b := 1",
    "fences.md": b"segmind\n" + b"```sh\nsegmind\n" * 15_000,
    "open.md": b"segmind\n" + b"```python\n```` \n" * 15_000,
    "address.sh": b"curl https://api.segmind.com/v1/" + b"a-" * 20_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_in_one_message(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_bytes(HOSTILE[name])
    started = time.perf_counter()
    code, out, err = command(capsys, tmp_path / name)  # named, so that it is not skipped as minified
    assert code in (0, 1)
    assert len(err.splitlines()) <= 1
    assert len(out) < 5_000
    assert time.perf_counter() - started < 60  # a bound against runaway work


def test_pipes_and_loops_of_links_are_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.py").symlink_to(tmp_path / "self.py")
    (tmp_path / "app.py").write_text(FAULT)
    (tmp_path / "again.py").symlink_to(tmp_path / "app.py")
    code, out, err = command(capsys, tmp_path)
    assert code == 1
    assert out.count("range.below") == 1
    assert "pipe.py: not read" in err
    assert "self.py: not read" in err
    code, _, err = command(capsys, tmp_path / "pipe.py")
    assert (code, "not a regular file" in err) == (0, True)


def test_a_hostile_name_stays_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "[red]\x1b[31m\n.py").write_text(
        f'import segmind\nsegmind.run("x[bold]y\\u202e", **{{"\\x1b": 1}})\nA = "{URL}/x[red]"\n' + FAULT
    )
    code, out, _ = command(capsys, tmp_path)
    assert code == 1
    assert "\x1b" not in out
    assert "\u202e" not in out
