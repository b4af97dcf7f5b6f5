"""What the client knows about the models at run time, from data that is loaded on first use."""

import dataclasses
import json
from typing import Any, Final

import jsonschema
import pytest

from segforge.emit.schemas import request_schema
from segforge.spec.search import near_slugs, search
from segmind_client import AsyncSegmind, ModelInfo, Segmind
from tests.client.conftest import KEY
from tests.client.test_names import modules_after
from tests.seeds import whole_catalog

CATALOG: Final = whole_catalog()
DIRECTORY: Final = CATALOG.directory
SPECS: Final = {model.slug: model for model in CATALOG.models}
MODELS: Final = Segmind(KEY, "http://localhost:1").models


def known(slug: str) -> ModelInfo:
    found = MODELS.get(slug)
    assert found is not None, slug
    return found


def test_every_model_is_known_with_the_facts_of_its_sources() -> None:
    everything = MODELS.list()
    slugs = [one.slug for one in everything]
    assert slugs == sorted({*DIRECTORY.listings, *DIRECTORY.unlisted, *SPECS})
    for one in everything:
        listing, other, spec = DIRECTORY.listings.get(one.slug), DIRECTORY.unlisted.get(one.slug), SPECS.get(one.slug)
        assert one.note == (other.why if other else None)
        if listing is not None:
            assert (one.modality, one.average_usd) == (listing.modality, listing.usd)
            assert one.average_seconds == listing.seconds
            assert spec is not None or one.media == DIRECTORY.modalities[listing.modality].media
        else:
            assert (one.modality, one.average_usd, one.average_seconds) == (None, None, None)
        if spec is not None:
            assert (one.title, one.media) == (spec.title, spec.returns.media)
        without = other.state if other else "listed"
        assert one.level == ("retired" if without == "retired" else spec.level if spec else without)
        assert one.estimate == Segmind(KEY).estimate(one.slug)


def test_parameters_are_the_json_schema_of_a_call() -> None:
    for one in MODELS.list():
        spec = SPECS.get(one.slug)
        assert (one.parameters is None) == (spec is None)
        if spec is not None:
            schema: Any = one.parameters
            assert schema == json.loads(json.dumps(request_schema(spec)))
            jsonschema.Draft202012Validator.check_schema(schema)


def test_facts_are_frozen_and_a_schema_is_the_callers_own() -> None:
    one = known("flux-img2img")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.title = ""  # type: ignore[misc]
    schema: Any = one.parameters
    schema.clear()
    assert one.parameters


@pytest.mark.parametrize("modality", ["video", "Video", "image", "audio", "model3d", "json", "imageTo3d", "VOICE"])
def test_models_of_a_modality(modality: str) -> None:
    wanted = [
        one.slug
        for one in MODELS.list()
        if modality.lower() == one.media or (one.modality or "").lower() == modality.lower()
    ]
    assert wanted
    assert [one.slug for one in MODELS.list(modality=modality)] == wanted


@pytest.mark.parametrize("modality", ["vdeo", "", "image "])
def test_an_unknown_modality_is_an_error_that_lists_the_known_ones(modality: str) -> None:
    with pytest.raises(ValueError, match=r"expected a medium \(audio, image, json, model3d, video\).*'videoToVideo'"):
        MODELS.list(modality=modality)


@pytest.mark.parametrize("words", ["face swap", "FLUX img2img", "kling", "video to", "flux-img2img", "zzz", "", "  "])
def test_a_search_finds_what_the_command_line_finds(words: str) -> None:
    listed = [one.slug for one in MODELS.search(words) if one.modality is not None]
    assert listed == [one.slug for one in search(DIRECTORY, words.split())]


def test_an_unknown_model() -> None:
    assert MODELS.get("no-such-model") is None


def test_both_clients_know_the_same() -> None:
    assert AsyncSegmind(KEY).models.list() == MODELS.list()


def test_nothing_is_loaded_before_it_is_used() -> None:
    lazy = {f"segmind_client.{name}" for name in ("_directory", "_knowledge", "_prices", "_schemas")}
    call = """
import httpx
from segmind_client import Segmind
answer = httpx.MockTransport(lambda _: httpx.Response(200, json={"request_id": "1"}))
limited, unlimited = Segmind(transport=answer, max_spend=9), Segmind(transport=answer)
limited.flux_img2img.submit(prompt="a cat", image="https://host.test/a.png")
limited.run_sync("flux-img2img")
unlimited.run_sync("no-spec")
"""
    assert not lazy & modules_after(call)
    one = "from segmind_client import Segmind; Segmind().models.get('flux-img2img')"
    assert lazy & modules_after(one) == lazy - {"segmind_client._schemas"}
    assert lazy <= modules_after(f"{one}.parameters")


@pytest.mark.parametrize("slug", ["flux-img2im", "faceswap", "kling", "gpt4", "x" * 200, "", "flux-img2img"])
def test_near_slugs_are_those_of_the_command_line(slug: str) -> None:
    from segmind_client._knowledge import near_slugs as near

    everything = sorted({*DIRECTORY.listings, *DIRECTORY.unlisted, *SPECS})
    assert list(near(slug)) == ([] if slug in everything else near_slugs(slug, everything))
