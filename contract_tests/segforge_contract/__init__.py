"""Checks that a gateway keeps the promises of its docs: `segforge contract`, and a pytest plugin.

`plan` lists the requests of a campaign, `run` sends them through a `Session` (see `open_session`), and `Report` sums up
the result. Each name is imported on first use, because pytest loads this package in every run.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from segforge_contract.checks.answers import Exchange
    from segforge_contract.engine.campaign import run
    from segforge_contract.engine.plan import plan
    from segforge_contract.engine.session import open_session
    from segforge_contract.engine.settings import Settings
    from segforge_contract.errors import BadJournal, BadTarget, Misuse, NoAnswer, NotSent, Unreachable
    from segforge_contract.messages.request import Request, Response
    from segforge_contract.reports.report import Report
    from segforge_contract.rules.house import house_rule
    from segforge_contract.rules.table import RULES, Rule
    from segforge_contract.targets.http import HttpTarget
    from segforge_contract.targets.in_process import AsgiTarget
    from segforge_contract.testing import Contract

__all__ = [
    "RULES",
    "AsgiTarget",
    "BadJournal",
    "BadTarget",
    "Contract",
    "Exchange",
    "HttpTarget",
    "Misuse",
    "NoAnswer",
    "NotSent",
    "Report",
    "Request",
    "Response",
    "Rule",
    "Settings",
    "Unreachable",
    "house_rule",
    "open_session",
    "plan",
    "run",
]

_MODULES: Final = {
    "checks.answers": ("Exchange",),
    "engine.campaign": ("run",),
    "engine.plan": ("plan",),
    "engine.session": ("open_session",),
    "engine.settings": ("Settings",),
    "errors": ("BadJournal", "BadTarget", "Misuse", "NoAnswer", "NotSent", "Unreachable"),
    "messages.request": ("Request", "Response"),
    "reports.report": ("Report",),
    "rules.house": ("house_rule",),
    "rules.table": ("RULES", "Rule"),
    "targets.http": ("HttpTarget",),
    "targets.in_process": ("AsgiTarget",),
    "testing": ("Contract",),
}
_HOMES: Final = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Imports a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
