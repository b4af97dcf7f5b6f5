"""A fact on which a page and its spec disagree, and whether the change breaks callers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from segforge.pages.page import Page, PageParameter, Undecided, Value
from segforge.spec.printable import show
from segforge.spec.source import Location

Kind: TypeAlias = Literal["breaking", "compatible", "editorial"]


APPLIED_FROM: Final = 0.75
"""The lowest confidence of a fact that is written. Less certain facts are only reported."""


class NotOnPage:
    """The type of ABSENT, the value of a fact on the side that doesn't state it."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = NotOnPage()


@dataclass(frozen=True)
class Place:
    """A position in a file, line and column from 1. Line 0 means the whole file, which may not exist yet."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Difference:
    """One fact on which page and spec disagree. `rule` names the change from the spec to the page."""

    slug: str
    at: Location
    rule: str
    kind: Kind
    spec: Any
    page: Any
    spec_place: Place
    page_place: Place
    decided: bool
    why: str = ""

    @property
    def path(self) -> str:
        """The path of the fact, such as `parameters.steps.maximum`."""
        return ".".join(map(str, self.at)) or "the spec"

    def to_json(self) -> dict[str, Any]:
        """Returns the difference as a JSON object. A side that states nothing has no key."""
        document: dict[str, Any] = {
            "slug": self.slug,
            "at": list(self.at),
            "rule": self.rule,
            "kind": self.kind,
            "decided": self.decided,
        }
        document |= {key: value for key, value in (("spec", self.spec), ("page", self.page)) if value is not ABSENT}
        document |= {"spec_place": str(self.spec_place), "page_place": str(self.page_place)}
        return document | ({"why": self.why} if self.why else {})


@dataclass(frozen=True)
class Drift:
    """The differences between a page and its spec. `descriptions` are pairs of unlike texts, for a person to judge."""

    page: Page
    slug: str
    differences: tuple[Difference, ...]
    descriptions: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    """The facts that could not be compared, since the page leaves them open. One line each."""

    @property
    def whole(self) -> bool:
        """True if the page was read completely."""
        return not self.page.problems


def readings(doubt: Undecided) -> str:
    """Returns the possible values of an undecided fact, in words."""
    return " or ".join(show(value) for value in doubt.candidates) or "unknown"


def likeness(one: str, two: str) -> float:
    """Returns the share (0 to 1) of the shorter text's words that both have. Ignores word endings and short words."""
    first, second = ({word[:5] for word in re.findall(r"\w{3,}", text.lower())} for text in (one, two))
    return len(first & second) / min(len(first), len(second)) if first and second else 1.0


def short(one: PageParameter) -> dict[str, Any]:
    """Returns the facts of a page's parameter that fit on a line."""
    return {key: fact.value for key, fact in one.facts.items() if key not in ("description", "sample")}


def short_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the facts of a spec's parameter that fit on a line."""
    return {key: value for key, value in spec.items() if key not in ("description", "note")}


def as_page_facts(spec: Mapping[str, Any]) -> dict[str, Value]:
    """Returns the facts of a spec's parameter under the names that pages use. Unknown facts are absent."""
    facts = {key: spec[key] for key in ("format", "required", "default", "minimum", "maximum") if key in spec}
    facts |= {key: True for key in ("deprecated", "affects_price") if spec.get(key)}
    type_ = printed_type(spec)
    facts |= {} if type_ is ABSENT else {"type": type_}
    return {key: value for key, value in facts.items() if key != "required" or value is not None}


def printed_type(spec: Mapping[str, Any]) -> Value:
    """Returns the type of a spec's parameter as pages print it, such as `object[]`. ABSENT if no source states it."""
    if spec.get("any_of"):
        return " | ".join(str(one.get("type", "any")) for one in spec["any_of"])
    if spec.get("type") == "array":
        items = spec.get("items", {}).get("type", "any")
        return "array" if items == "any" else f"{items}[]"
    return ABSENT if spec.get("type", "any") == "any" else spec["type"]


def is_same_type(spec: Value, page: Value) -> bool:
    """Returns whether two printed types agree. A page may leave out the types of items and of a union's members."""
    one, two = (_plain_type(value) for value in (spec, page))
    return one == two or {one, two} <= {"", "union"} or (one.endswith("[]") and two == "array")


def _plain_type(value: Value) -> str:
    text = "" if value is ABSENT else str(value).strip()
    names = {"any": "", "any[]": "array", "list": "array", "array[]": "array"}
    return "union" if "|" in text else names.get(text, text)


def can_hold(type_: Value) -> bool:
    """Returns whether the spec form has a type that a page prints."""
    bare = str(type_).strip()
    while bare.endswith("[]"):
        bare = bare.removesuffix("[]")
    return all(one.strip() in TYPES for one in bare.split("|"))


_Rule: TypeAlias = Callable[[Any, Any], tuple[str, Kind]]


def _required(_: Any, new: Any) -> tuple[str, Kind]:
    return ("required.now", "breaking") if new is True else ("required.no_longer", "compatible")


def _type(old: Any, new: Any) -> tuple[str, Kind]:
    return ("type.widened", "compatible") if (old, new) == ("integer", "number") else ("type.changed", "breaking")


def _format(_: Any, new: Any) -> tuple[str, Kind]:
    return ("format.gone", "compatible") if new is ABSENT else ("format.changed", "breaking")


def _default(_: Any, new: Any) -> tuple[str, Kind]:
    return ("default.gone" if new is ABSENT else "default.changed"), "compatible"


def _minimum(old: Any, new: Any) -> tuple[str, Kind]:
    narrower = new is not ABSENT and (old is ABSENT or new > old)
    return ("range.narrowed", "breaking") if narrower else ("range.widened", "compatible")


def _maximum(old: Any, new: Any) -> tuple[str, Kind]:
    narrower = new is not ABSENT and (old is ABSENT or new < old)
    return ("range.narrowed", "breaking") if narrower else ("range.widened", "compatible")


def _mark(key: str) -> _Rule:
    return lambda _, new: (f"{key}.now" if new is True else f"{key}.no_longer", "editorial")


RULES: Final[dict[str, _Rule]] = {
    "required": _required,
    "type": _type,
    "format": _format,
    "default": _default,
    "minimum": _minimum,
    "maximum": _maximum,
    "deprecated": _mark("deprecated"),
    "affects_price": _mark("affects_price"),
}
"""The facts of a parameter that pages state, each with the rule and the effect of its change."""
TYPES: Final = ("string", "integer", "number", "boolean", "array", "object", "any", "list")
"""The types that pages print and the spec form has."""
