import base64
import json
import pickle
import sys
import types
from pathlib import Path

import pytest

from segmind_client import JsonResult, MediaResult, Segmind, UnexpectedOutput, VideoResult
from tests.client.conftest import Answer, Gateway, json_answer

JPEG = b"\xff\xd8\xff\xe0 an image with bytes"
PNG = b"\x89PNG\r\n\x1a\n another"
WEBP = b"RIFF\x10\0\0\0WEBP and a third"
HEADERS = {
    "Content-Type": "image/jpeg",
    "X-Request-Id": "id-1",
    "x-cost": "0.05",
    "x-remaining-credits": "99.95",
    "x-generation-time": "13.06",
    "x-seed-value": "46588",
}


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def image_of(client: Segmind) -> MediaResult:
    return client.flux_ipadapter.run(image="https://host.test/a.png", prompt="a cat")


def test_an_image_has_the_facts_of_its_headers(client: Segmind, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, JPEG, HEADERS))
    result = image_of(client)
    assert (result.content, result.images, result.content_type) == (JPEG, (JPEG,), "image/jpeg")
    assert (result.request_id, result.cost, result.seed) == ("id-1", 0.05, 46588)
    assert (result.remaining_credits, result.generation_time) == (99.95, 13.06)
    assert result.headers["x-request-id"] == "id-1"
    assert "with bytes" not in repr(result)
    assert "image/jpeg" in repr(result)


@pytest.mark.parametrize(("content", "kind"), [(JPEG, "image/jpeg"), (PNG, "image/png"), (WEBP, "image/webp")])
def test_a_notebook_shows_the_image(client: Segmind, gateway: Gateway, content: bytes, kind: str) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, content, HEADERS))
    result = image_of(client)
    assert result._repr_mimebundle_() == {"text/plain": repr(result), kind: b64(content)}


def test_a_notebook_shows_text_for_other_content(client: Segmind, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, b"odd", HEADERS))
    assert list(image_of(client)._repr_mimebundle_()) == ["text/plain"]


def test_show_displays_every_image(client: Segmind, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", json_answer({"image": [b64(JPEG), b64(PNG)]}))
    result = image_of(client)
    with pytest.raises(RuntimeError, match=r"IPython is not installed.*save\(path\)"):
        result.show()
    shown: list[object] = []
    notebook = types.SimpleNamespace(Image=lambda content: ("image", content), display=shown.append)
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", notebook)
    result.show()
    assert shown == [("image", JPEG), ("image", PNG)]


def test_missing_or_invalid_headers_are_none(client: Segmind, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, JPEG, {"x-cost": "free", "x-seed-value": "1.5"}))
    result = image_of(client)
    assert (result.request_id, result.cost, result.seed, result.content_type) == (None, None, None, "")
    assert result.content == JPEG


@pytest.mark.parametrize("cost", ["nan", "inf", "", "1,5"])
def test_a_cost_that_is_not_a_number_is_none(client: Segmind, gateway: Gateway, cost: str) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, JPEG, {"x-cost": cost}))
    assert image_of(client).cost is None


@pytest.mark.parametrize(("content", "media_type"), [(JPEG, "image/jpeg"), (PNG, "image/png"), (WEBP, "image/webp")])
def test_base64_is_decoded(client: Segmind, gateway: Gateway, content: bytes, media_type: str) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", json_answer({"image": b64(content), "status": "Success"}))
    result = image_of(client)
    assert (result.content, result.content_type, result.images) == (content, media_type, (content,))


def test_several_images_are_in_order(client: Segmind, gateway: Gateway) -> None:
    body = {"image": [b64(PNG), f"data:image/jpeg;base64,{b64(JPEG)}", b64(WEBP)[:8] + "\n" + b64(WEBP)[8:]]}
    gateway.on("POST", "/v1/flux-ipadapter", json_answer(body))
    result = image_of(client)
    assert result.images == (PNG, JPEG, WEBP)
    assert result.content == PNG


VALID = [
    b'{"image": "not base64!"}',
    b'{"image": ["aGk=", 5]}',
    b'{"image": []}',
    b'{"image": ""}',
    b'{"image": null}',
    b'{"image": {"url": "https://images.test/1.png"}}',
    b'{"images": [{"url": "https://images.test/1.png"}]}',
    b'["aGk="]',
    b'"aGk="',
    b"null",
]
INVALID = [b'{"image": "aGk="', b'{"choices": [{"message": {"content": "Hi', b"", b"[" * 100_000, b"\xff\xfe{", b"ok"]


@pytest.mark.parametrize("content", [*VALID, *INVALID])
def test_an_answer_without_a_file_is_an_error_that_holds_it(client: Segmind, gateway: Gateway, content: bytes) -> None:
    headers = {"Content-Type": "application/json", "x-cost": "0.25", "x-request-id": "id-1"}
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, content, headers))
    with pytest.raises(UnexpectedOutput, match="no file" if content in VALID else "not valid JSON") as caught:
        image_of(client)
    error = caught.value
    assert (error.content, error.request_id, error.cost, error.maybe_billed) == (content, "id-1", 0.25, True)
    assert (error.status, error.model, error.attempts) == (200, "flux-ipadapter", 1)
    assert error.body == (json.loads(content) if content in VALID and content != b"null" else error.body)
    assert (client.spend.credits, client.spend.unknown) == (0.25, 0)
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


@pytest.mark.parametrize("content_type", ["text/html", "text/plain; charset=utf-8", "application/problem+json", ""])
def test_a_page_or_an_empty_body_is_not_a_file(client: Segmind, gateway: Gateway, content_type: str) -> None:
    content = b"<html>" if content_type else b""
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, content, {"Content-Type": content_type}))
    with pytest.raises(UnexpectedOutput) as caught:
        image_of(client)
    assert (caught.value.content, caught.value.body) == (content, content.decode())


@pytest.mark.parametrize("content_type", ["image/svg+xml", "application/octet-stream", "text/plain", ""])
def test_bytes_of_a_file_are_a_file_whatever_their_type(client: Segmind, gateway: Gateway, content_type: str) -> None:
    content = b"<svg/>" if "svg" in content_type else PNG
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, content, {"Content-Type": content_type}))
    assert image_of(client).content == content


@pytest.mark.parametrize("content", VALID)
def test_a_call_by_slug_returns_json_as_a_document(client: Segmind, gateway: Gateway, content: bytes) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, content, {"Content-Type": "application/json"}))
    result = client.run_sync("flux-ipadapter")
    assert type(result) is JsonResult
    assert (result.content, result.data) == (content, json.loads(content))


@pytest.mark.parametrize("slug", ["flux-ipadapter", "flux-dev-finetuned", "unknown"])
@pytest.mark.parametrize("content", INVALID)
def test_json_that_is_not_valid_is_an_error_that_holds_it(
    client: Segmind, gateway: Gateway, slug: str, content: bytes
) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8", "x-cost": "0.25", "x-request-id": "id-1"}
    gateway.on("POST", f"/v1/{slug}", Answer(200, content, headers))
    with pytest.raises(UnexpectedOutput, match="not valid JSON") as caught:
        client.run_sync(slug)
    error = caught.value
    assert (error.content, error.request_id, error.cost, error.maybe_billed) == (content, "id-1", 0.25, True)
    assert (error.body, error.model) == (content.decode("utf-8", "replace"), slug)
    assert client.spend.credits == 0.25


def test_a_json_model_returns_its_document(client: Segmind, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/flux-dev-finetuned", json_answer({"a": [1]}, headers={"x-cost": "2"}))
    result = client.run_sync("flux-dev-finetuned", prompt="a cat")
    assert isinstance(result, JsonResult)
    assert (result.data, result.cost, result.content_type) == ({"a": [1]}, 2.0, "application/json")


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        (Answer(200, b"hello", {"Content-Type": "text/plain; charset=utf-8"}), "hello"),
        (Answer(200, b"{oops", {"Content-Type": "text/plain"}), "{oops"),
        (Answer(200, b"null", {"Content-Type": "application/problem+json"}), None),
        (Answer(200, JPEG, {"Content-Type": "image/jpeg"}), None),
        (Answer(201, b'{"ok": true}', {}), {"ok": True}),
    ],
)
def test_a_json_model_keeps_any_body(client: Segmind, gateway: Gateway, answer: Answer, data: object) -> None:
    gateway.on("POST", "/v1/flux-dev-finetuned", answer)
    result = client.flux_dev_finetuned.run(
        aspect_ratio="1:1",
        finetune_id="mine",
        lora_strength=1,
        prompt="a cat",
        sampler_name="euler",
        scheduler="simple",
        seed=1,
        steps=25,
    )
    assert (result.data, result.content) == (data, answer.content)


def test_run_sync_decides_by_content_type(client: Segmind, gateway: Gateway) -> None:
    gateway.on(
        "POST",
        "/v1/any-model",
        Answer(200, JPEG, {"Content-Type": "image/jpeg"}),
        json_answer({"image": b64(PNG), "status": "Success"}),
        json_answer({"choices": []}),
        Answer(200, b"words", {"Content-Type": "text/plain"}),
        Answer(200, b"mp4", {"Content-Type": "video/mp4"}),
    )
    results = [client.run_sync("any-model") for _ in range(5)]
    assert [type(result) for result in results] == [MediaResult, MediaResult, JsonResult, JsonResult, VideoResult]
    assert results[1].content == PNG


def test_save_writes_the_whole_content_to_the_path(client: Segmind, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, JPEG, HEADERS))
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "old")
    result = image_of(client)
    assert result.save(tmp_path / "new.png") == tmp_path / "new.png"
    assert result.save(str(tmp_path / "link")) == tmp_path / "link"
    assert (tmp_path / "old").read_bytes() == JPEG
    assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "new.png", "old"]


def test_save_into_no_folder_or_a_full_disk_leaves_nothing(
    client: Segmind, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, JPEG, HEADERS))
    result = image_of(client)
    with pytest.raises(FileNotFoundError):
        result.save(tmp_path / "none" / "a.jpg")
    (tmp_path / "a.jpg").write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        result.save(tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.jpg"]


def test_save_to_a_device_writes_into_it(client: Segmind, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, JPEG, HEADERS))
    image_of(client).save("/dev/null")
    assert not Path("/dev/null").is_file()


def test_an_error_names_the_caller_s_path(client: Segmind, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, JPEG, HEADERS))
    result = image_of(client)
    (tmp_path / "file").touch()
    for path in (tmp_path / "none" / "a.jpg", tmp_path / "file" / "a.jpg", tmp_path / ("x" * 300)):
        with pytest.raises(OSError, match=r"\[Errno") as caught:
            result.save(path)
        assert caught.value.filename == str(path)
        assert str(caught.value).endswith(f"'{path}'")


def test_a_replaced_file_keeps_its_permissions(client: Segmind, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on("POST", "/v1/flux-ipadapter", Answer(200, JPEG, HEADERS))
    path = tmp_path / "mine.jpg"
    path.touch(mode=0o600)
    image_of(client).save(path)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (JPEG, 0o600)
