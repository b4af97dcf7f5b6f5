"""Reads multipart/form-data bodies. Fields are text; numbers and booleans are cast to the parameter's type."""

import io
import json
import logging
from typing import Any, Final
from urllib.parse import quote

from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File

from segforge.spec.catalog import Model, Scalar
from segforge.spec.values import json_type
from segforge_mock.models.served import Malformed

logging.getLogger("python_multipart").addHandler(logging.NullHandler())  # the answer says what is wrong

MAX_NUMBER: Final = 400
"""Characters up to which a field is read as a number. Every float fits."""


def read_form(model: Model, content_type: str, body: bytes) -> dict[str, Any] | Malformed:
    """Returns the fields of a form, cast to the types of the model's parameters. Text that can't be cast stays text.

    A file becomes a URI with its name, because the gateway accepts images as URLs.
    """
    fields: dict[str, str] = {}

    def on_field(field: Field) -> None:
        name, value = field.field_name, field.value
        fields[(name or b"").decode("utf-8", "replace")] = (value or b"").decode("utf-8", "replace")

    def on_file(file: File) -> None:
        fields[(file.field_name or b"").decode("utf-8", "replace")] = f"file:{quote(file.file_name or b'')}"

    headers = {"Content-Type": content_type.encode("latin-1"), "Content-Length": str(len(body)).encode()}
    try:
        parse_form(headers, io.BytesIO(body), on_field, on_file)
    except (FormParserError, ValueError) as error:
        return Malformed(str(error))
    types = {parameter.name: parameter.type for parameter in model.parameters}
    return {name: _cast(text, types.get(name, "string")) for name, text in fields.items()}


def _cast(text: str, type_: str) -> Scalar:
    if type_ == "string" or len(text) > MAX_NUMBER:
        return text
    try:
        value = json.loads(text.lower())
    except ValueError:
        return text
    return value if json_type(value) in ("boolean", "integer", "number") else text
