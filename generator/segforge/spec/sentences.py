"""Describes a change in one sentence, for users of the clients. Names are in code spans of Markdown."""

from typing import Any, Final

from segforge.spec.changes import Change
from segforge.spec.printable import one_line, show

_LONGEST: Final = 60
"""Characters shown of a text; a list shows the values that fit in twice as many."""


_PRICES: Final = {
    "price.raised": "calls cost more now; the price is",
    "price.lowered": "calls cost less now; the price is",
    "price.changed": "the price is",
}
"""The start of the sentence about a changed price."""


def sentence(change: Change) -> str:
    """Returns the change on one line, without a full stop: ``x: `steps` takes 1 to 80 (was 1 to 50)``."""
    match change.rule:
        case "model.added":
            text = f"model {change.subject} is new"
        case "model.removed":
            text = f"model {change.subject} is gone"
        case _ if change.at.startswith("parameters.") and change.rule != "text.changed":
            text = f"{change.subject}: {_of_parameter(change)}"
        case _:
            text = f"{change.subject}: {_of_whole(change)}"
    return one_line(text)


def _of_parameter(change: Change) -> str:
    whole = change.rule in ("parameter.added", "parameter.removed")
    at = change.at.removeprefix("parameters.")
    name = _name(at if whole else at.removesuffix(".known").removesuffix(".total").rpartition(".")[0])
    match change.rule:
        case "parameter.added":
            return f"{name} is new{', and required' if change.level == 'breaking' else ''}"
        case "parameter.removed":
            return f"{name} is gone"
        case "required.now" | "required.no_longer":
            return f"{name} is {'required' if change.new else 'optional'} now"
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
        case "format.changed" | "format.gone":
            return f"{name} takes {_plain(change.new or 'any text')} (was {_plain(change.old or 'any text')})"
        case "type.widened" | "type.changed":
            return f"{name} is of type {change.new} (was {change.old})"
        case _:
            return f"the {at.rpartition('.')[2]} of {name} is {_sides(change, 'none')}"


def _of_values(change: Change) -> str:
    """Describes a change of a parameter's known values."""
    match change.rule:
        case "enum.value_added":
            return f"takes {_value(change.new)}"
        case "enum.value_removed":
            return f"{change.words} {_value(change.old)}"
        case "enum.gone":
            return "takes any value of its type"
        case "enum.stated":
            return f"{'takes only' if change.level == 'breaking' else 'is known to take'} {_value(change.new)}"
        case "enum.total_changed":
            return f"takes {change.new} values (was {change.old})"
        case _:
            return f"takes {'other values too' if change.rule == 'enum.opened' else 'only the values listed'}"


def _of_whole(change: Change) -> str:
    """Describes a change of a model as a whole, or of the gateway."""
    match change.rule, change.at:
        case "version.added", _:
            return f"can be called by {_plain(change.new)} too"
        case "version.removed", _:
            return f"can no longer be called by {_plain(change.old)}"
        case "returns.format_added", _:
            return f"returns {_plain(change.new)} too"
        case "returns.format_removed", _:
            return f"no longer returns {_plain(change.old)}"
        case "returns.changed", _:
            return f"returns {change.new} (was {change.old})"
        case ("status.added" | "header.added" | "status.removed" | "header.removed") as rule, at:
            what, name = rule.partition(".")[0], at.partition(".")[2]
            return f"{what} {_name(name)} is {'new' if change.has_new else 'gone'}"
        case ("price.raised" | "price.lowered" | "price.changed") as rule, _:
            old, new = (_printed(value) for value in (change.old, change.new))
            return f"{_PRICES[rule]} {new} (was {old})" if old != new else "the facts of its price were corrected"
        case "text.changed", "typical_seconds" | "typical_cost" as at:
            return f"{_name(at)} is {_sides(change, 'not known')}"
        case "text.changed", "returns.controls":
            return "the parameters that control its output were corrected"
        case "gateway.changed", at if change.level == "breaking" or not at.endswith((".source", ".meaning")):
            return f"{_name(at)} is {_sides(change, 'none')}"
        case _:
            return "texts were reworded"


def _printed(price: dict[str, Any] | None) -> str:
    return "not known" if price is None else _value(price["printed"])


def _sides(change: Change, nothing: str) -> str:
    old, new = (
        _value(value) if has else nothing for value, has in ((change.old, change.has_old), (change.new, change.has_new))
    )
    return f"{new} (was {old})"


def _name(name: str) -> str:
    return show(name) if "`" in name else f"`{name}`"


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
