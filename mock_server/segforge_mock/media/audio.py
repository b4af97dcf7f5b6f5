"""Audio: a chord of the payload, of the requested length."""

import io
import math
import random
import struct
import wave
from array import array
from typing import Any, Final, NamedTuple

from segforge.spec.catalog import MEDIA_TYPES, Gateway, Model
from segforge_mock.media.asked import Asked, Values, assumptions, facts, format_of, seconds_of
from segforge_mock.media.pyav import encoding, is_sample, sample

FORMATS: Final = ("mp3", "wav", "ogg", "flac")
"""The formats that are made."""
RATE: Final = 16_000
"""Samples per second. MP3, Opus, FLAC and WAV all allow it."""
MAX_SECONDS: Final = 180.0
"""Seconds of all audio of one output."""
TINY_SECONDS: Final = 0.5
_CODECS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "mp3": ("libmp3lame", {"compression_level": "9", "b": "32000"}),
    "ogg": ("libopus", {"compression_level": "0", "b": "32000"}),
    "flac": ("flac", {"compression_level": "0"}),
}
"""The encoder of each format, with the options that make it fast."""
_LOUDNESS: Final = 6_000


class GeneratedAudio(NamedTuple):
    """Everything that decides an audio file's bytes. Its length is in samples."""

    slug: str
    prompt: str
    seed: int
    position: int
    pattern: int
    samples: int
    format: str

    @property
    def media_type(self) -> str:
        """The Content-Type."""
        return MEDIA_TYPES[self.format]

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return self.samples / RATE


def generated_audio(
    gateway: Gateway, model: Model, values: Values, *, tiny: bool = False
) -> tuple[list[GeneratedAudio], str]:
    """Returns the audio files of a payload, and the limits that changed them."""
    asked, usual = Asked.of(model, values), float(assumptions(gateway)["audio_seconds"])
    wanted = seconds_of(values, model.returns.controls.duration, usual)
    most = TINY_SECONDS if tiny else MAX_SECONDS / asked.outputs
    samples = max(1, round(min(wanted, most) * RATE))
    files = [
        GeneratedAudio(
            slug=asked.slug,
            prompt=asked.prompt,
            seed=asked.seed,
            position=position,
            pattern=asked.pattern + position,
            samples=samples,
            format=format_of(model, values, FORMATS, "mp3"),
        )
        for position in range(asked.outputs)
    ]
    return files, f"duration {most:g}" if wanted > most else ""


def render(audio: GeneratedAudio) -> bytes:
    """Encodes audio. The result is deterministic. Without PyAV, all formats but WAV are the bundled sample."""
    if is_sample(audio.format):
        return sample(audio.format)
    about = facts(audio.slug, audio.seed, audio.prompt)
    return _wav(audio, about) if audio.format == "wav" else _encoded(audio, about)


def _second(audio: GeneratedAudio) -> bytes:
    """Returns one second of the chord, as 16-bit samples. Its tones are whole numbers of hertz, so that it repeats."""
    chance = random.Random(audio.pattern)  # noqa: S311 - a tone, not a secret
    tones = [2 * math.pi * chance.randrange(220, 880) / RATE for _ in range(2)]
    return array("h", (int(_LOUDNESS * sum(math.sin(tone * at) for tone in tones)) for at in range(RATE))).tobytes()


def _sound(audio: GeneratedAudio) -> bytes:
    second = _second(audio)
    return (second * (audio.samples // RATE + 1))[: 2 * audio.samples]


def _wav(audio: GeneratedAudio, about: str) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(_sound(audio))
    text = about.encode()
    text += b"\0" * (2 - len(text) % 2)  # RIFF pads each chunk to an even length
    comment = b"INFOICMT" + struct.pack("<I", len(text)) + text
    out.write(b"LIST" + struct.pack("<I", len(comment)) + comment)
    whole = out.getvalue()
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def _encoded(audio: GeneratedAudio, about: str) -> bytes:
    import av

    out = io.BytesIO()
    with encoding(out, audio.format, about) as container:
        codec, options = _CODECS[audio.format]
        stream: Any = container.add_stream(codec, rate=RATE, options=options)
        stream.layout = "mono"
        context = stream.codec_context
        context.thread_count = 1  # the result must not depend on the machine
        context.open()
        resampler = av.AudioResampler(context.format, "mono", RATE, context.frame_size or RATE // 10)
        frame = av.AudioFrame("s16", "mono", audio.samples)
        frame.planes[0].update(_sound(audio))
        frame.sample_rate, frame.pts = RATE, 0
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode())
    return out.getvalue()
