"""The type of a rule, and the rule that models and the gateway share."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from segforge.spec.finding import Finding
from segforge.spec.printable import show
from segforge.spec.source import Location, SourceFile

Rule: TypeAlias = Callable[[SourceFile], Iterator[Finding]]


def reviewed_is_date(source: SourceFile) -> Iterator[Finding]:
    """The date of the last review exists in the calendar."""
    import datetime

    at: Location = ("source", "reviewed") if "source" in source.data else ("reviewed",)
    text = source.data["source"]["reviewed"] if "source" in source.data else source.data["reviewed"]
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        yield source.finding(at, "reviewed.date", show(text), "a date, YYYY-MM-DD", "write the date of the review")


def each_parameter(source: SourceFile) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    """Yields the data of each parameter and of all its parts, with its location. Of a shape, these are its facts."""
    if "facts" in source.data:
        yield from _each_part(("facts",), source.data["facts"])
        return
    for name, parameter in source.data["parameters"].items():
        yield from _each_part(("parameters", name), parameter)


def _each_part(at: Location, data: Mapping[str, Any]) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    yield at, data
    if "items" in data:
        yield from _each_part((*at, "items"), data["items"])
    for name, part in data.get("properties", {}).items():
        yield from _each_part((*at, "properties", name), part)
    for index, member in enumerate(data.get("any_of", ())):
        yield from _each_part((*at, "any_of", index), member)
