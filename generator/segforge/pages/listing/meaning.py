"""Says what the changes of a list mean for the specs that describe its models."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from segforge.pages.listing.compare import ListChange, ListDrift
from segforge.spec.build import build_gateway, build_model
from segforge.spec.catalog import Gateway, Model
from segforge.spec.finding import SpecError
from segforge.spec.inputs import GATEWAY_FILE, display, model_paths
from segforge.spec.load import checked_source
from segforge.spec.price import model_estimate
from segforge.spec.printable import show


def with_meanings(drift: ListDrift, specs: Path) -> ListDrift:
    """Returns the changes with the spec of each model, and what the change means for it."""
    paths = {path.stem: path for path in model_paths(specs)}
    known = _Surroundings(drift, _gateway(specs))
    changes = (_with_meaning(change, paths.get(change.slug), known) for change in drift.changes)
    return replace(drift, changes=tuple(changes))


@dataclass(frozen=True)
class _Surroundings:
    """What the meaning of a change depends on, besides the model's own spec."""

    drift: ListDrift
    gateway: Gateway | None


def _gateway(specs: Path) -> Gateway | None:
    """Returns the gateway's facts, or None if its file can't be used. Then prices are not compared."""
    try:
        return build_gateway(checked_source(specs / GATEWAY_FILE, "gateway").data)
    except SpecError:
        return None


@cache
def _model(path: Path) -> Model | None:
    try:
        return build_model(checked_source(path, "model").data)
    except SpecError:
        return None


def _with_meaning(change: ListChange, path: Path | None, known: _Surroundings) -> ListChange:
    meaning = (*change.meaning, *(_without_spec(change) if path is None else _of_spec(change, path, known)))
    return replace(change, spec=None if path is None else display(path), meaning=meaning)


def _without_spec(change: ListChange) -> Iterator[str]:
    if change.kind in ("new", "back"):
        yield "no spec describes it"
    if change.old == "retired":
        yield "its entry in `unlisted` says that it is retired; check the evidence"


def _of_spec(change: ListChange, path: Path, known: _Surroundings) -> Iterator[str]:
    if change.kind == "gone":
        yield "the spec stays; the list alone is no evidence that the vendor ended the model, so check its page"
    elif change.kind == "renamed":
        yield f"the spec describes {change.old}; if it is the same model, rename the file and its slug"
    elif change.kind in ("new", "back", "modality"):
        yield from _medium(change, path, known)
    if change.kind in ("new", "back", "dearer", "cheaper", "priced"):
        yield from _price(change, path, known)
    if change.old == "retired":
        yield "its entry in `unlisted` says that it is retired; check the evidence"


def _medium(change: ListChange, path: Path, known: _Surroundings) -> Iterator[str]:
    listing, model = known.drift.listed.by_slug[change.slug].listing, _model(path)
    promised = known.drift.directory.modalities.get(listing.modality)
    if model is not None and promised is not None and model.returns.media != promised.media:
        yield (
            f"the spec returns {model.returns.media}, but the modality {show(listing.modality)} stands for "
            f"{promised.media}; the spec wins, so check the page"
        )


def _price(change: ListChange, path: Path, known: _Surroundings) -> Iterator[str]:
    """Yields a line if the average now exceeds the upper end of the printed price, and did not before."""
    usd, model = known.drift.listed.by_slug[change.slug].listing.usd, _model(path)
    if usd is None or model is None or known.gateway is None:
        return
    found = model_estimate(known.gateway, model)  # by its printed price alone, since it was built without an average
    before = change.old if isinstance(change.old, float) else None
    if found is not None and found.high < usd and (before is None or before <= found.high):
        yield f"the printed price ends at {found.high:g} USD, below the average of {usd:g} USD; check the page"
