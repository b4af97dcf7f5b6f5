"""The models that a mock serves. Each is loaded at its first request."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from segforge.spec.catalog import ABSENT, Catalog, Directory, Gateway, Json, Model, Parameter
from segforge.spec.search import near_slugs
from segforge.spec.values import Violation, payload_violations
from segforge_mock.http.counts import MAX_OUTPUTS
from segforge_mock.models.compiled import request_type
from segforge_mock.models.normal import MAX_DEPTH, canonical, is_deep, may_be_deep, with_integers, with_numbers


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

    @property
    def level(self) -> str:
        """How much is known about the model: complete, partial, listed or unlisted."""
        return self.model.level

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[msgspec.Struct] | None:
        compiled = request_type(self.model)
        return None if compiled is None else msgspec.json.Decoder(compiled)

    @cached_property
    def _parameters(self) -> dict[str, Parameter]:
        return self.model.parameters_by_name

    @cached_property
    def _defaults(self) -> dict[str, Json]:
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

        The compiled type accepts most valid bodies. `payload_violations` decides about all others and names every
        broken rule: JSON Schema allows 20.0 for an integer, and msgspec does not.
        """
        try:
            if not body.isascii():
                body.decode()  # msgspec doesn't decode the values of keys that it ignores
            if self._decoder is not None:
                self._decoder.decode(body)
                if not may_be_deep(body) or not self._is_deep(msgspec.json.decode(body)):
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
        if self._is_deep(data):
            return Malformed(f"nested more than {MAX_DEPTH} levels deep, the limit of the mock")
        if cast:
            data = self._each(data, with_numbers)
        found = payload_violations(self.model, data, formats=formats)
        return found or Payload(msgspec.json.encode(self._each(data, with_integers)))

    def _is_deep(self, data: dict[str, Any]) -> bool:
        return is_deep([value for name, value in data.items() if name in self._parameters])

    def _each(self, data: dict[str, Any], change: Callable[[Parameter, Json], Json]) -> dict[str, Any]:
        """Returns a payload with the values of its known parameters changed."""
        known = self._parameters
        return {name: change(known[name], value) if name in known else value for name, value in data.items()}

    def values(self, body: bytes) -> dict[str, Json]:
        """Returns the value of each parameter in a payload; absent ones have their printed default, or None."""
        data = msgspec.json.decode(body)
        given = {name: canonical(self._parameters[name], data[name]) for name in self._defaults if name in data}
        return {**self._defaults, **given}


def _default(parameter: Parameter) -> Json:
    """Returns the printed default as decoded from a body, or None if the page prints none."""
    return None if parameter.default is ABSENT else canonical(parameter, parameter.default)


class ServedModels:
    """The gateway's facts, and the models by slug. `load` returns the facts of a model, which it may read late.

    `paths` are the paths that pages print beside the gateway's routes, each with its version and slug. `directory`
    returns the vendor's list, which is read late, too.
    """

    def __init__(
        self,
        gateway: Gateway,
        slugs: Iterable[str],
        load: Callable[[str], Model],
        paths: Mapping[str, tuple[str, str]],
        directory: Callable[[], Directory] = Directory,
    ) -> None:
        self.gateway = gateway
        self._read_directory = directory
        self.paths = paths
        self.slugs: tuple[str, ...] = tuple(slugs)
        self._known = frozenset(self.slugs)
        self._load = load
        self._loaded: dict[str, ServedModel] = {}

    @cached_property
    def directory(self) -> Directory:
        """The vendor's list of models."""
        return self._read_directory()

    def get(self, slug: str) -> ServedModel | None:
        """Returns the model of a slug: that of its spec, or one that the list names. None if neither has it."""
        served = self._loaded.get(slug)
        if served is None and slug in self._known:
            served = self._loaded[slug] = ServedModel(self._load(slug))
        elif served is None and slug in self.directory.listings:
            from segforge_mock.models.unlisted import listed_model

            served = self._loaded[slug] = listed_model(self.directory, self.directory.listings[slug])
        return served

    def is_retired(self, slug: str) -> bool:
        """Returns whether there is evidence that the vendor ended a model."""
        return slug in self._retired

    @cached_property
    def _retired(self) -> frozenset[str]:
        return frozenset(slug for slug, one in self.directory.unlisted.items() if one.state == "retired")

    def near(self, slug: str) -> list[str]:
        """Returns the slugs of served models that look most like a slug, the nearest first."""
        return near_slugs(slug, dict.fromkeys((*self.slugs, *self.directory.listings)))


def packaged_models() -> ServedModels:
    """Returns the models that are packaged with segforge."""
    import segmind_mock
    from segmind_mock.gateway import GATEWAY

    def load(slug: str) -> Model:
        model: Model = importlib.import_module(f"segmind_mock.models.{segmind_mock.MODELS[slug]}").MODEL
        return model

    def directory() -> Directory:
        listed: Directory = importlib.import_module("segmind_mock.directory").DIRECTORY
        return listed

    return ServedModels(GATEWAY, segmind_mock.MODELS, load, segmind_mock.PATHS, directory)


def models_of_catalog(catalog: Catalog) -> ServedModels:
    """Returns the models of a Catalog."""
    slugs = [model.slug for model in catalog.models]
    return ServedModels(catalog.gateway, slugs, catalog.model, catalog.printed_paths, lambda: catalog.directory)
