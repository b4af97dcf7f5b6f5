"""Hostile text in specs can't change the shape of emitted Python: text becomes literals, docstrings and names."""

import ast
import dataclasses
import itertools
import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, get_args, get_origin

import pytest
from annotated_types import Ge, Le
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segforge import Catalog
from segforge.emit.pipeline import EMITTERS, emit
from segforge.emit.quoting import docstring, visible
from segforge.spec.catalog import Model, Parameter, Price, StatusCase
from segforge.spec.identifiers import pascal_case, snake_case
from segforge.spec.printable import HIDDEN
from tests.client.wide import wide_catalog
from tests.seeds import seed_catalog
from tests.shared import read_yaml

EMITTERS_OF_PYTHON = ["python", "mock"]

NASTY = (
    '"', "'", '"""', "'''", "\\", '\\"', "\n", "\r", "\t", "\0", "\x1b[31m", "\u2028", "\u202e", "\ud800", "é", "日本",
    "#", "{{ 1/0 }}", "{% raw %}", "{# x", "${x}", "`", "```", "*/", "<!--", "-->", "</script>", "|", "%s",
    "{x}", "\\N{DASH}",
    '"""\nimport os\nos.abort()\n"""', "'); import os #", "\\\nimport os", "None", "class", "__import__('os')", " ",
)  # fmt: skip

TEXT = st.lists(st.sampled_from(NASTY) | st.text(max_size=5), min_size=1, max_size=4).map("".join).filter(str.strip)
TEXTS = st.lists(TEXT, min_size=3, max_size=12)
BOUNDED = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])

# Fields that decide the shape and take only words of a short list, and names, whose hostile forms have their own test.
STRUCTURE = {"type", "unit", "media", "versions", "method", "format", "controls", "formats", "assumptions"}
STRUCTURE |= {"accepts", "auth", "encodings", "file", "level", "modality", "shape", "state"}
NAMES = {"slug", "title", "name"}


@cache
def wide_models() -> Mapping[str, Model]:
    """Models with nested parameters, conditions, quirks, and a partial one."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = wide_catalog(Path(folder) / "specs")
    return {model.slug: model for model in catalog.models}


def base() -> Catalog:
    """Two of the project's models, one with images, v2 and a price, one with JSON and open enums, and two wide ones."""
    catalog = seed_catalog()
    price = Price("$0.400 - $1.20 per generation", from_=0.4, to=1.2, unit="generation")
    priced = dataclasses.replace(catalog.model("style-transfer"), price=price)
    wide = [wide_models()[slug] for slug in ("clip", "glimpse")]
    return dataclasses.replace(catalog, models=(priced, catalog.model("flux-dev-finetuned"), *wide))


def with_texts(catalog: Catalog, texts: Sequence[str], *, names: bool) -> Catalog:
    """The catalog with each free text replaced by one of these; names (of models and so on) only if asked for.

    As lint demands, names are printable and differ, by a number at their end. With it, none of them is an identifier.
    """
    skipped = STRUCTURE if names else STRUCTURE | NAMES
    supply = itertools.cycle(texts)
    numbers = itertools.count()

    def numbered(text: str) -> str:
        return f"{text}-n{next(numbers)}q"

    def named(text: str) -> str:
        return numbered(HIDDEN.sub("", "".join(filter(str.isprintable, text)))).strip()

    def replaced(value: Any, field: str) -> Any:
        if field in skipped:
            return value
        if field == "printed" and isinstance(value, str):
            return next(supply).replace("~", "-")  # a price with a tilde is approximate, so that it has no upper end
        if isinstance(value, str):
            return (
                named(next(supply)) if field in NAMES else numbered(next(supply)) if field == "known" else next(supply)
            )
        if isinstance(value, tuple):
            return tuple(replaced(item, field) for item in value)
        if isinstance(value, Mapping):
            return {key: replaced(item, field) for key, item in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return changed(value)
        return value

    def changed(value: Any) -> Any:
        kept = {"name"} if isinstance(value, StatusCase) else set()
        if isinstance(value, StatusCase) and value.name == "credits.insufficient":
            kept = {"name", "body"}  # what its text says decides what the client looks for
        fields = [field.name for field in dataclasses.fields(value) if field.name not in kept]
        return dataclasses.replace(value, **{field: replaced(getattr(value, field), field) for field in fields})

    made: Catalog = changed(catalog)
    return made


def emitted(catalog: Catalog, emitter: str) -> dict[str, ast.Module]:
    """The emitted Python, parsed, by path."""
    artifacts = emit(catalog, [emitter])
    return {str(artifact.path): ast.parse(artifact.text) for artifact in artifacts if artifact.path.suffix == ".py"}


class Shape(ast.NodeTransformer):
    """Leaves of a tree only the shape: every text is the same text and, where names may differ, every name too."""

    def __init__(self, *, names: bool) -> None:
        self.names = names

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("text") if isinstance(node.value, str) else node

    def visit_Dict(self, node: ast.Dict) -> ast.Dict:
        """Sorts the items, whose order depends on names."""
        super().generic_visit(node)
        items = sorted(zip(node.keys, node.values, strict=True), key=lambda item: ast.dump(item[1]))
        return ast.Dict([key for key, _ in items], [value for _, value in items])

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in ("id", "name", "attr", "arg", "asname", "module"):
            if self.names and isinstance(getattr(node, field, None), str):
                setattr(node, field, "name")
        return node


def shape(tree: ast.Module, *, names: bool) -> str:
    return ast.dump(Shape(names=names).visit(tree))


@given(text=TEXT, indent=st.integers(0, 8))
def test_a_docstring_reads_back_unchanged(text: str, indent: int) -> None:
    quoted = docstring(text, indent)
    assert ast.literal_eval(quoted).split() == visible(text).split()


@cache
def tame_shapes(emitter: str, *, names: bool) -> dict[str, str]:
    """The shapes of what is emitted for texts that are words."""
    trees = emitted(with_texts(base(), ["tame"], names=names), emitter)
    return {path: shape(tree, names=names) for path, tree in trees.items()}


@pytest.mark.parametrize("emitter", EMITTERS_OF_PYTHON)
@BOUNDED
@given(texts=TEXTS)
def test_text_changes_literals_and_docstrings_only(emitter: str, texts: list[str]) -> None:
    trees = emitted(with_texts(base(), texts, names=False), emitter)
    assert {path: shape(tree, names=False) for path, tree in trees.items()} == tame_shapes(emitter, names=False)


@pytest.mark.parametrize("emitter", EMITTERS_OF_PYTHON)
@BOUNDED
@given(texts=TEXTS)
def test_names_change_identifiers_only(emitter: str, texts: list[str]) -> None:
    if emitter == "mock":  # msgspec takes no name with one of these, so that such a model has no request type
        texts = [text.replace('"', "").replace("\\", "") or "x" for text in texts]
    trees = emitted(with_texts(base(), texts, names=True), emitter)
    shapes = sorted(shape(tree, names=True) for tree in trees.values())
    assert shapes == sorted(tame_shapes(emitter, names=True).values())


@BOUNDED
@given(texts=TEXTS, names=st.booleans())
def test_literals_of_the_client_read_back_equal(texts: list[str], *, names: bool) -> None:
    catalog = with_texts(base(), texts, names=names)
    trees = emitted(catalog, "python")
    values = assigned(trees["python/segmind_client/_gateway.py"])
    gateway = catalog.gateway
    assert (values["BASE_URL"], values["KEY_HEADER"], values["KEY_VARIABLE"]) == (
        gateway.base_url,
        gateway.auth.header,
        gateway.auth.environment,
    )
    assert values["RUN"] == (gateway.routes.run.method, gateway.routes.run.path)
    assert values["COMPLETED"] + values["FAILED"] == tuple(s.name for s in gateway.lifecycle.states if s.terminal)
    for model in catalog.models[:2]:  # type checkers test the types of the wide models
        (module,) = (path for path in trees if path.endswith(f"/models/{module_name(model)}.py"))
        (slug,) = (value for name, value in assigned(trees[module]).items() if name == "slug")
        assert slug == model.slug
        assert_types(trees[module.replace("/models/", "/types/")], model)


def module_name(model: Model) -> str:
    made = snake_case(model.slug)
    return f"model{made}" if pascal_case(model.slug).startswith("_") else made


def assigned(tree: ast.Module) -> dict[str, Any]:
    """The constants that a module, or a class in it, assigns."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    return {ast.unparse(node.target): ast.literal_eval(node.value) for node in nodes if node.value is not None}


def assert_types(tree: ast.Module, model: Model) -> None:
    """Check that a module of parameter types says what the catalog says."""
    namespace: dict[str, Any] = {}
    exec(compile(tree, "types", "exec"), namespace)
    (params,) = (value for name, value in namespace.items() if name.endswith("Params"))
    assert list(params.__annotations__) == [parameter.name for parameter in model.parameters]
    assert params.__required_keys__ == {parameter.name for parameter in model.parameters if parameter.required}
    for parameter in model.parameters:
        assert_type(params.__annotations__[parameter.name], parameter)


def assert_type(annotation: Any, parameter: Parameter) -> None:
    parts = flattened(annotation)
    literals = [value for part in parts if get_origin(part) is Literal for value in get_args(part)]
    bounds = {type(bound): bound for part in parts if get_origin(part) is Annotated for bound in part.__metadata__}
    assert literals == list(parameter.choices.known if parameter.choices else [])
    assert (type(None) in parts) == parameter.nullable
    assert (str in parts) == (parameter.type == "string" and (parameter.choices is None or parameter.choices.open))
    expected = {Ge: parameter.minimum, Le: parameter.maximum}
    assert {kind: getattr(bound, kind.__name__.lower()) for kind, bound in bounds.items()} == {
        kind: limit for kind, limit in expected.items() if limit is not None
    }


def flattened(annotation: Any) -> list[Any]:
    """The parts of a union, without NotRequired around it."""
    if get_origin(annotation) is NotRequired:
        return flattened(get_args(annotation)[0])
    if get_origin(annotation) in (Annotated, Literal) or not get_args(annotation):
        return [annotation]
    return [part for argument in get_args(annotation) for part in flattened(argument)]


@pytest.mark.parametrize("emitter", EMITTERS)
def test_no_hidden_character_is_emitted(emitter: str) -> None:
    """Lone surrogates can't be in YAML, and lint refuses hidden characters in the names of parameters."""
    hidden = [chr(code) for code in range(0x110000) if HIDDEN.match(chr(code)) and not 0xD800 <= code < 0xE000]
    texts = [f"a {''.join(hidden[start::40])}\u00e9 b" for start in range(40)]
    catalog = with_texts(base(), texts, names=False)
    models = tuple(dataclasses.replace(model, title=texts[0]) for model in catalog.models)
    for artifact in emit(dataclasses.replace(catalog, models=models, releases=base().releases), [emitter]):
        assert not HIDDEN.search(artifact.text), artifact.path


def test_documents_with_hidden_characters_read_back_equal() -> None:
    """Whatever the text, YAML and JSON say the same."""
    texts = ["a \u202e b", "\u200b", "caf\u00e9", "\U000e0041", "tame", "\u2066\n\t\u00e9"]
    found = {
        str(artifact.path): artifact.text for artifact in emit(with_texts(base(), texts, names=False), ["openapi"])
    }
    whole = json.loads(found["openapi/segmind.json"])
    assert read_yaml(found["openapi/segmind.yaml"]) == whole
    assert "\u202e" in json.dumps(whole, ensure_ascii=False)
