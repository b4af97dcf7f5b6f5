"""Reads models from OpenAPI 3.x documents, mainly from those that segforge generates.

Documents complete a sample that lacks a required parameter, and drafts have the completed sample. Documents of others
lack more facts of a spec, such as controls and the review date of each model.

A document may contain anything. All problems are reported in one run, each with its place, and the rest is drafted.
"""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from segforge.emit.schemas import NOTE
from segforge.pages.draft import Draft
from segforge.pages.import_openapi.answers import returns_of
from segforge.pages.import_openapi.bodies import Body, body_conditions, body_of, example_of, parameters_of
from segforge.pages.import_openapi.drafts import draft_of
from segforge.pages.import_openapi.facts import with_facts
from segforge.pages.import_openapi.file import OpenapiError
from segforge.pages.import_openapi.operations import Operation, operations_of
from segforge.pages.import_openapi.reading import DocumentReading, problem_line
from segforge.pages.import_openapi.schemas import (
    MAX_DOCUMENT_STEPS,
    MAX_MODEL_STEPS,
    NotHeld,
    Schema,
    Schemas,
    expect_mapping,
    is_mapping,
)
from segforge.spec.catalog import Absent, Model, Parameter, Source, Version
from segforge.spec.printable import show
from segforge.spec.values import disputed

_TITLE: Final = re.compile(r"Run (.+) and wait for its output|Queue a run of (.+)", re.DOTALL)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def models_of(document: Mapping[str, Any], name: str) -> list[Model]:
    """Returns the models of a document, sorted by slug. `name` is the document's name in messages.

    Raises OpenapiError if there is none, or if a model or one of its parameters can't be read.
    """
    readings, problems = read_models(document, name)
    if not readings or any(reading.model is None or reading.left_out for reading in readings):
        raise OpenapiError("\n".join([*problems, *(line for reading in readings for line in reading.problems)]))
    return [reading.model for reading in readings if reading.model is not None]


def read_models(document: Mapping[str, Any], name: str) -> tuple[list[DocumentReading], list[str]]:
    """Reads each operation of a model. Returns one result per slug, sorted, and general problems.

    Never raises, whatever the document contains.
    """
    schemas = Schemas(document)
    with schemas.within((), "the document", MAX_DOCUMENT_STEPS):
        operations, problems = operations_of(schemas, name)
        return [_read(schemas, name, slug, found) for slug, found in sorted(operations.items())], problems


def _read(schemas: Schemas, name: str, slug: str, operations: Mapping[Version, Operation]) -> DocumentReading:
    """Reads one model, within its own limit of steps."""
    reading = DocumentReading(slug)
    first = operations[min(operations)]
    try:
        with schemas.within(first.at, f"one model ({slug})", MAX_MODEL_STEPS):
            reading.model = _model(schemas, name, slug, operations, reading)
    except NotHeld as error:
        reading.problems.append(problem_line(name, error))
    return reading


def _model(
    schemas: Schemas, name: str, slug: str, operations: Mapping[Version, Operation], reading: DocumentReading
) -> Model:
    """Returns a model. Raises NotHeld if its body can't be read."""
    first = operations[min(operations)]
    operation = expect_mapping(first.data, first.at)
    with schemas.within((*first.at, "requestBody"), "the body"):
        body = body_of(schemas, operation, first.at)
    parameters = parameters_of(schemas, name, body, reading)
    tag = _tag(schemas.document, slug)
    example = example_of(schemas, name, body, reading)
    note = body.schema.get(NOTE)
    model = Model(
        slug=slug,
        title=_title(tag, operation, slug),
        description=_described(reading, body, tag, operation),
        source=Source(_url(tag, slug), _reviewed(schemas.document, tag, reading)),
        versions=tuple(sorted(operations)),
        returns=returns_of(schemas, name, operations.get("v1"), parameters, reading),
        parameters=tuple(_with_sample(one, example) for one in parameters),
        example=example,
        paths={version: one.template for version, one in operations.items() if one.template is not None},
        encodings=body.encodings,
        conditions=body_conditions(name, body, parameters, reading),
        note=note if isinstance(note, str) and note.strip() else None,
    )
    found = with_facts(model, tag, operation, reading)
    if found.level == "partial":
        reading.notes = [one for one in reading.notes if one[1][0] not in ("description", "returns")]
    return found


def _with_sample(parameter: Parameter, example: Mapping[str, Any]) -> Parameter:
    """Returns a parameter with the printed values, including that of the sample, that its own facts exclude."""
    known = parameter.choices.known if parameter.choices is not None else ()
    default = () if isinstance(parameter.default, Absent) else (parameter.default,)
    undoubted = replace(parameter, disputed=())
    return replace(parameter, disputed=disputed(undoubted, (*default, *known, example.get(parameter.name))))


def _tag(document: Schema, slug: str) -> Schema:
    tags = document.get("tags")
    named = [one for one in tags if is_mapping(one) and one.get("name") == slug] if isinstance(tags, list) else []
    return named[0] if named else {}


def _title(tag: Schema, operation: Schema, slug: str) -> str:
    stated, summary = tag.get("x-displayName"), operation.get("summary")
    match = _TITLE.fullmatch(summary) if isinstance(summary, str) else None
    title = stated if isinstance(stated, str) else (match[1] or match[2]) if match else slug
    return title.strip()[:200] or slug


def _described(reading: DocumentReading, body: Body, tag: Schema, operation: Schema) -> str:
    stated = (body.schema.get("description"), tag.get("description"), operation.get("description"))
    text = next((one.strip()[:4000] for one in stated if isinstance(one, str) and one.strip()), "")
    if not text:
        reading.notes.append((None, ("description", "the document has no description")))
    return text or "To be written."


def _url(tag: Schema, slug: str) -> str:
    docs = tag.get("externalDocs")
    url = docs.get("url") if is_mapping(docs) else None
    is_url = isinstance(url, str) and re.fullmatch(r"https://[^\s]+", url)
    return str(url) if is_url else f"https://www.segmind.com/models/{slug}/api"


def _reviewed(document: Schema, tag: Schema, reading: DocumentReading) -> str:
    """Returns the date of the tag or of the document, as in documents of segforge, and otherwise today's date."""
    info = document.get("info")
    version = info.get("version") if is_mapping(info) else None
    for stated in (tag.get("x-reviewed"), version):
        try:
            if isinstance(stated, str) and _DATE.fullmatch(stated):
                return datetime.date.fromisoformat(stated).isoformat()
        except ValueError:
            continue
    text = f"reviewed is the date of the import, since the document's version {show(version)} is not a date"
    reading.notes.append((None, ("source", text)))
    return datetime.date.today().isoformat()


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
