"""Reads single keywords of schemas as facts of a spec: types, limits, sets of values, formats, our own extensions."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from segforge.emit.schemas import (
    AFFECTS_PRICE,
    BASE64,
    DOUBTED_FORMAT,
    FILE,
    INFERRED,
    KEYWORDS,
    LABELS,
    NOT_NULL,
    NULL,
    SHAPE,
    SHOWN_OF_TOTAL,
    UNKNOWN_TOTAL,
)
from segforge.pages.import_openapi.schemas import NotHeld, Place, Schema, is_mapping, is_number
from segforge.spec.catalog import Choices, File, FileForm, Parameter
from segforge.spec.lint import limits_fit
from segforge.spec.printable import show
from segforge.spec.values import type_matches

JSON_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("minLength", "maxLength", "pattern", "format", "contentEncoding"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "boolean": (),
    "array": ("items", "minItems", "maxItems", "prefixItems", "uniqueItems", "contains"),
    "object": ("properties", "required", "patternProperties", "minProperties", "maxProperties", "dependentRequired"),
}
"""The keywords of each type that restrict its values."""

_UNHELD: Final = ("pattern", "not", "prefixItems", "uniqueItems", "contains", "patternProperties")
_UNHELD_OF_OBJECTS: Final = ("minProperties", "maxProperties", "dependentRequired", "dependentSchemas", "if")
MAX_COUNT: Final = 10**9
"""The largest length or step that a spec holds."""
MAX_ITEMS: Final = 10**6
"""The largest number of items that a spec holds."""
_TITLE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_INFERABLE: Final = ("type", "required", "format", "file", "default", "items", "properties")


def known_values(schema: Schema, at: Place) -> list[Any]:
    """Returns the values of `enum` or `const`, without null. Raises NotHeld if they are no list."""
    known = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if not isinstance(known, list):
        raise NotHeld((*at, "enum"), f"found {show(known)}; expected a list of values")
    return [value for value in known if value is not None]


def types_of(schema: Schema, known: Sequence[Any], at: Place) -> tuple[list[str], bool]:
    """Returns the types of a schema without null, and whether null is allowed. No type means any.

    If no type is stated, it is concluded from the values, the properties or the items. Raises NotHeld for a type that
    JSON Schema doesn't have.
    """
    stated = schema.get("type")
    listed = stated if isinstance(stated, list) else [] if stated is None else [stated]
    for one in listed:
        if not isinstance(one, str) or (one != "null" and one not in JSON_TYPES):
            raise NotHeld((*at, "type"), f"{show(one)} is not a type")
    types = [one for one in dict.fromkeys(listed) if one != "null"]
    if "number" in types and "integer" in types:
        types.remove("integer")
    nullable = schema.get("nullable") is True or "null" in listed
    if stated is None:
        types = _concluded(schema, known)
        is_open = not types and not known and not _is_untyped(schema)
        nullable = nullable or is_open or None in (schema.get("enum") or [])
    return types, nullable


def _is_untyped(schema: Schema) -> bool:
    """Returns whether a document of segforge says that no source states a type, and that none states null."""
    return schema.get("not") == NOT_NULL["not"] or schema.get(NULL) == "unknown"


def _concluded(schema: Schema, known: Sequence[Any]) -> list[str]:
    if _is_untyped(schema):
        return []
    if known:
        return [one for one in JSON_TYPES if all(type_matches(value, one) for value in known)][:1]
    return ["object"] if "properties" in schema else ["array"] if "items" in schema else []


def unheld(schema: Schema, type_: str) -> list[str]:
    """Returns the keywords and formats that a spec can't hold, with their values."""
    keys = (*_UNHELD, *(_UNHELD_OF_OBJECTS if type_ == "object" else ()))
    found = [f"{key} {show(schema[key])}" for key in keys if key in schema and not _is_ours(key, schema[key])]
    others = schema.get("additionalProperties")
    if is_mapping(others) and others:
        found.append(f"additionalProperties {show(others)}")
    format_ = schema.get("format")
    if format_ is not None and (type_ != "string" or format_ not in ("uri", "byte", "binary", "base64")):
        found.append(f"the format {show(format_)}")
    if schema.get("contentEncoding", "base64") != "base64":
        found.append(f"contentEncoding {show(schema['contentEncoding'])}")
    return found


def _is_ours(key: str, value: object) -> bool:
    return (key == "not" and value == NOT_NULL["not"]) or (key == "pattern" and value == BASE64) or value is False


def format_of(schema: Schema, type_: str) -> dict[str, Any]:
    """Returns the format of a text, or that it stands for a file."""
    format_ = schema.get("format", schema.get(DOUBTED_FORMAT))
    if type_ != "string":
        return {}
    if format_ == "binary":
        return {"file": schema_file(schema) or "any", "accepts": ("part",)} if FILE not in schema else {}
    is_base64 = schema.get("contentEncoding") == "base64" or format_ in ("byte", "base64")
    return {"format": "base64"} if is_base64 else {"format": "uri"} if format_ == "uri" else {}


def schema_file(schema: Schema) -> str | None:
    """Returns the kind of file that a media type names, or None."""
    media = schema.get("contentMediaType")
    kind = media.partition("/")[0] if isinstance(media, str) else ""
    return kind if kind in ("image", "video", "audio") else "model3d" if kind == "model" else None


def limits_of(schema: Schema, type_: str) -> tuple[dict[str, Any], list[str]]:
    """Returns the limits by the names of the spec, and texts about those that don't fit the type or each other."""
    limits = {name: schema[keyword] for name, keyword in KEYWORDS.items() if keyword in schema}
    for end in ("minimum", "maximum"):  # OpenAPI 3.0 states with a boolean whether an end is exclusive
        exclusive = limits.get(f"exclusive_{end}")
        if isinstance(exclusive, bool):
            del limits[f"exclusive_{end}"]
            if exclusive and end in limits:
                limits[f"exclusive_{end}"] = limits.pop(end)
    if limits and not _is_sound(limits, type_):
        return {}, [f"the limits {show(limits)} don't fit the type {type_}, or a spec can't hold them"]
    return limits, []


def _is_sound(limits: Mapping[str, Any], type_: str) -> bool:
    """Returns whether a spec can hold these limits of a parameter of this type."""
    for name, limit in limits.items():
        most = MAX_ITEMS if name.endswith("items") else MAX_COUNT
        counts = name in ("multiple_of", "min_length", "max_length", "min_items", "max_items")
        if not is_number(limit) or (counts and not (type_matches(limit, "integer") and 0 <= limit <= most)):
            return False
    return limits.get("multiple_of") != 0 and limits_fit({"type": type_, **limits})


def choices_of(schema: Schema, known: Sequence[Any], type_: str, *, is_open: bool) -> tuple[Choices | None, list[str]]:
    """Returns the set of values, or None, and texts about values that don't fit."""
    stated = schema.get("description")
    text = stated.strip() if isinstance(stated, str) else ""
    shown = SHOWN_OF_TOTAL.search(text)
    lost = text.endswith(UNKNOWN_TOTAL)
    if not known:
        total = int(shown[2]) if shown and int(shown[1]) == 0 else None
        return (Choices((), total), []) if (lost or total) and "enum" not in schema else (None, [])
    if not all(type_matches(value, type_) and (isinstance(value, str | bool) or is_number(value)) for value in known):
        return None, [f"the values {show(known)} do not all fit the type {type_}"]
    first: dict[tuple[bool, Any], Any] = {}
    for value in known:
        first.setdefault((isinstance(value, bool), value), value)  # 1 equals 1.0, but not true
    unlike = list(first.values())
    count = int(shown[2]) if shown and is_open else len(unlike) + is_open
    total = None if lost and is_open else max(count, len(unlike) + is_open)
    return Choices(tuple(unlike), total, _labels(schema, len(known)) if len(unlike) == len(known) else ()), []


def _labels(schema: Schema, count: int) -> tuple[str | None, ...]:
    labels = schema.get(LABELS)
    if not isinstance(labels, list) or len(labels) != count:
        return ()
    read = tuple(one[:200] if isinstance(one, str) and one.strip() else None for one in labels)
    return read if any(read) else ()


def added_facts(schema: Schema) -> tuple[dict[str, Any], list[str]]:
    """Returns the facts of our own extensions, and the names of extensions whose value is not valid."""
    facts: dict[str, Any] = {}
    wrong = []
    if schema.get("deprecated") is True:
        facts["deprecated"] = True
    if schema.get(AFFECTS_PRICE) is True:
        facts["affects_price"] = True
    if SHAPE in schema:
        shape = schema[SHAPE]
        facts |= {"shape": shape} if isinstance(shape, str) and _TITLE.fullmatch(shape) else {}
        wrong += [] if "shape" in facts else [SHAPE]
    if INFERRED in schema:
        inferred = schema[INFERRED]
        fits = isinstance(inferred, list) and inferred and all(one in _INFERABLE for one in inferred)
        facts |= {"inferred": tuple(dict.fromkeys(inferred))} if fits else {}
        wrong += [] if fits else [INFERRED]
    if FILE in schema:
        file = schema[FILE]
        read = _file(file) if is_mapping(file) and "string" in _listed(schema.get("type")) else {}
        facts |= read
        wrong += [] if read else [FILE]
    return facts, wrong


def _listed(stated: object) -> list[Any]:
    return stated if isinstance(stated, list) else [stated]


def _file(file: Schema) -> dict[str, Any]:
    accepts = file.get("accepts", [])
    fits = isinstance(accepts, list) and all(one in get_args(FileForm) for one in accepts)
    if file.get("kind") not in get_args(File) or not fits:
        return {}
    return {"file": file["kind"], "accepts": tuple(dict.fromkeys(accepts))}


def title_of(schema: Schema, part: Parameter, index: int, taken: Sequence[str]) -> str:
    """Returns the title of a member of a union: its own, else its type, each with a number if it is taken."""
    stated = schema.get("title")
    title = re.sub(r"[^a-z0-9]+", "_", stated.lower()).strip("_")[:30] if isinstance(stated, str) else ""
    own = stated if isinstance(stated, str) and _TITLE.fullmatch(stated) else title
    found = own if _TITLE.fullmatch(own) else part.type
    return found if found not in taken else f"{found}_{index}"
