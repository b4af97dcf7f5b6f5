"""The models that a mock serves: the emitted package, each model loaded when it is first asked for."""

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from segforge.spec.catalog import Absent, Gateway, Model, Parameter, Scalar
from segforge_mock.violations import Violation, violations


@dataclass(frozen=True)
class Payload:
    """A request body that the model takes: the value of each parameter, printed defaults filled in."""

    values: Mapping[str, Scalar]


@dataclass(frozen=True)
class Malformed:
    """A request body that is no JSON object, and why."""

    reason: str


@dataclass(frozen=True)
class ServedModel:
    """A model with what its emitted module knows: its facts and the type of its requests."""

    model: Model
    request: type[msgspec.Struct]

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[msgspec.Struct]:
        return msgspec.json.Decoder(self.request)

    @cached_property
    def _fields(self) -> tuple[tuple[str, str, Scalar], ...]:
        """Attribute, parameter and printed default of each field of the request type."""
        defaults = {parameter.name: _default(parameter) for parameter in self.model.parameters}
        fields = msgspec.structs.fields(self.request)
        return tuple((field.name, field.encode_name, defaults[field.encode_name]) for field in fields)

    def read(self, body: bytes) -> Payload | Malformed | list[Violation]:
        """Read a JSON body: the payload, or why it is none.

        The request type decides the common case; where it refuses, `violations` looks again and names everything wrong.
        It has the last word, since JSON Schema allows 20.0 for an integer and msgspec does not.
        """
        try:
            return self._payload(self._decoder.decode(body))
        except msgspec.ValidationError:
            pass
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return Malformed(str(error))
        try:
            data = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return Malformed(str(error))
        return self.read_data(data)

    def read_data(self, data: object) -> Payload | Malformed | list[Violation]:
        """Read a body that was decoded already."""
        if not isinstance(data, dict):
            return Malformed("expected a JSON object")
        found = violations(self.model.parameters, data)
        if found:
            return found
        integers = {parameter.name for parameter in self.model.parameters if parameter.type == "integer"}
        whole = {
            name: int(value) if name in integers and isinstance(value, float) else value for name, value in data.items()
        }
        return self._payload(msgspec.convert(whole, self.request))

    def _payload(self, request: msgspec.Struct) -> Payload:
        values = {}
        for attribute, name, default in self._fields:
            value: Any = getattr(request, attribute)
            values[name] = default if value is msgspec.UNSET else value
        return Payload(values)


def _default(parameter: Parameter) -> Scalar:
    """The printed default as it would be decoded from a body, or None where the page prints none."""
    default = parameter.default
    if isinstance(default, Absent):
        return None
    return float(default) if parameter.type == "number" and isinstance(default, int) else default


class ServedModels:
    """The emitted package: the gateway's facts at once, models by slug when asked for."""

    def __init__(self, package: ModuleType) -> None:
        self._package = package
        self._loaded: dict[str, ServedModel] = {}
        self.gateway: Gateway = importlib.import_module(f"{package.__name__}.gateway").GATEWAY
        self.slugs: tuple[str, ...] = tuple(package.MODELS)

    def get(self, slug: str) -> ServedModel | None:
        """The model of that slug, or None."""
        served = self._loaded.get(slug)
        if served is None and slug in self._package.MODELS:
            module = importlib.import_module(f"{self._package.__name__}.models.{self._package.MODELS[slug]}")
            served = self._loaded[slug] = ServedModel(module.MODEL, module.REQUEST)
        return served


def packaged_models() -> ServedModels:
    """The models that travel with segforge."""
    return ServedModels(importlib.import_module("segmind_mock"))


def models_in(folder: Path) -> ServedModels:
    """The models of an emitted package in another folder, beside those that travel with segforge."""
    name = f"segmind_mock_{abs(hash(str(folder.resolve()))):x}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"{folder} holds no package that `segforge generate --only mock` wrote")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return ServedModels(sys.modules[name])
