"""Limits on the values in a request: counts are exact for any text, and a refusal names its limit."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segforge.spec.catalog import Model
from segforge.spec.price import usual_credits
from segforge_mock import MockTransport, create_app
from segforge_mock.http import counts
from segforge_mock.http.counts import MAX_OUTPUTS, MAX_PARTS, MAX_VALUES, has_too_many_values
from segforge_mock.models.reading import Payload, ServedModel
from segforge_mock.models.served import packaged_models
from tests.mock.conftest import KEY
from tests.seeds import seed_catalog

EXAMPLE = seed_catalog().model("style-transfer").valid_example
FORM = {"content-type": "multipart/form-data; boundary=xx"}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    app = create_app(time_scale=0, media="tiny", any_model=True)
    with httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY}) as client:
        yield client


def form(parts: int) -> bytes:
    fields = "".join(f'--xx\r\nContent-Disposition: form-data; name="f{part}"\r\n\r\n1\r\n' for part in range(parts))
    return f"{fields}--xx--\r\n".encode()


TOO_MANY: dict[str, Any] = {
    "members": {f"k{number}": 1 for number in range(MAX_VALUES + 2)},
    "elements": {"width": [1] * (MAX_VALUES + 2)},
    "empty arrays": {"width": [[]] * MAX_VALUES},
    "empty objects": {"width": [{}] * MAX_VALUES},
    "texts": {"width": [""] * (MAX_VALUES + 2)},
}


@pytest.mark.parametrize("name", TOO_MANY)
@pytest.mark.parametrize("path", ["/v1/style-transfer", "/v2/unlisted", "/upload-asset", "/_mock/rules"])
def test_too_many_values_are_413_wherever_json_is_read(client: httpx.Client, name: str, path: str) -> None:
    answer = client.post(path, json=TOO_MANY[name])
    assert answer.status_code == 413
    assert str(MAX_VALUES) in answer.json()["error"]


def test_too_many_parts_are_413(client: httpx.Client) -> None:
    answer = client.post("/v1/style-transfer", content=form(MAX_PARTS + 1), headers=FORM)
    assert answer.status_code == 413
    assert str(MAX_PARTS) in answer.json()["error"]
    assert client.post("/v1/style-transfer", content=form(MAX_PARTS), headers=FORM).status_code == 400


@pytest.mark.parametrize("text", ["," * 10**6, '[{"\\,' * 10**5, '"' * 10**6, "\\" * 10**6 + '"'])
def test_text_is_one_value(client: httpx.Client, text: str) -> None:
    assert client.post("/v1/style-transfer", json={**EXAMPLE, "prompt": text}).status_code == 200


@pytest.mark.parametrize("name", ["prompt", "no_parameter"])
def test_text_in_a_form_is_one_value(client: httpx.Client, name: str) -> None:
    files = {key: (None, str(value)) for key, value in {**EXAMPLE, name: "[," * 10**5}.items()}
    assert client.post("/v1/style-transfer", files=files).status_code == 200


@pytest.mark.parametrize("media_type", ["text/plain", "application/octet-stream"])
def test_a_body_of_another_type_is_refused(client: httpx.Client, media_type: str) -> None:
    answer = client.post("/v1/style-transfer", content=b"[," * 10**5, headers={"content-type": media_type})
    assert answer.status_code == 406


@pytest.mark.parametrize("text", ["[" * 10**5, "1" * 10**6, "[1," * 10**5])
def test_a_field_is_a_number_only_if_it_spells_one(client: httpx.Client, text: str) -> None:
    body = f'--xx\r\nContent-Disposition: form-data; name="width"\r\n\r\n{text}\r\n--xx--\r\n'.encode()
    answer = client.post("/v1/style-transfer", content=body, headers=FORM)
    assert answer.status_code == 400
    assert "width" in answer.json()["error"]


def size(value: Any) -> int:
    """Returns the number of elements and members of a value, at any depth."""
    match value:
        case dict():
            return sum(1 + size(inner) for inner in value.values())
        case list():
            return sum(1 + size(inner) for inner in value)
        case _:
            return 0


TEXT = st.text('ab,[{"\\]}:\n', max_size=8)
VALUES = st.recursive(
    TEXT | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=30
)


@given(value=VALUES, escaped=st.booleans())
def test_the_count_is_that_of_the_values(value: Any, escaped: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "COUNTED_FROM", 0)
        body = json.dumps(value, ensure_ascii=escaped).encode()
        patch.setattr(counts, "MAX_VALUES", 2 * size(value) + 1)  # an array or object may count as one more
        assert not has_too_many_values(body)
        patch.setattr(counts, "MAX_VALUES", size(value) - 1)
        assert has_too_many_values(body)


@pytest.mark.parametrize("path", ["/v1", "/v2"])
@pytest.mark.parametrize("maximum", [None, 10**6])
def test_too_many_outputs_are_413(monkeypatch: pytest.MonkeyPatch, path: str, maximum: int | None) -> None:
    models = packaged_models()
    served = models.get("style-transfer")
    assert served is not None
    model = unbounded(served.model, maximum)
    monkeypatch.setattr(models, "_loaded", {"style-transfer": AnyPayload(model)})
    app = create_app(models=models, time_scale=0, media="tiny")
    with httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY}) as client:
        for asked in (MAX_OUTPUTS + 1, 300_000, 2**40):
            answer = client.post(f"{path}/style-transfer", json={**EXAMPLE, "number_of_images": asked})
            assert answer.status_code == 413
            assert "number_of_images" in answer.json()["error"]
            assert str(MAX_OUTPUTS) in answer.json()["error"]
        for asked in (MAX_OUTPUTS, 0, -5):
            answer = client.post(f"{path}/style-transfer", json={**EXAMPLE, "number_of_images": asked})
            assert answer.status_code == 200
        balance = client.get("/v1/get-user-credits").json()["credits"]
    cost = usual_credits(models.gateway, model)
    assert balance == round(float(models.gateway.assumptions["opening_credits"].value) - 3 * cost, 6)


class AnyPayload(ServedModel):
    """A model that accepts any payload."""

    def read(self, body: bytes, **_: bool) -> Payload:
        return Payload(body)


def unbounded(model: Model, maximum: int | None) -> Model:
    """Returns the model with another maximum number of outputs."""
    changed = [
        replace(parameter, minimum=None, maximum=maximum) if parameter.name == "number_of_images" else parameter
        for parameter in model.parameters
    ]
    return replace(model, parameters=tuple(changed))
