"""Each medium has a result of its own, on v1 and on v2, and an unexpected answer stays readable."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import Answer, Gateway, json_answer
from tests.client.test_results import b64

MP4 = b"\0\0\0\x18ftypisom a video"
MP3 = b"ID3 a sound"
GLB = b"glTF a chair"
ODD = b"\x01\x02 nobody knows"

OPENAI = {"object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi é"}}]}
PARTS = {"choices": [{"message": {"content": [{"type": "text", "text": "Hi"}, {"type": "image"}, {"text": " é"}]}}]}
ANTHROPIC = {
    "type": "message",
    "content": [{"type": "thinking", "text": "Hm"}, {"type": "text", "text": "Hi"}, {"type": "text", "text": " é"}],
}
GEMINI = {"candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}, {"text": "Hi é"}]}}]}
DIALECTS = [OPENAI, PARTS, ANTHROPIC, GEMINI]
STRANGE: list[Any] = [{}, [], {"choices": []}, {"choices": [{"message": {"content": None}}]}, {"content": {}}, 7, None]

EMBEDDINGS: list[Any] = [
    {"object": "list", "data": [{"embedding": [1, 0.5], "index": 0}]},
    {"embedding": [1, 0.5]},
    {"embedding": {"values": [1, 0.5]}},
    {"embeddings": [{"values": [1, 0.5]}]},
    {"embeddings": [[1, 0.5]]},
    [1, 0.5],
    [[1, 0.5]],
]
CAPTIONS: list[Any] = [
    "A cat",
    {"caption": "A cat"},
    {"text": "A cat"},
    {"descriptions": [{"text": "A cat"}]},
    ["A cat"],
    OPENAI | {"choices": [{"message": {"content": "A cat"}}]},
]

FILES = [
    ("clip", "VideoResult", MP4, "video/mp4", "video"),
    ("speech", "AudioResult", MP3, "audio/mpeg", "audio"),
    ("solid", "Model3dResult", GLB, "model/gltf-binary", "model3d"),
]


def finish(gateway: Gateway, slug: str, record: dict[str, Any]) -> None:
    """Lets a job of this model end with a record."""
    gateway.job(slug=slug)
    whole = {"status": "COMPLETED", "request_id": "r1", "metrics": {"cost": 0.25}, **record}
    gateway.on("GET", "/v2/requests/r1/status", json_answer(whole))
    gateway.on("GET", "/v2/requests/r1", json_answer(whole))


def path_of(slug: str) -> str:
    return f"/v1/models/{slug}" if slug == "clip" else f"/v1/{slug}"


@pytest.mark.parametrize(("slug", "kind", "content", "media_type", "name"), FILES)
def test_a_file_is_a_result_of_its_medium_on_v1(
    wide_client: Any, gateway: Gateway, tmp_path: Path, slug: str, kind: str, content: bytes, media_type: str, name: str
) -> None:
    gateway.on(
        "POST", path_of(slug),
        Answer(200, content, {"Content-Type": media_type, "x-cost": "0.5"}),
        json_answer({"status": "Success", name: b64(content)}),
        json_answer({"status": "Success", name: [b64(content), b64(content)]}),
    )  # fmt: skip
    raw, decoded, several = (getattr(wide_client, slug).run(prompt="a") for _ in range(3))
    for result in (raw, decoded, several):
        assert (type(result).__name__, result.content, result.content_type) == (kind, content, media_type)
    assert (raw.cost, raw.raw, raw.files) == (0.5, content, (content,))
    assert several.files == (content, content)
    assert raw.save(tmp_path / "x").read_bytes() == content


@pytest.mark.parametrize(("slug", "kind", "content", "media_type", "name"), FILES)
def test_a_file_is_a_result_of_its_medium_on_v2(
    wide_client: Any, gateway: Gateway, tmp_path: Path, slug: str, kind: str, content: bytes, media_type: str, name: str
) -> None:
    url = f"{gateway.url}/files/1"
    gateway.on("GET", "/files/1", Answer(200, content, {"Content-Type": media_type}))
    for record in ({"output": url, name: {"url": url, "file_size": "9"}}, {"output": None, name: {"url": url}}):
        finish(gateway, slug, record)
        result = getattr(wide_client, slug).submit(prompt="a").download()
        assert (type(result).__name__, result.content, result.content_type) == (kind, content, media_type)
        assert (result.cost, result.request_id, result.files) == (0.25, "r1", (content,))
    assert getattr(wide_client, slug).submit(prompt="a").save(tmp_path / "x").read_bytes() == content
    assert type(wide_client.jobs.resume("r1", slug).download()).__name__ == kind


ADDRESSED: list[Any] = ["URL", {"url": "URL", "file_size": "9"}, ["URL"], [{"url": "URL"}]]


@pytest.mark.parametrize("shape", ADDRESSED)
@pytest.mark.parametrize(("slug", "kind", "content", "media_type", "name"), FILES)
def test_a_job_s_file_is_downloaded_wherever_the_record_names_it(
    wide_client: Any, gateway: Gateway, slug: str, kind: str, content: bytes, media_type: str, name: str, shape: Any
) -> None:
    gateway.on("GET", "/files/1", Answer(200, content, {"Content-Type": media_type}))
    named = json.loads(json.dumps(shape).replace("URL", f"{gateway.url}/files/1"))
    for place in ("output", name):
        finish(gateway, slug, {place: named})
        result = getattr(wide_client, slug).submit(prompt="a").download()
        assert (type(result).__name__, result.content, result.request_id) == (kind, content, "r1")


@pytest.mark.parametrize(("slug", "kind", "content", "media_type"), [file[:4] for file in FILES])
def test_a_data_url_is_decoded(
    wide_client: Any, gateway: Gateway, slug: str, kind: str, content: bytes, media_type: str
) -> None:
    finish(gateway, slug, {"output": f"data:{media_type};base64,{b64(content)}"})
    result = getattr(wide_client, slug).submit(prompt="a").download()
    assert (type(result).__name__, result.content, result.content_type) == (kind, content, media_type)


@pytest.mark.parametrize("slug", ["clip", "speech", "solid"])
def test_an_answer_of_a_file_model_without_a_file_is_never_saved(
    wide: Any, wide_client: Any, gateway: Gateway, slug: str
) -> None:
    odd = json.dumps({"video": "not base64", "audio": 7, "model3d": None}).encode()
    for content, kind in ((odd, "application/json"), (odd, ""), (b"<html>", "text/html"), (b"", "video/mp4")):
        gateway.on("POST", path_of(slug), Answer(200, content, {"Content-Type": kind, "x-cost": "0.5"}))
        with pytest.raises(wide.UnexpectedOutput, match="no file") as caught:
            getattr(wide_client, slug).run(prompt="a")
        assert (caught.value.content, caught.value.cost, caught.value.model) == (content, 0.5, slug)
    gateway.on("POST", path_of(slug), Answer(200, ODD, {"Content-Type": "application/octet-stream"}))
    assert getattr(wide_client, slug).run(prompt="a").files == (ODD,)


UNADDRESSED: list[Any] = [
    {},
    {"output": None},
    {"output": ""},
    {"output": {"note": "no file"}},
    {"output": [1, {"url": 5}]},
    {"output": "https://a.test/ says hi"},
    {"output": "data:video/mp4;base64,%%%"},
    {"output": "Sorry", "video": {"address": "https://a.test"}},
]


@pytest.mark.parametrize("fields", UNADDRESSED)
@pytest.mark.parametrize("slug", ["clip", "speech", "solid"])
def test_a_job_of_a_file_model_without_a_file_is_never_saved(
    wide: Any, wide_client: Any, gateway: Gateway, tmp_path: Path, slug: str, fields: dict[str, Any]
) -> None:
    finish(gateway, slug, fields)
    job = getattr(wide_client, slug).submit(prompt="a")
    for ask in (job.download, lambda: job.save(tmp_path / "x"), wide_client.jobs.resume("r1", slug).download):
        with pytest.raises(wide.UnexpectedOutput, match="names no file") as caught:
            ask()
        error = caught.value
        assert error.body == {"status": "COMPLETED", "request_id": "r1", "metrics": {"cost": 0.25}, **fields}
        assert (error.request_id, error.cost, error.maybe_billed, error.model) == ("r1", 0.25, True, slug)
    assert list(tmp_path.iterdir()) == []
    assert job.result()["status"] == "COMPLETED"
    assert wide_client.spend.credits == 0.25


def test_a_download_that_is_not_a_file_is_never_saved(wide: Any, wide_client: Any, gateway: Gateway) -> None:
    finish(gateway, "clip", {"output": f"{gateway.url}/files/1"})
    for content, kind in ((b"<html>", "text/html"), (b'{"error": 1}', "application/octet-stream"), (b"", "video/mp4")):
        gateway.on("GET", "/files/1", Answer(200, content, {"Content-Type": kind}))
        with pytest.raises(wide.UnexpectedOutput, match="not a file") as caught:
            wide_client.clip.submit(prompt="a").download()
        assert (caught.value.content, caught.value.body["request_id"]) == (content, "r1")


def test_a_gltf_document_is_a_3d_model(wide_client: Any, gateway: Gateway) -> None:
    content = b'{"asset": {"version": "2.0"}}'
    for kind in ("model/gltf+json", "application/json", "application/octet-stream"):
        gateway.on("POST", "/v1/solid", Answer(200, content, {"Content-Type": kind}))
        assert wide_client.solid.run(prompt="a").content == content


def test_a_resumed_job_of_an_unknown_model_is_read_by_its_output(wide: Any, wide_client: Any, gateway: Gateway) -> None:
    def downloaded(fields: dict[str, Any]) -> Any:
        finish(gateway, "clip", fields)
        return wide_client.jobs.resume("r1").download()

    gateway.on("GET", "/files/1", Answer(200, MP4, {"Content-Type": "video/mp4"}))
    gateway.on("GET", "/files/2", Answer(200, b'{"a": 1}', {"Content-Type": "application/json"}))
    video = downloaded({"video": {"url": f"{gateway.url}/files/1"}})
    assert (type(video).__name__, video.content) == ("VideoResult", MP4)
    document = downloaded({"output": f"{gateway.url}/files/2"})
    assert (type(document).__name__, document.data) == ("JsonResult", {"a": 1})
    for output in ({"a": 1}, [1], "text", 0, False):
        result = downloaded({"output": output})
        assert (type(result).__name__, result.data) == ("JsonResult", output)
    for fields in ({}, {"output": None}):
        with pytest.raises(wide.UnexpectedOutput, match="no output"):
            downloaded(fields)


CUT = json.dumps(OPENAI)[:-9]


@pytest.mark.parametrize("cut", [CUT, "{", '{"', ' {\n "choices"'])
@pytest.mark.parametrize("slug", ["talk", "embed", "describe"])
def test_a_document_that_is_cut_off_is_an_error_that_holds_it(
    wide: Any, wide_client: Any, gateway: Gateway, slug: str, cut: str
) -> None:
    for kind in ("application/json", "text/plain", ""):
        headers = {"Content-Type": kind, "x-cost": "0.5", "x-request-id": "id-1"}
        gateway.on("POST", f"/v1/{slug}", Answer(200, cut.encode(), headers))
        with pytest.raises(wide.UnexpectedOutput, match="not valid JSON") as caught:
            wide_client.run_sync(slug)
        error = caught.value
        assert (error.body, error.content, error.request_id, error.cost) == (cut, cut.encode(), "id-1", 0.5)
    finish(gateway, slug, {"output": cut})
    job = wide_client.submit_async(slug)
    with pytest.raises(wide.UnexpectedOutput, match="not valid JSON") as caught:
        job.download()
    assert (caught.value.body["output"], caught.value.request_id, caught.value.cost) == (cut, "r1", 0.25)
    assert job.result().output == cut
    gateway.on("GET", "/files/1", Answer(200, cut.encode(), {"Content-Type": "application/json"}))
    finish(gateway, slug, {"output": f"{gateway.url}/files/1"})
    with pytest.raises(wide.UnexpectedOutput, match="not valid JSON") as caught:
        wide_client.submit_async(slug).download()
    assert caught.value.content == cut.encode()


def test_a_text_that_only_begins_like_json_is_a_text(wide_client: Any, gateway: Gateway) -> None:
    for text in ("{smile} Hello", "[1] says", '{"a" is a set'):
        gateway.on("POST", "/v1/words", Answer(200, text.encode(), {"Content-Type": "text/plain"}))
        finish(gateway, "words", {"output": text})
        assert wide_client.words.run(prompt="a").text == text
        assert wide_client.words.submit(prompt="a").download().text == text
        if not text.startswith('{"'):
            finish(gateway, "talk", {"output": text})
            assert wide_client.talk.submit(messages=[]).download().text == text


def test_a_result_that_is_cut_off_can_be_requested_again(wide: Any, wide_client: Any, gateway: Gateway) -> None:
    finish(gateway, "talk", {"output": json.dumps(OPENAI)})
    whole = json.dumps({"status": "COMPLETED", "output": json.dumps(OPENAI)})
    cut = Answer(200, whole[:-30].encode(), {"Content-Type": "application/json"})
    gateway.on("GET", "/v2/requests/r1", cut, json_answer(json.loads(whole)))
    job = wide_client.with_options(retries=0).talk.submit(messages=[])
    with pytest.raises(wide.UnexpectedOutput, match="cut off") as caught:
        job.download()
    assert (caught.value.request_id, caught.value.body) == ("r1", whole[:-30])
    assert job.download().text == "Hi é"


@pytest.mark.parametrize("document", DIALECTS)
def test_a_chat_has_a_text_in_each_dialect(wide_client: Any, gateway: Gateway, document: dict[str, Any]) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    gateway.on("POST", "/v1/talk", json_answer(document))
    result = wide_client.talk.run(messages=messages)
    assert (type(result).__name__, result.text, result.data) == ("ChatResult", "Hi é", document)
    for output in (json.dumps(document), document):  # the gateway sends a string
        finish(gateway, "talk", {"output": output})
        result = wide_client.talk.submit(messages=messages).download()
        assert (type(result).__name__, result.text, result.data) == ("ChatResult", "Hi é", document)
        assert result.cost == 0.25


@pytest.mark.parametrize("text", ["Hello", "42", "true", "null", ""])
def test_a_plain_text_on_v2_is_the_text_of_a_chat(wide_client: Any, gateway: Gateway, text: str) -> None:
    finish(gateway, "talk", {"output": text})
    assert wide_client.talk.submit(messages=[]).download().text == text


@pytest.mark.parametrize("document", STRANGE)
@pytest.mark.parametrize(("slug", "name"), [("talk", "text"), ("embed", "embedding"), ("describe", "text")])
def test_a_document_of_another_shape_is_an_error_that_holds_it(
    wide: Any, wide_client: Any, gateway: Gateway, document: Any, slug: str, name: str
) -> None:
    gateway.on("POST", f"/v1/{slug}", json_answer(document, headers={"x-request-id": "id-1"}))
    result = wide_client.run_sync(slug)
    assert (result.data, json.loads(result.content)) == (document, document)
    with pytest.raises(wide.UnexpectedOutput, match="`data`") as caught:
        getattr(result, name)
    assert (caught.value.body, caught.value.request_id, caught.value.maybe_billed) == (document, "id-1", True)


@pytest.mark.parametrize("document", EMBEDDINGS)
def test_an_embedding_is_a_list_of_floats(wide_client: Any, gateway: Gateway, document: Any) -> None:
    gateway.on("POST", "/v1/embed", json_answer(document))
    result = wide_client.embed.run(prompt="a")
    assert (result.embedding, result.embeddings) == ([1.0, 0.5], [[1.0, 0.5]])
    assert all(type(number) is float for number in result.embedding)
    finish(gateway, "embed", {"output": json.dumps(document)})
    assert wide_client.embed.submit(prompt="a").download().embedding == [1.0, 0.5]


def test_several_embeddings_are_in_order(wide_client: Any, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/embed", json_answer({"data": [{"embedding": [1]}, {"embedding": [2]}]}))
    assert wide_client.embed.run(prompt="a").embeddings == [[1.0], [2.0]]


@pytest.mark.parametrize(
    "document", [{"embedding": []}, {"embedding": [True]}, {"embedding": [10**400]}, ["a"], [[1], "a"]]
)
def test_a_list_with_anything_but_numbers_is_no_embedding(
    wide: Any, wide_client: Any, gateway: Gateway, document: Any
) -> None:
    gateway.on("POST", "/v1/embed", json_answer(document))
    with pytest.raises(wide.UnexpectedOutput):
        _ = wide_client.embed.run(prompt="a").embedding


@pytest.mark.parametrize("document", CAPTIONS)
def test_a_caption_is_a_text(wide_client: Any, gateway: Gateway, document: Any) -> None:
    gateway.on("POST", "/v1/describe", json_answer(document))
    result = wide_client.describe.run(image="https://a.test/x.png")
    assert (type(result).__name__, result.text, result.data) == ("CaptionResult", "A cat", document)


def test_a_text_is_a_text(wide_client: Any, gateway: Gateway) -> None:
    gateway.on(
        "POST", "/v1/words",
        Answer(200, "Grüße".encode(), {"Content-Type": "text/plain; charset=utf-8"}),
        json_answer("Grüße"),
        json_answer({"odd": 1}),
        Answer(200, ODD, {"Content-Type": "application/octet-stream"}),
    )  # fmt: skip
    texts = [wide_client.words.run(prompt="a").text for _ in range(4)]
    assert texts == ["Grüße", "Grüße", '{"odd": 1}', ODD.decode()]
    finish(gateway, "words", {"output": "Grüße"})
    assert wide_client.words.submit(prompt="a").download().text == "Grüße"
    gateway.on("GET", "/files/1", Answer(200, b"from a file", {"Content-Type": "text/plain"}))
    finish(gateway, "words", {"output": f"{gateway.url}/files/1"})
    assert wide_client.words.submit(prompt="a").download().text == "from a file"


@pytest.mark.parametrize("depth", [500, 100_000])
def test_a_deep_document_is_kept(wide: Any, wide_client: Any, gateway: Gateway, depth: int) -> None:
    deep = b'{"data":[' * depth + b"]}" * depth
    try:
        readable = bool(json.loads(deep))  # since Python 3.12, 500 levels are
    except RecursionError:
        readable = False
    assert not (readable and depth == 100_000)
    for slug in ("talk", "embed", "describe"):
        gateway.on("POST", f"/v1/{slug}", Answer(200, deep, {"Content-Type": "application/json"}))
        if readable:
            assert wide_client.run_sync(slug).content == deep
            continue
        with pytest.raises(wide.UnexpectedOutput, match="nested") as caught:
            wide_client.run_sync(slug)
        assert caught.value.content == deep


def test_a_call_by_slug_returns_the_class_of_its_model(wide_client: Any, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/talk", json_answer(OPENAI))
    gateway.on("POST", "/v1/models/clip", Answer(200, MP4, {"Content-Type": "application/octet-stream"}))
    gateway.on("POST", "/v1/unknown", Answer(200, MP3, {"Content-Type": "audio/mpeg"}))
    results = [wide_client.run_sync(slug) for slug in ("talk", "clip", "unknown")]
    assert [type(result).__name__ for result in results] == ["ChatResult", "VideoResult", "AudioResult"]
