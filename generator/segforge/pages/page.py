"""The facts of a docs page as frozen data, each with its place in the source and its confidence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

CERTAIN: Final = 1.0
"""The page labels the fact, or its structure leaves no other reading."""
LIKELY: Final = 0.9
"""The fact follows from the layout's conventions, and nothing on the page contradicts it."""
CONVENTION: Final = 0.7
"""The fact follows from a convention alone. Another reading is possible but unusual."""

Value: TypeAlias = Any
"""A JSON value. Parameters of LLM pages are nested, so no narrower type fits them."""


@dataclass(frozen=True)
class Span:
    """A place in the source file: offsets in characters from 0 (end excluded), line and column from 1."""

    start: int
    end: int
    line: int
    column: int


@dataclass(frozen=True)
class Fact:
    """A value that the page states, with its place, its confidence (0 to 1) and the reason for the confidence."""

    value: Value
    span: Span
    confidence: float
    why: str


@dataclass(frozen=True)
class Undecided:
    """A fact that the text leaves open: its possible readings (never an absent value), its place and the reason."""

    candidates: tuple[Value, ...]
    span: Span
    why: str


@dataclass(frozen=True)
class PageParameter:
    """One parameter on a page.

    `facts` has a key for each stated fact: required, type (as printed, such as `string[]` or `any | any`), format,
    description, default, minimum, maximum, enum, enum_total, enum_labels, deprecated, affects_price, file, accepts,
    sample. `undecided` has a key for each fact with several readings; `parent` if the parameter may be part of another.
    `items` are the nested parameters: the keys of the objects that this parameter is or contains. `members` are those
    of a union, each under its title.
    """

    name: str
    span: Span
    facts: Mapping[str, Fact]
    undecided: Mapping[str, Undecided] = field(default_factory=dict)
    items: tuple["PageParameter", ...] = ()
    members: tuple["PageParameter", ...] = ()
    text: str = ""
    """The page's text from this parameter's name to the next one's."""

    def get(self, key: str) -> Value:
        """Returns the value of a decided fact, or None."""
        fact = self.facts.get(key)
        return None if fact is None else fact.value

    def to_json(self) -> dict[str, Any]:
        """Returns the parameter as a JSON object. Facts that the page doesn't state have no key."""
        document: dict[str, Any] = {key: fact.value for key, fact in self.facts.items()}
        if self.undecided:
            document["undecided"] = {key: list(value.candidates) for key, value in self.undecided.items()}
        if self.items:
            document["items"] = {item.name: item.to_json() for item in self.items}
        if self.members:
            document["members"] = {member.name: member.to_json() for member in self.members}
        return document | {"evidence": {"name": _place(self.span), **evidence(self.facts, self.undecided)}}


@dataclass(frozen=True)
class Endpoint:
    """A method and path that the page names. `version` is v1 or v2, or None if the path has no version."""

    method: str
    path: str
    version: str | None
    span: Span
    times: int = 1
    """The number of places on the page that name it."""


@dataclass(frozen=True)
class StatusLine:
    """An entry of the page's list of status codes. `code` is None in renderings that lose it."""

    code: int | None
    title: str
    meaning: str | None
    span: Span


@dataclass(frozen=True)
class Page:
    """The facts read from a docs page.

    `facts` has a key for each stated fact: slug, title, description, typical_seconds, price, returns, auth, encodings,
    sample. The price, auth and encodings are in the form of a spec.
    `problems` names the parts that could not be read, and is empty if the page was read completely. `notes` names the
    characters that were ignored. `samples` has the payloads of all code samples, and `uneven` the keys whose values are
    spaced or written differently from the others. `listing` is the list of parameters as text.
    """

    name: str
    layout: str
    facts: Mapping[str, Fact]
    endpoints: tuple[Endpoint, ...]
    parameters: tuple[PageParameter, ...]
    statuses: tuple[StatusLine, ...]
    v2_section: bool
    undecided: Mapping[str, Undecided]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    samples: tuple[Mapping[str, Value], ...] = ()
    uneven: frozenset[str] = frozenset()
    listing: str = ""
    source: str = ""
    """The source from the list of parameters on, for an HTML page. Empty for text."""

    @property
    def versions(self) -> tuple[str, ...]:
        """The API versions that the page documents, sorted."""
        return tuple(sorted({endpoint.version for endpoint in self.endpoints if endpoint.version is not None}))

    def get(self, key: str) -> Value:
        """Returns the value of a decided fact of the page, or None."""
        fact = self.facts.get(key)
        return None if fact is None else fact.value

    def undecided_count(self) -> int:
        """Returns the number of undecided facts, including those of nested parameters."""
        return len(self.undecided) + sum(len(parameter.undecided) for parameter in walk(self.parameters))

    def to_json(self) -> dict[str, Any]:
        """Returns the page as a JSON object. Facts that the page doesn't state have no key."""
        document: dict[str, Any] = {"file": self.name, "layout": self.layout}
        document |= {key: fact.value for key, fact in self.facts.items()}
        document["versions"] = list(self.versions)
        document["endpoints"] = [
            {
                "method": one.method,
                "path": one.path,
                **({"version": one.version} if one.version else {}),
                **_place(one.span),
            }
            for one in self.endpoints
        ]
        document["parameters"] = {parameter.name: parameter.to_json() for parameter in self.parameters}
        document["statuses"] = [
            {
                key: value
                for key, value in (("code", one.code), ("title", one.title), ("meaning", one.meaning))
                if value is not None
            }
            for one in self.statuses
        ]
        document["v2_section"] = self.v2_section
        if self.undecided:
            document["undecided"] = {key: list(value.candidates) for key, value in self.undecided.items()}
        document["read_whole"] = not self.problems
        document["problems"] = list(self.problems)
        document["notes"] = list(self.notes)
        return document | {"evidence": evidence(self.facts, self.undecided)}


def walk(parameters: tuple[PageParameter, ...]) -> Iterator[PageParameter]:
    """Yields parameters and their nested parameters, each before its parts."""
    for parameter in parameters:
        yield parameter
        yield from walk(parameter.items)
        yield from walk(parameter.members)


def evidence(facts: Mapping[str, Fact], undecided: Mapping[str, Undecided]) -> dict[str, Any]:
    """Returns the place, confidence and reason of each fact by key. An undecided fact has confidence 0."""
    document = {
        key: {**_place(fact.span), "confidence": fact.confidence, "why": fact.why} for key, fact in facts.items()
    }
    for key, value in undecided.items():
        document[key] = {**_place(value.span), "confidence": 0, "why": value.why}
    return document


def _place(span: Span) -> dict[str, Any]:
    return {"span": [span.start, span.end], "line": span.line, "column": span.column}
