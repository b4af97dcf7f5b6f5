"""Requests of models that differ from most: own paths, files as base64 or parts, multipart forms, partial models."""

import base64
import email.parser
import email.policy
import io
from collections import ChainMap
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import KEY, Gateway, Received, json_answer
from tests.client.test_images import PNG
from tests.client.test_media import MP4

MP3 = b"ID3 a sound"
SOUND = base64.b64encode(MP3).decode()
URL = "https://a.test/x.png"


def sent(client: Any, gateway: Gateway, slug: str, **params: Any) -> Received:
    path = "/v1/models/clip" if slug == "clip" else f"/v1/{slug}"
    gateway.on("POST", path, json_answer({}))
    client.run_sync(slug, **params)
    assert gateway.received[-1].headers["x-api-key"] == KEY
    assert "authorization" not in gateway.received[-1].headers
    return gateway.received[-1]


def parts_of(received: Received) -> list[tuple[str, str | None, str, bytes]]:
    """Returns name, file name, content type and content of each part, as Python's parser of mail reads them."""
    head = f"Content-Type: {received.headers['content-type']}\r\n\r\n".encode()
    message: Any = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + received.content)
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


def test_a_model_with_a_path_of_its_own_is_called_there(wide_client: Any, gateway: Gateway) -> None:
    assert sent(wide_client, gateway, "clip", prompt="a").path == "/v1/models/clip"
    gateway.job(slug="clip")
    assert wide_client.clip.submit(prompt="a").request_id == "r1"


@pytest.mark.parametrize("make", [bytes, bytearray, io.BytesIO])
def test_a_file_that_a_page_wants_as_base64_is_plain_base64(wide_client: Any, gateway: Gateway, make: Any) -> None:
    assert sent(wide_client, gateway, "clip", prompt="a", sound=make(MP3)).json["sound"] == SOUND
    assert sent(wide_client, gateway, "clip", prompt="a", photo=make(PNG)).json["photo"] == (
        base64.b64encode(PNG).decode()
    )
    assert sent(wide_client, gateway, "clip", prompt="a", sound=URL).json["sound"] == URL


def test_nested_files_become_data_urls(wide_client: Any, gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(PNG)
    body = sent(
        wide_client, gateway, "clip", prompt="a",
        images=[PNG, tmp_path / "x.png", URL],
        elements=({"tag": "a", "uri": io.BytesIO(PNG)}, ChainMap({"tag": "b"})),
        mesh=b"solid nobody can tell that this is STL",
    ).json  # fmt: skip
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert body["images"] == [url, url, URL]
    assert body["elements"] == [{"tag": "a", "uri": url}, {"tag": "b"}]
    assert body["mesh"].startswith("data:application/octet-stream;base64,")


def test_a_file_is_refused_where_only_a_url_is_taken(wide_client: Any, gateway: Gateway) -> None:
    with pytest.raises(TypeError, match=r"'clip_url'.*URL"):
        wide_client.run_sync("clip", clip_url=MP4)
    with pytest.raises(ValueError, match=r"'sound'.*empty"):
        wide_client.run_sync("clip", sound=b"")
    with pytest.raises(ValueError, match="'sound' can't be read"):
        wide_client.run_sync("clip", sound=Path("no/such/file"))
    assert gateway.received == []


def test_an_error_about_a_file_names_its_place(wide_client: Any, gateway: Gateway) -> None:
    """In the default form, in a form that the page states, and for values that are not files."""
    missing = Path("no/such/file")
    places: dict[str, dict[str, Any]] = {
        r"'images\[1\]'.*empty": {"images": [PNG, b""]},
        r"'images\[1\]'.*3D model": {"images": (PNG, b"odd")},
        r"'images\[0\]' can't be read": {"images": [missing]},
        r"'elements\[1\]\.uri'.*empty": {"elements": [{"tag": "a"}, {"uri": b""}]},
        r"'settings\.a\[1\]\.b'.*neither JSON nor a file": {"settings": {"a": [0, {"b": object()}]}},
        r"'settings\.a\[1\]'.*Out of range": {"settings": {"a": [0, float("nan")]}},
        r"'mesh'.*empty": {"mesh": b""},
    }
    for wrong, params in places.items():
        with pytest.raises((TypeError, ValueError), match=wrong):
            wide_client.run_sync("clip", **params)
    parts: dict[str, dict[str, Any]] = {
        r"'masks\[1\]'.*3D model": {"masks": [PNG, b"odd"]},
        r"'options\.a\[0\]' can't be read": {"options": {"a": [missing]}},
    }
    for wrong, params in parts.items():
        with pytest.raises((TypeError, ValueError), match=wrong):
            wide_client.run_sync("form", image=PNG, **params)
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="'settings'"):
        wide_client.run_sync("clip", settings={"a": loop})
    assert gateway.received == []


def test_a_file_part_makes_a_multipart_form(wide_client: Any, gateway: Gateway) -> None:
    received = sent(wide_client, gateway, "form", image=PNG, masks=[PNG, PNG + b"2"], steps=3, options={"a": [1, None]})
    assert parts_of(received) == [
        ("image", "file.png", "image/png", PNG),
        ("masks", "file.png", "image/png", PNG),
        ("masks", "file.png", "image/png", PNG + b"2"),
        ("steps", None, "text/plain", b"3"),
        ("options", None, "text/plain", b'{"a": [1, null]}'),
    ]
    plain = sent(wide_client, gateway, "form", image=URL, steps=3)
    assert (plain.headers["content-type"], plain.json) == ("application/json", {"image": URL, "steps": 3})
    with pytest.raises(ValueError, match="'options' is None"):
        wide_client.run_sync("form", image=PNG, options=None)


def test_a_model_without_json_always_gets_a_form(wide_client: Any, gateway: Gateway) -> None:
    received = sent(wide_client, gateway, "only-form", image=URL, **{'na"me': "a\r\n--b"})
    [(_, _, _, image), (name, file, _, text)] = parts_of(received)
    assert (image, name, file, text) == (URL.encode(), "na%22me", None, b"a\r\n--b")


@pytest.mark.parametrize("name", ['a"; filename="x', "a\r\nX-Evil: 1", "é", 'a"\r\n\r\nb'])
def test_a_hostile_name_adds_no_header(wide_client: Any, gateway: Gateway, name: str) -> None:
    [part] = parts_of(sent(wide_client, gateway, "only-form", **{name: "v"}))
    assert part[1:] == (None, "text/plain", b"v")


def test_half_a_surrogate_pair_can_not_be_sent_in_a_form(wide_client: Any, gateway: Gateway) -> None:
    with pytest.raises(ValueError, match="surrogate"):
        wide_client.run_sync("only-form", image="\ud800")
    assert gateway.received == []


def test_an_error_shows_a_form_by_its_size(wide: Any, wide_client: Any, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/form", json_answer({"error": "no"}, 400))
    with pytest.raises(wide.SegmindError) as caught:
        wide_client.form.run(image=PNG)
    assert "multipart form" in caught.value.request.body


def test_a_partial_model_sends_what_was_passed_and_nothing_else(wide_client: Any, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/glimpse", json_answer({"video": "aGk="}))
    wide_client.glimpse.run(prompt="a", unknown=[1], **{"self": "s", "with-hyphen": "h"})
    assert gateway.received[-1].json == {"prompt": "a", "unknown": [1], "self": "s", "with-hyphen": "h"}
    gateway.job(slug="glimpse")
    wide_client.glimpse.submit(prompt="a", steps=2)
    assert gateway.received[-1].json == {"prompt": "a", "steps": 2}


@pytest.mark.parametrize(
    ("params", "broken"),
    [
        ({"prompt": "a"}, []),
        ({"images": []}, [("required.missing", "prompt"), ("range.too_few", "images")]),
        (
            {"prompt": "a", "images": [PNG, URL, 1]},
            [("range.too_many", "images"), ("type.integer_for_string", "images[2]")],
        ),
        (
            {"prompt": "a", "elements": [{"uri": "no uri"}]},
            [("required.missing", "elements[0].tag"), ("format.uri", "elements[0].uri")],
        ),
        ({"prompt": "a", "elements": ({"tag": "a", "odd key": 0},)}, [("range.below", "elements[0].odd key")]),
        ({"prompt": "a", "palette": {"name": 1}}, [("type.no_member", "palette")]),
        ({"prompt": "a", "palette": {"members": [1]}}, []),
        ({"prompt": "a", "photo": PNG}, []),
        ({"prompt": "a", "photo": "not base64!"}, [("type.no_member", "photo")]),
        ({"prompt": "a", "clip_url": MP4}, [("type.object_for_string", "clip_url")]),
        ({"prompt": "a", "factor": 2.5}, [("enum.unknown", "factor")]),
        ({"prompt": "a", "speed": 2.0}, []),
        ({"prompt": "a", "loud": False}, [("enum.unknown", "loud")]),
        ({"prompt": "a", "loud": 1}, [("type.integer_for_boolean", "loud")]),
        ({"prompt": "a", "clip_url": URL, "images": [URL]}, [("condition.forbids", "images")]),
        ({"prompt": "a", "sound": URL}, [("condition.only_when", "sound")]),
        ({"prompt": "a", "sound": URL, "duration": 8}, []),
        ({"prompt": "a", "size": "720x1280", "duration": 12}, []),
    ],
)  # fmt: skip
def test_the_check_names_nested_places(wide_client: Any, params: dict[str, Any], broken: list[tuple[str, str]]) -> None:
    assert [(found.rule, found.parameter) for found in wide_client.clip.check(**params)] == broken
