"""Reads the body of a model's operation: its encodings, schema, parameters, conditions and sample."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from segforge.emit.openapi.operations import SAMPLE
from segforge.pages.draft import is_name
from segforge.pages.import_openapi.conditions import conditions_of, split_conditions
from segforge.pages.import_openapi.parameters import parameter_of
from segforge.pages.import_openapi.reading import DocumentReading, problem_line
from segforge.pages.import_openapi.schemas import NotHeld, Place, Schema, Schemas, expect_mapping, is_mapping, pointer
from segforge.spec.catalog import Condition, Encoding, Parameter
from segforge.spec.printable import one_line, show

_ENCODINGS: Final[Mapping[str, Encoding]] = {"application/json": "json", "multipart/form-data": "multipart"}
MAX_PARAMETERS: Final = 200


@dataclass(frozen=True)
class Body:
    """The body of an operation: the content of one media type, its place and its schema, and all encodings."""

    content: Schema
    at: Place
    schema: Schema
    encodings: tuple[Encoding, ...]
    conditions: tuple[tuple[Place, Schema], ...]


def body_of(schemas: Schemas, operation: Schema, at: Place) -> Body:
    """Returns the body of an operation, JSON rather than a form. Raises NotHeld if the operation has neither."""
    here = (*at, "requestBody")
    content = schemas.whole(operation.get("requestBody"), here).get("content")
    found: dict[Encoding, tuple[str, object]] = {}
    for media, body in expect_mapping(content, (*here, "content")).items():
        encoding = _ENCODINGS.get(media.partition(";")[0].strip().lower())
        if encoding is not None:
            found.setdefault(encoding, (media, body))
    if not found:
        expected = "expected a body of application/json or multipart/form-data"
        raise NotHeld((*here, "content"), f"found {show(list(content or ()))}; {expected}")
    media, body = found.get("json") or found["multipart"]
    place = (*here, "content", media)
    read = expect_mapping(body, place)
    stated, conditions = split_conditions(schemas, read.get("schema"), (*place, "schema"))
    schema = _with_variants(schemas, schemas.whole(stated, (*place, "schema")), (*place, "schema"))
    return Body(read, place, schema, tuple(found), tuple(conditions))


def _with_variants(schemas: Schemas, schema: Schema, at: Place) -> Schema:
    """Returns a body that lists alternative objects as one object: a property is required if all of them require it."""
    key = next((key for key in ("oneOf", "anyOf") if isinstance(schema.get(key), list)), None)
    if key is None or "properties" in schema:
        return schema
    variants = [schemas.whole(one, (*at, key, str(index)), 1) for index, one in enumerate(schema[key])]
    properties: dict[str, Any] = {}
    for one in variants:
        for name, value in expect_mapping(one.get("properties", {}), at).items():
            before = properties.setdefault(name, value)
            if before != value:
                properties[name] = {"anyOf": [before, value]}
    lists = [one.get("required", []) for one in variants]
    first = lists[0] if lists and all(isinstance(one, list) for one in lists) else []
    required = [name for name in first if all(name in one for one in lists)]
    rest = {name: value for name, value in schema.items() if name != key}
    return {**rest, "type": "object", "properties": properties, "required": required}


def parameters_of(schemas: Schemas, name: str, body: Body, reading: DocumentReading) -> tuple[Parameter, ...]:
    """Returns the parameters of a body. Those that a spec can't hold are left out, with a problem each."""
    schema, at = body.schema, (*body.at, "schema")
    properties = expect_mapping(schema.get("properties", {} if _is_partial(schema) else None), (*at, "properties"))
    required = schema.get("required", [])
    if not isinstance(required, list):
        reading.problems.append(f"{name}{pointer((*at, 'required'))}: found {show(required)}; expected a list of names")
        required = []
    held: list[Parameter] = []
    for key, value in properties.items():
        here = (*at, "properties", key)
        try:
            if not is_name(key):
                why = "not a valid parameter name; expected at most 100 printable characters"
                raise NotHeld(here, why, kind="name")
            if len(held) >= MAX_PARAMETERS:
                raise NotHeld(here, f"more than {MAX_PARAMETERS} parameters")
            with schemas.within(here, "one parameter"):
                parameter, notes = parameter_of(schemas, key, value, here, required=key in required)
        except NotHeld as error:
            flag = "required" if key in required else "optional"
            reading.left_out.append(f"{one_line(key)[:100]} ({flag} {error.kind})")
            reading.problems.append(f"{problem_line(name, error)}; {show(key)} is left out")
            continue
        held.append(parameter if "multipart" in body.encodings else _without_files(parameter))
        reading.notes += [(key, note) for note in notes]
        reading.problems += [f"{name}{pointer(here)}: {text}" for where, text in notes if where != "description"]
    if not held and not _is_partial(schema):
        why = "no property can be a parameter of a spec; expected at least one"
        raise NotHeld((*at, "properties"), why)
    return tuple(held)


def _without_files(part: Parameter) -> Parameter:
    """Returns a part of a JSON body, which has no place for the bytes of a file."""
    items = None if part.items is None else _without_files(part.items)
    return replace(
        part,
        accepts=tuple(form for form in part.accepts if form != "part"),
        items=items,
        properties=tuple(map(_without_files, part.properties)),
        any_of=tuple(map(_without_files, part.any_of)),
    )


def _is_partial(schema: Schema) -> bool:
    """Returns whether a body is that of a partial model, which may have no known parameter."""
    return schema.get("additionalProperties") is True


def body_conditions(
    name: str, body: Body, parameters: tuple[Parameter, ...], reading: DocumentReading
) -> tuple[Condition, ...]:
    """Returns the conditions of a body. Those that a spec can't hold become problems and notes."""
    made, unheld = conditions_of(body.conditions, [one.name for one in parameters])
    for error in unheld:
        reading.problems.append(f"{problem_line(name, error)}; the condition is left out")
        reading.notes.append((None, ("parameters", f"a condition of the document is left out: {error}")))
    return tuple(made)


def example_of(schemas: Schemas, name: str, body: Body, reading: DocumentReading) -> Mapping[str, Any]:
    """Returns the first sample in the document, of the body or of its schema. Empty if there is none."""
    examples = body.content.get("examples", body.content.get(SAMPLE))
    first = next(iter(examples.items()), None) if is_mapping(examples) else None
    found = body.content.get("example", body.schema.get("example", {}))
    try:
        if first is not None:
            here = (*body.at, "examples" if "examples" in body.content else SAMPLE, first[0])
            with schemas.within(here):
                found = schemas.whole(first[1], here).get("value", {})
        return dict(expect_mapping(found, (*body.at, "example")))
    except NotHeld as error:
        reading.problems.append(f"{problem_line(name, error)}; the sample is left out")
        return {}
