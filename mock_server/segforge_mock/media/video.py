"""Videos: one image of the payload, with a bar that grows from the first frame to the last."""

import io
from collections.abc import Iterator
from fractions import Fraction
from itertools import cycle, islice, repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from segforge.spec.catalog import MEDIA_TYPES, Gateway, Model
from segforge_mock.media.asked import (
    Asked,
    Values,
    assumptions,
    facts,
    format_of,
    rate_of,
    seconds_of,
    size_of,
)
from segforge_mock.media.image import GeneratedImage, canvas
from segforge_mock.media.pyav import encoding, is_sample, sample

if TYPE_CHECKING:
    from av import Packet, VideoFrame

FORMATS: Final = ("mp4", "webm")
"""The formats that are made."""
MAX_SIDE: Final = 2048
MIN_SIDE: Final = 16
MAX_RATE: Final = 60
MAX_PIXELS: Final = 800_000_000
"""Pixels of all frames of one output. Encoding that many takes two to four seconds in a thread."""
TINY_RATE: Final = 4
TINY_SECONDS: Final = 1.0
_BAR: Final = 8
_WHITE: Final = b"\xeb"
_GROUP: Final = 12
"""Frames from one frame that is complete in itself to the next, in a plain video."""
_CODECS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "mp4": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "crf": "28", "forced-idr": "1"}),
    "webm": ("libvpx", {"deadline": "realtime", "cpu-used": "16", "static-thresh": "1000"}),
}


class GeneratedVideo(NamedTuple):
    """Everything that decides a video's bytes. Sides are in pixels and even, the rate is in frames per second."""

    slug: str
    prompt: str
    seed: int
    position: int
    pattern: int
    width: int
    height: int
    rate: Fraction
    frames: int
    format: str

    @property
    def media_type(self) -> str:
        """The Content-Type."""
        return MEDIA_TYPES[self.format]

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return float(self.frames / self.rate)


def generated_videos(
    gateway: Gateway, model: Model, values: Values, *, tiny: bool = False
) -> tuple[list[GeneratedVideo], str]:
    """Returns the videos of a payload, and the limits that changed them."""
    asked, assumed, controls = Asked.of(model, values), assumptions(gateway), model.returns.controls
    wanted = size_of(model, values, int(assumed["video_width"]), int(assumed["video_height"]))
    width, height = (_even(min(max(side, MIN_SIDE), MIN_SIDE if tiny else MAX_SIDE)) for side in wanted)
    wanted_rate = rate_of(values, controls.fps, float(assumed["video_fps"]))
    rate = Fraction(min(max(wanted_rate, 1), TINY_RATE if tiny else MAX_RATE)).limit_denominator(1001)
    wanted_seconds = seconds_of(values, controls.duration, float(assumed["video_seconds"]))
    most = TINY_SECONDS * rate if tiny else MAX_PIXELS // (width * height * asked.outputs)
    frames = max(1, min(round(wanted_seconds * rate), int(most)))
    changed = [
        f"size {width}x{height}" if (width, height) != wanted else "",
        f"fps {float(rate):g}" if not 1 <= wanted_rate <= MAX_RATE else "",
        f"duration {float(frames / rate):g}" if wanted_seconds * rate > most else "",
    ]
    videos = [
        GeneratedVideo(
            slug=asked.slug,
            prompt=asked.prompt,
            seed=asked.seed,
            position=position,
            pattern=asked.pattern + position,
            width=width,
            height=height,
            rate=rate,
            frames=frames,
            format=format_of(model, values, FORMATS, "mp4"),
        )
        for position in range(asked.outputs)
    ]
    return videos, "; ".join(filter(None, changed))


def _even(side: int) -> int:
    """Returns a side without its odd pixel: the colours of a video have half its resolution."""
    return side // 2 * 2


def render(video: GeneratedVideo, *, plain: bool = False) -> bytes:
    """Encodes a video. The result is deterministic. Without PyAV it is the bundled sample.

    Takes up to some seconds, and leaves the interpreter to other threads for most of them.
    """
    if is_sample(video.format):
        return sample(video.format)
    import av

    codec, options = _CODECS[video.format]
    frames: Any = av.VideoFrame  # without types
    first = frames.from_image(canvas(_still(video), plain=plain)).reformat(format="yuv420p")
    out = io.BytesIO()
    with encoding(out, video.format, facts(video.slug, video.seed, video.prompt)) as container:
        stream: Any = container.add_stream(codec, rate=video.rate, options=options)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        stream.codec_context.thread_count = 1  # the result must not depend on the machine
        if plain:
            container.mux(_repeated(stream, first, video))
        else:
            for number, frame in enumerate(_with_bar(first, video)):
                frame.pts, frame.time_base = number, 1 / video.rate
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return out.getvalue()


def _repeated(stream: Any, still: Any, video: GeneratedVideo) -> "list[Packet[Any]]":
    """Returns the packets of a video that doesn't move. Two groups of frames are encoded, and then repeated.

    Two, because H.264 wants different numbers in the first frames of neighbouring groups.
    """
    import av
    from av.video.frame import PictureType

    made: list[bytes] = []
    for number, frame in enumerate(repeat(still, min(video.frames, 2 * _GROUP))):
        frame.pts, frame.time_base = number, 1 / video.rate
        frame.pict_type = PictureType.NONE if number % _GROUP else PictureType.I
        made += map(bytes, stream.encode(frame))
    made += map(bytes, stream.encode())
    packets = []
    for number, data in enumerate(islice(cycle(made), video.frames)):
        packet = av.Packet(data)
        packet.stream, packet.time_base = stream, 1 / video.rate
        packet.pts = packet.dts = number
        packet.duration, packet.is_keyframe = 1, number % _GROUP == 0
        packets.append(packet)
    return packets


def _still(video: GeneratedVideo) -> GeneratedImage:
    """Returns the image that all frames show."""
    return GeneratedImage(
        slug=video.slug,
        prompt=video.prompt,
        seed=video.seed,
        position=video.position,
        pattern=video.pattern,
        width=video.width,
        height=video.height,
        format="png",
        quality=0,
    )


def _with_bar(first: "VideoFrame", video: GeneratedVideo) -> "Iterator[VideoFrame]":
    """Yields all frames, each with a longer bar at the bottom of its brightness plane."""
    import av

    planes = [bytearray(plane) for plane in first.planes]
    line = first.planes[0].line_size
    for number in range(video.frames):
        length = -(-video.width * (number + 1) // video.frames)
        for row in range(video.height - _BAR, video.height):
            planes[0][row * line : row * line + length] = _WHITE * length
        frame = av.VideoFrame(video.width, video.height, "yuv420p")
        for plane, content in zip(frame.planes, planes, strict=True):
            plane.update(bytes(content))
        yield frame
