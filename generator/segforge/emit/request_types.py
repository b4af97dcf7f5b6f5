"""The TypedDict of each model's payloads, from datamodel-code-generator, run in process."""

import ast
import builtins
import json
import keyword
import re
import textwrap
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from segforge.emit.artifact import RequestType
from segforge.emit.quoting import LINE_LENGTH, python_literal, python_visible, visible
from segforge.emit.schemas import describe, facts, request_schema
from segforge.spec.catalog import Model, Parameter
from segforge.spec.identifiers import pascal_case
from segforge.spec.printable import show
from segforge.spec.values import has_limit

_SUFFIX: Final = "Params"
_PLAIN_CLASS: Final = re.compile("[A-Z][A-Za-z0-9]*")
_PLAIN_FIELD: Final = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Names of parameters that clash with names of the module or of a base class.
_TAKEN: Final = frozenset(
    {
        *keyword.kwlist,
        *keyword.softkwlist,
        *dir(builtins),
        *dir(dict),
        "field",
        "msgspec",
        "typing",
        "typing_extensions",
    }
)


def request_type(model: Model) -> RequestType:
    """Returns a model's request type.

    datamodel-code-generator receives JSON and class names only, and quotes all text itself. A range becomes
    the alias `alias_name(parameter)`, which the caller defines.
    """
    source = _generate(_schema(model), pascal_case(model.slug) + _SUFFIX)
    return RequestType(_last_name(ast.parse(source)), source)


def request_types(models: Sequence[Model]) -> list[RequestType]:
    """Returns the request type of each model, in the models' order, in half the time of separate calls.

    Models whose names can't clash in a module share one run of datamodel-code-generator.
    """
    names = {model.slug: pascal_case(model.slug) + _SUFFIX for model in models}
    often = Counter(names.values())
    shared = [model for model in models if often[names[model.slug]] == 1 and _is_plain(model, names[model.slug])]
    together = _together({names[model.slug]: _schema(model) for model in shared}) if len(shared) > 1 else {}
    return [together.get(names[model.slug]) or request_type(model) for model in models]


def _is_plain(model: Model, name: str) -> bool:
    """Whether datamodel-code-generator keeps all names unchanged, whatever else is in the module."""
    return _PLAIN_CLASS.fullmatch(name) is not None and all(
        _PLAIN_FIELD.fullmatch(parameter.name) and parameter.name not in _TAKEN for parameter in model.parameters
    )


def _together(schemas: Mapping[str, dict[str, Any]]) -> dict[str, RequestType]:
    """Generates these request types in one run. Returns none unless the run produced one class per name."""
    source = _generate({"$defs": schemas}, "NoModel")
    tree = ast.parse(source)
    lines = source.splitlines()
    classes = {
        node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    if classes.keys() != schemas.keys():
        return {}
    imports = "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.ImportFrom | ast.Import))
    return {name: RequestType(name, f"{imports}\n\n\n{code}\n") for name, code in classes.items()}


def _schema(model: Model) -> dict[str, Any]:
    schema = request_schema(model)
    schema["description"] = _wrapped(model.description)
    for parameter in model.parameters:
        schema["properties"][parameter.name] |= _documented(parameter)
    return schema


def has_alias(parameter: Parameter) -> bool:
    """Whether a parameter has rules that a type can't express, so that its type in Python needs an alias."""
    return has_limit(parameter) or has_number_set(parameter) or bool(parameter.disputed)


def has_number_set(parameter: Parameter) -> bool:
    """Whether a parameter takes a closed set of numbers. Python has no Literal of them, since 2 and 2.0 are equal."""
    return parameter.type == "number" and parameter.choices is not None and not parameter.choices.open


def alias_name(parameter: Parameter) -> str:
    """Returns the name of a parameter's type alias."""
    kind = "Values" if not has_limit(parameter) else "Text" if parameter.type == "string" else "Range"
    return f"{pascal_case(parameter.name)}{kind}"


def takes_image(parameter: Parameter) -> bool:
    """Whether a parameter is the URL of an image; clients accept the image itself, too."""
    return parameter.format == "uri" and parameter.choices is None


def _documented(parameter: Parameter) -> dict[str, str]:
    """Returns the schema keywords for editors: a docstring with all facts, and the name of the type, if it has one."""
    text = f"{describe(parameter)} {facts(parameter)}"
    if parameter.choices is not None and parameter.type == "number":
        text += f" Values: {', '.join(map(show, parameter.choices.known))}."
    documented = {"description": _wrapped(text)}
    named = alias_name(parameter) if has_alias(parameter) else python_type(parameter)
    if parameter.choices is None or parameter.type in ("number", "boolean") or has_alias(parameter):
        documented["x-python-type"] = f"{named} | None" if parameter.nullable else named
    return documented


def python_type(parameter: Parameter) -> str:
    """Returns the type of a parameter's values, without null, as far as a type can express it."""
    plain = "ImageInput" if takes_image(parameter) else _PLAIN_TYPES[parameter.type]
    if parameter.choices is None or parameter.type == "number":
        return plain
    values = dict.fromkeys((*parameter.choices.known, *parameter.disputed))
    literal = f"Literal[{', '.join(map(python_literal, values))}]"
    return f"{literal} | {plain}" if parameter.choices.open else literal


_PLAIN_TYPES: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def _last_name(tree: ast.Module) -> str:
    """Returns the name of the module's last type. datamodel-code-generator renames types that start with a digit."""
    statement = tree.body[-1]
    if isinstance(statement, ast.ClassDef):
        return statement.name
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    raise TypeError(f"expected a type at the end of an emitted module, got {ast.unparse(statement)}")


def _wrapped(text: str) -> str:
    return textwrap.fill(visible(text), LINE_LENGTH - 12, break_long_words=False, break_on_hyphens=False)


def _generate(schema: dict[str, Any], name: str) -> str:
    from datamodel_code_generator import InputFileType, LiteralType, PythonVersion, generate
    from datamodel_code_generator.enums import DataModelType

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = generate(
            json.dumps(schema),
            input_file_type=InputFileType.JsonSchema,
            output_model_type=DataModelType.TypingTypedDict,
            class_name=name,
            disable_future_imports=True,
            disable_timestamp=True,
            enum_field_as_literal=LiteralType.All,
            field_constraints=True,
            formatters=[],
            special_field_name_prefix="",
            target_python_version=PythonVersion.PY_310,
            use_annotated=True,
            use_field_description=True,
            use_schema_description=True,
            use_standard_collections=True,
            use_union_operator=True,
        )
    if not isinstance(text, str):
        raise TypeError(f"expected one module from datamodel-code-generator, got {type(text).__name__}")
    return python_visible(text.split("\n\n", 1)[1].strip()) + "\n"
