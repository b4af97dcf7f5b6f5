"""Decodes an output file of any medium, by its first bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from segforge.spec.catalog import Media
from segforge.spec.printable import one_line
from segforge_contract.checks.decoders import pyav, scenes, sounds
from segforge_contract.checks.decoders.flac import read_flac
from segforge_contract.checks.decoders.headers import MediaHeader
from segforge_contract.checks.decoders.isobmff import read_isobmff
from segforge_contract.checks.decoders.matroska import read_matroska
from segforge_contract.checks.images import decode
from segforge_contract.checks.remembered import Remembered


class Format(NamedTuple):
    """A file format: its medium, and the media types under which servers send it, the registered one first."""

    medium: Media
    media_types: tuple[str, ...]


FORMATS: Final[Mapping[str, Format]] = {
    "jpeg": Format("image", ("image/jpeg",)),
    "png": Format("image", ("image/png",)),
    "webp": Format("image", ("image/webp",)),
    "svg": Format("image", ("image/svg+xml",)),
    "mp4": Format("video", ("video/mp4", "video/quicktime", "video/x-m4v")),
    "webm": Format("video", ("video/webm", "video/x-matroska")),
    "m4a": Format("audio", ("audio/mp4", "audio/m4a", "audio/x-m4a", "video/mp4")),
    "weba": Format("audio", ("audio/webm", "video/webm")),
    "mp3": Format("audio", ("audio/mpeg", "audio/mp3", "audio/x-mp3", "audio/x-mpeg", "audio/mpeg3")),
    "wav": Format("audio", ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave")),
    "ogg": Format("audio", ("audio/ogg", "application/ogg", "audio/opus", "audio/vorbis")),
    "flac": Format("audio", ("audio/flac", "audio/x-flac")),
    "glb": Format("model3d", ("model/gltf-binary",)),
}
"""The formats that can be decoded."""


@dataclass(frozen=True)
class DecodedFile:
    """A decoded file: its format, its size in pixels, its length in seconds and its frames per second, if known."""

    format: str
    header: MediaHeader

    @property
    def medium(self) -> Media:
        """The medium of the file."""
        return FORMATS[self.format].medium

    @property
    def media_types(self) -> tuple[str, ...]:
        """The media types under which servers send the format."""
        return FORMATS[self.format].media_types


@dataclass(frozen=True)
class NotDecoded:
    """A file that doesn't decode, and the reason. `format` is the one that its first bytes show, None if none."""

    format: str | None
    reason: str


@Remembered
def decode_file(data: bytes) -> DecodedFile | NotDecoded:
    """Decodes a file: every pixel of an image, the structure of other files, and frames if PyAV is installed."""
    format_ = _format_of(data)
    if format_ is None:
        return NotDecoded(None, "a file of no known format")
    if format_ in ("jpeg", "png", "webp"):
        image = decode(data)
        if isinstance(image, str):
            return NotDecoded(format_, image)
        return DecodedFile(image.media_type.partition("/")[2], MediaHeader(width=image.width, height=image.height))
    try:
        decoded = DecodedFile(*_READERS[format_](data))
    except Exception as error:  # a damaged file may lead to any error
        reason = one_line(str(error))[:80] if isinstance(error, ValueError) else "damaged"
        return NotDecoded(format_, f"a {format_} file that does not decode ({reason})")
    broken = pyav.broken(data) if decoded.medium in ("video", "audio") else None
    return decoded if broken is None else NotDecoded(format_, f"a {format_} file that does not decode ({broken})")


def _format_of(data: bytes) -> str | None:
    """Returns the format that the first bytes show, or None."""
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    for start, format_ in _STARTS:
        if data.startswith(start):
            return format_
    if data[:4] == b"RIFF":
        return {b"WAVE": "wav", b"WEBP": "webp"}.get(data[8:12])
    if data[4:8] == b"ftyp":
        return "mp4"
    if sounds.is_mp3(data):
        return "mp3"
    return "svg" if scenes.is_svg(data) else None


_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\x1aE\xdf\xa3", "webm"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"glTF", "glb"),
)


def _isobmff(data: bytes) -> tuple[str, MediaHeader]:
    header = read_isobmff(data)
    return ("mp4" if header.width is not None else "m4a"), header


def _matroska(data: bytes) -> tuple[str, MediaHeader]:
    header = read_matroska(data)
    return ("webm" if header.width is not None else "weba"), header


_READERS: Final[Mapping[str, Callable[[bytes], tuple[str, MediaHeader]]]] = {
    "mp4": _isobmff,
    "webm": _matroska,
    "wav": lambda data: ("wav", sounds.read_wav(data)),
    "mp3": lambda data: ("mp3", sounds.read_mp3(data)),
    "ogg": lambda data: ("ogg", sounds.read_ogg(data)),
    "flac": lambda data: ("flac", read_flac(data)),
    "glb": lambda data: ("glb", scenes.read_glb(data)),
    "svg": lambda data: ("svg", scenes.read_svg(data)),
}
