"""Emitted TypeScript keeps its shape for any text of a spec: text becomes literals, comments and names.

Node takes a second to start, so that one process parses what is emitted for many catalogs.
"""

import dataclasses
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segforge import Catalog
from segforge.emit.clients.surface import SURFACE
from segforge.emit.pipeline import emit
from segforge.emit.quoting import typescript_doc, visible
from segforge.spec.catalog import Model, Parameter
from tests.emit.test_hostile_text import TEXT, TEXTS, base, with_texts
from tests.typescript.conftest import TOOLS, node
from tests.typescript.models import every_catalog

SCRIPT = Path(__file__).with_name("shapes.mjs")
AWKWARD = ["__proto__", "constructor", "with space", 'quo"te', "1st", "a-b", "日本", "*/ evil(); /*", "then", "\u2028"]
SPECIAL = [
    "*/",
    "*/ evil() /*",
    "`${evil()}`",
    "@deprecated",
    "{@link x}",
    "\\",
    "// @ts-ignore",
    "@ts-nocheck",
    "\u2029",
]
BATCHES = st.lists(TEXTS | st.lists(st.sampled_from(SPECIAL) | TEXT, min_size=3), min_size=12, max_size=12)


def emitted(catalog: Catalog) -> dict[str, str]:
    """Returns the output for TypeScript by path: sources and other text."""
    return {str(artifact.path): artifact.text for artifact in emit(catalog, ["typescript"])}


def sources(files: dict[str, str]) -> dict[str, str]:
    return {path: text for path, text in files.items() if path.endswith((".ts", ".mjs"))}


def parsed(catalogs: Sequence[Catalog], *, names: bool) -> list[Any]:
    """Parses the sources emitted for each catalog with the TypeScript compiler."""
    with TemporaryDirectory() as folder:
        asked = Path(folder) / "asked.json"
        sets = [sources(emitted(catalog)) for catalog in catalogs]
        asked.write_text(json.dumps({"sets": sets, "names": names}), "utf-8")
        typescript = str((TOOLS / "typescript" / "lib" / "typescript.js").resolve())
        run = node(str(SCRIPT), cwd=Path(folder), TYPESCRIPT=typescript, ASKED=str(asked))
    assert run.returncode == 0, run.stderr
    answers: list[Any] = json.loads(run.stdout)
    return answers


@given(text=TEXT | st.sampled_from(SPECIAL), indent=st.integers(0, 8))
def test_a_comment_reads_back_word_for_word_and_ends_where_it_ends(text: str, indent: int) -> None:
    quoted = typescript_doc(text, indent)
    assert quoted.index("*/") == len(quoted) - 2
    inner = quoted.removeprefix("/**").removesuffix("*/").replace("\n" + " " * indent + " *", "\n")
    assert inner.replace("\\@", "@").replace("*\\/", "*/").split() == visible(text).split()


@cache
def tame(*, names: bool) -> Any:
    (answer,) = parsed([with_texts(base(), ["tame"], names=names)], names=names)
    return answer


@pytest.mark.parametrize("names", [False, True])
@settings(max_examples=2, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(batch=BATCHES)
def test_text_changes_literals_comments_and_names_only(batch: list[list[str]], *, names: bool) -> None:
    catalogs = [with_texts(base(), texts, names=names) for texts in batch]
    for catalog, answer in zip(catalogs, parsed(catalogs, names=names), strict=True):
        if names:
            assert sorted(answer["shapes"].values()) == sorted(tame(names=True)["shapes"].values())
        else:
            assert answer["shapes"] == tame(names=False)["shapes"]
        check_values(catalog, answer)


@cache
def tame_nested(*, names: bool) -> Any:
    (answer,) = parsed([with_texts(every_catalog(base()), ["tame"], names=names)], names=names)
    return answer


@pytest.mark.parametrize("names", [False, True])
@settings(max_examples=1, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(batch=BATCHES)
def test_text_in_nested_parameters_labels_and_conditions(batch: list[list[str]], *, names: bool) -> None:
    catalogs = [with_texts(every_catalog(base()), texts, names=names) for texts in batch[:4]]
    for answer in parsed(catalogs, names=names):
        if names:
            assert sorted(answer["shapes"].values()) == sorted(tame_nested(names=True)["shapes"].values())
        else:
            assert answer["shapes"] == tame_nested(names=False)["shapes"]


def check_values(catalog: Catalog, answer: Any) -> None:
    """Checks that literals have the values of the catalog."""
    gateway, values = catalog.gateway, answer["gateway"]
    assert (values["BASE_URL"], values["KEY_HEADER"], values["KEY_VARIABLE"]) == (
        gateway.base_url,
        gateway.auth.header,
        gateway.auth.environment,
    )
    assert values["RUN"] == [gateway.routes.run.method, gateway.routes.run.path]
    assert values["COMPLETED"] + values["FAILED"] == [s.name for s in gateway.lifecycle.states if s.terminal]
    by_slug = {each["slug"]: each for each in answer["models"]}
    assert set(by_slug) == {model.slug for model in catalog.models}
    for model in catalog.models:
        known = all(one.type != "any" and (one.choices is None or one.choices.known) for one in model.parameters)
        if known and not any(one.parts for one in model.parameters):  # the shapes of nested ones are compared above
            check_model(model, by_slug[model.slug])


def check_model(model: Model, facts: Any) -> None:
    assert [each["name"] for each in facts["properties"]] == [parameter.name for parameter in model.parameters]
    for parameter, rules, declared in zip(model.parameters, facts["parameters"], facts["properties"], strict=True):
        assert rules["name"] == parameter.name
        assert rules["type"] == parameter.type
        assert rules.get("required", False) is bool(parameter.required)
        assert (rules.get("minimum"), rules.get("maximum")) == (parameter.minimum, parameter.maximum)
        assert declared["optional"] is not bool(parameter.required)
        if parameter.choices is not None:
            assert declared["values"] == list(parameter.choices.known)
            assert rules.get("values") == (None if parameter.choices.open else list(parameter.choices.known))


def test_parameters_whose_names_are_no_identifiers() -> None:
    catalog = base()
    parameters = tuple(Parameter(name, "string", required=True, description=name) for name in AWKWARD)
    model = dataclasses.replace(catalog.models[0], parameters=parameters, example={name: name for name in AWKWARD})
    catalog = dataclasses.replace(catalog, models=(model,))
    (answer,) = parsed([catalog], names=False)
    assert answer["shapes"]["typescript/src/models/style-transfer.ts"].startswith(" 0 0  SourceFile(")
    check_values(catalog, answer)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(texts=TEXTS | st.lists(st.sampled_from(SPECIAL), min_size=3))
def test_the_surface_does_not_depend_on_descriptions(texts: list[str]) -> None:
    def lines(catalog: Catalog) -> list[str]:
        text = emitted(catalog)[f"typescript/{SURFACE}"]
        return [line for line in text.split("\n") if not line.startswith("client.")]

    assert lines(with_texts(base(), texts, names=False)) == lines(with_texts(base(), ["tame"], names=False))


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(texts=TEXTS)
def test_what_is_json_stays_json(texts: list[str]) -> None:
    files = emitted(with_texts(base(), texts, names=True))
    assert json.loads(files["typescript/package.json"])["name"] == "segmind-client"
