"""Reads the schemas of an OpenAPI document: follows references, merges `allOf`, and reports what a spec can't hold.

A document may be any JSON. References to other documents are never fetched. Steps are counted, so that circular
references, and references that multiply, end.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeGuard, cast
from urllib.parse import unquote

from segforge.emit.schemas import KEYWORDS, SHOWN_OF_TOTAL
from segforge.pages.draft import SCALARS
from segforge.spec.catalog import ABSENT, Choices, Parameter, ParameterType
from segforge.spec.lint import limits_fit
from segforge.spec.printable import show
from segforge.spec.values import type_matches

Place: TypeAlias = tuple[str, ...]
"""The keys and indices that lead to a value of the document."""
Schema: TypeAlias = Mapping[str, Any]
Note: TypeAlias = tuple[str, str]
"""A key of the draft, and the question to decide there."""

MAX_STEPS: Final = 5_000
"""The number of references and parts of `allOf` that are followed for one model."""
_MAX_NESTED: Final = 30
_NOT_HELD: Final = ("pattern", "not")
_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength")
MAX_COUNT: Final = 10**9
"""The largest length or step that a spec holds."""
_ANNOTATIONS: Final = (
    "title",
    "description",
    "example",
    "examples",
    "default",
    "externalDocs",
    "deprecated",
    "$comment",
)


class NotHeld(Exception):
    """A spec can't hold the value at a place of the document. `kind` describes the value in a word or two."""

    def __init__(self, at: Place, why: str, *, kind: str = "value") -> None:
        super().__init__(why)
        self.at, self.kind = at, kind


def pointer(at: Place) -> str:
    """Returns a place as a JSON pointer in a URL fragment, such as `#/paths/~1v1~1slug/post`."""
    return "#" + "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in at)


def is_mapping(value: object) -> TypeGuard[Schema]:
    """Returns whether a value of the document is an object."""
    return isinstance(value, Mapping)


def expect_mapping(value: object, at: Place) -> Schema:
    """Returns a value of the document if it is an object. Raises NotHeld otherwise."""
    if not is_mapping(value):
        raise NotHeld(at, f"found {show(value)}; expected an object")
    return value


@dataclass
class Schemas:
    """The schemas of one document. `steps` counts the references followed, and is reset for each model."""

    document: Schema
    steps: int = field(default=0)

    def whole(self, value: object, at: Place, nested: int = 0) -> Schema:
        """Returns a schema or another object with its reference followed and its `allOf` merged.

        Raises NotHeld if a reference has no target or is circular, or if parts of `allOf` contradict each other.
        """
        schema = self._followed(expect_mapping(value, at), at, nested)
        if "allOf" not in schema:
            return schema
        parts = schema["allOf"]
        if not isinstance(parts, list):
            raise NotHeld((*at, "allOf"), f"found {show(parts)}; expected a list of schemas")
        made: dict[str, Any] = {}
        for index, part in enumerate(parts):
            here = (*at, "allOf", str(index))
            _merge(made, self.whole(part, here, nested + 1), here)
        _merge(made, {key: item for key, item in schema.items() if key != "allOf"}, at, outer=True)
        return made

    def _followed(self, schema: Schema, at: Place, nested: int) -> Schema:
        """Returns an object with its reference followed. Keys beside the reference override those of the target."""
        beside: dict[str, Any] = {}
        seen: set[str] = set()
        while "$ref" in schema:
            reference = schema["$ref"]
            beside = {key: item for key, item in schema.items() if key != "$ref"} | beside
            self._step(at, nested)
            if not isinstance(reference, str):
                raise NotHeld(
                    (*at, "$ref"), f"found {show(reference)}; expected a reference such as #/components/schemas/X"
                )
            if reference in seen:
                raise NotHeld(at, f"the reference {show(reference)} is circular")
            seen.add(reference)
            schema = expect_mapping(self._target(reference, at), (*at, "$ref"))
        self._step(at, nested)
        return {**schema, **beside} if beside else schema

    def _step(self, at: Place, nested: int) -> None:
        self.steps += 1
        if nested > _MAX_NESTED or self.steps > MAX_STEPS:
            raise NotHeld(at, "references and allOf are nested too deeply, or circular")

    def _target(self, reference: str, at: Place) -> object:
        if not reference.startswith("#"):
            why = f"the reference {show(reference)} is to another document, which isn't fetched; include its target"
            raise NotHeld(at, why)
        found: Any = self.document
        for step in reference[1:].split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and key.isdecimal() and len(key) < 9 and int(key) < len(found):
                found = found[int(key)]
            elif is_mapping(found) and key in found:
                found = found[key]
            else:
                raise NotHeld(at, f"the reference {show(reference)} has no target: {show(key)} doesn't exist")
        return found


def _merge(made: dict[str, Any], part: Schema, at: Place, *, outer: bool = False) -> None:
    """Adds a part of `allOf` to `made`. Raises NotHeld if they contradict each other. Outer annotations override."""
    for key, value in part.items():
        before = made.get(key)
        if key == "properties" and is_mapping(before) and is_mapping(value):
            inner = dict(before)
            _merge(inner, value, (*at, key))
            made[key] = inner
        elif key == "required" and isinstance(before, list) and isinstance(value, list):
            made[key] = [*before, *(name for name in value if name not in before)]
        elif key in (*_LOWER, *_UPPER) and is_number(before) and is_number(value):
            made[key] = max(before, value) if key in _LOWER else min(before, value)
        elif key not in made or (key in _ANNOTATIONS and outer):
            made[key] = value
        elif before != value and key not in _ANNOTATIONS:
            raise NotHeld(
                (*at, key), f"allOf states {key} twice: {show(before)} and {show(value)}; expected one of them"
            )


def is_number(value: object) -> TypeGuard[float]:
    """Returns whether a value is a number that a spec can hold: finite and within the range of floats."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def parameter_of(
    schemas: Schemas, name: str, value: object, at: Place, *, required: bool
) -> tuple[Parameter, list[Note]]:
    """Reads a property of a body as a parameter. Returns it with notes about details that a spec can't hold.

    A missing description becomes `To be written.` Raises NotHeld if a spec can't hold the property at all.
    """
    schema = schemas.whole(value, at)
    typed, known, is_open, nullable = _types(schemas, schema, at)
    type_ = _type(typed, known, at)
    notes = [("type", f"a spec can't hold {key} {show(typed[key])}") for key in _NOT_HELD if key in typed]
    if typed.get("format") not in (None, "uri") or (type_ != "string" and "format" in typed):
        notes.append(("type", f"a spec can't hold the format {show(typed['format'])}"))
    limits = _limits({**schema, **typed}, type_, notes)
    choices, description = _choices(schema, known, type_, is_open, notes)
    made = Parameter(
        name=name,
        type=type_,
        required=required,
        description=description,
        format="uri" if typed.get("format") == "uri" and type_ == "string" else None,
        nullable=nullable,
        default=schema.get("default", typed.get("default", ABSENT)),
        choices=choices,
        **limits,
    )
    return made, notes


def _types(schemas: Schemas, schema: Schema, at: Place) -> tuple[Schema, list[Any], bool, bool]:
    """Returns the part with type and format, the known values, whether others are allowed, and whether null is."""
    key = next((key for key in ("anyOf", "oneOf") if key in schema), None)
    if key is None:
        return schema, _known(schema, at), False, _nullable(schema)
    parts = schema[key]
    if not isinstance(parts, list):
        raise NotHeld((*at, key), f"found {show(parts)}; expected a list of schemas")
    whole = [schemas.whole(part, (*at, key, str(index)), 1) for index, part in enumerate(parts)]
    nullable = _nullable(schema) or any(_nullable(part) for part in whole)
    whole = [part for part in whole if part.get("type") not in ("null", ["null"])]
    listing = [part for part in whole if "enum" in part or "const" in part]
    rest = [part for part in whole if part not in listing]
    if len(whole) == 1:
        return whole[0], _known(whole[0], at), False, nullable
    if len(listing) != 1 or len(rest) != 1 or key != "anyOf":
        why = f"{key} of {len(whole)} schemas; a spec holds one type, or known values and a type"
        raise NotHeld((*at, key), why, kind=key)
    return rest[0], _known(listing[0], at), True, nullable


def _nullable(schema: Schema) -> bool:
    stated = schema.get("type")
    unstated = stated is None and isinstance(schema.get("enum"), list) and None in schema["enum"]
    return (
        schema.get("nullable") is True
        or unstated
        or stated == "null"
        or (isinstance(stated, list) and "null" in stated)
    )


def _known(schema: Schema, at: Place) -> list[Any]:
    known = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if not isinstance(known, list):
        raise NotHeld((*at, "enum"), f"found {show(known)}; expected a list of values")
    return [value for value in known if value is not None]


def _type(typed: Schema, known: Sequence[Any], at: Place) -> ParameterType:
    """Returns the type, or that of the known values if none is stated. Raises NotHeld if it is not one scalar type."""
    stated = typed.get("type")
    types = [one for one in (stated if isinstance(stated, list) else [stated]) if one not in ("null", None)]
    if not types and known:
        types = [one for one in SCALARS if all(type_matches(value, one) for value in known)][:1]
    if len(types) != 1:
        why = f"the types {show(stated)}; a spec holds one" if types else "no type is stated"
        raise NotHeld(at, why, kind="several types" if types else "value")
    if types[0] not in SCALARS:
        is_type = types[0] in ("array", "object")
        why = f"the type {show(types[0])}; specs hold scalars only" if is_type else f"{show(types[0])} is not a type"
        raise NotHeld((*at, "type"), why, kind=str(types[0]) if is_type else "value")
    return cast("ParameterType", types[0])


def _limits(schema: Schema, type_: str, notes: list[Note]) -> dict[str, Any]:
    """Returns the limits by the names of the spec. Limits that contradict the type or each other become notes."""
    limits = {name: schema[keyword] for name, keyword in KEYWORDS.items() if keyword in schema}
    for end in ("minimum", "maximum"):  # OpenAPI 3.0 states with a boolean whether an end is exclusive
        exclusive = limits.get(f"exclusive_{end}")
        if isinstance(exclusive, bool):
            del limits[f"exclusive_{end}"]
            if exclusive and end in limits:
                limits[f"exclusive_{end}"] = limits.pop(end)
    if limits and not _is_sound(limits, type_):
        notes.append(("type", f"the limits {show(limits)} don't fit the type {type_}, or a spec can't hold them"))
        return {}
    return limits


def _is_sound(limits: Mapping[str, Any], type_: str) -> bool:
    """Returns whether a spec can hold these limits of a parameter of this type."""
    for name, limit in limits.items():
        counts = name in ("multiple_of", "min_length", "max_length")
        if not is_number(limit) or (counts and not (type_matches(limit, "integer") and 0 <= limit <= MAX_COUNT)):
            return False
    return limits.get("multiple_of") != 0 and limits_fit({"type": type_, **limits})


def _choices(
    schema: Schema, known: Sequence[Any], type_: str, is_open: bool, notes: list[Note]
) -> tuple[Choices | None, str]:
    """Returns the known values, and the description without the sentence about their number."""
    stated = schema.get("description")
    description = stated.strip()[:4000].strip() if isinstance(stated, str) else ""
    if not description:
        notes.append(("description", "the document has no description"))
    total = SHOWN_OF_TOTAL.search(description)
    told = (description[: total.start()] if total else description) or "To be written."
    if not known:
        return None, told
    unlike = list({(type(value), show(value, 10_000)): value for value in known}.values())
    if not all(type_matches(value, type_) and (isinstance(value, str | bool) or is_number(value)) for value in unlike):
        notes.append(("type", f"the values {show(known)} do not all fit the type {type_}"))
        return None, told
    count = int(total[2]) if total and is_open else len(unlike) + is_open
    return Choices(tuple(unlike), max(count, len(unlike) + is_open)), told
