"""Describes a change in one sentence, for users of the clients. Names are in code spans of Markdown."""

from typing import Any, Final

from segforge.spec.changes import Change
from segforge.spec.printable import one_line, show, span

_LONGEST: Final = 60
"""Characters shown of a text; a list shows the values that fit in twice as many."""


_PRICES: Final = {
    "price.raised": "calls cost more now; the price is",
    "price.lowered": "calls cost less now; the price is",
    "price.changed": "the price is",
}
"""The start of the sentence about a changed price."""
_FIGURES: Final = {
    "typical_seconds": "`typical_seconds`",
    "average.usd": "the average cost in USD",
    "average.seconds": "the average time in seconds",
}
"""The subject of the sentence about a figure of a model."""
_READ: Final = {
    "returns.controls": "the parameters that control its output were corrected",
    "returns.printed": "the page's text about its output was corrected",
    "quirks": "the known contradictions of its page changed",
    "conditions": "the conditions that its page's texts suggest changed",
    "sources": "the sources of its facts were corrected",
    "auth": "the ways to authenticate that its page prints changed",
}
"""The sentence about a fact that concerns readers only."""


def sentence(change: Change) -> str:
    """Returns the change on one line, without a full stop: ``x: `steps` takes 1 to 80 (was 1 to 50)``."""
    match change.rule:
        case "model.added":
            text = f"model {change.subject} is new"
        case "model.removed":
            text = f"model {change.subject} is gone"
        case _ if change.part and change.rule != "text.changed":
            text = f"{change.subject}: {_of_parameter(change, span(change.part))}"
        case _:
            text = f"{change.subject}: {_of_whole(change)}"
    return one_line(text)


def _of_parameter(change: Change, name: str) -> str:
    match change.rule:
        case "parameter.added":
            return f"{name} is new{', and required' if change.level == 'breaking' else ''}"
        case "parameter.removed":
            return f"{name} is gone"
        case "required.now" | "required.no_longer":
            return f"{name} is {'required' if change.new else 'optional'} now"
        case "required.known" | "required.unknown":
            return f"{name} stays optional; its page {'marks it so now' if change.has_new else 'no longer marks it'}"
        case "nullable.changed":
            return f"{name} {'takes null too' if change.new else 'no longer takes null'}"
        case "default.changed" | "default.gone":
            return f"the default of {name} is {_sides(change, 'none')}"
        case "step.narrowed" | "step.widened":
            steps = (f"multiples of {step}" if step is not None else "any number" for step in (change.new, change.old))
            return "{} takes {} (was {})".format(name, *steps)
        case "range.narrowed" | "range.widened":
            return f"{name} {change.words}"
        case rule if rule.startswith("enum."):
            return f"{name} {_of_values(change)}"
        case _:
            return _of_form(change, name)


def _of_form(change: Change, name: str) -> str:
    """Describes a change of a parameter's type, marks, file or parts."""
    match change.rule:
        case "deprecated.now" | "deprecated.no_longer":
            return f"{name} is {'deprecated' if change.new else 'no longer deprecated'}"
        case "affects_price.changed":
            return f"{name} {'affects' if change.new else 'no longer affects'} the price"
        case "format.changed" | "format.gone":
            return f"{name} takes {_plain(change.new or 'any text')} (was {_plain(change.old or 'any text')})"
        case "type.widened" | "type.changed":
            return f"{name} is of type {change.new} (was {change.old})"
        case "file.changed":
            kinds = (_file(kind) for kind in (change.new, change.old))
            return "{} takes {} (was {})".format(name, *kinds)
        case "accepts.added" | "member.added":
            return f"{name} takes {_plain(change.new)} too"
        case "accepts.removed" | "member.removed":
            return f"{name} no longer takes {_plain(change.old)}"
        case "accepts.stated" | "accepts.gone":
            forms = ", ".join(map(_plain, change.new or ()))
            return f"{name} takes files as {forms} only" if forms else f"{name} takes files in any form"
        case "parts.stated":
            return f"{name} takes only {_parts(change, change.new)}"
        case _:
            return f"{name} no longer limits its {_PARTS[change.at.rpartition('.')[2]]}"


_PARTS: Final = {"items": "items", "properties": "properties", "any_of": "members"}


def _parts(change: Change, value: Any) -> str:
    if change.at.endswith(".items"):
        type_ = value.get("type", "any") if isinstance(value, dict) else "any"
        return "items that fit the new description" if type_ == "any" else f"items of type {type_}"
    return ("the properties " if change.at.endswith(".properties") else "") + ", ".join(map(span, value))


def _file(kind: str | None) -> str:
    return "plain text" if kind is None else "files of any kind" if kind == "any" else f"files of kind {kind}"


def _of_values(change: Change) -> str:
    """Describes a change of a parameter's known values."""
    match change.rule:
        case "enum.value_added":
            return f"takes {_value(change.new)}"
        case "enum.value_removed":
            return f"{change.words} {_value(change.old)}"
        case "enum.gone":
            return "takes any value of its type" if change.level == "additive" else "takes any value of its format"
        case "enum.stated":
            known = _value(change.new) or "a set of values that no source lists"
            return f"{'takes only' if change.level == 'breaking' else 'is known to take'} {known}"
        case "enum.total_changed":
            counts = (
                show(count) if count is not None else "an unknown number of" for count in (change.new, change.old)
            )
            return "takes {} values (was {})".format(*counts)
        case _:
            return f"takes {'other values too' if change.rule == 'enum.opened' else 'only the values listed'}"


def _of_whole(change: Change) -> str:
    """Describes a change of a model as a whole, or of the gateway."""
    match change.rule:
        case "version.added" | "version.removed":
            return _set(change, "can be called by {} too", "can no longer be called by {}")
        case "encoding.added" | "encoding.removed":
            return _set(change, "takes bodies encoded as {} too", "no longer takes bodies encoded as {}")
        case "returns.format_added" | "returns.format_removed":
            return _set(change, "returns {} too", "no longer returns {}")
        case "returns.changed":
            return f"returns {change.new} (was {change.old})"
        case "returns.shape_changed":
            shapes = (_plain(shape or "unknown") for shape in (change.new, change.old))
            return "its answer has the shape {} (was {})".format(*shapes)
        case "level.changed":
            complete = change.new == "complete"
            return "all its parameters are known now" if complete else "it may take parameters that are not known"
        case "path.changed":
            paths = (span(path) if path else "the usual one" for path in (change.new, change.old))
            return "its {} path is {} (was {})".format(change.at.rpartition(".")[2], *paths)
        case "condition.added" | "condition.removed":
            return change.words
        case rule if rule in _PRICES:
            old, new = (_printed(value) for value in (change.old, change.new))
            return f"{_PRICES[rule]} {new} (was {old})" if old != new else "the facts of its price were corrected"
        case "text.changed":
            return _of_text(change)
        case _:
            return _of_gateway(change)


def _of_gateway(change: Change) -> str:
    _, _, name = change.at.partition(".")
    match change.rule:
        case "status.added" | "status.removed" | "header.added" | "header.removed" | "route.added" | "route.removed":
            return f"{change.rule.partition('.')[0]} {span(name)} is {'new' if change.has_new else 'gone'}"
        case "route.changed":
            route, _, what = name.rpartition(".")
            return f"the {what} of route {span(route)} is {_sides(change, 'none')}"
        case "route.described":
            return f"route {span(name.rpartition('.')[0])} was described anew"
        case _ if change.level == "breaking" or not change.at.endswith((".source", ".meaning")):
            return f"{span(change.at)} is {_sides(change, 'none')}"
        case _:
            return _of_text(change)


def _of_text(change: Change) -> str:
    """Describes a change of a fact that concerns readers only."""
    if change.part:
        return "texts were reworded"
    if change.at in _FIGURES:
        return f"{_FIGURES[change.at]} is {_sides(change, 'not known')}"
    return _READ.get(change.at, "texts were reworded")


def _set(change: Change, added: str, removed: str) -> str:
    return added.format(_plain(change.new)) if change.has_new else removed.format(_plain(change.old))


def _printed(price: dict[str, Any] | None) -> str:
    return "not known" if price is None else _value(price["printed"])


def _sides(change: Change, nothing: str) -> str:
    old, new = (
        _value(value) if has else nothing for value, has in ((change.old, change.has_old), (change.new, change.has_new))
    )
    return f"{new} (was {old})"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else show(value)


def _value(value: object) -> str:
    """Returns a value as JSON. Long texts are cut within the quotes, long lists between values."""
    if isinstance(value, str):
        return show(value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…", 10 * _LONGEST)
    if isinstance(value, list):
        shown = [_value(item) for item in value]
        while len(shown) > 1 and len(", ".join(shown)) > 2 * _LONGEST:
            shown.pop()
        left = len(value) - len(shown)
        return ", ".join(shown) + (f" and {left} more" if left else "")
    return show(value, 10 * _LONGEST) if not isinstance(value, dict) else "another"
