"""What a rule checks, why, what has to follow under each profile, and an example: the table of rules in words."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from segforge.spec.catalog import Catalog, Gateway, Model, Profile, Version
from segforge_contract.cases.case import OPERATIONS, Case, expected, promised
from segforge_contract.cases.tables import deterministic_cases
from segforge_contract.rules.table import ACCEPTED, JOB_FAILED, REFUSED, RULES, Family, Rule

WHY: Final[Mapping[str, str]] = {
    "auth": "a gateway that lets anybody in bills the wrong account, or shows one caller's jobs to another",
    "base64": "callers that ask for base64 decode it without looking, and fail far from the cause",
    "body": "a body that one server reads and another refuses is how clients come to work by luck",
    "boolean": "a switch of which one side is refused can't be set from a form",
    "bytes": "the picture is what is paid for; a wrong format, size or half a file is found when it is too late",
    "content_type": "proxies and clients add or drop it; whether that is refused must not depend on the day",
    "default": "callers leave out what they take for the default; another value behind it changes every picture",
    "enum": "callers offer the printed values in a menu: each has to work, and a misspelt one has to be told",
    "error": "clients show the text of an error and retry by its status; both need its documented form",
    "headers": "what a call cost, what is left and which seed repeats it is told nowhere else on v1",
    "job": "clients poll by these states and URLs alone; one that lies costs a job, or polls for ever",
    "json": "what says that it is JSON is parsed",
    "key": "what is in an answer lands in logs and bug reports",
    "method": "a verb that does something else than the documented one is found by crawlers first",
    "model": "a retired or misspelt slug has to be told from a failure",
    "money": "every caller pays by these figures, and nobody looks at them until the bill comes",
    "null": "clients send null for what nobody filled in; taking it for a value hides that",
    "number": "what a machine can't hold must not end in a failure inside",
    "optional": "a parameter that the page calls optional is left out by most callers",
    "order": "which refusal comes first decides what a caller is told to mend",
    "output": "the old poll URL is used by clients that nobody updates",
    "payload": "what the page allows as a whole has to work as a whole",
    "range": "a bound that is off by one refuses what the page allows, or lets through what nobody tried",
    "rate": "clients wait by what the refusal says",
    "request": "an unknown or expired job has to be told from one that runs",
    "required": "a gap that is filled in silently bills a picture that nobody asked for",
    "seed": "a seed is how a result is repeated, and how another one is had",
    "text": "prompts are typed by people, in every script, and pasted from anywhere",
    "type": "a value that is cast works until the cast changes; what the page says has to be what is checked",
    "unknown": "old clients send what newer gateways forgot, and the other way round",
}
"""Why a rule is worth a request, by the first word of its name."""

HOW: Final[Mapping[Family, str]] = {
    "parameter": "the page's sample with this one change is sent to each model and version",
    "request": "the page's sample is sent with this one change to the request around it",
    "answer": "each answer of its kind is judged, whatever it was asked for",
    "job": "each job is judged while it is polled, and a state machine submits, polls and waits in any order",
    "relation": "several answers are held against each other, or against the balance before and after",
    "stage": "the situation is brought about through the mock's admin API; elsewhere the rule is held back",
}


@dataclass(frozen=True)
class Expectation:
    """What has to follow on a version under a profile: an outcome by name and status, when it comes, and the source."""

    profile: str
    version: Version
    outcome: str
    status: int
    when: str
    source: str


@dataclass(frozen=True)
class Explanation:
    """A rule in words; `cases` is how many the tables hold by model and parameter (None: about the whole request)."""

    rule: Rule
    why: str
    how: str
    expectations: tuple[Expectation, ...]
    cases: Mapping[tuple[str | None, str | None], int]
    example: Case | None


def explanations(catalog: Catalog, models: tuple[Model, ...], names: tuple[str, ...]) -> Iterator[Explanation]:
    """The explanation of each rule, in the order given; the tables are made for these models only."""
    tables = list(deterministic_cases(catalog, models))
    for name in names:
        rule = RULES[name]
        cases = [case for case in tables if case.rule == name]
        yield Explanation(
            rule,
            WHY[name.partition(".")[0]],
            HOW[rule.family],
            tuple(_expectations(catalog.gateway, rule)),
            Counter((case.model, case.parameter) for case in cases),
            next(iter(cases), None) or _any_example(rule, tables),
        )


def chosen_rules(word: str | None) -> tuple[str, ...]:
    """The names of the rules that hold a word, all where there is none."""
    return tuple(name for name in RULES if word is None or word in name)


def _any_example(rule: Rule, tables: list[Case]) -> Case | None:
    """The sample whose answer shows a rule without cases of its own."""
    operation = "run" if rule.family == "answer" else "submit"
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
    """Where it is written that this outcome follows: the profile's word on a violation, else the status case's."""
    family = (rule.violation or rule.name).partition(".")[0]
    if REFUSED in rule.outcomes and outcome not in (ACCEPTED, *rule.outcomes[1:]):
        found = (each for each in profile.outcomes if version in each.versions and family in each.violations)
        return next((each.source for each in found), rule.source)
    if outcome in (ACCEPTED, JOB_FAILED):
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
