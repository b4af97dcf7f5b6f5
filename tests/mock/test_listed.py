"""The mock serves every model of the vendor's list: those without a spec leniently, in the medium of their modality."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segforge import Catalog, default_specs, load_catalog
from segforge.spec.catalog import Unlisted
from segforge.spec.load import load_directory
from segforge_mock import MockTransport, create_app
from segforge_mock.models.own_specs import models_of
from segforge_mock.models.served import models_of_catalog, packaged_models
from tests.decoders import medium_of
from tests.mock.conftest import KEY
from tests.mock.test_every_model import sample_of

DIRECTORY = load_directory(default_specs())
GENERIC = {"prompt": "a cat", "messages": [{"role": "user", "content": "hello"}], "image": "https://example.com/a.png"}
SPECS = {path.stem for path in (default_specs() / "models").iterdir()}
BARE = {
    listing.modality: slug
    for slug, listing in DIRECTORY.listings.items()
    if slug not in SPECS and listing.usd is not None and listing.seconds is not None
}
"""A listed model without a spec of each modality that has one."""
LISTED = BARE["Text-to-Image Generation"]


def client_of(**settings: Any) -> httpx.Client:
    transport = MockTransport(create_app(time_scale=0, media="tiny", **settings))
    return httpx.Client(transport=transport, base_url="http://mock", headers={"x-api-key": KEY})


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with client_of() as client:
        yield client


def test_every_listed_model_returns_the_medium_of_its_spec_or_modality(client: httpx.Client) -> None:
    catalog = load_catalog(default_specs())
    models = {model.slug: model for model in catalog.models}
    for slug, listing in DIRECTORY.listings.items():
        model = models.get(slug)
        version = "v1" if model is None else model.versions[0]
        payload = dict(GENERIC) if model is None else sample_of(model)
        if model is not None:
            payload.pop(model.returns.controls.base64 or "", None)  # it asks for the file within a document
        response = client.post(f"/{version}/{slug}", json=payload)
        assert response.status_code == 200, (slug, response.text)
        assert response.headers["x-mock-model"] == ("listed" if model is None else model.level), slug
        if version == "v1":
            expected = DIRECTORY.modalities[listing.modality].media if model is None else model.returns.media
            assert medium_of(response.content, response.headers["content-type"]) == expected, slug
            if model is None and listing.usd is not None:
                assert float(response.headers["x-cost"]) == round(listing.usd, 6)


def test_a_listed_model_runs_as_a_job_with_its_average_time_and_price(client: httpx.Client) -> None:
    listing = DIRECTORY.listings[LISTED]
    job = client.post(f"/v2/{LISTED}", json=GENERIC).json()
    record = client.get(job["response_url"]).json()
    assert record["metrics"]["cost"] == round(listing.usd or 0, 6)
    assert record["metrics"]["inference_time"] == listing.seconds
    content = client.get(record["output"])
    assert medium_of(content.content, content.headers["content-type"]) == "image"


@pytest.mark.parametrize(
    ("payload", "size", "type_"),
    [
        ({"width": 15, "height": 12}, (15, 12), "image/jpeg"),
        ({"img_width": 16.0, "img_height": "12", "image_format": "png"}, (16, 12), "image/png"),
        ({"size": "16x8", "output_format": "webp"}, (16, 8), "image/webp"),
        ({"resolution": "720p", "width": 9, "height": 9, "output_format": "tiff"}, (9, 9), "image/jpeg"),
    ],
)
def test_sizes_and_formats_are_read_by_their_usual_names(
    client: httpx.Client, payload: dict[str, Any], size: tuple[int, int], type_: str
) -> None:
    from io import BytesIO

    from PIL import Image

    response = client.post(f"/v1/{LISTED}", json=payload)
    with Image.open(BytesIO(response.content)) as image:
        assert (image.size, response.headers["content-type"]) == (size, type_)


def test_seeds_and_counts_are_read_by_their_usual_names(client: httpx.Client) -> None:
    first, second, other = (client.post(f"/v1/{LISTED}", json={"prompt": "a", "seed": seed}) for seed in (3, "3", 4))
    assert first.headers["x-seed-value"] == second.headers["x-seed-value"] == "3"
    assert first.content == second.content != other.content
    for name in ("samples", "num_outputs", "number_of_images"):
        answer = client.post(f"/v1/{LISTED}", json={name: 2, "base64": True}).json()
        assert answer["outputs"] == 2


NAMES = (*("prompt", "seed", "samples", "width", "height", "size", "format"), *("quality", "duration", "fps", "base64"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = SCALARS | st.text(max_size=9) | st.just([1]) | st.just({"a": 1})
SLUGS = sorted(BARE.values())


def test_no_payload_of_a_listed_model_is_an_error_of_the_server(client: httpx.Client) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.dictionaries(st.sampled_from(NAMES), ANYTHING), st.sampled_from(SLUGS))
    def is_answered(payload: dict[str, Any], slug: str) -> None:
        response = client.post(f"/v1/{slug}", json=payload)
        assert response.status_code == 200, response.text
        assert response.headers["x-mock-model"] == "listed"

    is_answered()


def test_a_payload_that_is_too_deep_is_refused(client: httpx.Client) -> None:
    body = b'{"messages": ' + b"[" * 200 + b"]" * 200 + b"}"
    response = client.post(f"/v1/{LISTED}", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert "deep" in response.json()["error"]


def test_an_unknown_slug_names_the_nearest_ones_and_how_to_allow_any(client: httpx.Client) -> None:
    for version in ("v1", "v2"):
        response = client.post(f"/{version}/flux-img2im", json=GENERIC)
        assert response.status_code == 404
        assert "flux-img2img" in response.headers["x-mock-hint"]
        assert "--any-model" in response.headers["x-mock-hint"]
    assert "did you mean" not in client.post("/v1/qqqqqqqqqqqq", json=GENERIC).headers["x-mock-hint"]


def test_an_unlisted_slug_is_served_if_it_has_a_spec_and_unknown_otherwise(client: httpx.Client) -> None:
    assert "video-speed-change" in DIRECTORY.unlisted
    model = load_catalog(default_specs()).model("video-speed-change")
    assert client.post("/v1/video-speed-change", json=sample_of(model)).status_code == 200
    assert client.post("/v1/pulid-nothing", json=GENERIC).status_code == 404


def test_a_retired_model_is_gone_whether_or_not_it_has_a_spec(catalog: Catalog) -> None:
    gone = {slug: Unlisted(slug, "retired", "The vendor said so.", "a test") for slug in ("style-transfer", "old")}
    retired = replace(catalog, directory=replace(DIRECTORY, unlisted=gone))
    with client_of(models=models_of_catalog(retired)) as client:
        for version in ("v1", "v2"):
            for slug in gone:
                response = client.post(f"/{version}/{slug}", json={})
                assert response.status_code == 410
                assert slug in response.json()["error"]


def test_all_ways_to_load_models_know_the_same_list(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert packaged_models().directory == DIRECTORY
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fresh, cached = models_of(specs), models_of(specs)
    assert fresh.directory == cached.directory == load_directory(specs)
    (specs / "directory.yaml").unlink()
    bare = models_of(specs)
    assert not bare.directory.listings
    assert bare.get(LISTED) is None


def test_the_list_is_not_loaded_before_the_first_call() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from segforge_mock import create_app; create_app(); print('segmind_mock.directory' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.strip().lower()) is False
