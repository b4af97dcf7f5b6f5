"""The models that a mock serves. Each is loaded at its first request."""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from segforge.spec.catalog import Absent, Catalog, Gateway, Model, Parameter, Scalar
from segforge.spec.values import Violation, violations
from segforge_mock.http.counts import MAX_OUTPUTS
from segforge_mock.models.compiled import request_type

_BEYOND_FLOAT = 2**1023
"""Every smaller integer fits into a float. JSON may hold larger ones."""


class Payload(NamedTuple):
    """A valid payload, as JSON whose values have the parameters' types."""

    body: bytes


class Malformed(NamedTuple):
    """A request body that isn't a JSON object, and the reason."""

    reason: str


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model that reads payloads. A mock has one instance of each."""

    model: Model

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[msgspec.Struct] | None:
        compiled = request_type(self.model)
        return None if compiled is None else msgspec.json.Decoder(compiled)

    @cached_property
    def _types(self) -> dict[str, str]:
        return {parameter.name: parameter.type for parameter in self.model.parameters}

    @cached_property
    def _defaults(self) -> dict[str, Scalar]:
        return {parameter.name: _default(parameter) for parameter in self.model.parameters}

    @cached_property
    def open_count(self) -> str | None:
        """The parameter that sets the number of outputs, if the spec allows more than MAX_OUTPUTS; otherwise None."""
        parameter = self.model.parameters_by_name.get(self.model.returns.controls.count or "")
        if parameter is None or (parameter.maximum is not None and parameter.maximum <= MAX_OUTPUTS):
            return None
        return parameter.name

    def read(self, body: bytes, *, cast: bool = False, formats: bool = True) -> Payload | Malformed | list[Violation]:
        """Reads a JSON body. Returns the payload, or what is wrong with it.

        With `cast`, a string that spells a number counts as that number. Without `formats`, any string is a valid URI.

        The compiled type accepts most valid bodies. `violations` decides about all others and names every broken rule:
        JSON Schema allows 20.0 for an integer, and msgspec does not.
        """
        try:
            if not body.isascii():
                body.decode()  # msgspec doesn't decode the values of keys that it ignores
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
        """Reads a decoded body; see `read`."""
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
        """Returns the value of each parameter in a payload; absent ones have their printed default, or None."""
        data = msgspec.json.decode(body)
        given = {name: self._canonical(name, data[name]) for name in self._defaults if name in data}
        return {**self._defaults, **given}

    def _canonical(self, name: str, value: Any) -> Scalar:
        """Returns a number as a float, so that 1 and 1.0 lead to the same output."""
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        fits = is_whole and self._types[name] == "number" and abs(value) < _BEYOND_FLOAT
        canonical: Scalar = float(value) if fits else value
        return canonical


def _number(value: object) -> object:
    """Returns the number that a string spells, as the workers' int() and float() read it; otherwise the value."""
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
    """Returns the printed default as decoded from a body, or None if the page prints none."""
    default = parameter.default
    if isinstance(default, Absent):
        return None
    return float(default) if parameter.type == "number" and isinstance(default, int) else default


class ServedModels:
    """The gateway's facts, and the models by slug. `load` returns the facts of a model, which it may read late."""

    def __init__(self, gateway: Gateway, slugs: Iterable[str], load: Callable[[str], Model]) -> None:
        self.gateway = gateway
        self.slugs: tuple[str, ...] = tuple(slugs)
        self._known = frozenset(self.slugs)
        self._load = load
        self._loaded: dict[str, ServedModel] = {}

    def get(self, slug: str) -> ServedModel | None:
        """Returns the model of a slug, or None."""
        served = self._loaded.get(slug)
        if served is None and slug in self._known:
            served = self._loaded[slug] = ServedModel(self._load(slug))
        return served


def packaged_models() -> ServedModels:
    """Returns the models that are packaged with segforge."""
    import segmind_mock
    from segmind_mock.gateway import GATEWAY

    def load(slug: str) -> Model:
        model: Model = importlib.import_module(f"segmind_mock.models.{segmind_mock.MODELS[slug]}").MODEL
        return model

    return ServedModels(GATEWAY, segmind_mock.MODELS, load)


def models_of_catalog(catalog: Catalog) -> ServedModels:
    """Returns the models of a Catalog."""
    return ServedModels(catalog.gateway, (model.slug for model in catalog.models), catalog.model)
