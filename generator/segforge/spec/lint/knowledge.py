"""Rules about where facts come from: quirks, inferred facts, and the facts that each level may state."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from segforge.spec.finding import Finding
from segforge.spec.lint.rule import each_parameter
from segforge.spec.printable import show
from segforge.spec.source import SourceFile
from segforge.spec.values import equal

_OF_MODEL: Final = ("returns", "endpoint", "title")
"""The places of quirks that are about the model as a whole."""
_INDEX: Final = re.compile(r"\[([0-9]+)\]")


def quirks_have_places(source: SourceFile) -> Iterator[Finding]:
    """A quirk is about the model as a whole, the whole sample, or a parameter or one of its parts that exists."""
    for index, quirk in enumerate(source.data.get("quirks", ())):
        place, _, name = quirk["at"].partition(".")
        if name if place in _OF_MODEL else not name and place != "sample":
            found = f"{show(quirk['at'])}, {'with' if name else 'without'} a parameter"
            expected = f"{place} alone" if name else f"{place}. and the name of a parameter"
        elif name and not names_part(source.data["parameters"], name):
            found, expected = show(quirk["at"]), f"the name of a parameter or part below, after {place}."
        else:
            continue
        yield source.finding(("quirks", index, "at"), "quirk.place", found, expected, "correct the place")


def names_part(parameters: Mapping[str, Any], path: str) -> bool:
    """Returns whether a path such as `images[0].uri` names a parameter or part. Names may contain dots."""
    path = _INDEX.sub("", path)
    fitting = [name for name in parameters if path == name or path.startswith(f"{name}.")]
    return any(path == name or names_part(_keys(parameters[name]), path[len(name) + 1 :]) for name in fitting)


def _keys(data: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the properties of an object, of the items of an array, and of the members of a union."""
    found = dict(data.get("properties", {}))
    for part in (*([data["items"]] if "items" in data else ()), *data.get("any_of", ())):
        found = {**_keys(part), **found}
    return found


def quirks_are_not_in_the_example(source: SourceFile) -> Iterator[Finding]:
    """A value of the sample that is a quirk is not part of the example, since examples are sent."""
    for index, quirk in enumerate(source.data.get("quirks", ())):
        place, _, path = quirk["at"].partition(".")
        if place == "sample" and any(equal(quirk["found"], value) for value in _sent(source.data["example"], path)):
            found = f"{show(quirk['found'])} both as a quirk and in the example"
            at, mend = ("quirks", index, "at"), "remove the value from the example, or the quirk"
            yield source.finding(at, "quirk.example", found, "a value in one of them", mend)


def _sent(value: Any, path: str) -> Iterator[Any]:
    """Yields the values of a payload at a path such as `images[0].uri`. Names may contain dots."""
    if not path:
        yield value
    elif isinstance(value, list) and (match := _INDEX.match(path)) is not None:
        if int(match[1]) < len(value):
            yield from _sent(value[int(match[1])], path[match.end() :].removeprefix("."))
    elif isinstance(value, Mapping):
        for name, part in value.items():
            rest = path[len(name) :]
            if path.startswith(name) and (not rest or rest[0] in ".["):
                yield from _sent(part, rest.removeprefix("."))


def quirks_stand_once(source: SourceFile) -> Iterator[Finding]:
    """No quirk repeats another one."""
    seen: list[tuple[str, Any]] = []
    for index, quirk in enumerate(source.data.get("quirks", ())):
        if any(quirk["at"] == at and equal(quirk["found"], found) for at, found in seen):
            here, found = ("quirks", index), f"{show(quirk['at'])} again"
            yield source.finding(here, "quirk.duplicate", found, "each quirk once", "remove it")
        seen.append((quirk["at"], quirk["found"]))


def inferred_facts_are_stated(source: SourceFile) -> Iterator[Finding]:
    """A fact that is marked as inferred is stated, and is not a requirement, since a missing key would be refused."""
    for at, parameter in each_parameter(source):
        for index, fact in enumerate(parameter.get("inferred", ())):
            here = (*at, "inferred", index)
            if fact == "required" and parameter.get("required") is True:
                expected, mend = "a requirement that a source states", "remove required, or the mark"
                yield source.finding(here, "inferred.required", "an inferred required: true", expected, mend)
            elif parameter.get(fact) is None or (fact, parameter[fact]) == ("type", "any"):
                mend = f"add {fact}, or remove it here"
                yield source.finding(here, "inferred.absent", f"{show(fact)} without that fact", "a stated fact", mend)


def partial_facts_stay_open(source: SourceFile) -> Iterator[Finding]:
    """A partial spec that infers a set of values or a size from a sample leaves it open: samples show no limits."""
    if source.data.get("level") != "partial":
        return
    for at, parameter in each_parameter(source):
        total = parameter.get("enum", {}).get("total")
        if "type" in parameter.get("inferred", ()) and total is not None:
            found = f"a set of {total} values with an inferred type"
            expected = "total: null, or a type that a source states"
            mend = "correct one of them, since a page that prints a set prints the type, too"
            yield source.finding((*at, "enum", "total"), "level.set", found, expected, mend)


def labels_differ(source: SourceFile) -> Iterator[Finding]:
    """No two values of a set have the same label. If a page prints one twice, that is a warning."""
    for at, parameter in each_parameter(source):
        seen: set[str] = set()
        for index, value in enumerate(parameter.get("enum", {}).get("known", ())):
            if not isinstance(value, Mapping):
                continue
            if value["label"] in seen:
                here, found = (*at, "enum", "known", index, "label"), f"label {show(value['label'])} again"
                mend = "check it on the page"
                yield source.finding(here, "enum.label", found, "a label of its own", mend, warning=True)
            seen.add(value["label"])
