"""Emits the Bruno collection: one request for each model with a complete spec, the steps of a job, and the balance."""

import json
from pathlib import PurePosixPath
from typing import Final

from segforge.emit.artifact import Join, Part, Pieces, Subject
from segforge.emit.quoting import render
from segforge.spec.catalog import Catalog, Gateway, Model, Version

_FOLDER: Final = PurePosixPath("bruno")
_PAGES: Final = (
    *("bruno.json", "collection.bru", "account/credits.bru"),
    *(f"environments/{name}.bru" for name in ("mock", "segmind")),
)


def emit_model(subject: Subject) -> Part:
    """Returns the request of a model: a v1 call if it has one, else a submit. Models with partial specs have none."""
    model = subject.model
    if model.level == "partial":
        return Part({})
    version: Version = "v1" if "v1" in model.versions else "v2"
    path = _FOLDER / "models" / f"{model.slug}.bru"
    return Part({str(path): _request(subject.gateway, model, version, model.slug)})


def fixed_facts(catalog: Catalog) -> tuple[Gateway, Model | None]:
    """Returns the gateway, and the model of the requests of a job, if any model has jobs."""
    with_jobs = [model for model in catalog.models if "v2" in model.versions]
    by_slug = {model.slug: model for model in with_jobs}
    return catalog.gateway, by_slug.get(catalog.gateway.sample or "", with_jobs[0] if with_jobs else None)


def emit_fixed(facts: tuple[Gateway, Model | None]) -> Part:
    """Returns the files of the collection itself, and the requests of a job, which run in their order."""
    gateway, shown = facts
    texts = {page: render(f"bruno/{page}.jinja", gateway=gateway) for page in _PAGES}
    if shown is not None:
        texts["job/submit.bru"] = _request(gateway, shown, "v2", "submit")
        texts["job/status.bru"] = _poll(gateway, "status", gateway.routes.status.path)
        texts["job/result.bru"] = _poll(gateway, "result", gateway.routes.result.path)
    return Part({str(_FOLDER / path): text for path, text in texts.items()})


def emit_common(catalog: Catalog, fixed: Pieces) -> Join:  # noqa: ARG001 - the protocol's
    """Returns nothing: each request stands for itself."""
    return lambda _: ()


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
