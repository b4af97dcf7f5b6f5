"""The outputs of runs, drawn beside the event loop and kept in a bounded cache."""

import asyncio
import base64
import sys
from functools import lru_cache, partial
from typing import Final, Literal, NamedTuple, TypeAlias

from segforge.spec.catalog import Gateway
from segforge_mock.http.answers import json_bytes
from segforge_mock.media.image import MAX_SIDE, TINY_SIDE, GeneratedImage, generated_images, render, used_seed
from segforge_mock.memory import Memory, Shelf
from segforge_mock.models.served import ServedModel

Detail: TypeAlias = Literal["full", "plain", "tiny"]

PLAIN_AT_ONCE: Final = 2**20
"""Pixels up to which a plain image is drawn on the event loop. Starting a thread would take longer."""
CACHE_BYTES: Final = 64 * 2**20
CACHED_PAYLOADS: Final = 1_000
CACHED_PAYLOAD_BYTES: Final = 4 * 2**10
OUTPUT_BYTES: Final = 600
"""Bytes that a cached output needs in memory beside its content and prompts."""


class Output(NamedTuple):
    """The output of a payload: its images, the seed used, and whether the answer has them in base64."""

    images: tuple[GeneratedImage, ...]
    seed: int
    base64: bool


class Outputs:
    """Works out and draws outputs. `plain` images have one colour, `tiny` ones at most 16 pixels a side."""

    def __init__(self, gateway: Gateway, detail: Detail, memory: Memory) -> None:
        self._gateway = gateway
        self._draw = partial(render, plain=detail == "plain")
        self._at_once = PLAIN_AT_ONCE if detail == "plain" else TINY_SIDE**2
        self._max_side = TINY_SIDE if detail == "tiny" else MAX_SIDE
        self._remembered = lru_cache(maxsize=CACHED_PAYLOADS)(self._output)
        self._rendered: Shelf[GeneratedImage, bytes] = Shelf(memory, "outputs", most_bytes=CACHE_BYTES)
        self._encoded: Shelf[tuple[Output, float, bool], bytes] = Shelf(memory, "outputs_json", most_bytes=CACHE_BYTES)

    def of(self, served: ServedModel, body: bytes) -> Output:
        """Returns the output of a payload's body."""
        remembers = len(body) <= CACHED_PAYLOAD_BYTES
        return (self._remembered if remembers else self._output)(served, body)

    def _output(self, served: ServedModel, body: bytes) -> Output:
        values = served.values(body)
        controls = served.model.returns.controls
        made = tuple(generated_images(self._gateway, served.model, values, self._max_side))
        is_text = served.model.returns.media == "json" or bool(values.get(controls.base64 or ""))
        return Output(made, used_seed(served.model, values), is_text)

    async def json_of(self, output: Output, seconds: float, *, alphabetical: bool) -> bytes:
        """Returns an output as a JSON body, with the image in base64, or a list of several images."""
        key = output, seconds, alphabetical
        kept = self._encoded.use(key)
        body = kept.thing if kept is not None else None
        if body is None:
            rendered = [await self.bytes_of(image) for image in output.images]
            texts = [base64.b64encode(data).decode("ascii") for data in rendered]
            answer = {
                "status": "Success",
                "image": texts[0] if len(texts) == 1 else texts,
                "infer_time": seconds,
                "outputs": len(texts),
                "image_format": output.images[0].format,
            }
            body = json_bytes(answer, alphabetical=alphabetical)
            if len(body) <= CACHE_BYTES // 4:
                self._encoded.put(key, body, sum(map(_size, output.images)) + len(body))
        return body

    async def bytes_of(self, image: GeneratedImage) -> bytes:
        """Returns an image's bytes. Draws large images in a thread, because that takes tens of milliseconds."""
        kept = self._rendered.use(image)
        data = kept.thing if kept is not None else None
        if data is None:
            at_once = image.width * image.height <= self._at_once
            data = self._draw(image) if at_once else await asyncio.to_thread(self._draw, image)
            if at_once and image.position:  # let other requests run between the images of one output
                await asyncio.sleep(0)
            if len(data) <= CACHE_BYTES // 4:
                self._rendered.put(image, data, _size(image) + len(data))
        return data


def _size(image: GeneratedImage) -> int:
    """Returns the bytes that an image needs as a key. Images may share the prompt."""
    return OUTPUT_BYTES + sys.getsizeof(image.prompt)
