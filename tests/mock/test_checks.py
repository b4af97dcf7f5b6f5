"""Refusals: their order and their content."""

import json
from typing import Any

import httpx
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segforge import Catalog
from segforge.emit.schemas import request_schema
from segforge.spec.catalog import Scalar
from segforge.spec.values import violations
from segforge_mock import MockTransport, create_app
from segforge_mock.models.reading import Payload
from segforge_mock.models.served import packaged_models
from tests.seeds import seed_catalog

CATALOG = seed_catalog()
MODELS = {model.slug: model for model in CATALOG.models}
FORMATS = jsonschema.FormatChecker(["uri"])
every_model = pytest.mark.parametrize("slug", MODELS)


def post(client: httpx.Client, path: str, data: object, **headers: str) -> httpx.Response:
    return client.post(path, content=json.dumps(data), headers={"content-type": "application/json", **headers})


def test_no_key(quick: httpx.Client) -> None:
    for path in ("/v1/flux-img2img", "/v2/nothing", "/v2/requests/x", "/nowhere", "/v1/get-user-credits"):
        response = httpx.Client(transport=quick._transport, base_url="http://mock").get(path)
        assert (response.status_code, response.json()) == (
            401,
            {"error": "Missing Authorization or x-api-key in header"},
        )


def test_the_order_of_checks(quick: httpx.Client) -> None:
    """Each request breaks a rule and all later ones. The first of them decides the answer."""
    text = {"content-type": "text/plain"}
    anonymous = httpx.Client(transport=quick._transport, base_url="http://mock")
    unknown = text | {"x-mock-profile": "none", "x-mock-scenario": "rate-limited"}
    packed = anonymous.post("/v1/nothing", headers=unknown | {"content-encoding": "gzip"}, content="{")
    assert packed.status_code == 415
    assert anonymous.delete("/v1/nothing", headers=unknown).status_code == 400
    assert anonymous.delete("/v1/nothing", headers=text | {"x-mock-scenario": "rate-limited"}).status_code == 429
    assert anonymous.delete("/v1/nothing", headers=text).status_code == 401
    assert quick.delete("/v1/nothing", headers=text).status_code == 404
    assert quick.delete("/v1/flux-img2img", headers=text).status_code == 405
    assert quick.post("/v1/flux-img2img", headers=text, content="{").status_code == 406
    assert quick.post("/v1/flux-img2img", headers={"content-type": "application/json"}, content="{").status_code == 400
    response = post(quick, "/v1/flux-img2img", {"steps": 0})
    assert response.status_code == 400
    assert "steps" in response.json()["error"]


def test_a_wrong_verb_is_an_html_page(quick: httpx.Client) -> None:
    for path, allow in (("/v1/flux-img2img", "POST"), ("/v2/flux-img2img", "POST"), ("/v1/get-user-credits", "GET")):
        response = quick.put(path)
        assert response.status_code == 405
        assert response.headers["content-type"].startswith("text/html")
        assert response.headers["allow"] == allow
        assert "<h1>" in response.text


def test_unknown_paths_and_slugs(quick: httpx.Client) -> None:
    assert quick.get("/").json() == {"error": "No such route: /"}
    unknown = quick.post("/v1/flux-img3img")
    assert unknown.json() == {"error": "Model flux-img3img not found"}
    assert "flux-img2img" in unknown.headers["x-mock-hint"]
    assert quick.post("/v1/models/flux-img2img").status_code == 404


def test_a_version_that_no_page_documents_is_served_and_says_so(quick: httpx.Client) -> None:
    """The async page documents v2 for all models, and the official SDK uses it for all."""
    example = seed_catalog().model("flux-dev-finetuned").valid_example
    for version, header in (("v1", None), ("v2", "undocumented")):
        answer = quick.post(f"/{version}/flux-dev-finetuned", json=example)
        assert (answer.status_code, answer.headers.get("x-mock-version")) == (200, header)


def test_slashes_do_not_matter(quick: httpx.Client) -> None:
    assert quick.get("/v1//get-user-credits/").status_code == 200


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"', '{"steps": NaN}', '{"a": ' + "[" * 100_000, "{}x", '{"prompt": "\\ud800"}', "\xff"])  # fmt: skip  # noqa: E501
def test_a_body_that_is_not_a_json_object_is_400(quick: httpx.Client, body: str) -> None:
    content = body.encode("latin-1")
    response = quick.post("/v1/style-transfer", content=content, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]


def test_every_violation_is_named_with_its_rule(quick: httpx.Client) -> None:
    payload = {
        "image": None,
        "adapter_strength": 1.01,
        "base64": "false",
        "guidance_scale": 0.99,
        "image_format": "gif",
        "num_inference_steps": "20",
        "quality": 10.5,
        "samples": True,
    }
    response = post(quick, "/v1/flux-ipadapter", payload)
    assert response.status_code == 400
    body = response.json()
    assert [(violation["parameter"], violation["rule"]) for violation in body["violations"]] == [
        ("image", "null.not_nullable"),
        ("prompt", "required.missing"),
        ("adapter_strength", "range.above"),
        ("base64", "type.string_for_boolean"),
        ("guidance_scale", "range.below"),
        ("image_format", "enum.unknown"),
        ("num_inference_steps", "type.string_for_integer"),
        ("quality", "type.number_for_integer"),
        ("samples", "type.boolean_for_integer"),
    ]
    for violation in body["violations"]:
        assert f"{violation['parameter']}: {violation['message']} ({violation['rule']})" in body["error"]


def test_a_malformed_uri_is_named_unless_formats_are_ignored(quick: httpx.Client) -> None:
    payload = {**CATALOG.model("style-transfer").example, "style_image": "iVBORw0KGgo="}
    response = post(quick, "/v1/style-transfer", payload)
    assert [violation["rule"] for violation in response.json()["violations"]] == ["format.uri"]
    assert post(quick, "/v1/style-transfer", payload, **{"x-mock-profile": "observed"}).status_code == 200
    inline = {**payload, "style_image": "data:image/png;base64,iVBORw0KGgo="}
    assert post(quick, "/v1/style-transfer", inline).status_code == 200


def test_v2_refuses_the_same_at_submit(quick: httpx.Client) -> None:
    v1, v2 = (post(quick, f"/{version}/style-transfer", {"height": "x"}) for version in ("v1", "v2"))
    assert (v1.status_code, v1.json()) == (v2.status_code, v2.json())


def test_an_open_enum_accepts_any_text_and_unknown_keys_are_ignored(quick: httpx.Client) -> None:
    example = CATALOG.model("flux-img2img").valid_example
    assert post(quick, "/v1/flux-img2img", {**example, "sampler_name": "uni_pc", "zzz": 1}).status_code == 200
    assert post(quick, "/v1/flux-img2img", {**example, "sampler_name": 7}).status_code == 400


def test_a_form_is_cast_to_the_parameters_types(quick: httpx.Client) -> None:
    form = {"num_inference_steps": "20", "strength": "0.5", "base64": "true", "prompt": "7"}
    response = quick.post("/v1/flux-ipadapter", data=form, files={"image": ("a.png", b"\x89PNG")})
    assert response.status_code == 200
    assert response.json()["status"] == "Success"
    response = quick.post("/v1/flux-ipadapter", data={**form, "strength": "strong"}, files={"image": b"x"})
    assert [violation["rule"] for violation in response.json()["violations"]] == ["type.string_for_number"]
    broken = quick.post("/v1/flux-ipadapter", content=b"?", headers={"content-type": "multipart/form-data"})
    assert broken.status_code == 400


def test_a_large_body_is_refused(quick: httpx.Client) -> None:
    response = quick.post(
        "/v1/flux-img2img", content=b" " * (32 * 2**20 + 1), headers={"content-type": "application/json"}
    )
    assert response.status_code == 413
    assert "33554432" in response.json()["error"]


def test_an_empty_balance_is_406_and_takes_nothing(catalog: Catalog) -> None:
    from segforge_mock.models.served import models_of_catalog
    from segforge_mock.stores.memory import MemoryStore

    store = MemoryStore(opening_credits=0.12)
    app = create_app(models=models_of_catalog(catalog), store=store, time_scale=0)
    example = catalog.model("style-transfer").example
    with httpx.Client(
        transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": "SG_" + "0" * 16}
    ) as client:
        codes = [post(client, "/v2/style-transfer", example).status_code for _ in range(3)]
        refused = post(client, "/v1/style-transfer", example)
        assert client.get("/v1/get-user-credits").json() == {"credits": 0.02, "free-credits": 0.0}
    assert codes == [200, 200, 406]
    assert refused.json() == {"error": "Insufficient credits. Balance: 0.02, required: 0.05"}


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)


@st.composite
def payloads(draw: st.DrawFn) -> tuple[str, dict[str, Scalar]]:
    """Draws a model's payload, with a few values near the ends of ranges or of wrong types."""
    model = draw(st.sampled_from(CATALOG.models))
    payload: dict[str, Any] = dict(model.valid_example)
    for name in draw(st.lists(st.sampled_from([parameter.name for parameter in model.parameters]), max_size=4)):
        parameter = model.parameters_by_name[name]
        ends = [end for end in (parameter.minimum, parameter.maximum) if end is not None]
        near = [end + step for end in ends for step in (-1, -0.001, 0, 0.0, 0.001, 1, 1.0)]
        known = list(parameter.choices.known) if parameter.choices else []
        payload[name] = draw(scalars | st.sampled_from([*near, *known, *map(str, near), "", 1]))
    for name in draw(st.lists(st.sampled_from(sorted(payload)), max_size=1)):
        del payload[name]
    return model.slug, payload


@given(case=payloads())
def test_mock_schema_and_violations_agree(case: tuple[str, dict[str, Scalar]]) -> None:
    """The request type, the list of violations and the emitted JSON Schema accept the same payloads."""
    slug, payload = case
    served = packaged_models().get(slug)
    assert served is not None
    accepted = isinstance(served.read(json.dumps(payload).encode()), Payload)
    assert accepted == (not violations(MODELS[slug].parameters, payload))
    schema = request_schema(MODELS[slug])
    assert accepted == jsonschema.Draft202012Validator(schema, format_checker=FORMATS).is_valid(payload)


@given(body=st.binary(max_size=60) | st.text('{}[]",:0123456789.eE+-\\u truefalsn', max_size=40).map(str.encode))
def test_any_body_is_answered(body: bytes) -> None:
    served = packaged_models().get("style-transfer")
    assert served is not None
    served.read(body)
