"""The settings of one run of the contract tests."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from segforge_contract.errors import Misuse

_FIXED: Final = ("seed", "models", "profile", "assume_price")
"""The settings that a resumed run takes from its journal; stating another value is misuse."""


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
    kept = replace(
        settings,
        target=settings.target or stored.get("target"),
        seed=stored.get("seed"),
        models=None if stored.get("models") is None else tuple(stored["models"]),
        max_examples=stored.get("max_examples"),
        profile=stored.get("profile"),
        max_spend=_credits("max_spend", stored),
        assume_price=_credits("assume_price", stored),
    )
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


def _credits(name: str, stored: Mapping[str, Any]) -> Decimal | None:
    if stored.get(name) is None:
        return None
    try:
        return Decimal(str(stored[name]))
    except InvalidOperation:
        raise Misuse(f"the journal's {name} is {stored[name]!r}; expected an amount of credits, such as 2.50") from None


NAMES: Final = tuple(field.name for field in fields(Settings))
"""The names of all settings."""
