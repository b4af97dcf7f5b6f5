"""Emits OpenAPI 3.1 documents: one for the whole gateway, one for each model."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

from segforge.emit.artifact import Artifact, Join, ModelPart, Pieces, Subject
from segforge.emit.openapi.document_text import (
    PATHS,
    SCHEMAS,
    TAGS,
    Entries,
    Location,
    json_entries,
    json_text,
    yaml_entries,
    yaml_text,
)
from segforge.emit.schemas import request_schema
from segforge.spec.catalog import Catalog, Gateway, Header, Model, Route, Status, StatusCase
from segforge.spec.identifiers import pascal_case
from segforge.spec.printable import fill

_GENERATED: Final = "segforge generate; do not edit, change the specs"
_DIALECT: Final = "https://spec.openapis.org/oas/3.1/dialect/base"
_MEDIA_TYPES: Final = {"jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


_FOLDER: Final = PurePosixPath("openapi")


def emit_model(subject: Subject) -> ModelPart:
    """`models/<slug>.yaml`, and the model's pieces of the documents with all models."""
    gateway, model = subject.gateway, subject.model
    own = _own(gateway, model)
    references = _references(own[PATHS])
    shared = references - {f"#/components/schemas/{_request_name(model)}"}
    pieces = {"references": "\n".join(sorted(shared))}
    for at, value in own.items():
        pieces |= {f"yaml.{at[-1]}": yaml_entries(value, at), f"json.{at[-1]}": json_entries(value, at)}
    text = _yaml(_around(gateway, [model], references, own), {})
    return ModelPart({str(_FOLDER / "models" / f"{model.slug}.yaml"): text}, pieces)


def emit_common(catalog: Catalog) -> Join:
    """`segmind.yaml` and `segmind.json` with all models, put together from the pieces."""
    return partial(_join, catalog.gateway, catalog.models)


def _join(gateway: Gateway, models: Sequence[Model], pieces: Sequence[Pieces]) -> Iterator[Artifact]:
    if _keys_stay_apart(gateway, models):
        references = {reference for each in pieces for reference in each["references"].split()}
        whole = _around(gateway, models, references, {TAGS: [], PATHS: {}, SCHEMAS: {}})
    else:
        whole, pieces = document(gateway, models), ()
    for suffix, written in (("yaml", _yaml), ("json", json_text)):
        texts: dict[Location, list[str]] = {
            at: [each[f"{suffix}.{at[-1]}"] for each in pieces] for at in (TAGS, PATHS, SCHEMAS)
        }
        yield Artifact(_FOLDER / f"segmind.{suffix}", written(whole, texts))


def document(gateway: Gateway, models: Sequence[Model]) -> dict[str, Any]:
    """The OpenAPI document of some models: their operations, the polls that all share, and the balance."""
    own: dict[Location, Any] = {TAGS: [], PATHS: {}, SCHEMAS: {}}
    for model in models:
        added = _own(gateway, model)
        own = {TAGS: own[TAGS] + added[TAGS], PATHS: own[PATHS] | added[PATHS], SCHEMAS: own[SCHEMAS] | added[SCHEMAS]}
    return _around(gateway, models, _references(own[PATHS]), own)


def _own(gateway: Gateway, model: Model) -> dict[Location, Any]:
    """What a model adds to a document."""
    routes = gateway.routes
    paths = {}
    if "v1" in model.versions:
        paths[routes.run.path.replace("{slug}", model.slug)] = _operation(routes.run, _run(gateway, model))
    if "v2" in model.versions:
        paths[routes.submit.path.replace("{slug}", model.slug)] = _operation(routes.submit, _submit(gateway, model))
    tag = {"name": model.slug, "description": model.description, "externalDocs": {"url": model.source.url}}
    return {TAGS: [tag], PATHS: paths, SCHEMAS: {_request_name(model): request_schema(model)}}


def _around(
    gateway: Gateway, models: Sequence[Model], references: set[str], own: Mapping[Location, Any]
) -> dict[str, Any]:
    """The document of some models with those of their entries that are in `own`, and all that `references` lead to."""
    single = models[0] if len(models) == 1 else None
    paths = {**own[PATHS], **_shared_paths(gateway, models)}
    used = {model.slug for model in models} | {
        tag for item in paths.values() for operation in item.values() for tag in operation["tags"]
    }
    components = {
        "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": gateway.auth.header}},
        "headers": {header.name: _header(header) for header in gateway.headers},
        "parameters": {"requestId": _REQUEST_ID},
        "responses": {
            _component(status): _failure(status, models) for status in gateway.statuses if status.code != 200
        },
        "schemas": {**_shared_schemas(gateway), **own[SCHEMAS]},
    }
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": _DIALECT,
        "info": {
            "title": f"{single.title} on {gateway.title}" if single else gateway.title,
            "description": single.description if single else gateway.description,
            "version": max([gateway.reviewed, *(model.source.reviewed for model in models)]),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "x-generated-by": _GENERATED,
        "servers": [{"url": gateway.base_url}],
        "security": [{"apiKey": []}],
        "tags": [*own[TAGS], *(tag for tag in _SHARED_TAGS if tag["name"] in used)],
        "paths": paths,
        "components": _referenced(components, references | _references(paths)),
    }


def _keys_stay_apart(gateway: Gateway, models: Sequence[Model]) -> bool:
    """Whether no two models, and no model and the gateway, have a path or the name of a schema in common."""
    paths = [
        route.path.replace("{slug}", model.slug)
        for route in (gateway.routes.run, gateway.routes.submit)
        for model in models
    ]
    keys = [*paths, *_shared_paths(gateway, models), *_shared_schemas(gateway), *map(_request_name, models)]
    return len(set(keys)) == len(keys)


def _referenced(components: dict[str, dict[str, Any]], references: set[str]) -> dict[str, dict[str, Any]]:
    """The components that these references lead to, and security schemes."""
    found: set[str] = set()
    pending = set(references)
    while pending:
        reference = pending.pop()
        if reference not in found:
            found.add(reference)
            _, _, kind, name = reference.split("/")
            pending |= _references(components[kind][name])
    kept = {
        kind: {name: value for name, value in named.items() if f"#/components/{kind}/{name}" in found}
        for kind, named in components.items()
    }
    return {kind: named for kind, named in {**kept, "securitySchemes": components["securitySchemes"]}.items() if named}


def _references(value: object) -> set[str]:
    if isinstance(value, Mapping):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_references, value.values()))
    if isinstance(value, list):
        return set().union(*map(_references, value))
    return set()


def _shared_paths(gateway: Gateway, models: Sequence[Model]) -> dict[str, Any]:
    """The polls, where a model has jobs, and the balance."""
    routes = gateway.routes
    paths = {}
    if any("v2" in model.versions for model in models):
        paths[routes.status.path] = _operation(
            routes.status, _poll(gateway, "status", "getJobStatus", "State of a job", "JobStatus")
        )
        paths[routes.result.path] = _operation(
            routes.result, _poll(gateway, "result", "getJobResult", "Result of a job", "JobResult")
        )
        paths[routes.poll.path] = _operation(
            routes.poll,
            _poll(gateway, "poll", "pollJob", "Output of a job, by the poll_url of old clients", "JobResult"),
        )
    paths[routes.credits.path] = _operation(routes.credits, _credits(gateway))
    return paths


def _operation(route: Route, operation: dict[str, Any]) -> dict[str, Any]:
    return {route.method.lower(): operation}


def _run(gateway: Gateway, model: Model) -> dict[str, Any]:
    return {
        "operationId": f"run{pascal_case(model.slug)}",
        "summary": f"Run {model.title} and wait for its output",
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


def _submit(gateway: Gateway, model: Model) -> dict[str, Any]:
    _, accepted = gateway.cases["job.accepted"]
    return {
        "operationId": f"submit{pascal_case(model.slug)}",
        "summary": f"Queue a run of {model.title}",
        "tags": [model.slug],
        "requestBody": _request_body(model),
        "responses": {
            "200": _json_response("The job was accepted.", "JobAccepted", accepted.body),
            **_failures(gateway, "submit"),
        },
    }


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
        "summary": "Balance of the account; free of charge",
        "tags": ["account"],
        "responses": {"200": _json_response("The balance.", "Credits"), **_failures(gateway, "credits")},
    }


def _request_body(model: Model) -> dict[str, Any]:
    complete = model.valid_example == dict(model.example)
    summary = (
        "The docs page's sample"
        if complete
        else "The docs page's sample, completed by the required parameters that it lacks"
    )
    return {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{_request_name(model)}"},
                "examples": {"sample": {"summary": summary, "value": model.valid_example}},
            }
        },
    }


def _output(model: Model) -> dict[str, Any]:
    """What a v1 call answers, by media type."""
    any_json = {"application/json": {"schema": {"description": "Output of the model; its shape is not documented."}}}
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
        str(status.code): {"$ref": f"#/components/responses/{_component(status)}"}
        for status in gateway.statuses
        if status.code != 200 and route in status.routes
    }


def _failure(status: Status, models: Sequence[Model]) -> dict[str, Any]:
    values = _EXAMPLE_VALUES | {"slug": models[0].slug if models else "flux-img2img"}
    content: dict[str, Any] = {}
    for case in status.cases:
        media_type, schema, value = _case_content(status, case)
        examples = content.setdefault(media_type, {"schema": schema, "examples": {}})["examples"]
        examples[case.name] = {"summary": case.when, "value": fill(value, values)}
    return {"description": status.meaning, "content": content}


def _case_content(status: Status, case: StatusCase) -> tuple[str, dict[str, Any], object]:
    if case.html is not None:
        return "text/html", {"type": "string"}, case.html
    name = "JobFailed" if status.code == 422 else "Error"
    return "application/json", {"$ref": f"#/components/schemas/{name}"}, case.body


def _json_response(description: str, schema: str, example: Mapping[str, object] | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    if example is not None:
        content["example"] = dict(example)
    return {"description": description, "content": {"application/json": content}}


def _header(header: Header) -> dict[str, Any]:
    return {"description": header.description, "schema": {"type": header.type}, "example": header.example}


def _component(status: Status) -> str:
    return pascal_case(status.title)


def _request_name(model: Model) -> str:
    return f"{pascal_case(model.slug)}Request"


_SHARED_TAGS: Final = ({"name": "jobs", "description": "v2 jobs."}, {"name": "account", "description": "The account."})
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
_REQUEST_ID: Final = {
    "name": "request_id",
    "in": "path",
    "required": True,
    "description": "The request_id of the submit's answer.",
    "schema": {"type": "string"},
}


def _shared_schemas(gateway: Gateway) -> dict[str, Any]:
    """Schemas of what all models answer. All are open: the gateway adds keys without notice."""
    text, url = {"type": "string"}, {"type": "string", "format": "uri"}
    states = [state.name for state in gateway.lifecycle.states]
    failed = [state.name for state in gateway.lifecycle.states if state.code == 422]
    metrics = {"$ref": "#/components/schemas/Metrics"}
    return {
        "Error": {
            "type": "object",
            "properties": {"error": {"type": "string", "description": "What went wrong, in free prose."}},
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
                "output": {"description": "The output; for a picture its URL. Absent while the job runs."},
                "images": {"type": "array", "items": {"$ref": "#/components/schemas/Image"}},
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
                "error": {"type": "string", "description": "Why the job failed, in free prose."},
                "metrics": metrics,
            },
            "required": ["status", "error"],
        },
        "Image": {
            "type": "object",
            "properties": {"url": url, "content_type": text, "file_name": text, "file_size": text},
            "required": ["url"],
        },
        "Metrics": {
            "type": "object",
            "description": "Times in seconds, cost and balance in credits; keys appear as they become known.",
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
                    "description": "The picture as base64 text; a list where several were asked for.",
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
    }


def _yaml(value: Mapping[str, Any], pieces: Entries) -> str:
    return f"# Generated by {_GENERATED}.\n{yaml_text(value, pieces)}"
