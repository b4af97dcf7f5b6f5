"""A fact on which a page and its spec disagree, and whether the change breaks callers."""

import re
from collections.abc import Callable, Mapping, Sequence
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
    """A position in a file, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


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


def same(one: Any, two: Any) -> bool:
    """Returns whether two JSON values are equal. True differs from 1, and 1.0 equals 1."""
    if one is ABSENT or two is ABSENT:
        return one is two
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two) and isinstance(one, bool) == isinstance(two, bool)


def likeness(one: str, two: str) -> float:
    """Returns the share (0 to 1) of the shorter text's words that both have. Ignores word endings and short words."""
    first, second = ({word[:5] for word in re.findall(r"\w{3,}", text.lower())} for text in (one, two))
    return len(first & second) / min(len(first), len(second)) if first and second else 1.0


def among(value: Value, values: Sequence[Value]) -> bool:
    """Returns whether a value equals one of the others."""
    return any(same(value, other) for other in values)


def short(one: PageParameter) -> dict[str, Any]:
    """Returns the facts of a page's parameter that fit on a line."""
    return {key: fact.value for key, fact in one.facts.items() if key not in ("description", "sample")}


def short_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the facts of a spec's parameter that fit on a line."""
    return {key: value for key, value in spec.items() if key not in ("description", "note")}


def as_page_facts(spec: Mapping[str, Any]) -> dict[str, Value]:
    """Returns the facts of a spec's parameter under the names that pages use."""
    return {key: spec[key] for key in ("type", "format", "required", "default", "minimum", "maximum") if key in spec}


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


RULES: Final[dict[str, _Rule]] = {
    "required": _required,
    "type": _type,
    "format": _format,
    "default": _default,
    "minimum": _minimum,
    "maximum": _maximum,
}
