"""A target that respects the gateway's rate limit and resends requests whose answer was lost."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from segforge_contract.errors import NoAnswer, NotSent
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.base import Target

RESET = "x-rate-limit-reset-at-utc"
Outcome: TypeAlias = Response | NoAnswer | NotSent

_ATTEMPTS = 5
_LONGEST_WAIT = 120.0  # seconds; the documented rate limit windows are one minute
_UNTOLD_WAITS = (1.0, 4.0, 15.0, 40.0)  # seconds, if a 429 states no time; one minute in total
_LEAST_WAITS = (0.0, 0.25, 1.0, 4.0)  # seconds, if it states a shorter time, since it may be rounded
_RESENT_COPIES = 1000  # a resent request is a copy with a number above those of all other copies


class PatientTarget:
    """Waits as long as a 429 states and sends the request again. A refused request was not carried out.

    A GET without an answer is sent again too. Any other request may have been carried out, so it is sent again only if
    `resends` allows that.
    """

    def __init__(
        self,
        target: Target,
        *,
        resends: Callable[[Request], bool] = lambda _request: False,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        tell: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """`now` returns seconds since 1970. `tell` is called with the seconds before each wait for a 429."""
        self.base_url = target.base_url
        self.loopback = target.loopback
        self.inner = target
        self.lost = 0
        """The number of requests without an answer that may have been carried out, and so billed."""
        self._resends = resends
        self._sleep = sleep
        self._now = now
        self._tell = tell

    def send(self, request: Request) -> Response:
        """See `Target`. Returns the last 429 after five attempts."""
        outcome = self.settled(request, attempt(self.inner, request))
        if isinstance(outcome, Response):
            return outcome
        raise outcome

    def settled(self, request: Request, outcome: Outcome) -> Outcome:
        """Returns the outcome of a request whose first outcome may be a 429 or a lost answer."""
        for number in range(_ATTEMPTS - 1):
            if isinstance(outcome, NoAnswer):
                again = self._after_loss(request, outcome, number + 1)
                if again is None:
                    return outcome
                self._sleep(0.02 if self.loopback else 1.0)
            elif isinstance(outcome, Response) and outcome.status == 429 and request.expects != "limit":
                again = request
                seconds = self._wait(outcome, number)
                self._tell(seconds)
                self._sleep(seconds)
            else:
                return outcome
            outcome = attempt(self.inner, again)
        if isinstance(outcome, NoAnswer):
            self._note_loss(request, outcome)
            return NoAnswer(f"{outcome}, {_ATTEMPTS} times", refused=outcome.refused, slow=outcome.slow)
        return outcome

    def close(self) -> None:
        """See `Target`."""
        self.inner.close()

    def _after_loss(self, request: Request, error: NoAnswer, number: int) -> Request | None:
        """Returns the request to send after a lost answer, or None if it must not be sent again."""
        self._note_loss(request, error)
        if error.refused or error.slow:
            return None
        if request.method == "GET":
            return request
        return replace(request, copy=request.copy + _RESENT_COPIES * number) if self._resends(request) else None

    def _note_loss(self, request: Request, error: NoAnswer) -> None:
        self.lost += request.method != "GET" and request.key == "valid" and not error.refused

    def _wait(self, response: Response, number: int) -> float:
        seconds = _retry_after(response.headers.get("retry-after"), self._now())
        if seconds is None:
            seconds = _reset_at(response.headers.get(RESET), self._now())
        if seconds is None or (seconds <= 0 and number):  # a time that has passed comes from another clock
            return _UNTOLD_WAITS[number]
        return min(max(seconds, _LEAST_WAITS[number]), _LONGEST_WAIT)


def attempt(target: Target, request: Request) -> Outcome:
    """Sends a request once. Returns the answer, or the reason for its lack."""
    try:
        return target.send(request)
    except (NoAnswer, NotSent) as error:
        return error.with_traceback(None)  # its frames hold the body so far, while the request is sent again


def _retry_after(text: str | None, now: float) -> float | None:
    """Returns the seconds to wait by a Retry-After header: seconds or a date (RFC 9110, section 10.2.3)."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
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
