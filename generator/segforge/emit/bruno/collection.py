"""Emits the Bruno collection: one request for each model with a complete spec, the steps of a job, and the balance."""

import json
from pathlib import PurePosixPath
from typing import Final

from segforge.emit.artifact import Artifact, Join, ModelPart, Subject
from segforge.emit.quoting import render
from segforge.spec.catalog import Catalog, Gateway, Model, Version

_FOLDER: Final = PurePosixPath("bruno")
_PAGES: Final = (
    *("bruno.json", "collection.bru", "account/credits.bru"),
    *(f"environments/{name}.bru" for name in ("mock", "segmind")),
)


def emit_model(subject: Subject) -> ModelPart:
    """Returns the request of a model: a v1 call if it has one, else a submit. Models with partial specs have none."""
    model = subject.model
    if model.level == "partial":
        return ModelPart({})
    version: Version = "v1" if "v1" in model.versions else "v2"
    path = _FOLDER / "models" / f"{model.slug}.bru"
    return ModelPart({str(path): _request(subject.gateway, model, version, model.slug)})


def emit_common(catalog: Catalog) -> Join:
    """Returns the files of the collection itself, and the requests of a job, which run in their order."""
    gateway = catalog.gateway
    texts = {page: render(f"bruno/{page}.jinja", gateway=gateway) for page in _PAGES}
    with_jobs = [model for model in catalog.models if "v2" in model.versions]
    if with_jobs:
        shown = next((model for model in with_jobs if model.slug == gateway.sample), with_jobs[0])
        texts["job/submit.bru"] = _request(gateway, shown, "v2", "submit")
        texts["job/status.bru"] = _poll(gateway, "status", gateway.routes.status.path)
        texts["job/result.bru"] = _poll(gateway, "result", gateway.routes.result.path)
    artifacts = [Artifact(_FOLDER / path, text) for path, text in texts.items()]
    return lambda _: artifacts


def _request(gateway: Gateway, model: Model, version: Version, name: str) -> str:
    usual = {"v1": gateway.routes.run.path, "v2": gateway.routes.submit.path}
    path = model.paths.get(version, usual[version]).replace("{slug}", model.slug)
    payload = model.valid_example
    fields = [(key, value if isinstance(value, str) else json.dumps(value)) for key, value in payload.items()]
    form = fields if model.encodings[0] == "multipart" else None
    return render("bruno/request.bru.jinja", name=name, path=path, job=version == "v2", form=form, payload=payload)


def _poll(gateway: Gateway, name: str, path: str) -> str:
    before, _, after = path.partition("{request_id}")
    lifecycle = gateway.lifecycle
    return render(
        f"bruno/{name}.bru.jinja",
        before=before,
        after=after,
        ends=[state.name for state in lifecycle.states if state.terminal],
        milliseconds=int(lifecycle.poll_interval_seconds * 1000),
        polls=int(lifecycle.deadline_seconds / lifecycle.poll_interval_seconds),
    )
