"""Changes of the gateway itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from segforge.spec.catalog import ChatParameter, Gateway, OtherRoute
from segforge.spec.changes.change import Change, as_data, reworded, sided

_WORDS: Final = ("source", "meaning", "retention_seconds", "poll_interval_seconds", "deadline_seconds")
"""The last words of the facts of a route or the lifecycle that concern readers only."""


def gateway_changes(old: Gateway, new: Gateway) -> list[Change]:
    """Returns the changes of the gateway itself. Profiles and assumptions concern the mock and the contract tests."""
    changes: list[Change] = []
    for key in ("base_url", "auth", "routes", "lifecycle", "content_types"):
        before, after = as_data(getattr(old, key)), as_data(getattr(new, key))
        for at, one, two in _leaves(key, before, after):
            editorial = at.rpartition(".")[2] in _WORDS
            changes.append(sided("gateway", at, "gateway.changed", "editorial" if editorial else "breaking", one, two))
    changes += _sets("status", "statuses", old.statuses, new.statuses, lambda one: one.code)
    changes += _sets("header", "headers", old.headers, new.headers, lambda one: one.name)
    changes += _chat_parameters(old.chat_parameters, new.chat_parameters)
    changes += _routes(old.other_routes, new.other_routes)
    for key in ("title", "description", "sample"):
        changes += reworded("gateway", key, getattr(old, key), getattr(new, key))
    return changes


def _sets(kind: str, at: str, old: Sequence[Any], new: Sequence[Any], key: Callable[[Any], Any]) -> Iterator[Change]:
    """Yields the members that only one side has, and the changed descriptions of the others."""
    before, after = ({key(one): one for one in side} for side in (old, new))
    for name in sorted(after.keys() - before.keys()):
        yield sided("gateway", f"{at}.{name}", f"{kind}.added", "additive", None, name)
    for name in sorted(before.keys() - after.keys()):
        yield sided("gateway", f"{at}.{name}", f"{kind}.removed", "breaking", name, None)
    for name in sorted(before.keys() & after.keys()):
        yield from reworded("gateway", f"{at}.{name}", as_data(before[name]), as_data(after[name]))


def _chat_parameters(old: Sequence[ChatParameter], new: Sequence[ChatParameter]) -> Iterator[Change]:
    """Yields the parameters that clients begin or cease to refuse in chats, and the changed descriptions of others."""
    before, after = ({one.name: one for one in side} for side in (old, new))
    for name in sorted(before.keys() | after.keys()):
        one, two = before.get(name), after.get(name)
        refused = [side is not None and side.unsupported for side in (one, two)]
        at = f"chat_parameters.{name}"
        if refused[0] != refused[1]:
            yield sided(
                "gateway", at, "chat_parameter.changed", "breaking" if refused[1] else "additive", *map(_said, refused)
            )
        else:
            yield from reworded("gateway", at, one and as_data(one), two and as_data(two))


def _said(refused: bool) -> str:
    return "refused" if refused else "sent"


def _routes(old: Sequence[OtherRoute], new: Sequence[OtherRoute]) -> Iterator[Change]:
    """Yields the changes of the vendor's other routes. The clients don't use them."""
    before, after = ({one.name: one for one in side} for side in (old, new))
    for name in [*before, *(name for name in after if name not in before)]:
        one, two = before.get(name), after.get(name)
        at = f"other_routes.{name}"
        if one is None or two is None:
            gone = two is None
            sides = one and f"{one.method} {one.url}", two and f"{two.method} {two.url}"
            rule = "route.removed" if gone else "route.added"
            yield sided("gateway", at, rule, "breaking" if gone else "additive", *sides)
            continue
        for key in ("method", "url"):
            if getattr(one, key) != getattr(two, key):
                sides = getattr(one, key), getattr(two, key)
                yield sided("gateway", f"{at}.{key}", "route.changed", "breaking", *sides)
        for key in ("auth", "request", "answers", "assumed", "meaning", "source"):
            if getattr(one, key) != getattr(two, key):
                sides = getattr(one, key), getattr(two, key)
                yield sided("gateway", f"{at}.{key}", "route.described", "editorial", *sides)


def _leaves(at: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _leaves(f"{at}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, two) in enumerate(zip(old, new, strict=True)):
            yield from _leaves(f"{at}.{index}", one, two)
    elif old != new:
        yield at, old, new
