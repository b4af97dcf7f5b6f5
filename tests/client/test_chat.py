"""Chats: one form of messages and answers for all models, whatever their dialect."""

import asyncio
import base64
import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from itertools import product
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from segforge.emit.clients.dialects import dialect_of, is_chat
from segforge.spec.values import payload_violations
from segforge_mock import Mock
from segmind_client import (
    AsyncSegmind,
    CannotSend,
    ChatResult,
    ChatUsage,
    InvalidParameters,
    Segmind,
    UnexpectedOutput,
    image_url,
)
from tests.client.conftest import KEY
from tests.seeds import whole_catalog

PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(8)
ENCODED: Final = base64.b64encode(PNG).decode()
DATA_URL: Final = f"data:image/png;base64,{ENCODED}"
WEB: Final = "https://host.test/cat.png"

SYSTEM: Final = {"role": "system", "content": "Be brief."}
USER: Final = {"role": "user", "content": "Hello"}
ASSISTANT: Final = {"role": "assistant", "content": "Hi"}
CHATS: Final = [model for model in whole_catalog().models if is_chat(model)]


def part(image: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": image}}


def asking(image: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": "What is it?"}, part(image)]}


class Recorder:
    """A client whose requests are kept and answered with a document."""

    def __init__(self, document: Any = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self._document = {"choices": [{"message": {"content": "Hi"}}]} if document is None else document
        self.client = Segmind(KEY, "http://gateway.test", transport=httpx.MockTransport(self._answer), validate=True)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(json.loads(request.content))
        return httpx.Response(200, json=self._document)

    def chat(self, slug: str, messages: Any = None, **params: Any) -> dict[str, Any]:
        """Makes a call and returns the body that was sent."""
        self.client.chat_sync(slug, messages, **params)
        return self.sent[-1]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def chats() -> Iterator[list[dict[str, Any]]]:
    """Yields chats with and without system, answers and images in each form."""
    for system, history, last in product([[], [SYSTEM]], [[], [USER, ASSISTANT]], [USER, asking(WEB), asking(PNG)]):
        yield [*system, *history, last]
    yield [USER, SYSTEM, USER]
    yield [{"role": "user", "content": [{"type": "text", "text": "One"}, {"type": "text", "text": "Two"}]}]


@pytest.mark.parametrize("model", CHATS, ids=lambda model: model.slug)
@pytest.mark.filterwarnings("ignore::segmind_client.ModelWarning")
def test_a_chat_is_refused_or_fits_the_spec(recorder: Recorder, model: Any) -> None:
    assert dialect_of(model) is not None
    sent = 0
    for messages in chats():
        try:
            body = recorder.chat(model.slug, messages)
        except CannotSend as error:
            assert model.slug in error.detail  # noqa: PT017 - refusals are one of two valid outcomes
            continue
        sent += 1
        assert payload_violations(model, body) == []
        said = json.dumps(body)
        assert ("Be brief." in said) is (SYSTEM in messages)
        assert (ENCODED in said, WEB in said) == (asking(PNG) in messages, asking(WEB) in messages)
    assert sent >= 3
    assert len(recorder.sent) == sent


@pytest.mark.filterwarnings("ignore::segmind_client.ModelWarning")
def test_the_dialects(recorder: Recorder) -> None:
    chat = [SYSTEM, USER, ASSISTANT, asking(PNG)]
    text = {"type": "text", "text": "What is it?"}
    source = {"type": "base64", "media_type": "image/png", "data": ENCODED}
    assert recorder.chat("claude-4-sonnet", chat, max_tokens=9) == {
        "max_tokens": 9,
        "instruction": "Be brief.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "user", "content": [text, {"type": "image", "source": source}]},
        ],
    }
    assert recorder.chat("gemini-1.5-pro", chat, temperature=1) == {
        "temperature": 1,
        "messages": {
            "system_instruction": {"parts": {"text": "Be brief."}},
            "contents": [
                {"role": "user", "parts": [{"text": "Hello"}]},
                {"role": "model", "parts": [{"text": "Hi"}]},
                {
                    "role": "user",
                    "parts": [{"text": "What is it?"}, {"inlineData": {"mimeType": "image/png", "data": ENCODED}}],
                },
            ],
        },
    }
    assert recorder.chat("deepseek-chat", chat[1:]) == {
        "messages": [USER, ASSISTANT, {"role": "user", "content": [text, part(DATA_URL)]}]
    }
    assert recorder.chat("gpt-4", [{"role": "user", "content": [text, text]}]) == {
        "messages": [{"role": "user", "content": "What is it?\n\nWhat is it?"}]
    }


def test_a_text_and_a_prompt_are_messages_of_the_user(recorder: Recorder) -> None:
    for made in (recorder.chat("gpt-4", "Hello"), recorder.chat("gpt-4", prompt="Hello")):
        assert made == {"messages": [USER]}
    assert recorder.chat("gpt-5.5", "Hello") == {"messages": [USER]}
    assert recorder.chat("gpt-5.5", prompt="Hello") == {"prompt": "Hello"}


def test_messages_of_a_model_without_a_spec_are_sent_as_they_are(recorder: Recorder) -> None:
    odd = {"role": "developer", "content": [{"type": "input_audio", "input_audio": {}}], "name": "x"}
    assert recorder.chat("gpt-5.5", [odd, asking(PNG)]) == {"messages": [odd, asking(DATA_URL)]}


REFUSED: Final[dict[str, tuple[str, Any, str]]] = {
    "an image in a text": ("gpt-4o", [asking(WEB)], r"messages\[0\]\.content\[1\].*text"),
    "an image of the system": ("claude-4-sonnet", [{**asking(PNG), "role": "system"}, USER], "text"),
    "a URL for base64": ("claude-4-sonnet", [asking(WEB)], "data URL"),
    "a URL for Gemini": ("gemini-1.5-pro", [asking(WEB)], "data URL"),
    "a data URL of a text": ("claude-4-sonnet", [asking("data:text/plain;base64,AAAA")], "data URL"),
    "a film": ("claude-4-sonnet", [asking(b"\x1a\x45\xdf\xa3" + bytes(9))], "video/webm"),
    "a system without a place": ("deepseek-chat", [SYSTEM, USER], "message of the user"),
    "a late system": ("gemini-1.5-pro", [USER, SYSTEM], "first"),
    "the system alone": ("claude-4-sonnet", [SYSTEM], "add a message"),
    "another role": ("deepseek-chat", [{"role": "tool", "content": "1"}], "user, assistant"),
    "another key": ("claude-4-sonnet", [{**USER, "name": "Ada"}], "name"),
    "another part": ("deepseek-chat", [{"role": "user", "content": [{"type": "file"}]}], "image_url"),
    "an image model": ("flux-schnell", "A cat", "not a chat model"),
    "a listed video model": ("seedance-2.0", "A cat", "video"),
}


@pytest.mark.parametrize(("slug", "messages", "why"), REFUSED.values(), ids=REFUSED)
def test_what_a_dialect_can_not_express_is_refused(recorder: Recorder, slug: str, messages: Any, why: str) -> None:
    with pytest.raises(CannotSend, match=why) as caught:
        recorder.chat(slug, messages)
    assert slug in caught.value.detail
    assert caught.value.model == slug
    assert recorder.sent == []


@pytest.mark.parametrize("name", ["stream", "tools"])
def test_parameters_that_have_no_effect_are_refused(recorder: Recorder, name: str) -> None:
    with pytest.raises(CannotSend, match=f"'{name}'.*gateway does not"):
        recorder.chat("gpt-5.5", "Hello", **{name: [1]})
    assert recorder.chat("gpt-5.5", "Hello", **{name: False})[name] is False


@pytest.mark.parametrize(
    ("messages", "kind", "why"),
    [
        (None, TypeError, "either"),
        ([], ValueError, "empty"),
        ([USER, "Hello"], TypeError, r"messages\[1\]"),
        ([{"content": "Hello"}], TypeError, "role"),
        ([{"role": "user", "content": 5}], TypeError, r"messages\[0\]\.content"),
        ([asking(b"")], ValueError, "empty"),
        ([asking(Path("missing.png"))], ValueError, "can't be read"),
        ([asking(7)], TypeError, "expected"),
    ],
)
def test_messages_of_a_wrong_form_are_not_sent(
    recorder: Recorder, messages: Any, kind: type[Exception], why: str
) -> None:
    for slug in ("claude-4-sonnet", "deepseek-chat"):
        with pytest.raises((kind, InvalidParameters), match=f"{why}|type"):
            recorder.chat(slug, messages)
    with pytest.raises(TypeError, match="either"):
        recorder.chat("gpt-4", "Hello", prompt="Hello")
    assert recorder.sent == []


def test_a_parameter_that_the_messages_set_too_is_refused(recorder: Recorder) -> None:
    with pytest.raises(CannotSend, match="'instruction'"):
        recorder.chat("claude-4-sonnet", [SYSTEM, USER], instruction="Be long.")
    assert recorder.chat("claude-4-sonnet", [USER], instruction="Be long.")["instruction"] == "Be long."


def of_openai(**more: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": "Hi"}, **more}], "usage": {"prompt_tokens": 2, "completion_tokens": 3}}


DOCUMENTS: Final[dict[str, tuple[Mapping[str, Any], str | None, ChatUsage | None]]] = {
    "openai": (of_openai(finish_reason="length"), "length", ChatUsage(2, 3, None)),
    "anthropic": (
        {"content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "usage": {"input_tokens": 0}},
        "stop",
        ChatUsage(0, None, None),
    ),
    "gemini": (
        {
            "candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "SAFETY"}],
            "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 9},
        },
        "content_filter",
        ChatUsage(1, 2, 9),
    ),
    "an unknown reason": (of_openai(finish_reason="odd"), "odd", ChatUsage(2, 3, None)),
    "no facts": ({"choices": [{"message": {"content": "Hi"}}], "usage": None}, None, None),
    "wrong facts": (
        {
            "choices": [{"message": {"content": "Hi"}, "finish_reason": 5}],
            "usage": {"prompt_tokens": True, "total_tokens": "9"},
        },
        None,
        None,
    ),
}


@pytest.mark.parametrize(("document", "end", "usage"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_an_answer_has_one_form(document: Any, end: str | None, usage: ChatUsage | None) -> None:
    reply = Recorder(document).client.chat_sync("gpt-5.5", "Hello")
    assert type(reply) is ChatResult
    assert (reply.text, reply.finish_reason, reply.usage, reply.data) == ("Hi", end, usage, document)
    with pytest.raises(UnexpectedOutput, match="JSON"):
        reply.json()


def test_a_reply_is_read_as_json() -> None:
    reply = Recorder({"choices": [{"message": {"content": '{"age": 7}'}}]}).client.chat_sync("gpt-5.5", "Hello")
    assert reply.json() == {"age": 7}


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, job_policy="instant") as mock:
        yield mock


def test_a_chat_is_a_job_in_both_clients(mock: Mock) -> None:
    blocking = Segmind(mock.key, mock.url)
    job = blocking.submit_chat("gpt-5.5", "Say hi")
    replies = [blocking.chat("gpt-5.5", "Say hi"), job.download(), blocking.chat("claude-4-sonnet", "Say hi")]

    async def main() -> None:
        async with AsyncSegmind(mock.key, mock.url) as client:
            replies.append(await client.chat("gpt-5.5", "Say hi"))
            replies.append(await (await client.submit_chat("gpt-5.5", "Say hi")).download())
            replies.append(await client.chat_sync("gpt-5.5", "Say hi"))

    asyncio.run(main())
    for reply in replies:
        assert type(reply) is ChatResult
        assert "Say hi" in reply.text
        assert reply.finish_reason == "stop"
        assert reply.cost
        assert reply.request_id


def test_the_official_sample_runs_unchanged(mock: Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample of chats in the README of the official SDK, which its distribution holds."""
    readme = distribution("segmind").read_text("METADATA")
    assert readme is not None
    [sample] = re.findall(r"### LLM Chat\n+```python\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "cat.png").write_bytes(PNG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGMIND_API_KEY", mock.key)
    monkeypatch.setenv("SEGMIND_BASE_URL", mock.url)
    names: dict[str, Any] = {}
    exec(compile(sample.replace("import segmind\n", "import segmind_client as segmind\n"), "README", "exec"), names)
    assert names["person"].keys() == {"name", "age"}


def test_image_url_reads_images_only(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(PNG)
    (tmp_path / "secret").write_bytes(b"SG_0123456789abcdef")
    for image in (PNG, tmp_path / "cat.png", str(tmp_path / "cat.png")):
        assert image_url(image) == part(DATA_URL)
    assert [image_url(text)["image_url"]["url"] for text in (WEB, DATA_URL)] == [WEB, DATA_URL]
    with pytest.raises(ValueError, match="not an image"):
        image_url(str(tmp_path / "secret"))
    with pytest.raises(ValueError, match="audio/mpeg"):
        image_url(b"ID3" + bytes(20))
    with pytest.raises(FileNotFoundError):
        image_url(str(tmp_path / "missing"))
