"""Pictures on their way in: all forms of them become data URLs, text stays as it is, nothing is read by mistake."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from segmind_client import Segmind
from tests.client.conftest import Gateway, json_answer


def encoded(kind: str) -> bytes:
    file = io.BytesIO()
    PIL.Image.new("RGB", (2, 2), "red").save(file, kind)
    return file.getvalue()


JPEG, PNG, WEBP = encoded("JPEG"), encoded("PNG"), encoded("WEBP")


def data_url(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def sent(client: Segmind, gateway: Gateway, value: Any) -> Any:
    gateway.on("POST", "/v1/flux-img2img", json_answer({}))
    client.run_sync("flux-img2img", image=value)
    return gateway.received[-1].json["image"]


@pytest.mark.parametrize(
    "text", ["https://host.test/a.png", "data:image/png;base64,AAAA", "AAAA", "/etc/passwd", "pyproject.toml", ""]
)
def test_text_is_sent_as_it_is(client: Segmind, gateway: Gateway, text: str) -> None:
    assert sent(client, gateway, text) == text


@pytest.mark.parametrize(("content", "kind"), [(JPEG, "jpeg"), (PNG, "png"), (WEBP, "webp")])
@pytest.mark.parametrize("form", [bytes, bytearray, io.BytesIO])
def test_bytes_and_files_become_a_data_url(
    client: Segmind, gateway: Gateway, content: bytes, kind: str, form: Callable[[bytes], object]
) -> None:
    assert sent(client, gateway, form(content)) == data_url(content, kind)


def test_a_path_and_an_open_file_are_read(client: Segmind, gateway: Gateway, tmp_path: Path) -> None:
    path = tmp_path / "picture.bin"
    path.write_bytes(PNG)
    assert sent(client, gateway, path) == data_url(PNG, "png")
    with path.open("rb") as file:
        assert sent(client, gateway, file) == data_url(PNG, "png")


def test_a_file_that_is_no_known_picture_goes_by_its_name(client: Segmind, gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"abc")
    assert sent(client, gateway, tmp_path / "clip.mp4") == "data:video/mp4;base64,YWJj"


def test_a_pil_image_keeps_its_format_or_becomes_png(client: Segmind, gateway: Gateway) -> None:
    opened = PIL.Image.open(io.BytesIO(JPEG))
    assert sent(client, gateway, opened).startswith("data:image/jpeg;base64,")
    drawn = PIL.Image.new("RGBA", (3, 2), (1, 2, 3, 4))
    again = PIL.Image.open(io.BytesIO(base64.b64decode(sent(client, gateway, drawn).partition(",")[2])))
    assert (again.format, again.size, again.getpixel((0, 0))) == ("PNG", (3, 2), (1, 2, 3, 4))


def test_pictures_in_lists_are_sent_too(client: Segmind, gateway: Gateway) -> None:
    assert sent(client, gateway, [PNG, "https://host.test/a.png"]) == [data_url(PNG, "png"), "https://host.test/a.png"]


@pytest.mark.parametrize("value", [io.StringIO("text"), b"", Path("no-such-file.png"), object()])
def test_what_is_no_picture_is_refused_before_anything_is_sent(
    client: Segmind, gateway: Gateway, value: object
) -> None:
    with pytest.raises((TypeError, ValueError), match="parameter 'image'"):
        client.run_sync("flux-img2img", image=value)
    assert gateway.received == []


def test_a_picture_of_any_form_passes_the_check(client: Segmind) -> None:
    for value in (PNG, Path("a.png"), io.BytesIO(PNG), PIL.Image.new("L", (1, 1))):
        assert client.flux_ipadapter.check(image=value, prompt="a cat") == ()
    assert [found.rule for found in client.flux_ipadapter.check(image=[], prompt=PNG)] == [
        "type.array_for_string",
        "type.object_for_string",
    ]
