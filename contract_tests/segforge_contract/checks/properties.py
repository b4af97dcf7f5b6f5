"""Checks of the properties of an output against the payload: format, size, length, frames per second, number."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from segforge.spec.catalog import Absent, Model
from segforge.spec.price import seconds_of
from segforge.spec.printable import show
from segforge_contract.checks.decoders import FORMATS, DecodedFile

Found: TypeAlias = tuple[str, str, str]
"""A finding: the broken rule, the expected and the found value in words."""

_NAMES: Final[Mapping[str, str]] = {"jpg": "jpeg"}
COUNTS: Final = range(1, 101)
"""Numbers of outputs to check."""
_SLACK: Final = 15  # pixels; models work on a grid of 8 or 16 pixels, and no page says how a size is rounded
_SIDES: Final = range(1, 4097)  # sides to check, in pixels; no page offers more or decides 0
_SIZE: Final = re.compile(r"\s*([0-9]{1,5})\s*[xX:*]\s*([0-9]{1,5})\s*")
_LONGEST: Final = 60.0  # seconds to check
_FASTEST: Final = 60.0  # frames per second to check
_LARGEST_RATIO: Final = 100  # 16:9 is a ratio, 1280:720 a size


def check_properties(model: Model, payload: Mapping[str, Any], decoded: DecodedFile) -> Iterator[Found]:
    """Checks format, size, length and frames per second of a file against the payload."""
    controls, header = model.returns.controls, decoded.header

    def asked(name: str | None) -> Any:
        return None if name is None else value_of(model, payload, name)

    format_ = asked_format_of(model, payload)
    if format_ is not None and FORMATS[format_].medium == decoded.medium and decoded.format != format_:
        yield "bytes.match_format", f"{controls.format} {format_}", f"{decoded.format} file"
    if header.width is not None and header.height is not None:
        yield from _wrong_sizes(model, payload, header.width, header.height)
    seconds = seconds_of(asked(controls.duration))
    if seconds is not None and header.seconds is not None and _is_off_length(seconds, header.seconds):
        yield "bytes.match_duration", f"{controls.duration} {seconds:g} s", f"{header.seconds:.2f} s"
    fps = asked(controls.fps)
    if header.fps is not None and _is_off_rate(fps, header.fps):
        yield "bytes.match_fps", f"{controls.fps} {fps:g}", f"{header.fps:.2f} frames per second"


def _is_off_length(asked: float, found: float) -> bool:
    return asked <= _LONGEST and abs(found - asked) > max(1.0, asked / 10)


def _is_off_rate(asked: object, found: float) -> bool:
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        return False
    return 1 <= asked <= _FASTEST and abs(found - asked) > max(1.0, asked / 10)


def _wrong_sizes(model: Model, payload: Mapping[str, Any], width: int, height: int) -> Iterator[Found]:
    controls, found = model.returns.controls, f"{width} x {height}"
    from_input = controls.size_from_input
    if from_input is not None and value_of(model, payload, from_input) is not False:
        return
    for name, side in ((controls.width, width), (controls.height, height)):
        asked = value_of(model, payload, name) if name is not None else None
        if isinstance(asked, int) and asked in _SIDES and abs(asked - side) > _SLACK:
            yield "bytes.match_size", f"{name} {asked}", found
    text = value_of(model, payload, controls.size) if controls.size is not None else None
    size = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if size is not None and max(sides := (int(size[1]), int(size[2]))) > _LARGEST_RATIO:
        wrong = any(abs(asked - side) > _SLACK for asked, side in zip(sides, (width, height), strict=True))
        if wrong and all(side in _SIDES for side in sides):
            yield "bytes.match_size", f"{controls.size} {text}", found


def asked_format_of(model: Model, payload: Mapping[str, Any]) -> str | None:
    """Returns the requested format, None if there is none or if it can't be decoded."""
    name = model.returns.controls.format
    asked = str(value_of(model, payload, name)).lower() if name is not None else ""
    asked = _NAMES.get(asked, asked)
    return asked if asked in FORMATS else None


def check_result(model: Model, payload: Mapping[str, Any], images: list[Any]) -> Iterator[Found]:
    """Checks the list of images in a job's result."""
    asked = value_of(model, payload, model.returns.controls.count or "")
    if asked in COUNTS and len(images) != asked:
        yield "bytes.match_count", f"{asked} images", f"{len(images)} in images"
    asked_format = asked_format_of(model, payload)
    format_ = None if asked_format is None else FORMATS[asked_format].media_types[0]
    for image in images:
        said = image.get("content_type", format_) if isinstance(image, dict) else None
        if format_ is not None and said != format_:
            yield "bytes.match_format", f"content_type {format_}", show(said)


def value_of(model: Model, payload: Mapping[str, Any], name: str) -> Any:
    """Returns a parameter's value in the payload, else its printed default, else None."""
    if name in payload:
        return payload[name]
    parameter = model.parameters_by_name.get(name)
    return None if parameter is None or isinstance(parameter.default, Absent) else parameter.default
