"""Explains the rules: the reason for each, the expected statuses under each profile, and an example."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from segforge.spec.catalog import Catalog, Gateway, Model, Profile, Version
from segforge_contract.cases.case import OPERATIONS, Case, expected, promised
from segforge_contract.cases.tables import deterministic_cases
from segforge_contract.rules.table import ACCEPTED, ANSWERED, JOB_FAILED, REFUSED, RULES, Family, Rule

WHY: Final[Mapping[str, str]] = {
    "auth": "a gateway that accepts any key bills the wrong account, or shows one caller's jobs to another",
    "base64": "callers that request base64 decode the result without checking, and fail later without a clear cause",
    "body": "if servers disagree about which bodies are valid, a client may work with one and fail with another",
    "boolean": "a form needs both values of a switch to be accepted",
    "bytes": "callers pay for the file, and often notice a wrong format, a wrong size or a truncated file too late",
    "condition": "callers combine parameters as the page says, and pay for a combination that has no effect",
    "content_type": "proxies and clients add or remove this header, so the gateway must treat it consistently",
    "default": "callers omit a parameter to get its default; another value changes every image",
    "enum": "callers show the listed values in a menu: each must work, and a misspelt one must be reported",
    "error": "clients show the text of an error and retry by its status; both need the documented form",
    "format": "a text that is no URL fails only when the model fetches it, after a wait that may cost money",
    "headers": "v1 states the cost of a call, the remaining credits and the seed in headers only",
    "job": "clients poll by these states and URLs only; a wrong one loses a job, or makes a client poll forever",
    "json": "clients parse every answer that is labelled as JSON",
    "key": "answers end up in logs and bug reports",
    "method": "crawlers call routes with other methods, which must not start a billed call",
    "model": "a retired or misspelt slug must be distinguishable from a failure",
    "money": "every caller pays by these figures, and an error shows only on the bill",
    "null": "clients send null for fields that the user left empty; treating it as a value hides that",
    "number": "a number too large for the server must be refused, not cause an internal error",
    "optional": "most callers omit a parameter that the page calls optional",
    "order": "the order of the checks decides which mistake a caller learns about first",
    "output": "older clients still use the old poll URL",
    "payload": "a payload that the page allows must be accepted as a whole",
    "prompt": "callers pay for what they describe, and a prompt that is dropped shows only to the eye",
    "quality": "callers choose between size and quality; a value without effect costs space or detail",
    "range": "a bound that is off by one refuses an allowed value, or accepts an untested one",
    "rate": "clients wait for as long as the refusal says",
    "request": "an unknown or expired job must be distinguishable from one that runs",
    "required": "if a missing value is silently filled in, the caller pays for an image they didn't ask for",
    "seed": "a seed reproduces a result, and another seed varies it",
    "text": "people type prompts in every script, and paste them from anywhere",
    "type": "a value that is cast works until the cast changes; the gateway must check what the page states",
    "union": "callers choose one of the printed forms, and each must work",
    "unknown": "old clients send parameters that a newer gateway dropped, and new clients send parameters it lacks",
}
"""Why a rule is worth a request, by the first word of its name."""

HOW: Final[Mapping[Family, str]] = {
    "parameter": "each model and version receives the page's sample with this one change",
    "request": "each route receives the page's sample with this one change to the request around it",
    "answer": "every answer of this kind is checked, whichever request caused it",
    "job": "each job is checked while it is polled, and a state machine submits, polls and waits in any order",
    "relation": "several answers are compared with each other, or with the balance before and after",
    "stage": "the situation is set up through the mock's admin API; on other targets the rule is not tested",
    "house": "the answer to each case, and each poll of a job, is passed to the rule's function",
}
"""How a rule is tested, by its family."""


@dataclass(frozen=True)
class Expectation:
    """An expected outcome on a version under a profile: its name and status, its condition, and its source."""

    profile: str
    version: Version
    outcome: str
    status: int
    when: str
    source: str


@dataclass(frozen=True)
class Explanation:
    """A rule in words; `cases` counts the cases by model and parameter (None for the whole request)."""

    rule: Rule
    why: str
    how: str
    expectations: tuple[Expectation, ...]
    cases: Mapping[tuple[str | None, str | None], int]
    example: Case | None


def explanations(catalog: Catalog, models: tuple[Model, ...], names: tuple[str, ...]) -> Iterator[Explanation]:
    """Yields the explanation of each rule, in the given order, with cases for these models only."""
    tables = list(deterministic_cases(catalog, models))
    for name in names:
        rule = RULES[name]
        cases = [case for case in tables if case.rule == name]
        yield Explanation(
            rule,
            rule.why or WHY[name.partition(".")[0]],
            HOW[rule.family],
            tuple(_expectations(catalog.gateway, rule)),
            Counter((case.model, case.parameter) for case in cases),
            next(iter(cases), None) or _any_example(rule, tables),
        )


def chosen_rules(word: str | None) -> tuple[str, ...]:
    """The names of the rules that contain a word, by default all names."""
    return tuple(name for name in RULES if word is None or word in name)


def _any_example(rule: Rule, tables: list[Case]) -> Case | None:
    """The sample case, whose answer shows a rule without cases of its own."""
    operation = "run" if rule.family in ("answer", "house") else "submit"
    return next((case for case in tables if case.rule == "payload.valid" and case.operation == operation), None)


def _expectations(gateway: Gateway, rule: Rule) -> Iterator[Expectation]:
    for profile in gateway.profiles:
        under = replace(gateway, profiles=(profile,))
        for version, operation in OPERATIONS.items():
            if not rule.outcomes or not promised(under, rule.name):
                continue
            for outcome in expected(under, rule.name, operation):
                source = _source(under, profile, rule, version, outcome.name)
                yield Expectation(profile.name, version, outcome.name, outcome.status, outcome.when, source)


def _source(gateway: Gateway, profile: Profile, rule: Rule, version: Version, outcome: str) -> str:
    """The source of an outcome: the profile's for a violation, otherwise that of the status case."""
    family = (rule.violation or rule.name).partition(".")[0]
    if REFUSED in rule.outcomes and outcome not in (ACCEPTED, *rule.outcomes[1:]):
        found = (each for each in profile.outcomes if version in each.versions and family in each.violations)
        return next((each.source for each in found), rule.source)
    if outcome in (ACCEPTED, JOB_FAILED, *ANSWERED):
        return rule.source
    return gateway.cases[outcome][1].source


def to_json(explanation: Explanation) -> dict[str, Any]:
    """An explanation as a JSON object, without its example."""
    rule = explanation.rule
    return {
        "name": rule.name,
        "family": rule.family,
        "promise": rule.promise,
        "source": rule.source,
        "why": explanation.why,
        "how": explanation.how,
        "expects": [vars(each) for each in explanation.expectations],
        "cases": [
            {"model": model, "parameter": parameter, "cases": count}
            for (model, parameter), count in explanation.cases.items()
        ],
    }
