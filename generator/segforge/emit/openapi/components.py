"""The components that all models share: failures, headers, schemas of answers; and which of them a document needs."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from segforge.emit.openapi.answers import answer_schemas, result_fields
from segforge.spec.catalog import Gateway, Header, Media, Status, StatusCase
from segforge.spec.printable import fill


def referenced(components: dict[str, dict[str, Any]], references: set[str]) -> dict[str, dict[str, Any]]:
    """Returns the components that these references need, directly or indirectly, and the security schemes."""
    found: set[str] = set()
    pending = set(references)
    while pending:
        reference = pending.pop()
        if reference not in found:
            found.add(reference)
            _, _, kind, name = reference.split("/")
            pending |= references_in(components[kind][name])
    kept = {
        kind: {name: value for name, value in named.items() if f"#/components/{kind}/{name}" in found}
        for kind, named in components.items()
    }
    return {kind: named for kind, named in {**kept, "securitySchemes": components["securitySchemes"]}.items() if named}


def references_in(value: object) -> set[str]:
    """Returns all references to components within a value."""
    if isinstance(value, Mapping):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references_in, value.values()))
    if isinstance(value, list):
        return set().union(*map(references_in, value))
    return set()


def failure(status: Status, slug: str | None) -> dict[str, Any]:
    """Returns the response of a status, with an example for each of its cases if there is a model for examples."""
    content: dict[str, Any] = {}
    for case in status.cases:
        media_type, schema, value = _case_content(status, case)
        found = content.setdefault(media_type, {"schema": schema})
        if slug is not None:
            examples = found.setdefault("examples", {})
            examples[case.name] = {"summary": case.when, "value": fill(value, _EXAMPLE_VALUES | {"slug": slug})}
    return {"description": status.meaning, "content": content}


def _case_content(status: Status, case: StatusCase) -> tuple[str, dict[str, Any], object]:
    if case.html is not None:
        return "text/html", {"type": "string"}, case.html
    name = "JobFailed" if status.code == 422 else "Error"
    return "application/json", {"$ref": f"#/components/schemas/{name}"}, case.body


def header_object(header: Header) -> dict[str, Any]:
    """Returns the description of a header."""
    return {"description": header.description, "schema": {"type": header.type}, "example": header.example}


SHARED_TAGS: Final = ({"name": "jobs", "description": "v2 jobs."}, {"name": "account", "description": "The account."})

_EXAMPLE_VALUES: Final = {
    "balance": "0.01",
    "cap": "50",
    "cost": "0.05",
    "path": "/v3/flux-img2img",
    "period": "month",
    "reason": "unexpected end of JSON",
    "request_id": "2c7f59ea-13f1-402c-9353-915a2b5a2124",
    "violations": "steps: 0 is below the minimum 1",
}

REQUEST_ID: Final = {
    "name": "request_id",
    "in": "path",
    "required": True,
    "description": "The request_id of the submit's answer.",
    "schema": {"type": "string"},
}


LINKS: Final = {
    name: {"operationId": operation, "parameters": {"request_id": "$response.body#/request_id"}, "description": text}
    for name, operation, text in (
        ("jobStatus", "getJobStatus", "The state of the job."),
        ("jobResult", "getJobResult", "The result of the job."),
        ("jobOutput", "pollJob", "The output of the job, for the poll_url of old clients."),
    )
}
"""The links from the answer of a submit to the polls of its job."""


def shared_schemas(gateway: Gateway, media: Collection[Media]) -> dict[str, Any]:
    """Returns the schemas of shared answers of models that return these media.

    All are open, since the gateway adds keys without notice.
    """
    text, url = {"type": "string"}, {"type": "string", "format": "uri"}
    states = [state.name for state in gateway.lifecycle.states]
    failed = [state.name for state in gateway.lifecycle.states if state.code == 422]
    metrics = {"$ref": "#/components/schemas/Metrics"}
    return {
        "Error": {
            "type": "object",
            "properties": {"error": {"type": "string", "description": "The error message, as free text."}},
            "required": ["error"],
        },
        "JobAccepted": {
            "type": "object",
            "properties": {
                "request_id": text,
                "status": {"type": "string", "enum": states},
                "poll_url": url,
                "status_url": url,
                "response_url": url,
            },
            "required": ["request_id", "status", "poll_url", "status_url", "response_url"],
        },
        "JobStatus": {
            "type": "object",
            "properties": {
                "status": {"type": "string", "enum": states},
                "request_id": text,
                "status_url": url,
                "response_url": url,
                "metrics": metrics,
            },
            "required": ["status", "metrics"],
        },
        "JobResult": {
            "type": "object",
            "properties": {
                "status": {"type": "string", "enum": states},
                "request_id": text,
                "output": {"description": "The URL of the output; a JSON document is text. Absent while the job runs."},
                **result_fields(media),
                "seed": {"description": "The seed that was used.", "type": ["string", "integer"]},
                "metrics": metrics,
            },
            "required": ["status", "metrics"],
        },
        "JobFailed": {
            "type": "object",
            "properties": {
                "status": {"type": "string", "enum": failed},
                "request_id": text,
                "error": {"type": "string", "description": "The reason of the failure, as free text."},
                "metrics": metrics,
            },
            "required": ["status", "error"],
        },
        "OutputFile": {
            "type": "object",
            "properties": {"url": url, "content_type": text, "file_name": text, "file_size": text},
            "required": ["url"],
        },
        "Metrics": {
            "type": "object",
            "description": "Times in seconds, cost and balance in credits. Keys appear once they are known.",
            "properties": {
                "inference_time": {"type": "number"},
                "queue_time": {"type": "number"},
                "total_time": {"type": "number"},
                "cost": {"type": "number"},
                "remaining_credits": {"type": "number"},
            },
        },
        "Base64Image": {
            "type": "object",
            "properties": {
                "image": {
                    "description": "The image as base64 text; a list if several were requested.",
                    "anyOf": [text, {"type": "array", "items": text}],
                },
                "status": text,
            },
            "required": ["image"],
        },
        "Credits": {
            "type": "object",
            "properties": {"credits": {"type": "number"}, "free-credits": {"type": "number"}},
            "required": ["credits"],
        },
        **answer_schemas(),
    }
