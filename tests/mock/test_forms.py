"""Multipart bodies: nested values, files, and their checks."""

import base64
import hashlib
from typing import Any

import httpx
import pytest

from segforge_mock.gateway.forms import read_form
from segforge_mock.models.reading import Malformed
from tests.mock.media_models import model, serving

MODEL = model(
    "nested",
    "text",
    parameters={
        "images": {"type": "array", "items": {"type": "string", "format": "uri"}, "required": True, "max_items": 3},
        "sizes": {"type": "array", "items": {"type": "integer"}, "required": False},
        "style": {"type": "object", "properties": {"name": {"type": "string", "required": True}}, "required": False},
        "mask": {"type": "string", "format": "base64", "required": False, "accepts": ["base64", "part"]},
        "either": {
            "any_of": [{"title": "name", "type": "string", "max_length": 3}, {"title": "list", "type": "array"}],
            "type": "any",
            "required": False,
        },
        "unknown": {"type": "any", "required": False},
    },
    encodings=["json", "multipart"],
)


@pytest.mark.parametrize(
    ("fields", "files", "read"),
    [
        ({"images": ["a:1", "a:2"]}, {}, {"images": ["a:1", "a:2"]}),
        ({"images": '["a:1", "a:2"]'}, {}, {"images": ["a:1", "a:2"]}),
        ({"images": "a:1"}, {}, {"images": ["a:1"]}),
        ({"images": "a:1", "sizes": ["1", "2"]}, {}, {"images": ["a:1"], "sizes": [1, 2]}),
        ({"images": "a:1", "style": '{"name": "x", "n": 1}'}, {}, {"images": ["a:1"], "style": {"name": "x", "n": 1}}),
        ({"images": "a:1", "either": "[1]"}, {}, {"images": ["a:1"], "either": "[1]"}),
        ({"images": "a:1", "either": "[1, 2]"}, {}, {"images": ["a:1"], "either": [1, 2]}),
        ({"images": "a:1", "unknown": "7"}, {}, {"images": ["a:1"], "unknown": "7"}),
        ({"images": "a:1", "unknown": '{"a": 1}'}, {}, {"images": ["a:1"], "unknown": {"a": 1}}),
        (
            {},
            [("images", ("a b.png", b"1")), ("images", ("c.png", b"2"))],
            {"images": ["file:a%20b.png", "file:c.png"]},
        ),
        (
            {"images": "a:1"},
            [("mask", ("m.png", b"1"))],
            {"images": ["a:1"], "mask": "a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s="},
        ),
    ],
    ids=str,
)
def test_a_form_holds_nested_values_and_files(fields: Any, files: Any, read: dict[str, Any]) -> None:
    request = httpx.Request("POST", "http://mock", data=fields, files=files or {"ignored": ("x", b"")})
    found = read_form(MODEL, request.headers["content-type"], request.read())
    assert isinstance(found, dict)
    assert {name: value for name, value in found.items() if name != "ignored"} == read
    with serving(MODEL) as client:
        assert client.post("/v1/nested", data=fields, files=files or {"ignored": ("x", b"")}).status_code == 200


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({}, "required.missing"),
        ({"images": ["a:1"] * 4}, "range.too_many"),
        ({"images": '["a:1", 2]'}, "type.integer_for_string"),
        ({"images": "not a uri"}, "format.uri"),
        ({"images": "a:1", "style": "{"}, "type.string_for_object"),
        ({"images": "a:1", "style": "{}"}, "required.missing"),
        ({"images": "a:1", "sizes": ["1", "two"]}, "type.string_for_integer"),
        ({"images": "a:1", "either": "a:1:2"}, "type.no_member"),
    ],
    ids=str,
)
def test_a_form_is_checked_like_json(fields: Any, rule: str) -> None:
    with serving(MODEL) as client:
        response = client.post("/v2/nested", data=fields, files={"ignored": ("x", b"")})
    assert response.status_code == 400
    assert [violation["rule"] for violation in response.json()["violations"]] == [rule]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[1,", '{"a": NaN}', "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")]
)
def test_broken_json_in_a_field_stays_text(text: str) -> None:
    with serving(MODEL) as client:
        response = client.post("/v2/nested", data={"images": "a:1", "style": text}, files={"ignored": ("x", b"")})
        assert [violation["rule"] for violation in response.json()["violations"]] == ["type.string_for_object"]


def test_fields_have_the_limits_of_a_json_body() -> None:
    for text in ("[" * 65 + "]" * 65, "[" + "1," * 30_000 + "1]"):
        request = httpx.Request("POST", "http://mock", data={"unknown": text}, files={"ignored": ("x", b"")})
        found = read_form(MODEL, request.headers["content-type"], request.read())
        assert isinstance(found, Malformed) or text.startswith("[[")
        with serving(MODEL) as client:
            response = client.post("/v1/nested", data={"unknown": text}, files={"ignored": ("x", b"")})
        assert response.status_code == 400
        assert "limit of the mock" in response.json()["error"]


PNG = b"\x89PNG\r\n\x1a\n\x00\xff"
FILES = model(
    "files",
    "text",
    parameters={
        "video": {"type": "string", "format": "uri", "file": "video", "required": False, "accepts": ["url", "part"]},
        "mask": {"type": "string", "format": "base64", "file": "image", "required": False, "accepts": ["part"]},
        "frames": {
            "type": "array",
            "items": {"type": "string", "format": "uri", "file": "image", "accepts": ["part"]},
            "required": False,
        },
        "either": {
            "any_of": [
                {"title": "number", "type": "integer"},
                {"title": "file", "type": "string", "format": "uri", "file": "audio", "accepts": ["url", "part"]},
            ],
            "type": "any",
            "required": False,
        },
        "unstated": {"type": "string", "format": "uri", "file": "image", "required": False},
    },
    encodings=["json", "multipart"],
)
HASH = base64.b64encode(hashlib.sha256(PNG).digest()).decode()


def part(name: bytes, content: bytes, more: bytes = b"") -> bytes:
    return b'--xx\r\nContent-Disposition: form-data; name="' + name + b'"' + more + b"\r\n\r\n" + content + b"\r\n"


def send(body: bytes) -> httpx.Response:
    with serving(FILES) as client:
        return client.post("/v1/files", content=body, headers={"content-type": "multipart/form-data; boundary=xx"})


@pytest.mark.parametrize(
    ("parts", "read"),
    [
        ([(b"video", PNG)], {"video": "file:video"}),
        ([(b"video", b"GIF89a of text")], {"video": "file:video"}),
        ([(b"video", b"")], {"video": "file:video"}),
        ([(b"video", b"https://a.test/x.mp4")], {"video": "https://a.test/x.mp4"}),
        ([(b"mask", PNG)], {"mask": HASH}),
        ([(b"mask", b"aGk=")], {"mask": "aGk="}),
        ([(b"frames", PNG)], {"frames": ["file:frames"]}),
        ([(b"frames", PNG), (b"frames", b"a:1")], {"frames": ["file:frames", "a:1"]}),
        ([(b"frames", b"a:1"), (b"frames", b"no uri")], {"frames": ["a:1", "file:frames"]}),
        ([(b"frames", b'["a:1", "a:2"]')], {"frames": ["a:1", "a:2"]}),
        ([(b"either", b"7")], {"either": 7}),
        ([(b"either", b"a:7")], {"either": "a:7"}),
        ([(b"either", PNG)], {"either": "file:either"}),
    ],
    ids=str,
)
def test_bytes_without_a_file_name_are_a_file_where_the_spec_has_parts(
    parts: list[tuple[bytes, bytes]], read: dict[str, Any]
) -> None:
    body = b"".join(part(*one) for one in parts) + b"--xx--\r\n"
    found = read_form(FILES, "multipart/form-data; boundary=xx", body)
    assert found == read
    assert send(body).status_code == 200


@pytest.mark.parametrize("content", [b"no uri", b""])
def test_other_files_without_a_name_are_text(content: bytes) -> None:
    body = part(b"unstated", content) + b"--xx--\r\n"
    assert [violation["rule"] for violation in send(body).json()["violations"]] == ["format.uri"]


GOOD = part(b"prompt", b"A fox") + part(b"video", PNG, b'; filename="x.mp4"')


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (GOOD, "closing boundary"),
        (GOOD + b"--xx", "closing boundary"),
        (GOOD + b"--xx-", "closing boundary"),
        (GOOD[:-20], "closing boundary"),
        (b"", "closing boundary"),
        (part(b"prompt", b"caf\xe9") + b"--xx--\r\n", '"prompt" is not UTF-8'),
        (part(b"unknown", b"\xff") + b"--xx--", '"unknown" is not UTF-8'),
        (part(b"unknown", b"\xff") + part(b"unknown", b"x") + b"--xx--", '"unknown" is not UTF-8'),
        (part(b"prompt", b"\xed\xa0\x80") + b"--xx--", '"prompt" is not UTF-8'),
        (part(b"unstated", PNG) + b"--xx--", '"unstated" is not UTF-8'),
        (part(b"caf\xe9", b"x") + b"--xx--", "name of a field is not UTF-8"),
        (part(b"caf\xe9", b"x", b'; filename="x"') + b"--xx--", "name of a field is not UTF-8"),
    ],
)
def test_a_broken_form_is_refused_like_broken_json(body: bytes, told: str) -> None:
    answer = send(body)
    with serving(FILES) as client:
        headers = {"content-type": "application/json"}
        broken = client.post("/v1/files", content=b'{"prompt": "caf\xe9"}', headers=headers)
    assert (answer.status_code, list(answer.json())) == (broken.status_code, list(broken.json())) == (400, ["error"])
    assert answer.json()["error"].startswith("Malformed request body: ")
    assert told in answer.json()["error"]


def test_a_form_may_have_a_preamble_line_and_an_epilogue() -> None:
    for body in (GOOD + b"--xx--", b"\r\n" + GOOD + b"--xx--\r\n", GOOD + b"--xx--\r\nepilogue"):
        assert send(body).status_code == 200
