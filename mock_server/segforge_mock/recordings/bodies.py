"""The forms of bodies: JSON as it was spelled, the parts of a form, and what two bodies have in common.

The fingerprint of a body is the same for bodies of the same meaning: JSON values that are equal (1 and 1.0, keys in
any order), and forms with the same parts, whatever their boundary.
"""

import hashlib
import json
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import File, FormParser, parse_options_header

from segforge_mock.http.counts import has_too_many_values, parts_refusal
from segforge_mock.http.request import media_type
from segforge_mock.recordings.masking import Masking

SPELLINGS: Final[dict[str, dict[str, Any]]] = {
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
    "spaced": {"separators": (", ", ": "), "ensure_ascii": False},
    "compact ASCII": {"separators": (",", ":"), "ensure_ascii": True},
    "spaced ASCII": {"separators": (", ", ": "), "ensure_ascii": True},
}
"""The usual ways to write JSON, by the name that a recording uses."""


class ReadPart(NamedTuple):
    """One part of a form. `filename` is None for a field."""

    name: str
    filename: str | None
    media_type: str
    data: bytes


def is_json(content_type: str) -> bool:
    """Returns whether a Content-Type says that a body is JSON."""
    kind = media_type(content_type)
    return kind == "application/json" or kind.endswith("+json")


def read_json(data: bytes) -> tuple[Any, str] | None:
    """Returns the value of a JSON body, and the spelling that reproduces its bytes. None if no usual one does."""
    if has_too_many_values(data):
        return None
    try:
        value = json.loads(data.decode("utf-8"))
        for spelling, options in SPELLINGS.items():
            if json.dumps(value, allow_nan=False, **options).encode("utf-8") == data:
                return value, spelling
    except (ValueError, RecursionError):
        return None
    return None


def write_json(value: Any, spelling: str) -> bytes:
    """Returns a JSON value in a spelling. Raises ValueError if JSON can't hold it."""
    return json.dumps(value, allow_nan=False, **SPELLINGS[spelling]).encode("utf-8")


def read_parts(content_type: str, data: bytes) -> tuple[ReadPart, ...] | None:
    """Returns the parts of a form in their order, or None if the body is not a whole form."""
    if media_type(content_type) != "multipart/form-data" or parts_refusal(content_type, data) is not None:
        return None
    found: list[ReadPart] = []
    ends: list[bool] = []

    def on_file(file: File) -> None:
        file.file_object.seek(0)
        name = None if file.file_name is None else file.file_name.decode()
        kind = str(getattr(file, "content_type", None) or "")  # older versions don't read it
        found.append(ReadPart((file.field_name or b"").decode(), name, kind, file.file_object.read()))

    try:
        boundary = parse_options_header(content_type.encode("latin-1"))[1].get(b"boundary")
        parser = FormParser(
            "multipart/form-data",
            lambda field: found.append(ReadPart((field.field_name or b"").decode(), None, "", field.value or b"")),
            on_file,
            lambda: ends.append(True),
            boundary=boundary,
        )
        parser.write(data)
        parser.finalize()
    except (FormParserError, ValueError):
        return None
    return tuple(found) if ends else None


def is_text(content_type: str, data: bytes) -> bool:
    """Returns whether a body is text: UTF-8, and not an image, a video, audio or a 3D model."""
    if media_type(content_type).startswith(("image/", "video/", "audio/", "model/")) and not is_json(content_type):
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def masked(content_type: str, data: bytes, masking: Masking) -> bytes:
    """Returns a body without secrets."""
    return masking.text(data) if is_text(content_type, data) else masking.binary(data)


def masked_part(part: ReadPart, masking: Masking) -> ReadPart:
    """Returns a part of a form without secrets."""
    kind = part.media_type or ("" if part.filename is None else "application/octet-stream")
    filename = None if part.filename is None else masking.text(part.filename.encode()).decode()
    name = masking.text(part.name.encode()).decode()
    return ReadPart(name, filename, part.media_type, masked(kind, part.data, masking))


def masked_fingerprint(content_type: str, data: bytes, masking: Masking) -> str:
    """Returns the fingerprint that the recording of a body has."""
    parts = read_parts(content_type, data)
    if parts is None:
        return fingerprint(content_type, masked(content_type, data, masking))
    found = [masked_part(part, masking) for part in parts]
    return parts_fingerprint([(part.name, part.filename, sha256(part.data)) for part in found])


def request_id_of(data: bytes) -> str:
    """Returns the id of the job that a JSON body names, or "" if it names none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    request_id = found.get("request_id") if isinstance(found, dict) else None
    return request_id if isinstance(request_id, str) else ""


def fingerprint(content_type: str, data: bytes) -> str:
    """Returns a hash that bodies of the same meaning share."""
    kind = media_type(content_type)
    if kind == "multipart/form-data":
        parts = read_parts(content_type, data)
        if parts is not None:
            return parts_fingerprint([(part.name, part.filename, sha256(part.data)) for part in parts])
    elif kind == "application/x-www-form-urlencoded":
        return _hash("fields", json.dumps(sorted(parse_qsl(data.decode("latin-1"), keep_blank_values=True))).encode())
    elif data and not has_too_many_values(data):
        try:
            value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique)
            return _hash("json", json.dumps(_number_free(value), sort_keys=True, allow_nan=False).encode())
        except (ValueError, RecursionError):
            pass
    return _hash("bytes", data)


def parts_fingerprint(parts: list[tuple[str, str | None, str]]) -> str:
    """Returns the fingerprint of a form: of the name, file name and SHA-256 of each part, in the order of names."""
    return _hash("form", json.dumps(sorted(parts, key=lambda part: part[0])).encode())


def differing(one: bytes, two: bytes) -> list[str] | None:
    """Returns the names of the members in which two JSON objects differ, or None if they aren't JSON objects."""
    try:
        a, b = json.loads(one), json.loads(two)
    except (ValueError, RecursionError):
        return None
    if not isinstance(a, dict) or not isinstance(b, dict):
        return None
    return sorted(name for name in a.keys() | b.keys() if name not in a or name not in b or a[name] != b[name])


def sha256(data: bytes) -> str:
    """Returns the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _hash(kind: str, data: bytes) -> str:
    return sha256(kind.encode() + b"\n" + data)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns an object. Raises ValueError if a key is repeated, since parsers disagree about its value."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a repeated key")
    return value


def _number_free(value: Any) -> Any:
    """Returns a JSON value in which equal numbers are written alike."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_number_free(item) for item in value]
    if isinstance(value, dict):
        return {name: _number_free(item) for name, item in value.items()}
    return value
