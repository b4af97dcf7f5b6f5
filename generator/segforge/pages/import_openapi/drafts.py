"""Writes models that were read from an OpenAPI document as specs."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from segforge.emit.openapi.about import returns_data
from segforge.emit.openapi.conditions import condition_data
from segforge.pages.draft import LEFT_OUT, Draft, mark_todo
from segforge.pages.import_openapi.reading import DocumentReading
from segforge.spec.catalog import Absent, Choices, Json, Model, Parameter
from segforge.spec.printable import show
from segforge.spec.values import LIMITS, value_violations
from segforge.spec.yaml_text import mapping, scalar

MISSING: Final = "To be written."
"""The description of a model or parameter of which the document has none."""


def spec_data(model: Model) -> dict[str, Any]:
    """Returns a model in the form of a spec. Its sample and defaults have only values that a spec can hold."""
    facts: Mapping[str, Any] = {
        "slug": model.slug,
        "title": model.title,
        "level": model.level if model.level != "complete" else None,
        "description": model.description,
        "source": {"url": model.source.url, "reviewed": model.source.reviewed},
        "sources": list(model.sources),
        "versions": list(model.versions),
        "typical_seconds": model.typical_seconds,
        "price": None if model.price is None else model.price.facts,
        "paths": dict(model.paths),
        "auth": list(model.auth),
        "encodings": [] if model.encodings == ("json",) else list(model.encodings),
        "note": model.note,
        "returns": returns_data(model.returns),
    }
    parameters = {one.name: parameter_data(one, whole=model.level == "complete") for one in model.parameters}
    by_name = model.parameters_by_name
    sample = {name: value for name, value in model.example.items() if name in by_name and holds(by_name[name], value)}
    more = {
        "conditions": [condition_data(condition) for condition in model.conditions],
        "quirks": [{"at": quirk.at, "found": quirk.found, "why": quirk.why} for quirk in model.quirks],
    }
    return {**_stated(facts), "parameters": parameters, "example": sample, **_stated(more)}


def parameter_data(one: Parameter, *, whole: bool = False) -> dict[str, Any]:
    """Returns a parameter or a part in the form of a spec. A whole one states all that a complete spec must."""
    facts: Mapping[str, Any] = {
        "type": one.type if one.type != "any" or (whole and not one.any_of) else None,
        "format": one.format,
        "file": one.file,
        "accepts": list(one.accepts),
        "required": one.required if one.required is not None else "unknown" if whole else None,
        "nullable": one.nullable or None,
        "description": one.description or (MISSING if whole else None),
        **{key: getattr(one, key) for key in LIMITS},
        "items": None if one.items is None else parameter_data(one.items),
        "properties": {part.name: parameter_data(part) for part in one.properties},
        "any_of": [{"title": member.name, **parameter_data(member)} for member in one.any_of],
        "enum": None if one.choices is None else _enum(one.choices),
        "deprecated": one.deprecated or None,
        "affects_price": one.affects_price or None,
        "inferred": list(one.inferred),
        "note": one.note,
    }
    held = not isinstance(one.default, Absent) and holds(one, one.default)
    return _stated(facts) | ({"default": one.default} if held else {})


def _enum(choices: Choices) -> dict[str, Any]:
    labels = choices.labels or (None,) * len(choices.known)
    pairs = zip(choices.known, labels, strict=True)
    known = [value if label is None else {"value": value, "label": label} for value, label in pairs]
    return {"known": known, "total": choices.total}


def _stated(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None and value not in ([], {})}


def holds(parameter: Parameter, value: Json) -> bool:
    """Returns whether a spec can hold a value as the default or sample of a parameter: its type fits."""
    families = {
        violation.rule.partition(".")[0]
        for violation in value_violations(parameter, value)
        if violation.parameter == parameter.name
    }
    return not families & {"null", "type"}


def draft_of(model: Model, reading: DocumentReading | None = None) -> Draft:
    """Drafts a spec from a model that was read from a document. Open questions become `TODO` comments."""
    reading = reading or DocumentReading(model.slug)
    data = spec_data(model)
    if reading.left_out:
        data["note"] = (LEFT_OUT + ", ".join(reading.left_out))[:4000]
    order = [key for key in ("note", "returns", "parameters", "example", "conditions", "quirks") if key in data]
    made = Draft(model.slug, mapping({key: _commented(value) for key, value in data.items() if key not in order}))
    for key in order:
        made.data[key] = _commented(data[key])
    if not made.data["example"]:
        made.data["example"].fa.set_flow_style()
    if reading.left_out:
        mark_todo(made, made.data, "note", "calls that need these parameters can't be made with this spec")
    _ask(made, model, reading.notes)
    return made


def _ask(made: Draft, model: Model, notes: Iterable[tuple[str | None, tuple[str, str]]]) -> None:
    for name, value in model.example.items():
        if name not in made.data["example"]:
            text = f"the sample sends {show(name)}: {show(value)}, which doesn't fit the parameter"
            mark_todo(made, made.data, "example", text)
    for one in model.parameters:
        data = made.data["parameters"][one.name]
        if not isinstance(one.default, Absent) and "default" not in data:
            mark_todo(made, data, "description", f"the default {show(one.default)} doesn't fit the parameter")
    for parameter, (key, text) in notes:
        data = made.data if parameter is None else made.data["parameters"][parameter]
        mark_todo(made, data, key if key in data else next(iter(data)), text)


def _commented(value: Json, *, flow: bool = False) -> Any:
    """Returns a JSON value for ruamel.yaml. Lists and enums whose text is short are on one line."""
    from ruamel.yaml.comments import CommentedSeq

    if isinstance(value, Mapping):
        short = flow or (value.keys() == {"known", "total"} and len(str(value["known"])) < 80)
        return mapping({scalar(key): _commented(one, flow=short) for key, one in value.items()}, flow=short)
    if isinstance(value, list):
        made = CommentedSeq([_commented(one, flow=flow) for one in value])
        if flow or not any(isinstance(one, Mapping | list) for one in value):
            made.fa.set_flow_style()
        return made
    return scalar(value)
