"""Faults that show only in certain payloads, such as near misses, or rules that hold for the sample only."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from segforge.spec.catalog import Model, Parameter
from segforge.spec.values import accepts
from tests.harness.mutants.faults import Payload, lax, reads
from tests.harness.mutants.mutant import ADAPTER, CONTROLNET, STYLE, Mutant
from tests.harness.mutants.original import Fault

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
    for family in (_near_misses, _formats, _sample_only, _orientation):
        yield from family()
