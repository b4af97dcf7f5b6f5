"""Drafts the data of one parameter of a spec from a page, with its nested parts and its open questions."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from segforge.pages.layouts.labels import hinted
from segforge.pages.layouts.values import fits
from segforge.pages.page import CONVENTION, Fact, PageParameter, Undecided, Value
from segforge.pages.todo import Draft, mark_todo
from segforge.spec.build import build_parameter
from segforge.spec.printable import HIDDEN, one_line, show
from segforge.spec.values import Violation, type_matches, value_violations
from segforge.spec.yaml_text import mapping, scalar

SCALARS: Final = ("string", "integer", "number", "boolean")
_JSON_TYPES: Final = (*SCALARS, "array", "object")
_FORMATS: Final = ("uri", "base64")
_EXTENSIONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("png", "jpg", "jpeg", "webp", "gif", "bmp"), "image"),
    **dict.fromkeys(("mp4", "webm", "mov"), "video"),
    **dict.fromkeys(("mp3", "wav", "ogg", "flac", "m4a"), "audio"),
    **dict.fromkeys(("glb", "gltf", "obj", "stl"), "model3d"),
}
"""The kinds of files by the ends of their names."""
_MAX_MEMBERS: Final = 20
_MAX_PARTS: Final = 200
MAX_LABEL: Final = 200


def is_name(name: str) -> bool:
    """Returns whether a spec can hold a parameter with this name."""
    return 0 < len(name) <= 100 and name.isprintable() and name == name.strip() and not HIDDEN.search(name)


def kind_of(parameter: PageParameter) -> str:
    """Returns a parameter's type as printed. If it is undecided, returns the reading that fits default and sample."""
    if "type" in parameter.facts:
        return str(parameter.get("type"))
    candidates = parameter.undecided["type"].candidates if "type" in parameter.undecided else ()
    shown = [parameter.get(key) for key in ("sample", "default") if parameter.get(key) is not None]
    fitting = [one for one in candidates if one != "null" and all(fits(value, str(one)) for value in shown)]
    return str(fitting[0] if fitting else candidates[0]) if candidates else "string"


def type_of(parameter: PageParameter) -> str:
    """Returns the type of a parameter in a spec: `array` for `string[]`, `any` for a union."""
    kinds = _alternatives(kind_of(parameter))
    kind = _json_type(kinds[0]) if len(kinds) == 1 and not parameter.members else "any"
    return "object" if kind == "any" and parameter.items else kind


def draft_parameter(made: Draft, one: PageParameter) -> Any:
    """Returns the data of one parameter. Open facts are omitted or set to the safest reading, with a TODO."""
    return _part(made, one, nested=False)


def _part(made: Draft, one: PageParameter, *, nested: bool) -> Any:
    data, leaf, parts = _typed(made, one)
    _texts(made, data, leaf, one)
    if "required" in one.facts or not nested:
        data["required"] = bool(one.get("required")) if "required" in one.facts else "unknown"
    _ask(made, data, one, "required")
    if ("default" in one.facts and one.get("default") is None) or "null" in kind_of(one).split(" | "):
        data["nullable"] = True
    text = one_line(str(one.get("description") or "")).strip()[:4000]
    if text or not nested:
        data["description"] = scalar(text or "To be written.")
    if "description" not in one.facts and not nested:
        mark_todo(made, data, "description", "the page has no description")
    _bounds(made, data, leaf, one)
    _choices(made, data, leaf, one)
    for key in ("deprecated", "affects_price"):
        if one.get(key):
            data[key] = True
    data.update(parts)
    _default(made, data, one)
    for key in ("name", "type", "parent"):
        _ask(made, data, one, key)
    return data


def _typed(made: Draft, one: PageParameter) -> tuple[Any, Any, dict[str, Any]]:
    """Returns the data with its type, the data that facts about scalars belong to, and the facts about parts."""
    kinds = _alternatives(kind_of(one))
    data = mapping({})
    if one.members or len(kinds) > 1:
        plain = [PageParameter(kind, one.span, {"type": _stated(one, kind)}) for kind in kinds]
        members = [(part.name, _part(made, part, nested=True)) for part in one.members or plain]
        return data, data, {"any_of": _members(members)}
    kind, leaf = kinds[0], data
    parts: dict[str, Any] = {}
    data["type"] = type_of(one)
    while kind.endswith("[]") and kind != "any[]":
        kind = kind[:-2]
        item = mapping({"type": _json_type(kind)})
        (parts if leaf is data else leaf)["items"] = item
        leaf = item
    if one.items:
        holder = leaf
        if holder["type"] == "array":
            holder = mapping({"type": "object"})
            (parts if leaf is data else leaf)["items"] = holder
        if holder["type"] == "object":
            (parts if holder is data else holder)["properties"] = _properties(made, data, one.items)
        else:
            mark_todo(made, data, "type", "the page lists keys below it, but it is no object")
    return data, leaf, parts


def _properties(made: Draft, data: Any, items: Sequence[PageParameter]) -> Any:
    properties = mapping({})
    for item in items[:_MAX_PARTS]:
        if is_name(item.name) and item.name not in properties:
            properties[scalar(item.name)] = _part(made, item, nested=True)
        else:
            mark_todo(made, data, "type", f"the page lists {show(item.name)} below it, which can't be a key")
    return properties


def _stated(one: PageParameter, kind: str) -> Fact:
    """Returns the fact that a parameter has a type, at the place of its printed type."""
    fact = one.facts.get("type")
    return replace(fact, value=kind) if fact is not None else Fact(kind, one.span, CONVENTION, "a reading of the type")


def _json_type(kind: str) -> str:
    """Returns the type of a spec for one printed type, such as `array` for `string[]`."""
    kind = "array" if kind.endswith("[]") else "string" if kind == "file" else kind
    return kind if kind in _JSON_TYPES else "any"


def _alternatives(kind: str) -> list[str]:
    """Returns the different types in a printed one, without null. `any` beside others is the only one."""
    kinds = list(dict.fromkeys(one.strip() for one in kind.split("|")))
    kinds = [one for one in kinds if one != "null"] or ["any"]
    return ["any"] if "any" in kinds else kinds


def _members(members: Sequence[tuple[str, Any]]) -> Any:
    """Returns the members of a union with titles that types can use, such as `option_1` for `Option 1`."""
    from ruamel.yaml.comments import CommentedSeq

    taken: set[str] = set()
    found = CommentedSeq()
    for title, data in members[:_MAX_MEMBERS]:
        word = re.sub(r"[^a-z0-9]+", "_", title.replace("[]", "_list").lower()).strip("_")
        word = (word if re.match("[a-z]", word) else f"option_{word}".strip("_"))[:36].strip("_")
        number = next(at for at in range(1, _MAX_MEMBERS + 2) if _numbered(word, at) not in taken)
        taken.add(_numbered(word, number))
        data.pop("required", None)
        member = mapping({"title": scalar(_numbered(word, number)), **data})
        member.todo_notes = getattr(data, "todo_notes", {})
        found.append(member)
    return found


def _numbered(word: str, number: int) -> str:
    return word if number == 1 else f"{word}_{number}"


def _texts(made: Draft, data: Any, leaf: Any, one: PageParameter) -> None:
    """Adds the facts about texts: the format, the kind of file, and the forms in which it may be sent."""
    textual = leaf.get("type") == "string"
    if textual and one.get("format") in _FORMATS:
        leaf["format"] = one.get("format")
    elif "format" in one.facts:
        mark_todo(made, data, "type", f"the page adds the format {show(one.get('format'))}")
    if textual and (kind_of(one).startswith("file") or "file" in one.facts):
        leaf["file"] = one.get("file") or "any"
    if textual and "accepts" in one.facts:
        kind = _EXTENSIONS.get(str(one.get("sample")).partition("?")[0].rpartition(".")[2].lower())
        leaf.update({"file": leaf.get("file") or kind or "any", "accepts": drafted_value(list(one.get("accepts")))})
        if kind is not None and "file" not in one.facts:
            leaf["inferred"] = drafted_value(["file"])


def _bounds(made: Draft, data: Any, leaf: Any, one: PageParameter) -> None:
    kind = leaf.get("type", "any")
    ends = {key: one.get(key) for key in ("minimum", "maximum") if key in one.facts}
    fitting = kind in ("integer", "number") and all(type_matches(value, kind) for value in ends.values())
    if ends and (not fitting or (len(ends) == 2 and ends["minimum"] > ends["maximum"])):
        mark_todo(
            made, data, "description", f"the page prints the range {ends.get('minimum')} to {ends.get('maximum')}"
        )
    else:
        for key, value in ends.items():
            leaf[key] = scalar(value)
    for key in ("minimum", "maximum"):
        _ask(made, data, one, key)


def _choices(made: Draft, data: Any, leaf: Any, one: PageParameter) -> None:
    known, total = one.get("enum"), one.get("enum_total")
    kind = leaf.get("type", "any")
    labels = one.get("enum_labels") or []
    if known and kind in SCALARS and all(type_matches(value, kind) for value in known) and _differ(known):
        entries = [
            mapping({"value": scalar(value), "label": scalar(label[:MAX_LABEL])}, flow=True) if label else value
            for value, label in zip(known, labels or [None] * len(known), strict=True)
        ]
        leaf["enum"] = mapping(
            {"known": drafted_value(entries, flow=not labels), "total": total or len(known)},
            flow=not labels and len(str(known)) < 80,
        )
        if one.facts["enum"].confidence <= CONVENTION:
            mark_todo(made, data, "enum" if leaf is data else "type", f"check the values: {one.facts['enum'].why}")
    elif known:
        mark_todo(made, data, "description", f"the page lists the values {show(known, 200)}")
    elif one.get("enum_lost") and kind in SCALARS:
        leaf["enum"] = mapping({"known": drafted_value([]), "total": None}, flow=True)
    _ask(made, data, one, "enum")
    if "enum" in leaf:
        _ask(made, data, one, "enum_total")


def _differ(values: Iterable[Value]) -> bool:
    texts = [show(value, 10_000) for value in values]
    return len(set(texts)) == len(texts)


def _default(made: Draft, data: Any, one: PageParameter) -> None:
    if "default" in one.facts:
        value = one.get("default")
        if valid(data, value):
            after = [key for key in data if key in ("minimum", "maximum", "enum", "items", "properties", "any_of")]
            data.insert(list(data).index(after[0]) if after else len(data), "default", drafted_value(value))
        else:
            found = f"the page prints the default {show(value)}, which its type, range or values exclude"
            mark_todo(made, data, "description" if "description" in data else "type", found)
    _ask(made, data, one, "default")


def drafted_value(value: Value, *, flow: bool = True) -> Any:
    """Returns a JSON value for a document. Lists and objects are on one line if `flow`."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, CommentedMap):
        return value
    if isinstance(value, Mapping):
        return mapping({key: drafted_value(one) for key, one in value.items()}, flow=flow)
    if isinstance(value, list):
        made = CommentedSeq([drafted_value(one) for one in value])
        if flow:
            made.fa.set_flow_style()
        return made
    return scalar(value)


def valid(parameter: Mapping[str, Any], value: Value) -> bool:
    """Returns whether a parameter's facts allow a value. The format is not checked."""
    return not violations_of(parameter, value)


def violations_of(parameter: Mapping[str, Any], value: Value) -> list[Violation]:
    """Returns the violations of a value by the facts in a parameter's data. Formats count only in unions."""
    built = replace(build_parameter("value", {**parameter, "required": None}), disputed=())
    return list(value_violations(built, value, formats=bool(built.any_of)))


def _ask(made: Draft, data: Any, one: PageParameter, key: str) -> None:
    doubt: Undecided | None = one.undecided.get(key) or dict(hinted(one)).get(key)
    if doubt is not None:
        readings = " or ".join(show(value) for value in doubt.candidates) or "unknown"
        at = {"enum_total": "enum", "name": "type", "parent": "type"}.get(key, key)
        at = next((other for other in (at, "description", "type", "any_of") if other in data), at)
        mark_todo(made, data, at, f"{key} is undecided: {readings}; {doubt.why}")
