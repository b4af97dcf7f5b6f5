"""Uploads, by an explicit call and within calls: to one host, bounded, and only if the parameter takes a URL."""

import asyncio
import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import segmind_client
from segforge_mock import Mock
from segmind_client import (
    AsyncSegmind,
    InvalidParameters,
    RequestTimeout,
    Segmind,
    SegmindError,
    SpendLimit,
    Unauthorized,
    UnexpectedOutput,
)
from tests.client.conftest import KEY, Answer, Gateway, json_answer

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
STORED = "https://storage.host.test/assets/1.png"
HOST = "workflows-api.segmind.com"


def stores(gateway: Gateway, url: str = STORED) -> None:
    gateway.on("POST", "/upload-asset", json_answer({"urls": [url]}))


def content_of(received: Any) -> tuple[str, bytes]:
    """Returns the media type and the content of the only file of an upload."""
    (url,) = received.json["data_urls"]
    head, _, text = url.partition(";base64,")
    return head.removeprefix("data:"), base64.b64decode(text)


@pytest.mark.parametrize("kind", ["bytes", "path", "file", "image"])
def test_a_file_in_any_form_is_uploaded(client: Segmind, gateway: Gateway, tmp_path: Path, kind: str) -> None:
    from PIL import Image

    stores(gateway)
    (tmp_path / "a.png").write_bytes(PNG)
    files: dict[str, Callable[[], Any]] = {
        "bytes": lambda: PNG,
        "path": lambda: tmp_path / "a.png",
        "file": lambda: io.BytesIO(PNG),
        "image": lambda: Image.new("RGB", (2, 2)),
    }
    assert client.files.upload(files[kind]()) == STORED
    media_type, content = content_of(gateway.received[0])
    assert media_type == "image/png"
    assert content.startswith(PNG[:8]) if kind == "image" else content == PNG


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"\xff\xf9\x50\x80", "audio/aac"),
        (b"\xff\xfb\x90\x44", "audio/mpeg"),
        (b"\xff\xe3\x18\xc4", "audio/mpeg"),
        (b"ID3\x04", "audio/mpeg"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "video/x-msvideo"),
        (b"glTF\x02\x00\x00\x00", "model/gltf-binary"),
        (b"%PDF-1.7", "application/pdf"),
        (b"anything else", "application/octet-stream"),
        ("text in UTF-16".encode("utf-16"), "application/octet-stream"),
    ],
)
def test_the_first_bytes_decide_the_media_type(
    client: Segmind, gateway: Gateway, content: bytes, media_type: str
) -> None:
    stores(gateway)
    client.files.upload(content)
    assert content_of(gateway.received[0]) == (media_type, content)


def test_both_clients_upload_to_the_mock_which_serves_the_file() -> None:
    with Mock(time_scale=0, images="tiny") as mock:
        with Segmind(mock.key, mock.url) as client:
            assert httpx.get(client.files.upload(PNG)).content == PNG

        async def main() -> str:
            async with AsyncSegmind(mock.key, mock.url) as client:
                return await client.files.upload(PNG)

        assert httpx.get(asyncio.run(main())).content == PNG


def test_the_vendor_s_host_receives_uploads_only_and_only_without_a_base_url() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"file_urls": [STORED], "message": "Files uploaded successfully"})

    with Segmind(KEY, transport=httpx.MockTransport(answer)) as client:
        client.run_sync("flux-img2img", image=PNG)
        assert client.files.upload(PNG) == STORED
    with Segmind(KEY, "https://proxy.test/gate", transport=httpx.MockTransport(answer)) as client:
        client.files.upload(PNG)
    urls = [
        "https://api.segmind.com/v1/flux-img2img",
        f"https://{HOST}/upload-asset",
        "https://proxy.test/gate/upload-asset",
    ]
    assert [str(request.url) for request in asked] == urls
    assert all(request.headers["x-api-key"] == KEY for request in asked)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_with_the_key(gateway: Gateway, status: int) -> None:
    gateway.on("POST", "/upload-asset", Answer(status, b"", {"Location": f"{gateway.url}/elsewhere"}))
    with httpx.Client(follow_redirects=True) as careless:
        client = Segmind(KEY, gateway.url, http_client=careless)
        with pytest.raises(SegmindError, match="redirect"):
            client.files.upload(PNG)
    assert [one.path for one in gateway.received] == ["/upload-asset"]


@pytest.mark.parametrize(
    "url",
    [
        "http://storage.host.test/1.png",
        "http://127.0.0.1.host.test/1.png",
        "http://localhost@host.test/1.png",
        "https://user:secret@host.test/1.png",
        "https:///1.png",
        "https://host.test/a b",
        "https://host.test/\n",
        "https://host.test:port/",
        "https://[::1/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://host.test/" + "a" * 3_000,
        "",
        5,
        None,
        [STORED],
    ],
)
def test_an_answer_without_a_url_that_models_can_fetch_is_an_error(client: Segmind, gateway: Gateway, url: Any) -> None:
    gateway.on("POST", "/upload-asset", json_answer({"urls": [url]}))
    with pytest.raises(UnexpectedOutput, match="without a URL") as caught:
        client.files.upload(PNG)
    assert not caught.value.maybe_billed


@pytest.mark.parametrize(
    "body", [{}, [], {"urls": []}, {"urls": [STORED, STORED]}, {"urls": STORED}, {"file_urls": {}}]
)
def test_an_answer_of_another_shape_is_an_error(client: Segmind, gateway: Gateway, body: Any) -> None:
    gateway.on("POST", "/upload-asset", json_answer(body))
    with pytest.raises(UnexpectedOutput):
        client.files.upload(PNG)


@pytest.mark.parametrize("url", ["http://localhost:1/a", "http://127.0.0.9/a", "http://[::1]:8080/a", STORED])
def test_http_is_accepted_on_this_computer(client: Segmind, gateway: Gateway, url: str) -> None:
    stores(gateway, url)
    assert client.files.upload(PNG) == url


def test_http_is_accepted_on_the_host_of_a_base_url_with_http() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"urls": ["http://mock:8080/assets/1"]})

    with Segmind(KEY, "http://mock:8080", transport=httpx.MockTransport(answer)) as client:
        assert client.files.upload(PNG) == "http://mock:8080/assets/1"
    secure = Segmind(KEY, "https://mock:8080", transport=httpx.MockTransport(answer))
    with pytest.raises(UnexpectedOutput):
        secure.files.upload(PNG)


def test_neither_the_key_nor_the_file_is_in_an_error(client: Segmind, gateway: Gateway) -> None:
    gateway.on("POST", "/upload-asset", json_answer({"error": f"bad key {KEY}"}, 401), json_answer({"urls": [KEY]}))
    for kind in (Unauthorized, UnexpectedOutput):
        with pytest.raises(kind) as caught:
            client.files.upload(PNG)
        error = caught.value
        assert KEY not in f"{error} {error!r} {error.__dict__}"
        assert error.request is not None
        assert (error.request.url, error.request.body) == (f"{gateway.url}/upload-asset", None)


def test_an_upload_with_unknown_outcome_is_neither_repeated_nor_a_billed_call(
    client: Segmind, gateway: Gateway
) -> None:
    gateway.on("POST", "/upload-asset", json_answer({}, 500))
    with pytest.raises(SegmindError) as caught:
        client.with_options(upload=0).run_sync("flux-img2img", image=PNG)
    assert not caught.value.maybe_billed
    assert [one.path for one in gateway.received] == ["/upload-asset"]
    assert client.spend.unknown == 0


def test_an_upload_is_bounded_in_time() -> None:
    with Mock(time_scale=0, images="tiny") as mock, Segmind(mock.key, mock.url, timeout=0.1, retries=0) as client:
        mock.latency(5)
        with pytest.raises(RequestTimeout):
            client.files.upload(PNG)


def test_an_upload_is_bounded_in_size(client: Segmind, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segmind_client._gateway.LARGEST_UPLOAD", 2_000_000)
    with pytest.raises(ValueError, match="more than 2000000 bytes"):
        client.files.upload(Path("/dev/zero"))
    with pytest.raises(ValueError, match="more than 2000000 bytes"):
        client.files.upload(bytes(2_000_001))
    assert not gateway.received


def test_what_is_no_file_is_rejected(client: Segmind, gateway: Gateway, tmp_path: Path) -> None:
    upload: Callable[[Any], str] = client.files.upload
    for wrong, kind in ((b"", ValueError), ("/etc/passwd", TypeError), (5, TypeError), (io.StringIO("a"), TypeError)):
        with pytest.raises(kind):
            upload(wrong)
    with pytest.raises(FileNotFoundError):
        upload(tmp_path / "missing")
    assert upload(STORED) == STORED
    assert not gateway.received


def test_nothing_is_uploaded_unless_the_caller_asks_for_it(client: Segmind, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/flux-img2img", json_answer({}))
    client.run_sync("flux-img2img", image=PNG + bytes(2**21))
    assert [one.path for one in gateway.received] == ["/v1/flux-img2img"]


@pytest.mark.parametrize(
    ("upload", "size", "is_uploaded"),
    [("auto", 2**20, False), ("auto", 2**20 + 1, True), (48, 48, False), (47, 48, True)],
)
def test_a_file_above_the_size_is_uploaded(
    client: Segmind, gateway: Gateway, upload: Any, size: int, is_uploaded: bool
) -> None:
    stores(gateway)
    gateway.on("POST", "/v1/any", json_answer({}))
    file = PNG + bytes(size - len(PNG))
    client.with_options(upload=upload).run_sync("any", image=file, nested={"images": [STORED, io.BytesIO(file)]})
    body = gateway.received[-1].json
    sent = STORED if is_uploaded else f"data:image/png;base64,{base64.b64encode(file).decode()}"
    assert body == {"image": sent, "nested": {"images": [STORED, sent]}}
    assert [one.path for one in gateway.received] == ["/upload-asset"] * 2 * is_uploaded + ["/v1/any"]


def test_jobs_and_the_asynchronous_client_upload_too(gateway: Gateway) -> None:
    stores(gateway)
    gateway.job()

    async def main() -> None:
        async with AsyncSegmind(KEY, gateway.url, upload=0) as client:
            await client.submit_async("flux-img2img", prompt="a cat", image=PNG)

    asyncio.run(main())
    assert gateway.received[-1].path == "/v2/flux-img2img"
    assert gateway.received[-1].json["image"] == STORED


def test_a_pipe_is_read_once(client: Segmind, gateway: Gateway) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    gateway.on("POST", "/v1/any", json_answer({}))
    client.with_options(upload="auto").run_sync("any", image=Pipe(PNG))
    assert gateway.received[-1].json["image"].endswith(base64.b64encode(PNG).decode())


def test_a_parameter_that_takes_no_url_keeps_its_file(client: Segmind, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/dia", json_answer({}))
    speech = b"ID3\x04" + bytes(60)
    client.with_options(upload=0).run_sync("dia", input_audio=speech)
    assert gateway.received[-1].json == {"input_audio": base64.b64encode(speech).decode()}
    assert len(gateway.received) == 1


def test_a_file_that_cannot_be_sent_is_named_by_its_place(client: Segmind, gateway: Gateway, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"parameter 'images\[1\]' can't be read"):
        client.with_options(upload="auto").run_sync("any", images=[PNG, tmp_path / "missing"])
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="parameter 'loop'"):
        client.with_options(upload="auto").run_sync("any", loop=loop)
    assert not gateway.received


def test_checks_and_limits_come_before_the_upload(gateway: Gateway) -> None:
    stores(gateway)
    with Segmind(KEY, gateway.url, upload=0, max_spend=0) as client:
        with pytest.raises(InvalidParameters):
            client.with_options(validate=True).run_sync("flux-img2img", image=PNG, steps=999)
        with pytest.raises(SpendLimit):
            client.run_sync("flux-img2img", image=PNG, prompt="a cat")
        with pytest.raises(segmind_client.CostLimit):
            client.with_options(max_cost=0).run_sync("flux-img2img", image=PNG, prompt="a cat")
    assert not gateway.received


@pytest.mark.parametrize("upload", ["never", -1, True, 1.5, b"auto"])
def test_an_invalid_option_is_rejected(upload: Any) -> None:
    with pytest.raises((TypeError, ValueError), match='expected "auto" or the number of bytes'):
        Segmind(KEY, upload=upload)


def test_the_forms_that_a_page_states_decide(wide_client: Any, gateway: Gateway) -> None:
    stores(gateway)
    gateway.on("POST", "/v1/models/clip", json_answer({}))
    gateway.on("POST", "/v1/form", json_answer({}))
    movie = b"\x1a\x45\xdf\xa3" + bytes(40)
    with pytest.raises(TypeError, match=r"files\.upload"):
        wide_client.run_sync("clip", clip_url=movie)
    wide_client.with_options(upload="auto").run_sync("clip", clip_url=movie, sound=b"ID3\x04")
    assert gateway.received[-1].json == {"clip_url": STORED, "sound": base64.b64encode(b"ID3\x04").decode()}
    wide_client.with_options(upload=0).run_sync("form", image=PNG, masks=[PNG])
    sent = gateway.received[-1].content
    assert STORED.encode() in sent
    assert sent.count(PNG) == 1
