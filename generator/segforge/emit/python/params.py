"""The module of a model's parameter types in the Python client: aliases, nested TypedDicts, then the call's."""

import builtins
import keyword
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from segforge.emit.clients.files import input_kind
from segforge.emit.clients.parameter_text import part_text
from segforge.emit.quoting import Code, docstring, docstring_words, python_literal
from segforge.spec.catalog import Json, Model, Parameter
from segforge.spec.identifiers import pascal_case

_SUFFIX: Final = "Params"

MARKERS: Final = {
    "minimum": "Ge",
    "exclusive_minimum": "Gt",
    "maximum": "Le",
    "exclusive_maximum": "Lt",
    "multiple_of": "MultipleOf",
    "min_length": "MinLen",
    "max_length": "MaxLen",
    "min_items": "MinLen",
    "max_items": "MaxLen",
}
"""The class of `annotated_types` for each limit of a parameter."""

_LIMITS: Final = {
    "string": ("Text", ("min_length", "max_length")),
    "integer": ("Range", ("minimum", "exclusive_minimum", "maximum", "exclusive_maximum", "multiple_of")),
    "number": ("Range", ("minimum", "exclusive_minimum", "maximum", "exclusive_maximum", "multiple_of")),
    "array": ("List", ("min_items", "max_items")),
}
"""The last word of an alias's name and the limits that it states, by the type of the parameter."""

INPUTS: Final = {
    "image": "ImageInput",
    "video": "VideoInput",
    "audio": "AudioInput",
    "model3d": "Model3dInput",
    "any": "FileInput",
}
"""The type of an input file, by its kind."""

_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "any": "Json"}

_TYPE_NAMES: Final = frozenset(
    {
        *dir(builtins),
        *MARKERS.values(),
        *INPUTS.values(),
        *("Annotated", "Any", "Json", "Literal", "NotRequired", "TypedDict"),
    }
)


@dataclass(frozen=True)
class TypedKey:
    """A key of a TypedDict, and its type with null."""

    name: str
    type: Code
    required: bool
    text: str


@dataclass(frozen=True)
class ParamsModule:
    """The values for the template of a model's parameter types, and the keys of the call.

    The last of the definitions is that of `name`. `names` are those of all definitions.
    """

    name: Code
    definitions: tuple[Code, ...]
    keys: tuple[TypedKey, ...]
    names: frozenset[str]


def params_module(model: Model) -> ParamsModule:
    """Returns the types of a model's parameters."""
    name = params_name(model)
    definitions = _Definitions(name)
    fields = definitions.record(name, model.parameters, "", model.description)
    return ParamsModule(name, tuple(definitions.listed), fields, frozenset(definitions.used - _TYPE_NAMES))


def params_name(model: Model) -> Code:
    """Returns the name of the type of a model's parameters."""
    pascal = pascal_case(model.slug)
    return Code(f"Model{pascal[1:]}{_SUFFIX}" if pascal.startswith("_") else f"{pascal}{_SUFFIX}")


class _Definitions:
    """The definitions of a module, each after those that it uses, under names that differ."""

    def __init__(self, name: str) -> None:
        self.listed: list[Code] = []
        self.used = {*_TYPE_NAMES, name}
        self._shapes: list[tuple[Sequence[Parameter], str]] = []

    def record(self, name: str, properties: Iterable[Parameter], path: str, text: str) -> tuple[TypedKey, ...]:
        """Defines the TypedDict of an object at a path, and returns its fields."""
        fields = tuple(
            TypedKey(
                part.name, Code(self.type(part, f"{path} {part.name}".strip())), bool(part.required), part_text(part)
            )
            for part in properties
        )
        unfit = [field for field in fields if not is_name(field.name) or field.name in self.used]
        self.listed.append(_functional(name, fields) if unfit or not fields else _class(name, fields, text))
        return fields

    def type(self, part: Parameter, path: str) -> str:
        """Returns the type of a part at a path, and defines what it needs."""
        found = self._limited(part, path)
        return f"{found} | None" if part.nullable else found

    def _limited(self, part: Parameter, path: str) -> str:
        plain = self._plain(part, path)
        kind, names = _LIMITS.get(part.type, ("", ()))
        limits = [(name, getattr(part, name)) for name in names if getattr(part, name) is not None]
        if not limits:
            return plain
        facts = ", ".join(f"{MARKERS[name]}({python_literal(limit)})" for name, limit in limits)
        alias = self._unused(f"{pascal_case(path)}{kind}")
        self.listed.append(
            Code(f'{alias} = Annotated[{plain}, {facts}]\n"""Values of {docstring_words(path) or "it"}."""\n')
        )
        return alias

    def _plain(self, part: Parameter, path: str) -> str:
        """Returns the type of a part without null and limits."""
        if part.any_of:
            return " | ".join(dict.fromkeys(self.type(member, f"{path} {member.name}") for member in part.any_of))
        if part.type == "array":
            return f"list[{self.type(part.items, f'{path} item') if part.items is not None else 'Any'}]"
        if part.type == "object":
            return self._object(part, path) if part.properties else "dict[str, Any]"
        kind = input_kind(part)
        plain = INPUTS[kind] if kind is not None else _PLAIN[part.type]
        return plain if part.choices is None else _chosen(part, plain)

    def _object(self, part: Parameter, path: str) -> str:
        """Returns the TypedDict of an object. Objects of one shared shape share it."""
        for properties, name in self._shapes:
            if part.shape is not None and properties == part.properties:
                return name
        name = self._unused(pascal_case(part.shape or path))
        if part.shape is not None:
            self._shapes.append((part.properties, name))
        self.record(name, part.properties, part.shape or path, part_text(part))
        return name

    def _unused(self, name: str) -> str:
        while name in self.used:
            name += "_"
        self.used.add(name)
        return name


def _chosen(part: Parameter, plain: str) -> str:
    """Returns the type of a part with a set of values.

    `Literal` can't hold every number. A closed set with such a one has the plain type, and the check before a call
    knows it.
    """
    known = [*part.choices.known, *part.disputed] if part.choices is not None else []
    literals = list(dict.fromkeys(filter(None, map(_literal, known))))
    if not literals or part.choices is None:
        return plain
    if part.choices.open:
        return f"Literal[{', '.join(literals)}] | {plain}" if part.type in ("string", "integer", "any") else plain
    shown = [value for value in known if value is not None]
    return f"Literal[{', '.join(literals)}]" if all(map(_literal, shown)) else plain


def _literal(value: Json) -> str | None:
    """Returns a value as `Literal` takes it; None for null and for a number which it doesn't take.

    These are fractions and, in mypy, integers of 64 bits and more.
    """
    if isinstance(value, float):
        return _literal(int(value)) if value.is_integer() else None
    if value is None or isinstance(value, list | dict) or (isinstance(value, int) and abs(value) >= 2**63):
        return None
    return python_literal(value)


def is_name(name: str) -> bool:
    """Returns whether a name can be declared in a class body and as an argument, and stays the same there."""
    fits = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")
    return fits and unicodedata.normalize("NFKC", name) == name


def annotation(field: TypedKey) -> Code:
    """Returns the annotation of a field of a TypedDict."""
    return field.type if field.required else Code(f"NotRequired[{field.type}]")


def _class(name: str, fields: Sequence[TypedKey], text: str) -> Code:
    return Code("\n".join([f"class {name}(TypedDict):", *_body(fields, text), ""]))


def _body(fields: Sequence[TypedKey], text: str) -> Iterator[str]:
    yield from (f"    {docstring(text)}\n" for _ in [0] if text)
    for field in fields:
        yield f"    {field.name}: {annotation(field)}"
        yield from (f"    {docstring(field.text)}" for _ in [0] if field.text)


def _functional(name: str, fields: Sequence[TypedKey]) -> Code:
    """Returns the TypedDict in functional form, which allows any name."""
    listed = ", ".join(f"{python_literal(field.name)}: {annotation(field)}" for field in fields)
    return Code(f"{name} = TypedDict({python_literal(name)}, {{{listed}}})\n")
