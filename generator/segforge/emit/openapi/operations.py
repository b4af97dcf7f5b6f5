"""The operations of an OpenAPI document: run and submit of a model, the polls that all models share, the balance."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from segforge.emit.clients.about import price_sentence
from segforge.spec.catalog import Gateway, Model, Route, Status
from segforge.spec.identifiers import pascal_case

_MEDIA_TYPES: Final = {"jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


def shared_paths(gateway: Gateway, models: Sequence[Model]) -> dict[str, Any]:
    """Returns the paths of polls, if a model has jobs, and of the balance."""
    routes = gateway.routes
    paths = {}
    if any("v2" in model.versions for model in models):
        paths[routes.status.path] = operation(
            routes.status, _poll(gateway, "status", "getJobStatus", "State of a job", "JobStatus")
        )
        paths[routes.result.path] = operation(
            routes.result, _poll(gateway, "result", "getJobResult", "Result of a job", "JobResult")
        )
        paths[routes.poll.path] = operation(
            routes.poll,
            _poll(gateway, "poll", "pollJob", "Output of a job, for the poll_url of old clients", "JobResult"),
        )
    paths[routes.credits.path] = operation(routes.credits, _credits(gateway))
    return paths


def operation(route: Route, operation: dict[str, Any]) -> dict[str, Any]:
    """Returns the path item of one route."""
    return {route.method.lower(): operation}


def run_operation(gateway: Gateway, model: Model) -> dict[str, Any]:
    """Returns the operation of a model's v1 call."""
    return {
        "operationId": f"run{pascal_case(model.slug)}",
        "summary": f"Run {model.title} and wait for its output",
        **_price(model),
        "tags": [model.slug],
        "requestBody": _request_body(model),
        "responses": {
            "200": {
                "description": "The output.",
                "headers": {header.name: {"$ref": f"#/components/headers/{header.name}"} for header in gateway.headers},
                "content": _output(model),
            },
            **_failures(gateway, "run"),
        },
    }


def submit_operation(gateway: Gateway, model: Model) -> dict[str, Any]:
    """Returns the operation that submits a v2 job of a model."""
    _, accepted = gateway.cases["job.accepted"]
    return {
        "operationId": f"submit{pascal_case(model.slug)}",
        "summary": f"Queue a run of {model.title}",
        **_price(model),
        "tags": [model.slug],
        "requestBody": _request_body(model),
        "responses": {
            "200": _json_response("The job was accepted.", "JobAccepted", accepted.body),
            **_failures(gateway, "submit"),
        },
    }


def _price(model: Model) -> dict[str, Any]:
    """The description with the printed price, and the price as data; nothing if the page prints none."""
    if model.price is None:
        return {}
    return {"description": price_sentence(model.price), "x-price": model.price.facts}


def _poll(gateway: Gateway, route: str, operation_id: str, summary: str, schema: str) -> dict[str, Any]:
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": ["jobs"],
        "parameters": [{"$ref": "#/components/parameters/requestId"}],
        "responses": {"200": _json_response("The job's record.", schema), **_failures(gateway, route)},
    }


def _credits(gateway: Gateway) -> dict[str, Any]:
    return {
        "operationId": "getCredits",
        "summary": "Balance of the account (free)",
        "tags": ["account"],
        "responses": {"200": _json_response("The balance.", "Credits"), **_failures(gateway, "credits")},
    }


def _request_body(model: Model) -> dict[str, Any]:
    complete = model.valid_example == dict(model.example)
    summary = (
        "The docs page's sample"
        if complete
        else "The docs page's sample, completed with the required parameters that it lacks"
    )
    return {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{request_name(model)}"},
                "examples": {"sample": {"summary": summary, "value": model.valid_example}},
            }
        },
    }


def _output(model: Model) -> dict[str, Any]:
    """The content of a v1 answer, by media type."""
    any_json = {"application/json": {"schema": {"description": "Output of the model. Its shape is not documented."}}}
    if model.returns.media == "json":
        return any_json
    content: dict[str, Any] = {
        _MEDIA_TYPES[format_]: {
            "schema": {"type": "string", "format": "binary", "contentMediaType": _MEDIA_TYPES[format_]}
        }
        for format_ in model.returns.formats
    }
    if model.returns.controls.base64 is not None:
        content["application/json"] = {"schema": {"$ref": "#/components/schemas/Base64Image"}}
    return content


def _failures(gateway: Gateway, route: str) -> dict[str, Any]:
    return {
        str(status.code): {"$ref": f"#/components/responses/{component(status)}"}
        for status in gateway.statuses
        if status.code != 200 and route in status.routes
    }


def _json_response(description: str, schema: str, example: Mapping[str, object] | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    if example is not None:
        content["example"] = dict(example)
    return {"description": description, "content": {"application/json": content}}


def component(status: Status) -> str:
    """Returns the component name of a status."""
    return pascal_case(status.title)


def request_name(model: Model) -> str:
    """Returns the schema name of a model's request body."""
    return f"{pascal_case(model.slug)}Request"
