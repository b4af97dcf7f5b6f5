"""What is known to differ from the docs: read, held against a run's failures, and brought up to date."""

import fnmatch
import glob
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from segforge.spec.catalog import Catalog
from segforge.spec.finding import Finding, SpecError
from segforge.spec.load import check_form
from segforge.spec.printable import one_line, show
from segforge.spec.source import Source
from segforge_contract.cases.case import Case
from segforge_contract.engine.failure import Failure
from segforge_contract.messages.curl import curl
from segforge_contract.rules.table import RULES

_FIRST_TERM = timedelta(days=90)
_ANSWER = re.compile(r"\d{3} \S+(?= )")
_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_ON_REFUSALS = ("key.not_echoed", "error.shape", "money.refusal_is_free")
"""The rules about answers that a refusal alone puts to the test; the others need a request that is carried out."""


@dataclass(frozen=True)
class Deviation:
    """One known difference; `where` is its file and line. `observed` is a pattern with * and ?."""

    rule: str
    observed: str
    reason: str
    seen: date
    expires: date
    evidence: str
    where: str
    model: str | None = None
    operation: str | None = None
    parameter: str | None = None

    def covers(self, failure: Failure) -> bool:
        """Whether a failure is this one."""
        return (
            failure.broken.rule == self.rule
            and self._in_scope(failure.case)
            and fnmatch.fnmatchcase(one_line(failure.broken.found), self.observed)
        )

    def tested_by(self, case: Case) -> bool:
        """Whether a case would have shown it."""
        if RULES[self.rule].outcomes:
            return case.rule == self.rule and self._in_scope(case)
        return self._in_scope(case) and (case.accepted or self.rule in _ON_REFUSALS)

    def _in_scope(self, case: Case) -> bool:
        wanted = (self.model, self.operation, self.parameter)
        found = (case.model, case.operation, case.parameter)
        return all(one is None or one == other for one, other in zip(wanted, found, strict=True))

    @property
    def in_words(self) -> str:
        """What it is about, on one line, with file and line."""
        scope = " ".join(part for part in (self.model, self.operation, self.parameter) if part)
        return one_line(f"{self.where}: {self.rule} {scope}: {self.observed} ({self.reason})")


@dataclass(frozen=True)
class Verdict:
    """A run held against the deviations: what is new, what was known, and what has to leave the file."""

    new: tuple[Failure, ...]
    known: tuple[Failure, ...]
    gone: tuple[Deviation, ...]
    expired: tuple[Deviation, ...]

    @property
    def holds(self) -> bool:
        """Whether the run differs from the docs as it is known to, and no more nor less."""
        return not (self.new or self.gone or self.expired)


def load_deviations(file: Path) -> tuple[Deviation, ...]:
    """Read a file of deviations. Raises SpecError with every finding, each with its line."""
    source, findings = check_form(file, "deviations")
    if source is not None and not findings:
        entries: list[dict[str, Any]] = source.data["deviations"]
        findings = [finding for index in range(len(entries)) for finding in _check(source, index)]
    if findings or source is None:
        raise SpecError(findings)
    return tuple(_build(source, index) for index in range(len(source.data["deviations"])))


def check_scopes(deviations: Iterable[Deviation], catalog: Catalog) -> str | None:
    """The first scope that names what the specs don't know, in words: no case could ever show that it is gone."""
    models = {model.slug: model for model in catalog.models}
    for each in deviations:
        if each.model is not None and each.model not in models:
            return f"{each.where}: there is no model {show(each.model)}; there are {', '.join(models)}"
        within = [models[each.model]] if each.model is not None else list(models.values())
        known = list(dict.fromkeys(parameter.name for model in within for parameter in model.parameters))
        if each.parameter is not None and each.parameter not in known:
            return f"{each.where}: there is no parameter {show(each.parameter)}; there are {', '.join(known)}"
    return None


def _check(source: Source, index: int) -> list[Finding]:
    entry, at = source.data["deviations"][index], ("deviations", index)
    findings = []
    if entry["rule"] not in RULES:
        near = ", ".join(name for name in RULES if name.partition(".")[0] == entry["rule"].partition(".")[0])
        mend = f"of this family there are {near}" if near else "see segforge contract rules"
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


def _build(source: Source, index: int) -> Deviation:
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


def hold_against(
    deviations: Sequence[Deviation], failures: Iterable[Failure], sent: Iterable[Case], today: date
) -> Verdict:
    """Sort failures into new and known, and find the deviations that don't occur although `sent` tested for them."""
    new: list[Failure] = []
    known: list[Failure] = []
    seen: set[Deviation] = set()
    for failure in failures:
        covering = [deviation for deviation in deviations if deviation.covers(failure)]
        seen.update(covering)
        (known if covering else new).append(failure)
    cases = tuple(sent)
    gone = [deviation for deviation in deviations if deviation not in seen and any(map(deviation.tested_by, cases))]
    expired = [deviation for deviation in deviations if deviation.expires < today]
    return Verdict(tuple(new), tuple(known), tuple(gone), tuple(expired))


def updated(text: str, deviations: Sequence[Deviation], verdict: Verdict, today: date, base_url: str) -> str:
    """The text of a file of deviations without those that are gone, with the new ones; comments stay.

    One that expired stays as well: to let it pass for longer is a decision, and so a person's.
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
        ("reason", f"not looked into yet; expected {failure.broken.expected}"),
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
    """What a failure found, as a pattern that finds it again: an answer by status and type, other text without ids."""
    text = one_line(found)
    if answer := _ANSWER.match(text):
        return f"{glob.escape(answer[0])} *"
    return "*".join(glob.escape(part) for part in _ID.split(text))
