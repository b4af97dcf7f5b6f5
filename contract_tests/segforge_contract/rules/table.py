"""The table of rules: what a gateway promises. Reports, deviations and the mock use the same names.

A rule with `outcomes` has cases of its own (see `cases`): each must end in one of these outcomes. A rule without
`outcomes` is checked on every answer and every job (see `checks`), or between several answers (see `engine/phases`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Family: TypeAlias = Literal["parameter", "request", "answer", "job", "relation", "stage", "house"]
"""How a rule is tested: by cases about a parameter or a request, on each answer, over the life of a job, between
several answers, in a situation that the run sets up first (see `engine/phases/stages.py`), or by a function of one's
own (see `rules/house.py`)."""

ACCEPTED: Final = "accepted"
"""The request is carried out: 200 with an output (v1), or 200 with a job that ends COMPLETED (v2).

Every other outcome except REFUSED and JOB_FAILED is the name of a status case in `specs/gateway.yaml`."""

JOB_FAILED: Final = "job.failed"
"""The submit is accepted, but its job ends FAILED. This outcome exists on v2 only."""

ANSWERED: Final = ("answered", "answered.empty")
"""The request is answered with 200 or 204, and no model runs."""

EITHER: Final = (ACCEPTED, "refused", JOB_FAILED)
"""Outcomes for requests that no page decides: accepted or refused, but never an internal error."""

REFUSED: Final = "refused"
"""The parameters are refused. The profile lists the status cases that this may be."""


@dataclass(frozen=True)
class Rule:
    """One promise of a gateway: its text, its source in the docs, and the outcomes that keep it."""

    name: str
    family: Family
    promise: str
    source: str
    outcomes: tuple[str, ...] = ()
    violation: str = ""
    """The name under which a profile lists the status cases of REFUSED. Default: the first word of the rule's name."""
    why: str = ""
    """Why the rule is worth a request. Default: the reason of its family in `reports/why.py`."""


_STATES = "model page, Asynchronous requests (v2)"

_CONFUSIONS = {
    "string": ("integer", "number", "boolean", "array", "object"),
    "number": ("integer", "boolean", "string", "array", "object"),
    "integer": ("string", "boolean", "array", "object"),
    "boolean": ("integer", "number", "string", "array", "object"),
    "array": ("string", "integer", "number", "boolean", "object"),
    "object": ("string", "integer", "number", "boolean", "array"),
}
"""For each JSON type that is sent: the parameter types that must refuse it.

A number that is sent for an integer always has a fraction, since JSON Schema treats 20.0 as an integer. An integer is
a valid number, so that pair is missing."""


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
            "range.at_shortest": "a text of the printed minimum length is accepted",
            "range.at_longest": "a text of the printed maximum length is accepted",
            "range.at_fewest": "an array of the printed minimum number of items is accepted",
            "range.at_most": "an array of the printed maximum number of items is accepted",
            "enum.each": "each printed value is accepted",
            "boolean.each": "true and false are both accepted",
            "union.each": "a value of each printed form is accepted",
            "condition.kept": "a payload that keeps a printed condition is accepted",
            "default.explicit": "the printed default is accepted when it is sent",
            "optional.omitted": "an optional parameter may be omitted",
            "null.nullable": "null is accepted if the page prints it as the default",
            "range.minus_zero": "-0.0 equals 0 and is accepted if 0 is in the range",
            "text.unicode": "free text may use any script and punctuation",
            "unknown.ignored": "a key that is not a parameter is ignored",
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
            "range.off_step": "a number that is not a multiple of the printed step is refused",
            "range.too_short": "a text below the printed minimum length is refused",
            "range.too_long": "a text above the printed maximum length is refused",
            "range.too_few": "an array with fewer items than the printed minimum is refused",
            "range.too_many": "an array with more items than the printed maximum is refused",
            "enum.unknown": "any other value is refused if the page prints all values",
            "format.uri": "a text that is no absolute URI is refused if the page says URI",
            "format.base64": "a text that is no base64 is refused if the page says base64",
            "required.missing": "a payload without a required parameter is refused",
            "null.not_nullable": "null is refused unless the page prints it as the default",
            "type.no_member": "a value that has none of the printed forms is refused",
            "condition.none": "a payload without any of several parameters is refused if exactly one must be sent",
            "condition.several": "a payload with two of several parameters is refused if exactly one must be sent",
            "condition.only_when": "a parameter is refused if another parameter lacks the value that it needs",
            "condition.requires": "a payload without a parameter is refused if its other values require it",
            "condition.forbids": "a parameter is refused if the other values of the payload forbid it",
            "condition.forbids_value": "a value is refused if the other values of the payload forbid it",
        }
        | {
            f"type.{sent}_for_{wanted}": f"{_article(sent)} sent for {_article(wanted)} is refused, "
            "even if a cast would make it valid"
            for sent, types in _CONFUSIONS.items()
            for wanted in types
        },
    )


def _undecided_rules() -> Iterator[Rule]:
    undecided = "inferred: no page decides this, and 500 means an internal failure"
    for name, promise in (
        ("type.whole_for_integer", "20.0 sent for 20 is treated as an integer, as in JSON Schema, or refused"),
        ("number.huge", "an integer beyond 32 bits, or of 30 digits, without a printed range is accepted or refused"),
        ("text.empty", "an empty string is accepted or refused"),
        ("text.long", "a string of 10,000 characters is accepted or refused"),
        ("text.control", "control characters in a string are accepted or refused"),
    ):
        yield Rule(name, "parameter", promise, undecided, EITHER, "required")
    for name, promise in (
        ("body.duplicate_key", "a body with a duplicate key is accepted or refused"),
        ("body.deep", "a body with 510 nested arrays is accepted or refused"),
        ("text.surrogate", "a lone surrogate in a string is accepted or refused"),
    ):
        yield Rule(name, "request", promise, undecided, (*EITHER, "body.malformed"), "required")
    nan = "NaN sent for a number is accepted or refused"
    lenient = "RFC 8259, section 9: a parser may accept non-JSON forms"
    no_number = "NaN or Infinity sent for an integer is refused"
    yield Rule("body.nan", "request", no_number, "RFC 8259, section 6", ("body.malformed", REFUSED), "type")
    yield Rule("number.nan", "request", nan, lenient, (*EITHER, "body.malformed"), "required")


def _request_rules() -> Iterator[Rule]:
    errors = "model page, Common Error Codes"
    codes = "api-evangelist, errors/segmind-error-codes.yml"
    printed = "model page, sample code; api-evangelist, errors/segmind-error-codes.yml (406)"
    order = "inferred: a GET without a key was seen to return 401; the rest follows from the statuses"
    verbs = "inferred: RFC 9110, section 9.3, beside api-evangelist, errors/segmind-error-codes.yml (405)"
    unknown = ("method.not_allowed", "request.unknown")
    reads = "the routes of a job can only be read: another method returns 405, or 404 for an unknown job"
    yield Rule("method.of_polls", "request", reads, verbs, unknown)
    options = "OPTIONS returns 405, or 401 without a key, or is answered as a preflight; it is no internal error"
    yield Rule("method.options", "request", options, verbs, (*unknown, "auth.missing", *ANSWERED))
    for name, promise, source, outcome in (
        ("body.malformed", "a body that is not a JSON object is refused", f"{errors} (400)", "body.malformed"),
        ("auth.missing", "a request without a key is refused", f"{errors} (401)", "auth.missing"),
        ("auth.invalid", "a request with a wrong key is refused", f"{errors} (401)", "auth.invalid"),
        ("model.unknown", "a request for an unknown model returns 404", f"{errors} (404)", "model.unknown"),
        ("request.unknown", "the status and the result of an unknown job return 404", _STATES, "request.unknown"),
        ("output.unknown", "the v1 poll URL of an unknown job returns 404", codes, "output.unknown"),
        ("method.not_allowed", "any method other than POST on a model returns 405", codes, "method.not_allowed"),
        ("content_type.invalid", "a body whose Content-Type is not JSON returns 406", codes, "content_type.invalid"),
        ("content_type.multipart", "a valid form is accepted if the page prints multipart", printed, ACCEPTED),
        ("content_type.charset", "application/json may carry a charset", "RFC 9110, section 8.3.1", ACCEPTED),
        ("order.auth_before_model", "the key is checked before the model", order, "auth.missing"),
        ("order.auth_before_method", "the key is checked before the method", order, "auth.missing"),
        ("order.auth_before_body", "the key is checked before the body", order, "auth.missing"),
        ("order.model_before_method", "the model is checked before the method", order, "model.unknown"),
        ("order.method_before_content_type", "the method is checked before Content-Type", order, "method.not_allowed"),
        ("order.content_type_before_body", "Content-Type is checked before the body", order, "content_type.invalid"),
    ):
        yield Rule(name, "request", promise, source, (outcome,))


def _answer_rules() -> Iterator[Rule]:
    headers = "api-evangelist, overlays/segmind-inference-api-overlay.yaml"
    page = "model page, section Parameters and Response Type"
    for name, promise, source in (
        ("key.not_echoed", "no answer contains the API key", "inferred: a key is a secret"),
        (
            "error.shape",
            'an error is JSON {"error": "..."} with a non-empty message; a 405 is an HTML page',
            "api-evangelist, errors/segmind-error-codes.yml",
        ),
        ("money.refusal_is_free", "only a 200 answer is billed", "docs.segmind.com/docs/serverless-api"),
        (
            "error.names_no_job",
            "a refused submit creates no job",
            "docs.segmind.com/docs/serverless-api/async-inference",
        ),
        ("headers.present", "a v1 output has all documented headers", headers),
        ("headers.typed", "a numeric header holds a number that is not negative", headers),
        ("headers.seed", "x-seed-value is the requested seed", headers),
        ("bytes.match_media", "the output is an image, a video, a sound or a 3D model, as the page states", page),
        ("bytes.match_content_type", "an output file decodes and matches its Content-Type", page),
        ("bytes.match_format", "an output file has the requested format", page),
        ("bytes.match_size", "an image or a video has the requested size, within 15 pixels", page),
        ("bytes.match_duration", "a video or a sound is as long as requested, within a second or a tenth", page),
        ("bytes.match_fps", "a video has the requested frames per second, within one or a tenth", page),
        ("bytes.match_count", "the answer holds the requested number of images", page),
        ("base64.holds_picture", "if base64 is requested, the answer is JSON whose image decodes", page),
        ("json.parses", "a model that returns Text/JSON answers with JSON", page),
        ("json.shape", "a chat, an embedding or a caption has the form of its dialect", page),
        ("text.readable", "a model that returns text answers with text that is not empty", page),
    ):
        yield Rule(name, "answer", promise, source)


def _job_rules() -> Iterator[Rule]:
    docs = "docs.segmind.com/docs/serverless-api/async-inference"
    for name, promise, source in (
        ("job.submit_shape", "a submit returns request_id, status QUEUED and three URLs", docs),
        ("job.urls_absolute", "the URLs of a job are absolute, share one origin and match its routes", docs),
        (
            "job.urls_own",
            "the URLs of a job lead to the gateway that was called, since clients send their key there",
            f"{docs} (sample answer); SDK 1.3.0, which polls these URLs with the key",
        ),
        ("job.id_unique", "every submit creates its own job, even if several arrive at once", docs),
        ("job.pollable", "a submitted job can be polled", _STATES),
        ("job.status_shape", "a poll returns JSON with the job's request_id and a documented status", docs),
        ("job.states_monotone", "a job's state never moves back", _STATES),
        ("job.terminal_stable", "a job that has ended keeps its state", _STATES),
        ("job.state_is_200", "the status of a queued, running or completed job returns 200", _STATES),
        ("job.failed_is_422", "the status of a failed job returns 422 with its error", _STATES),
        ("job.no_early_result", "a job has no output before COMPLETED", docs),
        (
            "job.ends_with_result",
            "a valid job is COMPLETED in time, and its result has the same status and an output",
            _STATES,
        ),
        ("job.metrics_present", "a result holds metrics.inference_time in seconds", "model page, sample code"),
        (
            "job.metrics_add_up",
            "times are not negative, and total_time is at least queue_time plus inference_time",
            "api-evangelist, data-model/segmind-data-model.yml and errors/segmind-error-codes.yml (example)",
        ),
        ("job.output_own", "no two jobs share an output", "api-evangelist, data-model/segmind-data-model.yml"),
        (
            "job.result_stable",
            "the result of a completed job can be read again and holds the same output and cost",
            f"{docs} (kept for an hour); api-evangelist, conventions/segmind-conventions.yml (a GET is always safe)",
        ),
        ("job.result_own", "jobs that wait at the same time return the outputs of their own payloads", docs),
        ("job.poll_url_serves", "the v1 poll URL also serves a completed job, with the same output", docs),
    ):
        yield Rule(name, "job", promise, source)


def _relation_rules() -> Iterator[Rule]:
    seed = "model page, parameter seed; api-evangelist, conventions/segmind-conventions.yml"
    docs = "docs.segmind.com/docs/serverless-api; docs.segmind.com/api-reference/account-and-billing-apis"
    for name, promise, source in (
        (
            "default.omitted_equals_explicit",
            "omitting a parameter returns the same image as sending its printed default",
            "model page, section Parameters",
        ),
        ("seed.repeats_picture", "the same payload with the same seed returns the same image", seed),
        ("seed.changes_picture", "another seed returns another image, if another prompt does", seed),
        (
            "prompt.changes_picture",
            "another prompt returns another image, if another seed does",
            "model page, parameter prompt",
        ),
        (
            "quality.changes_picture",
            "another compression quality returns another file, if another seed or prompt does",
            "model page, section Parameters",
        ),
        ("money.readable", "the balance, and the cost and the remaining credits of a job, are numbers", docs),
        ("money.costs_add_up", "the costs stated in answers add up to the drop in the balance", docs),
        (
            "money.remaining_agrees",
            "the remaining credits stated in an answer match the balance",
            "api-evangelist, overlays/segmind-inference-api-overlay.yaml",
        ),
        ("money.failed_job_is_free", "a failed job costs nothing, and its record states no cost", docs),
    ):
        yield Rule(name, "relation", promise, source)


def _stage_rules() -> Iterator[Rule]:
    lifecycle = "docs.segmind.com/docs/serverless-api/async-inference"
    credits_ = "model page, Common Error Codes (406); api-evangelist, conventions/segmind-conventions.yml"
    yield Rule("job.kept", "stage", "a job can be polled until its retention ends", lifecycle, (ACCEPTED,))
    expired = ("request.unknown", "output.unknown")
    yield Rule("job.expired", "stage", "every poll of a job past its retention returns 404", lifecycle, expired)
    yield Rule("money.balance_covers", "stage", "a balance that exactly covers a call is enough", credits_, (ACCEPTED,))
    too_low = "a call that costs more than the balance is refused"
    yield Rule("money.balance_too_low", "stage", too_low, credits_, (REFUSED,), "balance")
    limits = "model page, Common Error Codes (429); api-evangelist, rate-limits/segmind-rate-limits.yml"
    limited = "too many requests in a minute return 429, with x-rate-limit-reset-at-utc and without Retry-After"
    yield Rule("rate.limited", "stage", limited, limits, ("rate.limited",))


_TABLES = (_parameter_rules, _request_rules, _answer_rules, _job_rules, _relation_rules, _stage_rules)

RULES: Final = {rule.name: rule for rules in _TABLES for rule in rules()}
"""Every rule by name, in the order of a report."""


def type_rule(sent: str, wanted: str) -> str | None:
    """Returns the name of the rule for a JSON type sent for a parameter type, or None if the docs leave it open."""
    name = f"type.{sent}_for_{wanted}"
    return name if name in RULES else None
