"""Laws of the YAML reader: PyYAML and a YAML 1.2 reader agree about every document that it accepts."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from segforge.spec.source import read_source
from segforge.spec.yaml_reader import YamlReader
from segforge.spec.yaml_text import dump, scalar, written

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
documents = st.dictionaries(
    st.text(), st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
)
words = st.text("0123456789-+.:_eExXoOnNyYtTrRuUfFaAlLsSiI~<= ", max_size=12) | st.sampled_from(
    [
        "1:1",
        "no",
        "Yes",
        "0o17",
        "017",
        "1e3",
        "1_000",
        "+1",
        ".5",
        "5.",
        "0x1F",
        ".inf",
        "2026-11-21",
        "=",
        "<<",
        "~",
        "null",
        "1:30.5",
    ]
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("yaml") / "document.yaml"


@given(data=documents, flow=st.booleans())
def test_pyyaml_output_reads_back(path: Path, data: dict[str, Any], flow: bool) -> None:
    path.write_text(yaml.safe_dump(data, default_flow_style=flow), "utf-8", newline="\n")
    source, findings = read_source(path, "document.yaml")
    assert source is not None
    if not findings:
        assert source.data == data
    else:  # PyYAML leaves words such as 0o17 unquoted, which YAML 1.2 reads as numbers, and writes 1.0e-05 its own way
        assert {finding.rule for finding in findings} <= {"yaml.ambiguous", "yaml.key"}


@given(word=words)
def test_an_accepted_word_means_the_same_in_yaml_1_1_and_1_2(path: Path, word: str) -> None:
    path.write_text(f"- {word}\n", "utf-8", newline="\n")
    source, findings = read_source(path, "document.yaml")
    if source is None or findings:
        return
    newer: Any = YAML(typ="safe", pure=True)
    assert source.data == yaml.safe_load(path.read_text("utf-8")) == newer.load(path.read_text("utf-8"))


@given(text=st.binary(max_size=400) | st.text("{}[]:,-&*!|>'\"%@`?# \n\tab1", max_size=80).map(str.encode))
def test_any_bytes_return_data_or_findings(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    source, findings = read_source(path, "document.yaml")
    assert source is not None or findings


@given(number=st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from((1e16, 5e-324, -1.7e308)))
def test_every_reader_reads_a_written_number_back(number: float) -> None:
    text = dump({"a": scalar(number), "b": written([number])})
    reader = YamlReader("a.yaml")
    assert reader.read(text) == yaml.safe_load(text) == {"a": number, "b": [number]}
    assert reader.findings == []
