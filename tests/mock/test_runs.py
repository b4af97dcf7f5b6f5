"""Answers to runs and jobs: images that decode, headers, and the states of a job."""

import base64
import io
import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from segforge import Catalog
from tests.mock.conftest import Clock
from tests.seeds import seed_catalog

CATALOG = seed_catalog()
V2 = [model.slug for model in CATALOG.models if "v2" in model.versions]


def payload(slug: str, **changes: object) -> dict[str, Any]:
    return {**CATALOG.model(slug).valid_example, **changes}


def decode(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("slug", [model.slug for model in CATALOG.models])
def test_v1_answers_the_output_with_the_documented_headers(quick: httpx.Client, slug: str, catalog: Catalog) -> None:
    response = quick.post(f"/v1/{slug}", json=payload(slug, seed=7))
    assert response.status_code == 200
    assert {header.name for header in catalog.gateway.headers} <= set(response.headers)
    assert response.headers["x-seed-value"] == "7"
    if catalog.model(slug).returns.media == "json":
        assert decode(base64.b64decode(response.json()["image"])).format == "JPEG"
    else:
        image = decode(response.content)
        assert response.headers["content-type"] == f"image/{(image.format or '').lower()}"


@pytest.mark.parametrize(
    ("slug", "changes", "format_", "size"),
    [
        ("flux-controlnet", {"use_input_img_dimension": False, "custom_width": 64}, "JPEG", (64, 1024)),
        ("flux-controlnet", {"use_input_img_dimension": False, "custom_height": 300}, "JPEG", (1024, 300)),
        ("flux-controlnet", {"use_input_img_dimension": True, "custom_width": 64}, "JPEG", (1024, 1024)),
        ("flux-ipadapter", {"image_format": "png"}, "PNG", (1024, 1024)),
        ("flux-ipadapter", {"image_format": "webp"}, "WEBP", (1024, 1024)),
        ("style-transfer", {"output_format": "jpg", "width": 320, "height": 200}, "JPEG", (320, 200)),
        ("style-transfer", {"output_format": "png", "width": -5, "height": 100_000}, "PNG", (1, 4096)),
    ],
)  # fmt: skip
def test_format_and_size(
    quick: httpx.Client, slug: str, changes: dict[str, object], format_: str, size: tuple[int, int]
) -> None:
    image = decode(quick.post(f"/v1/{slug}", json=payload(slug, **changes)).content)
    assert (image.format, image.size) == (format_, size)


def test_the_aspect_ratio_sets_the_size(quick: httpx.Client) -> None:
    for ratio, size in (("1:1", (1024, 1024)), ("9:16", (576, 1024)), ("3:2", (1024, 682)), ("wide", (1024, 1024))):
        response = quick.post("/v1/flux-dev-finetuned", json=payload("flux-dev-finetuned", aspect_ratio=ratio))
        assert decode(base64.b64decode(response.json()["image"])).size == size


def test_a_lower_quality_makes_a_smaller_file(quick: httpx.Client) -> None:
    low, high = (
        len(quick.post("/v1/flux-ipadapter", json=payload("flux-ipadapter", quality=quality)).content)
        for quality in (10, 100)
    )
    assert low * 2 < high


def test_an_image_depends_on_payload_and_seed_only(quick: httpx.Client) -> None:
    def image(**changes: object) -> bytes:
        return quick.post("/v1/flux-img2img", json=payload("flux-img2img", **changes)).content

    assert image() == image()
    assert image() != image(seed=1)
    assert image() != image(prompt="another")


def test_an_omitted_default_equals_the_explicit_one(quick: httpx.Client) -> None:
    model = CATALOG.model("flux-ipadapter")
    required = {parameter.name: parameter.default for parameter in model.parameters if parameter.required}
    every = {parameter.name: parameter.default for parameter in model.parameters}
    assert (
        quick.post("/v1/flux-ipadapter", json=required).content == quick.post("/v1/flux-ipadapter", json=every).content
    )


def test_an_image_names_its_request(quick: httpx.Client) -> None:
    hostile = 'a "prompt"\n\x00 with {{ braces }} and ünïcode ☃'
    for format_ in ("jpeg", "png", "webp"):
        changes = {"image_format": format_, "prompt": hostile, "seed": 99}
        image = decode(quick.post("/v1/flux-ipadapter", json=payload("flux-ipadapter", **changes)).content)
        text = image.text["Description"] if format_ == "png" else image.getexif()[0x010E]  # type: ignore[attr-defined]  # Pillow types text on the PNG class only
        facts = json.loads(text)
        assert (facts["mock"], facts["model"], facts["seed"], facts["prompt"]) == (
            "segforge",
            "flux-ipadapter",
            99,
            hostile,
        )


def test_base64_is_answered_as_json(quick: httpx.Client) -> None:
    plain = quick.post("/v1/flux-ipadapter", json=payload("flux-ipadapter"))
    encoded = quick.post("/v1/flux-ipadapter", json=payload("flux-ipadapter", base64=True))
    assert encoded.headers["content-type"] == "application/json"
    assert base64.b64decode(encoded.json()["image"]) == plain.content
    several = quick.post("/v1/flux-ipadapter", json=payload("flux-ipadapter", base64=True, samples=3))
    assert len(several.json()["image"]) == len(set(several.json()["image"])) == 3


@pytest.mark.parametrize("slug", V2)
def test_a_job_goes_from_queued_to_completed(client: httpx.Client, clock: Clock, slug: str) -> None:
    accepted = client.post(f"/v2/{slug}", json=payload(slug))
    assert accepted.status_code == 200
    job = accepted.json()
    assert list(job) == ["request_id", "status", "poll_url", "status_url", "response_url"]
    assert job["status"] == "QUEUED"
    assert all(urlsplit(job[name]).netloc == "mock" for name in ("poll_url", "status_url", "response_url"))

    def status() -> dict[str, Any]:
        response = client.get(job["status_url"])
        assert response.status_code == 200
        return dict(response.json())

    assert (status()["status"], status()["metrics"]) == ("QUEUED", {})
    clock.now += 1
    assert status()["status"] == "PROCESSING"
    assert "output" not in client.get(job["response_url"]).json()
    clock.now += 100  # longer than the average of each model
    done = status()
    assert done["status"] == "COMPLETED"
    assert {"cost", "remaining_credits", "inference_time", "queue_time", "total_time"} == set(done["metrics"])

    result = client.get(job["response_url"]).json()
    assert result["status"] == "COMPLETED"
    assert result["metrics"] == done["metrics"]
    assert result["output"] == result["images"][0]["url"]
    assert client.get(job["poll_url"]).json() == result
    image = httpx.Client(transport=client._transport).get(result["output"])
    assert image.headers["content-type"] == result["images"][0]["content_type"]
    assert len(image.content) == int(result["images"][0]["file_size"])
    decode(image.content)


def test_several_images_are_different(quick: httpx.Client) -> None:
    job = quick.post(
        "/v2/style-transfer", json=payload("style-transfer", number_of_images=3, width=64, height=64)
    ).json()
    images = quick.get(job["response_url"]).json()["images"]
    assert len({quick.get(image["url"]).content for image in images}) == 3


def test_v1_and_v2_return_the_same_image(quick: httpx.Client) -> None:
    job = quick.post("/v2/style-transfer", json=payload("style-transfer")).json()
    url = quick.get(job["response_url"]).json()["output"]
    assert quick.get(url).content == quick.post("/v1/style-transfer", json=payload("style-transfer")).content


def test_an_image_is_404_before_its_job_is_completed(client: httpx.Client, clock: Clock) -> None:
    job = client.post("/v2/style-transfer", json=payload("style-transfer")).json()
    url = f"http://mock/generations/{job['request_id']}-1.webp"
    assert client.get(url).status_code == 404
    clock.now += 60
    assert client.get(url).status_code == 200
    assert client.get(url.replace("-1.webp", "-2.webp")).status_code == 404
    assert client.post(url).status_code == 405


def test_a_job_is_kept_for_an_hour(client: httpx.Client, clock: Clock) -> None:
    job = client.post("/v2/style-transfer", json=payload("style-transfer")).json()
    clock.now += 3599
    assert client.get(job["response_url"]).status_code == 200
    clock.now += 1
    unknown = {"error": f"Request {job['request_id']} not found"}
    for url in (job["status_url"], job["response_url"]):
        response = client.get(url)
        assert (response.status_code, response.json()) == (404, unknown)
    poll = client.get(job["poll_url"])
    assert (poll.status_code, poll.json()["error"]) == (
        404,
        f"Output for this request ID {job['request_id']} Not Found",
    )


def test_urls_start_with_the_caller_s_host(quick: httpx.Client) -> None:
    job = quick.post("/v2/style-transfer", json=payload("style-transfer"), headers={"host": "vmock:9"}).json()
    assert job["status_url"].startswith("http://vmock:9/v2/requests/")


def test_costs_add_up_to_the_drop_in_balance(quick: httpx.Client) -> None:
    def balance() -> Decimal:
        return Decimal(str(quick.get("/v1/get-user-credits").json()["credits"]))

    before = balance()
    cost = Decimal(quick.post("/v1/style-transfer", json=payload("style-transfer")).headers["x-cost"])
    job = quick.post("/v2/style-transfer", json=payload("style-transfer")).json()
    metrics = quick.get(job["status_url"]).json()["metrics"]
    quick.post("/v1/style-transfer", json={})
    assert before - balance() == cost + Decimal(str(metrics["cost"]))
    assert Decimal(str(metrics["remaining_credits"])) == balance()
