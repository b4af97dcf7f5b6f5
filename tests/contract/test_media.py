"""Output files decode with their properties, and damaged or foreign ones are found without an error."""

import base64
import contextlib
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from segforge import Catalog
from segforge.spec.catalog import Model
from segforge_contract import AsgiTarget, Request
from segforge_contract.checks.decoders import FORMATS, DecodedFile, NotDecoded, decode_file
from segforge_contract.checks.images import first_image
from segforge_contract.checks.media import check_output, judged_by
from segforge_contract.checks.shapes import check_job_output
from segforge_contract.messages.request import Response
from segforge_mock import create_app
from segforge_mock.models.served import models_of_catalog
from tests.harness.mutants.media import AUDIO, DOCUMENTS, MEDIA, SOLID, TEXT, VECTOR, VIDEO
from tests.seeds import seed_catalog

KEY = "SG_0123456789abcdef"
ASKED: dict[str, tuple[Model, dict[str, Any]]] = {
    "mp4": (VIDEO, {"format": "mp4", "size": "48x128", "fps": 12}),
    "webm": (VIDEO, {"format": "webm"}),
    "wav": (AUDIO, {"format": "wav"}),
    "mp3": (AUDIO, {"format": "mp3", "seconds": 5}),
    "ogg": (AUDIO, {"format": "ogg"}),
    "flac": (AUDIO, {"format": "flac"}),
    "glb": (SOLID, {}),
    "svg": (VECTOR, {}),
}


def _answers() -> Iterator[tuple[str, Response]]:
    catalog: Catalog = replace(seed_catalog(), models=MEDIA)
    app = create_app(models=models_of_catalog(catalog), time_scale=0)
    with contextlib.closing(AsgiTarget(app, KEY)) as target:
        calls = {name: (model, {"prompt": "a cat", **asked}) for name, (model, asked) in ASKED.items()}
        calls |= {model.slug: (model, {"prompt": "a cat"}) for model in (*DOCUMENTS, TEXT)}
        for name, (model, payload) in calls.items():
            body = json.dumps(payload).encode()
            yield name, target.send(Request("POST", f"/v1/{model.slug}", "valid", "application/json", body))


ANSWERS = dict(_answers())


@pytest.mark.parametrize("name", ASKED)
def test_a_file_decodes_as_its_medium_with_its_properties(name: str) -> None:
    model, asked = ASKED[name]
    decoded = decode_file(ANSWERS[name].body)
    assert isinstance(decoded, DecodedFile), decoded
    assert (decoded.format, decoded.medium) == (name, model.returns.media)
    assert list(check_output(model, asked, ANSWERS[name])) == []
    header = decoded.header
    if model is VIDEO:
        assert (header.width, header.height) == ((48, 128) if name == "mp4" else (64, 48))
        assert header.fps == pytest.approx(asked.get("fps", 8), abs=0.2)
    if model in (VIDEO, AUDIO):
        assert header.seconds == pytest.approx(asked.get("seconds", 2), abs=0.2)


@pytest.mark.parametrize("name", ASKED)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_damaged_file_raises_no_error(name: str, data: st.DataObject) -> None:
    body = bytearray(ANSWERS[name].body[:2000])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(decode_file(bytes(body)), DecodedFile | NotDecoded)


@pytest.mark.parametrize("name", ASKED)
def test_a_file_of_another_medium_is_found(name: str) -> None:
    for other, (model, _) in ASKED.items():
        broken = {rule for rule, _, _ in check_output(model, ASKED[name][1], ANSWERS[name])}
        assert ("bytes.match_media" in broken) is (model.returns.media != FORMATS[name].medium), other


def test_a_document_has_the_form_of_its_own_dialect_only() -> None:
    for model in DOCUMENTS:
        assert list(check_output(model, {}, ANSWERS[model.slug])) == []
        assert list(check_job_output(model, ANSWERS[model.slug].body.decode())) == []
        assert list(check_job_output(model, "https://images.example.com/1.jpeg")) != []
    chats = DOCUMENTS[:3]
    for model in chats:
        for other in chats:
            broken = [rule for rule, _, _ in check_output(model, {}, ANSWERS[other.slug])]
            assert broken == ([] if model is other else ["json.shape"])


def test_a_medium_that_no_rule_can_judge_is_not_judged() -> None:
    unstated = replace(SOLID, returns=replace(SOLID.returns, formats=()))
    fbx = Response(200, {"content-type": "application/octet-stream"}, b"Kaydara FBX Binary  \x00" + bytes(50))
    assert (judged_by(unstated, fbx), list(check_output(unstated, {}, fbx))) == (None, [])
    assert judged_by(SOLID, fbx) == "bytes.match_media"
    assert [rule for rule, _, _ in check_output(SOLID, {}, fbx)] == ["bytes.match_content_type"]
    printed = replace(VIDEO, returns=replace(VIDEO.returns, printed="Text/JSON"))
    listed = Response(200, {"content-type": "application/json"}, b'{"video": "https://a.test/1.mp4"}')
    assert (judged_by(printed, listed), list(check_output(printed, {}, listed))) == (None, [])
    assert judged_by(VIDEO, listed) == "bytes.match_media"


def test_an_svg_with_entities_is_not_expanded() -> None:
    bomb = b'<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>'
    decoded = decode_file(bomb)
    assert isinstance(decoded, NotDecoded)
    assert "entities" in decoded.reason


@pytest.mark.parametrize(
    ("data", "format_"),
    [
        (b"glTF" + struct.pack("<II", 2, 12), "glb"),
        (b"glTF" + struct.pack("<II", 1, 12), "glb"),
        (b"\x00\x00\x00\x08ftyp", "mp4"),
        (b"\x1aE\xdf\xa3", "webm"),
        (b"RIFF\x00\x00\x00\x00WAVE", "wav"),
        (b"OggS", "ogg"),
        (b"fLaC", "flac"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x00", "mp3"),
        (b"<html><svg>", "svg"),
        (b"", None),
    ],
)
def test_a_start_without_the_rest_is_not_decoded(data: bytes, format_: str | None) -> None:
    decoded = decode_file(data)
    assert isinstance(decoded, NotDecoded)
    assert decoded.format == format_


def test_an_image_of_too_many_pixels_is_neither_decoded_nor_compared() -> None:
    file = BytesIO()
    Image.new("1", (8192, 8192)).save(file, "PNG")
    data = file.getvalue()
    cut = data[: len(data) // 2]  # only a decoder notices
    decoded = decode_file(cut)
    assert isinstance(decoded, DecodedFile)
    assert (decoded.header.width, decoded.header.height) == (8192, 8192)
    assert first_image(Response(200, {"content-type": "image/png"}, cut)) is None
    encoded = json.dumps({"image": base64.b64encode(cut).decode()}).encode()
    assert first_image(Response(200, {"content-type": "application/json"}, encoded)) is None
