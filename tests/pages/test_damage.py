"""A fact that can't be read is undecided. A damaged line never makes drift decide that a fact was removed."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from segforge import Catalog
from segforge.cli import main
from segforge.pages.draft import draft
from segforge.pages.drift.compare import compare
from segforge.pages.drift.difference import ABSENT
from segforge.pages.page import Page, PageParameter
from segforge.pages.read import page_of_bytes
from segforge.spec.catalog import Model
from segforge.spec.load import check_model
from segforge.spec.source import SourceFile
from tests.pages.layouts import LABELLED, blank_line
from tests.pages.models import models

DAMAGES = (
    "{};5", "~{}", "{} or so", "∞", "{}Step: 2", "{}\nDeprecated", "{}, roughly", "{}!", 'x "{}" y', "“{}", "'{}'",
    "{},5", "{}Min: 1Max: 50", "", "?",
)  # fmt: skip
FACTS = ("default", "minimum", "maximum", "enum")


def source_of(page: Page) -> SourceFile | None:
    """Returns the spec that a page drafts to, or None if it has lint errors."""
    with tempfile.TemporaryDirectory() as folder:
        made = draft(page)
        path = Path(folder) / f"{made.slug}.yaml"
        path.write_text(made.text, "utf-8")
        source, findings = check_model(path)
        return None if any(one.severity == "error" for one in findings) else source


def places(page: Page) -> list[tuple[PageParameter, str]]:
    """Returns the labelled facts that were read."""
    return [(one, key) for one in page.parameters for key in FACTS if key in one.facts and one.facts[key].value != []]


@pytest.mark.parametrize("layout", [name for name in LABELLED if name not in ("html table", "pixelflow")])
@settings(max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(model=models(), pick=st.integers(0, 10**6), damage=st.sampled_from(DAMAGES))
def test_a_damaged_fact_is_never_decided_as_removed(layout: str, model: Model, pick: int, damage: str) -> None:
    text = LABELLED[layout](model)
    page = page_of_bytes(text.encode(), "page")
    source = source_of(page)
    if source is None or not places(page):
        return
    one, key = places(page)[pick % len(places(page))]
    span = one.facts[key].span
    broken = text[: span.start] + damage.format(text[span.start : span.end]) + text[span.end :]
    drift = compare(page_of_bytes(broken.encode(), "page"), source)
    gone = [(each.rule, each.path) for each in drift.differences if each.decided and each.page is ABSENT]
    assert gone == [], broken[span.start - 300 : span.end + 100]


STEPS = "Default: 20Range: 1 - 50"
UNREADABLE = [
    (STEPS, f"{STEPS}\nDeprecated"),
    (STEPS, f"{STEPS}Step: 2"),
    (STEPS, "Default: 20Min: 1Max: 50"),
    (STEPS, "Default: 20Range: 1 - ∞"),
    (STEPS, "Default: 2O Range: 1 - 50"),
    (f"DESCRIPTION\n\n{STEPS}", "Default: 20Range: 1 - ∞"),
    ('Default: "3d pixar style"', 'Default: "3d "pixar" style"'),
    ('"karras"', '"kar"ras"'),
    ('Allowed values :\n"normal"', 'Allowed values are:\n"normal"'),
]


@pytest.mark.parametrize(("old", "new"), UNREADABLE)
def test_unreadable_text_with_a_label_is_reported_and_not_applied(
    catalog: Catalog, specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str
) -> None:
    page, file = tmp_path / "page.txt", specs / "models" / "flux-img2img.yaml"
    text = own_page(catalog)
    old = old.replace("DESCRIPTION", catalog.model("flux-img2img").parameters_by_name["steps"].description)
    assert old in text
    page.write_text(text.replace(old, new), "utf-8")
    before = file.read_bytes()
    main(["page", str(page)])
    assert "undecided: " in capsys.readouterr().out
    main(["drift", str(page), "--specs", str(specs), "--apply"])
    report = capsys.readouterr().out
    assert "undecided" in report
    assert ".gone" not in report
    assert "range.widened" not in report
    assert file.read_bytes() == before
    assert main(["import", str(page), "--out", str(tmp_path / "out")]) == 0
    assert "is undecided" in (tmp_path / "out" / "flux-img2img.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new", "key", "value"),
    [
        (STEPS, "Default: 20Range: 1 - 1,000", "maximum", 1000),
        (STEPS, "Default: 2,500Range: 1 - 5,000", "default", 2500),
        (STEPS, "default: 20range: 1 - 50", "default", 20),
        (STEPS, "Default: +20Range: 1 - 50", "default", 20),
        ('Default: "3d pixar style"', "Default: 3d pixar style", "default", "3d pixar style"),
        ('"normal""karras"', "“normal”“karras”", "enum", "karras"),
    ],
)
def test_other_notations_of_a_fact_are_read(catalog: Catalog, old: str, new: str, key: str, value: object) -> None:
    text = own_page(catalog)
    assert old in text
    page = page_of_bytes(text.replace(old, new).encode(), "page")
    assert page.undecided_count() == 0
    values = [one.get(key) for one in page.parameters if key in one.facts]
    assert value in values or any(isinstance(each, list) and value in each for each in values)


def own_page(catalog: Catalog) -> str:
    return blank_line(catalog.model("flux-img2img"))


def test_an_unknown_notation_of_a_range_in_a_table_is_undecided(catalog: Catalog) -> None:
    text = LABELLED["html table"](catalog.model("flux-img2img")).replace("<td>1 - 50</td>", "<td>1 and up</td>")
    page = page_of_bytes(text.encode(), "page")
    (steps,) = [one for one in page.parameters if one.name == "steps"]
    assert {"minimum", "maximum"} <= set(steps.undecided)
    text = text.replace("<td>integer</td>", "<td>whole</td>", 1)
    assert "could not be read" in page_of_bytes(text.encode(), "page").problems[0]
