"""The public surface of a client as sorted lines of text. The diff between two versions shows the changes of its API.

Removing a line breaks callers, and adding one doesn't. The reverse is true for demands: limits of ranges, and required
parameters. Each line states one fact: one parameter, one allowed value, one limit of a range.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias

from segforge.emit.artifact import Artifact
from segforge.emit.clients.condition_text import statements
from segforge.emit.clients.versions import CHANGELOG, allows_breaking
from segforge.spec.catalog import Model, Parameter
from segforge.spec.printable import one_line, show

SURFACE: Final = "public-surface.txt"
"""The name of the file, in the folder of each client."""
Bump: TypeAlias = Literal["major", "minor", "patch"]
_NAME: Final = r'"(?:[^"\\]|\\.)*"'
_PLACE: Final = rf"{_NAME}(?:\[\]|\.{_NAME}| as {_NAME})*"
"""The place of a parameter or of a part of one, such as `"images"[]."uri"`. A member of a union is ` as "title"`."""
_TAKES: Final = rf"(?P<subject>client\.\S+ takes {_PLACE})"
_TYPE: Final = re.compile(rf"{_TAKES}: (?P<type>[a-z]+)(?P<null> or null)?")
_LIMITS: Final = {
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
_LOWER: Final = ("from", "above", "with characters from", "with items from")
_BOUND: Final = re.compile(rf"{_TAKES} (?P<side>{'|'.join(_LIMITS)}) (?P<value>\S+)")
_VALUE: Final = re.compile(rf"{_TAKES} = (?P<value>.+)")
_FORMAT: Final = re.compile(rf'{_TAKES} as [^"].*')
_REQUIRED: Final = re.compile(rf"(?P<model>client\.\S+) requires {_NAME}(?: in (?P<object>{_PLACE}))?")
_CONDITION: Final = re.compile(rf"(?P<model>client\.\S+) demands(?: with (?P<names>{_NAME}(?:, {_NAME})*))?: .+")
_CALL: Final = re.compile(r"(?P<model>client\.\S+)\.(?:run|submit)")
_ANY: Final = "any other text"
_WHOLE: Final = 1_000
"""Characters that are shown of a name or a value."""


class Shrunk(Exception):
    """A change of surfaces would break callers; `lost` holds the lines by the path of their file."""

    def __init__(self, lost: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(", ".join(lost))
        self.lost = dict(lost)


def bump(before: str, after: str) -> Bump:
    """Returns the version part to raise between two surfaces."""
    return "major" if broken(before, after) else "patch" if _lines(before) == _lines(after) else "minor"


def broken(before: str, after: str) -> tuple[str, ...]:
    """Returns the lines that break callers: removed ones, and new demands."""
    if before == after:
        return ()
    old, new = _lines(before), _lines(after)
    gone = {line for line in old - new if not _is_demand(line)} - set(_widened(old - new, new))
    return tuple(sorted({*gone, *_demanded(old, new), *_listed(old, new)}))


def _is_demand(line: str) -> bool:
    return any(pattern.fullmatch(line) for pattern in (_BOUND, _REQUIRED, _CONDITION))


def _demanded(old: set[str], new: set[str]) -> Iterator[str]:
    """The new demands on existing parameters and models, except wider ranges."""
    fresh = [line for line in new - old if _is_demand(line)]
    if not fresh:
        return
    bounds = {(found["subject"], found["side"]): _number(found) for found in map(_BOUND.fullmatch, old) if found}
    subjects = _subjects(old)
    models = {found["model"] for found in map(_CALL.fullmatch, old) if found}
    for line in fresh:
        if found := _REQUIRED.fullmatch(line):
            within = found["object"]
            if found["model"] in models if within is None else f"{found['model']} takes {within}" in subjects:
                yield line
        elif found := _CONDITION.fullmatch(line):
            names = json.loads(f"[{found['names'] or ''}]")
            known = all(f"{found['model']} takes {show(name, _WHOLE)}" in subjects for name in names)
            if found["model"] in models and known:
                yield line
        elif (found := _BOUND.fullmatch(line)) and found["subject"] in subjects:
            before, value = bounds.get((found["subject"], found["side"])), _number(found)
            if before is None or _is_narrower(found["side"], before, value):
                yield line


def _is_narrower(side: str, before: float, value: float) -> bool:
    """Whether a limit excludes values that the one before allowed. A divisor of a step allows all its multiples."""
    if side == "in steps of":
        return before % value != 0
    return value > before if side in _LOWER else value < before


def _listed(old: set[str], new: set[str]) -> Iterator[str]:
    """The values of parameters that accepted any value before and now accept only these."""
    before, after = _values(old), _values(new)
    for subject in _subjects(old) & after.keys() - before.keys():
        if _ANY not in after[subject]:
            yield from (f"{subject} = {value}" for value in after[subject])


def _widened(gone: set[str], new: set[str]) -> Iterator[str]:
    """The removed lines whose parameter now accepts more: null, any number, any value or any text."""
    subjects, values = _subjects(new), _values(new)
    for line in gone:
        if found := _TYPE.fullmatch(line):
            types = [found["type"], "any", *(["number"] if found["type"] == "integer" else [])]
            nulls = [" or null"] if found["null"] else ["", " or null"]
            if any(f"{found['subject']}: {type_}{null}" in new for type_ in types for null in nulls):
                yield line
        elif (found := _VALUE.fullmatch(line)) and found["subject"] in subjects:
            known = values.get(found["subject"])
            if known is None or _ANY in known or any(_equal(found["value"], value) for value in known):
                yield line
        elif found := _FORMAT.fullmatch(line):
            wider = (" as any text", ": any", ": any or null")
            yield from (line for _ in [0] if any(f"{found['subject']}{words}" in new for words in wider))


def _subjects(lines: set[str]) -> set[str]:
    return {found["subject"] for found in map(_TYPE.fullmatch, lines) if found}


def _values(lines: set[str]) -> dict[str, set[str]]:
    """The allowed values, as written, of each parameter that lists them."""
    values: dict[str, set[str]] = {}
    for found in map(_VALUE.fullmatch, lines):
        if found:
            values.setdefault(found["subject"], set()).add(found["value"])
    return values


def _number(found: re.Match[str]) -> float:
    """Parses the limit of a range. Integers stay integers, since a float would round large ones."""
    text = found["value"]
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _equal(one: str, two: str) -> bool:
    """Whether two values are equal; 1 and 1.0 are the same number."""
    try:
        return float(one) == float(two)
    except ValueError:
        return one == two


def check_surfaces(out: Path, artifacts: Iterable[Artifact]) -> None:
    """Raises Shrunk if a client's new surface would break code that uses the one in the output folder.

    A change that the client's CHANGELOG announces in a new version is allowed.
    """
    texts = {artifact.path: artifact.text for artifact in artifacts}
    lost = {}
    for path, text in texts.items():
        if path.name == SURFACE and (out / path).is_file():
            lines = broken((out / path).read_text("utf-8"), text)
            log = path.with_name(CHANGELOG)
            before = (out / log).read_text("utf-8") if (out / log).is_file() else ""
            if lines and not (before and allows_breaking(before, texts[log])):
                lost[str(path)] = lines
    if lost:
        raise Shrunk(lost)


def _lines(text: str) -> set[str]:
    """Splits at line feeds only: names may contain other characters at which `splitlines` splits."""
    return set(text.split("\n")) - {""}


def model_lines(model: Model, name: str) -> Iterator[str]:
    """The lines of one model, under its name in the client."""
    calls = [call for call, version in (("run", "v1"), ("submit", "v2")) if version in model.versions]
    yield from (f"{name}.{call}" for call in calls)
    yield f"{name} returns {model.returns.media}"
    yield from (f"{name} returns {shape}" for shape in [model.returns.shape] if shape is not None)
    yield from (f"{name} returns {show(value, _WHOLE)}" for value in model.returns.formats)
    yield from (f"{name} takes any other parameter" for _ in [0] if model.level == "partial")
    for parameter in model.parameters:
        yield from _lines_of(parameter, name, show(parameter.name, _WHOLE))
        yield from (f"{name} requires {show(parameter.name, _WHOLE)}" for _ in [0] if parameter.required)
    for condition in model.conditions:
        if not condition.inferred:
            for names, sentence in statements(condition):
                needed = f" with {', '.join(show(one, _WHOLE) for one in names)}" if names else ""
                yield f"{name} demands{needed}: {one_line(sentence)}"


def _lines_of(parameter: Parameter, name: str, place: str) -> Iterator[str]:
    """The lines of a parameter or a part of one, and of its own parts."""
    at = f"{name} takes {place}"
    yield f"{at}: {'union' if parameter.any_of else parameter.type}{' or null' if parameter.nullable else ''}"
    yield from (f"{at} as {parameter.format or 'any text'}" for _ in [0] if parameter.type == "string")
    limits = ((words, getattr(parameter, limit)) for words, limit in _LIMITS.items())
    yield from (f"{at} {words} {limit}" for words, limit in limits if limit is not None)
    if parameter.choices is not None:
        yield from (f"{at} = {show(value, _WHOLE)}" for value in parameter.choices.known)
        yield from (f"{at} = {_ANY}" for _ in [0] if parameter.choices.open)
    if parameter.items is not None:
        yield from _lines_of(parameter.items, name, f"{place}[]")
    for part in parameter.properties:
        yield from _lines_of(part, name, f"{place}.{show(part.name, _WHOLE)}")
        yield from (f"{name} requires {show(part.name, _WHOLE)} in {place}" for _ in [0] if part.required)
    for member in parameter.any_of:
        yield from _lines_of(member, name, f"{place} as {show(member.name, _WHOLE)}")


def joined(own: Iterable[str], of_models: Iterable[str]) -> str:
    """Returns the surface of a client: its own lines and those of its models, sorted, without duplicates."""
    return "\n".join(sorted({*own, *(line for text in of_models for line in text.split("\n"))}))
