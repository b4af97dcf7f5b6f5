"""The Arazzo document: for each model with jobs, a workflow that submits a job, polls it and fetches its result.

Arazzo (https://spec.openapis.org/arazzo/latest.html) describes sequences of the operations in OpenAPI documents.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from segforge.emit.openapi.text import yaml_entries, yaml_text
from segforge.spec.catalog import Gateway, Model
from segforge.spec.identifiers import pascal_case

_AT: Final = ("workflows",)
_SOURCE: Final = "$sourceDescriptions.segmind"
_SUCCESS: Final = {"condition": "$statusCode == 200"}
_CALL: Final = "call"
_JOB: Final = "job"
_FOLLOW: Final = "followJob"
_KEY: Final = {"reference": "$components.parameters.key"}
_PASSED_KEY: Final = {"name": "api_key", "value": "$inputs.api_key"}
_REQUEST_ID: Final = {"name": "request_id", "in": "path", "value": "$inputs.request_id"}
_TYPES: Final = {"json": "application/json", "multipart": "multipart/form-data"}
_DESCRIPTION: Final = (
    "Submits a job of a model, polls it until it ends, and fetches its result. A submit is sent once only: each one is "
    "billed, and the gateway has no idempotency key. Polls are free and may be repeated."
)


def workflow_entries(model: Model) -> str:
    """Returns a model's workflow as lines of the document; nothing for a model without jobs."""
    return yaml_entries([_workflow(model)], _AT) if "v2" in model.versions else ""


def workflows_text(gateway: Gateway, version: str, entries: Sequence[str]) -> str | None:
    """Returns the document with the workflows of all models, or None if no model has jobs, or no job ever succeeds."""
    done = [state.name for state in gateway.lifecycle.states if state.terminal and state.code < 400]
    if not done or not any(entries):
        return None
    opening = {
        "arazzo": "1.0.1",
        "info": {"title": f"Jobs on {gateway.title}", "description": _DESCRIPTION, "version": version},
        "sourceDescriptions": [{"name": "segmind", "url": "segmind.yaml", "type": "openapi"}],
    }
    shared = yaml_entries([_follow(gateway, done)], _AT)
    return "".join([yaml_text(opening, {}), "workflows:\n", shared, *entries, yaml_text(_components(gateway), {})])


def _workflow(model: Model) -> dict[str, Any]:
    submit = {
        "stepId": "submit",
        "operationId": f"{_SOURCE}.submit{pascal_case(model.slug)}",
        "requestBody": {"contentType": _TYPES[model.encodings[0]], "payload": "$inputs.body"},
        "successCriteria": [_SUCCESS],
        "outputs": {"request_id": "$response.body#/request_id"},
    }
    follow = {
        "stepId": "follow",
        "workflowId": _FOLLOW,
        "parameters": [_PASSED_KEY, {"name": "request_id", "value": "$steps.submit.outputs.request_id"}],
        "outputs": {"output": "$outputs.output"},
    }
    outputs = {"request_id": "$steps.submit.outputs.request_id", "output": "$steps.follow.outputs.output"}
    return {
        "workflowId": f"job{pascal_case(model.slug)}",
        "summary": f"Run {model.title} as a job",
        "inputs": {"$ref": f"#/components/inputs/{_CALL}"},
        "parameters": [_KEY],
        "steps": [submit, follow],
        "outputs": outputs,
    }


def _follow(gateway: Gateway, done: Sequence[str]) -> dict[str, Any]:
    """The workflow that all others end with. It resumes any job by its id. `done`: the states of success."""
    lifecycle = gateway.lifecycle
    ended = " || ".join(f"$response.body#/status == '{name}'" for name in done)
    pending = {
        "name": "pending",
        "type": "retry",
        "retryAfter": lifecycle.poll_interval_seconds,
        "retryLimit": int(lifecycle.deadline_seconds / lifecycle.poll_interval_seconds),
        "criteria": [{"condition": "$statusCode == 200 || $statusCode == 429 || $statusCode >= 500"}],
    }
    poll = {
        "stepId": "poll",
        "description": "Repeats until the job ends. An unknown state counts as pending. A failed job ends it.",
        "operationId": f"{_SOURCE}.getJobStatus",
        "parameters": [_REQUEST_ID],
        "successCriteria": [_SUCCESS, {"condition": ended}],
        "onFailure": [pending, {"name": "failed", "type": "end"}],
        "outputs": {"metrics": "$response.body#/metrics"},
    }
    fetch = {
        "stepId": "fetch",
        "operationId": f"{_SOURCE}.getJobResult",
        "parameters": [_REQUEST_ID],
        "successCriteria": [_SUCCESS],
        "outputs": {"output": "$response.body#/output"},
    }
    return {
        "workflowId": _FOLLOW,
        "summary": "Poll a job until it ends, and fetch its result",
        "inputs": {"$ref": f"#/components/inputs/{_JOB}"},
        "parameters": [_KEY],
        "steps": [poll, fetch],
        "outputs": {"metrics": "$steps.poll.outputs.metrics", "output": "$steps.fetch.outputs.output"},
    }


def _components(gateway: Gateway) -> Mapping[str, Any]:
    key = {"type": "string", "format": "password", "description": "The API key. Never write it into this document."}
    inputs = {
        _CALL: _input(key, "body", {"type": "object", "description": "The payload, by the schema of the operation."}),
        _JOB: _input(key, "request_id", {"type": "string", "description": "The request_id of the submit's answer."}),
    }
    parameters = {"key": {"name": gateway.auth.header, "in": "header", "value": "$inputs.api_key"}}
    return {"components": {"parameters": parameters, "inputs": inputs}}


def _input(key: Mapping[str, str], name: str, schema: Mapping[str, str]) -> dict[str, Any]:
    return {"type": "object", "properties": {"api_key": key, name: schema}, "required": ["api_key", name]}
