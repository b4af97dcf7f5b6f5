"""Reads models from OpenAPI 3.x documents, mainly from those that segforge generates.

A document lacks some facts of a spec, so drafts lack them too: the typical time and cost, notes apart from
descriptions, all controls except base64, and the review date of each model. Documents complete a sample that lacks a
required parameter, and drafts have the completed sample.

A document may contain anything. All problems are reported in one run, each with its place, and the rest is drafted.
"""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from segforge.pages.draft import LEFT_OUT, Draft, is_name, mark_todo, valid
from segforge.pages.import_openapi.file import OpenapiError
from segforge.pages.import_openapi.schemas import (
    Note,
    NotHeld,
    Place,
    Schema,
    Schemas,
    expect_mapping,
    is_mapping,
    parameter_of,
    pointer,
)
from segforge.spec.catalog import Absent, Controls, Media, Model, Parameter, Returns, Source, Version
from segforge.spec.printable import one_line, show
from segforge.spec.values import LIMITS, type_matches
from segforge.spec.yaml_text import mapping, scalar, sequence

_PATH = re.compile(r"/(v[12])/([a-z0-9]+(?:[._-][a-z0-9]+)*)")
_TITLE = re.compile(r"Run (.+) and wait for its output|Queue a run of (.+)", re.DOTALL)
_FORMATS: Final = {"image/jpeg": "jpeg", "image/png": "png", "image/webp": "webp"}


@dataclass
class DocumentReading:
    """The result of reading one model. `model` is None if it could not be read.

    `problems` are lines with a place in the document. `notes` are questions for the reader of the draft, each with the
    name of a parameter (None for the model), a key and a text. `left_out` names the parameters that a spec can't hold.
    """

    slug: str
    model: Model | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[tuple[str | None, Note]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def models_of(document: Mapping[str, Any], name: str) -> list[Model]:
    """Returns the models of a document, sorted by slug. `name` is the document's name in messages.

    Raises OpenapiError if there is none, or if a model or one of its parameters can't be read.
    """
    readings, problems = read_models(document, name)
    if not readings or any(reading.model is None or reading.left_out for reading in readings):
        raise OpenapiError("\n".join([*problems, *(line for reading in readings for line in reading.problems)]))
    return [reading.model for reading in readings if reading.model is not None]


def read_models(document: Mapping[str, Any], name: str) -> tuple[list[DocumentReading], list[str]]:
    """Reads each operation POST /v1/SLUG and /v2/SLUG. Returns one result per slug, sorted, and general problems.

    Never raises, whatever the document contains.
    """
    schemas = Schemas(document)
    problems: list[str] = []
    operations: dict[str, dict[str, tuple[Place, Schema]]] = {}
    paths = document.get("paths", {})
    for path, value in paths.items() if is_mapping(paths) else ():
        at: Place = ("paths", path)
        try:
            item = schemas.whole(value, at)
        except NotHeld as error:
            problems.append(_line(name, error))
            continue
        match = _PATH.fullmatch(path)
        if match and "post" in item:
            operations.setdefault(match[2], {})[match[1]] = (*at, "post"), item["post"]
        elif "post" in item:
            problems.append(
                f"{name}{pointer(at)}: left out, since it isn't the path of a model; expected /v1/SLUG or /v2/SLUG"
            )
    if not operations:
        problems.append(
            f"{name}{pointer(('paths',))}: no operation POST /v1/SLUG or /v2/SLUG; expected a document such as those "
            "that segforge generate writes"
        )
    return [_read(schemas, name, slug, found) for slug, found in sorted(operations.items())], problems


def _line(name: str, error: NotHeld) -> str:
    return f"{name}{pointer(error.at)}: {error}"


def _read(schemas: Schemas, name: str, slug: str, operations: Mapping[str, tuple[Place, Schema]]) -> DocumentReading:
    reading = DocumentReading(slug)
    schemas.steps = 0
    at, value = operations[min(operations)]
    try:
        operation = expect_mapping(value, at)
        here, body = _body(schemas, operation, at)
        schema = schemas.whole(body.get("schema"), (*here, "schema"))
        parameters = _parameters(schemas, name, schema, (*here, "schema"), reading)
    except NotHeld as error:
        reading.problems.append(_line(name, error))
        return reading
    document = schemas.document
    tags = document.get("tags")
    named = [one for one in tags if is_mapping(one) and one.get("name") == slug] if isinstance(tags, list) else []
    tag: Schema = named[0] if named else {}
    summary = operation.get("summary")
    match = _TITLE.fullmatch(summary) if isinstance(summary, str) else None
    title = ((match[1] or match[2]) if match else slug).strip()[:200]
    versions: list[Version] = [version for version in ("v1", "v2") if version in operations]
    reading.model = Model(
        slug=slug,
        title=title or slug,
        description=_described(
            reading, schema.get("description"), tag.get("description"), operation.get("description")
        ),
        source=Source(_url(tag, slug), _reviewed(document, reading)),
        versions=tuple(versions),
        returns=_returns(schemas, name, operations.get("v1"), parameters, reading),
        parameters=parameters,
        example=_example(schemas, name, body, schema, here, reading),
    )
    return reading


def _body(schemas: Schemas, operation: Schema, at: Place) -> tuple[Place, Schema]:
    """Returns the JSON body of an operation and its place. Raises NotHeld if the operation has none."""
    here = (*at, "requestBody")
    content = schemas.whole(operation.get("requestBody"), here).get("content")
    for media, body in expect_mapping(content, (*here, "content")).items():
        if media.partition(";")[0].strip().lower() == "application/json":
            return (*here, "content", media), expect_mapping(body, (*here, "content", media))
    raise NotHeld((*here, "content"), f"found {show(list(content or ()))}; expected a body of application/json")


def _parameters(
    schemas: Schemas, name: str, schema: Schema, at: Place, reading: DocumentReading
) -> tuple[Parameter, ...]:
    properties = expect_mapping(schema.get("properties"), (*at, "properties"))
    required = schema.get("required", [])
    if not isinstance(required, list):
        reading.problems.append(f"{name}{pointer((*at, 'required'))}: found {show(required)}; expected a list of names")
        required = []
    held = []
    for key, value in properties.items():
        here = (*at, "properties", key)
        try:
            if not is_name(key):
                raise NotHeld(
                    here, "not a valid parameter name; expected at most 100 printable characters", kind="name"
                )
            parameter, notes = parameter_of(schemas, key, value, here, required=key in required)
        except NotHeld as error:
            flag = "required" if key in required else "optional"
            reading.left_out.append(f"{one_line(key)[:100]} ({flag} {error.kind})")
            reading.problems.append(f"{_line(name, error)}; {show(key)} is left out")
            continue
        held.append(parameter)
        reading.notes += [(key, note) for note in notes]
        reading.problems += [f"{name}{pointer(here)}: {text}" for where, text in notes if where != "description"]
    if not held:
        raise NotHeld((*at, "properties"), "no property can be a parameter of a spec; expected at least one scalar")
    return tuple(held)


def _described(reading: DocumentReading, *stated: object) -> str:
    text = next((one.strip()[:4000] for one in stated if isinstance(one, str) and one.strip()), "")
    if not text:
        reading.notes.append((None, ("description", "the document has no description")))
    return text or "To be written."


def _url(tag: Schema, slug: str) -> str:
    docs = tag.get("externalDocs")
    url = docs.get("url") if is_mapping(docs) else None
    is_url = isinstance(url, str) and re.fullmatch(r"https://[^\s]+", url)
    return str(url) if is_url else f"https://www.segmind.com/models/{slug}/api"


def _reviewed(document: Schema, reading: DocumentReading) -> str:
    """Returns the document's version if it is a date, as in documents of segforge, and otherwise today's date."""
    info = document.get("info")
    version = info.get("version") if is_mapping(info) else None
    try:
        if isinstance(version, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", version):
            return datetime.date.fromisoformat(version).isoformat()
    except ValueError:
        pass
    text = f"reviewed is the date of the import, since the document's version {show(version)} is not a date"
    reading.notes.append((None, ("source", text)))
    return datetime.date.today().isoformat()


def _returns(
    schemas: Schemas,
    name: str,
    run: tuple[Place, Schema] | None,
    parameters: Sequence[Parameter],
    reading: DocumentReading,
) -> Returns:
    """Reads what a model returns. image/jpeg is called jpg if a parameter has the value `jpg` and none has `jpeg`."""
    content: Schema = {}
    if run is not None:
        at = (*run[0], "responses", "200")
        try:
            responses = expect_mapping(expect_mapping(run[1], run[0]).get("responses"), at[:-1])
            content = expect_mapping(schemas.whole(responses.get("200"), at).get("content", {}), (*at, "content"))
        except NotHeld as error:
            reading.problems.append(f"{_line(name, error)}; the output is unknown")
            reading.notes.append((None, ("returns", "the document doesn't say what the model returns")))
    spelled = {value for one in parameters if one.choices for value in one.choices.known}
    formats = [_FORMATS[media] for media in content if media in _FORMATS]
    if "jpg" in spelled and "jpeg" not in spelled:
        formats = ["jpg" if format_ == "jpeg" else format_ for format_ in formats]
    media: Media = "image" if formats else "json"
    return Returns(
        media, tuple(formats), Controls(base64="base64" if formats and "application/json" in content else None)
    )


def _example(
    schemas: Schemas, name: str, body: Schema, schema: Schema, at: Place, reading: DocumentReading
) -> Mapping[str, Any]:
    """Returns the first sample in the document, of the body or of its schema. Empty if there is none."""
    examples = body.get("examples")
    first = next(iter(examples.items()), None) if is_mapping(examples) else None
    found = body.get("example", schema.get("example", {}))
    try:
        if first is not None:
            found = schemas.whole(first[1], (*at, "examples", first[0])).get("value", {})
        return dict(expect_mapping(found, (*at, "example")))
    except NotHeld as error:
        reading.problems.append(f"{_line(name, error)}; the sample is left out")
        return {}


@dataclass(frozen=True)
class Drafts:
    """The drafts of a document, its problems (one line each), and the number of models without a draft (`failed`)."""

    made: list[Draft]
    problems: list[str]
    failed: int


def drafts_of(document: Mapping[str, Any], name: str) -> Drafts:
    """Drafts a spec for each model in a document. Raises OpenapiError if no model can be read."""
    readings, problems = read_models(document, name)
    lines = [*problems, *(line for reading in readings for line in reading.problems)]
    made = [draft_of(reading.model, reading) for reading in readings if reading.model is not None]
    if not made:
        raise OpenapiError("\n".join(lines))
    return Drafts(made, lines, len(readings) - len(made))


def draft_of(model: Model, reading: DocumentReading | None = None) -> Draft:
    """Drafts a spec from a model that was read from a document. Open questions become `TODO` comments."""
    reading = reading or DocumentReading(model.slug)
    made = Draft(
        model.slug,
        mapping({"slug": scalar(model.slug), "title": scalar(model.title), "description": scalar(model.description)}),
    )
    made.data["source"] = mapping({"url": scalar(model.source.url), "reviewed": scalar(model.source.reviewed)})
    made.data["versions"] = sequence(list(model.versions))
    if reading.left_out:
        made.data["note"] = scalar((LEFT_OUT + ", ".join(reading.left_out))[:4000])
        mark_todo(made, made.data, "note", "calls that need these parameters can't be made with this spec")
    returns = mapping({"media": model.returns.media})
    if model.returns.formats:
        returns["formats"] = sequence(list(model.returns.formats))
    by_name = model.parameters_by_name
    if model.returns.controls.base64 in by_name:
        returns["controls"] = mapping({"base64": model.returns.controls.base64})
    made.data["returns"] = returns
    mark_todo(made, made.data, "returns", "name the controls, which an OpenAPI document doesn't contain")
    made.data["parameters"] = mapping({scalar(one.name): _data(made, one) for one in model.parameters})
    _add_example(made, model)
    for parameter, (key, text) in reading.notes:
        mark_todo(made, made.data if parameter is None else made.data["parameters"][parameter], key, text)
    return made


def _add_example(made: Draft, model: Model) -> None:
    """Adds the sample. Keeps a value outside the parameter's range or set: a spec can hold it, and lint warns."""
    made.data["example"] = mapping({})
    for key, value in model.example.items():
        held = made.data["parameters"].get(key)
        if held is not None and (held.get("nullable") if value is None else type_matches(value, held["type"])):
            made.data["example"][scalar(key)] = scalar(value)
        else:
            mark_todo(
                made,
                made.data,
                "example",
                f"the sample sends {show(key)}: {show(value)}, which doesn't fit the parameter",
            )
    if not made.data["example"]:
        made.data["example"].fa.set_flow_style()


def _data(made: Draft, one: Parameter) -> Any:
    data = mapping({"type": one.type})
    if one.format is not None:
        data["format"] = scalar(one.format)
    data["required"] = one.required
    if one.nullable:
        data["nullable"] = True
    data["description"] = scalar(one.description)
    for key in LIMITS:
        if (limit := getattr(one, key)) is not None:
            data[key] = scalar(limit)
    if one.choices is not None:
        known = list(one.choices.known)
        data["enum"] = mapping({"known": sequence(known), "total": one.choices.total}, flow=len(str(known)) < 80)
    if not isinstance(one.default, Absent):
        if isinstance(one.default, list | dict) or not valid(data, one.default):
            mark_todo(made, data, "description", f"the default {show(one.default)} doesn't fit the parameter")
        else:
            data["default"] = scalar(one.default)
    return data
