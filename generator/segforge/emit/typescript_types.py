"""How a parameter looks in the TypeScript client: the property of an interface, and the rules that `check` knows."""

from dataclasses import dataclass
from typing import Final

from segforge.emit.quoting import LINE_LENGTH, Code, typescript_key, typescript_literal
from segforge.emit.schemas import describe, facts
from segforge.spec.catalog import Parameter

_TYPES: Final = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}


@dataclass(frozen=True)
class Field:
    """What the template of a model's module is given of a parameter. `union` is empty where the type fits in a line."""

    key: Code
    optional: Code
    type: Code
    union: tuple[Code, ...]
    text: str
    rules: Code
    media: bool


def field(parameter: Parameter) -> Field:
    """A parameter as a property."""
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
    )


def _takes_media(parameter: Parameter) -> bool:
    return parameter.type == "string" and parameter.format == "uri" and parameter.choices is None


def _members(parameter: Parameter) -> list[Code]:
    """The members of the type's union. An open set of values keeps the known ones for the editor to complete."""
    plain = _TYPES[parameter.type]
    if parameter.choices is not None:
        known = [value for value in parameter.choices.known if value is not None]
        members = [typescript_literal(value) for value in known]
        if parameter.choices.open:
            members.append(Code(f"({plain} & {{}})"))
    else:
        members = [Code("MediaInput" if _takes_media(parameter) else plain)]
    if parameter.nullable:
        members.append(Code("null"))
    if not parameter.required:
        members.append(Code("undefined"))
    return members


def _rules(parameter: Parameter) -> Code:
    """An object of the client's type `Parameter`, on several lines where one is too short."""
    rules: list[tuple[str, object]] = [("name", parameter.name), ("type", parameter.type)]
    rules += [(flag, True) for flag in ("required", "nullable") if getattr(parameter, flag)]
    rules += [("media", True)] if _takes_media(parameter) else []
    rules += [(end, getattr(parameter, end)) for end in ("minimum", "maximum") if getattr(parameter, end) is not None]
    if parameter.choices is not None and not parameter.choices.open:
        rules.append(("values", list(parameter.choices.known)))
    parts = [f"{name}: {typescript_literal(value)}" for name, value in rules]
    line = f"{{ {', '.join(parts)} }}"
    if len(line) + 9 <= LINE_LENGTH:
        return Code(line)
    return Code("{\n" + "".join(f"{' ' * 10}{part},\n" for part in parts) + " " * 8 + "}")
