"""Programs in every language: `segforge check-usage` finds each fault that a comment marks, and nothing else."""

import re
from collections import Counter
from pathlib import Path

import pytest

from segforge import default_specs
from segforge.usage.check import Checked, check_usage
from segforge.usage.knowledge import Knowledge, load_knowledge

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted((Path(__file__).parent / "programs").iterdir())
MARK = re.compile(r"fault(?: (\d+) lines? above)?: ([a-z0-9_., ]+)")


@pytest.fixture(scope="module")
def known() -> Knowledge:
    return load_knowledge(default_specs())


def marked(path: Path) -> Counter[tuple[int, str]]:
    """The faults that comments mark: the line and the rule of each."""
    faults: Counter[tuple[int, str]] = Counter()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        found = MARK.search(line)
        if found:
            faults.update((number - int(found[1] or 0), rule.strip()) for rule in found[2].split(","))
    return faults


def found(checked: Checked) -> Counter[tuple[int, str]]:
    return Counter((finding.line, finding.rule) for finding in checked.findings)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_every_marked_fault_is_found_and_nothing_else(path: Path, known: Knowledge) -> None:
    checked = check_usage([path], known)
    assert checked.unread == ()
    assert found(checked) == marked(path)
    assert marked(path), "a program without a fault tests nothing"


def test_every_language_has_programs() -> None:
    assert {path.suffix for path in PROGRAMS} >= {".go", ".jsx", ".md", ".php", ".py", ".sh", ".ts"}


def test_the_project_itself_has_no_finding(known: Knowledge) -> None:
    folders = [
        ROOT / "examples",
        ROOT / "generated" / "python" / "examples",
        ROOT / "generated" / "typescript" / "examples",
    ]
    pages = [
        ROOT / "README.md",
        ROOT / "generated" / "python" / "README.md",
        ROOT / "generated" / "typescript" / "README.md",
        *(ROOT / "docs" / "start").glob("*.md"),
    ]
    checked = check_usage([*folders, *pages], known)
    assert (checked.findings, checked.unread) == ((), ())
    assert "flux-img2img" in {call.slug for call in checked.calls}
