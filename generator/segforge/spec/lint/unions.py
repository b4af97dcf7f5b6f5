"""Rules about unions: titles that name one member, and members that a reader of a value can tell apart."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from segforge.spec.finding import Finding
from segforge.spec.lint.parameters import known_values
from segforge.spec.lint.rule import each_parameter
from segforge.spec.printable import show
from segforge.spec.source import SourceFile
from segforge.spec.values import is_among


def members_have_own_titles(source: SourceFile) -> Iterator[Finding]:
    """The members of a union have different titles."""
    for at, parameter in each_parameter(source):
        titles = [member.get("title") for member in parameter.get("any_of", ())]
        for index, title in enumerate(titles):
            if title in titles[:index]:
                here, found = (*at, "any_of", index, "title"), f"{show(title)} again"
                yield source.finding(here, "union.title", found, "each title once", "rename one")


def members_can_be_told_apart(source: SourceFile) -> Iterator[Finding]:
    """A value fits one member of a union. If values of two members look the same, that is a warning."""
    for at, parameter in each_parameter(source):
        for (_, one), (index, two) in combinations(enumerate(parameter.get("any_of", ())), 2):
            if not _apart(one, two):
                found = f"values of {show(two.get('title'))} may be values of {show(one.get('title'))}, too"
                expected = "members of different types, formats, sets or keys"
                mend = "merge the two, unless a source has both"
                yield source.finding((*at, "any_of", index), "union.apart", found, expected, mend, warning=True)


def _apart(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    """Returns whether no value, or only an unusual one such as an empty array, fits two parameters."""
    types = {one.get("type", "any"), two.get("type", "any")}
    if "any" in types:
        return False
    if len(types) == 2:
        return types != {"integer", "number"}
    if "array" in types:
        return "items" in one and "items" in two and _apart(one["items"], two["items"])
    if "object" in types:
        return _objects_apart(one, two)
    return one.get("format") != two.get("format") or _sets_apart(one, two)


def _objects_apart(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    """Returns whether each object may require a key that the other one lacks, or a common key differs."""
    first, second = one.get("properties", {}), two.get("properties", {})
    lacking = [
        any(part.get("required") is not False and key not in others for key, part in parts.items())
        for parts, others in ((first, second), (second, first))
    ]
    return all(lacking) or any(_apart(first[key], second[key]) for key in first.keys() & second.keys())


def _sets_apart(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    """Returns whether two parameters have closed sets without a common value."""
    known = [known_values(each) for each in (one, two)]
    closed = all(
        values and each["enum"]["total"] == len(values) for values, each in zip(known, (one, two), strict=True)
    )
    return closed and not any(is_among(value, known[1]) for value in known[0])
