"""Changes between two Catalogs, and whether they break callers."""

from segforge.spec.changes.change import (
    UNRELEASED,
    Bump,
    Change,
    Effect,
    breaks_callers,
    bump_of,
    parts,
    raised,
    reaches_clients,
    sides,
    stated,
)
from segforge.spec.changes.conditions import single_statements
from segforge.spec.changes.gateway import gateway_changes
from segforge.spec.changes.models import model_changes, watched_defaults

__all__ = [
    "UNRELEASED",
    "Bump",
    "Change",
    "Effect",
    "breaks_callers",
    "bump_of",
    "gateway_changes",
    "model_changes",
    "parts",
    "raised",
    "reaches_clients",
    "sides",
    "single_statements",
    "stated",
    "watched_defaults",
]
