"""The module of a model's parameters in the Python client: aliases of ranges, then the TypedDict."""

import ast
import builtins
from dataclasses import dataclass
from typing import Final

from segforge.emit.artifact import RequestType
from segforge.emit.quoting import Code, python_literal
from segforge.emit.request_types import alias_name, has_alias, has_number_set, python_type, takes_image
from segforge.spec.catalog import Model, Parameter

MARKERS: Final = {
    "minimum": "Ge",
    "exclusive_minimum": "Gt",
    "maximum": "Le",
    "exclusive_maximum": "Lt",
    "multiple_of": "MultipleOf",
    "min_length": "MinLen",
    "max_length": "MaxLen",
}
"""The class of `annotated_types` for each limit of a parameter."""

_TYPE_NAMES: Final = frozenset(
    {
        *dir(builtins),
        *MARKERS.values(),
        *("Annotated", "ImageInput", "Literal", "NotRequired", "OneOf", "Printed", "TypedDict"),
    }
)


@dataclass(frozen=True)
class Alias:
    """A type alias, such as `StepsRange = Annotated[int, Ge(1), Le(50)]`."""

    name: Code
    type: Code
    parameter: str


@dataclass(frozen=True)
class ParamsModule:
    """The values for the template of a model's parameter types."""

    name: Code
    aliases: tuple[Alias, ...]
    images: bool
    imports: Code
    definition: Code


def params_module(model: Model, typed_dict: RequestType) -> ParamsModule:
    """Returns the types of a model's parameters."""
    name = typed_dict.name
    imports, definition = _split(typed_dict.source, name)
    # Names that can't be declared in a class body: Python would mangle them, or they would hide a type used there.
    unfit = _TYPE_NAMES | {alias_name(parameter) for parameter in model.parameters}
    if any(parameter.name.startswith("__") or parameter.name in unfit for parameter in model.parameters):
        definition = _functional(definition, name, model)
    aliases = tuple(_alias(parameter) for parameter in model.parameters if has_alias(parameter))
    images = any(takes_image(parameter) for parameter in model.parameters)
    return ParamsModule(Code(name), aliases, images, Code(imports), Code(definition))


def _alias(parameter: Parameter) -> Alias:
    facts = [
        f"{marker}({python_literal(limit)})"
        for name, marker in MARKERS.items()
        if (limit := getattr(parameter, name)) is not None
    ]
    if parameter.choices is not None and has_number_set(parameter):
        facts.append(f"OneOf({python_literal(parameter.choices.known)})")
    if parameter.disputed:
        facts.append(f"Printed({python_literal(parameter.disputed)})")
    code = Code(f"Annotated[{', '.join([python_type(parameter), *facts])}]")
    return Alias(Code(alias_name(parameter)), code, parameter.name)


def _split(source: str, name: str) -> tuple[str, str]:
    """Splits a module into its imports and its definition."""
    start = min(at for opening in (f"class {name}(", f"{name} = ") if (at := source.find(opening)) >= 0)
    return source[:start].strip(), source[start:].strip()


def _functional(definition: str, name: str, model: Model) -> str:
    """Returns the TypedDict in functional form, which allows any name. Its fields are in the parameters' order."""
    statement = ast.parse(definition).body[0]
    if not isinstance(statement, ast.ClassDef):
        return definition
    annotations = [ast.unparse(line.annotation) for line in statement.body if isinstance(line, ast.AnnAssign)]
    names = [python_literal(parameter.name) for parameter in model.parameters]
    fields = ", ".join(f"{key}: {annotation}" for key, annotation in zip(names, annotations, strict=True))
    return f"{name} = TypedDict({python_literal(name)}, {{{fields}}})"
