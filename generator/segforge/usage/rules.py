"""The rules of check-usage in words, and what the official SDK no longer has."""

from typing import Final, NamedTuple

FAMILIES: Final = {
    "slug.unknown": "The model is in no list that the specs know.",
    "slug.misspelt": "The model is unknown, and differs from a known one by a letter, the case or a separator.",
    "slug.retired": "The vendor has retired the model.",
    "slug.unlisted": "The model is known, but the vendor's list of models lacks it.",
    "auth.bearer": "The key is sent as a Bearer token, although the model's page prints another header.",
    "body.encoding": "The gateway doesn't accept the encoding of the body.",
    "parameter.unknown": "The model's page has no such parameter, and the gateway ignores it.",
    "required.missing": "A required parameter is not sent.",
    "sdk.removed": "The official SDK no longer has the function.",
    "sdk.unsupported": "The official SDK has the function, but it always fails.",
    "sdk.abandoned": "The package is no longer maintained.",
    "null.not_nullable": "The parameter must not be null.",
    "type": "The value has another type than the parameter.",
    "range": "The value is beyond a limit of the parameter.",
    "enum": "The value is not in the closed set of the parameter.",
    "format": "The text doesn't have the format of the parameter.",
    "condition": "The parameters break a condition between them.",
}


class GoneFact(NamedTuple):
    """Why something of the official SDK must not be used: the rule, and the three parts of its message."""

    rule: str
    found: str
    expected: str
    mend: str


GONE: Final = {
    "segmind.run_async": GoneFact(
        "sdk.removed",
        "segmind 1.1.0 removed run_async (its change log)",
        "run, which waits for a job, or submit_async, which returns it",
        "call run or submit_async",
    ),
    "segmind.stream": GoneFact(
        "sdk.unsupported",
        "stream of segmind 1.3.0 always raises NotImplementedError (its source)",
        "run, run_sync or chat",
        "call one of them; the gateway doesn't stream",
    ),
    "segmindapi": GoneFact(
        "sdk.abandoned",
        "the package segmindapi is no longer maintained (api-evangelist, lifecycle/segmind-lifecycle.yml)",
        "the package segmind",
        "use the package segmind",
    ),
}


def rule_in_words(rule: str) -> str:
    """Returns a sentence about a rule, such as `range.below`."""
    return FAMILIES.get(rule) or FAMILIES.get(rule.partition(".")[0]) or rule
