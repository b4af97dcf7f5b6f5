"""The outputs of runs, made beside the event loop and kept in a bounded cache."""

import asyncio
import base64
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Final, NamedTuple

from segforge.spec.catalog import Gateway
from segforge_mock.faults.given import GivenFiles
from segforge_mock.http.answers import json_bytes
from segforge_mock.media.document import GeneratedDocument
from segforge_mock.media.files import Detail, GeneratedFile, is_quick, is_sampled, is_slow, made, render
from segforge_mock.memory import Memory, Shelf
from segforge_mock.models.reading import ServedModel

CACHE_BYTES: Final = 64 * 2**20
CACHED_PAYLOADS: Final = 1_000
CACHED_PAYLOAD_BYTES: Final = 4 * 2**10
OUTPUT_BYTES: Final = 600
"""Bytes that a cached output needs in memory beside its content and prompts."""
THREADS: Final = {True: 2, False: 4}
"""Slow files and others that are made at the same time. More would take memory, and time from other requests."""


class Output(NamedTuple):
    """The output of a payload: its files, the prompt and seed used, and whether the answer has the files in base64.

    `medium` names the files in answers. `marks` are headers that say in which way it differs from the requested one.
    """

    files: tuple[GeneratedFile, ...]
    medium: str
    prompt: str
    seed: int
    base64: bool
    marks: tuple[tuple[bytes, bytes], ...]

    @property
    def document(self) -> GeneratedDocument | None:
        """The document that is the whole output, or None if the output is files."""
        first = self.files[0]
        return first if isinstance(first, GeneratedDocument) else None


class Outputs:
    """Works out and makes outputs. `plain` ones are simple, `tiny` ones as small as possible.

    `given` are the outputs that stubs state.
    """

    def __init__(self, gateway: Gateway, detail: Detail, memory: Memory, given: GivenFiles | None = None) -> None:
        self._gateway = gateway
        self.given = given or GivenFiles(memory)
        self._detail = detail
        self._remembered = lru_cache(maxsize=CACHED_PAYLOADS)(self._output)
        self._rendered: Shelf[GeneratedFile, bytes] = Shelf(memory, "outputs", most_bytes=CACHE_BYTES)
        self._encoded: Shelf[tuple[Output, float, bool], bytes] = Shelf(memory, "outputs_json", most_bytes=CACHE_BYTES)
        self._running: dict[GeneratedFile, Future[bytes]] = {}
        self._open()

    def _open(self) -> None:
        """Opens the threads, one pool for slow files and one for others, so that these don't wait for slow ones."""
        self._threads = {slow: ThreadPoolExecutor(number) for slow, number in THREADS.items()}

    def close(self) -> None:
        """Stops making files, except those that have begun. Later requests start new threads."""
        for pool in self._threads.values():
            pool.shutdown(wait=False, cancel_futures=True)
        self._open()

    def of(self, served: ServedModel, body: bytes) -> Output:
        """Returns the output of a payload's body."""
        remembers = len(body) <= CACHED_PAYLOAD_BYTES
        return (self._remembered if remembers else self._output)(served, body)

    def _output(self, served: ServedModel, body: bytes) -> Output:
        model, values = served.model, served.values(body)
        files, prompt, seed, limits = made(self._gateway, model, values, self._detail)
        asks_text = bool(values.get(model.returns.controls.base64 or ""))
        is_text = not isinstance(files[0], GeneratedDocument) and (model.returns.media == "json" or asks_text)
        medium = "image" if model.returns.media == "json" else model.returns.media
        return Output(files, medium, prompt, seed, is_text, tuple(_marks(files[0], limits)))

    async def json_of(self, output: Output, seconds: float, *, alphabetical: bool) -> bytes:
        """Returns an output as a JSON body, with the file in base64, or a list of several files."""
        key = output, seconds, alphabetical
        kept = self._encoded.use(key)
        body = kept.thing if kept is not None else None
        if body is None:
            rendered = [await self.bytes_of(file) for file in output.files]
            texts = [base64.b64encode(data).decode("ascii") for data in rendered]
            answer = {
                "status": "Success",
                output.medium: texts[0] if len(texts) == 1 else texts,
                "infer_time": seconds,
                "outputs": len(texts),
                f"{output.medium}_format": output.files[0].format,
            }
            body = json_bytes(answer, alphabetical=alphabetical)
            if len(body) <= CACHE_BYTES // 4:
                self._encoded.put(key, body, sum(map(_size, output.files)) + len(body))
        return body

    async def bytes_of(self, file: GeneratedFile) -> bytes:
        """Returns a file's bytes. Makes large files in a thread, and each only once at a time."""
        kept = self._rendered.use(file)
        if kept is not None:
            return kept.thing
        if is_quick(file, self._detail):
            data = render(file, self._detail)
            if file.position:  # let other requests run between the files of one output
                await asyncio.sleep(0)
        else:
            data = await self._in_thread(file)
        if len(data) <= CACHE_BYTES // 4 and file not in self._rendered:
            self._rendered.put(file, data, _size(file) + len(data))
        return data

    async def _in_thread(self, file: GeneratedFile) -> bytes:
        running = self._running.get(file)
        if running is None:
            running = self._running[file] = self._threads[is_slow(file)].submit(render, file, self._detail)
            running.add_done_callback(lambda _: self._running.pop(file, None))
        return await asyncio.shield(asyncio.wrap_future(running))  # another request may wait for the same file


def _marks(file: GeneratedFile, limits: str) -> Iterator[tuple[bytes, bytes]]:
    """Yields the marks of an output. `limits` names the limits of the mock that changed it."""
    if limits:
        yield b"x-mock-limited", limits.encode("latin-1", "replace")
    if is_sampled(file):
        yield b"x-mock-media", b"sample"


def _size(file: GeneratedFile) -> int:
    """Returns the bytes that a file needs as a key. Files may share the prompt."""
    return OUTPUT_BYTES + sys.getsizeof(file.prompt)
