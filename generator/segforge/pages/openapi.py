"""Reads models out of an OpenAPI 3.x document of the shape that segforge emits.

What such a document can't hold, and a draft therefore lacks: the day of each model's review, the typical time, notes
apart from descriptions, which parameter decides what (but for base64), and a sample that lacks a required parameter
(the document holds the completed one).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from segforge.pages.draft import Draft, mark_todo
from segforge.pages.yaml_text import mapping, scalar, sequence
from segforge.spec.catalog import ABSENT, Absent, Choices, Controls, Media, Model, Parameter, Returns, Source, Version
from segforge.text import show

MAX_BYTES: Final = 20_000_000
MAX_DEPTH: Final = 100
_PATH = re.compile(r"/(v[12])/([a-z0-9]+(?:[._-][a-z0-9]+)*)")
_OPEN = re.compile(r"\s*The docs show (\d{1,6}) of (\d{1,6}) values; any other string is passed on\.$")
_TITLE = re.compile(r"Run (.+) and wait for its output|Queue a run of (.+)", re.DOTALL)
_FORMATS: Final = {"image/jpeg": "jpeg", "image/png": "png", "image/webp": "webp"}
_SCALARS: Final = ("string", "integer", "number", "boolean")


class OpenapiError(Exception):
    """No models can be read out of the document; the message says why and what helps."""


def read_openapi(path: Path) -> dict[str, Any]:
    """Read an OpenAPI document, YAML or JSON. Raises OpenapiError where it is none."""
    import json

    import yaml

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise OpenapiError(f"{path}: {error.strerror}; name an OpenAPI document") from None
    if len(raw) > MAX_BYTES:
        raise OpenapiError(f"{path}: more than {MAX_BYTES:,} bytes; expected an OpenAPI document")
    try:
        document = json.loads(raw) if raw.lstrip()[:1] == b"{" else _yaml(raw)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise OpenapiError(
            f"{path}: {str(error).splitlines()[0] if str(error) else type(error).__name__}; expected YAML or JSON"
        ) from None
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise OpenapiError(f"{path}: no key `openapi` with a version 3.x; expected an OpenAPI 3 document")
    return document


def _yaml(raw: bytes) -> Any:
    """A YAML document. Raises ValueError where it nests so deep that libyaml would crash."""
    import yaml

    depth = 0
    for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} levels")
    return yaml.load(raw, Loader=yaml.CSafeLoader)


def models_of(document: Mapping[str, Any], name: str) -> list[Model]:
    """The models of a document, sorted by slug. Raises OpenapiError where it has none or breaks its own form."""
    operations: dict[str, dict[str, Mapping[str, Any]]] = {}
    try:
        for path, item in document.get("paths", {}).items():
            match = _PATH.fullmatch(path)
            if match and isinstance(item, Mapping) and "post" in item:
                operations.setdefault(match[2], {})[match[1]] = item["post"]
        models = [_model(document, slug, found) for slug, found in sorted(operations.items())]
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as error:
        raise OpenapiError(
            f"{name}: {type(error).__name__} {error}; expected operations POST /v1/SLUG with a JSON body of properties"
        ) from None
    if not models:
        raise OpenapiError(
            f"{name}: no operation POST /v1/SLUG or /v2/SLUG; expected a document as segforge generate writes it"
        )
    return models


def _model(document: Mapping[str, Any], slug: str, operations: Mapping[str, Mapping[str, Any]]) -> Model:
    first = operations[min(operations)]
    body = first["requestBody"]["content"]["application/json"]
    schema = _resolve(document, body["schema"])
    required = schema.get("required", [])
    tag: Mapping[str, Any] = next((one for one in document.get("tags", []) if one.get("name") == slug), {})
    match = _TITLE.fullmatch(first.get("summary", ""))
    examples = body.get("examples", {})
    example: Mapping[str, Any] = next(iter(examples.values()))["value"] if examples else body.get("example", {})
    parameters = tuple(
        _parameter(name, _resolve(document, one), name in required) for name, one in schema["properties"].items()
    )
    versions: list[Version] = [version for version in ("v1", "v2") if version in operations]
    return Model(
        slug=slug,
        title=(match[1] or match[2]) if match else slug,
        description=schema.get("description") or tag.get("description") or "To be written.",
        source=Source(
            tag.get("externalDocs", {}).get("url", f"https://www.segmind.com/models/{slug}/api"),
            document["info"]["version"],
        ),
        versions=tuple(versions),
        returns=_returns(document, operations.get("v1"), parameters),
        parameters=parameters,
        example=dict(example),
    )


def _resolve(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with its local reference followed. Raises KeyError or ValueError where that leads nowhere."""
    for _ in range(20):
        if "$ref" not in schema:
            return schema
        reference = schema["$ref"]
        if not reference.startswith("#/"):
            raise ValueError(f"the reference {reference} leads out of the document")
        target: Any = document
        for step in reference[2:].split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        schema = target
    raise ValueError("references in a circle")


def _returns(document: Mapping[str, Any], run: Mapping[str, Any] | None, parameters: Sequence[Parameter]) -> Returns:
    """What is returned. Whether image/jpeg is called jpg or jpeg, the values of a parameter tell."""
    content = _resolve(document, run["responses"]["200"]).get("content", {}) if run is not None else {}
    spelled = {value for one in parameters if one.choices for value in one.choices.known}
    formats = [_FORMATS[media] for media in content if media in _FORMATS]
    if "jpg" in spelled and "jpeg" not in spelled:
        formats = ["jpg" if format_ == "jpeg" else format_ for format_ in formats]
    media: Media = "image" if formats else "json"
    return Returns(
        media, tuple(formats), Controls(base64="base64" if formats and "application/json" in content else None)
    )


def _parameter(name: str, schema: Mapping[str, Any], required: bool) -> Parameter:
    types, known, is_open = _types(schema)
    stated = (
        [one for one in types.get("type", ()) if one != "null"]
        if isinstance(types.get("type"), list)
        else [types.get("type")]
    )
    if len(stated) != 1 or stated[0] not in _SCALARS:
        raise ValueError(f"parameter {show(name)} has the type {show(types.get('type'))}; specs hold scalars only")
    nullable = isinstance(types.get("type"), list) or bool(schema.get("nullable"))
    description = str(schema.get("description", "")).strip()
    total = _OPEN.search(description)
    values = tuple(value for value in known if value is not None)
    choices = None
    if values:
        choices = Choices(values, int(total[2]) if total and is_open else len(values) + is_open)
    default = schema.get("default", ABSENT)
    return Parameter(
        name=name,
        type=stated[0],
        required=required,
        description=(description[: total.start()] if total else description) or "To be written.",
        format=types.get("format"),
        nullable=nullable,
        default=default,
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        choices=choices,
    )


def _types(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[Any], bool]:
    """Where type and format are, the known values, and whether others are allowed."""
    if "anyOf" not in schema:
        return schema, list(schema.get("enum", [])), False
    known = [one for one in schema["anyOf"] if "enum" in one]
    rest = [one for one in schema["anyOf"] if "enum" not in one]
    if len(known) != 1 or len(rest) != 1:
        raise ValueError("anyOf of something else than known values and a type")
    return rest[0], list(known[0]["enum"]), True


def drafts_of(document: Mapping[str, Any], name: str) -> list[Draft]:
    """A draft of each model in a document. Raises OpenapiError where it has none."""
    return [draft_of(model) for model in models_of(document, name)]


def draft_of(model: Model) -> Draft:
    """A draft from a model that was read out of a document."""
    made = Draft(
        model.slug,
        mapping({"slug": scalar(model.slug), "title": scalar(model.title), "description": scalar(model.description)}),
    )
    made.data["source"] = mapping({"url": scalar(model.source.url), "reviewed": scalar(model.source.reviewed)})
    made.data["versions"] = sequence(list(model.versions))
    returns = mapping({"media": model.returns.media})
    if model.returns.formats:
        returns["formats"] = sequence(list(model.returns.formats))
    by_name = model.parameters_by_name
    if model.returns.controls.base64 in by_name:
        returns["controls"] = mapping({"base64": model.returns.controls.base64})
    made.data["returns"] = returns
    mark_todo(made, made.data, "returns", "name the controls; an OpenAPI document does not hold them")
    made.data["parameters"] = mapping({scalar(one.name): _data(one) for one in model.parameters})
    made.data["example"] = mapping({scalar(key): scalar(value) for key, value in model.example.items()})
    return made


def _data(one: Parameter) -> Any:
    data = mapping({"type": one.type})
    if one.format is not None:
        data["format"] = scalar(one.format)
    data["required"] = one.required
    if one.nullable:
        data["nullable"] = True
    data["description"] = scalar(one.description)
    if not isinstance(one.default, Absent):
        data["default"] = scalar(one.default)
    for key, value in (("minimum", one.minimum), ("maximum", one.maximum)):
        if value is not None:
            data[key] = scalar(value)
    if one.choices is not None:
        known = list(one.choices.known)
        data["enum"] = mapping({"known": sequence(known), "total": one.choices.total}, flow=len(str(known)) < 80)
    return data
