"""Loads the models of a user's own specs. Checked specs are cached per user, so that later starts take no time."""

import json
from pathlib import Path

import msgspec
import platformdirs

from segforge.emit.memo import Memo
from segforge.spec.build import build_directory, build_gateway, build_model, outlined_model, with_average
from segforge.spec.catalog import Catalog, Directory, Model
from segforge.spec.inputs import Inputs, read_inputs
from segforge.spec.lint import paths_collide, slugs_collide
from segforge.spec.load import load_catalog, valid_data
from segforge_mock.models.served import ServedModels, models_of_catalog


class _Checked(msgspec.Struct):
    """The data of checked specs as JSON: the gateway, the models by slug, and the directory (null without one).

    `paths` are those that pages print. Models are built when they are first requested. MessagePack holds no integer
    beyond 64 bits, JSON does.
    """

    gateway: bytes
    models: dict[str, bytes]
    paths: dict[str, tuple[str, str]]
    directory: bytes


def models_of(specs: Path) -> ServedModels:
    """Returns the models of a folder of specs. Raises SpecError with every error in them."""
    inputs = read_inputs(specs)
    if inputs is None:
        return models_of_catalog(load_catalog(specs))
    memo = Memo(Path(platformdirs.user_cache_dir("segforge")) / "mock")
    key = memo.key(b"checked specs", inputs.digest())
    content = memo.get(key)
    if content is not None:
        return _models(msgspec.msgpack.decode(content, type=_Checked))
    checked = _check(inputs)
    if checked is None:
        return models_of_catalog(load_catalog(specs))  # which raises SpecError
    memo.keep(key, msgspec.msgpack.encode(checked))
    memo.prune()
    return _models(checked)


def _check(inputs: Inputs) -> _Checked | None:
    """Returns the data of specs without errors, or None."""
    slugs = [file.path.stem for file in inputs.models]
    data = [valid_data(inputs.gateway, "gateway")]
    data += [valid_data(file, "model", inputs.shapes) for file in inputs.models]
    if inputs.changelog is not None:
        data.append(valid_data(inputs.changelog, "changelog"))
    data += [valid_data(shape, "shape") for shape in inputs.shapes]
    listed = valid_data(inputs.directory, "directory") if inputs.directory is not None else None
    if inputs.directory is not None:
        data.append(listed)
    if not slugs or None in data or slugs_collide(slugs):
        return None
    named = dict(zip(slugs, data[1:], strict=False))
    if paths_collide(data[0], named.values()):
        return None
    printed = (outlined_model(model) for model in named.values() if "paths" in model)
    paths = Catalog(build_gateway(data[0]), tuple(printed)).printed_paths
    directory = build_directory(listed) if listed is not None else Directory()
    models = {slug: json.dumps(with_average(each, directory)).encode() for slug, each in named.items()}
    return _Checked(json.dumps(data[0]).encode(), models, {**paths}, json.dumps(listed).encode())


def _models(checked: _Checked) -> ServedModels:
    def load(slug: str) -> Model:
        return build_model(json.loads(checked.models[slug]))

    def directory() -> Directory:
        listed = json.loads(checked.directory)
        return Directory() if listed is None else build_directory(listed)

    return ServedModels(build_gateway(json.loads(checked.gateway)), checked.models, load, checked.paths, directory)
