"""All deterministic cases, in the order in which a run sends them."""

from collections.abc import Iterable, Iterator

from segforge.spec.catalog import Catalog, Model
from segforge_contract.cases.case import Case, operations
from segforge_contract.cases.gate import sound
from segforge_contract.cases.parameters import parameter_cases
from segforge_contract.cases.requests import gateway_cases, request_cases


def deterministic_cases(catalog: Catalog, models: Iterable[Model]) -> Iterator[Case]:
    """Yields the cases of the gateway itself, then the sound cases of each model on each of its versions."""
    yield from gateway_cases(catalog.gateway)
    for model in models:
        for operation in operations(model):
            cases = (
                *request_cases(catalog.gateway, model, operation),
                *parameter_cases(catalog.gateway, model, operation),
            )
            yield from (case for case in cases if sound(model, case))
