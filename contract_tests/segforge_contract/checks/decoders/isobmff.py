"""Reads MP4 and M4A files (ISO/IEC 14496-12): boxes, tracks, lengths and sizes."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from segforge_contract.checks.decoders.headers import Damaged, MediaHeader

_MOST_BOXES = 10_000


@dataclass(frozen=True)
class _Track:
    """A track: its kind (`vide`, `soun`), size in pixels, length in seconds and number of samples."""

    kind: bytes
    width: int
    height: int
    seconds: float
    samples: int


def read_isobmff(data: bytes) -> MediaHeader:
    """Returns what a file states. Width and height are None if no track holds a video. Raises Damaged."""
    boxes = dict(_boxes(data, whole=True))
    if b"moov" not in boxes or not boxes.keys() & {b"mdat", b"moof"}:
        raise Damaged("no moov or no media data")
    tracks = [_track(body) for kind, body in _boxes(boxes[b"moov"]) if kind == b"trak"]
    video = next((track for track in tracks if track.kind == b"vide"), None)
    if not tracks:
        raise Damaged("no track")
    longest = max(track.seconds for track in tracks)
    movie = _seconds(_only(boxes[b"moov"], b"mvhd"))
    seconds = (video.seconds if video is not None else longest) or movie or None
    if video is None:
        return MediaHeader(seconds=seconds)
    fps = video.samples / video.seconds if video.samples and video.seconds else None
    return MediaHeader(video.width, video.height, seconds, fps)


def _boxes(data: bytes, *, whole: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """Yields type and body of each box. With `whole`, no byte may follow the last one."""
    at = 0
    for _ in range(_MOST_BOXES):
        if at + 8 > len(data):
            if whole and at < len(data):
                raise Damaged(f"a box with {len(data) - at} bytes left")
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        size = size or len(data) - at
        if size < head or at + size > len(data):
            raise Damaged(f"a box of {size} bytes with {len(data) - at} left")
        yield kind, data[at + head : at + size]
        at += size
    raise Damaged(f"more than {_MOST_BOXES} boxes")


def _only(data: bytes, *path: bytes) -> bytes:
    """Returns the body of the first box at a path. Raises Damaged if there is none."""
    for name in path:
        found = next((body for kind, body in _boxes(data) if kind == name), None)
        if found is None:
            raise Damaged(f"no {name.decode('ascii')}")
        data = found
    return data


def _track(data: bytes) -> _Track:
    media = _only(data, b"mdia")
    kind = _only(media, b"hdlr")[8:12]
    times = _only(media, b"minf", b"stbl", b"stts")[8:]
    samples = sum(count for count, _ in struct.iter_unpack(">II", times[: len(times) // 8 * 8]))
    width, height = struct.unpack(">II", _only(data, b"tkhd")[-8:])
    return _Track(kind, width >> 16, height >> 16, _seconds(_only(media, b"mdhd")), samples)


def _seconds(data: bytes) -> float:
    """Returns the length in an mvhd or mdhd box; 0 for an unknown one."""
    scale, length = struct.unpack_from(">IQ", data, 20) if data[0] == 1 else struct.unpack_from(">II", data, 12)
    unknown = 2**64 - 1 if data[0] == 1 else 2**32 - 1
    return 0.0 if not scale or length == unknown else length / scale
