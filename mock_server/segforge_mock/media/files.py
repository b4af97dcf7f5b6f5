"""The outputs of a payload in the model's medium, and their bytes."""

from typing import Final, Literal, NamedTuple, TypeAlias

from segforge.spec.catalog import Gateway, Model
from segforge_mock.media import audio, document, image, model3d, video
from segforge_mock.media.asked import Asked, Values
from segforge_mock.media.audio import GeneratedAudio
from segforge_mock.media.document import GeneratedDocument
from segforge_mock.media.image import GeneratedImage
from segforge_mock.media.model3d import GeneratedModel3d
from segforge_mock.media.pyav import is_sample
from segforge_mock.media.video import GeneratedVideo

Detail: TypeAlias = Literal["full", "plain", "tiny"]
GeneratedFile: TypeAlias = GeneratedImage | GeneratedVideo | GeneratedAudio | GeneratedModel3d | GeneratedDocument

PLAIN_AT_ONCE: Final = 2**20
"""Pixels up to which a plain image is drawn on the event loop. Starting a thread would take longer."""


class Made(NamedTuple):
    """The outputs of a payload, with the prompt and the seed used. `limits` names the limits that changed them."""

    files: tuple[GeneratedFile, ...]
    prompt: str
    seed: int
    limits: str


def made(gateway: Gateway, model: Model, values: Values, detail: Detail) -> Made:
    """Returns the outputs of a payload. A JSON answer without a shape holds images."""
    tiny, returns, limits = detail == "tiny", model.returns, ""
    files: list[GeneratedFile] = []
    if returns.media == "text" or returns.shape is not None:
        files = [document.generated_document(gateway, model, values)]
    elif returns.media == "video":
        files[:], limits = video.generated_videos(gateway, model, values, tiny=tiny)
    elif returns.media == "audio":
        files[:], limits = audio.generated_audio(gateway, model, values, tiny=tiny)
    elif returns.media == "model3d":
        files[:] = model3d.generated_models3d(model, values)
    else:
        side = image.TINY_SIDE if tiny else image.MAX_SIDE
        files[:], limits = image.generated_images(gateway, model, values, side)
    asked = Asked.of(model, values)
    return Made(tuple(files), asked.prompt, asked.seed, "" if tiny else limits)


def is_quick(file: GeneratedFile, detail: Detail) -> bool:
    """Returns whether a file is made so quickly that a thread would take longer."""
    if isinstance(file, GeneratedImage):
        return file.width * file.height <= (PLAIN_AT_ONCE if detail == "plain" else image.TINY_SIDE**2)
    return isinstance(file, GeneratedModel3d | GeneratedDocument)


def is_slow(file: GeneratedFile) -> bool:
    """Returns whether making a file may take seconds."""
    return isinstance(file, GeneratedVideo | GeneratedAudio)


def render(file: GeneratedFile, detail: Detail) -> bytes:
    """Returns the bytes of a file. The result is deterministic."""
    plain = detail == "plain"
    match file:
        case GeneratedVideo():
            return video.render(file, plain=plain or detail == "tiny")
        case GeneratedAudio():
            return audio.render(file)
        case GeneratedModel3d():
            return model3d.render(file)
        case GeneratedDocument():
            return document.render(file)
        case _:
            return image.render(file, plain=plain)


def is_sampled(file: GeneratedFile) -> bool:
    """Returns whether a file is a bundled sample, because PyAV is not installed."""
    return is_sample(file.format)
