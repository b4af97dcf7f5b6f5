"""Reads FLAC files (RFC 9639): the stream information, the metadata, and the last frame, which shows a file's end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from segforge_contract.checks.decoders.headers import Damaged, MediaHeader

_MOST_BYTES: Final = 2 * 2**20
"""The size of a frame that is searched, if the file states no largest one."""
_MOST_FRAMES: Final = 64
"""The bytes that look like the start of a frame and are compared with its checksum."""
_TAG: Final = 128
_SIZES: Final = {
    1: 192,
    **{code: 576 << code - 2 for code in range(2, 6)},
    **{code: 1 << code for code in range(8, 16)},
}
"""The samples of a frame by their code; 6 and 7 stand for a number in the header."""


@dataclass(frozen=True)
class _Stream:
    """The stream information: samples of all frames but the last (0 if they differ), bytes of the largest frame."""

    block: int
    largest: int
    rate: int
    samples: int


@dataclass(frozen=True)
class _Frame:
    """A frame: the number of its first sample, or of the frame itself, and its samples."""

    is_variable: bool
    number: int
    samples: int


def read_flac(data: bytes) -> MediaHeader:
    """Returns the length of a FLAC file. Raises Damaged if the file ends before its last frame does."""
    start = _frames_start(data)
    stream = _stream(data[8:42])
    end = len(data) - _TAG if data[-_TAG:].startswith(b"TAG") else len(data)
    last = _last_frame(data[max(start, end - stream.largest) : end])
    if last is None:
        raise Damaged("the last frame is cut off")
    before = last.number if last.is_variable else last.number * stream.block
    if stream.samples and before + last.samples < stream.samples:
        raise Damaged(f"{before + last.samples} of {stream.samples} samples")
    return MediaHeader(seconds=stream.samples / stream.rate if stream.samples else None)


def _frames_start(data: bytes) -> int:
    """Returns where the first frame starts, behind the blocks of metadata."""
    if len(data) < 42 or data[4] & 0x7F:
        raise Damaged("no stream information")
    at, is_last = 4, False
    while not is_last:
        if at + 4 > len(data):
            raise Damaged("the metadata is cut off")
        is_last = bool(data[at] & 0x80)
        at += 4 + int.from_bytes(data[at + 1 : at + 4])
    if at >= len(data):
        raise Damaged("no frames")
    return at


def _stream(data: bytes) -> _Stream:
    packed = int.from_bytes(data[10:18])
    rate, samples = packed >> 44, packed & (2**36 - 1)
    if not rate:
        raise Damaged("no sample rate")
    return _Stream(int.from_bytes(data[:2]), int.from_bytes(data[7:10]) or _MOST_BYTES, rate, samples)


def _last_frame(data: bytes) -> _Frame | None:
    """Returns the frame that ends with the data, as its checksum shows, or None."""
    checksums = _checked(data)
    for _ in range(_MOST_FRAMES):
        found = next(checksums, None)
        if found is None:
            return None
        at, frame = found
        if _crc(data[at:-2], _CRC16, 16) == int.from_bytes(data[-2:]):
            return frame
    return None


def _checked(data: bytes) -> Iterator[tuple[int, _Frame]]:
    """Yields the frames that may start in the data, the last one first. The checksums of their headers are right."""
    at = len(data)
    while (at := data.rfind(b"\xff", 0, at)) >= 0:
        if data[at + 1 : at + 2] in (b"\xf8", b"\xf9") and (frame := _frame(data[at : at + 16])) is not None:
            yield at, frame


def _frame(head: bytes) -> _Frame | None:
    """Returns the frame of a header, or None if it is none."""
    if len(head) < 6:
        return None
    code, rate = head[2] >> 4, head[2] & 15
    ones = 8 - (~head[4] & 0xFF).bit_length()  # a number in the form of UTF-8, of up to 36 bits
    width = max(ones, 1)
    if code == 0 or rate == 15 or head[3] & 1 or ones in (1, 8):
        return None
    number = head[4] & (0x7F >> ones)
    for byte in head[5 : 4 + width]:
        number = number << 6 | byte & 0x3F
    at = 4 + width
    extra = {6: 1, 7: 2}.get(code, 0)
    samples = _SIZES[code] if not extra else int.from_bytes(head[at : at + extra]) + 1
    at += extra + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if at >= len(head) or _crc(head[:at], _CRC8, 8) != head[at]:
        return None
    return _Frame(bool(head[1] & 1), number, samples)


def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    """Returns the checksum of each byte."""
    made = []
    for byte in range(256):
        rest = byte << bits - 8
        for _ in range(8):
            rest = rest << 1 ^ (polynomial if rest >> bits - 1 else 0)
        made.append(rest & (1 << bits) - 1)
    return tuple(made)


_CRC8: Final = _table(0x107, 8)
_CRC16: Final = _table(0x18005, 16)


def _crc(data: bytes, table: Sequence[int], bits: int) -> int:
    rest, mask = 0, (1 << bits) - 1
    for byte in data:
        rest = (rest << 8 & mask) ^ table[rest >> bits - 8 ^ byte]
    return rest
