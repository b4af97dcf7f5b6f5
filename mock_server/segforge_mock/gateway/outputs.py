"""What runs put out: pictures by payload, drawn beside the event loop and kept in a bounded cache."""

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
"""Pixels of a plain picture that is drawn on the event loop, which takes less time than a thread's start."""
CACHE_BYTES: Final = 64 * 2**20
CACHED_PAYLOADS: Final = 1_000
CACHED_PAYLOAD_BYTES: Final = 4 * 2**10
OUTPUT_BYTES: Final = 600
"""What one of the cached outputs needs in memory beside its bytes and prompts."""


class Output(NamedTuple):
    """What a payload asks for: its pictures, the seed that was used, and whether they come as base64 text."""

    images: tuple[GeneratedImage, ...]
    seed: int
    base64: bool


class Outputs:
    """Works out and draws outputs; `plain` pictures have one colour, `tiny` ones are at most 16 pixels wide."""

    def __init__(self, gateway: Gateway, detail: Detail, memory: Memory) -> None:
        self._gateway = gateway
        self._draw = partial(render, plain=detail == "plain")
        self._at_once = PLAIN_AT_ONCE if detail == "plain" else TINY_SIDE**2
        self._max_side = TINY_SIDE if detail == "tiny" else MAX_SIDE
        self._remembered = lru_cache(maxsize=CACHED_PAYLOADS)(self._output)
        self._rendered: Shelf[GeneratedImage, bytes] = Shelf(memory, "outputs", most_bytes=CACHE_BYTES)
        self._encoded: Shelf[tuple[Output, float, bool], bytes] = Shelf(memory, "outputs_json", most_bytes=CACHE_BYTES)

    def of(self, served: ServedModel, body: bytes) -> Output:
        """What a payload's body asks for."""
        remembers = len(body) <= CACHED_PAYLOAD_BYTES
        return (self._remembered if remembers else self._output)(served, body)

    def _output(self, served: ServedModel, body: bytes) -> Output:
        values = served.values(body)
        controls = served.model.returns.controls
        made = tuple(generated_images(self._gateway, served.model, values, self._max_side))
        is_text = served.model.returns.media == "json" or bool(values.get(controls.base64 or ""))
        return Output(made, used_seed(served.model, values), is_text)

    async def json_of(self, output: Output, seconds: float, *, alphabetical: bool) -> bytes:
        """What a worker answers in JSON: the picture in base64, or a list where several were asked for."""
        key = output, seconds, alphabetical
        kept = self._encoded.use(key)
        body = kept.thing if kept is not None else None
        if body is None:
            rendered = [await self.bytes_of(picture) for picture in output.images]
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

    async def bytes_of(self, picture: GeneratedImage) -> bytes:
        """A picture's bytes. Drawing takes tens of milliseconds, so that it happens in a thread."""
        kept = self._rendered.use(picture)
        data = kept.thing if kept is not None else None
        if data is None:
            at_once = picture.width * picture.height <= self._at_once
            data = self._draw(picture) if at_once else await asyncio.to_thread(self._draw, picture)
            if at_once and picture.position:  # one of several, between which others get their turn
                await asyncio.sleep(0)
            if len(data) <= CACHE_BYTES // 4:
                self._rendered.put(picture, data, _size(picture) + len(data))
        return data


def _size(picture: GeneratedImage) -> int:
    """What a picture needs in memory as a key, in bytes; the prompt may be shared with others."""
    return OUTPUT_BYTES + sys.getsizeof(picture.prompt)
