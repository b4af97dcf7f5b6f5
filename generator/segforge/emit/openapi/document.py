"""Emits OpenAPI 3.1 documents: one for the whole gateway, one for each model."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

from segforge.emit.artifact import Artifact, Join, ModelPart, Pieces, Subject
from segforge.emit.openapi.about import model_tag
from segforge.emit.openapi.bodies import Shapes, body_schema, shape_components, shape_schemas
from segforge.emit.openapi.components import (
    LINKS,
    REQUEST_ID,
    SHARED_TAGS,
    failure,
    header_object,
    referenced,
    references_in,
    shared_schemas,
)
from segforge.emit.openapi.operations import (
    CODE,
    component,
    model_operations,
    model_paths,
    request_name,
    shared_paths,
    without,
)
from segforge.emit.openapi.others import others_document
from segforge.emit.openapi.text import (
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
from segforge.spec.catalog import Catalog, Gateway, Model

_GENERATED: Final = "segforge generate; do not edit, change the specs"
_DIALECT: Final = "https://spec.openapis.org/oas/3.1/dialect/base"
_FOLDER: Final = PurePosixPath("openapi")


def emit_model(subject: Subject) -> ModelPart:
    """Returns `models/<slug>.yaml`, and the model's pieces of the documents with all models.

    The document of one model leaves out what those of all models hold: examples of failures, and the balance.
    """
    gateway, model = subject.gateway, subject.model
    own = _own(gateway, model, shape_schemas([model]))
    references = references_in(own[PATHS]) | references_in(own[SCHEMAS])
    text = _yaml(_around(gateway, [model], references, own, brief=True), {})
    shared = references - {f"#/components/schemas/{request_name(model)}"}
    pieces = {"references": "\n".join(sorted(shared))}
    if model.level == "partial":  # its own document has the code samples
        own = {**own, PATHS: without(own[PATHS], CODE)}
    for at, value in own.items():
        pieces |= {f"yaml.{at[-1]}": yaml_entries(value, at), f"json.{at[-1]}": json_entries(value, at)}
    return ModelPart({str(_FOLDER / "models" / f"{model.slug}.yaml"): text}, pieces)


def emit_common(catalog: Catalog) -> Join:
    """Prepares `segmind.yaml` and `segmind.json`, which hold all models."""
    return partial(_join, catalog.gateway, catalog.models)


def _join(gateway: Gateway, models: Sequence[Model], pieces: Sequence[Pieces]) -> Iterator[Artifact]:
    if _keys_stay_apart(gateway, models) and _shapes_agree(models):
        references = {reference for each in pieces for reference in each["references"].split()}
        whole = _around(gateway, models, references, {TAGS: [], PATHS: {}, SCHEMAS: {}})
    else:
        whole, pieces = document(gateway, models), ()
    for suffix, written in (("yaml", _yaml), ("json", json_text)):
        texts: dict[Location, list[str]] = {
            at: [each[f"{suffix}.{at[-1]}"] for each in pieces] for at in (TAGS, PATHS, SCHEMAS)
        }
        yield Artifact(_FOLDER / f"segmind.{suffix}", written(whole, texts))
    others = others_document(gateway, _opening(f"{gateway.title}: other routes", _OTHERS, gateway.reviewed))
    if others is not None:
        yield Artifact(_FOLDER / "other-routes.yaml", _yaml(others, {}))


_OTHERS: Final = "Routes beside those of models, as their sources describe them. Neither clients nor the mock use them."


def _opening(title: str, description: str, version: str) -> dict[str, Any]:
    """The keys before the servers of a document."""
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": _DIALECT,
        "info": {
            "title": title,
            "description": description,
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "x-generated-by": _GENERATED,
    }


def document(gateway: Gateway, models: Sequence[Model]) -> dict[str, Any]:
    """Returns the OpenAPI document of some models: their operations, the shared polls and the balance."""
    own: dict[Location, Any] = {TAGS: [], PATHS: {}, SCHEMAS: {}}
    shapes = shape_schemas(models)
    for model in models:
        added = _own(gateway, model, shapes)
        own = {TAGS: own[TAGS] + added[TAGS], PATHS: own[PATHS] | added[PATHS], SCHEMAS: own[SCHEMAS] | added[SCHEMAS]}
    return _around(gateway, models, references_in(own[PATHS]) | references_in(own[SCHEMAS]), own)


def _own(gateway: Gateway, model: Model, shapes: Shapes) -> dict[Location, Any]:
    """The entries that a model adds to a document. Its parts with one of the shapes refer to that."""
    return {
        TAGS: [model_tag(model)],
        PATHS: model_operations(gateway, model, shapes),
        SCHEMAS: {request_name(model): body_schema(model, shapes)},
    }


def _around(
    gateway: Gateway, models: Sequence[Model], references: set[str], own: Mapping[Location, Any], *, brief: bool = False
) -> dict[str, Any]:
    """The document of some models: the entries in `own`, and the components that `references` need.

    A `brief` one has neither examples of failures nor the route of the balance.
    """
    single = models[0] if len(models) == 1 else None
    paths = {**own[PATHS], **shared_paths(gateway, models, brief=brief)}
    used = {model.slug for model in models} | {
        tag for item in paths.values() for operation in item.values() for tag in operation["tags"]
    }
    components = {
        "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": gateway.auth.header}},
        "headers": {header.name: header_object(header) for header in gateway.headers},
        "parameters": {"requestId": REQUEST_ID},
        "responses": {
            component(status): failure(status, models, brief=brief) for status in gateway.statuses if status.code != 200
        },
        "links": LINKS,
        "schemas": {**shared_schemas(gateway, models), **shape_components(shape_schemas(models)), **own[SCHEMAS]},
    }
    title = f"{single.title} on {gateway.title}" if single else gateway.title
    version = max([gateway.reviewed, *(model.source.reviewed for model in models)])
    return {
        **_opening(title, single.description if single else gateway.description, version),
        "servers": [{"url": gateway.base_url}],
        "security": [{"apiKey": []}],
        "tags": [*own[TAGS], *(tag for tag in SHARED_TAGS if tag["name"] in used)],
        "paths": paths,
        "components": referenced(components, references | references_in(paths)),
    }


def _keys_stay_apart(gateway: Gateway, models: Sequence[Model]) -> bool:
    """Whether all models and the gateway have distinct paths and schema names."""
    paths = [path for model in models for path in model_paths(gateway, model).values()]
    shared = [*shared_schemas(gateway, models), *shape_components(shape_schemas(models))]
    keys = [*paths, *shared_paths(gateway, models), *shared, *map(request_name, models)]
    return len(set(keys)) == len(keys)


def _shapes_agree(models: Sequence[Model]) -> bool:
    """Whether each model alone has the same shapes as all models together."""
    together = shape_schemas(models)
    return all(together.get(name) == schema for model in models for name, schema in shape_schemas([model]).items())


def _yaml(value: Mapping[str, Any], pieces: Entries) -> str:
    return f"# Generated by {_GENERATED}.\n{yaml_text(value, pieces)}"
