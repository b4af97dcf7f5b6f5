"""Answers of chats as JSON: values that a JSON Schema accepts, as far as it uses common keywords."""

import json
import math
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from segforge.spec.catalog import Json
from segforge_mock.media.asked import PROMPT_CHARACTERS, RESPONSE_FORMAT, Values

_DEPTH: Final = 20
"""Levels of a schema, including those of its references. Deeper parts are null."""
_VALUES: Final = 1_000
"""Values in one answer. Further ones are null."""
_CHARACTERS: Final = 10_000


def structured_answer(values: Values, prompt: str) -> str | None:
    """Returns the answer of a chat whose payload asks for JSON, as text; otherwise None.

    The schema's patterns, formats and conditions are ignored.
    """
    wanted = values.get(RESPONSE_FORMAT)
    kind = wanted.get("type") if isinstance(wanted, Mapping) else None
    said = prompt[:PROMPT_CHARACTERS].encode("utf-8", "replace").decode()
    if kind == "json_object":
        return json.dumps({"answer": said})
    if not isinstance(wanted, Mapping) or kind != "json_schema":
        return None
    named = wanted.get("json_schema")
    schema = named.get("schema") if isinstance(named, Mapping) else None
    return json.dumps(_Example(schema, said).of(schema, 0))


class _Example:
    """An example of a JSON Schema. `text` is what its strings say."""

    def __init__(self, root: Json, text: str) -> None:
        self._root = root
        self._text = text
        self._left = _VALUES

    def of(self, schema: Any, depth: int) -> Any:
        """Returns a value that a schema accepts."""
        self._left -= 1
        if not isinstance(schema, Mapping) or depth > _DEPTH or self._left < 0:
            return None
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("$ref"), str):
            return self.of(self._referred(schema["$ref"]), depth + 1)
        for keyword in ("enum", "anyOf", "oneOf", "allOf"):
            members = schema.get(keyword)
            if isinstance(members, list) and members:
                return members[0] if keyword == "enum" else self.of(members[0], depth + 1)
        return self._typed(schema, depth)

    def _typed(self, schema: Mapping[str, Any], depth: int) -> Any:
        named = schema.get("type")
        kind = named[0] if isinstance(named, list) and named else named
        match kind if isinstance(kind, str) else "object" if "properties" in schema else "null":
            case "object":
                parts = schema.get("properties")
                known = parts.items() if isinstance(parts, Mapping) else ()
                return {name: self.of(part, depth + 1) for name, part in islice(known, _VALUES)}
            case "array":
                count = min(max(_number(schema, "minItems", 1), 0), _number(schema, "maxItems", _VALUES), _VALUES)
                return [self.of(schema.get("items"), depth + 1) for _ in range(count) if self._left > 0]
            case "string":
                shortest = min(_number(schema, "minLength", 0), _CHARACTERS)
                most = max(_number(schema, "maxLength", _CHARACTERS), 0)
                return (self._text or "text").ljust(shortest, ".")[:most]
            case "integer" | "number":
                least = _number(schema, "minimum", _number(schema, "exclusiveMinimum", 0) + 1)
                top = schema.get("maximum")
                return top if isinstance(top, int | float) and top < least else least
            case "boolean":
                return True
            case _:
                return None

    def _referred(self, reference: str) -> Json:
        """Returns the part of the schema that a reference such as `#/$defs/person` names; None if there is none."""
        found = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        return found


def _number(schema: Mapping[str, Any], name: str, default: int) -> int:
    """Returns the value of a keyword, rounded up; the default if it is not a number of a common size."""
    found = schema.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < 2**53:
        return default
    return math.ceil(found)
