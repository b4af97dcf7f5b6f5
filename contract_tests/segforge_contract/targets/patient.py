"""A target that keeps to a gateway's rate limit, and asks again where an answer to a poll was lost."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from segforge_contract.errors import NoAnswer
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.base import Target

RESET = "x-rate-limit-reset-at-utc"

_ATTEMPTS = 5
_LONGEST_WAIT = 120.0  # seconds; the documented windows are minutes
_UNTOLD_WAIT = 15.0  # seconds, where a 429 doesn't say when to come back


class PatientTarget:
    """Waits as long as a 429 says and sends again: it was refused, so that nothing happens twice.

    A GET whose answer is lost is sent again too; a submit never is, since it may have been carried out.
    """

    def __init__(
        self,
        target: Target,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        tell: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """`now` gives seconds since 1970; `tell` is called before a 429 is waited out, with how long that takes."""
        self.base_url = target.base_url
        self.loopback = target.loopback
        self._target = target
        self._sleep = sleep
        self._now = now
        self._tell = tell

    def send(self, request: Request) -> Response:
        """See Target; gives the last of five answers of 429."""
        for _ in range(_ATTEMPTS - 1):
            try:
                response = self._target.send(request)
            except NoAnswer as error:
                if error.refused or error.slow or request.method != "GET":
                    raise
                self._sleep(0.02 if self.loopback else 1.0)
                continue
            if response.status != 429:
                return response
            seconds = self._wait(response)
            self._tell(seconds)
            self._sleep(seconds)
        return self._target.send(request)

    def close(self) -> None:
        """See Target."""
        self._target.close()

    def _wait(self, response: Response) -> float:
        seconds = _retry_after(response.headers.get("retry-after"), self._now())
        if seconds is None:
            seconds = _reset_at(response.headers.get(RESET), self._now())
        return _UNTOLD_WAIT if seconds is None else min(max(seconds, 0.0), _LONGEST_WAIT)


def _retry_after(text: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After (RFC 9110, section 10.2.3): a number of seconds, or a date."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except ValueError:
        return None


def _reset_at(text: str | None, now: float) -> float | None:
    """Seconds to wait by a time in UTC: ISO 8601, or seconds since 1970; the docs name no format."""
    if text is None:
        return None
    try:
        if text.strip().replace(".", "", 1).isdecimal():
            return float(text) - now
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
