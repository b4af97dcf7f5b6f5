"""Tests of v2 jobs, from the submit of the page's sample to its result."""

from segforge.spec.catalog import Model
from segforge_contract import Contract
from segforge_contract.cases.parameters import payload_case
from segforge_contract.pytest_plugin import own_catalog

CATALOG = own_catalog()


def test_job_ends_with_a_result(segforge_contract: Contract, model: Model) -> None:
    """A job's state never moves back, ends COMPLETED and stays so, and the result holds an output."""
    segforge_contract.job_holds(payload_case(CATALOG.gateway, model, "submit", None, None))


def test_jobs_live_as_documented_in_any_order(segforge_contract: Contract, model: Model) -> None:
    """Several accounts submit, poll and wait in any order; a failing sequence is shrunk."""
    segforge_contract.lives_hold(model, max_examples=10)
