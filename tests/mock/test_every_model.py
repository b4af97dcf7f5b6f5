"""Every curated model answers its sample in its own medium, on each version and in both profiles."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx
import pytest

from segforge.spec.catalog import Model
from segforge.spec.values import payload_violations
from segforge_mock import MockTransport, create_app
from tests.decoders import medium_of
from tests.mock.conftest import KEY
from tests.seeds import whole_catalog

CATALOG = whole_catalog()
PROFILES = ("documented", "observed")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    transport, headers = MockTransport(create_app(time_scale=0, media="tiny")), {"x-api-key": KEY}
    with httpx.Client(transport=transport, base_url="http://mock", headers=headers) as client:
        yield client


CHAT_KEYS = {
    "openai_chat": "choices",
    "anthropic_chat": "content",
    "gemini_content": "candidates",
    "embedding": "data",
    "caption": "caption",
    None: "image",
}


def kind_of(response: httpx.Response) -> str:
    """Decodes an answer, and returns its medium."""
    return medium_of(response.content, response.headers["content-type"])


def sample_of(model: Model) -> dict[str, Any]:
    """Returns the page's sample, without the values that contradict the page, and with an address for missing files."""
    payload = dict(model.valid_example)
    for violation in payload_violations(model, payload):
        name = violation.parameter.partition(".")[0].partition("[")[0]
        payload.pop(name, None)
        parameter = model.parameters_by_name[name]
        if parameter.required:
            address = "https://example.com/a.png"
            payload[name] = [address] if parameter.type == "array" else address
    return payload


@pytest.mark.parametrize("slug", [model.slug for model in CATALOG.models])
def test_a_model_answers_in_its_medium(client: httpx.Client, slug: str) -> None:
    model = CATALOG.model(slug)
    payload = sample_of(model)
    assert not payload_violations(model, payload), "the page's sample can't be sent"
    for profile, version in product(PROFILES, model.versions):
        headers = {"x-mock-profile": profile}
        answer = client.post(f"/{version}/{slug}", json=payload, headers=headers)
        assert answer.status_code == 200, answer.text
        if version == "v2":
            result = client.get(answer.json()["response_url"], headers=headers).json()
            if model.returns.shape is not None:
                assert CHAT_KEYS[model.returns.shape] in json.loads(result["output"])
                continue
            if model.returns.media == "text":
                assert isinstance(result["output"], str)
                continue
            answer = client.get(result["output"])
            assert answer.status_code == 200
            assert kind_of(answer) == ("image" if model.returns.media == "json" else model.returns.media)
        else:
            in_json = payload.get(model.returns.controls.base64 or "") is True
            assert kind_of(answer) == ("json" if in_json else model.returns.media)
            if model.returns.media == "json":
                assert CHAT_KEYS[model.returns.shape] in answer.json()


def test_every_printed_path_is_served(client: httpx.Client) -> None:
    for path, (_, slug) in CATALOG.printed_paths.items():
        assert client.post(path, json=sample_of(CATALOG.model(slug))).status_code == 200
