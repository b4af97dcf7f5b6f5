"""Shared shapes: their files are checked like the facts of models, and models use them by name."""

from pathlib import Path

import pytest

from segforge import check_specs
from segforge.spec.inputs import default_specs, shape_paths
from segforge.spec.load import check_form

SHAPE = """\
name: block
source: {url: https://www.segmind.com/models/x/api, reviewed: "2026-11-28"}
facts:
  description: A block.
  any_of:
    - {title: text, type: string}
    - {title: size, type: integer, minimum: 1}
"""


@pytest.mark.parametrize("path", shape_paths(default_specs()), ids=lambda path: path.stem)
def test_the_projects_shapes_have_no_findings(path: Path) -> None:
    source, findings = check_form(path, "shape")
    assert source is not None
    assert findings == []


def _findings(specs: Path, text: str) -> list[tuple[str, int]]:
    (specs / "shapes").mkdir(exist_ok=True)
    (specs / "shapes" / "block.yaml").write_text(text, "utf-8")
    return [(found.rule, found.line) for found in check_specs(specs)[1] if found.file.endswith("block.yaml")]


def test_a_union_without_a_type_is_a_whole_shape(specs: Path) -> None:
    assert _findings(specs, SHAPE) == []


@pytest.mark.parametrize(
    ("old", "new", "rule", "line"),
    [
        ("minimum: 1", "min_length: 1", "length.type", 7),
        ("title: size", "title: text", "union.title", 7),
        ("type: integer, minimum: 1", "shape: other", "shape.nested", 7),
        ("name: block", "name: blocks", "shape.file_name", 1),
        ("2026-11-28", "2026-11-31", "reviewed.date", 2),
    ],
)
def test_a_broken_shape_is_reported_with_its_line(specs: Path, old: str, new: str, rule: str, line: int) -> None:
    assert (rule, line) in _findings(specs, SHAPE.replace(old, new))


@pytest.mark.parametrize(
    ("text", "rule", "words"),
    [
        (SHAPE, None, ""),
        (SHAPE.replace("type: string", "type: strung"), "shape.broken", "correct specs/shapes/block.yaml"),
        (SHAPE.replace("minimum: 1", "min_length: 1"), "shape.broken", "correct specs/shapes/block.yaml"),
        ("{", "shape.broken", "correct specs/shapes/block.yaml"),
        (None, "shape.unknown", "add the file block.yaml"),
    ],
)
def test_a_model_names_a_shape_that_exists_and_has_no_errors(
    specs: Path, text: str | None, rule: str | None, words: str
) -> None:
    model = specs / "models" / "flux-img2img.yaml"
    old = "parameters:\n"
    assert old in model.read_text("utf-8")
    new = f"{old}  block: {{required: false, description: A block., shape: block}}\n"
    model.write_text(model.read_text("utf-8").replace(old, new), "utf-8")
    (specs / "shapes").mkdir(exist_ok=True)
    if text is not None:
        (specs / "shapes" / "block.yaml").write_text(text, "utf-8")
    found = [one for one in check_specs(specs)[1] if one.file.endswith("flux-img2img.yaml")]
    assert [one.rule for one in found] == ([] if rule is None else [rule])
    assert all(words in one.mend for one in found)
