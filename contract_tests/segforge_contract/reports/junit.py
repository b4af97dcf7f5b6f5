"""A report as JUnit XML for CI systems, with a test case for each rule on each operation of a model."""

import re
from collections import defaultdict
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from segforge_contract.engine.failure import Failure
from segforge_contract.reports.report import Report
from segforge_contract.reports.text import describe

_SHOWN: Final = 5  # failures of one test case that are described in full
_NO_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Test(NamedTuple):
    """One test case: a rule on an operation of a model, None for the gateway itself."""

    model: str | None
    operation: str
    rule: str


def to_junit(report: Report) -> str:
    """The XML document. A rule without a sent case is marked as skipped."""
    suites: defaultdict[str, list[Element]] = defaultdict(list)
    sent = dict.fromkeys(_Test(point.model, point.operation, point.rule) for point in report.coverage.sent)
    broken: defaultdict[_Test, list[Failure]] = defaultdict(list)
    for failure in report.result.failures:
        broken[_Test(failure.case.model, failure.case.operation, failure.broken.rule)].append(failure)
    planned = (_Test(point.model, point.operation, point.rule) for point in report.coverage.points)
    for test in dict.fromkeys([*planned, *sent, *broken]):
        model = test.model or "gateway"
        element = Element("testcase", classname=f"segforge.{model}.{test.operation}", name=test.rule)
        if test in broken:
            element.append(_failure(broken[test], report))
        elif test not in sent:
            SubElement(element, "skipped", message="no case was sent")
        suites[model].append(element)
    if report.cut_short is not None:
        element = Element("testcase", classname="segforge.campaign", name="runs to its end")
        SubElement(element, "error", message=_xml(report.cut_short))
        suites["campaign"].append(element)
    if report.deviations is not None:
        element = Element("testcase", classname="segforge.campaign", name="known deviations are current")
        if report.outdated:
            SubElement(element, "failure", message=_xml("; ".join(report.outdated)))
        suites["campaign"].append(element)
    return _document(suites, report)


def _failure(failures: list[Failure], report: Report) -> Element:
    first = failures[0]
    words = [describe(each, report.base_url, key_header=report.key_header) for each in failures[:_SHOWN]]
    if len(failures) > _SHOWN:
        words.append(f"and {len(failures) - _SHOWN} more")
    message = f"{first.case.change}: expected {first.broken.expected}, found {first.broken.found}"
    element = Element("failure", type=first.broken.rule, message=_xml(message))
    element.text = _xml("\n\n".join(words))
    return element


def _document(suites: dict[str, list[Element]], report: Report) -> str:
    root = Element("testsuites", name="segforge contract", time=f"{report.result.seconds:.3f}")
    for name, tests in suites.items():
        suite = SubElement(root, "testsuite", {"name": name, **_counts(tests)})
        properties = SubElement(suite, "properties")
        for key, value in (("target", report.base_url), ("seed", str(report.plan.seed))):
            SubElement(properties, "property", name=key, value=_xml(value))
        suite.extend(tests)
    root.attrib |= _counts([test for tests in suites.values() for test in tests])
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, "unicode")}\n'


def _counts(tests: list[Element]) -> dict[str, str]:
    kinds = [child.tag for test in tests for child in test]
    return {
        "tests": str(len(tests)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
    }


def _xml(text: str) -> str:
    """The text without characters that XML 1.0 can't represent: most control characters, and lone surrogates."""
    return _NO_XML.sub("\ufffd", text)
