"""The client's README, reference and examples: the code runs on the mock, and the reference is complete."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import segmind_client
from segforge import Catalog
from segforge_mock import Mock

PACKAGE = Path(__file__).parents[2] / "generated" / "python"
EXAMPLES = sorted((PACKAGE / "examples").glob("*.py"))
SAMPLES = re.findall(r"^```python\n(.*?)^```$", (PACKAGE / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
JPEG = b"\xff\xd8\xff"


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, images="tiny") as mock:
        yield mock


def run(code: str, folder: Path, mock: Mock) -> str:
    """Runs a program in a folder and returns its output."""
    environment = {"PATH": "/usr/bin:/bin", "SEGMIND_API_KEY": mock.key, "SEGMIND_BASE_URL": mock.url}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert re.sub(r"^\d+/\d+\n", "", done.stderr, flags=re.MULTILINE) == "", "only progress, as plain lines"
    return done.stdout


def test_the_samples_of_the_readme_run_in_order(mock: Mock, tmp_path: Path) -> None:
    assert len(SAMPLES) >= 14
    printed = run("\n".join(SAMPLES), tmp_path, mock)
    for name in ("image.jpeg", "from-job-image.jpeg"):
        assert (tmp_path / name).read_bytes().startswith(JPEG)
    assert len([*(tmp_path / "outputs").iterdir()]) == 3
    assert "COMPLETED" in printed
    assert "required.missing" in printed
    assert "Estimate(low=0.0, high=" in printed
    assert "ModelInfo(slug='flux-img2img'" in printed


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_an_example_prints_the_expected_output(example: Path, mock: Mock, tmp_path: Path) -> None:
    printed = run(example.read_text("utf-8"), tmp_path, mock)
    expected = {
        "call": r"image\.jpeg image/jpeg 0\.\d+ credits",
        "job": r"COMPLETED\nhttp://\S+ \{",
        "many": r"5 http://\S+\nSpend\(credits=0\.\d+, calls=6",
        "errors": r"required\.missing prompt is required",
    }
    assert re.search(expected[example.stem], printed), printed


def test_the_page_for_programs_that_write_code_runs_and_has_the_form_of_llms_txt(mock: Mock, tmp_path: Path) -> None:
    text = (PACKAGE / "llms.txt").read_text("utf-8")
    assert re.match(r"# segmind-client\n\n> .+\n\n", text)
    lists = text[text.index("\n## ") :]
    links = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): .+$", lists, re.MULTILINE)
    assert len(links) == lists.count("\n- ")
    assert [link for link in links if not (PACKAGE / link).is_file()] == []
    [sample] = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    named = re.findall(r"`client\.([a-z_.]+)[`(]", text)
    assert {"jobs.resume", "models.search", "models.get", "estimate"} <= set(named)
    checks = "".join(f"\nclient.{name}" for name in named)
    run(sample + checks, tmp_path, mock)
    for name in ("image.jpeg", "from-job-image.jpeg"):
        assert (tmp_path / name).read_bytes().startswith(JPEG)


def test_the_reference_names_every_export_member_and_parameter(catalog: Catalog) -> None:
    text = (PACKAGE / "reference.md").read_text("utf-8")
    for name in segmind_client.__all__:
        if not name.startswith("Async"):
            assert f"\n## {name}\n" in text
    assert "    def with_options(\n        self,\n        *,\n        timeout: float | None=None,\n" in text
    assert "    def cost(self) -> float | None:" in text
    for model in catalog.models:
        chapter = text.partition(f"### client.{model.slug.replace('-', '_')}\n")[2].partition("\n### ")[0]
        lines = [line.replace("\\", "") for line in chapter.splitlines() if line.startswith("- ")]
        assert [line.split()[1] for line in lines] == [parameter.name for parameter in model.parameters]


def test_the_wheel_contains_its_license() -> None:
    """Checks the configuration of the build, because hatchling is not installed here."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["license-files"] == ["LICENSE"]
    assert (PACKAGE / "LICENSE").read_bytes() == (PACKAGE.parents[1] / "LICENSE").read_bytes()
