"""Reads multipart/form-data bodies. Fields are text, which is read as the parameter's type; files become text."""

import base64
import hashlib
import io
import json
import logging
from typing import Any, Final
from urllib.parse import quote

import msgspec
from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File

from segforge.spec.catalog import Json, Model, Parameter
from segforge.spec.values import accepts, json_type
from segforge_mock.http.counts import has_too_many_values
from segforge_mock.models.served import Malformed

logging.getLogger("python_multipart").addHandler(logging.NullHandler())  # the answer says what is wrong

MAX_NUMBER: Final = 400
"""Characters up to which a field is read as a number. Every float fits."""


def read_form(model: Model, content_type: str, body: bytes) -> dict[str, Any] | Malformed:
    """Returns the fields of a form, cast to the types of the model's parameters. Text that can't be cast stays text.

    Arrays and objects are sent as JSON text. An array may also be sent as several fields of one name. A file becomes a
    URI with its name, since the gateway accepts files as URLs, or the base64 of its hash where the spec has base64.
    """
    fields: dict[str, list[str]] = {}
    parameters = model.parameters_by_name

    def on_field(field: Field) -> None:
        name = (field.field_name or b"").decode("utf-8", "replace")
        fields.setdefault(name, []).append((field.value or b"").decode("utf-8", "replace"))

    def on_file(file: File) -> None:
        name = (file.field_name or b"").decode("utf-8", "replace")
        fields.setdefault(name, []).append(_text_of(file, parameters.get(name)))

    headers = {"Content-Type": content_type.encode("latin-1"), "Content-Length": str(len(body)).encode()}
    try:
        parse_form(headers, io.BytesIO(body), on_field, on_file)
    except (FormParserError, ValueError) as error:
        return Malformed(str(error))
    if any(has_too_many_values(text.encode()) for texts in fields.values() for text in texts):
        return Malformed("a field holds more values than the limit of the mock")
    return {name: _value(parameters.get(name), texts) for name, texts in fields.items()}


def _text_of(file: File, parameter: Parameter | None) -> str:
    """Returns the text that stands for a file."""
    if parameter is not None and parameter.type == "array":
        parameter = parameter.items
    if parameter is None or parameter.format != "base64":
        return f"file:{quote(file.file_name or b'')}"
    file.file_object.seek(0)
    return base64.b64encode(hashlib.file_digest(file.file_object, "sha256").digest()).decode()


def _value(parameter: Parameter | None, texts: list[str]) -> Json:
    """Returns the value of the fields of one name. The last one counts, except in an array."""
    if parameter is None:
        return texts[-1]
    if parameter.type != "array":
        return _cast(parameter, texts[-1])
    whole = _parsed(texts[-1]) if len(texts) == 1 else None
    if isinstance(whole, list):
        return whole
    return [text if parameter.items is None else _cast(parameter.items, text) for text in texts]


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


def _parsed(text: str) -> Json:
    """Returns the value of a JSON text, or None if it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
