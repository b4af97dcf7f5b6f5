"""Reads the lines of a client's public surface back as models with the facts that callers rely on."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, get_args

from segforge.spec.build import build_conditions
from segforge.spec.catalog import Choices, Condition, Model, Parameter, Returns, Shape, Source

LIMITS: Final = {
    "from": "minimum",
    "to": "maximum",
    "above": "exclusive_minimum",
    "below": "exclusive_maximum",
    "in steps of": "multiple_of",
    "with characters from": "min_length",
    "with characters to": "max_length",
    "with items from": "min_items",
    "with items to": "max_items",
}
"""The words of a limit, and its name in the Catalog."""
OTHERS: Final = "any other text"
"""The words for values of an open set that it doesn't list."""
_NAME: Final = r'"(?:[^"\\]|\\.)*"'
_PLACE: Final = rf"{_NAME}(?:\[\]|\.{_NAME}| as {_NAME})*"
"""The place of a parameter or of a part of one, such as `"images"[]."uri"`. A member of a union is ` as "title"`."""
_STEP: Final = re.compile(rf"(?P<how>\[\]|\.| as |)(?P<name>{_NAME})?")
_OF_MODEL: Final = re.compile(
    r"(?P<model>client\.\S+)(?:\.(?P<call>run|submit)| (?P<verb>takes|requires|returns|demands|assumes) (?P<rest>.+))"
)
_TAKES: Final = re.compile(
    rf"(?P<place>{_PLACE})(?:: (?P<type>[a-z]+)(?P<null> or null)?| = (?P<value>.+)| as (?P<format>[^\"].*)"
    rf"| (?P<limit>{'|'.join(LIMITS)}) (?P<end>\S+)| from files of kind (?P<file>\S+)| in the form (?P<form>\S+))"
)
_REQUIRES: Final = re.compile(rf"(?P<name>{_NAME})(?: in (?P<place>{_PLACE}))?")
_ASSUMES: Final = re.compile(rf"(?P<name>{_NAME}) = (?P<value>.+)")
_CALLS: Final = {"run": "v1", "submit": "v2"}
_NOBODY: Final = Source("", "")


@dataclass
class _Part:
    """A parameter or part while its lines are read."""

    facts: dict[str, Any] = field(default_factory=dict)
    known: list[Any] = field(default_factory=list)
    open: bool = False
    accepts: list[Any] = field(default_factory=list)
    items: "_Part | None" = None
    properties: "dict[str, _Part]" = field(default_factory=dict)
    any_of: "dict[str, _Part]" = field(default_factory=dict)

    def parameter(self, name: str) -> Parameter:
        """Returns the part as a parameter of the Catalog."""
        choices = Choices(tuple(self.known), None if self.open else len(self.known))
        has_set = bool(self.known) or self.open
        return Parameter(
            **{"name": name, "type": "any", "required": False, "description": "", **self.facts},
            choices=choices if has_set else None,
            accepts=tuple(self.accepts),
            items=None if self.items is None else self.items.parameter("items"),
            properties=tuple(part.parameter(one) for one, part in self.properties.items()),
            any_of=tuple(replace(part.parameter(one), required=None) for one, part in self.any_of.items()),
        )


@dataclass
class _Model:
    """A model while its lines are read. `at` has the lines that state each fact, by the fact's path."""

    versions: list[Any] = field(default_factory=list)
    returns: dict[str, Any] = field(default_factory=lambda: {"media": "json", "formats": []})
    level: Any = "complete"
    parameters: dict[str, _Part] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)
    at: dict[str, set[str]] = field(default_factory=dict)


class Surface:
    """The facts in a client's surface: the lines of each model, by its name in the client, and all other lines.

    A line of a model that can't be read becomes one of the others when the model is read.
    """

    def __init__(self, text: str) -> None:
        self.lines: dict[str, set[str]] = {}
        self.others: set[str] = set()
        self._read: dict[str, _Model] = {}
        for line in text.split("\n"):  # only at line feeds, since names may have other ends of lines
            if (found := _OF_MODEL.fullmatch(line)) and _reads(found):
                self.lines.setdefault(found["model"], set()).add(line)
            elif line:
                self.others.add(line)

    def model(self, name: str) -> Model:
        """Returns a model whose slug is its name in the client. Facts that no line states have their defaults."""
        read = self._model(name)
        returns = Returns(**{**read.returns, "formats": tuple(read.returns["formats"])})
        parameters = tuple(part.parameter(one) for one, part in read.parameters.items())
        return Model(
            name,
            "",
            "",
            _NOBODY,
            tuple(read.versions),
            returns,
            parameters,
            {},
            level=read.level,
            conditions=tuple(read.conditions),
        )

    def lines_at(self, name: str, at: str) -> set[str]:
        """Returns the lines about a fact, or about all facts below a path."""
        found = self._model(name).at if name in self.lines else {}
        return {line for path, lines in found.items() if f"{path}.".startswith(f"{at}.") for line in lines}

    def _model(self, name: str) -> _Model:
        if name not in self._read:
            read = self._read[name] = _Model()
            for line in sorted(self.lines[name]):
                if found := _OF_MODEL.fullmatch(line):
                    try:
                        paths = list(_add(read, found))
                    except (ValueError, TypeError):  # of another version of segforge
                        self.others.add(line)
                        continue
                    for path in paths:
                        read.at.setdefault(path, set()).add(line)
        return self._read[name]


def read_surface(text: str) -> Surface:
    """Returns the facts of a surface."""
    return Surface(text)


def _reads(found: re.Match[str]) -> bool:
    """Returns whether a line states a fact of a model that can be read."""
    rest = found["rest"]
    match found["verb"]:
        case "takes":
            return rest == "any other parameter" or _TAKES.fullmatch(rest) is not None
        case "requires":
            return _REQUIRES.fullmatch(rest) is not None
        case "assumes":
            return _ASSUMES.fullmatch(rest) is not None
        case "demands":
            return bool(rest.startswith("{"))
        case _:
            return True


def _add(model: _Model, found: re.Match[str]) -> Iterator[str]:
    """Adds the fact of a line to a model. Yields the paths of the facts that it states."""
    rest = found["rest"]
    match found["verb"]:
        case "takes" if rest == "any other parameter":
            model.level = "partial"
            yield "level"
        case "takes" if taken := _TAKES.fullmatch(rest):
            part, at = _part(model, taken["place"])
            yield from (f"{at}.{key}" for key in _take(part, taken))
        case "requires" if needed := _REQUIRES.fullmatch(rest):
            parent, at = _part(model, needed["place"]) if needed["place"] else (None, "")
            name = json.loads(needed["name"])
            parts = model.parameters if parent is None else parent.properties
            parts.setdefault(name, _Part()).facts["required"] = True
            yield f"{at}.properties.{name}.required" if at else f"parameters.{name}.required"
        case "assumes" if assumed := _ASSUMES.fullmatch(rest):
            part, at = _part(model, assumed["name"])
            part.facts["default"] = json.loads(assumed["value"])
            yield f"{at}.default"
        case "demands":
            model.conditions += build_conditions({"conditions": [json.loads(rest)]})
            yield "conditions"
        case "returns":
            yield _return(model.returns, rest)
        case _:
            model.versions.append(_CALLS[found["call"]])
            yield "versions"


def _part(model: _Model, place: str) -> tuple[_Part, str]:
    """Returns the part at a place, which is made if no line has stated it yet, and its path."""
    part, at = _Part(), ""
    for step in _STEP.finditer(place):
        name = json.loads(step["name"]) if step["name"] else ""
        match step["how"], bool(step["name"]):
            case ("", True):
                part, at = model.parameters.setdefault(name, _Part()), f"parameters.{name}"
            case ("[]", _):
                part.items = part.items or _Part()
                part, at = part.items, f"{at}.items"
            case (".", _):
                part, at = part.properties.setdefault(name, _Part()), f"{at}.properties.{name}"
            case (" as ", _):
                part, at = part.any_of.setdefault(name, _Part()), f"{at}.any_of.{name}"
    return part, at


def _take(part: _Part, found: re.Match[str]) -> Iterator[str]:
    """Adds a fact to a part. Yields its names."""
    if found["type"]:
        part.facts["type"] = "any" if found["type"] == "union" else found["type"]
        part.facts["nullable"] = found["null"] is not None
        yield from ("type", "nullable")
    elif found["value"] == OTHERS:
        part.open = True
        yield "enum.total"
    elif found["value"]:
        part.known.append(json.loads(found["value"]))
        yield "enum.known"
    elif found["format"]:
        part.facts["format"] = None if found["format"] == "any text" else found["format"]
        yield "format"
    elif found["limit"]:
        end = json.loads(found["end"])
        if not isinstance(end, int | float):
            raise TypeError(end)
        part.facts[LIMITS[found["limit"]]] = end
        yield LIMITS[found["limit"]]
    elif found["file"]:
        part.facts["file"] = found["file"]
        yield "file"
    else:
        part.accepts.append(found["form"])
        yield "accepts"


def _return(returns: dict[str, Any], word: str) -> str:
    """Adds a fact about the answer. Returns its path."""
    if word.startswith('"'):
        returns["formats"].append(json.loads(word))
        return "returns.formats"
    key = "shape" if word in get_args(Shape) else "media"
    returns[key] = word
    return f"returns.{key}"
