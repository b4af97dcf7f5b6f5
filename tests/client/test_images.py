"""Input images: all types become data URLs, text is sent unchanged, and no file is read by mistake."""

import base64
import io
from collections.abc import Callable
from functools import partial
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
def test_text_is_sent_unchanged(client: Segmind, gateway: Gateway, text: str) -> None:
    assert sent(client, gateway, text) == text


@pytest.mark.parametrize(("content", "kind"), [(JPEG, "jpeg"), (PNG, "png"), (WEBP, "webp")])
@pytest.mark.parametrize("form", [bytes, bytearray, io.BytesIO])
def test_bytes_and_files_become_a_data_url(
    client: Segmind, gateway: Gateway, content: bytes, kind: str, form: Callable[[bytes], object]
) -> None:
    assert sent(client, gateway, form(content)) == data_url(content, kind)


def test_a_path_and_an_open_file_are_read(client: Segmind, gateway: Gateway, tmp_path: Path) -> None:
    path = tmp_path / "image.bin"
    path.write_bytes(PNG)
    assert sent(client, gateway, path) == data_url(PNG, "png")
    with path.open("rb") as file:
        assert sent(client, gateway, file) == data_url(PNG, "png")


CLIPS = {
    "video/mp4": b"\0\0\0\x18ftypisom....",
    "image/avif": b"\0\0\0\x18ftypavif....",
    "video/webm": b"\x1a\x45\xdf\xa3....",
    "audio/wav": b"RIFF....WAVEfmt ",
    "audio/mpeg": b"ID3....",
}


@pytest.mark.parametrize("kind", CLIPS)
def test_videos_and_sounds_are_recognised_by_their_bytes(
    client: Segmind, gateway: Gateway, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "misnamed.txt").write_bytes(CLIPS[kind])
    expected = f"data:{kind};base64,{base64.b64encode(CLIPS[kind]).decode()}"
    assert sent(client, gateway, tmp_path / "misnamed.txt") == expected
    assert sent(client, gateway, CLIPS[kind]) == expected


@pytest.mark.parametrize(("name", "content"), [("secret.json", b'{"key": 1}'), ("clip.mp4", b"abc"), ("a.png", b"no")])
def test_a_file_name_does_not_make_an_image(
    client: Segmind, gateway: Gateway, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with (tmp_path / name).open("rb") as file:
        for value in (tmp_path / name, file):
            with pytest.raises(ValueError, match=r"parameter 'image'.* not an image"):
                client.run_sync("flux-img2img", image=value)
    assert gateway.received == []


def test_a_file_can_be_sent_twice(client: Segmind, gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    gateway.on("POST", "/v1/flux-img2img", json_answer({}))
    with (tmp_path / "a.png").open("rb") as file:
        file.seek(5)
        for _ in range(2):
            assert sent(client, gateway, file) == data_url(PNG, "png")
        client.gather([partial(client.run_sync, "flux-img2img", image=file) for _ in range(16)])
    assert {request.json["image"] for request in gateway.received} == {data_url(PNG, "png")}
    assert len(gateway.received) == 18


def test_empty_content_is_rejected_with_its_name(client: Segmind, gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    for value in (b"", bytearray(), io.BytesIO(), tmp_path / "empty.png"):
        with pytest.raises(ValueError, match=r"parameter 'image' .*is empty"):
            client.run_sync("flux-img2img", image=value)
    assert gateway.received == []


class Stream(io.RawIOBase):
    """A file that can be read only once, like a pipe."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, size: int = -1) -> bytes:
        assert size == -1
        content, self.content = self.content, b""
        return content


def test_a_stream_is_read_once_and_the_error_names_the_wrong_parameter(client: Segmind, gateway: Gateway) -> None:
    assert sent(client, gateway, Stream(PNG)) == data_url(PNG, "png")
    with pytest.raises(ValueError, match="parameter 'denoise'"):
        client.run_sync("flux-img2img", image=Stream(PNG), denoise=float("nan"))
    file = io.BytesIO(PNG)
    file.close()
    with pytest.raises(ValueError, match=r"parameter 'image' .*closed"):
        client.run_sync("flux-img2img", image=file)


@pytest.mark.parametrize("mode", ["CMYK", "F", "YCbCr", "1", "I;16"])
def test_a_pil_image_of_any_mode_is_sent(client: Segmind, gateway: Gateway, mode: str) -> None:
    assert sent(client, gateway, PIL.Image.new(mode, (2, 2))).startswith("data:image/png;base64,")


def test_a_pil_image_keeps_its_format_or_becomes_png(client: Segmind, gateway: Gateway) -> None:
    opened = PIL.Image.open(io.BytesIO(JPEG))
    assert sent(client, gateway, opened).startswith("data:image/jpeg;base64,")
    drawn = PIL.Image.new("RGBA", (3, 2), (1, 2, 3, 4))
    again = PIL.Image.open(io.BytesIO(base64.b64decode(sent(client, gateway, drawn).partition(",")[2])))
    assert (again.format, again.size, again.getpixel((0, 0))) == ("PNG", (3, 2), (1, 2, 3, 4))


def test_images_in_lists_are_sent(client: Segmind, gateway: Gateway) -> None:
    assert sent(client, gateway, [PNG, "https://host.test/a.png"]) == [data_url(PNG, "png"), "https://host.test/a.png"]


@pytest.mark.parametrize("value", [io.StringIO("text"), b"", Path("no-such-file.png"), object()])
def test_content_that_is_not_an_image_is_rejected_before_anything_is_sent(
    client: Segmind, gateway: Gateway, value: object
) -> None:
    with pytest.raises((TypeError, ValueError), match="parameter 'image'"):
        client.run_sync("flux-img2img", image=value)
    assert gateway.received == []


def test_an_image_of_any_type_passes_the_check(client: Segmind) -> None:
    for value in (PNG, Path("a.png"), io.BytesIO(PNG), PIL.Image.new("L", (1, 1))):
        assert client.flux_ipadapter.check(image=value, prompt="a cat") == ()
    assert [found.rule for found in client.flux_ipadapter.check(image=[], prompt=PNG)] == [
        "type.array_for_string",
        "type.object_for_string",
    ]
