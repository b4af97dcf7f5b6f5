"""The lines of the specs that failures are about, and failures as findings at these lines."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from segforge.spec.finding import Finding
from segforge.spec.inputs import GATEWAY_FILE, MODELS_FOLDER, default_specs, display
from segforge.spec.printable import shortened
from segforge.spec.source import Location, SourceFile, read_source
from segforge_contract.cases.parts import anywhere
from segforge_contract.engine.failure import Failure
from segforge_contract.reports.report import Report
from segforge_contract.rules.table import RULES

_MOST_TEXT: Final = 600

_FACTS: Final = {
    "range.below": "minimum",
    "range.at_minimum": "minimum",
    "range.above": "maximum",
    "range.at_maximum": "maximum",
    "range.off_step": "multiple_of",
    "range.too_short": "min_length",
    "range.at_shortest": "min_length",
    "range.too_long": "max_length",
    "range.at_longest": "max_length",
    "range.too_few": "min_items",
    "range.at_fewest": "min_items",
    "range.too_many": "max_items",
    "range.at_most": "max_items",
    "type.no_member": "any_of",
    "union": "any_of",
    "enum": "enum",
    "required": "required",
    "optional": "required",
    "null": "nullable",
    "default": "default",
    "format": "format",
    "type": "type",
    "boolean": "type",
}
"""The fact of a parameter behind a rule, by the rule's name or its first word."""

_OF_MODEL: Final[dict[str, Location]] = {
    "condition": ("conditions",),
    "payload": ("example",),
    "bytes": ("returns",),
    "base64": ("returns",),
    "json": ("returns",),
    "text": ("returns",),
    "seed": ("returns", "controls"),
}
"""The part of a model's file behind a rule without a parameter, by the first word of the rule's name."""

_OF_GATEWAY: Final[dict[str, Location]] = {
    "auth": ("auth",),
    "key": ("auth",),
    "headers": ("headers",),
    "content_type": ("content_types",),
    "job": ("lifecycle",),
    "output": ("routes", "poll"),
    "method": ("routes",),
    "money": ("routes", "credits"),
}
"""The part of the gateway's file behind a rule, by the first word of the rule's name; otherwise the statuses."""

_Key: TypeAlias = tuple[str, str | None, str, str | None]


def findings(report: Report) -> Iterator[Finding]:
    """Yields a finding for each rule, model, operation and parameter that failed, and for each outdated deviation."""
    groups: defaultdict[_Key, list[Failure]] = defaultdict(list)
    for failures in report.by_rule.values():
        for failure in failures:
            case = failure.case
            place = None if case.parameter is None else anywhere(case.parameter)
            groups[failure.broken.rule, case.model, case.operation, place].append(failure)
    locate = locator(report.specs)
    for group in groups.values():
        yield _finding(group, locate)
    if report.deviations is None:
        return
    for end, outdated, mend in (
        ("gone", report.deviations.gone, "remove the entry, or run again with --update-deviations"),
        ("expired", report.deviations.expired, "check the gateway, and remove the entry or set a later day"),
    ):
        for deviation in outdated:
            file, _, line = deviation.where.rpartition(":")
            number = int(line) if line.isdecimal() else 0
            words, rule = f"{deviation.rule}: {deviation.observed}", f"deviation.{end}"
            yield Finding(file, number, 0, rule, words, "a deviation that occurs and has not expired", mend)


def _finding(group: list[Failure], locate: "Callable[[Failure], Finding]") -> Finding:
    first = group[0]
    case, broken, rule = first.case, first.broken, RULES[first.broken.rule]
    where = " ".join(part for part in (case.model, case.operation) if part)
    more = f" (and {len(group) - 1} more like this)" if len(group) > 1 else ""
    place = locate(first)
    return Finding(
        place.file,
        place.line,
        place.column,
        rule.name,
        shortened(f"{where}: {case.change}: found {broken.found}{more}", _MOST_TEXT),
        shortened(broken.expected, _MOST_TEXT),
        f"the docs promise that {rule.promise} ({rule.source})",
    )


def locator(specs: Path | None) -> Callable[[Failure], Finding]:
    """Returns a function that returns the place of a failure. Each file is read once, when it is first needed."""
    folder = specs or default_specs()

    @cache
    def source(name: str) -> SourceFile | None:
        path = folder / name
        return read_source(path, display(path))[0]

    def locate(failure: Failure) -> Finding:
        name, location = _location(failure)
        read = source(name)
        if read is None:
            return Finding(display(folder / name), 0, 0, failure.broken.rule, "", "", "")
        return _nearest(read, location, failure.broken.rule)

    return locate


def _nearest(source: SourceFile, location: Location, rule: str) -> Finding:
    """Returns the position of the key at a location, or of the nearest key or item around it."""
    while location and location not in source.keys and location not in source.values:
        location = location[:-1]
    return source.finding(location, rule, "", "", "", key=location in source.keys)


def _location(failure: Failure) -> tuple[str, Location]:
    """Returns the name of the file of the specs behind a failure, and the place in it."""
    case, rule = failure.case, failure.broken.rule
    family = rule.partition(".")[0]
    model = None if case.model is None else f"{MODELS_FOLDER}/{case.model}.yaml"
    if model is not None and case.parameter is not None and rule == case.rule:
        if family == "condition":
            return model, _OF_MODEL[family]
        fact = _FACTS.get(rule) or _FACTS.get(family)
        return model, (*_parameter(case.parameter), *((fact,) if fact else ()))
    if model is not None and family in _OF_MODEL:
        return model, _OF_MODEL[family]
    if model is not None and RULES[rule].family == "parameter":
        return model, ("parameters",)
    return GATEWAY_FILE, _OF_GATEWAY.get(family, ("statuses",))


def _parameter(place: str) -> Location:
    """Returns the location of the spec of a part, such as `images[0].uri`. Names with dots end at the nearest part."""
    name, *parts = re.findall(r"\[\d*\]|[^.\[\]]+", place) or [place]
    location: list[str] = ["parameters", name]
    for part in parts:
        location += ["items"] if part.startswith("[") else ["properties", part]
    return tuple(location)
