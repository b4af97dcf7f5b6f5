"""Outputs of every medium open in real decoders, and have the length, size and rate that the payload asks for."""

import asyncio
import base64
import io
import json
import struct
import sys
import wave
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any
from xml.etree import ElementTree

import av
import httpx
import pytest
from PIL import Image

from segforge.cli import main
from segforge.spec.values import payload_violations
from segforge_mock import MockTransport, create_app
from segforge_mock.gateway.routing import Match
from segforge_mock.media import pyav
from segforge_mock.models.served import models_of_catalog
from segforge_mock.proxy.differences import ObservedAnswer, differences
from tests.catalogs import drawn_models, drawn_payloads
from tests.mock.media_models import CATALOG, KEY, MODELS, app_of, serving

HOSTILE = 'a "prompt" <&>\n\x00 ]]> {{ braces }} \u2028 ünïcode ☃'
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serving() as client:
        yield client


def v1(client: httpx.Client, slug: str, **payload: Any) -> httpx.Response:
    response = client.post(f"/v1/{slug}", json=payload)
    assert response.status_code == 200, response.text
    assert int(response.headers["content-length"]) == len(response.content)
    return response


def v2(client: httpx.Client, slug: str, **payload: Any) -> dict[str, Any]:
    job = client.post(f"/v2/{slug}", json=payload).json()
    result: dict[str, Any] = client.get(job["response_url"]).json()
    assert result["status"] == "COMPLETED"
    return result


def video_of(data: bytes) -> tuple[int, int, Fraction | None, int, float]:
    """Decodes every frame: width, height, frames per second, number of frames, and length in seconds."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
        length = (container.duration or 0) / 1_000_000
        assert times == sorted(set(times))
        return stream.width, stream.height, stream.average_rate, len(times), length


def seconds_of(data: bytes) -> float:
    """Decodes every sample of audio."""
    with av.open(io.BytesIO(data), "r") as container:
        return float(sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0)))


def comment_of(data: bytes) -> dict[str, Any]:
    with av.open(io.BytesIO(data), "r") as container:
        metadata = {**container.metadata, **container.streams[0].metadata}
    facts: dict[str, Any] = json.loads(next(text for name, text in metadata.items() if name.lower() == "comment"))
    return facts


@pytest.mark.parametrize(
    ("asked", "size", "rate", "frames"),
    [
        ({}, (1280, 720), 24, 120),
        ({"duration": 2, "fps": 10, "size": "320x180"}, (320, 180), 10, 20),
        ({"duration": "3", "size": "320:240"}, (320, 240), 24, 72),
        ({"duration": "1.5s", "fps": 8, "width": 64, "height": 48}, (64, 48), 8, 12),
        ({"duration": 1, "fps": 29.97, "width": 64, "height": 48}, (64, 48), Fraction(30000, 1001), 30),
        ({"duration": 1, "aspect_ratio": "9:16", "width": 320, "height": 180}, (180, 320), 24, 24),
        ({"duration": 0.001, "width": 64, "height": 48}, (64, 48), 24, 1),
        ({"duration": "auto", "fps": -3, "size": "large", "width": 64, "height": 48}, (64, 48), 24, 120),
    ],
    ids=str,
)
@pytest.mark.parametrize("format_", ["mp4", "webm"])
def test_a_video_has_the_requested_length_size_and_rate(
    client: httpx.Client, asked: dict[str, Any], size: tuple[int, int], rate: Fraction, frames: int, format_: str
) -> None:
    response = v1(client, "video", format=format_, **asked)
    assert response.headers["content-type"] == f"video/{format_}"
    assert {"x-mock-limited", "x-mock-media"}.isdisjoint(response.headers)
    width, height, found_rate, found_frames, length = video_of(response.content)
    assert (width, height, found_frames) == (*size, frames)
    assert length == pytest.approx(frames / float(rate), abs=0.002)
    if frames > 1:
        assert float(found_rate or 0) == pytest.approx(float(rate), rel=0.002)


@pytest.mark.parametrize(("format_", "type_"), [("mp3", "mpeg"), ("wav", "wav"), ("ogg", "ogg"), ("flac", "flac")])
@pytest.mark.parametrize("duration", [0.1, 1, "2.5 seconds", 7])
def test_audio_has_the_requested_length(client: httpx.Client, format_: str, type_: str, duration: Any) -> None:
    response = v1(client, "audio", format=format_, duration=duration)
    assert response.headers["content-type"] == f"audio/{type_}"
    seconds = float(str(duration).split()[0])
    assert seconds_of(response.content) == pytest.approx(seconds, abs=0.001)
    if format_ == "wav":
        with wave.open(io.BytesIO(response.content)) as file:
            assert file.getnframes() / file.getframerate() == pytest.approx(seconds)


@pytest.mark.parametrize("prompt", ["", "a"])
def test_chunks_of_a_wav_file_have_even_lengths(client: httpx.Client, prompt: str) -> None:
    content = v1(client, "audio", format="wav", duration=0.1, prompt=prompt).content
    at = 12
    while at < len(content):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        assert length % 2 == 0, content[at : at + 4]
        at += 8 + length
    assert at == len(content)


@pytest.mark.parametrize(
    ("slug", "asked", "said"),
    [
        ("video", {"duration": 10**9, "size": "128x96", "fps": 2}, "duration 40.5"),
        ("video", {"duration": 10**400, "size": "200x200", "fps": 10**9}, "fps 60; duration 0.416667"),
        ("video", {"duration": 1, "size": "200x200", "count": 5}, "duration 0.208333"),
        ("video", {"duration": 0.1, "size": "999999999x999999999"}, "size 2048x2048; duration 0.0416667"),
        ("video", {"duration": 0.1, "size": "1x1"}, "size 16x16"),
        ("video", {"duration": 0.1, "size": "101x101"}, "size 100x100"),
        ("audio", {"duration": 10**9, "format": "wav"}, "duration 4"),
        ("image", {"width": 10**30, "height": 0, "format": "svg"}, "size 4096x1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_limit_is_named_in_a_header(
    client: httpx.Client, slug: str, asked: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segforge_mock.media.video.MAX_PIXELS", 1_000_000)
    monkeypatch.setattr("segforge_mock.media.audio.MAX_SECONDS", 4.0)
    response = v1(client, slug, **asked)
    assert response.headers["x-mock-limited"] == said
    if slug == "audio":
        assert seconds_of(response.content) == pytest.approx(4)
    if slug == "video":
        width, height, _, frames, _ = video_of(response.content)
        assert frames == 1 or width * height * frames * asked.get("count", 1) <= 1_000_000


def test_an_image_is_svg(client: httpx.Client) -> None:
    response = v1(client, "image", format="svg", width=300, height=200, prompt=HOSTILE, seed=4)
    assert response.headers["content-type"] == "image/svg+xml"
    root = ElementTree.fromstring(response.content)
    assert (root.tag, root.get("width"), root.get("height")) == (f"{SVG}svg", "300", "200")
    about = json.loads(root.findtext(f"{SVG}desc", ""))
    assert (about["model"], about["seed"], about["prompt"]) == ("image", 4, HOSTILE)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {"svg", "desc", "rect", "circle", "g", "text"}


def glb_of(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Parses binary glTF: its JSON and its buffer."""
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    chunks, at = {}, 12
    while at < length:
        size, kind = struct.unpack_from("<I4s", data, at)
        assert size % 4 == 0
        chunks[kind] = data[at + 8 : at + 8 + size]
        at += 8 + size
    assert list(chunks) == [b"JSON", b"BIN\0"]
    return json.loads(chunks[b"JSON"]), chunks[b"BIN\0"]


def test_a_3d_model_is_binary_gltf(client: httpx.Client) -> None:
    response = v1(client, "model3d", prompt=HOSTILE)
    assert response.headers["content-type"] == "model/gltf-binary"
    document, buffer = glb_of(response.content)
    assert document["asset"]["version"] == "2.0"
    assert document["asset"]["extras"]["prompt"] == HOSTILE
    corners, faces = document["accessors"]
    views = document["bufferViews"]
    points = list(struct.iter_unpack("<3f", buffer[: views[0]["byteLength"]]))
    assert len(points) == corners["count"]
    assert [list(map(end, zip(*points, strict=True))) for end in (min, max)] == [corners["min"], corners["max"]]
    start = views[1]["byteOffset"]
    indices = struct.unpack(f"<{faces['count']}H", buffer[start : start + views[1]["byteLength"]])
    assert sorted(set(indices)) == list(range(corners["count"]))
    edges = [
        edge
        for at in range(0, 36, 3)
        for edge in zip(indices[at : at + 3], (*indices[at + 1 : at + 3], indices[at]), strict=True)
    ]
    assert {tuple(reversed(edge)) for edge in edges} == set(edges)  # a closed surface
    assert document["buffers"][0]["byteLength"] == len(buffer)


def test_text_is_plain_text(client: httpx.Client) -> None:
    response = v1(client, "text", prompt=HOSTILE)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert HOSTILE in response.text
    assert v2(client, "text", prompt=HOSTILE)["output"] == response.text


def openai_text(body: dict[str, Any]) -> str:
    assert list(body) == ["id", "object", "created", "model", "choices", "usage"]
    assert (body["object"], body["choices"][0]["finish_reason"]) == ("chat.completion", "stop")
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    return str(body["choices"][0]["message"]["content"])


def anthropic_text(body: dict[str, Any]) -> str:
    assert (body["type"], body["role"], body["stop_reason"]) == ("message", "assistant", "end_turn")
    assert body["id"].startswith("msg_")
    assert body["usage"]["output_tokens"] > 0
    return str(body["content"][0]["text"])


def gemini_text(body: dict[str, Any]) -> str:
    assert body["candidates"][0]["finishReason"] == "STOP"
    assert body["usageMetadata"]["totalTokenCount"] > 0
    return str(body["candidates"][0]["content"]["parts"][0]["text"])


@pytest.mark.parametrize(
    ("slug", "messages", "text_of"),
    [
        (
            "openai_chat",
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": HOSTILE}],
            openai_text,
        ),
        ("openai_chat", [{"role": "user", "content": [{"type": "text", "text": HOSTILE}]}], openai_text),
        ("anthropic_chat", [{"role": "user", "content": HOSTILE}], anthropic_text),
        ("gemini_content", {"contents": [{"role": "user", "parts": [{"text": HOSTILE}]}]}, gemini_text),
        ("caption", None, lambda body: body["caption"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_chat_answers_the_last_message_in_its_dialect(
    client: httpx.Client, slug: str, messages: Any, text_of: Any
) -> None:
    payload = {"prompt": HOSTILE} if messages is None else {"messages": messages}
    response = v1(client, slug, **payload)
    assert response.headers["content-type"] == "application/json"
    assert HOSTILE in text_of(response.json())
    output = v2(client, slug, **payload)["output"]
    assert isinstance(output, str)
    assert json.loads(output) == response.json()


def test_an_embedding_has_a_fixed_size_and_length_one(client: httpx.Client) -> None:
    bodies = [v1(client, "embedding", prompt=prompt).json() for prompt in ("one", "another", "one")]
    vectors = [body["data"][0]["embedding"] for body in bodies]
    assert [len(vector) for vector in vectors] == [1536] * 3
    assert sum(number * number for number in vectors[0]) == pytest.approx(1)
    assert vectors[0] == vectors[2] != vectors[1]
    assert json.loads(v2(client, "embedding", prompt="one")["output"]) == bodies[0]


SMALL = {"duration": 0.5, "width": 64, "height": 48}


@pytest.mark.parametrize(
    ("slug", "format_", "type_"),
    [
        ("video", "mp4", "video/mp4"),
        ("video", "webm", "video/webm"),
        ("audio", "mp3", "audio/mpeg"),
        ("audio", "wav", "audio/wav"),
        ("model3d", "glb", "model/gltf-binary"),
        ("image", "svg", "image/svg+xml"),
    ],
)
def test_a_result_lists_the_file_of_its_medium(client: httpx.Client, slug: str, format_: str, type_: str) -> None:
    payload = {"format": format_, "prompt": "a fox", "seed": 3, **SMALL}
    result = v2(client, slug, **payload)
    listed = result["images"][0] if slug == "image" else result[slug]
    assert set(listed) == {"url", "content_type", "file_name", "file_size"}
    assert (result["output"], listed["content_type"]) == (listed["url"], type_)
    assert listed["file_name"].endswith(f".{format_}")
    assert (result["seed"], result["prompt"]) == ("3", "a fox")
    file = client.get(listed["url"], headers={"x-api-key": ""})
    assert file.headers["content-type"] == type_
    assert file.headers["x-content-type-options"] == "nosniff"
    assert len(file.content) == int(listed["file_size"])
    assert file.content == v1(client, slug, **payload).content


@pytest.mark.parametrize("slug", ["video", "audio", "model3d", "text", "openai_chat", "embedding", "image"])
def test_an_output_depends_on_payload_and_seed_alone(slug: str) -> None:
    payload = {**SMALL, "prompt": "a fox"}
    with serving() as one, serving() as other:
        first = v1(one, slug, **payload).content
        assert first == v1(one, slug, **payload).content == v1(other, slug, **payload).content
        assert len({first, v1(one, slug, **payload, seed=8).content, v1(one, slug, **payload, seed=9).content}) == 3


@pytest.mark.parametrize(
    ("slug", "format_"),
    [("video", "mp4"), ("video", "webm"), ("audio", "mp3"), ("audio", "ogg"), ("audio", "flac")],
)
def test_a_file_names_its_request(client: httpx.Client, slug: str, format_: str) -> None:
    facts = comment_of(v1(client, slug, format=format_, prompt=HOSTILE, seed=6, **SMALL).content)
    assert facts == {"mock": "segforge", "model": slug, "seed": 6, "prompt": HOSTILE}


def test_base64_and_several_files(client: httpx.Client) -> None:
    body = v1(client, "video", base64=True, count=2, **SMALL).json()
    assert (body["outputs"], body["video_format"], len(set(body["video"]))) == (2, "mp4", 2)
    assert video_of(base64.b64decode(body["video"][0]))[:2] == (64, 48)
    listed = v2(client, "audio", count=3, **SMALL)["audio"]
    assert len({client.get(file["url"]).content for file in listed}) == 3


@pytest.mark.parametrize("format_", ["mp4", "webm"])
def test_a_plain_video_shows_one_image_in_all_of_its_frames(format_: str) -> None:
    """The mock encodes two groups of twelve frames at most, and repeats them."""
    with serving(media="plain") as client:
        for frames in (1, 11, 12, 13, 24, 25, 60, 100):
            asked = {"format": format_, "duration": frames / 20, "fps": 20, "size": "128x64"}
            data = v1(client, "video", **asked).content
            width, height, _, found, length = video_of(data)
            assert (width, height, found) == (128, 64, frames)
            assert length == pytest.approx(frames / 20, abs=0.002)
            with av.open(io.BytesIO(data), "r", options={"err_detect": "explode"}) as container:
                shown: list[Any] = list(container.decode(video=0))
            assert [at for at, frame in enumerate(shown) if frame.key_frame] == list(range(0, frames, 12))
            colours = [frame.to_image().resize((1, 1)).getpixel((0, 0)) for frame in shown]
            for bands in zip(*colours, strict=True):
                assert max(bands) - min(bands) <= 2


@pytest.mark.parametrize("detail", ["plain", "tiny"])
def test_less_detail_is_still_the_right_medium(detail: str) -> None:
    with serving(media=detail) as client:
        video = video_of(v1(client, "video", duration=4, fps=30, size="640x360").content)
        seconds = seconds_of(v1(client, "audio", duration=4).content)
        svg = ElementTree.fromstring(v1(client, "image", format="svg", width=640, height=360).content)
        glb_of(v1(client, "model3d").content)
        responses = [v1(client, slug, prompt="x") for slug in ("text", "openai_chat", "embedding", "video", "audio")]
    sizes = {"plain": ((640, 360), 120, "640"), "tiny": ((16, 16), 4, "16")}
    assert (video[:2], video[3], svg.get("width")) == sizes[detail]
    assert seconds == pytest.approx({"plain": 4, "tiny": 0.5}[detail])
    assert all("x-mock-limited" not in response.headers for response in responses)


@pytest.fixture
def without_pyav(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "av", None)
    pyav.is_installed.cache_clear()
    yield
    pyav.is_installed.cache_clear()


@pytest.mark.usefixtures("without_pyav")
def test_without_pyav_samples_of_the_right_medium_are_served() -> None:
    with serving() as client:
        responses = {
            format_: v1(client, slug, format=format_, duration=2)
            for slug, formats in (("video", ("mp4", "webm")), ("audio", ("mp3", "wav", "ogg", "flac")))
            for format_ in formats
        }
        result = v2(client, "video", duration=2)
        file = client.get(result["output"])
        exact = [v1(client, slug) for slug in ("image", "model3d", "text", "openai_chat")]
    sampled = {format_ for format_, response in responses.items() if response.headers.get("x-mock-media") == "sample"}
    assert sampled == {"mp4", "webm", "mp3", "ogg", "flac"}
    assert file.headers["x-mock-media"] == "sample"
    assert all("x-mock-media" not in response.headers for response in exact)
    assert seconds_of(responses["wav"].content) == pytest.approx(2)
    for format_, response in responses.items():
        with av.open(io.BytesIO(response.content), "r") as container:
            assert any(True for _ in container.decode()), format_


def test_one_slow_file_blocks_no_other_request() -> None:
    """A long video is encoded in a thread: status polls and images are answered meanwhile."""

    async def run() -> tuple[int, bool]:
        transport, headers = MockTransport(app_of()), {"x-api-key": KEY}
        async with httpx.AsyncClient(transport=transport, base_url="http://mock", headers=headers) as client:
            slow = asyncio.create_task(client.post("/v1/video", json={"duration": 10, "size": "640x360"}, timeout=60))
            again = asyncio.create_task(client.post("/v1/video", json={"duration": 10, "size": "640x360"}, timeout=60))
            answered = 0
            while not slow.done():
                (await client.post("/v1/image", json={"width": 32, "height": 32})).raise_for_status()
                await asyncio.sleep(0.005)
                answered += 1
            same = (await slow).content == (await again).content
            return answered, same

    answered, same = asyncio.run(run())
    assert answered > 5
    assert same


def decoded(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.size


@pytest.mark.parametrize("format_", ["jpeg", "png", "webp"])
def test_an_image_has_the_requested_size(client: httpx.Client, format_: str) -> None:
    for asked, size in (({"size": "96x64"}, (96, 64)), ({"size": "16:9", "width": 96, "height": 96}, (96, 54))):
        assert decoded(v1(client, "image", format=format_, **asked).content) == size


def test_a_scenario_truncates_every_file(client: httpx.Client) -> None:
    for slug in ("image", "video", "audio", "model3d"):
        whole = v1(client, slug, **SMALL).content
        cut = client.post(f"/v1/{slug}", json=SMALL, headers={"x-mock-scenario": "truncated-image"})
        assert cut.content == whole[: len(whole) // 2]


def test_the_former_name_of_the_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(images="tiny") as client:
        assert decoded(v1(client, "image").content) == (16, 16)
    with pytest.raises(ValueError, match="media: expected one of full, plain, tiny, found 'small'"):
        create_app(images="small")  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        main(["mock", "--media", "small"])
    assert "full" in capsys.readouterr().err


def test_the_proxy_accepts_every_medium(client: httpx.Client) -> None:
    """The checks of answers of the real gateway find no fault with the mock's own ones."""
    models = models_of_catalog(replace(CATALOG, models=MODELS))
    for slug in (model.slug for model in MODELS):
        response = v1(client, slug, **SMALL)
        headers = {"content-type": response.headers["content-type"]}
        observed = ObservedAnswer(
            Match("run", "POST", slug), json.dumps(SMALL).encode(), 200, headers, response.content
        )
        assert list(differences(models, observed)) == []
        wrong = observed._replace(headers={"content-type": "application/pdf"})
        assert [found.rule for found in differences(models, wrong)] == ["bytes.content_type"]


def test_any_model_with_any_payload_is_answered() -> None:
    """Valid payloads have an output on v1 and v2, whatever the controls are and the values contain."""
    answered = 0
    for model in drawn_models(25, nested=True):
        payloads = [(payload, payload_violations(model, payload)) for payload in drawn_payloads(model, 8)]
        for profile, version in product(("documented", "observed"), model.versions):
            with serving(model, media="tiny", profile=profile) as client:
                for payload, wrong in payloads:
                    response = client.post(f"/{version}/{model.slug}", json=payload)
                    if profile == "documented" or not wrong:
                        assert (response.status_code == 200) == (not wrong), (model.slug, payload, response.text)
                    if not wrong and version == "v2":
                        assert client.get(response.json()["response_url"]).json()["status"] == "COMPLETED"
                    answered += not wrong
    assert answered > 20
