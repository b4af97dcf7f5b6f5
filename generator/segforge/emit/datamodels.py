"""Request types by datamodel-code-generator, called in process: TypedDict for clients, msgspec.Struct for the mock."""

import ast
import json
import textwrap
import warnings
from typing import Any, Literal, TypeAlias

from segforge.emit.quoting import LINE_LENGTH, visible
from segforge.emit.schemas import describe, facts, request_schema
from segforge.identifiers import pascal_case
from segforge.spec.catalog import Model, Parameter
from segforge.spec.formats import URI_PATTERN

Kind: TypeAlias = Literal["typed_dict", "struct"]


def request_type(model: Model, kind: Kind, suffix: str) -> tuple[str, str]:
    """The name and the source of a model's request type: a module with its imports, not yet formatted.

    Only JSON and class names go in; datamodel-code-generator quotes all text itself. A range becomes `Meta(ge=, le=)`
    in a Struct; a TypedDict refers to it by the name that `range_name` gives, which the caller defines above the class.
    """
    name = pascal_case(model.slug) + suffix
    schema = request_schema(model)
    if kind == "struct":
        schema["properties"] = {key: _checkable(value) for key, value in schema["properties"].items()}
        schema.pop("description")
    else:
        schema["description"] = _wrapped(model.description)
        for parameter in model.parameters:
            schema["properties"][parameter.name] |= _documented(parameter)
    source = _generate(schema, kind, name)
    return _defined_name(source), source


def has_range(parameter: Parameter) -> bool:
    """Whether a parameter has a smallest or a largest value."""
    return parameter.minimum is not None or parameter.maximum is not None


def range_name(parameter: Parameter) -> str:
    """The name of a ranged parameter's type alias."""
    return f"{pascal_case(parameter.name)}Range"


def takes_image(parameter: Parameter) -> bool:
    """Whether a parameter is the address of a picture, for which a client takes the picture itself too."""
    return parameter.format == "uri" and parameter.choices is None


def _documented(parameter: Parameter) -> dict[str, str]:
    """What an editor shows of a parameter: its type by name where it has one, and all facts in its docstring."""
    documented = {"description": _wrapped(f"{describe(parameter)} {facts(parameter)}")}
    named = range_name(parameter) if has_range(parameter) else "ImageInput" if takes_image(parameter) else None
    if named is not None:
        documented["x-python-type"] = f"{named} | None" if parameter.nullable else named
    return documented


def _defined_name(source: str) -> str:
    """The name of the one type in a module; datamodel-code-generator renames what starts with a digit or underscore."""
    statement = ast.parse(source).body[-1]
    if isinstance(statement, ast.ClassDef):
        return statement.name
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    raise TypeError(f"expected a type at the end of an emitted module, got {ast.unparse(statement)}")


def _wrapped(text: str) -> str:
    return textwrap.fill(visible(text), LINE_LENGTH - 12, break_long_words=False, break_on_hyphens=False)


def _checkable(schema: dict[str, Any]) -> dict[str, Any]:
    """The part of a parameter's schema that a server checks: an open enum is any string, a default needs no check."""
    formatted = {"pattern": URI_PATTERN} if schema.get("format") == "uri" else {}
    ranged = {key: schema[key] for key in ("minimum", "maximum") if key in schema}
    typed = schema["anyOf"][1] if "anyOf" in schema else schema
    return {key: typed[key] for key in ("type", "enum") if key in typed} | ranged | formatted


def _generate(schema: dict[str, Any], kind: Kind, name: str) -> str:
    from datamodel_code_generator import InputFileType, LiteralType, PythonVersion, generate
    from datamodel_code_generator.enums import DataModelType

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = generate(
            json.dumps(schema),
            input_file_type=InputFileType.JsonSchema,
            output_model_type=DataModelType.TypingTypedDict if kind == "typed_dict" else DataModelType.MsgspecStruct,
            class_name=name,
            disable_future_imports=True,
            disable_timestamp=True,
            enum_field_as_literal=LiteralType.All,
            field_constraints=True,
            formatters=[],
            special_field_name_prefix="" if kind == "typed_dict" else None,
            target_python_version=PythonVersion.PY_310,
            use_annotated=True,
            use_field_description=True,
            use_schema_description=True,
            use_standard_collections=True,
            use_union_operator=True,
        )
    if not isinstance(text, str):
        raise TypeError(f"expected one module from datamodel-code-generator, got {type(text).__name__}")
    return text.split("\n\n", 1)[1].strip() + "\n"
