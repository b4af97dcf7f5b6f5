"""Targets that record every exchange in a journal, or answer from a journal without a network."""

import time

from segforge_contract.errors import NoAnswer, NotSent
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.base import Target
from segforge_contract.targets.journal import Exchanged, Journal, Tape, canonical, remembered


class RecordedTarget:
    """Records the exchanges of a target without a cap; see `capped` for one with a cap."""

    def __init__(self, target: Target, journal: Journal) -> None:
        self.base_url = target.base_url
        self.loopback = target.loopback
        self._target = target
        self._journal = journal

    def send(self, request: Request) -> Response:
        """See `Target`."""
        answer: Response | NoAnswer
        try:
            answer = response = self._target.send(request)
        except NoAnswer as error:
            self._journal.append(Exchanged(None, time.time(), request, error))
            raise
        self._journal.append(Exchanged(None, time.time(), request, answer))
        return response

    def close(self) -> None:
        """See `Target`."""
        self._target.close()


class ReplayedTarget:
    """Returns the recorded answers to each request in their order, then repeats the last one."""

    def __init__(self, journal: Journal) -> None:
        self.base_url = str(journal.settings.get("target"))
        self.loopback = bool(journal.settings.get("loopback"))
        # A resumed run doesn't wait again for a 429 that an earlier part of it has waited out.
        self._tape = Tape(journal.entries, waited=journal.settings.get("max_spend") is not None)
        self._last: dict[Request, Response | NoAnswer] = {}
        self._seconds = 0.0

    def send(self, request: Request) -> Response:
        """See `Target`. Raises NotSent for a request that isn't in the journal."""
        key = canonical(request)
        answer = self._tape.next(request) or remembered(self._last.get(key))
        if answer is None:
            raise NotSent("not in the journal")
        self._last[key] = answer
        if isinstance(answer, NoAnswer):
            raise NoAnswer(str(answer), refused=answer.refused, slow=answer.slow)
        return answer

    def close(self) -> None:
        """See `Target`."""

    def pause(self, seconds: float) -> None:
        """Moves `clock` by that many seconds, without waiting."""
        self._seconds += seconds

    def clock(self) -> float:
        """Returns the seconds passed to `pause` so far."""
        return self._seconds
