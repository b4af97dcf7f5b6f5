"""A v2 job: an immutable record, and its state as a pure function of record, time and polls."""

from typing import Final, Literal, TypeAlias

import msgspec

StateName: TypeAlias = Literal["QUEUED", "PROCESSING", "COMPLETED", "FAILED"]
QUEUED: Final = "QUEUED"
PROCESSING: Final = "PROCESSING"
COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"


class GivenFile(msgspec.Struct, frozen=True, gc=False):
    """The record of an output that a stub states. Its bytes are found by their SHA-256, in hexadecimal digits.

    `field` and `download_status`: see `FileOutput`. `size` is in bytes.
    """

    digest: str
    media_type: str
    format: str
    size: int
    field: str | None = None
    download_status: int | None = None


class Given(msgspec.Struct, frozen=True, gc=False):
    """The parts of a job that only a stub or an edit states.

    `failed_status` is the status of polls of the failed job, `remaining_credits` the balance that answers state,
    `expires` the number of seconds after the submit for which the record is known. None stands for the usual value.
    """

    failed_status: int | None = None
    remaining_credits: float | None = None
    expires: float | None = None
    files: tuple[GivenFile, ...] = ()


class Job(msgspec.Struct, frozen=True, gc=False):
    """The record of a job. Times are in seconds, cost and balance in credits.

    `body` is the payload as JSON. Answers state `queue_time` and `inference_time`; the real times on the mock's clock
    are `queue_seconds` and `run_seconds`. A job with `polls` advances with each poll instead of with time. A held job
    is queued until it is released. `error` is the reason why the job will fail, or None. `given`: see `Given`.
    """

    request_id: str
    tenant: str
    slug: str
    body: bytes
    submitted_at: float
    queue_time: float
    inference_time: float
    queue_seconds: float
    run_seconds: float
    cost: float
    remaining_credits: float = 0.0
    error: str | None = None
    polls: int = 0
    held: bool = False
    given: Given | None = None

    @property
    def total_time(self) -> float:
        """Seconds from the submit to the end, as answers state them."""
        return self.queue_time + self.inference_time


class Progress(msgspec.Struct, frozen=True, gc=False):
    """The parts of a job that change after its submit: the polls of its status, and whether it was released."""

    polls: int = 0
    released: bool = False


def state(job: Job, now: float, progress: Progress = Progress()) -> StateName:  # noqa: B008 - Progress is frozen
    """Returns the job's state at a time, in seconds on the clock of `submitted_at`."""
    if job.held and not progress.released:
        return QUEUED
    if job.polls:
        if progress.polls < job.polls:
            return QUEUED if progress.polls <= 1 else PROCESSING
    elif not job.held:
        elapsed = now - job.submitted_at
        if elapsed < job.queue_seconds:
            return QUEUED
        if elapsed < job.queue_seconds + job.run_seconds:
            return PROCESSING
    return COMPLETED if job.error is None else FAILED
