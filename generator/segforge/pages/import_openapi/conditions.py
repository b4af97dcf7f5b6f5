"""Reads conditions between parameters: those that segforge writes, and common forms of other documents."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from segforge.emit.openapi.conditions import CONDITION
from segforge.pages.import_openapi.schemas import NotHeld, Place, Schema, Schemas, is_mapping
from segforge.spec.catalog import Condition
from segforge.spec.printable import show

_KEYS: Final = ("oneOf", "anyOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies")
_SHAPING: Final = ("properties", "type", "$ref", "required", "allOf", "items", "enum")
_LISTS: Final = ("exactly_one_of", "parameters", "when_present", "requires", "forbids")
_VALUES: Final = ("only_when", "when", "forbids_values")
_FLAGS: Final = ("with_defaults", "inferred")
MAX_CONDITIONS: Final = 100


def split_conditions(schemas: Schemas, value: object, at: Place) -> tuple[Schema, list[tuple[Place, Schema]]]:
    """Returns the schema of a body without its conditions, and each schema that may be one, with its place.

    Those are in `allOf`, or beside the properties.
    """
    schema = schemas.followed(value, at)
    parts = schema.get("allOf")
    found: list[tuple[Place, Schema]] = []
    kept: dict[str, Any] = dict(schema)
    if isinstance(parts, list):
        marked = [(index, part, _is_condition(part)) for index, part in enumerate(parts)]
        found += [((*at, "allOf", str(index)), part) for index, part, is_one in marked if is_one]
        kept["allOf"] = [part for _, part, is_one in marked if not is_one]
        if not kept["allOf"]:
            del kept["allOf"]
    beside: dict[str, Any] = {key: kept[key] for key in _KEYS if key in kept}
    if beside and ("properties" in kept or "allOf" in kept):
        kept = {key: item for key, item in kept.items() if key not in beside}
        whole = {key: item for key, item in beside.items() if key in ("if", "then", "else")}
        others = [{key: item} for key, item in beside.items() if key not in whole]
        found += [((*at, key), one) for one in others for key in one]
        found += [((*at, "if"), whole)] if "if" in whole else []
    return kept, found[:MAX_CONDITIONS]


def _is_condition(part: object) -> bool:
    if not is_mapping(part):
        return False
    return CONDITION in part or (any(key in part for key in _KEYS) and not any(key in part for key in _SHAPING))


def conditions_of(found: Iterable[tuple[Place, Schema]], names: Iterable[str]) -> tuple[list[Condition], list[NotHeld]]:
    """Returns the conditions between these parameters, and what a spec can't hold, each with its place."""
    known = set(names)
    made: list[Condition] = []
    unheld = []
    for at, schema in found:
        try:
            read = [_stated(schema[CONDITION], at)] if CONDITION in schema else list(_read(schema, at))
            for condition in read:
                if unknown := sorted(set(_names(condition)) - known):
                    raise NotHeld(at, f"the condition names {show(unknown[0])}, which isn't a parameter")
            made += read
        except NotHeld as error:
            unheld.append(error)
    return made, unheld


def _names(condition: Condition) -> Iterator[str]:
    for field in (*_LISTS, *_VALUES):
        yield from getattr(condition, field)


def _stated(data: object, at: Place) -> Condition:
    """Returns the condition under our own keyword. Raises NotHeld if it has not the form of a spec."""
    if not is_mapping(data) or not data or not all(_is_fact(key, value) for key, value in data.items()):
        raise NotHeld((*at, CONDITION), f"found {show(data)}; expected a condition as in a spec")
    facts: dict[str, Any] = {key: data[key] for key in _FLAGS if key in data}
    facts |= {key: tuple(data[key]) for key in _LISTS if key in data}
    facts |= {key: {name: tuple(known) for name, known in data[key].items()} for key in _VALUES if key in data}
    return Condition(**facts)


def _is_fact(key: str, value: object) -> bool:
    if key in _FLAGS:
        return isinstance(value, bool)
    if key in _LISTS:
        return _is_names(value)
    return key in _VALUES and is_mapping(value) and bool(value) and all(map(_is_scalars, value.values()))


def _is_names(value: object) -> bool:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_CONDITIONS:
        return False
    return all(isinstance(one, str) for one in value) and len(set(value)) == len(value)


def _is_scalars(value: object) -> bool:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_CONDITIONS:
        return False
    return all(isinstance(one, str | int | float) for one in value)


def _read(schema: Schema, at: Place) -> Iterator[Condition]:
    """Yields the conditions of a schema without our own keyword."""
    for key in ("dependentRequired", "dependentSchemas", "dependencies"):
        for name, needed in _mapping(schema.get(key, {}), at).items():
            consequence = {"required": needed} if isinstance(needed, list) else needed
            yield from _when(Condition(when_present=(name,)), consequence, at)
    if "oneOf" in schema or "anyOf" in schema:
        yield _exactly_one(schema.get("oneOf"), at)
    if "not" in schema:
        names = _required_only(schema["not"], at)
        yield Condition(when_present=tuple(names[:-1]), forbids=(names[-1],)) if len(names) > 1 else _refused(at)
    if "if" in schema:
        if "else" in schema:
            raise NotHeld(at, "a spec can't hold `else`")
        yield from _when(_premise(schema["if"], at), schema.get("then", {}), at)


def _refused(at: Place) -> Condition:
    raise NotHeld(at, f"a spec can't hold this condition; expected forms such as {_FORMS}")


_FORMS: Final = "oneOf of `required`, dependentRequired, or if and then with `required` and `enum`"


def _exactly_one(parts: object, at: Place) -> Condition:
    if not isinstance(parts, list) or len(parts) < 2:
        return _refused(at)
    names = [_required_only(part, at) for part in parts]
    if any(len(one) != 1 for one in names):
        return _refused(at)
    return Condition(exactly_one_of=tuple(dict.fromkeys(one[0] for one in names)))


def _required_only(schema: object, at: Place) -> list[str]:
    """Returns the names of a schema that has the keyword `required` alone. Raises NotHeld for any other."""
    plain = _mapping(schema, at)
    names = plain.get("required")
    if plain.keys() - {"required", "title", "description", "type"} or not _is_names(names):
        _refused(at)
    return list(names or ())


def _premise(schema: object, at: Place) -> Condition:
    """Returns the premise of a condition: parameters that are sent, some with one of their values."""
    plain = _mapping(schema, at)
    needed = plain.get("required", [])
    when = _enums(plain.get("properties", {}), at)
    if plain.keys() - {"required", "properties", "title", "type"} or not (
        _is_names(needed) and when.keys() <= set(needed)
    ):
        raise NotHeld(at, "the premise of a condition must require the parameters that it names")
    return Condition(when=when, when_present=tuple(name for name in needed if name not in when))


def _enums(properties: object, at: Place) -> dict[str, tuple[Any, ...]]:
    """Returns the values of each property that states nothing but values."""
    found = {}
    for name, schema in _mapping(properties, at).items():
        plain = _mapping(schema, at)
        known: Any = [plain["const"]] if "const" in plain else plain.get("enum")
        if not _is_scalars(known) or plain.keys() - {"const", "enum", "type"}:
            _refused(at)
        found[name] = tuple(known)
    return found


def _when(premise: Condition, consequence: object, at: Place) -> Iterator[Condition]:
    """Yields the conditions that a premise and its consequence state."""
    plain = _mapping(consequence, at)
    if plain.keys() - {"required", "properties", "not", "title", "description", "type"}:
        _refused(at)
    needed = plain.get("required", [])
    properties = _mapping(plain.get("properties", {}), at)
    excluded = {name: one for name, one in properties.items() if one is False or (is_mapping(one) and "not" in one)}
    forced = _enums({name: one for name, one in properties.items() if name not in excluded}, at)
    if not isinstance(needed, list) or (needed and not _is_names(needed)):
        _refused(at)
    if forced:
        alone = len(premise.when_present) == 1 and not premise.when and set(needed) >= forced.keys()
        yield Condition(only_when=forced, parameters=premise.when_present) if alone else _refused(at)
    if rest := tuple(name for name in needed if name not in forced):
        yield replace(premise, requires=rest)
    forbids = tuple(name for name, one in excluded.items() if one is False)
    if "not" in plain:
        stated = _mapping(plain["not"], at)
        parts = stated["anyOf"] if isinstance(stated.get("anyOf"), list) and len(stated) == 1 else [stated]
        names = [_required_only(part, at) for part in parts]
        forbids += tuple(one[0] for one in names if len(one) == 1 or _refused(at))
    if forbids:
        yield replace(premise, forbids=forbids)
    values = {name: one["not"] for name, one in excluded.items() if one is not False}
    if values:
        yield replace(premise, forbids_values=_enums(values, at))


def _mapping(value: object, at: Place) -> Mapping[str, Any]:
    if not is_mapping(value):
        raise NotHeld(at, f"found {show(value)} in a condition; expected an object")
    return value
