"""Generates all files of a folder of specs, reusing results of earlier runs and several cores.

This is a layer around `pipeline`: it decides which models need work, runs `emit_models` on those and passes all parts
to `assemble`. The parts of a model depend on its file, its line in `directory.yaml`, `gateway.yaml`, the
schemas and segforge's own code. The memo keeps the model's pieces of the common files and the digests of its own files
under a key of these inputs. A model whose own files are unchanged on disk is not emitted again. The same holds for the
fixed files, whose inputs are the emitters' `fixed_facts`. The bytes written are the same with and without the cache.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec

from segforge.emit.artifact import Artifact, Generated, Part
from segforge.emit.manifest import MANIFEST, are_on_disk
from segforge.emit.memo import Memo
from segforge.emit.pipeline import Parts, assemble, emit_fixed, emit_models, fixed_facts, pieces_of
from segforge.emit.typescript.names import class_names
from segforge.emit.workers import BATCH, Map, batches, mapping
from segforge.spec.build import (
    build_directory,
    build_gateway,
    build_model,
    build_releases,
    outlined_model,
    with_average,
)
from segforge.spec.catalog import Catalog, Directory, Gateway
from segforge.spec.inputs import Inputs, SpecFile
from segforge.spec.lint import paths_collide, slugs_collide
from segforge.spec.load import valid_data


@dataclass(frozen=True)
class _Task:
    """A model to emit: its file, its class name in TypeScript, and the memo's key of its result."""

    file: SpecFile
    name: str
    key: str


class _Known(msgspec.Struct):
    """The memo's entry of a model: its data as JSON, its pieces of the common files, and the digests of its files.

    The entry of the fixed files has no data.
    """

    data: bytes
    pieces: dict[str, dict[str, str]]
    files: dict[str, str]

    @property
    def parts(self) -> Parts:
        """The parts, without the files, which are current on disk."""
        return {name: Part({}, pieces) for name, pieces in self.pieces.items()}


def generate(inputs: Inputs, names: Sequence[str], memo: Memo, processes: int, out: Path) -> Generated | None:
    """The files that `emit` would return for these emitters; None if the specs have an error."""
    gateway_data = valid_data(inputs.gateway, "gateway")
    changelog = valid_data(inputs.changelog, "changelog") if inputs.changelog else {"releases": []}
    listed = valid_data(inputs.directory, "directory") if inputs.directory else None
    slugs = [file.path.stem for file in inputs.models]
    unreadable = gateway_data is None or changelog is None or (inputs.directory and listed is None)
    unreadable = unreadable or any(valid_data(file, "shape") is None for file in inputs.shapes)
    if unreadable or not slugs or slugs_collide(slugs):
        return None
    directory = build_directory(listed) if listed is not None else Directory()
    gateway = build_gateway(gateway_data)
    tasks = _tasks(inputs, directory, names, memo)
    # Workers start before the memo is read, so the number of models that need work is an estimate.
    likely = sum(task.key not in memo for task in tasks) if (out / MANIFEST).exists() else len(tasks)
    with mapping(processes, likely) as map_:
        known = {task.key: found for task in tasks if (found := _recall(memo, task.key, out)) is not None}
        missing = [task for task in tasks if task.key not in known]
        data = _read_all(missing, directory, inputs.shapes, map_)
        if data is None:
            return None
        making = map_(partial(_emit, gateway, tuple(names)), batches([(data[task.key], task.name) for task in missing]))
        every = [msgspec.json.decode(data[task.key] if task.key in data else known[task.key].data) for task in tasks]
        if paths_collide(gateway_data, every):
            return None
        catalog = Catalog(gateway, tuple(map(outlined_model, every)), build_releases(changelog), directory)
        facts = fixed_facts(catalog, names)
        fixed = memo.key(b"fixed", repr(facts).encode("utf-8", "surrogatepass"))
        if (found := _recall(memo, fixed, out)) is not None:
            known[fixed] = found
        made = {} if fixed in known else {fixed: emit_fixed(facts)}
        of_models = _in_order(tasks, known, chain.from_iterable(making), made)
        artifacts = list(assemble(catalog, names, made[fixed] if fixed in made else known[fixed].parts, of_models))
    _keep(memo, {**data, fixed: b""}, made, artifacts)
    return Generated(artifacts, {path: digest for each in known.values() for path, digest in each.files.items()})


def _tasks(inputs: Inputs, directory: Directory, names: Sequence[str], memo: Memo) -> list[_Task]:
    shared = ",".join(names).encode(), inputs.shared_digest()
    typescript = class_names([file.path.stem for file in inputs.models])
    read = directory.read.encode()
    listings = (repr(directory.listings.get(file.path.stem)).encode() for file in inputs.models)
    return [
        _Task(file, name, memo.key(*shared, read, listing, name.encode(), file.name, file.raw))
        for file, name, listing in zip(inputs.models, typescript, listings, strict=True)
    ]


def _in_order(
    tasks: Sequence[_Task], known: Mapping[str, _Known], making: Iterator[Parts], made: dict[str, Parts]
) -> Iterator[Parts]:
    """Yields the parts of each task, known or newly made; adds the latter to `made`."""
    for task in tasks:
        if task.key in known:
            yield known[task.key].parts
        else:
            made[task.key] = next(making)
            yield made[task.key]


def _recall(memo: Memo, key: str, out: Path) -> _Known | None:
    """The memo's entry of a model if its files are unchanged on disk."""
    content = memo.get(key)
    if content is None:
        return None
    known = msgspec.msgpack.decode(content, type=_Known)
    return known if are_on_disk(out, known.files) else None


def _keep(memo: Memo, data: Mapping[str, bytes], made: Mapping[str, Parts], artifacts: Iterable[Artifact]) -> None:
    digests = {str(artifact.path): artifact.digest for artifact in artifacts}
    for key, parts in made.items():
        files = {path: digests[path] for part in parts.values() for path in part.files}
        pieces = {name: dict(of_one) for name, of_one in pieces_of(parts).items()}
        memo.keep(key, msgspec.msgpack.encode(_Known(data[key], pieces, files)))
    memo.prune()


def _read_all(
    tasks: Sequence[_Task], directory: Directory, shapes: Sequence[SpecFile], map_: Map
) -> dict[str, bytes] | None:
    """The data of models as JSON, by key; None if one has an error."""
    read = partial(_read, directory, shapes)
    reading = (map_ if len(tasks) > BATCH else map)(read, batches([task.file for task in tasks]))
    data = {task.key: each for task, each in zip(tasks, chain.from_iterable(reading), strict=True) if each is not None}
    return data if len(data) == len(tasks) else None


def _read(directory: Directory, shapes: Sequence[SpecFile], files: Sequence[SpecFile]) -> list[bytes | None]:
    read = (valid_data(file, "model", shapes) for file in files)
    return [None if data is None else json.dumps(with_average(data, directory)).encode() for data in read]


def _emit(gateway: Gateway, names: Sequence[str], batch: Sequence[tuple[bytes, str]]) -> list[Parts]:
    """Runs the emitters on a batch of models, given as JSON with their class names in TypeScript."""
    return emit_models(gateway, [(build_model(msgspec.json.decode(data)), name) for data, name in batch], names)
