"""All specs together."""

from dataclasses import dataclass, field

from segforge.spec.catalog.directory import Directory
from segforge.spec.catalog.gateway import Gateway
from segforge.spec.catalog.model import Model, Version


@dataclass(frozen=True)
class Release:
    """One entry of the specs' change log: a semantic version, its date (YYYY-MM-DD or `unreleased`), its changes."""

    version: str
    date: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """All specs, loaded: models in the order of their slugs, releases newest first, and the vendor's list of models."""

    gateway: Gateway
    models: tuple[Model, ...] = field(default_factory=tuple)
    releases: tuple[Release, ...] = ()
    directory: Directory = field(default_factory=Directory)

    def __hash__(self) -> int:
        """The hash of the models, so that results can be cached per catalog."""
        return hash(self.models)

    @property
    def version(self) -> str:
        """The version of the newest release, which the clients share; 0.0.0 without a change log."""
        return self.releases[0].version if self.releases else "0.0.0"

    @property
    def printed_paths(self) -> dict[str, tuple[Version, str]]:
        """The paths that pages print where they differ from the gateway's routes, each with its version and slug."""
        return {
            path.replace("{slug}", model.slug): (version, model.slug)
            for model in self.models
            for version, path in model.paths.items()
        }

    def model(self, slug: str) -> Model:
        """Returns the model of that slug. Raises KeyError if there is none."""
        for model in self.models:
            if model.slug == slug:
                return model
        raise KeyError(slug)
