"""Targets that write every exchange down, or answer from what was written down, with no network."""

import time

from segforge_contract.errors import NoAnswer, NotSent
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.base import Target
from segforge_contract.targets.journal import Exchanged, Journal, Tape, canonical, remembered


class RecordedTarget:
    """A target without a cap whose exchanges go into a journal; see `capped` for one with a cap."""

    def __init__(self, target: Target, journal: Journal) -> None:
        self.base_url = target.base_url
        self.loopback = target.loopback
        self._target = target
        self._journal = journal

    def send(self, request: Request) -> Response:
        """See Target."""
        answer: Response | NoAnswer
        try:
            answer = response = self._target.send(request)
        except NoAnswer as error:
            self._journal.append(Exchanged(None, time.time(), request, error))
            raise
        self._journal.append(Exchanged(None, time.time(), request, answer))
        return response

    def close(self) -> None:
        """See Target."""
        self._target.close()


class ReplayedTarget:
    """Gives the recorded answers, in the order in which each request got them; the last one for good."""

    def __init__(self, journal: Journal) -> None:
        self.base_url = str(journal.settings.get("target"))
        self.loopback = bool(journal.settings.get("loopback"))
        # Only a run under a cap waits; elsewhere a 429 is what the answer was judged by.
        self._tape = Tape(journal.entries, waited=journal.settings.get("max_spend") is not None)
        self._last: dict[Request, Response | NoAnswer] = {}
        self._seconds = 0.0

    def send(self, request: Request) -> Response:
        """See Target. Raises NotSent for a request that isn't in the cassette."""
        key = canonical(request)
        answer = self._tape.next(request) or remembered(self._last.get(key))
        if answer is None:
            raise NotSent("not in the cassette")
        self._last[key] = answer
        if isinstance(answer, NoAnswer):
            raise NoAnswer(str(answer), refused=answer.refused)
        return answer

    def close(self) -> None:
        """See Target."""

    def pause(self, seconds: float) -> None:
        """Let that much time pass for `clock`, and none for anybody else."""
        self._seconds += seconds

    def clock(self) -> float:
        """Seconds that were spent in `pause`."""
        return self._seconds
