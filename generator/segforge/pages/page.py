"""What a docs page states: plain frozen data, each fact with its place in the source and how sure it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

CERTAIN: Final = 1.0
"""The page labels the fact, or its structure leaves no other reading."""
LIKELY: Final = 0.9
"""The fact follows from the layout's conventions, and nothing on the page speaks against it."""
CONVENTION: Final = 0.7
"""Only a convention says so; another reading is possible though unusual."""

Value: TypeAlias = Any
"""A JSON value. Parameters of LLM pages nest, so that no narrower type holds them."""


@dataclass(frozen=True)
class Span:
    """A place in the source file: offsets in characters from 0, end excluded; line and column from 1."""

    start: int
    end: int
    line: int
    column: int


@dataclass(frozen=True)
class Fact:
    """A value that the page states, where, how sure that is (0 to 1), and why."""

    value: Value
    span: Span
    confidence: float
    why: str


@dataclass(frozen=True)
class Undecided:
    """A fact that the text leaves open: its possible readings (never an absent value), their place and the reason."""

    candidates: tuple[Value, ...]
    span: Span
    why: str


@dataclass(frozen=True)
class PageParameter:
    """One parameter as the page states it.

    `facts` has a key for each thing stated: required, type, format, description, default, minimum, maximum, enum,
    enum_total, sample. `undecided` has a key for each thing that has several readings. `items` are the parameters of
    the objects that this one holds, where the page lists them.
    """

    name: str
    span: Span
    facts: Mapping[str, Fact]
    undecided: Mapping[str, Undecided] = field(default_factory=dict)
    items: tuple["PageParameter", ...] = ()
    text: str = ""
    """What the page prints for it, from its name to the next one's."""

    def get(self, key: str) -> Value:
        """The value of a decided fact, or None."""
        fact = self.facts.get(key)
        return None if fact is None else fact.value

    def to_json(self) -> dict[str, Any]:
        """The parameter as a JSON object; a key is absent where the page states nothing."""
        document: dict[str, Any] = {key: fact.value for key, fact in self.facts.items()}
        if self.undecided:
            document["undecided"] = {key: list(value.candidates) for key, value in self.undecided.items()}
        if self.items:
            document["items"] = {item.name: item.to_json() for item in self.items}
        return document | {"evidence": {"name": _place(self.span), **evidence(self.facts, self.undecided)}}


@dataclass(frozen=True)
class Endpoint:
    """A method and path that the page names; `version` is v1, v2, or None where the path has none."""

    method: str
    path: str
    version: str | None
    span: Span
    times: int = 1
    """How many places of the page name it."""


@dataclass(frozen=True)
class StatusLine:
    """An entry of the page's list of status codes; `code` is None in renderings that lose it."""

    code: int | None
    title: str
    meaning: str | None
    span: Span


@dataclass(frozen=True)
class Page:
    """A docs page that was read.

    `facts` has a key for each thing stated: slug, title, description, typical_seconds, price_usd, returns, sample.
    `problems` says what of the page could not be read; it is empty where the page was read whole.
    `notes` says what was ignored, `samples` are the payloads of all code samples, `uneven` their keys whose values
    stand otherwise than the others', `listing` is the list of parameters as text.
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
    """Of an HTML page, the source from the list of parameters on."""

    @property
    def versions(self) -> tuple[str, ...]:
        """The API versions that the page documents, sorted."""
        return tuple(sorted({endpoint.version for endpoint in self.endpoints if endpoint.version is not None}))

    def get(self, key: str) -> Value:
        """The value of a decided fact of the page, or None."""
        fact = self.facts.get(key)
        return None if fact is None else fact.value

    def undecided_count(self) -> int:
        """How many facts are undecided, those of nested parameters included."""
        return len(self.undecided) + sum(len(parameter.undecided) for parameter in walk(self.parameters))

    def to_json(self) -> dict[str, Any]:
        """The page as a JSON object; a key is absent where the page states nothing."""
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
    """The parameters with those nested in them, each before its items."""
    for parameter in parameters:
        yield parameter
        yield from walk(parameter.items)


def evidence(facts: Mapping[str, Fact], undecided: Mapping[str, Undecided]) -> dict[str, Any]:
    """Place, confidence and reason of each fact, and of each thing that is undecided."""
    document = {
        key: {**_place(fact.span), "confidence": fact.confidence, "why": fact.why} for key, fact in facts.items()
    }
    for key, value in undecided.items():
        document[key] = {**_place(value.span), "confidence": 0, "why": value.why}
    return document


def _place(span: Span) -> dict[str, Any]:
    return {"span": [span.start, span.end], "line": span.line, "column": span.column}
