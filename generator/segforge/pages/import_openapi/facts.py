"""Reads the facts about a whole model that documents of segforge hold as extensions, as far as a spec can hold them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from segforge.pages.import_openapi.drafts import spec_data
from segforge.pages.import_openapi.reading import DocumentReading
from segforge.pages.import_openapi.schemas import Schema
from segforge.spec.build import build_model
from segforge.spec.catalog import Model
from segforge.spec.lint import lint_model
from segforge.spec.lint.schema import fits_schema, schema_findings
from segforge.spec.printable import show
from segforge.spec.shapes import with_shapes
from segforge.spec.source import SourceFile

_OF_TAGS: Final = {
    "level": "x-level",
    "sources": "x-sources",
    "typical_seconds": "x-typical-seconds",
    "paths": "x-printed-paths",
    "auth": "x-printed-auth",
    "returns": "x-returns",
    "quirks": "x-quirks",
}
"""The extension of a model's tag that holds each fact."""

_OF_OPERATIONS: Final = {"price": "x-price"}


def with_facts(model: Model, tag: Schema, operation: Schema, reading: DocumentReading) -> Model:
    """Returns a model with the facts of extensions and with its conditions. Those that lint rejects become notes."""
    stated = {name: tag[key] for name, key in _OF_TAGS.items() if key in tag}
    stated |= {name: operation[key] for name, key in _OF_OPERATIONS.items() if key in operation}
    own = spec_data(replace(model, conditions=()))
    conditions = spec_data(model).get("conditions")
    facts: dict[str, Any] = {**stated, **({"conditions": conditions} if conditions else {})}
    if not facts:
        return model
    kept = facts if not _errors({**own, **facts}) else _sound_ones(own, facts, reading)
    read = build_model({**_MINIMAL, **kept})
    return replace(model, **{"conditions": (), **{name: getattr(read, name) for name in kept}})


_MINIMAL: Final[Mapping[str, Any]] = {
    "slug": "x",
    "title": "x",
    "description": "x",
    "source": {"url": "https://x.invalid", "reviewed": "2026-01-01"},
    "versions": ["v1"],
    "returns": {"media": "json"},
    "parameters": {},
    "example": {},
}


def _sound_ones(own: Mapping[str, Any], facts: Mapping[str, Any], reading: DocumentReading) -> dict[str, Any]:
    """Returns the facts that add no error, one by one. What lint finds without them stays for the user to mend."""
    kept: dict[str, Any] = {}
    before = _errors(own)
    for name, fact in facts.items():
        found = _errors({**own, **kept, name: fact})
        if found <= before:
            kept[name], before = fact, found
        else:
            reading.notes.append((None, (name, f"{name} is left out, since it doesn't fit: {show(fact)}")))
    return kept


def _errors(data: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Returns the errors of lint in the data of a spec, by rule and text."""
    source = _source(data)
    found = [] if fits_schema("model", data) else list(schema_findings(source, "model"))
    if not found:
        found = lint_model(with_shapes(source, {})[0])
    return {(one.rule, one.found) for one in found if one.severity == "error"}


def _source(data: Mapping[str, Any]) -> SourceFile:
    name = f"{data['slug']}.yaml"
    return SourceFile(Path(name), name, dict(data), {}, {})
