"""The models that a mock serves: the emitted package, each model loaded when it is first asked for."""

import hashlib
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import msgspec

from segforge.spec.catalog import Absent, Gateway, Model, Parameter, Scalar
from segforge.spec.values import Violation, violations
from segforge_mock.http.counts import MAX_OUTPUTS

_BEYOND_FLOAT = 2**1023
"""An integer that is smaller than this fits into a float; JSON may hold larger ones."""


class Payload(NamedTuple):
    """A request body that the model takes, as JSON whose values have the parameters' types."""

    body: bytes


class Malformed(NamedTuple):
    """A request body that is no JSON object, and why."""

    reason: str


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model with what its emitted module knows: its facts and the type of its requests. There is one of each."""

    model: Model
    request: type[msgspec.Struct] | None
    """The type of its requests; None where no msgspec.Struct rules out all that the specs do."""

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[msgspec.Struct] | None:
        return None if self.request is None else msgspec.json.Decoder(self.request)

    @cached_property
    def _types(self) -> dict[str, str]:
        return {parameter.name: parameter.type for parameter in self.model.parameters}

    @cached_property
    def _defaults(self) -> dict[str, Scalar]:
        return {parameter.name: _default(parameter) for parameter in self.model.parameters}

    @cached_property
    def open_count(self) -> str | None:
        """The parameter that says how many outputs there are, where the spec allows more than MAX_OUTPUTS of them."""
        parameter = self.model.parameters_by_name.get(self.model.returns.controls.count or "")
        if parameter is None or (parameter.maximum is not None and parameter.maximum <= MAX_OUTPUTS):
            return None
        return parameter.name

    def read(self, body: bytes, *, cast: bool = False, formats: bool = True) -> Payload | Malformed | list[Violation]:
        """Read a JSON body: the payload, or why it is none.

        With `cast`, text that spells a number is one; without `formats`, a URI may be any text.

        The request type decides the common case; where there is none, or it refuses, `violations` decides and names
        everything wrong.
        It has the last word, since JSON Schema allows 20.0 for an integer and msgspec does not.
        """
        try:
            if not body.isascii():
                body.decode()  # msgspec does not look into the values of keys that it ignores
            if self._decoder is not None:
                self._decoder.decode(body)
                return Payload(body)
        except msgspec.ValidationError:
            pass
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return Malformed(str(error))
        try:
            data = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return Malformed(str(error))
        return self.read_data(data, cast=cast, formats=formats)

    def read_data(
        self, data: object, *, cast: bool = False, formats: bool = True
    ) -> Payload | Malformed | list[Violation]:
        """Read a body that was decoded already."""
        if not isinstance(data, dict):
            return Malformed("expected a JSON object")
        if cast:
            data = {name: _number(value) if self._is_number(name) else value for name, value in data.items()}
        found = violations(self.model.parameters, data, formats=formats)
        if found:
            return found
        whole = {name: self._whole(name, value) for name, value in data.items()}
        return Payload(msgspec.json.encode(whole))

    def _is_number(self, name: str) -> bool:
        return self._types.get(name) in ("integer", "number")

    def _whole(self, name: str, value: Any) -> Any:
        return int(value) if isinstance(value, float) and self._types.get(name) == "integer" else value

    def values(self, body: bytes) -> dict[str, Scalar]:
        """The value of each parameter in a payload's body, printed defaults filled in."""
        data = msgspec.json.decode(body)
        given = {name: self._canonical(name, data[name]) for name in self._defaults if name in data}
        return {**self._defaults, **given}

    def _canonical(self, name: str, value: Any) -> Scalar:
        """1 and 1.0 are the same number; as one of them, so that they give the same output."""
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        fits = is_whole and self._types[name] == "number" and abs(value) < _BEYOND_FLOAT
        canonical: Scalar = float(value) if fits else value
        return canonical


def _number(value: object) -> object:
    """A number for text that spells one, as the workers' int() and float() read it."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        return number if abs(number) < float("inf") else value
    return value


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
    name = f"segmind_mock_{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"
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
