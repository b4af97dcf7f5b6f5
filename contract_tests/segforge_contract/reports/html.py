"""A report as one HTML page, without scripts or other files, for any browser and as an artifact of CI."""

import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined, Template

from segforge.spec.catalog import Model
from segforge.spec.printable import one_line
from segforge_contract.cases.parts import anywhere
from segforge_contract.engine.failure import Failure
from segforge_contract.findings.coverage import Cell, aspect_of
from segforge_contract.messages.curl import curl
from segforge_contract.reports.report import Report
from segforge_contract.reports.test_snippet import as_test
from segforge_contract.rules.table import RULES, Rule

_SHOWN: Final = 20  # failures of one rule on the page; the JSON report has all of them


@dataclass(frozen=True)
class _Broken:
    """A failure as the page shows it."""

    where: str
    change: str
    expected: str
    found: str
    payload: str | None
    curl: tuple[str, ...]
    test: str
    page: str | None


@dataclass(frozen=True)
class _RuleGroup:
    """The failures of one rule: the first ones, and how many more there are."""

    rule: Rule
    shown: tuple[_Broken, ...]
    rest: int


@dataclass(frozen=True)
class _Mark:
    """A cell of the matrix: its state, its tooltip, and how often one of its rules broke."""

    state: str
    title: str
    broken: int


def render(report: Report) -> str:
    """The page. Text from a server or a spec is escaped, so it can't become markup."""
    sent = Counter(case.rule for case in report.result.sent)
    return _template().render(
        report=report,
        groups=[_group(report, RULES[name], failures) for name, failures in report.by_rule.items()],
        matrices=[(model, _matrix(report, model)) for model in report.plan.models],
        rules=[(rule, sent[rule.name], len(report.by_rule.get(rule.name, ()))) for rule in RULES.values()],
    )


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_visible
    )
    return environment.from_string(files(__package__).joinpath("report.html.jinja").read_text("utf-8"))


def _visible(value: object) -> object:
    """Text with control characters and direction overrides written out, so that they can't mislead the reader."""
    return "\n".join(map(one_line, value.split("\n"))) if type(value) is str else value


def _group(report: Report, rule: Rule, failures: list[Failure]) -> _RuleGroup:
    shown = tuple(_broken(report, failure) for failure in failures[:_SHOWN])
    return _RuleGroup(rule, shown, len(failures) - len(shown))


def _broken(report: Report, failure: Failure) -> _Broken:
    case, broken = failure.case, failure.broken
    payload = None if case.payload is None else json.dumps(dict(case.payload), indent=2, ensure_ascii=False)
    return _Broken(
        " ".join(part for part in (case.model, case.operation) if part) or "gateway",
        case.change,
        broken.expected,
        broken.found,
        payload,
        tuple(curl(request, report.base_url, key_header=report.key_header) for request in failure.requests),
        as_test(failure),
        None if case.model is None else _link(report.plan.catalog.model(case.model).source.url),
    )


def _link(url: str) -> str | None:
    """The URL if it is safe to follow."""
    return url if url.startswith(("https://", "http://")) else None


def _matrix(report: Report, model: Model) -> list[tuple[str, list[_Mark | None]]]:
    """Each parameter and part with its cells, in the order of the columns; None for an aspect it doesn't have."""
    broken = Counter(
        (anywhere(failure.case.parameter or ""), aspect_of(failure.case.rule))
        for failure in report.result.failures
        if failure.case.model == model.slug
    )
    rows = []
    for place in report.coverage.places(model):
        cells = report.coverage.row(model, place)
        marks = [
            _mark(cells[aspect], broken[place, aspect]) if aspect in cells else None
            for aspect in report.coverage.aspects
        ]
        rows.append((place, marks))
    return rows


def _mark(cell: Cell, broken: int) -> _Mark:
    sent = "\n".join(f"{'sent' if point in cell.sent else 'NOT SENT'}  {point.in_words}" for point in cell.points)
    return _Mark(cell.state, sent, broken)
