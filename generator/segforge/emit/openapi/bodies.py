"""Schemas of request bodies in OpenAPI documents: JSON Schemas with shared shapes, conditions and notes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from segforge.emit.openapi.conditions import condition_schemas
from segforge.emit.schemas import AFFECTS_PRICE, FILE, INFERRED, NOTE, REQUIRED, parameter_schema, request_schema
from segforge.spec.catalog import Model, Parameter
from segforge.spec.identifiers import pascal_case

Shapes: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The schema of each shared shape, by its name."""

_BYTES: Final = {"type": "string", "format": "binary"}
_OF_ONE_PLACE: Final = ("title", "description", "default", "deprecated", AFFECTS_PRICE, INFERRED, NOTE, REQUIRED)
"""The keywords that don't belong to a shape, but to the place where it is used."""


def body_schema(model: Model, shapes: Shapes) -> dict[str, Any]:
    """Returns the schema of a model's request body. Parts with one of the shapes refer to its component."""
    schema = request_schema(model)
    schema["properties"] = {
        one.name: _finished(one, schema["properties"][one.name], shapes) for one in model.parameters
    }
    if model.level == "partial":
        schema["additionalProperties"] = True
    if model.conditions:
        schema["allOf"] = condition_schemas(model)
    return schema if model.note is None else {**schema, NOTE: model.note}


def shape_schemas(models: Sequence[Model]) -> Shapes:
    """Returns the shared shapes of these models that become components.

    A shape whose facts differ between its uses is left out, and so is a union, since openapi-python-client makes the
    classes of a union's members twice if the union is a component.
    """
    return agreed_shapes(shape for model in models for shape in shapes_used(model))


def agreed_shapes(used: Iterable[tuple[str, Mapping[str, Any]]]) -> Shapes:
    """Returns the shapes of `shape_schemas` from all shapes that its models use."""
    found: dict[str, Mapping[str, Any]] = {}
    unlike = set()
    for name, schema in used:
        unlike |= {name} if found.setdefault(name, schema) != schema else set()
    return {name: schema for name, schema in found.items() if name not in unlike and schema.get("type") == "object"}


def shapes_used(model: Model) -> list[tuple[str, dict[str, Any]]]:
    """Returns the name and the schema of each part of a model's parameters that has a shape."""
    return [(str(part.shape), _core(_finished(part, parameter_schema(part), {}))) for part in _shaped(model.parameters)]


def shape_components(shapes: Shapes) -> dict[str, Any]:
    """Returns the components of shapes, by name."""
    return {shape_component(name): dict(schema) for name, schema in shapes.items()}


def shape_component(name: str) -> str:
    """Returns the component name of a shape."""
    return f"{pascal_case(name)}Shape"


def form_schema(model: Model, shapes: Shapes) -> dict[str, Any] | None:
    """Returns the schema of a multipart body, or None if it is that of the JSON body.

    It differs if a source says that a file may be a part of the body. No source says that such a part needs a file
    name, so it may be text or bytes. An array may be several parts.
    """
    schema = body_schema(model, shapes)
    properties = schema["properties"]
    with_parts = {one.name: _with_bytes(one, properties[one.name]) for one in model.parameters}
    return None if with_parts == properties else {**schema, "properties": with_parts}


def _with_bytes(parameter: Parameter, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the schema of a parameter, or of one item of an array, that bytes fit, too, where a part may be a file.

    The properties of an object are no parts of a form.
    """
    made = dict(schema)
    if "part" in parameter.accepts:
        kept: dict[str, Any] = {key: made.pop(key) for key in ("title", "description", FILE) if key in made}
        return {**kept, "anyOf": [made, dict(_BYTES)]}
    if parameter.disputed:
        accepted, doubted = made["anyOf"]
        return {**made, "anyOf": [_with_bytes(replace(parameter, disputed=()), accepted), doubted]}
    if parameter.items is not None:
        made["items"] = _with_bytes(parameter.items, made["items"])
    if parameter.any_of:
        rest = made["anyOf"][len(parameter.any_of) :]
        made["anyOf"] = [*map(_with_bytes, parameter.any_of, made["anyOf"]), *rest]
    return made


def _shaped(parameters: Iterable[Parameter]) -> list[Parameter]:
    return [part for one in parameters for part in one.walk() if part.shape is not None]


def _core(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in _OF_ONE_PLACE}


def _finished(parameter: Parameter, schema: Mapping[str, Any], shapes: Shapes) -> dict[str, Any]:
    """Returns a parameter's schema with the notes of all parts, and with references to shapes."""
    made = dict(schema)
    if parameter.disputed:
        accepted, doubted = made["anyOf"]
        made["anyOf"] = [_with_parts(parameter, accepted, shapes), doubted]
    else:
        made = _with_parts(parameter, made, shapes)
    if parameter.note is not None:
        made[NOTE] = parameter.note
    core = _core(made)
    if parameter.shape is None or core != shapes.get(parameter.shape):
        return made
    here = {key: value for key, value in made.items() if key in _OF_ONE_PLACE}
    return {"$ref": f"#/components/schemas/{shape_component(parameter.shape)}", **here}


def _with_parts(parameter: Parameter, schema: Mapping[str, Any], shapes: Shapes) -> dict[str, Any]:
    """Returns a schema whose items, properties and members are finished."""
    made = dict(schema)
    if parameter.items is not None:
        made["items"] = _finished(parameter.items, made["items"], shapes)
    if parameter.properties:
        made["properties"] = {
            part.name: _finished(part, made["properties"][part.name], shapes) for part in parameter.properties
        }
    if parameter.any_of:
        members = zip(parameter.any_of, made["anyOf"], strict=False)
        rest = made["anyOf"][len(parameter.any_of) :]
        made["anyOf"] = [*(_finished(member, one, shapes) for member, one in members), *rest]
    return made
