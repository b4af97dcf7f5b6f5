"""The interfaces of a model's parameters in the TypeScript client: the call's, and one for each nested object."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from segforge.emit.clients.files import is_file
from segforge.emit.clients.parameter_text import part_text
from segforge.emit.quoting import LARGEST_NUMBER, LINE_LENGTH, Code, typescript_key, typescript_literal
from segforge.emit.typescript.files import FORMS, INPUTS, file_members
from segforge.emit.typescript.names import CLASS_NAMES
from segforge.spec.catalog import ABSENT, Model, Parameter
from segforge.spec.identifiers import pascal_case
from segforge.spec.values import ends

_TYPES: Final = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}
_JSON: Final = Code("Json")
_MAP: Final = Code("JsonMap")
_MEDIA: Final = frozenset(map(Code, INPUTS.values()))

_OF_EVERY_OBJECT: Final = frozenset(
    {"constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf"}
)
"""Properties that TypeScript finds in any object."""


@dataclass(frozen=True)
class Field:
    """A property for the template of an interface. `union` is empty if the type fits on one line."""

    key: Code
    optional: Code
    type: Code
    union: tuple[Code, ...]
    text: str
    deprecated: bool


@dataclass(frozen=True)
class Interface:
    """An interface for the template of a model's module. An open one has further properties that nobody knows."""

    name: Code
    text: str
    fields: tuple[Field, ...]
    open: bool


@dataclass(frozen=True)
class ParameterTypes:
    """The interfaces of a model, the call's last, and the names of the client's types that they use, by module."""

    interfaces: tuple[Interface, ...]
    files: tuple[Code, ...]
    json: tuple[Code, ...]


def parameter_types(model: Model, name: str, text: str) -> ParameterTypes:
    """Returns the interfaces of a model's parameters; `name` and `text` are those of the call's interface."""
    interfaces = _Interfaces(model, name)
    interfaces.add(name, model.parameters, (), text)
    parts = [part for parameter in model.parameters for part in parameter.walk() if is_file(part)]
    kinds = {member for part in parts for member in file_members(part)}
    return ParameterTypes(
        tuple(interfaces.listed),
        tuple(sorted(kinds & _MEDIA)),
        tuple(sorted(interfaces.json)),
    )


class _Interfaces:
    """The interfaces of a module, each after those that it uses. Objects with the same properties share one."""

    def __init__(self, model: Model, name: str) -> None:
        self.listed: list[Interface] = []
        self.json: set[Code] = set()
        self._open = model.level == "partial"
        self._prefix = name.removesuffix("Params")
        self._taken = {*CLASS_NAMES, *INPUTS.values(), _JSON, _MAP, name, self._prefix}
        self._known: list[tuple[Sequence[Parameter], Code]] = []

    def add(self, name: str, properties: Iterable[Parameter], path: tuple[str, ...], text: str) -> None:
        """Adds the interface of an object at a path."""
        fields = tuple(self._field(parameter, (*path, parameter.name)) for parameter in properties)
        self.listed.append(Interface(Code(name), text, fields, self._open))

    def _field(self, parameter: Parameter, path: tuple[str, ...]) -> Field:
        members = self._members(parameter, path)
        key, optional = typescript_key(parameter.name), "" if parameter.required else "?"
        if not parameter.required:
            members.append(Code("undefined"))
            if parameter.name in _OF_EVERY_OBJECT:  # otherwise, an object without the parameter would not match
                members.append(Code(f"Object[{typescript_literal(parameter.name)}]"))
        joined = " | ".join(members)
        fits = len(f"  {key}{optional}: {joined};") <= LINE_LENGTH
        return Field(
            key=key,
            optional=Code(optional),
            type=Code(joined),
            union=() if fits else (*members[:-1], Code(f"{members[-1]};")),
            text=_text(parameter),
            deprecated=parameter.deprecated,
        )

    def _members(self, parameter: Parameter, path: tuple[str, ...]) -> list[Code]:
        """The members of the type's union. Of an open set, it lists the known values, which editors complete."""
        plain = self._plain(parameter, path)
        if parameter.choices is not None and not parameter.any_of:
            literals = [*parameter.choices.known, *(one for one in parameter.disputed if not _is_nested(one))]
            members = list(map(typescript_literal, literals))
            if parameter.choices.open:
                members += [Code(f"({one} & {{}})") if members and one in _TYPES.values() else one for one in plain]
        else:
            members = plain
        if parameter.takes_null:
            members.append(Code("null"))
        return list(dict.fromkeys(members))

    def _plain(self, parameter: Parameter, path: tuple[str, ...]) -> list[Code]:
        """The members without null and without a set of values."""
        if parameter.any_of:
            members = [one for member in parameter.any_of for one in self._members(member, (*path, member.name))]
            return members if _MEDIA.isdisjoint(members) else [one for one in members if one not in FORMS]
        if parameter.type == "array":
            return [self._array(parameter.items, path)]
        if parameter.type == "object":
            return [self._object(parameter, path) if parameter.properties else self._json(_MAP)]
        if parameter.type == "any":
            self._json(_JSON)
            return [Code(f"NonNullable<{_JSON}>")]
        if is_file(parameter):
            return file_members(parameter)
        return [Code(_TYPES[parameter.type]), *([Code("bigint")] if _may_be_large(parameter) else [])]

    def _array(self, items: Parameter | None, path: tuple[str, ...]) -> Code:
        members = [self._json(_JSON)] if items is None else self._members(items, (*path, "item"))
        joined = " | ".join(members)
        return Code(f"readonly ({joined})[]" if " " in joined else f"readonly {joined}[]")

    def _object(self, parameter: Parameter, path: tuple[str, ...]) -> Code:
        for properties, known in self._known:
            if properties == parameter.properties:
                return known
        name = self._unused(parameter.shape or " ".join(path))
        self._known.append((parameter.properties, name))
        text = _text(replace(parameter, default=ABSENT))
        self.add(name, parameter.properties, path, text or f"The value of {' '.join(path)}.")
        return name

    def _unused(self, words: str) -> Code:
        name = f"{self._prefix}{pascal_case(words).lstrip('_')}"
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return Code(name)

    def _json(self, name: Code) -> Code:
        self.json.add(name)
        return name


def _text(parameter: Parameter) -> str:
    """Returns the facts about a parameter. A tag states that it is deprecated."""
    return part_text(replace(parameter, deprecated=False) if parameter.deprecated else parameter)


def _is_nested(value: object) -> bool:
    return isinstance(value, list | dict)


def _may_be_large(parameter: Parameter) -> bool:
    """Whether a parameter takes integers beyond 2^53, which need a bigint."""
    printed = (*ends(parameter), *parameter.disputed)
    sizes = [None if end is None else abs(end) for end in printed if not isinstance(end, str | list | dict)]
    return parameter.type in ("integer", "number") and any(size is None or size > LARGEST_NUMBER for size in sizes)
