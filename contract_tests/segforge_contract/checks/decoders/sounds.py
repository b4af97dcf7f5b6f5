"""Reads sounds: WAV, MP3 and Ogg."""

import struct
from collections.abc import Iterator

from segforge_contract.checks.decoders.headers import Damaged, MediaHeader

_BITRATES = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Kilobits per second by version (1, or 2 for 2 and 2.5) and layer, in the order of their index from 1."""
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
"""Samples per second by the bits of the version."""
_MOST_PAGES = 1_000_000
_STREAMED = 0x7FFFFF00
"""The size from which one is that of a stream, whose length was unknown when its header was written."""


def read_wav(data: bytes) -> MediaHeader:
    """Returns the length of a WAV file. A streamed one may state a size that it doesn't have. Raises Damaged."""
    at, rate = 12, 0
    stated = int.from_bytes(data[4:8], "little")
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind == b"fmt ":
            (rate,) = struct.unpack_from("<I", data, at + 16)
        if kind == b"data":
            left = len(data) - at - 8
            if not rate or (size > left and size < _STREAMED):
                raise Damaged(f"{size} bytes of sound with {left} left")
            is_padded = size != left or not size % 2  # some writers leave out the last byte, which holds no sound
            if len(data) - 8 < stated < _STREAMED and is_padded:
                raise Damaged(f"{stated} bytes stated, {len(data) - 8} sent")
            return MediaHeader(seconds=min(size, left) / rate)
        at += 8 + size + size % 2
    raise Damaged("no sound")


def read_ogg(data: bytes) -> MediaHeader:
    """Returns the length of an Ogg file with Vorbis or Opus. Raises Damaged."""
    at, last, rate, skip = 0, 0, 0, 0
    for _ in range(_MOST_PAGES):
        if at >= len(data):
            break
        if data[at : at + 4] != b"OggS":
            raise Damaged("a page without its mark")
        granule, segments = struct.unpack_from("<q", data, at + 6)[0], data[at + 26]
        body = at + 27 + segments
        size = sum(data[at + 27 : body])
        if body + size > len(data):
            raise Damaged("the last page is cut off")
        if not at:
            rate, skip = _ogg_rate(data[body : body + size])
        last = max(last, granule)
        at = body + size
    return MediaHeader(seconds=(last - skip) / rate if rate and last else None)


def _ogg_rate(packet: bytes) -> tuple[int, int]:
    """Returns the units of a position per second, and those before the sound starts; 0 for an unknown codec."""
    if packet.startswith(b"OpusHead"):
        return 48000, struct.unpack_from("<H", packet, 10)[0]
    if packet.startswith(b"\x01vorbis"):
        return struct.unpack_from("<I", packet, 12)[0], 0
    return 0, 0


def is_mp3(data: bytes) -> bool:
    """Returns whether data starts like an MP3 file: with an ID3 tag, or with two frames."""
    if data[:3] == b"ID3":
        return True
    try:
        first = _frame(data, 0)
        return first is not None and _frame(data, first[0]) is not None
    except (IndexError, struct.error):
        return False


def read_mp3(data: bytes) -> MediaHeader:
    """Returns the length of an MP3 file, the sum of its frames. Raises Damaged."""
    at = 0
    if data[:3] == b"ID3":
        at = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    found, stated = list(_frames(data, at)), _stated_frames(data, at)
    if not found:
        raise Damaged("no frames")
    if found[-1][0] > len(data):
        raise Damaged("the last frame is cut off")
    frames = [seconds for _, seconds in found]
    if stated is not None:
        frames = frames[1:]  # the frame with the number of frames holds no sound
        if len(frames) < stated:
            raise Damaged(f"{len(frames)} of {stated} frames")
    return MediaHeader(seconds=sum(frames))


def _stated_frames(data: bytes, at: int) -> int | None:
    """Returns the number of frames that a Xing header in the first frame states, or None."""
    for tag in (b"Xing", b"Info"):
        found = data.find(tag, at, at + 64)
        if found >= 0 and len(data) >= found + 12 and data[found + 7] & 1:
            return int.from_bytes(data[found + 8 : found + 12])
    return None


def _frames(data: bytes, at: int) -> Iterator[tuple[int, float]]:
    """Yields where each frame ends, which may be behind the data, and its length in seconds."""
    while at + 4 <= len(data) and (frame := _frame(data, at)) is not None:
        yield frame
        at = frame[0]


def _frame(data: bytes, at: int) -> tuple[int, float] | None:
    """Returns where a frame ends and its length in seconds, or None if none starts here."""
    head = int.from_bytes(data[at : at + 4])
    version, layer = head >> 19 & 3, 4 - (head >> 17 & 3)
    bits, speed, padding = head >> 12 & 15, head >> 10 & 3, head >> 9 & 1
    if len(data) < at + 4 or head >> 21 != 0x7FF or version == 1 or layer == 4 or bits in (0, 15) or speed == 3:
        return None
    rate = _RATES[version][speed]
    kilobits = _BITRATES[1 if version == 3 else 2, layer][bits - 1]
    samples = 384 if layer == 1 else 1152 if layer == 2 or version == 3 else 576
    size = samples // 8 * kilobits * 1000 // rate + padding * (4 if layer == 1 else 1)
    return at + size, samples / rate
