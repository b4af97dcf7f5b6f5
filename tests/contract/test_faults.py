"""The harness against a gateway of our own: no alarm while it keeps the contract, the right rule for each fault."""

import pytest

from segforge.spec.catalog import Catalog
from segforge_contract.campaign import Outcome, plan, run
from segforge_contract.jobs import Pace
from segforge_contract.rules import RULES
from segforge_contract.session import Session
from segforge_contract.target import AsgiTarget

from .standin import BASE_URL, KEY, StandIn

IP, STYLE, IMG, TUNED, NET = "flux-ipadapter", "style-transfer", "flux-img2img", "flux-dev-finetuned", "flux-controlnet"

FAULTS = {
    "x": ({"x"}, IP),
}


def campaign(catalog: Catalog, standin: StandIn, *slugs: str, max_examples: int = 0, seed: int = 0) -> Outcome:
    target = AsgiTarget(standin, KEY, base_url=BASE_URL)
    try:
        session = Session(catalog, target, Pace(0, 0.2))
        models = [model for model in catalog.models if not slugs or model.slug in slugs]
        return run(plan(catalog, models, max_examples=max_examples, seed=seed), session)
    finally:
        target.close()
