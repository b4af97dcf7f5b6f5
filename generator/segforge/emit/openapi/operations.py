"""The operations of an OpenAPI document: run and submit of a model, the polls that all models share, the balance."""

from collections.abc import Container, Mapping
from typing import Any, Final

from segforge.emit.openapi.about import operation_text
from segforge.emit.openapi.answers import output_content
from segforge.emit.openapi.bodies import Shapes, form_schema
from segforge.emit.openapi.components import LINKS
from segforge.emit.openapi.samples import run_samples, submit_samples
from segforge.spec.catalog import Gateway, Model, Route, Status, Version
from segforge.spec.identifiers import pascal_case
from segforge.spec.values import payload_violations

SAMPLE: Final = "x-invalid-sample"
"""The keyword, in place of `examples`, that holds a sample that the other facts of its page exclude."""


def shared_paths(gateway: Gateway, *, jobs: bool, balance: bool = True) -> dict[str, Any]:
    """Returns the paths of polls, if a model has jobs, and of the balance."""
    routes = gateway.routes
    paths = {}
    if jobs:
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
    if balance:
        paths[routes.credits.path] = operation(routes.credits, _credits(gateway))
    return paths


def operation(route: Route, operation: dict[str, Any]) -> dict[str, Any]:
    """Returns the path item of one route."""
    return {route.method.lower(): operation}


def model_paths(gateway: Gateway, model: Model) -> dict[Version, str]:
    """Returns the path of each version of a model: the one that its page prints, else the gateway's."""
    usual: dict[Version, str] = {"v1": gateway.routes.run.path, "v2": gateway.routes.submit.path}
    return {
        version: model.paths.get(version, usual[version]).replace("{slug}", model.slug) for version in model.versions
    }


def model_operations(gateway: Gateway, model: Model, shapes: Shapes) -> dict[str, Any]:
    """Returns the path items of a model's operations, by path."""
    routes: dict[Version, Route] = {"v1": gateway.routes.run, "v2": gateway.routes.submit}
    made = {"v1": _run, "v2": _submit}
    body = _request_body(model, shapes)
    found = {
        path: operation(routes[version], made[version](gateway, model, path, body))
        for version, path in model_paths(gateway, model).items()
    }
    if model.level == "partial":  # there are many, and the samples of their second operations would differ in a word
        first, *others = found
        found = {first: found[first], **{path: without(found[path], _SAMPLES) for path in others}}
    return found


_SAMPLES: Final = ("x-codeSamples", "examples", SAMPLE, "example")
CODE: Final = ("x-codeSamples",)
"""The keyword of code samples."""


def without(value: Any, keywords: Container[str]) -> Any:
    """Returns a part of an operation without keywords, at any depth."""
    if isinstance(value, Mapping):
        return {key: without(part, keywords) for key, part in value.items() if key not in keywords}
    return value


def _run(gateway: Gateway, model: Model, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The operation of a model's v1 call."""
    return {
        "operationId": f"run{pascal_case(model.slug)}",
        "summary": f"Run {model.title} and wait for its output",
        **_about(model),
        "tags": [model.slug],
        **_coded(run_samples(gateway, model, path)),
        "requestBody": body,
        "responses": {
            "200": {
                "description": "The output.",
                "headers": {header.name: {"$ref": f"#/components/headers/{header.name}"} for header in gateway.headers},
                "content": output_content(model),
            },
            **_failures(gateway, "run"),
        },
    }


def _submit(gateway: Gateway, model: Model, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The operation that submits a v2 job of a model."""
    _, accepted = gateway.cases["job.accepted"]
    links = {name: {"$ref": f"#/components/links/{name}"} for name in LINKS}
    return {
        "operationId": f"submit{pascal_case(model.slug)}",
        "summary": f"Queue a run of {model.title}",
        **_about(model),
        "tags": [model.slug],
        **_coded(submit_samples(gateway, model, path)),
        "requestBody": body,
        "responses": {
            "200": {**_json_response("The job was accepted.", "JobAccepted", accepted.body), "links": links},
            **_failures(gateway, "submit"),
        },
    }


def _coded(samples: list[dict[str, str]]) -> dict[str, Any]:
    return {"x-codeSamples": samples} if samples else {}


def _about(model: Model) -> dict[str, Any]:
    """The description of a model's operation, and its price as data. Nothing if there is nothing to say."""
    text = operation_text(model)
    price = {} if model.price is None else {"x-price": model.price.facts}
    return {**({"description": text} if text else {}), **price}


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


def _request_body(model: Model, shapes: Shapes) -> dict[str, Any]:
    complete = model.valid_example == dict(model.example)
    source = "A sample" if model.level == "partial" else "The docs page's sample"
    summary = source if complete else f"{source}, completed with the required parameters that it lacks"
    reference = {"$ref": f"#/components/schemas/{request_name(model)}"}
    sample = {"sample": {"summary": summary, "value": model.valid_example}}
    examples = {SAMPLE if payload_violations(model, model.valid_example) else "examples": sample}
    schemas = {"json": reference, "multipart": form_schema(model, shapes) or reference}
    types = {"json": "application/json", "multipart": "multipart/form-data"}
    content = {types[encoding]: {"schema": schemas[encoding], **examples} for encoding in model.encodings}
    return {"required": True, "content": content}


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
