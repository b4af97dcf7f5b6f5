"""A report as JUnit XML for CI systems, with a test case for each rule on each operation of a model."""

import re
from collections import defaultdict
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from segforge_contract.reports.report import Report
from segforge_contract.reports.results import CAMPAIGN, RuleResult, results

_NO_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """The XML document. A rule without a sent case is marked as skipped."""
    suites: defaultdict[str, list[Element]] = defaultdict(list)
    for result in results(report):
        suites[result.suite].append(_test(result))
    return _document(suites, report)


def _test(result: RuleResult) -> Element:
    place = CAMPAIGN if result.operation is None else f"{result.suite}.{result.operation}"
    element = Element("testcase", classname=f"segforge.{place}", name=result.name)
    if result.state == "passed":
        return element
    kind = {"failed": "failure", "error": "error", "skipped": "skipped"}[result.state]
    child = SubElement(element, kind, message=_xml(result.message))
    if result.failures:
        child.set("type", result.name)
        child.text = _xml(result.details)
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
