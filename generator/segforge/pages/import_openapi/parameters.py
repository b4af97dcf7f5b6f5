"""Reads the properties of a body as parameters, with their parts, and reports what a spec can't hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from segforge.emit.schemas import DISPUTED, DOUBTED_FORMAT, NOTE, REQUIRED, SHOWN_OF_TOTAL, UNKNOWN_TOTAL
from segforge.pages.draft import is_name
from segforge.pages.import_openapi.keywords import (
    JSON_TYPES,
    added_facts,
    choices_of,
    format_of,
    known_values,
    limits_of,
    title_of,
    types_of,
    unheld,
)
from segforge.pages.import_openapi.schemas import (
    Note,
    NotHeld,
    Place,
    Schema,
    Schemas,
    expect_mapping,
    is_mapping,
)
from segforge.spec.catalog import ABSENT, Parameter, ParameterType
from segforge.spec.printable import show
from segforge.spec.values import disputed

MAX_DEPTH: Final = 10
"""The depth of parts within parts that is read."""
MAX_MEMBERS: Final = 20
MAX_PROPERTIES: Final = 200


def parameter_of(
    schemas: Schemas, name: str, value: object, at: Place, *, required: bool
) -> tuple[Parameter, list[Note]]:
    """Reads a property of a body as a parameter. Returns it with notes about details that a spec can't hold.

    A missing description becomes an empty text. Raises NotHeld if a spec can't hold the property at all.
    """
    reader = _Reader(schemas)
    made = reader.named(name, value, at, required=required)
    if not made.description:
        reader.notes.append(("description", "the document has no description"))
    return made, reader.notes


@dataclass
class _Reader:
    """Reads one parameter. `opened` are the references to the schemas that are being read, to find circles."""

    schemas: Schemas
    notes: list[Note] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def named(self, name: str, value: object, at: Place, *, required: bool) -> Parameter:
        """Returns a parameter or a property of an object."""
        part = self.part(name, value, at)
        schema = self.schemas.whole(value, at)
        unknown = not required and schema.get(REQUIRED) == "unknown"
        return replace(part, required=None if unknown else required)

    def part(self, name: str, value: object, at: Place) -> Parameter:
        """Returns a part, and its own parts. Raises NotHeld if it contains itself or is nested too deeply."""
        references = _references(value)
        if set(references) & set(self.opened):
            raise NotHeld(at, "the schema contains itself", kind="circular schema")
        if len(self.opened) > MAX_DEPTH:
            raise NotHeld(at, f"more than {MAX_DEPTH} levels of parts", kind="deep schema")
        self.opened += references or [""]
        try:
            return self._part(name, self.schemas.whole(value, at), at)
        finally:
            del self.opened[len(self.opened) - (len(references) or 1) :]

    def _part(self, name: str, schema: Schema, at: Place) -> Parameter:
        key = next((key for key in ("anyOf", "oneOf") if key in schema), None)
        if key is None:
            return self._single(name, schema, at)
        members = schema[key]
        if not isinstance(members, list):
            raise NotHeld((*at, key), f"found {show(members)}; expected a list of schemas")
        if any(is_mapping(one) and one.get(DISPUTED) is True for one in members):
            return self._part(name, _without_disputed(schema, members, key, at), at)
        places = [(*at, key, str(index)) for index in range(len(members))]
        whole = [
            (member, self.schemas.whole(member, place, 1), place) for member, place in zip(members, places, strict=True)
        ]
        rest = [one for one in whole if one[1].get("type") not in ("null", ["null"])]
        outer = {name: value for name, value in schema.items() if name != key}
        nullable = len(rest) < len(whole) or schema.get("nullable") is True
        if len(rest) == 1:
            single = {**rest[0][1], **outer}
            made = self._single(name, single, at)
            return replace(made, nullable=nullable or made.nullable)
        if listing := _open_set([one[1] for one in rest], key):
            made = self._single(name, {**listing[1], **outer, "enum": listing[0].get("enum")}, at, is_open=True)
            return replace(made, nullable=nullable or made.nullable)
        if key == "oneOf":
            self._say(at, "oneOf is read as a union, of which several members may fit")
        return self._union(name, outer, [(member, place) for member, _, place in rest], at, nullable=nullable)

    def _union(
        self, name: str, outer: Schema, members: Sequence[tuple[object, Place]], at: Place, *, nullable: bool
    ) -> Parameter:
        if not 2 <= len(members) <= MAX_MEMBERS:
            raise NotHeld(at, f"a union of {len(members)} schemas; expected 2 to {MAX_MEMBERS}", kind="union")
        made: list[Parameter] = []
        for index, (member, place) in enumerate(members):
            part = self.part("member", member, place)
            title = title_of(self.schemas.whole(member, place), part, index, [one.name for one in made])
            made.append(replace(part, name=title))
        facts = self._facts(name, outer, at)
        refuses = outer.get("not") == {"type": "null"}
        takes_null = not refuses and (nullable or any(one.nullable for one in made))
        return _doubted(replace(facts, type="any", nullable=takes_null, any_of=tuple(made)))

    def _single(self, name: str, schema: Schema, at: Place, *, is_open: bool = False) -> Parameter:
        """Returns a part of one type, or a union of the types that the schema lists."""
        known = known_values(schema, at)
        types, nullable = types_of(schema, known, at)
        if len(types) > 1 and not known:
            members = [
                ({**{key: schema[key] for key in JSON_TYPES[one] if key in schema}, "type": one}, at) for one in types
            ]
            return self._union(name, {**_annotations(schema)}, members, at, nullable=nullable)
        type_: ParameterType = cast("ParameterType", types[0]) if len(types) == 1 else "any"
        notes = [f"a spec can't hold {what}" for what in unheld(schema, type_)]
        limits, wrong = limits_of(schema, type_)
        choices, odd = choices_of(schema, known, type_, is_open=is_open)
        for text in (*notes, *wrong, *odd):
            self._say(at, text)
        made = replace(
            self._facts(name, schema, at),
            type=type_,
            nullable=nullable,
            choices=choices,
            **limits,
            **format_of(schema, type_),
        )
        parts: dict[str, Any] = {}
        if type_ == "array":
            parts["items"] = self._items(schema, at)
        if type_ == "object":
            parts["properties"] = self._properties(schema, at)
        return _doubted(replace(made, **parts))

    def _facts(self, name: str, schema: Schema, at: Place) -> Parameter:
        """Returns a part with the facts that parts of each type may have."""
        stated = schema.get("description")
        text = stated.strip()[:4000].strip() if isinstance(stated, str) else ""
        shown = SHOWN_OF_TOTAL.search(text)
        text = text[: shown.start()] if shown else text.removesuffix(UNKNOWN_TOTAL).strip()
        facts, wrong = added_facts(schema)
        for key in wrong:
            self._say(at, f"{key} is left out, since its value {show(schema[key])} is not valid")
        return Parameter(
            name=name,
            type="any",
            required=None,
            description=text,
            default=schema.get("default", ABSENT),
            note=note if isinstance(note := schema.get(NOTE), str) and note.strip() else None,
            **facts,
        )

    def _items(self, schema: Schema, at: Place) -> Parameter | None:
        stated = schema.get("items", {})
        if stated in ({}, True):
            return None
        try:
            return self.part("items", stated, (*at, "items"))
        except NotHeld as error:
            self._say(error.at, f"the items of the array are left out: {error}")
            return None

    def _properties(self, schema: Schema, at: Place) -> tuple[Parameter, ...]:
        stated = schema.get("properties", {})
        required = schema.get("required", [])
        if not is_mapping(stated) or not isinstance(required, list):
            self._say(at, "the properties of the object are left out; expected an object, and a list of required ones")
            return ()
        made = []
        for key, value in list(stated.items())[:MAX_PROPERTIES]:
            here = (*at, "properties", key)
            try:
                if not is_name(key):
                    raise NotHeld(here, "not a valid name; expected at most 100 printable characters")
                made.append(self.named(key, value, here, required=key in required))
            except NotHeld as error:
                self._say(error.at, f"{show(key)} is left out: {error}")
        if len(stated) > MAX_PROPERTIES:
            self._say(at, f"only the first {MAX_PROPERTIES} properties of {len(stated)} are read")
        return tuple(made)

    def _say(self, at: Place, text: str) -> None:
        """Adds a note, with the place if it is below the parameter."""
        below = len(self.opened) > 1
        self.notes.append(("type", f"at {'.'.join(_steps(at))}: {text}" if below else text))


def _doubted(made: Parameter) -> Parameter:
    """Returns a part with the printed values that its own facts exclude."""
    printed = (made.default, *(made.choices.known if made.choices is not None else ()))
    return replace(made, disputed=disputed(made, [one for one in printed if one is not ABSENT]))


def _without_disputed(schema: Schema, members: Sequence[object], key: str, at: Place) -> Schema:
    """Returns a schema without the values that are marked as disputed. Raises NotHeld if no other member is left."""
    kept = [one for one in members if not (is_mapping(one) and one.get(DISPUTED) is True)]
    outer = {name: value for name, value in schema.items() if name != key}
    if len(kept) != 1:
        return {**outer, key: kept}
    return {**expect_mapping(kept[0], (*at, key)), **outer}


def _steps(at: Place) -> list[str]:
    """Returns the steps of a place behind the last `properties` of the body that lead to a part, for messages."""
    start = at.index("schema") + 1 if "schema" in at else 0
    return [step for step in at[start:] if step != "properties"]


def _references(value: object) -> list[str]:
    """Returns the references of a schema and of the parts of its `allOf`."""
    if not is_mapping(value):
        return []
    parts = value.get("allOf")
    within = [one for part in parts for one in _references(part)] if isinstance(parts, list) else []
    own = value.get("$ref")
    return [*([own] if isinstance(own, str) else []), *within[:100]]


def _annotations(schema: Schema) -> Mapping[str, Any]:
    """Returns the keywords of a schema that don't depend on the type."""
    limiting = {key for keys in JSON_TYPES.values() for key in keys}
    return {key: value for key, value in schema.items() if key not in {"type", "enum", "const", *limiting}}


def _open_set(members: Sequence[Schema], key: str) -> tuple[Schema, Schema] | None:
    """Returns known values and their type, if the members of a union are these two: an open set."""
    if len(members) != 2 or key != "anyOf" or any("title" in one for one in members):
        return None
    listing = [one for one in members if "enum" in one or "const" in one]
    if len(listing) != 1:
        return None
    (rest,) = (one for one in members if one is not listing[0])
    known = listing[0].get("enum", [listing[0]["const"]] if "const" in listing[0] else [])
    plain = rest.keys() <= {
        "type",
        "format",
        DOUBTED_FORMAT,
        "contentEncoding",
        "not",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
    } | {"exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern"}
    if not plain or listing[0].get("type", rest.get("type")) != rest.get("type"):
        return None
    return ({"enum": known}, rest)
