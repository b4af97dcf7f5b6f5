"""Models of every medium that no curated model returns, with small outputs, and the faults of these outputs."""

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from PIL import Image

from segforge.spec.catalog import Model
from segforge.spec.values import accepts
from tests.harness.mutants.faults import Payload, body, reads
from tests.harness.mutants.mutant import Mutant
from tests.harness.mutants.nested import built
from tests.harness.mutants.original import Answer, Asked, Fault, Original

PROMPT = {"type": "string", "required": True, "description": "What the output shows."}
CONTROLS: dict[str, dict[str, Any]] = {
    "seconds": {"type": "integer", "default": 2, "enum": {"known": [2, 5], "total": 2}},
    "fps": {"type": "integer", "default": 8, "minimum": 8, "maximum": 12},
    "size": {"type": "string", "default": "64x48", "enum": {"known": ["64x48", "48x128"], "total": 2}},
}


def _model(slug: str, returns: dict[str, Any], *names: str, formats: tuple[str, ...] = ()) -> Model:
    """Returns a model that takes a prompt and some of the controls."""
    facts = {name: {"required": False, "description": "x", **CONTROLS[name]} for name in names}
    controls = {"prompt": "prompt"} | {{"seconds": "duration"}.get(name, name): name for name in names}
    if formats:
        facts["format"] = {
            "type": "string",
            "required": False,
            "description": "x",
            "default": formats[0],
            "enum": {"known": list(formats), "total": len(formats)},
        }
        controls["format"] = "format"
        returns = {**returns, "formats": list(formats)}
    return built(
        {
            "slug": slug,
            "title": slug,
            "description": "x",
            "source": {"url": "https://example.com", "reviewed": "2026-11-28"},
            "versions": ["v1", "v2"],
            "returns": {**returns, "controls": controls},
            "parameters": {"prompt": PROMPT, **facts},
            "example": {"prompt": "a cat"},
        }
    )


VIDEO = _model("media-video", {"media": "video"}, "seconds", "fps", "size", formats=("mp4", "webm"))
AUDIO = _model("media-audio", {"media": "audio"}, "seconds", formats=("wav", "mp3", "ogg", "flac"))
SOLID = _model("media-solid", {"media": "model3d", "formats": ["glb"]})
VECTOR = _model("media-vector", {"media": "image", "formats": ["svg"]})
TEXT = _model("media-text", {"media": "text"})
DOCUMENTS = tuple(
    _model(f"media-{shape.replace('_', '-')}", {"media": "json", "shape": shape})
    for shape in ("openai_chat", "anthropic_chat", "gemini_content", "embedding", "caption")
)
MEDIA = (VIDEO, AUDIO, SOLID, VECTOR, TEXT, *DOCUMENTS)


def _jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "#336699").save(out, "JPEG")
    return out.getvalue()


def _sent(change: Callable[[Answer], Answer]) -> Fault:
    """Returns a fault that changes each output: the answer to a run, and the file of a job."""

    async def fault(asked: Asked, original: Original) -> Answer:
        answer = await original(asked)
        is_output = original.match(asked).route == "run" or asked.path.startswith("/generations/")
        return change(answer) if is_output and answer.status == 200 else answer

    return fault


def _as_jpeg(answer: Answer) -> Answer:
    return answer.with_header("content-type", "image/jpeg")._replace(body=_jpeg())


def _half(answer: Answer) -> Answer:
    return answer._replace(body=answer.body[: len(answer.body) // 2])


def _image_result(data: dict[str, Any]) -> dict[str, Any]:
    """Returns the result of a job with an image instead of its output, at a host that is not the target."""
    url = "https://images.example.com/1.jpeg"
    kept = {name: value for name, value in data.items() if name not in ("video", "audio", "model3d")}
    return {**kept, "output": url, "images": [{"url": url, "content_type": "image/jpeg"}]} if "output" in data else data


def _images() -> Iterator[Mutant]:
    for model, words in ((VIDEO, "a video"), (AUDIO, "a sound"), (SOLID, "a 3D model")):
        yield _mutant(
            f"jpeg-for-{_short(model)}",
            f"answers a JPEG for {words}",
            "bytes.match_media",
            _sent(_as_jpeg),
            model,
        )
    for model in DOCUMENTS:
        words = f"answers a JPEG for {_short(model)}"
        yield _mutant(f"jpeg-for-{_short(model)}", words, "json.parses", _sent(_as_jpeg), model)
        yield _mutant(
            f"jpeg-job-for-{_short(model)}", f"{words} on v2", "json.shape", body(_image_result, "result"), model
        )
    yield _mutant("jpeg-for-text", "answers a JPEG for a text", "text.readable", _sent(_as_jpeg), TEXT)
    yield _mutant(
        "jpeg-job-for-text", "answers a JPEG for a text on v2", "text.readable", body(_image_result, "result"), TEXT
    )


def _files() -> Iterator[Mutant]:
    matches = "bytes.match_content_type"
    for model in (VIDEO, AUDIO, SOLID, VECTOR):
        yield _mutant(f"cut-{_short(model)}", f"sends half of a file of {model.slug}", matches, _sent(_half), model)
    for model, type_ in ((VIDEO, "audio/mpeg"), (AUDIO, "audio/midi"), (SOLID, "model/obj"), (VECTOR, "image/png")):
        retyped = _sent(lambda answer, type_=type_: answer.with_header("content-type", type_))  # type: ignore[misc]
        yield _mutant(f"type-{_short(model)}", f"sends a file of {model.slug} as {type_}", matches, retyped, model)
    for model, name, breaks in (
        (VIDEO, "seconds", "match_duration"),
        (VIDEO, "fps", "match_fps"),
        (VIDEO, "size", "match_size"),
        (VIDEO, "format", "match_format"),
        (AUDIO, "seconds", "match_duration"),
        (AUDIO, "format", "match_format"),
    ):
        ignored = reads(partial(_without_valid, name))
        yield _mutant(
            f"{name}-ignored-{_short(model)}", f"ignores {name} of {model.slug}", f"bytes.{breaks}", ignored, model
        )
    failed = _sent(lambda answer: answer.with_json({"error": "failed"}))
    yield _mutant("error-for-video", "sends an error as 200 for a video", "bytes.match_media", failed, VIDEO)


def _without_valid(name: str, model: Model, payload: Payload) -> Payload:
    """Returns a payload without a parameter, unless its value is invalid."""
    valid = name in payload and accepts(model.parameters_by_name[name], payload[name])
    return {key: value for key, value in payload.items() if key != name} if valid else payload


def _documents() -> Iterator[Mutant]:
    for model, key in zip(DOCUMENTS, ("choices", "content", "candidates", "data", "caption"), strict=True):
        emptied = body(lambda data, key=key: {**data, key: []} if key in data else data, "run")  # type: ignore[misc]
        yield _mutant(f"empty-{_short(model)}", f"empties {key} of {model.slug}", "json.shape", emptied, model)
    openai, anthropic = DOCUMENTS[:2]
    other = body(lambda data: {"content": [{"type": "text", "text": "hi"}]} if "choices" in data else data, "run")
    yield _mutant("other-dialect", "answers in another chat dialect", "json.shape", other, openai)
    failed = body(lambda _: {"error": "overloaded"}, "run")
    yield _mutant("error-for-chat", "sends an error as 200 for a chat", "json.shape", failed, anthropic)
    blank = _sent(lambda answer: answer._replace(body=b" \n"))
    yield _mutant("blank-text", "sends white space for a text", "text.readable", blank, TEXT)


def _short(model: Model) -> str:
    return model.slug.removeprefix("media-")


def _mutant(name: str, does: str, breaks: str, fault: Fault, model: Model) -> Mutant:
    return Mutant(f"media-{name}", does, breaks, lambda: fault, model.slug)


def media_mutants() -> Iterator[Mutant]:
    """Yields the faults of media that no curated model returns."""
    for family in (_images, _files, _documents):
        yield from family()
