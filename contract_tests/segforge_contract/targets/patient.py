"""A target that respects the gateway's rate limit and repeats polls whose answer was lost."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from segforge_contract.errors import NoAnswer
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.base import Target

RESET = "x-rate-limit-reset-at-utc"
_ATTEMPTS = 5
_LONGEST_WAIT = 120.0  # seconds; the documented rate limit windows are one minute
_UNTOLD_WAIT = 15.0  # seconds, if a 429 doesn't state a time


class PatientTarget:
    """Waits as long as a 429 states and sends the request again. A refused request was not carried out.

    A GET without an answer is sent again too. A POST never is, since it may have been carried out.
    """

    def __init__(
        self,
        target: Target,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        tell: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """`now` returns seconds since 1970. `tell` is called with the seconds before each wait for a 429."""
        self.base_url = target.base_url
        self.loopback = target.loopback
        self._target = target
        self._sleep = sleep
        self._now = now
        self._tell = tell

    def send(self, request: Request) -> Response:
        """See `Target`. Returns the last 429 after five attempts."""
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
        """See `Target`."""
        self._target.close()

    def _wait(self, response: Response) -> float:
        seconds = _retry_after(response.headers.get("retry-after"), self._now())
        if seconds is None:
            seconds = _reset_at(response.headers.get(RESET), self._now())
        return _UNTOLD_WAIT if seconds is None else min(max(seconds, 0.0), _LONGEST_WAIT)


def _retry_after(text: str | None, now: float) -> float | None:
    """Returns the seconds to wait by a Retry-After header: seconds or a date (RFC 9110, section 10.2.3)."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except ValueError:
        return None


def _reset_at(text: str | None, now: float) -> float | None:
    """Returns the seconds until a UTC time: ISO 8601, or seconds since 1970. The docs don't state the format."""
    if text is None:
        return None
    try:
        if text.strip().replace(".", "", 1).isdecimal():
            return float(text) - now
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
