"""Shared shapes: facts of nested parameters that many models use, named once in `specs/shapes`.

A spec names a shape by `shape: NAME`. Its facts take the place of the name before anything else reads the data.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from segforge.spec.finding import Finding
from segforge.spec.printable import show
from segforge.spec.source import Location, SourceFile

Shapes: TypeAlias = Mapping[str, Mapping[str, Any] | None]
"""The facts of each shape, by its name; None for a shape whose file has errors."""


class Expansion:
    """Replaces named shapes in the data of one file, completes facts that may be absent, and collects findings.

    An absent type becomes `any`, an absent description an empty text, and `required` None if it is absent or unknown.
    """

    def __init__(self, source: SourceFile, shapes: Shapes) -> None:
        self._source, self._shapes = source, shapes
        self.findings: list[Finding] = []

    def parameter(self, data: Mapping[str, Any], at: Location) -> dict[str, Any]:
        """Returns the completed facts of a parameter at a location of the file, and of all its parts.

        Facts beside the name of a shape, such as a description, win over those of the shape. `shape` stays, so that
        types can be named after it.
        """
        facts = {"type": "any", "description": "", **self._named(data, at), **data}
        facts["required"] = facts.get("required") if facts.get("required") != "unknown" else None
        if "items" in facts:
            facts["items"] = self.parameter(facts["items"], (*at, "items"))
        if "properties" in facts:
            properties = facts["properties"].items()
            facts["properties"] = {name: self.parameter(one, (*at, "properties", name)) for name, one in properties}
        if "any_of" in facts:
            members = enumerate(facts["any_of"])
            facts["any_of"] = [self.parameter(one, (*at, "any_of", index)) for index, one in members]
        return facts

    def _named(self, data: Mapping[str, Any], at: Location) -> Mapping[str, Any]:
        name = data.get("shape")
        facts = self._shapes.get(name or "")
        if name is None or facts is not None:
            return facts or {}
        if name in self._shapes:
            rule, found, expected = "shape.broken", f"{show(name)}, whose file has errors", "a shape without errors"
            mend = f"correct specs/shapes/{name}.yaml, as segforge lint says"
        else:
            rule, found, expected = "shape.unknown", show(name), f"one of {', '.join(self._shapes) or 'no shapes'}"
            mend = f"correct the name, or add the file {name}.yaml to specs/shapes"
        self.findings.append(self._source.finding((*at, "shape"), rule, found, expected, mend))
        return {}


def with_shapes(source: SourceFile, shapes: Shapes) -> tuple[SourceFile, list[Finding]]:
    """Returns a model file with the facts of named shapes in their places, and a finding for each unknown shape."""
    expansion = Expansion(source, shapes)
    parameters = {
        name: expansion.parameter(data, ("parameters", name)) for name, data in source.data["parameters"].items()
    }
    return replace(source, data={**source.data, "parameters": parameters}), expansion.findings


def with_whole_facts(source: SourceFile) -> SourceFile:
    """Returns the file of a shared shape with its facts completed. Lint reports a shape that names another one."""
    facts = Expansion(source, {}).parameter(source.data["facts"], ("facts",))
    return replace(source, data={**source.data, "facts": facts})


def names_shapes(data: Any) -> bool:
    """Returns whether the data of a file names a shape anywhere."""
    if isinstance(data, Mapping):
        return "shape" in data or any(map(names_shapes, data.values()))
    return isinstance(data, list) and any(map(names_shapes, data))
