"""The settings of one run of the contract tests."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from segforge.spec.printable import show
from segforge_contract.errors import Misuse

_FIXED: Final = ("seed", "models", "profile", "assume_price")
"""The settings that a resumed run takes from its journal; stating another value is misuse."""

_STORED: Final[Mapping[str, Any]] = {
    "target": str,
    "seed": int,
    "models": tuple[str, ...],
    "max_examples": int,
    "profile": str,
    "max_spend": Decimal,
    "assume_price": Decimal,
}
_KINDS: Final[Mapping[Any, str]] = {
    str: "text",
    int: "a whole number",
    tuple[str, ...]: "a list of slugs",
    Decimal: "an amount of credits",
}


@dataclass(frozen=True)
class Settings:
    """The settings of one run; the command line, `compare` and the pytest plugin build them from their options."""

    target: str | None = None
    """A base URL without `/v1`; `live`; or `mock`. None if the journal names the target."""
    specs: Path | None = None
    """The folder of the specs. None stands for the curated ones."""
    models: tuple[str, ...] | None = None
    """The slugs of the models to test. None stands for all models."""
    profile: str | None = None
    """The name of the profile to expect. None stands for the first profile of the specs."""
    max_examples: int | None = None
    """How many payloads Hypothesis draws for each model and version. None if pytest decides."""
    seed: int | None = None
    """The seed of those payloads. None if it is not drawn yet."""
    public_url: str | None = None
    """The start of the URLs that the target states, if it isn't the target's own."""
    deadline: float | None = None
    """How long a job may take, in seconds. None stands for the documented time."""
    max_time: float | None = None
    """How long the run may take, in seconds. None for no limit."""
    max_spend: Decimal | None = None
    """The cap on spending, in credits. None for no cap on this machine, and a cap of 0 elsewhere."""
    assume_price: Decimal | None = None
    """The most that one call costs, in credits. None stands for the price that the specs assume."""
    record: Path | None = None
    """Where to write the journal."""
    resume: Path | None = None
    """The journal of the run to resume."""
    replay: Path | None = None
    """The journal whose recorded answers are judged, offline."""
    database: str | None = None
    """The folder, or the URL of the Redis server, that keeps Hypothesis' examples."""
    failures: Path | None = None
    """The folder that keeps failures for the next run. None to keep none."""

    rules: tuple[str, ...] | None = None
    """Patterns of the rules to test, such as `range.*`. None stands for all rules."""
    skip_rules: tuple[str, ...] | None = None
    """Patterns of the rules not to test."""

    def stored(self, *, cap: Decimal | None) -> dict[str, Any]:
        """The settings that a journal stores, as JSON: those that decide which requests are sent."""
        return {
            "seed": self.seed,
            "models": None if self.models is None else list(self.models),
            "max_examples": self.max_examples,
            "profile": self.profile,
            "max_spend": None if cap is None else str(cap),
            "assume_price": None if self.assume_price is None else str(self.assume_price),
        }


def continued(settings: Settings, stored: Mapping[str, Any]) -> Settings:
    """The settings of a run that a journal recorded, to resume or replay it.

    A resumed run may raise its cap. Raises Misuse if other settings contradict the journal, or if it can't be resumed.
    """
    recorded = _read(stored)
    kept = replace(settings, **{**recorded, "target": settings.target or recorded["target"]})
    if settings.resume is None:
        return kept
    _check_conflicts(settings, kept)
    if kept.max_examples is None:
        raise Misuse(f"--resume: {settings.resume} was recorded by pytest and can't be resumed; run pytest again")
    if kept.max_spend is None:
        raise Misuse(
            f"--resume: {settings.resume} was recorded without a cap, so it holds no account of the spending; "
            "start a new run"
        )
    return kept if settings.max_spend is None else replace(kept, max_spend=settings.max_spend)


def _check_conflicts(settings: Settings, kept: Settings) -> None:
    for name in _FIXED:
        given, recorded = getattr(settings, name), getattr(kept, name)
        if given is not None and given != recorded:
            option = f"--{name.replace('_', '-')}"
            found = " ".join(recorded) if isinstance(recorded, tuple) else recorded
            raise Misuse(
                f"--resume: {option} conflicts with the journal's {name.replace('_', ' ')} ({found}); "
                f"omit {option} when resuming"
            )
    if settings.max_spend is not None and kept.max_spend is not None and settings.max_spend < kept.max_spend:
        raise Misuse(
            f"--resume: --max-spend {settings.max_spend} is lower than the journal's cap of {kept.max_spend}; "
            "a resumed run may only raise its cap"
        )


def _read(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in a journal, by name, None for those it lacks. Raises Misuse if one has the wrong type."""
    import msgspec

    recorded = {}
    for name, kind in _STORED.items():
        try:
            value = msgspec.convert(stored.get(name), kind | None)
        except (msgspec.ValidationError, ValueError):
            value = Decimal("NaN")
        if isinstance(value, Decimal) and not value.is_finite():
            found = show(stored.get(name))
            raise Misuse(f"the journal's {name} is {found}, not {_KINDS[kind]}; start a new run") from None
        recorded[name] = value
    return recorded


NAMES: Final = tuple(field.name for field in fields(Settings))
"""The names of all settings."""
