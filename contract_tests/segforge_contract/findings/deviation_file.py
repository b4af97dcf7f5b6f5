"""The YAML file of known deviations: reads it, checks it, and updates it from a run."""

import glob
import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from segforge.spec.catalog import Catalog
from segforge.spec.finding import Finding, SpecError
from segforge.spec.load import check_form
from segforge.spec.printable import one_line, show
from segforge.spec.source import SourceFile
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.selection import model_hint
from segforge_contract.findings.known import Deviation, Verdict
from segforge_contract.messages.curl import curl
from segforge_contract.rules.table import RULES

EMPTY_FILE = """\
# Known deviations of the gateway from its docs. The schema explains each field.
# `segforge contract --deviations FILE` fails on deviations that aren't listed, no longer occur, or have expired.
deviations: []
"""
"""The text of a new file."""

_FIRST_TERM = timedelta(days=90)
_ANSWER = re.compile(r"\d{3} \S+(?= )")
_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")


def load_deviations(file: Path) -> tuple[Deviation, ...]:
    """Reads a file of deviations. Raises SpecError with every finding and its line."""
    source, findings = check_form(file, "deviations")
    if source is not None and not findings:
        entries: list[dict[str, Any]] = source.data["deviations"]
        findings = [finding for index in range(len(entries)) for finding in _check(source, index)]
    if findings or source is None:
        raise SpecError(findings)
    return tuple(_build(source, index) for index in range(len(source.data["deviations"])))


def check_scopes(deviations: Iterable[Deviation], catalog: Catalog) -> str | None:
    """Describes the first scope that names a model or parameter the specs don't have. No case could ever test it."""
    models = {model.slug: model for model in catalog.models}
    for each in deviations:
        if each.model is not None and each.model not in models:
            return f"{each.where}: unknown model {show(each.model)}; {model_hint(each.model, list(models))}"
        within = [models[each.model]] if each.model is not None else list(models.values())
        known = list(dict.fromkeys(parameter.name for model in within for parameter in model.parameters))
        if each.parameter is not None and each.parameter not in known:
            return f"{each.where}: unknown parameter {show(each.parameter)}; expected one of {', '.join(known)}"
    return None


def _check(source: SourceFile, index: int) -> list[Finding]:
    entry, at = source.data["deviations"][index], ("deviations", index)
    findings = []
    if entry["rule"] not in RULES:
        near = ", ".join(name for name in RULES if name.partition(".")[0] == entry["rule"].partition(".")[0])
        mend = f"rules of this family: {near}" if near else "`segforge contract rules` lists all rules"
        findings.append(
            source.finding((*at, "rule"), "deviation.rule", show(entry["rule"]), "the name of a rule", mend)
        )
    for name in ("date", "expires"):
        try:
            date.fromisoformat(entry[name])
        except ValueError:
            findings.append(
                source.finding((*at, name), "deviation.date", show(entry[name]), "a day", "write it as 2026-11-21")
            )
    if not findings and entry["expires"] < entry["date"]:
        findings.append(
            source.finding(
                (*at, "expires"), "deviation.date", show(entry["expires"]), f"a day from {entry['date']}", "change it"
            )
        )
    return findings


def _build(source: SourceFile, index: int) -> Deviation:
    entry = source.data["deviations"][index]
    place = source.finding(("deviations", index), "", "", "", "")
    return Deviation(
        entry["rule"],
        entry["observed"],
        entry["reason"],
        date.fromisoformat(entry["date"]),
        date.fromisoformat(entry["expires"]),
        entry["evidence"],
        f"{place.file}:{place.line}",
        **entry["scope"],
    )


def updated(text: str, deviations: Sequence[Deviation], verdict: Verdict, today: date, base_url: str) -> str:
    """The text of a file with new deviations added and those that no longer occur removed. Comments are kept.

    Expired entries are kept too: a person must decide whether to extend them.
    """
    from segforge.spec.yaml_edit import load, remove

    found = {_entry(failure, today, base_url)[:3]: failure for failure in reversed(verdict.new)}  # the first of each
    entries = [_entry(failure, today, base_url) for failure in reversed(found.values())]
    if entries:
        items = load(text)["deviations"]
        indent = int(items.lc.item(0)[1]) - 2 if items else 2
        text = re.sub(r"\s*(\[\])?\s*\Z", "\n", text) + "".join(_item(entry, indent) for entry in entries)
    for index in reversed(range(len(deviations))):
        if deviations[index] in verdict.gone:
            text = remove(text, ("deviations", index))
    return text


def _entry(failure: Failure, today: date, base_url: str) -> tuple[tuple[str, str | tuple[tuple[str, str], ...]], ...]:
    case = failure.case
    scope = (("model", case.model), ("operation", case.operation), ("parameter", case.parameter))
    return (
        ("rule", failure.broken.rule),
        ("scope", tuple((name, value) for name, value in scope if value is not None)),
        ("observed", pattern(failure.broken.found)),
        ("reason", f"not investigated yet; expected {failure.broken.expected}"),
        ("date", today.isoformat()),
        ("expires", (today + _FIRST_TERM).isoformat()),
        ("evidence", curl(failure.requests[0], base_url)),
    )


def _item(entry: Iterable[tuple[str, str | tuple[tuple[str, str], ...]]], indent: int) -> str:
    from segforge.spec.yaml_text import dump, mapping, scalar

    fields: dict[str, Any] = {}
    for name, value in entry:
        if isinstance(value, str):
            fields[name] = scalar(one_line(value))
        else:
            fields[name] = mapping({key: scalar(one_line(text)) for key, text in value}, flow=True)
    lines = dump(mapping(fields)).splitlines(keepends=True)
    return "".join(" " * indent + ("  " if number else "- ") + line for number, line in enumerate(lines))


def pattern(found: str) -> str:
    """A pattern that matches what a failure found: an answer's status and type, or other text without its ids."""
    text = one_line(found)
    if answer := _ANSWER.match(text):
        return f"{glob.escape(answer[0])} *"
    return "*".join(glob.escape(part) for part in _ID.split(text))
