"""Reads the schemas of an OpenAPI document: follows references and merges `allOf`.

A document may be any JSON. References to other documents are never fetched. Steps are counted, so that circular
references, and references that multiply, end. Each parameter, each model and the document have a limit of their own, so
that a schema that multiplies spoils neither its neighbours nor the time of the whole.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeGuard
from urllib.parse import unquote

from segforge.spec.printable import show

Place: TypeAlias = tuple[str, ...]
"""The keys and indices that lead to a value of the document."""
Schema: TypeAlias = Mapping[str, Any]
Note: TypeAlias = tuple[str, str]
"""A key of the draft, and the question to decide there."""

MAX_STEPS: Final = 1_000
"""The steps for one parameter, or for another part of an operation. Each schema and each reference is a step."""
MAX_MODEL_STEPS: Final = 10_000
MAX_DOCUMENT_STEPS: Final = 250_000
"""The steps for a whole document. They take about half a minute."""
_PER_STEP: Final = 100
"""The entries of a schema, and of its own lists and objects, that count as one more step; 100 characters are one."""
_MAX_NESTED: Final = 30
_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
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


class TooLarge(Exception):
    """The steps of a part of the document are used up. `Schemas.within` turns it into NotHeld."""


@dataclass(frozen=True)
class _Limit:
    """The number of steps at which reading ends, and the text that says so."""

    steps: float
    text: str


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
    """The schemas of one document. `steps` counts what was read of it so far."""

    document: Schema
    steps: int = field(default=0)
    _limit: _Limit = field(default=_Limit(math.inf, "any number of schemas"))

    @contextmanager
    def within(self, at: Place, part: str = "this part", most: int = MAX_STEPS) -> Iterator[None]:
        """Limits the steps for a part of the document. Raises NotHeld with its place if a limit is exceeded."""
        outer = self._limit
        own = _Limit(self.steps + most, f"{most:,} schemas in {part}")
        self._limit = min(own, outer, key=lambda one: one.steps)
        try:
            yield
        except TooLarge as error:
            raise NotHeld(at, str(error), kind="large schema") from None
        finally:
            self._limit = outer

    def whole(self, value: object, at: Place, nested: int = 0) -> Schema:
        """Returns a schema or another object with its reference followed and its `allOf` merged.

        Raises NotHeld if a reference has no target or is circular, or if parts of `allOf` contradict each other.
        """
        schema = self.followed(value, at, nested)
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

    def followed(self, value: object, at: Place, nested: int = 0) -> Schema:
        """Returns an object with its reference followed. Keys beside the reference override those of the target."""
        schema = expect_mapping(value, at)
        beside: dict[str, Any] = {}
        seen: set[str] = set()
        while "$ref" in schema:
            reference = schema["$ref"]
            beside = {key: item for key, item in schema.items() if key != "$ref"} | beside
            self._step(schema, at, nested)
            if not isinstance(reference, str):
                raise NotHeld(
                    (*at, "$ref"), f"found {show(reference)}; expected a reference such as #/components/schemas/X"
                )
            if reference in seen:
                raise NotHeld(at, f"the reference {show(reference)} is circular")
            seen.add(reference)
            schema = expect_mapping(self._target(reference, at), (*at, "$ref"))
        self._step(schema, at, nested)
        return {**schema, **beside} if beside else schema

    def _step(self, schema: Schema, at: Place, nested: int) -> None:
        values = [value for value in schema.values() if isinstance(value, list | dict | str)]
        size = len(schema) + sum(len(value) // (_PER_STEP if isinstance(value, str) else 1) for value in values)
        self.steps += 1 + size // _PER_STEP
        if self.steps > self._limit.steps:
            raise TooLarge(f"more than {self._limit.text}, counted at each use; expected fewer")
        if nested > _MAX_NESTED:
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
