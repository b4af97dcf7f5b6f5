"""The table of rules: what a gateway promises, under the names that reports, deviations and the mock share.

A rule with `outcomes` is put to the test by requests of its own (see `cases`): one of these outcomes has to follow. One
without is judged on whatever answers and jobs come by (see `checks` and `jobs`), or between several answers
(see `relations`, `money` and `stages`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Family: TypeAlias = Literal["parameter", "request", "answer", "job", "relation", "stage"]
"""Where a rule is put to the test: by cases about a parameter or about a request, on each answer, over the life of a
job, between several answers, or in a situation that has to be brought about first (see `stages`)."""

ACCEPTED: Final = "accepted"
"""The outcome of a request that is carried out: 200 with an output (v1), or 200 with a job that ends well (v2).
Every other outcome but REFUSED is the name of a status case in `specs/gateway.yaml`."""

JOB_FAILED: Final = "job.failed"
"""The outcome of a submit that is answered like any other, and whose job ends FAILED. There is none on v1."""

EITHER: Final = (ACCEPTED, "refused", JOB_FAILED)
"""The outcomes of what no page decides: it may be carried out or refused, but must not be an internal error."""

REFUSED: Final = "refused"
"""The outcome of parameters that break the page's word. Which status cases that means is up to the profile."""


@dataclass(frozen=True)
class Rule:
    """One promise: what holds, where the docs say so, and the outcomes that keep it."""

    name: str
    family: Family
    promise: str
    source: str
    outcomes: tuple[str, ...] = ()
    violation: str = ""
    """The word under which a profile lists what REFUSED means; unless given, the first word of the name."""


_STATES = "model page, Asynchronous requests (v2)"

_CONFUSIONS = {
    "string": ("integer", "number", "boolean"),
    "number": ("integer", "boolean", "string"),
    "integer": ("string", "boolean"),
    "boolean": ("integer", "number", "string"),
    "array": ("string", "integer", "number", "boolean"),
    "object": ("string", "integer", "number", "boolean"),
}
"""Which JSON type stands in for which type of parameter. A number for an integer always has a fraction, since JSON
Schema takes 20.0 for an integer; an integer is a number."""


def _rules(family: Family, source: str, outcomes: tuple[str, ...], promises: Mapping[str, str]) -> Iterator[Rule]:
    yield from (Rule(name, family, promise, source, outcomes) for name, promise in promises.items())


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def _parameter_rules() -> Iterator[Rule]:
    page = "model page, section Parameters"
    yield from _rules(
        "parameter",
        page,
        (ACCEPTED,),
        {
            "payload.valid": "a payload within the page's types, ranges and values is accepted",
            "range.at_minimum": "the printed minimum is accepted",
            "range.at_maximum": "the printed maximum is accepted",
            "enum.each": "each printed value is accepted",
            "boolean.each": "true and false are both accepted",
            "default.explicit": "the printed default is accepted when it is sent",
            "optional.omitted": "a parameter that the page calls optional may be left out",
            "null.nullable": "null is accepted where the page prints it as the default",
            "range.minus_zero": "-0.0 is the number 0, and accepted where 0 is",
            "text.unicode": "prose may be in any script",
            "unknown.ignored": "a key that no parameter has is ignored",
        },
    )
    yield from _undecided_rules()
    yield from _rules(
        "parameter",
        f"{page}; Common Error Codes (400: Invalid parameters or request format)",
        (REFUSED,),
        {
            "range.below": "a value below the printed minimum is refused",
            "range.above": "a value above the printed maximum is refused",
            "enum.unknown": "where the page prints every value, another one is refused",
            "required.missing": "a payload without a required parameter is refused",
            "null.not_nullable": "null is refused where the page doesn't print it as the default",
        }
        | {
            f"type.{sent}_for_{wanted}": f"{_article(sent)} in the place of {_article(wanted)} is refused, "
            "also where a cast would save it"
            for sent, types in _CONFUSIONS.items()
            for wanted in types
        },
    )


def _undecided_rules() -> Iterator[Rule]:
    undecided = "inferred: no page decides it, and 500 stands for a failure inside"
    for name, promise in (
        ("type.whole_for_integer", "20.0 in the place of 20 is the integer that JSON Schema takes it for, or refused"),
        ("number.huge", "an integer of 30 digits without a printed range is accepted or refused"),
        ("text.empty", "an empty text is accepted or refused"),
        ("text.long", "a text of 10,000 characters is accepted or refused"),
        ("text.control", "control characters in a text are accepted or refused"),
    ):
        yield Rule(name, "parameter", promise, undecided, EITHER, "required")
    for name, promise in (
        ("body.duplicate_key", "a body with the same key twice is accepted or refused"),
        ("body.deep", "a body nested 510 deep is accepted or refused"),
        ("text.surrogate", "half of a surrogate pair in a text is accepted or refused"),
    ):
        yield Rule(name, "request", promise, undecided, (*EITHER, "body.malformed"), "required")
    nan = "NaN for a number is accepted or refused"
    lenient = "RFC 8259, section 9: a parser may accept what is not JSON"
    no_number = "NaN or Infinity for an integer is refused, as no JSON or as no integer"
    yield Rule("body.nan", "request", no_number, "RFC 8259, section 6", ("body.malformed", REFUSED), "type")
    yield Rule("number.nan", "request", nan, lenient, (*EITHER, "body.malformed"), "required")


def _request_rules() -> Iterator[Rule]:
    errors = "model page, Common Error Codes"
    codes = "api-evangelist, errors/segmind-error-codes.yml"
    order = "inferred: a GET without a key was seen to be answered 401; the rest follows what the statuses mean"
    for name, promise, source, outcome in (
        ("body.malformed", "a body that is no JSON object is refused", f"{errors} (400)", "body.malformed"),
        ("auth.missing", "a request without a key is refused", f"{errors} (401)", "auth.missing"),
        ("auth.invalid", "a request with a wrong key is refused", f"{errors} (401)", "auth.invalid"),
        ("model.unknown", "an unknown model is 404", f"{errors} (404)", "model.unknown"),
        ("request.unknown", "the status and the result of an unknown job are 404", _STATES, "request.unknown"),
        ("output.unknown", "the v1 poll URL of an unknown job is 404", codes, "output.unknown"),
        ("method.not_allowed", "another verb than POST on a model is 405", codes, "method.not_allowed"),
        ("content_type.invalid", "a body of another or no Content-Type is 406", codes, "content_type.invalid"),
        ("content_type.charset", "application/json may carry a charset", "RFC 9110, section 8.3.1", ACCEPTED),
        ("order.auth_before_model", "the key is looked at before the model", order, "auth.missing"),
        ("order.auth_before_method", "the key is looked at before the verb", order, "auth.missing"),
        ("order.auth_before_body", "the key is looked at before the body", order, "auth.missing"),
        ("order.model_before_method", "the model is looked at before the verb", order, "model.unknown"),
        ("order.method_before_content_type", "the verb goes before the Content-Type", order, "method.not_allowed"),
        ("order.content_type_before_body", "the Content-Type goes before the body", order, "content_type.invalid"),
    ):
        yield Rule(name, "request", promise, source, (outcome,))


def _answer_rules() -> Iterator[Rule]:
    headers = "api-evangelist, overlays/segmind-inference-api-overlay.yaml"
    page = "model page, section Parameters and Response Type"
    for name, promise, source in (
        ("key.not_echoed", "no answer holds the API key", "inferred: a key is a secret"),
        (
            "error.shape",
            'an error is JSON {"error": "..."} with a text in it; a 405 is an HTML page',
            "api-evangelist, errors/segmind-error-codes.yml",
        ),
        ("money.refusal_is_free", "only an answer of 200 is billed", "docs.segmind.com/docs/serverless-api"),
        (
            "error.names_no_job",
            "a refused submit leaves no job behind",
            "docs.segmind.com/docs/serverless-api/async-inference",
        ),
        ("headers.present", "an output on v1 comes with its documented headers", headers),
        ("headers.typed", "a header that holds a figure holds one that isn't negative", headers),
        ("headers.seed", "x-seed-value is the seed that was asked for", headers),
        ("bytes.match_content_type", "a picture decodes, and is what its Content-Type says", page),
        ("bytes.match_format", "a picture has the format that was asked for", page),
        ("bytes.match_size", "a picture has the size that was asked for, up to 15 pixels", page),
        ("bytes.match_count", "there are as many pictures as were asked for", page),
        ("base64.holds_picture", "base64 asked for comes as JSON whose image decodes to a picture", page),
        ("json.parses", "a model that returns Text/JSON answers JSON", page),
    ):
        yield Rule(name, "answer", promise, source)


def _job_rules() -> Iterator[Rule]:
    docs = "docs.segmind.com/docs/serverless-api/async-inference"
    for name, promise, source in (
        ("job.submit_shape", "a submit answers request_id, status QUEUED and three URLs", docs),
        ("job.urls_absolute", "the URLs of a job are absolute, of one origin, and name its routes", docs),
        ("job.id_unique", "every submit makes a job of its own, also one of several at once", docs),
        ("job.pollable", "a job that was submitted can be polled", _STATES),
        ("job.status_shape", "a poll answers JSON with the job's request_id and a documented status", docs),
        ("job.states_monotone", "a job's state only moves forward", _STATES),
        ("job.terminal_stable", "a job that has ended stays as it ended", _STATES),
        ("job.state_is_200", "a job that waits, runs or is done is polled with 200", _STATES),
        ("job.failed_is_422", "a job that failed is polled with 422 and carries its error", _STATES),
        ("job.no_early_result", "there is no output before COMPLETED", docs),
        (
            "job.ends_with_result",
            "a valid job is COMPLETED in time, and its result agrees and holds an output",
            _STATES,
        ),
        ("job.metrics_present", "a result holds metrics.inference_time in seconds", "model page, sample code"),
        (
            "job.metrics_add_up",
            "times are no negative figures, and total_time is no less than queue_time and inference_time together",
            "api-evangelist, data-model/segmind-data-model.yml and errors/segmind-error-codes.yml (example)",
        ),
        ("job.output_own", "each job has an output of its own", "api-evangelist, data-model/segmind-data-model.yml"),
        ("job.poll_url_serves", "the v1 poll URL serves a completed job too", docs),
    ):
        yield Rule(name, "job", promise, source)


def _relation_rules() -> Iterator[Rule]:
    seed = "model page, parameter seed; api-evangelist, conventions/segmind-conventions.yml"
    docs = "docs.segmind.com/docs/serverless-api; docs.segmind.com/api-reference/account-and-billing-apis"
    for name, promise, source in (
        (
            "default.omitted_equals_explicit",
            "a parameter that is left out counts as its printed default: the picture is the same",
            "model page, section Parameters",
        ),
        ("seed.repeats_picture", "the same payload with the same seed gives the same picture", seed),
        ("seed.changes_picture", "where another prompt gives another picture, so does another seed", seed),
        ("money.costs_add_up", "the costs that answers name add up to the drop of the balance", docs),
        (
            "money.remaining_agrees",
            "the credits that an answer says are left are those of the balance",
            "api-evangelist, overlays/segmind-inference-api-overlay.yaml",
        ),
        ("money.failed_job_is_free", "a job that failed costs nothing, and its record names no cost", docs),
    ):
        yield Rule(name, "relation", promise, source)


def _stage_rules() -> Iterator[Rule]:
    lifecycle = "docs.segmind.com/docs/serverless-api/async-inference"
    credits_ = "model page, Common Error Codes (406); api-evangelist, conventions/segmind-conventions.yml"
    yield Rule("job.kept", "stage", "a job can be polled until its retention is over", lifecycle, (ACCEPTED,))
    expired = ("request.unknown", "output.unknown")
    yield Rule("job.expired", "stage", "a job beyond its retention is 404 on every poll", lifecycle, expired)
    yield Rule("money.balance_covers", "stage", "a balance that just covers a call is enough", credits_, (ACCEPTED,))
    too_low = "a call that the balance doesn't cover is refused"
    yield Rule("money.balance_too_low", "stage", too_low, credits_, (REFUSED,), "balance")
    limits = "model page, Common Error Codes (429); api-evangelist, rate-limits/segmind-rate-limits.yml"
    limited = "too many requests in a minute are 429, with x-rate-limit-reset-at-utc and without Retry-After"
    yield Rule("rate.limited", "stage", limited, limits, ("rate.limited",))


_TABLES = (_parameter_rules, _request_rules, _answer_rules, _job_rules, _relation_rules, _stage_rules)

RULES: Final = {rule.name: rule for rules in _TABLES for rule in rules()}
"""Every rule under its name, in the order of a report."""


def type_rule(sent: str, wanted: str) -> str | None:
    """The name of the rule about a JSON type in the place of a parameter's type; None where the docs leave it open."""
    name = f"type.{sent}_for_{wanted}"
    return name if name in RULES else None
