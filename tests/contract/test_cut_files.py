"""Files of all formats decode, and the same files are found to be damaged if their end is missing."""

import io
import random
import struct
import wave
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import av
import pytest
from PIL import Image, PngImagePlugin

from segforge_contract.checks.decoders import FORMATS, DecodedFile, NotDecoded, decode_file, pyav
from tests.contract.test_media import ANSWERS, ASKED


class OneWay(io.BytesIO):
    """A file that a writer can't go back in, as in a stream."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise io.UnsupportedOperation


def sound(
    container: str, codec: str, *, rate: int = 16_000, layout: str = "mono", form: str = "s16", **more: Any
) -> bytes:
    """Returns noise of almost a second."""
    out = OneWay() if more.pop("streamed", False) else io.BytesIO()
    chance = random.Random(1)
    with av.open(out, "w", format=container, options={"fflags": "+bitexact", **more}) as file:
        stream: Any = file.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame(form, layout, int(rate * 0.97))
        frame.sample_rate = rate
        for plane in frame.planes:
            plane.update(chance.randbytes(plane.buffer_size))
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    return out.getvalue()


def film(container: str, codec: str, *, streamed: bool = False, **options: str) -> bytes:
    """Returns a video of two seconds."""
    out = OneWay() if streamed else io.BytesIO()
    chance = random.Random(1)
    with av.open(out, "w", format=container, options={"fflags": "+bitexact", **options}) as file:
        stream: Any = file.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 4
        for index in range(16):
            frame = av.VideoFrame(64, 48, "yuv420p")
            for plane in frame.planes:
                plane.update(chance.randbytes(plane.buffer_size))
            frame.pts = index
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


def index_first(film: bytes) -> bytes:
    """Returns an MP4 file whose index is before its media data, with the offsets of all groups of frames corrected."""
    at, media = film.index(b"moov") - 4, film.index(b"mdat") - 4
    index, groups = bytearray(film[at:]), film.index(b"stco") - at
    (count,) = struct.unpack_from(">I", index, groups + 8)
    for place in range(groups + 12, groups + 12 + 4 * count, 4):
        struct.pack_into(">I", index, place, struct.unpack_from(">I", index, place)[0] + len(index))
    return film[:media] + index + film[media:at]


def live(film: bytes) -> bytes:
    """Returns a WebM file whose segment and clusters state no size, as browsers write it."""
    for mark in (b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"):
        parts = film.split(mark)
        sizes = [9 - part[0].bit_length() for part in parts[1:]]
        unknown = [bytes([(0x1FF >> size) & 0xFF]) + b"\xff" * (size - 1) for size in sizes]
        rest = [head + part[len(head) :] for head, part in zip(unknown, parts[1:], strict=True)]
        film = mark.join([parts[0], *rest])
    return film


def answered(name: str) -> bytes:
    """Returns the mock's file, without a last line break, which an SVG file may lack."""
    return ANSWERS[name].body.removesuffix(b"\n")


def image(format_: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((320, 240), 90).convert("RGB").save(out, format_, **options)
    return out.getvalue()


def waves(samples: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 1, 8_000, 0, "NONE", ""))
        file.writeframes(bytes(samples))
    return out.getvalue()


def texts() -> Any:
    made = PngImagePlugin.PngInfo()
    made.add(b"teXt", b"comment" * 50, after_idat=True)
    return made


FRAGMENTS: Final = "frag_keyframe+empty_moov"
FILES: Final[dict[str, tuple[str, Callable[[], bytes]]]] = {
    **{name: (name, partial(answered, name)) for name in ASKED},
    "jpeg": ("jpeg", lambda: image("JPEG")),
    "jpeg progressive": ("jpeg", lambda: image("JPEG", progressive=True)),
    "jpeg grey": ("jpeg", lambda: image("JPEG", quality=10)),
    "png": ("png", lambda: image("PNG")),
    "png with a text at its end": ("png", lambda: image("PNG", pnginfo=texts())),
    "webp": ("webp", lambda: image("WEBP")),
    "webp lossless": ("webp", lambda: image("WEBP", lossless=True)),
    "webp with metadata": ("webp", lambda: image("WEBP", exif=b"Exif\0\0" + bytes(300))),
    "wav of bytes": ("wav", lambda: waves(7_000)),
    "wav streamed": ("wav", lambda: sound("wav", "pcm_s16le", streamed=True)),
    "mp3 without a count": ("mp3", lambda: sound("mp3", "libmp3lame", form="s16p", write_xing="0")),
    "mp3 fast": ("mp3", lambda: sound("mp3", "libmp3lame", form="s16p", rate=44_100, layout="stereo")),
    "ogg stereo": ("ogg", lambda: sound("ogg", "libopus", rate=48_000, layout="stereo")),
    "flac stereo": ("flac", lambda: sound("flac", "flac", rate=44_100, layout="stereo")),
    "flac of 24 bits": ("flac", lambda: sound("flac", "flac", rate=96_000, form="s32")),
    "flac slow": ("flac", lambda: sound("flac", "flac", rate=8_000)),
    "flac odd": ("flac", lambda: sound("flac", "flac", rate=12_345)),
    "flac streamed": ("flac", lambda: sound("flac", "flac", streamed=True)),
    "flac with a tag": ("flac", lambda: sound("flac", "flac") + b"TAG" + bytes(125)),
    "m4a": ("m4a", lambda: sound("ipod", "aac")),
    "weba": ("weba", lambda: sound("webm", "libopus")),
    "mp4 with its index first": ("mp4", lambda: index_first(film("mp4", "mpeg4"))),
    "mp4 in fragments": ("mp4", lambda: film("mp4", "mpeg4", movflags=FRAGMENTS)),
    "webm streamed": ("webm", lambda: film("webm", "libvpx", streamed=True)),
    "webm live": ("webm", lambda: live(film("webm", "libvpx"))),
}
WITHOUT_END: Final = ("wav streamed",)
"""Files that state no length: their last bytes may be missing without a trace, and no rule claims that they are."""


def test_each_format_is_cut() -> None:
    assert {format_ for format_, _ in FILES.values()} == set(FORMATS)


@pytest.fixture(params=[True, False], ids=["PyAV", "no PyAV"])
def with_and_without_pyav(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not request.param:
        monkeypatch.setattr(pyav, "broken", lambda _: None)
    decode_file.cache_clear()
    yield
    decode_file.cache_clear()


@pytest.mark.usefixtures("with_and_without_pyav")
@pytest.mark.parametrize("name", FILES)
def test_a_file_without_its_end_does_not_decode(name: str) -> None:
    format_, made = FILES[name]
    body = made()
    whole = decode_file(body)
    assert isinstance(whole, DecodedFile), whole
    assert whole.format == format_
    cuts = {"10 %": len(body) // 10, "50 %": len(body) // 2, "90 %": len(body) * 9 // 10, "one short": len(body) - 1}
    found = {share: isinstance(decode_file(body[:cut]), NotDecoded) for share, cut in cuts.items()}
    assert found == dict.fromkeys(cuts, name not in WITHOUT_END)
