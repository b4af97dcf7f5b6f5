"""How long a run waits for the end of a job: once as long as a job may take, not again for each group of jobs."""

from dataclasses import dataclass, field
from typing import Final

NOT_AWAITED: Final = "a job was not waited for to its end, since an earlier one had not ended in time"
"""The reason in a report for a job with an unknown end."""
LOOKS: Final = 5
"""The least number of polls before a job is given up. A mock may count polls rather than seconds."""

_LEAST_PAUSE = 0.01  # seconds, even in process, so that a job that never ends uses little of the processor
_SHARE = 0.02
_LENIENCE = 2.0  # how much longer than any earlier job of its model a job may take after one didn't end


@dataclass
class Waiting:
    """The longest time that an ended job of each model took, and the models with a job that did not end in time.

    A job of such a model is not waited for to the deadline again, nor is any job while none has ever ended. It is given
    up earlier, as unknown: no rule is judged by a job that was not waited for.
    """

    deadline: float
    """How long a job may take, in seconds."""
    _took: dict[str | None, float] = field(default_factory=dict)
    _late: set[str | None] = field(default_factory=set)

    def ended(self, model: str | None, seconds: float) -> None:
        """Notes that a job of a model has ended after so many seconds."""
        self._took[model] = max(seconds, self._took.get(model, 0.0))

    def is_late(self, model: str | None) -> None:
        """Notes that a job of a model has not ended in time."""
        self._late.add(model)

    def patience(self, model: str | None) -> float | None:
        """Returns the seconds after which a new job of a model is given up as unknown; None to judge its end."""
        if model in self._late or (self._late and not self._took):
            return min(self._took.get(model, 0.0) * _LENIENCE, self.deadline)
        return None


def pause(interval: float, looks: int, waited: float) -> float:
    """Returns the seconds until the next poll: the interval at first, and a part of the time waited for a long job."""
    return interval if looks < LOOKS else max(interval, _LEAST_PAUSE, waited * _SHARE)
