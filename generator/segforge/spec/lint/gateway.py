"""Rules about `gateway.yaml`: statuses, job states, profiles, the pattern of keys and other routes."""

import re
from collections.abc import Iterator

from segforge.spec.finding import Finding
from segforge.spec.lint.patterns import EXPECTED, is_bounded
from segforge.spec.printable import show
from segforge.spec.source import Location, SourceFile

_VIOLATIONS = ("required", "null", "type", "range", "enum", "format", "balance")


def statuses_are_unique(source: SourceFile) -> Iterator[Finding]:
    """Codes, titles and case names are unique, and each case has either a body or a page."""
    codes: set[int] = set()
    names: set[str] = set()
    titles: set[str] = set()
    for index, status in enumerate(source.data["statuses"]):
        at: Location = ("statuses", index)
        for field, seen in (("code", codes), ("title", titles)):
            if status[field] in seen:
                yield source.finding(
                    (*at, field),
                    f"status.{field}",
                    f"{show(status[field])} again",
                    f"each {field} once",
                    "merge the two",
                )
            seen.add(status[field])
        for number, case in enumerate(status["cases"]):
            here = (*at, "cases", number)
            if case["name"] in names:
                yield source.finding(
                    (*here, "name"), "status.case", f"{show(case['name'])} again", "each case once", "rename it"
                )
            names.add(case["name"])
            if ("body" in case) == ("html" in case):
                yield source.finding(here, "status.body", "both or neither of body and html", "one of them", "keep one")


def states_are_known(source: SourceFile) -> Iterator[Finding]:
    """States are unique, lead to known states, answer with a listed status, and one of them is terminal."""
    lifecycle = source.data["lifecycle"]
    names = [state["name"] for state in lifecycle["states"]]
    codes = {status["code"] for status in source.data["statuses"]}
    for index, state in enumerate(lifecycle["states"]):
        at: Location = ("lifecycle", "states", index)
        if state["name"] in names[:index]:
            yield source.finding(
                (*at, "name"), "state.duplicate", f"{state['name']} again", "each state once", "remove it"
            )
        if state["code"] not in codes:
            yield source.finding(
                (*at, "code"), "state.code", f"{state['code']}", "one of the statuses above", "add the status"
            )
        for number, name in enumerate(state["next"]):
            if name not in names:
                yield source.finding(
                    (*at, "next", number), "state.next", show(name), f"one of {', '.join(names)}", "correct the name"
                )
    if all(state["next"] for state in lifecycle["states"]):
        yield source.finding(
            ("lifecycle", "states"), "state.terminal", "no state without a next one", "a terminal state", "set next: []"
        )


def profiles_are_whole(source: SourceFile) -> Iterator[Finding]:
    """Each profile decides every violation of each version once, by cases that exist."""
    cases = {case["name"] for status in source.data["statuses"] for case in status["cases"]}
    names: set[str] = set()
    for index, profile in enumerate(source.data["profiles"]):
        at: Location = ("profiles", index)
        if profile["name"] in names:
            yield source.finding(
                (*at, "name"), "profile.name", f"{profile['name']} again", "each profile once", "rename it"
            )
        names.add(profile["name"])
        decided: set[tuple[str, str]] = set()
        for number, outcome in enumerate(profile["outcomes"]):
            here = (*at, "outcomes", number)
            for place, case in enumerate(outcome["cases"]):
                if case not in cases:
                    found = f"{show(case)}"
                    yield source.finding(
                        (*here, "cases", place), "profile.case", found, "a status case", "correct the name"
                    )
            pairs = {(version, violation) for version in outcome["versions"] for violation in outcome["violations"]}
            for version, violation in sorted(pairs & decided):
                found = f"{violation} on {version} again"
                yield source.finding(here, "profile.outcome", found, "one outcome each", "remove one")
            decided |= pairs
        for version, violation in sorted({(v, w) for v in ("v1", "v2") for w in _VIOLATIONS} - decided):
            found = f"no outcome of {violation} on {version}"
            yield source.finding((*at, "outcomes"), "profile.outcome", found, "an outcome for each", "add it")


def key_pattern_is_bounded(source: SourceFile) -> Iterator[Finding]:
    """The pattern of keys is matched in linear time, since callers send any text as key."""
    at, pattern = ("auth", "key_pattern"), source.data["auth"]["key_pattern"]
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        yield source.finding(at, "auth.pattern", str(error), "a regular expression", "correct the pattern")
        return
    if not is_bounded(pattern):
        yield source.finding(at, "auth.pattern", show(pattern), EXPECTED, "write the pattern in this form")


def other_routes_are_unique(source: SourceFile) -> Iterator[Finding]:
    """Names of other routes are unique, and so are their methods and URLs together."""
    names: set[str] = set()
    calls: set[tuple[str, str]] = set()
    for index, route in enumerate(source.data.get("other_routes", ())):
        at: Location = ("other_routes", index)
        call = (route["method"], route["url"])
        if route["name"] in names:
            found = f"{show(route['name'])} again"
            yield source.finding((*at, "name"), "other_route.name", found, "each name once", "rename it")
        if call in calls:
            found = f"{call[0]} {show(call[1])} again"
            yield source.finding((*at, "url"), "other_route.url", found, "each method and URL once", "merge the two")
        names.add(route["name"])
        calls.add(call)
