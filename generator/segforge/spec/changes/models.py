"""Changes between two sets of models."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from segforge.spec.catalog import Model, Price, Version
from segforge.spec.changes.change import Change, Effect, as_data, members, reworded, sided, stated
from segforge.spec.changes.conditions import condition_changes
from segforge.spec.changes.parameters import parameter_sets

_READ: Final = ("title", "description", "note", "typical_seconds", "example", "auth", "quirks", "sources")
"""The facts that concern readers only. Clients always send the API key, whatever schemes a page prints beside it."""
_VERSIONS: Final[tuple[Version, ...]] = ("v1", "v2")


def model_changes(old: Sequence[Model], new: Sequence[Model]) -> list[Change]:
    """Returns the changes between two sets of models, by slug."""
    before, after = ({model.slug: model for model in models} for models in (old, new))
    changes: list[Change] = []
    for slug in sorted({*before, *after}):
        if slug not in after:
            changes.append(Change(slug, "", "model.removed", "breaking", old=before[slug].title, has_new=False))
        elif slug not in before:
            changes.append(Change(slug, "", "model.added", "additive", new=after[slug].title, has_old=False))
        else:
            changes += _watched(_changes(before[slug], after[slug]), after[slug])
    return changes


def _changes(old: Model, new: Model) -> Iterator[Change]:
    slug = new.slug
    yield from members(slug, "versions", "version.", old.versions, new.versions)
    yield from _returns(old, new)
    yield from _level(old, new)
    yield from _paths(old, new)
    yield from members(slug, "encodings", "encoding.", old.encodings, new.encodings)
    yield from parameter_sets(slug, "parameters", "", old.parameters, new.parameters)
    yield from condition_changes(old, new)
    yield from _price(slug, old.price, new.price)
    yield from _average(old, new)
    for key in _READ:
        yield from reworded(slug, key, as_data(getattr(old, key)), as_data(getattr(new, key)))
    for key in ("url", "reviewed"):
        yield from reworded(slug, f"source.{key}", getattr(old.source, key), getattr(new.source, key))


def watched_defaults(model: Model) -> set[str]:
    """Returns the names of the parameters whose defaults a condition looks at."""
    return {name for one in model.conditions if one.with_defaults and not one.inferred for name in one.names}


def _watched(changes: Iterator[Change], new: Model) -> Iterator[Change]:
    """Yields the changes. A default breaks callers if a condition looks at the defaults of parameters not sent."""
    watched = watched_defaults(new)
    for change in changes:
        default = change.rule.startswith("default.") and change.at == f"parameters.{change.part}.default"
        yield replace(change, level="breaking") if default and change.part in watched else change


def _returns(old: Model, new: Model) -> Iterator[Change]:
    before, after = old.returns, new.returns
    if before.media != after.media:
        yield sided(new.slug, "returns.media", "returns.changed", "breaking", before.media, after.media)
    elif before.shape != after.shape:
        effect: Effect = "additive" if before.shape is None else "breaking"
        yield sided(new.slug, "returns.shape", "returns.shape_changed", effect, before.shape, after.shape)
    yield from members(new.slug, "returns.formats", "returns.format_", before.formats, after.formats)
    yield from reworded(new.slug, "returns.printed", before.printed, after.printed)
    yield from reworded(new.slug, "returns.controls", stated(before.controls), stated(after.controls))


def _level(old: Model, new: Model) -> Iterator[Change]:
    """Yields the change of the level. A partial model takes unknown parameters, so a complete one takes fewer."""
    if old.level != new.level:
        effect: Effect = "breaking" if new.level == "complete" else "additive"
        yield sided(new.slug, "level", "level.changed", effect, old.level, new.level)


def _paths(old: Model, new: Model) -> Iterator[Change]:
    """Yields the changes of printed paths. The gateway's usual path remains if a page starts to print another."""
    for version in _VERSIONS:
        before, after = old.paths.get(version), new.paths.get(version)
        if before != after:
            effect: Effect = "additive" if before is None else "breaking"
            yield sided(new.slug, f"paths.{version}", "path.changed", effect, before, after)


def _price(slug: str, old: Price | None, new: Price | None) -> Iterator[Change]:
    """Yields the change of a price. It is editorial, since requests and answers stay the same.

    A correction of the facts without a new text of the page neither raises nor lowers the price.
    """
    if old == new:
        return
    rule = "price.changed"
    if old is not None and new is not None and old.unit == new.unit and old.printed != new.printed:
        ends = ((old.from_, new.from_), (old.to, new.to))
        rises = [None if one is None or two is None else two - one for one, two in ends if one != two]
        if rises and all(rise is not None and rise > 0 for rise in rises):
            rule = "price.raised"
        elif rises and all(rise is not None and rise < 0 for rise in rises):
            rule = "price.lowered"
    yield sided(slug, "price", rule, "editorial", old and old.facts, new and new.facts)


def _average(old: Model, new: Model) -> Iterator[Change]:
    """Yields the changes of the averages in the directory, each figure on its own."""
    for key in ("usd", "seconds", "read"):
        before, after = (getattr(one.average, key, None) for one in (old, new))
        yield from reworded(new.slug, f"average.{key}", before, after)
