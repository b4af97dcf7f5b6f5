"""The facts about one parameter of a model, or about one part of a nested parameter."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
Json: TypeAlias = Any
"""A JSON value: a Scalar, a list of JSON values, or a dict from text to JSON values."""
ParameterType: TypeAlias = Literal["string", "integer", "number", "boolean", "array", "object", "any"]
"""A JSON type. `any` means that no source states the type, or that the members of a union state it."""
File: TypeAlias = Literal["image", "video", "audio", "model3d", "any"]
"""The kind of file that a text stands for."""
FileForm: TypeAlias = Literal["url", "base64", "data_uri", "part"]
"""A form in which a file may be sent. `part` is a part of a multipart body."""

LIMITS: Final = (
    "minimum",
    "exclusive_minimum",
    "maximum",
    "exclusive_maximum",
    "multiple_of",
    "min_length",
    "max_length",
    "min_items",
    "max_items",
)
"""The facts of a parameter that limit numbers, the length of texts or the number of items, in the order of checks."""


class Absent(Enum):
    """A default that the page doesn't print. None means that the page prints null."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True)
class Choices:
    """Allowed values of a parameter: those that the page shows, and the total that it states, None if it states none.

    `labels` holds the label that the page prints beside each known value, None for a value without one. It is empty if
    no value has a label.
    """

    known: tuple[Scalar, ...]
    total: int | None
    labels: tuple[str | None, ...] = ()

    @property
    def open(self) -> bool:
        """Whether the page leaves some values out, so that an unknown value may be valid."""
        return self.total is None or self.total > len(self.known)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a model, under its name in the request body, or one part of a nested parameter.

    `items` are the facts about each item of an array, under the name `items`; `properties` those about the values of an
    object, under their keys. An object without properties may hold anything. `any_of` are the members of a union, named
    by their titles; the type is then `any`. `shape` names the shared shape that the facts come from.

    `required` is None if the page doesn't say it; then the parameter is optional everywhere. An empty description means
    that no source has one. All allowed numbers are multiples of `multiple_of`. Lengths count characters, as Unicode
    code points. `inferred` names the facts that were concluded from a sample.
    `disputed` holds values that the page prints although its own facts exclude them; see `segforge.spec.values`. `note`
    is a curator's remark for maintainers; the clients' docs don't show it.
    """

    name: str
    type: ParameterType
    required: bool | None
    description: str
    format: str | None = None
    nullable: bool = False
    default: Json | Absent = ABSENT
    minimum: int | float | None = None
    maximum: int | float | None = None
    exclusive_minimum: int | float | None = None
    exclusive_maximum: int | float | None = None
    multiple_of: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    choices: Choices | None = None
    items: "Parameter | None" = None
    properties: "tuple[Parameter, ...]" = ()
    any_of: "tuple[Parameter, ...]" = ()
    shape: str | None = None
    file: File | None = None
    accepts: tuple[FileForm, ...] = ()
    deprecated: bool = False
    affects_price: bool = False
    inferred: tuple[str, ...] = ()
    note: str | None = None
    disputed: tuple[Json, ...] = ()

    def __hash__(self) -> int:
        """The hash of name and type, since a default may be a list or a mapping."""
        return hash((self.name, self.type))

    @cached_property
    def limits(self) -> tuple[tuple[str, int | float], ...]:
        """The limits that the parameter has, by name, in the order of `LIMITS`."""
        return tuple((name, end) for name in LIMITS if (end := getattr(self, name)) is not None)

    @property
    def takes_null(self) -> bool:
        """Whether null is accepted: a source states it, or neither a type nor a closed set of values excludes it."""
        unknown = self.type == "any" and not self.any_of and (self.choices is None or self.choices.open)
        return self.nullable or unknown

    @property
    def parts(self) -> "tuple[Parameter, ...]":
        """The nested parts directly below: items, properties, members of a union."""
        return (*([self.items] if self.items is not None else []), *self.properties, *self.any_of)

    def walk(self) -> "Iterator[Parameter]":
        """Yields the parameter and all its nested parts, each before its own parts."""
        yield self
        for part in self.parts:
            yield from part.walk()
