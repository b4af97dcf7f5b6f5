"""OpenAPI documents read the same with YAML 1.1 and YAML 1.2: text stays text."""

from io import StringIO
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from segforge.emit.openapi.text import yaml_text

LIKE_NUMBERS = st.text("0123456789-+.:_,eExXoObBtTzZnNyYaAfFiI~<= ", max_size=12)
AMBIGUOUS = """
0o17 017 0x1F 0b11 1e3 1E+3 .5 5. +.5e1 1_000 1,000 190:20:30 1:1 .inf -.INF .NaN y N Yes oFF True NULL ~ = <<
2026-11-21
"""
WORDS = st.sampled_from(AMBIGUOUS.split())
TEXTS = LIKE_NUMBERS | WORDS | st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | NUMBERS | TEXTS


def both(text: str) -> tuple[Any, Any]:
    return yaml.safe_load(text), YAML(typ="safe", pure=True).load(StringIO(text))


@given(
    document=st.dictionaries(TEXTS.filter(lambda key: key not in ("tags", "paths", "components")), VALUES, min_size=1)
)
def test_both_readers_read_the_document_back(document: dict[str, Any]) -> None:
    for read in both(yaml_text(document, {})):
        assert read == document
        assert [type(value) for value in read.values()] == [type(value) for value in document.values()]


@pytest.mark.parametrize("text", ["y", "N", "0o17", "1e3", "1,000", "0b11"])
def test_text_that_looks_like_another_type_is_quoted(text: str) -> None:
    assert yaml_text({"a": text}, {}) == f"a: '{text}'\n"
