"""Properties of drawn payloads: valid payloads are accepted, and one breaking change is refused."""

from hypothesis import given, settings
from hypothesis import strategies as st

from segforge.spec.catalog import Model
from segforge_contract import Contract
from segforge_contract.cases.case import Operation
from segforge_contract.cases.drawn import breaking_changes, valid_payloads
from segforge_contract.cases.parameters import payload_case, valid_case
from segforge_contract.pytest_plugin import own_catalog

CATALOG = own_catalog()
drawn = settings(settings.get_profile("segforge-contract"))  # see conftest.py


@drawn
@given(data=st.data())
def test_valid_payload_is_accepted(
    segforge_contract: Contract, model: Model, operation: Operation, data: st.DataObject
) -> None:
    """Any combination of valid values is accepted, and the output matches it."""
    payload = data.draw(valid_payloads(model), label="payload")
    segforge_contract.holds([valid_case(CATALOG.gateway, model, operation, payload, "a drawn payload")])


@drawn
@given(data=st.data())
def test_breaking_change_is_refused(
    segforge_contract: Contract, model: Model, operation: Operation, data: st.DataObject
) -> None:
    """One change that breaks one rule is refused."""
    parameter, change = data.draw(breaking_changes(model, CATALOG.gateway), label="change")
    segforge_contract.holds([payload_case(CATALOG.gateway, model, operation, parameter, change)])
