"""The models that a mock serves. Each is loaded at its first request."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from segforge.spec.catalog import Catalog, Directory, Gateway, Model
from segforge.spec.search import near_slugs
from segforge_mock.models.reading import ServedModel
from segforge_mock.models.unlisted import listed_model


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
            served = self._loaded[slug] = ServedModel(self._load(slug), self.gateway.chat_parameters)
        elif served is None and slug in self.directory.listings:
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
