"""Checks of an output against the model's medium and the payload that asked for it. Findings are Found tuples."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from segforge.spec.catalog import Media, Model
from segforge.spec.printable import show
from segforge_contract.checks.decoders import FORMATS, DecodedFile, NotDecoded, decode_file
from segforge_contract.checks.encoded import check_base64
from segforge_contract.checks.properties import Found, check_properties, value_of
from segforge_contract.checks.shapes import check_document, check_text
from segforge_contract.messages.request import NOT_JSON, Response

FILES: Final[tuple[Media, ...]] = ("image", "video", "audio", "model3d")
"""The media of outputs that are files."""

_NO_TYPE: Final = ("application/octet-stream", "binary/octet-stream")
_TOPS: Final[Mapping[str, Media]] = {"image": "image", "video": "video", "audio": "audio", "model": "model3d"}
_INEXACT: Final = ("x-mock-limited", "x-mock-media")
"""Headers with which the mock says that an output differs from the requested one."""


def check_output(model: Model, payload: Mapping[str, Any], response: Response) -> Iterator[Found]:
    """Checks the answer to a run against the medium and the payload."""
    returns = model.returns
    if returns.media == "json":
        if response.media_type != "application/json" or response.json is NOT_JSON:
            yield "json.parses", "application/json that parses", response.in_words
        elif returns.shape is not None:
            yield from check_document(returns.shape, response.json)
    elif returns.media == "text":
        yield from check_text(response)
    elif value_of(model, payload, returns.controls.base64 or "") is True:
        if returns.media == "image":
            yield from check_base64(model, payload, response)
    else:
        yield from check_file(model, payload, response)


def medium_rule(model: Model) -> str:
    """Returns the rule that judges the medium of a model's output."""
    if model.returns.media == "json":
        return "json.parses" if model.returns.shape is None else "json.shape"
    return "text.readable" if model.returns.media == "text" else "bytes.match_media"


def judged_by(model: Model, response: Response) -> str | None:
    """Returns the rule that judged the medium of an answer with a file or a document; None if no rule could."""
    rule = medium_rule(model)
    if rule != "bytes.match_media":
        return rule
    is_json = response.json is not NOT_JSON
    if model.returns.printed is not None and is_json:
        return None
    decoded = decode_file(response.body)
    known = isinstance(decoded, DecodedFile) or decoded.format is not None or bool(model.returns.formats)
    return rule if known or is_json or model.returns.media == "image" else None


def check_file(model: Model, payload: Mapping[str, Any], response: Response, *, exact: bool = True) -> Iterator[Found]:
    """Checks an answer whose body is a file. `exact`: it must have the properties that the payload asks for."""
    medium, decoded = model.returns.media, decode_file(response.body)
    if model.returns.printed is not None and isinstance(response.json, dict | list):
        return  # the page says Text/JSON for a file, so both may come
    if isinstance(decoded, NotDecoded):
        # Without a stated format, the file may have one that can't be decoded here. A page or JSON is no such file.
        document = response.media_type.partition("/")[0] == "text" or response.media_type == "application/json"
        if medium == "image" or decoded.format is not None or document or model.returns.formats:
            expected = f"Content-Type of {_article(medium)} and bytes that decode as it"
            yield "bytes.match_content_type", expected, f"{decoded.reason}: {response.in_words}"
        if medium != "image" and (document or _is_other(decoded.format, medium)):
            yield "bytes.match_media", _article(medium), response.in_words
        return
    sent = response.media_type
    if sent not in decoded.media_types and not (sent in _NO_TYPE and medium in ("audio", "model3d")):
        expected = f"Content-Type {decoded.media_types[0]}, as the bytes are"
        yield "bytes.match_content_type", expected, f"{decoded.format} file: {response.in_words}"
    if decoded.medium != medium:
        yield "bytes.match_media", _article(medium), f"{_article(decoded.medium)}: {response.in_words}"
    elif exact and is_exact(response):
        yield from check_properties(model, payload, decoded)


def is_exact(response: Response) -> bool:
    """Returns whether an answer doesn't say that its output differs from the requested one, as the mock's may."""
    return not any(name in response.headers for name in _INEXACT)


def check_stated(model: Model, body: Mapping[str, Any]) -> Iterator[Found]:
    """Checks the content types that a job's result states for its files."""
    medium = model.returns.media
    for file in _stated(medium, body):
        top = str(file.get("content_type")).partition("/")[0]
        if _TOPS.get(top, medium) != medium:
            yield "bytes.match_media", f"content_type of {_article(medium)}", show(file.get("content_type"))


def states_medium(medium: Media, body: Mapping[str, Any]) -> bool:
    """Returns whether a job's result states the content type of its file."""
    return any(isinstance(file.get("content_type"), str) for file in _stated(medium, body))


def _stated(medium: Media, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    files = body.get("images" if medium == "image" else medium)
    yield from (file for file in (files if isinstance(files, list) else [files]) if isinstance(file, dict))


def _is_other(format_: str | None, medium: Media) -> bool:
    return format_ is not None and FORMATS[format_].medium != medium


def _article(medium: Media) -> str:
    return {"image": "an image", "video": "a video", "audio": "a sound", "model3d": "a 3D model"}[medium]
