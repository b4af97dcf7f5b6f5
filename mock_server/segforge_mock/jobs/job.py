"""A v2 job: a record that is written once, and a state that is a pure function of record, time and polls."""

from typing import Final, Literal, TypeAlias

import msgspec

StateName: TypeAlias = Literal["QUEUED", "PROCESSING", "COMPLETED", "FAILED"]
QUEUED: Final = "QUEUED"
PROCESSING: Final = "PROCESSING"
COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"


class Job(msgspec.Struct, frozen=True, gc=False):
    """What is known of a job from its submit on. Times in seconds, cost and balance in credits.

    `body` is the payload as JSON. `queue_time` and `inference_time` are those that the answers name; `queue_seconds`
    and `run_seconds` are how long the job really takes on the mock's clock. A job with `polls` moves by being polled
    instead of by the clock; a held one stays where it is until it is released. `error` is why it will fail, or None.
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

    @property
    def total_time(self) -> float:
        """Seconds from submit to the end, as the answers name them."""
        return self.queue_time + self.inference_time


class Progress(msgspec.Struct, frozen=True, gc=False):
    """What changes about a job after its submit: how often its status was asked for, and whether it was released."""

    polls: int = 0
    released: bool = False


def state(job: Job, now: float, progress: Progress = Progress()) -> StateName:  # noqa: B008 - it is frozen
    """The job's state at a time, in seconds on the clock of `submitted_at`."""
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
