"""Faults that show only in certain payloads, such as near misses, or rules that hold for the sample only."""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from segforge.spec.catalog import Model, Parameter
from segforge.spec.values import accepts
from tests.harness.mutants.faults import Payload, lax, reads
from tests.harness.mutants.mutant import ADAPTER, CONTROLNET, STYLE, Mutant
from tests.harness.mutants.original import Answer, Asked, Fault, Original, refusal

URL = "https://example.com/cat.png"
_LOOKALIKES = str.maketrans("асеорху", "aceopxy")  # noqa: RUF001 - on purpose


def _folded(fold: Callable[[str], str]) -> Fault:
    """Returns a fault that reads a text of a closed set as the known value with the same fold."""

    def repair(parameter: Parameter, value: Any) -> Any:
        if not isinstance(value, str) or parameter.choices is None or parameter.choices.open:
            return value
        known = (each for each in parameter.choices.known if isinstance(each, str))
        return next((each for each in known if fold(each) == fold(value)), value)

    return lax(repair)


def _near_misses() -> Iterator[Mutant]:
    def made(name: str, does: str, fold: Callable[[str], str]) -> Mutant:
        return Mutant(f"near-{name}", does, "enum.unknown", lambda: _folded(fold))

    yield made("line-break", "ignores a line break at the end of a value", lambda text: text.removesuffix("\n"))
    yield made("blank-before", "ignores blanks before a value", lambda text: text.lstrip(" "))
    yield made("upper-case", "ignores the case of a value", str.casefold)
    yield made("end-in-c", "reads a value up to the end of a text in C", lambda text: text.partition("\0")[0])
    yield made("zero-width", "ignores zero-width spaces", lambda text: text.replace("\u200b", ""))
    yield made("full-width", "normalizes values to NFKC", lambda text: unicodedata.normalize("NFKC", text))
    yield made("lookalike", "reads Cyrillic letters as Latin ones", lambda text: text.translate(_LOOKALIKES))


def _formless(accepted: Callable[[str], bool]) -> Fault:
    """Returns a fault that replaces a text without a format by a URL, so that it is accepted."""

    def repair(parameter: Parameter, value: Any) -> Any:
        wrong = parameter.format == "uri" and isinstance(value, str) and not accepts(parameter, value)
        return URL if wrong and accepted(value) else value

    return lax(repair)


def _formats() -> Iterator[Mutant]:
    def made(name: str, does: str, accepted: Callable[[str], bool]) -> Mutant:
        return Mutant(f"format-{name}", does, "format.uri", lambda: _formless(accepted), field="image")

    yield made("unchecked", "accepts any text for a URI", lambda _: True)
    yield made("relative", "accepts a URI without a scheme", lambda text: "." in text and not urlsplit(text).scheme)
    yield made("trimmed", "trims a URI", lambda text: text != text.strip())
    yield made("with-blank", "accepts a URI with a blank", lambda text: text.startswith("https:"))


def _lax_if(holds: Callable[[Payload], bool], repair: Callable[[Parameter, Any], Any]) -> Fault:
    """Returns a fault that repairs the values of some payloads only."""

    def understood(model: Model, payload: Payload) -> Payload:
        if not holds(payload):
            return payload
        known = model.parameters_by_name
        return {name: repair(known[name], value) if name in known else value for name, value in payload.items()}

    return reads(understood)


def _clamped(parameter: Parameter, value: Any) -> Any:
    if type(value) not in (int, float) or parameter.minimum is None or parameter.maximum is None:
        return value
    return min(max(value, parameter.minimum), parameter.maximum)


def _first_known(parameter: Parameter, value: Any) -> Any:
    choices = parameter.choices
    return value if choices is None or choices.open or value in choices.known else choices.known[0]


def _sample_only() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, fault: Callable[[], Fault], model: str = ADAPTER) -> Mutant:
        return Mutant(f"sample-only-{name}", does, breaks, fault, model)

    yield made(
        "range", "checks no range if base64 is true", "range",
        lambda: _lax_if(lambda payload: payload.get("base64") is True, _clamped),
    )  # fmt: skip
    yield made(
        "range-of-several", "checks no range if several images are requested", "range",
        lambda: _lax_if(lambda payload: payload.get("samples", 1) != 1, _clamped),
    )  # fmt: skip
    yield made(
        "enum", "checks no set if base64 is true", "enum.unknown",
        lambda: _lax_if(lambda payload: payload.get("base64") is True, _first_known), CONTROLNET,
    )  # fmt: skip
    yield made(
        "format-on-v2", "makes jpeg images on v2, whatever format is requested", "bytes.match_format",
        lambda: reads(_jpeg, route="submit"),
    )  # fmt: skip
    yield made(
        "width-on-v2", "makes square images on v2", "bytes.match_size", lambda: reads(_square, route="submit"), STYLE
    )

    for name, does, breaks, holds, repair in (
        ("bare-range", "checks no range if no seed is sent", "range.", lambda sent: "seed" not in sent, _clamped),
        ("type", "reads digits as numbers if base64 is true", "type.", _in_base64, _counted),
        (
            "null",
            "treats null as 1 if base64 is true",
            "null.",
            _in_base64,
            lambda part, value: 20 if value is None and part.type == "integer" else value,
        ),
    ):
        yield made(name, does, breaks, lambda holds=holds, repair=repair: _lax_if(holds, repair))  # type: ignore[misc]
    yield made(
        "sides-of-several", "swaps width and height if several images are requested", "bytes.match_size",
        lambda: reads(_swapped, route="submit"), CONTROLNET,
    )  # fmt: skip


def _in_base64(payload: Payload) -> bool:
    return payload.get("base64") is True


def _counted(parameter: Parameter, value: Any) -> Any:
    return int(value) if parameter.type == "integer" and isinstance(value, str) and value.isdecimal() else value


def _swapped(_: Model, payload: Payload) -> Payload:
    width, height = payload.get("custom_width"), payload.get("custom_height")
    if type(width) is int and type(height) is int and payload.get("samples") in (2, 3, 4):
        return {**payload, "custom_width": height, "custom_height": width}
    return payload


def _luck() -> Iterator[Mutant]:
    def crash(name: str, does: str, breaks: str, holds: Callable[[Payload], bool]) -> Mutant:
        return Mutant(f"luck-{name}", does, breaks, lambda: _refusing(holds))

    yield crash(
        "apostrophe", "answers 500 to an apostrophe", "text.unicode", lambda sent: "'" in str(sent.get("prompt"))
    )
    yield crash(
        "braces", "answers 500 to braces in a prompt", "text.unicode", lambda sent: "{" in str(sent.get("prompt"))
    )
    yield crash(
        "beyond-32-bits", "answers 500 to a seed from 2**31 to 2**63", "number.huge",
        lambda sent: type(sent.get("seed")) is int and 2**31 <= sent["seed"] < 2**63,
    )  # fmt: skip
    yield crash(
        "fraction", "answers 500 to a strength with a fraction", "payload.valid",
        lambda sent: type(sent.get("strength")) is float and 0 < sent["strength"] < 2 and sent["strength"] % 1 != 0,
    )  # fmt: skip


def _refusing(holds: Callable[[Payload], bool]) -> Fault:
    async def fault(asked: Asked, original: Original) -> Answer:
        call = original.call(asked)
        return refusal(500, "Internal server error") if call is not None and holds(call[1]) else await original(asked)

    return fault


def _jpeg(_: Model, payload: Payload) -> Payload:
    return {**payload, "image_format": "jpeg"} if payload.get("image_format") in ("png", "webp") else payload


def _square(_: Model, payload: Payload) -> Payload:
    sides = [payload.get(name) for name in ("width", "height")]
    return {**payload, "height": sides[0]} if [type(side) for side in sides] == [int, int] else payload


def _turned(holds: Callable[[int, int], bool]) -> Fault:
    def understood(_: Model, payload: Payload) -> Payload:
        width, height = payload.get("width"), payload.get("height")
        if type(width) is int and type(height) is int and holds(width, height):
            return {**payload, "width": height, "height": width}
        return payload

    return reads(understood)


def _orientation() -> Iterator[Mutant]:
    def made(name: str, does: str, holds: Callable[[int, int], bool]) -> Mutant:
        return Mutant(f"orientation-{name}", does, "bytes.match_size", lambda: _turned(holds), STYLE)

    yield made("portrait", "turns each portrait into a landscape", lambda width, height: width < height)
    yield made("landscape", "turns each landscape into a portrait", lambda width, height: width > height)


def payload_mutants() -> Iterator[Mutant]:
    """Yields the mutants of this module, in the order of their families."""
    for family in (_near_misses, _formats, _sample_only, _luck, _orientation):
        yield from family()
