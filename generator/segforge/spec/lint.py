"""Rules that no schema can hold. Each rule is one function that yields findings about checked data."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from segforge.spec.catalog import Choices, Parameter
from segforge.spec.changes import UNRELEASED
from segforge.spec.finding import Finding
from segforge.spec.identifiers import camel_case, pascal_case, snake_case
from segforge.spec.patterns import EXPECTED, is_bounded
from segforge.spec.printable import HIDDEN, show
from segforge.spec.source import Location, SourceFile
from segforge.spec.values import type_matches, value_violations

Rule: TypeAlias = Callable[[SourceFile], Iterator[Finding]]

CONTROL_TYPES: Mapping[str, tuple[str, ...]] = {
    "aspect_ratio": ("string",),
    "base64": ("boolean",),
    "count": ("integer",),
    "format": ("string",),
    "height": ("integer",),
    "prompt": ("string",),
    "quality": ("integer",),
    "seed": ("integer",),
    "size_from_input": ("boolean",),
    "width": ("integer",),
}
_PORTS = [f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)]
DEVICES = frozenset(["aux", "con", "nul", "prn", *_PORTS])
"""Names that no file may have on Windows: https://learn.microsoft.com/windows/win32/fileio/naming-a-file"""
_VIOLATIONS = ("required", "null", "type", "range", "enum", "format", "balance")


def lint_model(source: SourceFile) -> list[Finding]:
    """All findings about one model file whose data fits the schema."""
    return [finding for rule in _MODEL_RULES for finding in rule(source)]


def lint_gateway(source: SourceFile) -> list[Finding]:
    """All findings about a gateway file whose data fits the schema."""
    return [finding for rule in _GATEWAY_RULES for finding in rule(source)]


def lint_changelog(source: SourceFile) -> list[Finding]:
    """All findings about a change log whose data fits the schema."""
    releases = source.data["releases"]
    pairs = pairwise(enumerate(releases))
    return [*_days(source), *(finding for pair in pairs for finding in _in_order(source, *pair))]


def lint_catalog(models: Iterable[SourceFile]) -> list[Finding]:
    """All findings about several model files together."""
    slugs = {source.data["slug"]: source for source in models}
    findings = []
    for language, naming in _NAMINGS.items():
        for first, second, name in _collisions(slugs, naming):
            findings.append(
                slugs[second].finding(
                    ("slug",),
                    f"collision.{language}",
                    f"{show(second)} and {show(first)} both become {name} in {language}",
                    "names that stay apart",
                    "leave one of the two models out",
                )
            )
    return findings


def slugs_collide(slugs: Sequence[str]) -> bool:
    """Whether `lint_catalog` would find something about models of these slugs."""
    return any(next(_collisions(slugs, naming), None) for naming in _NAMINGS.values())


def _days(source: SourceFile) -> Iterator[Finding]:
    """Each release is open, or has a day that the calendar has; it may lie ahead."""
    import datetime

    for index, release in enumerate(source.data["releases"]):
        try:
            datetime.date.fromisoformat("2000-01-01" if release["date"] == UNRELEASED else release["date"])
        except ValueError:
            mend = "write the day of the release"
            at: Location = ("releases", index, "date")
            yield source.finding(at, "changelog.days", show(release["date"]), "a day of the calendar", mend)


def _in_order(
    source: SourceFile, newer: tuple[int, Mapping[str, str]], older: tuple[int, Mapping[str, str]]
) -> Iterator[Finding]:
    """A release and the one below it: the newest stands first, and only that one may be without a day."""
    at: Location = ("releases", older[0])
    one, two = (tuple(map(int, each[1]["version"].split("."))) for each in (newer, older))
    if one == two:
        found, mend = f"version {older[1]['version']} again", "merge the two, or raise the newer one"
        yield source.finding((*at, "version"), "changelog.order", found, "each version once", mend)
    elif one < two:
        found = f"version {older[1]['version']} below {newer[1]['version']}"
        yield source.finding(
            (*at, "version"), "changelog.order", found, "the newest version first", "sort the releases"
        )
    if UNRELEASED not in (newer[1]["date"], older[1]["date"]) and newer[1]["date"] < older[1]["date"]:
        found = f"{older[1]['version']} of {older[1]['date']} below {newer[1]['version']} of {newer[1]['date']}"
        mend = "correct one of the days"
        yield source.finding((*at, "date"), "changelog.days", found, "no release older than the one below it", mend)
    if older[1]["date"] == UNRELEASED:
        mend = "give it the day of its release, or merge it with the one above"
        yield source.finding(
            (*at, "date"), "changelog.unreleased", "unreleased below another", "only the newest without a day", mend
        )


def _slug_is_file_name(source: SourceFile) -> Iterator[Finding]:
    slug = source.data["slug"]
    if source.path.name != f"{slug}.yaml":
        found = f"slug {show(slug)} in a file called {source.path.name}"
        yield source.finding(("slug",), "slug.file_name", found, f"the file name {slug}.yaml", "rename one of them")


def _slug_is_a_name_everywhere(source: SourceFile) -> Iterator[Finding]:
    """A slug names files, and Windows keeps some names for devices, whatever follows after a dot."""
    slug = source.data["slug"]
    if slug.partition(".")[0] in DEVICES:
        found = f"slug {show(slug)}, which names a device on Windows"
        mend = "leave the model out, for nobody could check out its files there"
        yield source.finding(("slug",), "slug.reserved", found, "a name that files may have", mend)


def _reviewed_is_date(source: SourceFile) -> Iterator[Finding]:
    import datetime

    at: Location = ("source", "reviewed") if "source" in source.data else ("reviewed",)
    text = source.data["source"]["reviewed"] if "source" in source.data else source.data["reviewed"]
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        yield source.finding(
            at, "reviewed.date", show(text), "a day of the calendar, YYYY-MM-DD", "write the day of the review"
        )


def _parameters(source: SourceFile) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    for name, parameter in source.data["parameters"].items():
        yield ("parameters", name), parameter


def _names_are_clean(source: SourceFile) -> Iterator[Finding]:
    for at, _ in _parameters(source):
        name = str(at[-1])
        if not name.isprintable() or name != name.strip() or HIDDEN.search(name):
            expected = "a name that can be seen, without outer spaces"
            yield source.finding(at, "parameter.name", show(name), expected, "rename it", key=True)


def _ranges_make_sense(source: SourceFile) -> Iterator[Finding]:
    for at, parameter in _parameters(source):
        ends = {end: parameter[end] for end in ("minimum", "maximum") if end in parameter}
        if ends and parameter["type"] not in ("integer", "number"):
            found = f"a range on a {parameter['type']}"
            yield source.finding(
                (*at, next(iter(ends))), "range.type", found, "a range on a number", "remove it", key=True
            )
            continue
        if len(ends) == 2 and ends["minimum"] > ends["maximum"]:
            found = f"minimum {ends['minimum']} above maximum {ends['maximum']}"
            yield source.finding((*at, "minimum"), "range.order", found, "minimum <= maximum", "swap them")
        for end, value in ends.items():
            if not type_matches(value, parameter["type"]):
                yield source.finding(
                    (*at, end),
                    "range.type",
                    f"{end} {value} of an integer",
                    "a whole number",
                    "change the end or the type",
                )


def _formats_fit(source: SourceFile) -> Iterator[Finding]:
    for at, parameter in _parameters(source):
        if "format" in parameter and parameter["type"] != "string":
            found = f"format {parameter['format']} on a {parameter['type']}"
            yield source.finding(
                (*at, "format"), "format.type", found, "a string", "change the type or remove the format"
            )


def _enums_make_sense(source: SourceFile) -> Iterator[Finding]:
    for at, parameter in _parameters(source):
        if "enum" not in parameter:
            continue
        known, total = parameter["enum"]["known"], parameter["enum"]["total"]
        unlike = {(type(value), value) for value in known}  # one that stands twice is a finding of its own
        if len(unlike) > total:
            found = f"{len(unlike)} known values of {total}"
            yield source.finding(
                (*at, "enum", "total"),
                "enum.total",
                found,
                "known values no more than the total",
                f"set total: {len(unlike)}",
            )
        seen: list[tuple[type, object]] = []
        for index, value in enumerate(known):
            here = (*at, "enum", "known", index)
            if not type_matches(value, parameter["type"]):
                mend = "quote it" if parameter["type"] == "string" else "change the value or the type"
                yield source.finding(here, "enum.type", show(value), f"a value of type {parameter['type']}", mend)
            if (type(value), value) in seen:
                yield source.finding(here, "enum.duplicate", f"{show(value)} again", "each value once", "remove it")
            seen.append((type(value), value))


def _printed_values_are_valid(source: SourceFile) -> Iterator[Finding]:
    for at, parameter in _parameters(source):
        if "default" in parameter:
            yield from _invalid_value(source, (*at, "default"), "default", parameter, parameter["default"])
        for index, value in enumerate(parameter.get("enum", {}).get("known", ())):
            if type_matches(value, parameter["type"]):
                yield from _invalid_value(source, (*at, "enum", "known", index), "value", parameter, value)


def _example_is_valid(source: SourceFile) -> Iterator[Finding]:
    parameters = source.data["parameters"]
    for name, value in source.data["example"].items():
        at = ("example", name)
        if name not in parameters:
            yield source.finding(
                at,
                "example.unknown",
                f"{show(name)} in the example",
                "a parameter above",
                "add the parameter",
                key=True,
            )
        else:
            yield from _invalid_value(source, at, "example", parameters[name], value)
    for name, parameter in parameters.items():
        if parameter["required"] and name not in source.data["example"]:
            yield source.finding(
                ("example",),
                "example.missing_required",
                f"the example lacks the required parameter {show(name)}",
                "an example that the gateway accepts",
                "keep it if the page's sample has the same gap; callers must add the parameter",
                key=True,
                warning=True,
            )


def _invalid_value(
    source: SourceFile, at: Location, what: str, parameter: Mapping[str, Any], value: object
) -> Iterator[Finding]:
    """Findings about a value that the page prints for a parameter and that the parameter itself rules out.

    Another type is a slip of the spec. A value outside range, set or format is a page that contradicts itself: a
    warning, since both facts are as printed; see `segforge.spec.values` for what follows from it.
    """
    for violation in value_violations(_parameter_of(at, parameter), value):
        family = violation.rule.partition(".")[0]
        found, expected = f"{what} {violation.message}", _EXPECTED_VALUES[family]
        mend = "check both on the page; keep them if it prints both: then the value counts as neither right nor wrong"
        if family == "null":
            found, mend = f"{what} null", "add nullable: true"
        elif family == "type":
            expected = f"a value of type {parameter['type']}"
            mend = "quote it" if parameter["type"] == "string" else "change the value or the type"
        yield source.finding(at, f"{what}.{family}", found, expected, mend, warning=family not in ("null", "type"))


_EXPECTED_VALUES: Mapping[str, str] = {
    "null": "a parameter that allows null",
    "range": "a value within the range",
    "enum": "one of the known values",
    "format": "a value of the parameter's format",
    "type": "",
}


def _parameter_of(at: Location, data: Mapping[str, Any]) -> Parameter:
    """A parameter as far as it decides about values."""
    enum = data.get("enum")
    return Parameter(
        name=str(at[1]),
        type=data["type"],
        required=data["required"],
        description="",
        format=data.get("format") if data["type"] == "string" else None,
        nullable=data.get("nullable", False),
        minimum=data.get("minimum") if data["type"] in ("integer", "number") else None,
        maximum=data.get("maximum") if data["type"] in ("integer", "number") else None,
        choices=Choices(tuple(enum["known"]), enum["total"]) if enum else None,
    )


def _controls_fit(source: SourceFile) -> Iterator[Finding]:
    for control, name in source.data["returns"].get("controls", {}).items():
        at = ("returns", "controls", control)
        parameter = source.data["parameters"].get(name)
        if parameter is None:
            yield source.finding(
                at, "controls.unknown", f"{show(name)}", "the name of a parameter below", "correct the name"
            )
        elif parameter["type"] not in CONTROL_TYPES[control]:
            found = f"{show(name)}, of type {parameter['type']}"
            yield source.finding(
                at,
                "controls.type",
                found,
                f"a parameter of type {' or '.join(CONTROL_TYPES[control])}",
                "name another one",
            )


def _returned_formats_fit(source: SourceFile) -> Iterator[Finding]:
    returns = source.data["returns"]
    formats = returns.get("formats", [])
    if bool(formats) != (returns["media"] == "image"):
        expected = "the formats of its pictures" if returns["media"] == "image" else "no formats"
        yield source.finding(
            ("returns",),
            "returns.formats",
            f"media {returns['media']} with {len(formats)} formats",
            expected,
            "mend formats:",
        )
    control = source.data["parameters"].get(returns.get("controls", {}).get("format"), {})
    known = control.get("enum", {}).get("known")
    if formats and known and set(map(str, known)) != set(formats):
        found = f"formats {show(formats)}"
        yield source.finding(
            ("returns", "formats"),
            "returns.formats",
            found,
            f"the format parameter's values {show(known)}",
            "use those",
        )


def _parameter_names_stay_apart(source: SourceFile) -> Iterator[Finding]:
    for language, naming in _NAMINGS.items():
        for first, second, name in _collisions(source.data["parameters"], naming):
            found = f"{show(second)} and {show(first)} both become {name} in {language}"
            at = ("parameters", second)
            yield source.finding(
                at, f"collision.{language}", found, "names that stay apart", "drop one, if the page allows", key=True
            )


_NAMINGS: Mapping[str, Callable[[str], str]] = {
    "python": lambda name: f"{snake_case(name)} and {pascal_case(name)}",
    "typescript": lambda name: f"{camel_case(name)} and {pascal_case(name)}",
}


def _collisions(names: Iterable[str], naming: Callable[[str], str]) -> Iterator[tuple[str, str, str]]:
    """Pairs of names that a language's naming makes the same: the earlier, the later, what both become."""
    seen: dict[str, str] = {}
    for name in names:
        made = naming(name)
        if made in seen:
            yield seen[made], name, made.split(" and ")[0]
        seen.setdefault(made, name)


def _statuses_are_unique(source: SourceFile) -> Iterator[Finding]:
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


def _states_are_known(source: SourceFile) -> Iterator[Finding]:
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


def _profiles_are_whole(source: SourceFile) -> Iterator[Finding]:
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


def _key_pattern_is_bounded(source: SourceFile) -> Iterator[Finding]:
    """Keys that a caller sends are matched with this pattern, so that none may take it long."""
    at, pattern = ("auth", "key_pattern"), source.data["auth"]["key_pattern"]
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        yield source.finding(at, "auth.pattern", str(error), "a regular expression", "mend the pattern")
        return
    if not is_bounded(pattern):
        yield source.finding(at, "auth.pattern", show(pattern), EXPECTED, "write the pattern in this form")


_MODEL_RULES: tuple[Rule, ...] = (
    _slug_is_file_name,
    _slug_is_a_name_everywhere,
    _reviewed_is_date,
    _names_are_clean,
    _ranges_make_sense,
    _formats_fit,
    _enums_make_sense,
    _printed_values_are_valid,
    _example_is_valid,
    _controls_fit,
    _returned_formats_fit,
    _parameter_names_stay_apart,
)
_GATEWAY_RULES: tuple[Rule, ...] = (
    _reviewed_is_date,
    _statuses_are_unique,
    _states_are_known,
    _profiles_are_whole,
    _key_pattern_is_bounded,
)
