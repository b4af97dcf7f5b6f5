"""The table of rules: what a gateway promises, under the names that reports, deviations and the mock share.

A rule with `outcomes` is put to the test by requests of its own (see `cases`): one of these outcomes has to follow. One
without is judged on whatever answers and jobs come by (see `checks` and `jobs`).
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Family: TypeAlias = Literal["parameter", "request", "answer", "job"]

ACCEPTED: Final = "accepted"
"""The outcome of a request that is carried out: 200 with an output (v1), or 200 with a job that ends well (v2).
Every other outcome is the name of a status case in `specs/gateway.yaml`."""


@dataclass(frozen=True)
class Rule:
    """One promise: what holds, where the docs say so, and the outcomes that keep it."""

    name: str
    family: Family
    promise: str
    source: str
    outcomes: tuple[str, ...] = ()


_PARAMETERS = "model page, section Parameters"
_ERRORS = "model page, Common Error Codes (400: Invalid parameters or request format)"
_REFUSED = ("parameters.invalid",)
_ASYNC = "model page, Asynchronous requests (v2)"
_JOBS = "docs.segmind.com/docs/serverless-api/async-inference"
_ORDER = (
    "inferred: a GET without a key was seen to be answered 401; the rest of the order follows the statuses' meaning"
)
_OVERLAY = "api-evangelist, overlays/segmind-inference-api-overlay.yaml"
_CODES = "api-evangelist, errors/segmind-error-codes.yml"

_CONFUSIONS = {
    "string": ("integer", "number", "boolean"),
    "number": ("integer", "string"),
    "integer": ("string", "boolean"),
    "boolean": ("integer", "number", "string"),
    "array": ("string", "integer", "number", "boolean"),
    "object": ("string", "integer", "number", "boolean"),
}
"""Which JSON type stands in for which type of parameter. A number for an integer always has a fraction, since JSON
Schema takes 20.0 for an integer; an integer is a number."""


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


_TABLE = (
    Rule("payload.valid", "parameter", "a payload within the page's types, ranges and values is accepted", _PARAMETERS, (ACCEPTED,)),
    Rule("range.at_minimum", "parameter", "the printed minimum is accepted", _PARAMETERS, (ACCEPTED,)),
    Rule("range.at_maximum", "parameter", "the printed maximum is accepted", _PARAMETERS, (ACCEPTED,)),
    Rule("range.below", "parameter", "a value below the printed minimum is refused", f"{_PARAMETERS}; {_ERRORS}", _REFUSED),
    Rule("range.above", "parameter", "a value above the printed maximum is refused", f"{_PARAMETERS}; {_ERRORS}", _REFUSED),
    Rule("enum.each", "parameter", "each printed value is accepted", _PARAMETERS, (ACCEPTED,)),
    Rule("enum.unknown", "parameter", "where the page prints every value, another one is refused", f"{_PARAMETERS}; {_ERRORS}", _REFUSED),
    Rule("default.explicit", "parameter", "the printed default is accepted when it is sent", _PARAMETERS, (ACCEPTED,)),
    Rule("optional.omitted", "parameter", "a parameter that the page calls optional may be left out", _PARAMETERS, (ACCEPTED,)),
    Rule("required.missing", "parameter", "a payload without a required parameter is refused", f"{_PARAMETERS}; {_ERRORS}", _REFUSED),
    Rule("null.nullable", "parameter", "null is accepted where the page prints it as the default", _PARAMETERS, (ACCEPTED,)),
    Rule("null.not_nullable", "parameter", "null is refused where the page doesn't print it", f"{_PARAMETERS}; {_ERRORS}", _REFUSED),
    *(
        Rule(
            f"type.{sent}_for_{wanted}",
            "parameter",
            f"{_article(sent)} in the place of {_article(wanted)} is refused, also where a cast would save it",
            f"{_PARAMETERS}; {_ERRORS}",
            _REFUSED,
        )
        for sent, types in _CONFUSIONS.items()
        for wanted in types
    ),
    Rule("body.malformed", "request", "a body that is no JSON object is refused", _ERRORS, ("body.malformed",)),
    Rule("auth.missing", "request", "a request without a key is refused", "model page, Common Error Codes (401)", ("auth.missing",)),
    Rule("auth.invalid", "request", "a request with a wrong key is refused", "model page, Common Error Codes (401)", ("auth.invalid",)),
    Rule("model.unknown", "request", "an unknown model is 404", "model page, Common Error Codes (404)", ("model.unknown",)),
    Rule("request.unknown", "request", "the status and the result of an unknown job are 404", _ASYNC, ("request.unknown",)),
    Rule("output.unknown", "request", "the v1 poll URL of an unknown job is 404", _CODES, ("output.unknown",)),
    Rule("method.not_allowed", "request", "another verb than POST on a model is 405", _CODES, ("method.not_allowed",)),
    Rule("content_type.invalid", "request", "a body of another or no Content-Type is 406", _CODES, ("content_type.invalid",)),
    Rule("content_type.charset", "request", "application/json may carry a charset", "RFC 9110, section 8.3.1", (ACCEPTED,)),
    Rule("order.auth_before_model", "request", "the key is looked at before the model", _ORDER, ("auth.missing",)),
    Rule("order.auth_before_method", "request", "the key is looked at before the verb", _ORDER, ("auth.missing",)),
    Rule("order.model_before_method", "request", "the model is looked at before the verb", _ORDER, ("model.unknown",)),
    Rule("order.method_before_content_type", "request", "the verb is looked at before the Content-Type", _ORDER, ("method.not_allowed",)),
    Rule("order.content_type_before_body", "request", "the Content-Type is looked at before the body", _ORDER, ("content_type.invalid",)),
    Rule("key.not_echoed", "answer", "no answer holds the API key", "inferred: a key is a secret"),
    Rule("error.shape", "answer", 'an error is JSON {"error": "..."} with a text that isn\'t empty; a 405 is an HTML page', _CODES),
    Rule("money.refusal_is_free", "answer", "only an answer of 200 is billed", "docs.segmind.com/docs/serverless-api"),
    Rule("headers.present", "answer", "an output on v1 comes with its documented headers", _OVERLAY),
    Rule("headers.typed", "answer", "a header that holds a figure holds one that isn't negative", _OVERLAY),
    Rule("headers.seed", "answer", "x-seed-value is the seed that was asked for", _OVERLAY),
    Rule("bytes.match_content_type", "answer", "a picture decodes, and is what its Content-Type says", "model page, Response Type"),
    Rule("bytes.match_format", "answer", "a picture has the format that was asked for", _PARAMETERS),
    Rule("bytes.match_size", "answer", "a picture has the size that was asked for, up to 15 pixels", _PARAMETERS),
    Rule("base64.holds_picture", "answer", "where base64 is asked for, the answer is JSON whose image decodes to a picture", _PARAMETERS),
    Rule("json.parses", "answer", "a model that returns Text/JSON answers JSON", "model page, Response Type"),
    Rule("job.submit_shape", "job", "a submit answers request_id, status QUEUED, poll_url, status_url and response_url", _JOBS),
    Rule("job.urls_absolute", "job", "the URLs of a submit are absolute and name the job's routes", _JOBS),
    Rule("job.id_unique", "job", "every submit makes a job of its own", _JOBS),
    Rule("job.pollable", "job", "a job that was submitted can be polled", _ASYNC),
    Rule("job.status_shape", "job", "a poll answers JSON with the job's request_id and a documented status", _JOBS),
    Rule("job.states_monotone", "job", "a job's state only moves forward", _ASYNC),
    Rule("job.terminal_stable", "job", "a job that has ended stays as it ended", _ASYNC),
    Rule("job.state_is_200", "job", "a job that waits, runs or is done is polled with 200", _ASYNC),
    Rule("job.failed_is_422", "job", "a job that failed is polled with 422 and carries its error", _ASYNC),
    Rule("job.no_early_result", "job", "there is no output before COMPLETED", _JOBS),
    Rule("job.ends_with_result", "job", "a valid job is COMPLETED within the deadline, and its result agrees and holds an output", _ASYNC),
    Rule("job.metrics_present", "job", "a result holds metrics.inference_time in seconds", "model page, sample code"),
    Rule("job.poll_url_serves", "job", "the v1 poll URL serves a completed job too", _JOBS),
)  # fmt: skip

RULES: Final = {rule.name: rule for rule in _TABLE}
"""Every rule under its name, in the order of a report."""


def type_rule(sent: str, wanted: str) -> str | None:
    """The name of the rule about a JSON type in the place of a parameter's type; None where the docs leave it open."""
    name = f"type.{sent}_for_{wanted}"
    return name if name in RULES else None
