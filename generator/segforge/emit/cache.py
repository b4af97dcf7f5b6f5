"""From the files of a folder of specs to all files of some emitters, making only what is new, on several cores.

What the emitters make of one model depends on the bytes of its file, those of `gateway.yaml` and the schemas, and the
code that generates. Under these, its pieces of the common files are kept, and the digests of its own: where those are
on disk already, nothing is made. The files that all models share are put together anew. The bytes are always the same.
"""

import importlib
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import msgspec

from segforge.emit.artifact import Artifact, Generated
from segforge.emit.formatting import format_python
from segforge.emit.manifest import MANIFEST, are_on_disk
from segforge.emit.memo import Memo
from segforge.emit.pipeline import Parts, emit_common, emit_models, model_artifacts, pieces_of
from segforge.emit.typescript.client import class_names
from segforge.spec.catalog import Catalog, Gateway
from segforge.spec.inputs import Inputs, SpecFile
from segforge.spec.lint import slugs_collide
from segforge.spec.load import build_gateway, build_model, build_releases, valid_data

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

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


class _Known(msgspec.Struct):
    """What is kept of a model: its data as JSON, what it adds to the common files, and the digests of its own."""

    data: bytes
    pieces: dict[str, dict[str, str]]
    files: dict[str, str]


class _Map(Protocol):
    """What `map` does, maybe in other processes."""

    def __call__(self, function: Callable[[_Item], _Result], items: Iterable[_Item], /) -> Iterator[_Result]: ...


def generate(inputs: Inputs, names: Sequence[str], memo: Memo, processes: int, out: Path) -> Generated | None:
    """All files of these emitters, as `emit` gives them; None where anything is wrong with the specs."""
    gateway_data = _data(inputs.gateway, "gateway")
    changelog = _data(inputs.changelog, "changelog") if inputs.changelog else {"releases": []}
    slugs = [file.path.stem for file in inputs.models]
    if gateway_data is None or changelog is None or not slugs or slugs_collide(slugs):
        return None
    gateway = build_gateway(gateway_data)
    tasks = _tasks(inputs, names, memo)
    # Processes start before anything is read, so that how many are of use is a guess.
    likely = sum(task.key not in memo for task in tasks) if (out / MANIFEST).exists() else len(tasks)
    with _mapping(processes, likely) as map_:
        known = {task.key: found for task in tasks if (found := _recall(memo, task.key, out)) is not None}
        missing = [task for task in tasks if task.key not in known]
        data = _read_all(missing, map_)
        if data is None:
            return None
        making = map_(
            partial(_make, gateway, tuple(names)), _batches([(data[task.key], task.name) for task in missing])
        )
        # Meanwhile, here, all that needs no pieces.
        every = [data[task.key] if task.key in data else known[task.key].data for task in tasks]
        models = tuple(build_model(json.loads(each)) for each in every)
        join = emit_common(Catalog(gateway, models, build_releases(changelog)), names)
        parts = dict(zip([task.key for task in missing], chain.from_iterable(making), strict=True))
    common = join([pieces_of(parts[task.key]) if task.key in parts else known[task.key].pieces for task in tasks])
    artifacts = list(format_python([*model_artifacts(parts.values()), *common]))
    _keep(memo, data, parts, artifacts)
    return Generated(artifacts, {path: digest for each in known.values() for path, digest in each.files.items()})


def _tasks(inputs: Inputs, names: Sequence[str], memo: Memo) -> list[_Task]:
    shared = ",".join(names).encode(), inputs.shared_digest()
    typescript = class_names([file.path.stem for file in inputs.models])
    return [
        _Task(file, name, memo.key(*shared, name.encode(), file.name, file.raw))
        for file, name in zip(inputs.models, typescript, strict=True)
    ]


def _recall(memo: Memo, key: str, out: Path) -> _Known | None:
    """What is kept of a model whose files are on disk, as they were made."""
    content = memo.get(key)
    if content is None:
        return None
    known = msgspec.msgpack.decode(content, type=_Known)
    return known if are_on_disk(out, known.files) else None


def _keep(memo: Memo, data: Mapping[str, bytes], parts: Mapping[str, Parts], artifacts: Iterable[Artifact]) -> None:
    digests = {str(artifact.path): artifact.digest for artifact in artifacts}
    for key, made in parts.items():
        files = {path: digests[path] for part in made.values() for path in part.files}
        pieces = {name: dict(of_one) for name, of_one in pieces_of(made).items()}
        memo.keep(key, msgspec.msgpack.encode(_Known(data[key], pieces, files)))
    memo.prune()


def _read_all(tasks: Sequence[_Task], map_: _Map) -> dict[str, bytes] | None:
    """The data of models, as JSON by their keys; None where one has an error."""
    reading = (map_ if len(tasks) > _BATCH else map)(_read, _batches([task.file for task in tasks]))
    data = {task.key: each for task, each in zip(tasks, chain.from_iterable(reading), strict=True) if each is not None}
    return data if len(data) == len(tasks) else None


def _read(files: Sequence[SpecFile]) -> list[bytes | None]:
    return [json.dumps(data).encode() if (data := _data(file, "model")) is not None else None for file in files]


def _make(gateway: Gateway, names: Sequence[str], batch: Sequence[tuple[bytes, str]]) -> list[Parts]:
    """What the emitters make of some models, not formatted."""
    return emit_models(gateway, [(build_model(json.loads(data)), name) for data, name in batch], names)


def _batches(items: Sequence[_Item]) -> list[Sequence[_Item]]:
    return [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]


def _data(file: SpecFile, form: Any) -> Any:
    return valid_data(file.raw, file.path, form)


@contextmanager
def _mapping(processes: int, models: int) -> Iterator[_Map]:
    """A `map` over batches that has work done by that many other processes, where that is worth it.

    None of them outlives this block, nor this process.
    """
    forks = sys.platform == "linux" and threading.active_count() == 1  # a fork with threads may never come to an end
    if processes < 2 or models < (1 if forks else _WORTH_SPAWNING):
        yield map
        return
    context = multiprocessing.get_context("fork" if forks else "spawn")
    pool = ProcessPoolExecutor(min(processes, -(-models // _BATCH)), context, initializer=_start_worker)
    try:
        with _interrupts_blocked():
            pool.submit(bool)  # which starts them, so that they load while this process reads
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)  # what runs is waited for, a second at most: a killed worker may block us


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Keep Ctrl-C from processes that start in this block, for good, and from this one until it ends."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker() -> None:
    """Import what takes longest; and end as soon as the process that started this one has ended, however it did."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
    importlib.import_module("datamodel_code_generator.parser.jsonschema")


def _end_after(parent: Any) -> None:
    parent.join()
    os._exit(1)
