"""The configuration file: what it states, which errors it has, and that flags win."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from segforge.cli import main
from segforge.configuration.file import MAX_BYTES
from segforge.configuration.schema import FILE, schema, text
from segforge_mock.pytest_plugin import CONFIGURED

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")
SAMPLE = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
KEY = "SG_00112233445566"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def held(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict[str, dict[str, object]]]:
    assert main(["config", "--json", *words]) == 0
    found: dict[str, dict[str, dict[str, object]]] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*words] or ["config"]) == 2
    out, err = capsys.readouterr()
    assert (out, "Traceback" in err, err.count("\n")) == ("", False, 1)
    return err


def test_the_shipped_schema_is_current() -> None:
    shipped = FILE.read_text("utf-8")
    assert shipped == text(), f"run: segforge config --schema > {FILE.relative_to(ROOT)}"
    jsonschema.Draft202012Validator.check_schema(json.loads(shipped))


def test_the_documented_sample_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import tomllib

    (folder / "segforge.toml").write_text(SAMPLE, "utf-8")
    jsonschema.validate(tomllib.loads(SAMPLE), schema())
    found = held(capsys)
    assert found["contract"]["max-examples"] == {"value": 5, "source": "file", "place": "segforge.toml:4"}
    assert found["contract"]["junit"]["value"] == str(folder / "reports" / "contract.xml")
    assert found["mock"]["media"] == {"value": "plain", "source": "file", "place": "segforge.toml:9"}
    assert found["generate"]["out"]["place"] == "segforge.toml:13"
    assert found["contract"]["seed"] == {"value": None, "source": "default"}


def test_the_page_names_the_options_of_the_fixtures() -> None:
    assert [name for name in CONFIGURED if f"`{name}`" not in PAGE] == []


def test_flags_win(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "segforge.toml").write_text(
        '[contract]\nforget = true\nmodels = ["sora-2"]\n'
        '[mock]\nlog = true\nno-admin = true\nallow-host = ["a.example"]\n'
        "[generate]\nno-cache = true\n"
    )
    contract = held(capsys, "contract", "--models", "flux-img2img", "--failures", "kept")["contract"]
    assert contract["models"] == {"value": ["flux-img2img"], "source": "flag"}
    assert (contract["forget"]["value"], contract["failures"]["value"]) == (False, "kept")
    mock = held(capsys, "mock", "--no-log", "--admin", "--allow-host", "b.example")["mock"]
    assert [mock[name]["value"] for name in ("log", "no-admin", "allow-host")] == [False, False, ["b.example"]]
    assert held(capsys, "generate", "--cache", "here")["generate"]["no-cache"]["value"] is False
    assert held(capsys, "mock", "--no-config")["mock"]["log"]["source"] == "default"


def test_the_nearest_file_up_to_the_repository_holds(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "segforge.toml").write_text("[mock]\nport = 1\n")
    inner = folder / "repository" / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert held(capsys, "mock")["file"] is None
    (folder / "repository" / ".git").mkdir()
    assert held(capsys, "mock")["file"] is None, "a file above the repository's root holds"
    (folder / "repository" / "pyproject.toml").write_text(
        '[project]\nname = "segforge-user"\n[tool.segforge.mock]\n# port\ntls = "ca.pem"\nport = 2\n'
    )
    found = held(capsys, "mock")
    assert found["mock"]["port"]["value"] == 2
    assert str(found["mock"]["port"]["place"]).endswith("pyproject.toml:6")
    assert found["mock"]["tls"]["value"] == str(folder / "repository" / "ca.pem")
    (folder / "repository" / "a" / "segforge.toml").write_text("[mock]\nport = 3\n")
    assert held(capsys, "mock")["mock"]["port"]["value"] == 3
    assert held(capsys, "mock", "--config", str(folder / "segforge.toml"))["mock"]["port"]["value"] == 1


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("[contract]\nmax_examples = 3", ("segforge.toml:2", "max_examples", "did you mean max-examples")),
        ('[contract]\nmax-examples = "3"', ("segforge.toml:2", "a whole number", 'the text "3"')),
        ("[contract]\nmax-examples = true", ("a whole number", "found true")),
        ("[contract]\nmax-examples = -1", ("from 0", "found -1")),
        ("[contract]\nmax-spend = nan", ("max-spend", "from 0")),
        ("[contract]\nassume-price = 0", ("assume-price", "above 0")),
        ('[contract]\nmodels = "sora-2"', ("an array of texts", "sora-2")),
        ("[contract]\nmodels = []", ("an array of texts that is not empty",)),
        ("[contract]\n\nmodels = [\n  3,\n]", ("segforge.toml:3", "a text", "3")),
        ('[contract]\ntarget = ""', ("not empty",)),
        ("[contract]\nseed = 2026-11-29", ("a whole number", "a date")),
        ('[contract]\nrecord = "a"\nreplay = "b"', ("segforge.toml:3", "contract.replay", "record")),
        ("[contract]\nyes = true", ("contract.yes", "Pass --yes")),
        ('[mock]\nmedia = "ful"', ("full, plain, tiny", "did you mean full?")),
        ('[mock]\nrate-limit = "fre"', ("mock.rate-limit",)),
        ('[mok]\nport = "x"', ("segforge.toml:1", "mok", "did you mean mock?")),
        ("mock = 3", ("segforge.toml:1", "mock", "a table")),
        ("[mock\nport = 3", ("segforge.toml:1", "not valid TOML")),
        ("[mock]\nport = 1\nport = 2", ("segforge.toml:3", "not valid TOML")),
        ("x = " + "[" * 20_000, ("segforge.toml", "nested too deeply")),
        ("x = " + "9" * 5_000, ("segforge.toml", "too many digits")),
        ("#" * (MAX_BYTES + 1), ("segforge.toml", "1,048,576 bytes")),
        ("[mock]\n# \udcff", ("segforge.toml:2", "UTF-8")),
    ],
)
def test_a_mistake_is_one_clear_message(
    folder: Path, capsys: pytest.CaptureFixture[str], content: str, parts: tuple[str, ...]
) -> None:
    (folder / "segforge.toml").write_bytes(content.encode("utf-8", "surrogateescape"))
    message = refused(capsys)
    assert [part for part in parts if part not in message] == []


@pytest.mark.parametrize(
    "content",
    [
        f'[mock]\napi-key = ["{KEY}"]',
        f'[mock]\nadmin-token = "{KEY}"',
        f'[contract]\napi_key = "{KEY}"',
        f'[contract]\ntarget = "{KEY}"',
        f'[contract]\nkey = "{KEY}"',
        f'segmind-api-key = "{KEY}"',
        f"[contract]\n# {KEY}",
    ],
)
def test_a_key_is_refused_and_not_shown(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    (folder / "segforge.toml").write_text(content)
    message = refused(capsys)
    assert KEY not in message
    assert "must not be in this file" in message or "SEGMIND_API_KEY" in message
    monkeypatch.delenv("SEGMIND_API_KEY")
    if "# " not in content:
        assert KEY not in refused(capsys)


def test_neither_keys_nor_passwords_are_printed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    (folder / "segforge.toml").write_text('[mock]\nstore = "redis://me:hunter2@localhost/0"\n')
    for words in (["config"], ["config", "--json"], ["config", "mock", "--api-key", KEY, "--admin-token", "hunter2"]):
        assert main(words) == 0
        out = "".join(capsys.readouterr())
        assert (KEY in out, "hunter2" in out, "SEGMIND_API_KEY" in out) == (False, False, True)


def test_two_files_in_a_folder_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "segforge.toml").write_text("[mock]\nport = 1")
    (folder / "pyproject.toml").write_text("[tool.other]\nsegforge = 1\n")
    assert held(capsys)["mock"]["port"]["place"] == "segforge.toml:2"
    (folder / "pyproject.toml").write_text("[tool.other]\n\n[tool.segforge]\n")
    message = refused(capsys)
    assert "pyproject.toml:3" in message
    assert "segforge.toml" in message


def test_commands_read_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "segforge.toml").write_text('[contract]\nmodels = ["no-such-model"]\n')
    assert main(["contract", "rules"]) == 2
    assert "no-such-model" in capsys.readouterr().err
    assert main(["contract", "rules", "--no-config"]) == 0
    capsys.readouterr()
    assert main(["contract"]) == 2
    assert "models (segforge.toml:2); --no-config ignores it" in capsys.readouterr().err


pytest_plugins = ["pytester"]


def test_the_fixtures_of_pytest_read_the_file(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", segforge='[mock]\ncredits = 7\nport = 1\n[contract]\nmodels = ["sora-2"]\n')
    pytester.makepyfile("""
        from segforge_contract.pytest_plugin import chosen_models

        def test_mock(segmind_mock):
            assert segmind_mock.credits == 7

        def test_models(pytestconfig):
            assert [model.slug for model in chosen_models(pytestconfig)] == ["sora-2"]
    """)
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=2)
    pytester.makefile(".toml", segforge="[mock]\nprot = 1\n")
    result = pytester.runpytest("-p", "no:cacheprovider", "-k", "mock")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*segforge.toml:2: *did you mean port?"])


OTHERS = (
    ["lint"],
    ["directory", "list"],
    ["check-usage", "."],
    ["diff", "specs", "none"],
    ["record", "draft", "none"],
)


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_other_commands_read_the_specs_of_generate(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The message of a misuse tells where the specs are from; `--specs` and `--no-config` win."""
    (folder / "segforge.toml").write_text('[generate]\nspecs = "nowhere"\n', "utf-8")
    main(words)
    err = capsys.readouterr().err
    assert "specs (segforge.toml:2); --no-config ignores it" in err
    for flags in ([*words, "--specs", "elsewhere"], [words[0], "--no-config", *words[1:]]):
        main(flags)
        assert "segforge.toml" not in capsys.readouterr().err
