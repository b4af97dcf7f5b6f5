"""A v2 job: a record that is written once, and a state that is a pure function of the record and the time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from segforge.spec.catalog import Scalar

StateName: TypeAlias = Literal["QUEUED", "PROCESSING", "COMPLETED", "FAILED"]
QUEUED: Final = "QUEUED"
PROCESSING: Final = "PROCESSING"
COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"


@dataclass(frozen=True, slots=True)
class Job:
    """What is known of a job from its submit on. Times in seconds, cost and balance in credits.

    `queue_time` and `inference_time` are those of the real gateway; `time_scale` says how much shorter they are here.
    `error` is why the job will fail, or None where it will complete.
    """

    request_id: str
    slug: str
    values: Mapping[str, Scalar]
    submitted_at: float
    queue_time: float
    inference_time: float
    time_scale: float
    cost: float
    remaining_credits: float
    error: str | None = None

    @property
    def total_time(self) -> float:
        """Seconds from submit to the end, on the real gateway's scale."""
        return self.queue_time + self.inference_time


def state(job: Job, now: float) -> StateName:
    """The job's state at a time, in seconds on the clock of `submitted_at`."""
    elapsed = now - job.submitted_at
    if elapsed < job.queue_time * job.time_scale:
        return QUEUED
    if elapsed < job.total_time * job.time_scale:
        return PROCESSING
    return COMPLETED if job.error is None else FAILED
