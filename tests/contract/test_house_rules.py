"""House rules: the documented one finds a fault, has a place wherever a rule has one, and mistakes are its author's."""

import json
import re
from pathlib import Path

import pytest

from segforge import Catalog
from segforge.cli import main
from segforge_contract import RULES, Misuse, house_rule
from segforge_contract.checks import house
from segforge_contract.rules.house import HOUSE, in_force
from tests.contract.serving import serve
from tests.contract.standin import KEY, StandIn
from tests.seeds import seed_specs

PAGE = (Path(__file__).parents[2] / "docs" / "contract.md").read_text("utf-8")
SAMPLE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
"""The documented rule."""
NAME = "house.no_server_header"
SPECS = ("--specs", str(seed_specs()))
RUN = (*SPECS, "--models", "flux-ipadapter", "--max-examples", "0", "--max-spend", "0", "--forget")
WITH = ("--house-rules", "house.py:no_server_header", *SPECS)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "house.py").write_text(SAMPLE, "utf-8")
    return tmp_path


def author(body: str) -> str:
    return (
        "from segforge_contract import house_rule\n\n\n"
        '@house_rule("mine", promise="it holds", reason="because")\n'
        f"def mine(exchange):\n    {body}\n"
    )


def test_the_documented_rule_finds_a_fault(catalog: Catalog, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ("--json", "report.json", "--junit", "report.xml", "--html", "report.html")
    with serve(StandIn(catalog)) as url:
        assert main(["contract", "--target", url, *RUN, *WITH[:2], *files]) == 1
    out = capsys.readouterr().out
    assert f"{NAME}: " in out
    assert "promise   no answer names the software of its server (house rule, house.py:4)" in out
    assert "found     server: uvicorn" in out
    report = json.loads((folder / "report.json").read_text("utf-8"))
    assert {failure["rule"] for failure in report["failures"]} == {NAME}
    assert next(each for each in report["rules"] if each["name"] == NAME)["broken"] > 1
    assert all(NAME in (folder / f"report.{kind}").read_text("utf-8") for kind in ("xml", "html"))
    assert (NAME in RULES, NAME in HOUSE) == (False, False)


def test_it_is_quiet_on_a_gateway_that_keeps_it(folder: Path) -> None:
    (folder / "segforge.toml").write_text('[contract]\nhouse-rules = ["house.py:no_server_header"]\n')
    run = (*SPECS, "--models", "flux-ipadapter", "--max-examples", "0", "--forget", "--json", "report.json")
    assert main(["contract", "--target", "mock", *run]) == 0
    assert main(["contract", "--target", "mock", "--no-config", "--json", "without.json", *run[:-2]]) == 0
    found, without = (
        json.loads((folder / name).read_text("utf-8"))["coverage"] for name in ("report.json", "without.json")
    )
    assert found["points"] == without["points"] + 2, "v1 and v2"
    assert found["missing"] == without["missing"] == []


def test_it_is_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "rules", "--rule", "house", "--models", "flux-ipadapter", *WITH]) == 0
    assert capsys.readouterr().out.startswith(f"{NAME}  ")
    assert main(["contract", "explain", NAME, *WITH]) == 0
    assert "why      it tells attackers which faults to try" in capsys.readouterr().out
    assert main(["contract", "explain", NAME, *SPECS]) == 2


def test_it_has_deviations(catalog: Catalog, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "known.yaml").write_text(
        "deviations:\n"
        f"  - {{rule: {NAME}, scope: {{}}, observed: 'server: *', reason: ours, date: '2026-11-01',"
        " expires: '2999-01-01', evidence: none}\n"
    )
    with serve(StandIn(catalog)) as url:
        assert main(["contract", "--target", url, *RUN, *WITH[:2], "--deviations", "known.yaml"]) == 0
    assert main(["contract", "--target", "mock", *RUN, *WITH[:2], "--deviations", "known.yaml"]) == 1
    assert "no longer occurs" in capsys.readouterr().out
    assert main(["contract", "--target", "mock", *RUN, "--deviations", "known.yaml"]) == 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return exchange.nothing", "AttributeError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("return 3", "returned 3"),
        ("return ''", 'returned ""'),
        ("while True: pass", "longer than 0.2 s"),
    ],
)
def test_a_mistake_ends_the_run_and_keeps_the_reports(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], body: str, said: str
) -> None:
    monkeypatch.setattr(house, "LONGEST", 0.2)
    if "while" in body:
        body = "import time\n    for _ in range(200): time.sleep(0.01)"  # it ends, so that no thread stays busy
    (folder / "house.py").write_text(author(body))
    code = main(["contract", "--target", "mock", *RUN, "--house-rules", "house.py:mine", "--json", "report.json"])
    out, err = capsys.readouterr()
    assert (code, "Traceback" in out + err) == (2, False)
    assert "correct house rule house.mine (house.py:4)" in out
    assert said in out
    assert json.loads((folder / "report.json").read_text("utf-8"))["stopped"]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (author("return None"), "house.py", "FILE.py:NAME"),
        (author("return None"), "absent.py:mine", "no file"),
        (author("return None"), "house.py:mind", "did you mean mine?"),
        (author("return None"), "no_such_module:mine", "ModuleNotFoundError"),
        ("def mine(exchange):\n    pass\n", "house.py:mine", "@house_rule"),
        ("1 / 0\n", "house.py:mine", "ZeroDivisionError: division by zero (house.py:1)"),
        ("def\n", "house.py:mine", "house.py:1"),
        (author("pass").replace('"mine"', '"My Rule"'), "house.py:mine", "lower-case"),
        (author("pass").replace('"because"', '""'), "house.py:mine", "reason"),
    ],
)
def test_a_rule_that_cannot_be_loaded_is_misuse(
    folder: Path, capsys: pytest.CaptureFixture[str], content: str, name: str, said: str
) -> None:
    (folder / "house.py").write_text(content)
    assert main(["contract", "--target", "mock", *SPECS, "--house-rules", name]) == 2
    out, err = capsys.readouterr()
    assert (out, "Traceback" in err, said in err) == ("", False, True), err


def test_packages_register_rules(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "installed_rules.py").write_text(author("return None"))
    info = folder / "installed_rules-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: installed-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[segforge.rules]\nmine = installed_rules:mine\n")
    monkeypatch.syspath_prepend(str(folder))
    assert main(["contract", "explain", "house.mine", *SPECS]) == 0
    assert "because" in capsys.readouterr().out


def test_two_rules_of_one_name_are_refused() -> None:
    def holds(exchange: object) -> None:
        pass

    first, second = (house_rule("mine", promise="it holds", reason="because")(holds) for _ in range(2))
    with pytest.raises(Misuse, match=r"house\.mine"), in_force([first, second]):
        pass
    assert "house.mine" not in RULES
