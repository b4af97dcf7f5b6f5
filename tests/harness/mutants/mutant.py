"""What a mutant is: the mock with one seeded fault, under a name."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.harness.mutants.original import Fault

ADAPTER = "flux-ipadapter"
CONTROLNET = "flux-controlnet"
IMG2IMG = "flux-img2img"
STYLE = "style-transfer"
TUNED = "flux-dev-finetuned"


@dataclass(frozen=True)
class Mutant:
    """A seeded fault: what it does, and what a harness has to say about it.

    `breaks` is the rule, or the family of rules, that has to be named, `field` the parameter that it is about if it is
    about one. `make` gives the fault in its first state. `model` is the one that shows it; `drawn` how many payloads
    Hypothesis has to draw for it, where no table sends one that does; `profile` the one under which it is a fault.
    """

    name: str
    does: str
    breaks: str
    make: Callable[[], Fault]
    model: str = ADAPTER
    field: str | None = None
    drawn: int = 0
    profile: str = "documented"
