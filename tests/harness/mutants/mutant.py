"""A mutant: the mock with one seeded fault, under a name."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.harness.mutants.original import Fault

ADAPTER = "flux-ipadapter"
CONTROLNET = "flux-controlnet"
FORMED = "formed"
"""The model of `tests.harness.mutants.forms`."""
IMG2IMG = "flux-img2img"
NESTED = "nested"
"""The model of `tests.harness.mutants.nested`."""
LIMITED = "limited"
"""The model of `tests.harness.mutants.limits`."""
STYLE = "style-transfer"
TUNED = "flux-dev-finetuned"


@dataclass(frozen=True)
class Mutant:
    """A seeded fault, and the finding that the contract tests must report for it.

    `breaks` is the rule, or the prefix of a rule, that must be reported, and `field` the parameter, if any. `make`
    returns the fault in its initial state. `model` shows the fault. `drawn` is the number of payloads that Hypothesis
    must draw, if no table shows it. `profile` is the profile under which it is a fault.
    """

    name: str
    does: str
    breaks: str
    make: Callable[[], Fault]
    model: str = ADAPTER
    field: str | None = None
    drawn: int = 0
    profile: str = "documented"
