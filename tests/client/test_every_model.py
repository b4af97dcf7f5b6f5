"""The client runs the project's models against the mock, on each version, and returns the right medium."""

from typing import Any

import pytest

from segforge.emit.clients.results import result_class
from segforge.spec.catalog import Model
from segforge.spec.identifiers import snake_case
from segforge.spec.values import payload_violations
from segforge_contract.pytest_plugin import spread
from segforge_mock import MockTransport, create_app
from segforge_mock.models.served import models_of_catalog
from segmind_client import Segmind
from tests.client.conftest import KEY
from tests.client.test_types import a_value
from tests.decoders import medium_of
from tests.seeds import whole_catalog

pytestmark = pytest.mark.filterwarnings("ignore::segmind_client.ModelWarning")  # some of the models are unlisted

CATALOG = whole_catalog()
CALLS = [(model, version) for model in spread(CATALOG.models) for version in model.versions]


@pytest.fixture(scope="module")
def client() -> Segmind:
    app = create_app(models=models_of_catalog(CATALOG), time_scale=0)
    return Segmind(KEY, "http://mock", transport=MockTransport(app))


def payload(model: Model) -> dict[str, Any]:
    """Returns the sample of a page, with values for required parameters that it lacks."""
    values = dict(model.valid_example)
    values |= {one.name: a_value(one) for one in model.parameters if one.required and one.name not in values}
    assert payload_violations(model, values) == []
    return values


@pytest.mark.parametrize(("model", "version"), CALLS, ids=[f"{model.slug}-{version}" for model, version in CALLS])
def test_a_call_returns_the_medium_of_the_model(client: Segmind, model: Model, version: str) -> None:
    attribute: Any = getattr(client, snake_case(model.slug))
    params = payload(model)
    assert attribute.check(**params) == ()
    result = attribute.run(**params) if version == "v1" else attribute.submit(**params).download()
    assert type(result).__name__ == result_class(model.returns)
    assert medium_of(result.content, result.content_type) == model.returns.media
    match model.returns.shape:
        case "embedding":
            assert result.embedding
        case None:
            assert result.cost is not None
        case _:
            assert result.text
