"""Parameters in the TypeScript client: the property of an interface, and the rules for `check`."""

from dataclasses import dataclass
from typing import Final

from segforge.emit.quoting import LARGEST_NUMBER, LINE_LENGTH, Code, typescript_key, typescript_literal
from segforge.emit.schemas import describe, facts
from segforge.spec.catalog import Parameter
from segforge.spec.values import ends

_TYPES: Final = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}

BOUNDS: Final = ("multiple_of", "min_length", "max_length", "exclusive_minimum", "exclusive_maximum")
"""The limits of a parameter in the order of the arguments of the client's `bounds`. Minimum and maximum are common, so
they are part of the rules themselves."""

_OF_EVERY_OBJECT: Final = frozenset(
    {"constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf"}
)
"""Properties that TypeScript finds in any object."""


@dataclass(frozen=True)
class Field:
    """A parameter's values for the template of a model's module. `union` is empty if the type fits on one line."""

    key: Code
    optional: Code
    type: Code
    union: tuple[Code, ...]
    text: str
    rules: Code
    media: bool
    bounded: bool


def field(parameter: Parameter) -> Field:
    """Returns a parameter as a property."""
    members = _members(parameter)
    key, optional = typescript_key(parameter.name), "" if parameter.required else "?"
    joined = " | ".join(members)
    fits = len(f"  {key}{optional}: {joined};") <= LINE_LENGTH
    return Field(
        key=key,
        optional=Code(optional),
        type=Code(joined),
        union=() if fits else (*members[:-1], Code(f"{members[-1]};")),
        text=f"{describe(parameter)} {facts(parameter)}".strip(),
        rules=_rules(parameter),
        media=_takes_media(parameter),
        bounded=_bounds(parameter) is not None,
    )


def _takes_media(parameter: Parameter) -> bool:
    return parameter.type == "string" and parameter.format == "uri" and parameter.choices is None


def _members(parameter: Parameter) -> list[Code]:
    """The members of the type's union. Of an open set, it lists the known values, which editors complete."""
    plain = _TYPES[parameter.type]
    large = [Code("bigint")] if _may_be_large(parameter) else []
    if parameter.choices is not None:
        members = [typescript_literal(value) for value in (*parameter.choices.known, *parameter.disputed)]
        members = list(dict.fromkeys(members))
        if parameter.choices.open:
            members += [Code(f"({plain} & {{}})"), *large]
    else:
        members = [Code("MediaInput" if _takes_media(parameter) else plain), *large]
    if parameter.nullable:
        members.append(Code("null"))
    if not parameter.required:
        members.append(Code("undefined"))
        if parameter.name in _OF_EVERY_OBJECT:  # otherwise, an object without the parameter would not match
            members.append(Code(f"Object[{typescript_literal(parameter.name)}]"))
    return members


def _may_be_large(parameter: Parameter) -> bool:
    """Whether a parameter takes integers beyond 2^53, which need a bigint."""
    printed = (*ends(parameter), *parameter.disputed)
    sizes = [None if end is None else abs(end) for end in printed if not isinstance(end, str)]
    return parameter.type in ("integer", "number") and any(size is None or size > LARGEST_NUMBER for size in sizes)


def _bounds(parameter: Parameter) -> Code | None:
    """Returns the call of the client's `bounds` that makes the checks that few parameters need, or None."""
    found = {name: limit for name in BOUNDS if (limit := getattr(parameter, name)) is not None}
    if not found:
        return None
    arguments = [typescript_literal(found.get(name)) if name in found else "undefined" for name in BOUNDS]
    while arguments[-1] == "undefined":
        arguments.pop()
    return Code(f"bounds({', '.join(arguments)})")


def _rules(parameter: Parameter) -> Code:
    """Returns a tuple of the client's type `Parameter`, on several lines if it is too long for one."""
    flags = bool(parameter.required) + 2 * parameter.nullable + 4 * _takes_media(parameter)
    closed = parameter.choices is not None and not parameter.choices.open
    rules: list[object] = [
        parameter.name,
        parameter.type,
        flags or None,
        parameter.minimum,
        parameter.maximum,
        list(parameter.choices.known) if closed and parameter.choices else None,
        list(parameter.disputed) or None,
        _bounds(parameter),
    ]
    while rules[-1] is None:
        rules.pop()
    parts = [
        "undefined" if rule is None else rule if isinstance(rule, Code) else typescript_literal(rule) for rule in rules
    ]
    line = f"[{', '.join(parts)}]"
    if len(line) + 9 <= LINE_LENGTH:
        return Code(line)
    return Code("[\n" + "".join(f"{' ' * 10}{part},\n" for part in parts) + " " * 8 + "]")
