"""The bytes of outputs that stubs state, kept by their SHA-256 for the results and downloads of jobs."""

from collections.abc import Iterable, Sequence
from typing import Final

from segforge_mock.faults.stubs import STUBS_SHARE, BadStub, Stub
from segforge_mock.jobs.job import GivenFile
from segforge_mock.memory import Memory, Shelf

FILE_BYTES: Final = 300
"""Bytes that a file needs in memory beside its content."""


class GivenFiles:
    """Keeps the files of jobs while the memory has room, and those of `stubs`, which all tenants share, for good.

    A store outside the process keeps jobs without these bytes. Only the files of a script are there after a restart,
    and in all workers.
    """

    def __init__(self, memory: Memory, stubs: Sequence[Stub] = ()) -> None:
        """Raises BadStub if the stubs need too much memory."""
        self._own = Shelf[str, bytes](memory, "script_files", in_use=lambda _: True, last=True)
        self._kept = Shelf[str, bytes](memory, "job_files")
        size = sum(stub.content_bytes for stub in stubs)
        if size > memory.limit // STUBS_SHARE:
            raise BadStub(
                f"the stubs need {size} bytes, and may need {memory.limit // STUBS_SHARE} (an eighth of the memory "
                "limit); use smaller files, or raise --max-memory (max_memory in Python)"
            )
        for number, stub in enumerate(stubs):
            self._own.put(f"stub {number}", b"", stub.content_bytes)
            for output in stub.effect.outputs if stub.effect is not None else ():
                record, data = output.given
                self._own.put(record.digest, data, 0)

    def keep(self, files: Iterable[tuple[GivenFile, bytes]]) -> tuple[GivenFile, ...]:
        """Keeps the bytes of outputs and returns their records."""
        records = []
        for record, data in files:
            if record.digest not in self._own and self._kept.use(record.digest) is None:
                self._kept.put(record.digest, data, FILE_BYTES + len(data))
            records.append(record)
        return tuple(records)

    def get(self, file: GivenFile) -> bytes | None:
        """Returns the bytes of a file, or None if they were dropped for lack of room, or never were in this process."""
        kept = self._own.use(file.digest) or self._kept.use(file.digest)
        return None if kept is None else kept.thing
