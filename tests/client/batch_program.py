"""A program that runs a batch with a journal. `killed_batches` runs it in a process, and also imports its function."""

import asyncio
import sys
from functools import partial
from typing import Any, Final

from segmind_client import AsyncSegmind, Gathered, Segmind

CALLS: Final = 30
CONCURRENCY: Final = 8


def work(client: Any) -> list[Any]:
    """Returns the calls of the batch."""
    submit, image = client.flux_ipadapter.submit, "https://host.test/a.png"
    return [partial(submit, image=image, prompt=f"call {place}") for place in range(CALLS)]


def gathered(kind: str, key: str, url: str, journal: str, folder: str, *, resend: bool = False) -> Gathered:
    """Runs or resumes the batch, with the blocking or with the asynchronous client."""
    options: dict[str, Any] = {"journal": journal, "folder": folder, "concurrency": CONCURRENCY, "timeout": 60}
    options["resend_in_doubt"] = resend
    if kind == "blocking":
        with Segmind(key, url) as client:
            return client.gather(work(client), **options)

    async def main() -> Gathered:
        async with AsyncSegmind(key, url) as client:
            return await client.gather(work(client), **options)

    return asyncio.run(main())


if __name__ == "__main__":
    gathered(*sys.argv[1:])
