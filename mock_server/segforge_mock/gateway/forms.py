"""Reads multipart/form-data bodies. Fields are text, which is read as the parameter's type; files become text."""

import base64
import hashlib
import io
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from mimetypes import guess_type
from typing import IO, Any, Final
from urllib.parse import quote

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, parse_options_header

from segforge.spec.catalog import Json, Model, Parameter
from segforge.spec.printable import show
from segforge.spec.values import accepts, json_type
from segforge_mock.http.counts import has_too_many_values
from segforge_mock.models.reading import Malformed

logging.getLogger("python_multipart").addHandler(logging.NullHandler())  # the answer says what is wrong

MAX_NUMBER: Final = 400
"""Characters up to which a field is read as a number. Every float fits."""


def read_form(model: Model, content_type: str, body: bytes) -> dict[str, Any] | Malformed:
    """Returns the fields of a form, cast to the types of the model's parameters. Text that can't be cast stays text.

    Arrays and objects are sent as JSON text. An array may also be sent as several fields of one name. A file becomes a
    URI with its name, since the gateway accepts files as URLs, or the base64 of its hash where the spec has base64.

    Some clients send the bytes of a file without a file name. If the spec says that a parameter accepts a part, such
    bytes are a file unless they are text that is valid for the parameter.
    """
    parameters = model.parameters_by_name
    try:
        parts = _parts(parameters, content_type, body)
        read = [part for name, found in parts.items() if _is_json(parameters.get(name)) for part in found]
        if any(has_too_many_values(part) for part in read if isinstance(part, bytes)):
            return Malformed("a field holds more values than the limit of the mock")
        return {name: _value(parameters.get(name), name, found) for name, found in parts.items()}
    except (FormParserError, ValueError) as error:
        return Malformed(str(error))


def form_files(name: str, content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    """Returns the files in the parts of that name, each with the media type of its file name.

    Raises ValueError if the body is broken.
    """
    files: list[tuple[str, bytes]] = []

    def on_file(file: File) -> None:
        if file.field_name == name.encode():
            file.file_object.seek(0)
            media_type, _ = guess_type((file.file_name or b"").decode("latin-1"))
            files.append((media_type or "application/octet-stream", file.file_object.read()))

    try:
        _parse(content_type, body, lambda _: None, on_file)
    except FormParserError as error:
        raise ValueError(str(error)) from None
    return files


def _parts(parameters: Mapping[str, Parameter], content_type: str, body: bytes) -> dict[str, list[bytes | str]]:
    """Returns the parts of a body by name: the bytes of a field, and the text that stands for a file with a name.

    Raises FormParserError or ValueError if the body is broken.
    """
    found: dict[str, list[bytes | str]] = {}

    def on_field(field: Field) -> None:
        found.setdefault(_name(field.field_name), []).append(field.value or b"")

    def on_file(file: File) -> None:
        name = _name(file.field_name)
        file.file_object.seek(0)
        text = _file_text(_item(parameters.get(name)), quote(file.file_name or b""), file.file_object)
        found.setdefault(name, []).append(text)

    _parse(content_type, body, on_field, on_file)
    return found


def _parse(content_type: str, body: bytes, on_field: Callable[[Field], None], on_file: Callable[[File], None]) -> None:
    """Calls the functions with the parts of a form. Raises FormParserError or ValueError if the body is broken."""
    ends: list[bool] = []
    kind, options = parse_options_header(content_type.encode("latin-1"))
    boundary = options.get(b"boundary")
    parser = FormParser(kind.decode("latin-1"), on_field, on_file, lambda: ends.append(True), boundary=boundary)
    parser.write(body)
    parser.finalize()
    if not ends:
        raise ValueError("the closing boundary of the form is missing")


def _name(name: bytes | None) -> str:
    return _decoded(name or b"", "the name of a field")


def _decoded(text: bytes, place: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{place} is not UTF-8 text: {error.reason} at byte {error.start}") from None


def _is_json(parameter: Parameter | None) -> bool:
    """Returns whether the fields of a parameter may be read as JSON. Others are text or one number."""
    return parameter is not None and parameter.type in ("array", "object", "any")


def _item(parameter: Parameter | None) -> Parameter | None:
    """Returns the parameter that one part of a name stands for."""
    return parameter.items if parameter is not None and parameter.type == "array" else parameter


def _file_text(parameter: Parameter | None, name: str, content: IO[bytes]) -> str:
    """Returns the text that stands for a file."""
    if parameter is None or parameter.format != "base64":
        return f"file:{name}"
    return base64.b64encode(hashlib.sha256(content.read()).digest()).decode()


def _value(parameter: Parameter | None, name: str, parts: Sequence[bytes | str]) -> Json:
    """Returns the value of the parts of one name. The last one counts, except in an array."""
    item = _item(parameter)
    if parameter is None or parameter.type != "array":
        return [_part_value(item, name, part) for part in parts][-1]
    whole = _parsed(parts[0]) if len(parts) == 1 else None
    return whole if isinstance(whole, list) else [_part_value(item, name, part) for part in parts]


def _part_value(parameter: Parameter | None, name: str, part: bytes | str) -> Json:
    """Returns the value of one part: of its text, or of the file that its bytes are."""
    if parameter is None or isinstance(part, str):
        text = part if isinstance(part, str) else _decoded(part, f"the field {show(name)}")
        return text if parameter is None else _cast(parameter, text)
    file = next((one for one in (parameter, *parameter.any_of) if "part" in one.accepts), None)
    if file is None:
        return _cast(parameter, _decoded(part, f"the field {show(name)}"))
    try:
        value = _cast(parameter, part.decode())
    except UnicodeDecodeError:
        return _file_text(file, quote(name), io.BytesIO(part))
    return value if accepts(parameter, value) else _file_text(file, quote(name), io.BytesIO(part))


def _cast(parameter: Parameter, text: str) -> Json:
    if parameter.type == "string":
        return text
    if parameter.type == "any":
        value = _parsed(text)
        fits = not accepts(parameter, text) if parameter.any_of else isinstance(value, list | dict)
        return value if value is not None and fits else text
    if parameter.type in ("array", "object"):
        value = _parsed(text)
        return value if json_type(value) == parameter.type else text
    try:
        value = json.loads(text.lower()) if len(text) <= MAX_NUMBER else text
    except ValueError:
        return text
    return value if json_type(value) in ("boolean", "integer", "number") else text


def _parsed(text: bytes | str) -> Json:
    """Returns the value of a JSON text, or None if it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
