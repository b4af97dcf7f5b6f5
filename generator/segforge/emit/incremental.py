"""From the files of a folder of specs to artifacts, making only what no earlier run has made, on several cores.

What the emitters make of one model is kept under the bytes of its file, those of `gateway.yaml` and the schemas, and
the code that generates; the files that all models share are put together anew. Kept or made, the bytes are the same.
"""

import json
import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeAlias

import msgspec

from segforge.emit.artifact import Artifact
from segforge.emit.emitters import Parts, emit_common, emit_models, model_artifacts
from segforge.emit.formatting import format_python
from segforge.emit.typescript_client import class_names
from segforge.memo import Memo
from segforge.spec.catalog import Catalog, Gateway
from segforge.spec.inputs import Inputs, SpecFile
from segforge.spec.lint import slugs_collide
from segforge.spec.load import build_gateway, build_model, build_releases, valid_data

_BATCH: Final = 25
"""How many models share a run of datamodel-code-generator: more save nothing and take memory."""

_WORTH_SPAWNING: Final = 40
"""How many models make up for processes that start from nothing, where there is no fork."""


@dataclass(frozen=True)
class _Task:
    """A model to emit: its file, the name of its class in TypeScript, and the key of what comes of it."""

    file: SpecFile
    name: str
    key: str


class _Made(msgspec.Struct):
    """A model's data, as JSON, and what the emitters made of it; that is kept formatted."""

    data: str
    parts: Parts


_Batch: TypeAlias = Sequence[_Task]
_Map: TypeAlias = Callable[[Callable[[_Batch], list[_Made] | None], Sequence[_Batch]], Iterator[list[_Made] | None]]


def generate(inputs: Inputs, names: Sequence[str], memo: Memo, processes: int) -> list[Artifact] | None:
    """The artifacts of these emitters, as `emit` gives them; None where anything is wrong with the specs."""
    gateway_data = _data(inputs.gateway, "gateway")
    slugs = [file.path.stem for file in inputs.models]
    if gateway_data is None or not slugs or slugs_collide(slugs):
        return None
    gateway = build_gateway(gateway_data)
    tasks = _tasks(inputs, names, memo)
    kept = {task.key: content for task in tasks if (content := memo.get(task.key)) is not None}
    missing = [task for task in tasks if task.key not in kept]
    batches = [missing[start : start + _BATCH] for start in range(0, len(missing), _BATCH)]
    with _mapping(processes, len(missing)) as map_:
        running = map_(partial(_make, gateway, tuple(names)), batches)
        made = {key: msgspec.msgpack.decode(content, type=_Made) for key, content in kept.items()}
        fresh: dict[str, _Made] = {}
        for batch, results in zip(batches, running, strict=True):
            if results is None:
                return None
            fresh |= {task.key: result for task, result in zip(batch, results, strict=True)}
    changelog = _data(inputs.changelog, "changelog") if inputs.changelog else {"releases": []}
    if changelog is None:
        return None
    every = [made.get(task.key) or fresh[task.key] for task in tasks]
    models = tuple(build_model(json.loads(each.data)) for each in every)
    catalog = Catalog(gateway, models, build_releases(changelog))
    common = emit_common(catalog, [each.parts for each in every], names)
    formatted = _format(common, fresh)
    for key, each in fresh.items():
        memo.keep(key, msgspec.msgpack.encode(each))
    memo.prune()
    return [*model_artifacts(each.parts for each in every), *formatted]


def _tasks(inputs: Inputs, names: Sequence[str], memo: Memo) -> list[_Task]:
    shared = ",".join(names).encode(), inputs.shared_digest()
    typescript = class_names([file.path.stem for file in inputs.models])
    return [
        _Task(file, name, memo.key(*shared, name.encode(), file.name, file.raw))
        for file, name in zip(inputs.models, typescript, strict=True)
    ]


def _make(gateway: Gateway, names: Sequence[str], batch: _Batch) -> list[_Made] | None:
    """What the emitters make of some models, not formatted; None where a model has an error."""
    data = [_data(task.file, "model") for task in batch]
    if None in data:
        return None
    models = [(build_model(each), task.name) for each, task in zip(data, batch, strict=True)]
    parts = emit_models(gateway, models, names)
    return [_Made(json.dumps(each), part) for each, part in zip(data, parts, strict=True)]


def _data(file: SpecFile, form: Any) -> Any:
    return valid_data(file.raw, file.path, form)


@contextmanager
def _mapping(processes: int, models: int) -> Iterator[_Map]:
    """A `map` over batches that has work done by that many other processes, where that is worth it."""
    forks = sys.platform == "linux" and threading.active_count() == 1  # a fork with threads may never come to an end
    if processes < 2 or models < (1 if forks else _WORTH_SPAWNING):
        yield map
        return
    context = multiprocessing.get_context("fork" if forks else "spawn")
    with ProcessPoolExecutor(min(processes, -(-models // _BATCH)), context) as pool:
        yield pool.map


def _format(common: Sequence[Artifact], fresh: Mapping[str, _Made]) -> list[Artifact]:
    """The common files formatted, and those of the fresh models, in place, in the same run of the formatter."""
    texts = {
        str(artifact.path): artifact.text
        for artifact in format_python([*model_artifacts(each.parts for each in fresh.values()), *common])
    }
    for each in fresh.values():
        for name, part in each.parts.items():
            each.parts[name] = replace(part, files={path: texts[path] for path in part.files})
    return [replace(artifact, text=texts[str(artifact.path)]) for artifact in common]
