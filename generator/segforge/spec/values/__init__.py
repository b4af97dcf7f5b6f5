"""The values that a parameter accepts: one definition for lint, the mock and the contract tests.

The generated clients can't import it; property tests compare their checks with it in both languages.

A page may contradict itself: it prints a default, a sample or an allowed value that its own range, set or format
excludes. Such a value is *disputed*. Lint warns about it, the mock and the clients accept it, and the contract tests
send it neither as a valid nor as an invalid value.
"""

from segforge.spec.values.conditions import broken_by, broken_conditions, in_words, premise_in_words
from segforge.spec.values.equality import equal, is_among
from segforge.spec.values.formats import BASE64_PATTERN, URI_PATTERN, fits
from segforge.spec.values.judge import (
    LIMITS,
    Verdict,
    Violation,
    accepts,
    disputed,
    ends,
    has_limit,
    json_type,
    payload_verdict,
    payload_violations,
    type_matches,
    value_violations,
    verdict,
    violations,
)

__all__ = [
    "BASE64_PATTERN",
    "LIMITS",
    "URI_PATTERN",
    "Verdict",
    "Violation",
    "accepts",
    "broken_by",
    "broken_conditions",
    "disputed",
    "ends",
    "equal",
    "fits",
    "has_limit",
    "in_words",
    "is_among",
    "json_type",
    "payload_verdict",
    "payload_violations",
    "premise_in_words",
    "type_matches",
    "value_violations",
    "verdict",
    "violations",
]
