"""Payloads as multipart forms."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from segforge.spec.catalog import Model

_BOUNDARY: Final = "segforge-contract-form"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]+")


def form_payload(model: Model, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of a payload that a form holds as text for sure: texts, numbers, true and false.

    No source says how a form holds null, arrays and objects. A file that is only accepted as a part has no text.
    """
    only_parts = {one.name for one in model.parameters if set(one.accepts) == {"part"}}
    return {
        name: value
        for name, value in payload.items()
        if isinstance(value, str | int | float) and name not in only_parts and _PLAIN.fullmatch(name)
    }


def form_of(payload: Mapping[str, Any]) -> tuple[str, bytes]:
    """Returns the Content-Type and the body of a form, with each value as text."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in payload.items()}
    boundary = _BOUNDARY
    while any(boundary in text for text in texts.values()):
        boundary += "-"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in texts.items()
    ]
    body = "".join([*parts, f"--{boundary}--\r\n"])
    return f"multipart/form-data; boundary={boundary}", body.encode("utf-8", "replace")
