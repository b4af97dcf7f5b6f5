"""What the specs know about the models that a code base calls. Only the specs of these models are loaded."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from segforge.spec.build import build_gateway, build_model, with_average
from segforge.spec.catalog import Directory, Gateway, Model, Parameter
from segforge.spec.identifiers import camel_case, snake_case
from segforge.spec.inputs import GATEWAY_FILE, model_paths
from segforge.spec.load import checked_source, load_directory
from segforge.usage.address import AddressBook, address_book


@dataclass
class Knowledge:
    """The directory, the gateway, and the models of a folder of specs, each loaded when it is first asked for."""

    specs: Path
    directory: Directory
    gateway: Gateway
    _models: dict[str, Model | None] = field(default_factory=dict)

    @cached_property
    def paths(self) -> dict[str, Path]:
        """The file of each spec by its slug."""
        return {path.stem: path for path in model_paths(self.specs)}

    @cached_property
    def slugs(self) -> frozenset[str]:
        """All slugs that are known: listed, unlisted, or with a spec."""
        return frozenset({*self.directory.listings, *self.directory.unlisted, *self.paths})

    @cached_property
    def attributes(self) -> dict[str, str]:
        """The slug of each model by its attribute of the clients, in Python and in TypeScript, without a last `_`."""
        named = {snake_case(slug): slug for slug in sorted(self.slugs)}
        named |= {camel_case(slug): slug for slug in sorted(self.slugs)}
        return {(f"model{name}" if name.startswith("_") else name).rstrip("_"): slug for name, slug in named.items()}

    @cached_property
    def book(self) -> AddressBook:
        """The addresses of the gateway."""
        return address_book(self.gateway)

    def model(self, slug: str) -> Model | None:
        """Returns the model of a slug, with its stated facts alone. None without a spec. Raises SpecError."""
        if slug not in self._models:
            path = self.paths.get(slug)
            self._models[slug] = None if path is None else self._load(path)
        return self._models[slug]

    def _load(self, path: Path) -> Model:
        model = build_model(with_average(checked_source(path, "model").data, self.directory))
        return replace(model, parameters=tuple(map(stated, model.parameters)))


def load_knowledge(specs: Path) -> Knowledge:
    """Loads what a check needs of a folder of specs: the directory and the gateway. Raises SpecError."""
    directory = load_directory(specs)
    return Knowledge(specs, directory, build_gateway(checked_source(specs / GATEWAY_FILE, "gateway").data))


def stated(parameter: Parameter) -> Parameter:
    """Returns a parameter without the facts that were only concluded from a sample, at any depth."""
    concluded = parameter.inferred
    return replace(
        parameter,
        type="any" if "type" in concluded else parameter.type,
        required=None if "required" in concluded else parameter.required,
        format=None if "format" in concluded else parameter.format,
        items=None if parameter.items is None or "items" in concluded else stated(parameter.items),
        properties=() if "properties" in concluded else tuple(map(stated, parameter.properties)),
        any_of=tuple(map(stated, parameter.any_of)),
    )
