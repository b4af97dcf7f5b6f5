"""Reads WebM files (RFC 8794 and RFC 9559): tracks, length and size."""

import struct
from collections.abc import Iterator

from segforge_contract.checks.decoders.headers import Damaged, MediaHeader

_SEGMENT, _INFO, _TRACKS, _TRACK, _VIDEO, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675
_SCALE, _LENGTH, _FRAME, _WIDTH, _HEIGHT = 0x2AD7B1, 0x4489, 0x23E383, 0xB0, 0xBA
_MOST_ELEMENTS = 100_000


def read_matroska(data: bytes) -> MediaHeader:
    """Returns what a file states. Width and height are None if no track holds a video. Raises Damaged."""
    segment = next((body for name, body in _elements(data) if name == _SEGMENT), None)
    if segment is None:
        raise Damaged("no segment")
    info, tracks, clusters = b"", b"", 0
    for name, body in _elements(segment):
        info = body if name == _INFO else info
        tracks = body if name == _TRACKS else tracks
        clusters += name == _CLUSTER
    if not tracks or not clusters:
        raise Damaged("no tracks or no media data")
    facts = dict(_elements(info))
    scale = int.from_bytes(facts[_SCALE]) if _SCALE in facts else 1_000_000
    length = _float(facts[_LENGTH]) if _LENGTH in facts else 0.0
    seconds = length * scale / 1e9 or None
    for name, track in _elements(tracks):
        parts = dict(_elements(track)) if name == _TRACK else {}
        if _VIDEO in parts:
            size = dict(_elements(parts[_VIDEO]))
            frame = int.from_bytes(parts.get(_FRAME, b""))
            width, height = int.from_bytes(size[_WIDTH]), int.from_bytes(size[_HEIGHT])
            return MediaHeader(width, height, seconds, 1e9 / frame if frame else None)
    return MediaHeader(seconds=seconds)


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields id and body of each element.

    An element of unknown size ends with the data, but the parts of a cluster of unknown size follow it.
    """
    at = 0
    for _ in range(_MOST_ELEMENTS):
        if at >= len(data):
            return
        name, at, _width = _number(data, at, keep=True)
        size, at, width = _number(data, at, keep=False)
        if size == 2 ** (7 * width) - 1:
            size = 0 if name == _CLUSTER else len(data) - at
        if at + size > len(data):
            raise Damaged(f"an element of {size} bytes with {len(data) - at} left")
        yield name, data[at : at + size]
        at += size
    raise Damaged(f"more than {_MOST_ELEMENTS} elements")


def _number(data: bytes, at: int, *, keep: bool) -> tuple[int, int, int]:
    """Returns a number of variable size, the position after it, and its size in bytes. `keep` keeps the marker."""
    width = 9 - data[at].bit_length()
    if width > 8 or at + width > len(data):
        raise Damaged("a number is cut off")
    number = int.from_bytes(data[at : at + width])
    return (number if keep else number & ~(1 << (7 * width))), at + width, width


def _float(data: bytes) -> float:
    read: float = struct.unpack(">f" if len(data) == 4 else ">d", data)[0]
    return read
