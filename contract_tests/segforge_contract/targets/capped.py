"""A target with a spending cap: it reserves the price before it sends, records it, and settles it by the answer."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final

from segforge.spec.catalog import Gateway
from segforge_contract.errors import NoAnswer, NotSent
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.base import Target
from segforge_contract.targets.billing import (
    balance_in,
    could_be_billed,
    ended_job,
    in_route,
    is_call,
    polled_job,
    stated_cost,
)
from segforge_contract.targets.journal import Exchanged, Journal, Reservation, Tape, Weighed, canonical, remembered
from segforge_contract.targets.ledger import NOTHING, Ledger, plain
from segforge_contract.targets.patient import PatientTarget

_WEIGH_EVERY = 20  # free requests between two readings of the balance, which shows whether they are billed
_GIVE_UP_READING = 2  # readings of the balance in a row that time out
_LOOK: Final = -1
"""The copy of requests that the target sends itself, so that no replay confuses them with those of the run."""


class CappedTarget:
    """Sends only requests that fit the cap, and none that was answered before, in this run or the resumed one."""

    def __init__(
        self,
        target: Target,
        gateway: Gateway,
        journal: Journal,
        *,
        cap: Decimal,
        worst: Callable[[Request], Decimal],
        free: Decimal,
        tell: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """`worst` returns the most credits that a call may cost. Existing journal entries are replayed first.

        `free` is the most that a request is assumed to cost which is free by the docs. One to a job may cost as much as
        the call that started it.
        `tell` is called with the seconds before each wait for a 429. Nothing is sent before `open`.
        """
        self.base_url = target.base_url
        self.loopback = target.loopback
        self.ledger = Ledger(cap)
        self.recalled = 0
        """The number of requests that the journal answered."""
        self._target = target
        self._patient = PatientTarget(_Looking(self), tell=tell)
        self._gateway = gateway
        self._journal = journal
        self._worst = worst
        self._free = free
        self._tape = Tape(journal.entries)
        self._known: dict[Request, Response | NoAnswer | None] = {}
        self._submitted: dict[str, tuple[float, Decimal]] = {}
        self._calls = 0
        self._unweighed = 0
        self._unread = 0
        self._opened = False
        self._kinds: set[tuple[str, str, int]] = set()
        self._from_tape = False
        self._lock = threading.Lock()
        for entry in journal.entries:
            self._replay(entry)

    def open(self) -> None:
        """Reads the balance, unless a look has read it. Reads it again, which shows whether reading it is billed."""
        if not self._opened:
            self.weigh()
        if self.ledger.readable:
            self.weigh()

    def look(self, request: Request) -> Response:
        """Sends a request that should be free, whatever the journal holds. Raises NoAnswer and NotSent."""
        request = replace(request, copy=_LOOK)
        call = self._reserve(request)
        try:
            response = self._target.send(request)
        except NoAnswer as error:
            self._note(call, request, error)
            raise
        self._note(call, request, response)
        return response

    def send(self, request: Request) -> Response:
        """See `Target`. Raises NotSent if the cap, or an earlier attempt at the request, forbids sending it."""
        with self._lock:
            answer = self._recall(request)
            call = None if answer is not None else self._reserve(request)
        if answer is not None:
            return _given(answer)
        try:
            response = self._target.send(request)
        except NoAnswer as error:
            with self._lock:
                self._note(call, request, error)
            raise
        with self._lock:
            self._note(call, request, response)
        return response

    def close(self) -> None:
        """See `Target`."""
        self._target.close()

    def pause(self, seconds: float) -> None:
        """Waits between two polls, unless the journal answers them."""
        if not self._from_tape:
            time.sleep(seconds)

    def weigh(self) -> None:
        """Reads the balance, and settles answered calls by it. Once a request may not be free, it isn't read."""
        self._unweighed = 0
        if self._unread >= _GIVE_UP_READING:
            return
        route = self._gateway.routes.credits
        try:
            self._patient.send(Request(route.method, route.path))
        except (NoAnswer, NotSent) as error:
            self._unread += isinstance(error, NoAnswer) and error.slow
        else:
            self._unread = 0

    def _recall(self, request: Request) -> Response | NoAnswer | None:
        """Returns the known answer to a request, or None if it must be sent. Raises NotSent."""
        answer = self._tape.next(request)
        self._from_tape = answer is not None
        if answer is None and could_be_billed(self._gateway, request):
            key = canonical(request)
            answer = remembered(self._known.get(key))
            if answer is None and key in self._known:
                raise NotSent("already sent by the interrupted run, with unknown outcome")
        self.recalled += answer is not None
        return answer

    def _reserve(self, request: Request) -> int | None:
        """Reserves the price of a request. Returns its number, or None if it reserves nothing. Raises NotSent."""
        free = not could_be_billed(self._gateway, request)
        if free and request.copy != _LOOK:
            self._refuse_expired(request)
        if free and not self.ledger.reserves_free:
            if self.ledger.stopped:
                raise NotSent(self._why_not(request))
            return None
        amount, worst, room = self._price(request, free=free)
        if room and self.ledger.reading_helps(amount + room, self._free, free=free):
            self.weigh()
        if not self.ledger.fits(amount + room, free=free):
            raise NotSent(self._why_not(request))
        self._calls += 1
        self.ledger.reserve(self._calls, amount, worst, free=free)
        self._journal.append(Reservation(self._calls, amount, worst, request), sync=amount > 0 and not free)
        if not free:
            self._known[canonical(request)] = None
        return self._calls

    def _price(self, request: Request, *, free: bool) -> tuple[Decimal, Decimal, Decimal]:
        """Returns what a request reserves, the most that it may cost, and the credits that must be left after it.

        Those are for the requests that show its cost: a reading of the balance, and a poll after a submit.
        """
        after = self._free if self.ledger.reserves_free else NOTHING
        if free:
            _, price = self._submitted.get(polled_job(self._gateway, request) or "", (0, self._free))
            return price, price, NOTHING if self._is_reading(request) else after
        worst = self._worst(request)
        # With a cap of 0, only requests that the contract makes free are sent, and they reserve nothing.
        amount = NOTHING if self.ledger.cap == 0 and request.expects != "output" else worst
        return amount, worst, after + (worst if after and is_call(self._gateway, request, "submit") else NOTHING)

    def _is_reading(self, request: Request) -> bool:
        return request.copy == _LOOK and in_route(self._gateway, request, "credits") is not None

    def _why_not(self, request: Request) -> str:
        ledger = self.ledger
        if ledger.halted is not None:
            return f"halted: {ledger.halted}"
        if ledger.cap == 0 and not ledger.spent and not ledger.held and request.expects == "output":
            return "the request is billed, and the cap is 0"
        return f"the cap of {plain(ledger.cap)} is reached: {plain(ledger.spent)} spent, {plain(ledger.held)} reserved"

    def _refuse_expired(self, request: Request) -> None:
        found = self._submitted.get(polled_job(self._gateway, request) or "")
        if found is not None and time.time() - found[0] > self._gateway.lifecycle.retention_seconds:
            raise NotSent("the job has expired since the run was interrupted")

    def _note(self, call: int | None, request: Request, answer: Response | NoAnswer) -> None:
        """Records an exchange, then settles it. The order matters: a resumed run settles again from the journal."""
        entry = Exchanged(call, time.time(), request, answer)
        paid = not isinstance(answer, NoAnswer) and call is not None and 200 <= answer.status < 300
        self._journal.append(entry, sync=paid or ended_job(self._gateway, request, answer) is not None)
        if self._settle(entry) or self._is_weight_due(entry):
            self.weigh()

    def _replay(self, entry: object) -> None:
        match entry:
            case Reservation(call, amount, worst, request):
                self._calls = max(self._calls, call)
                free = not could_be_billed(self._gateway, request)
                self.ledger.reserve(call, amount, worst, free=free)
                if not free:
                    self._known[canonical(request)] = None
            case Exchanged():
                self._settle(entry)
                self._is_weight_due(entry)
            case Weighed(balance):
                self.ledger.read(balance)

    def _settle(self, entry: Exchanged) -> bool:
        """Enters an exchange in the ledger. Returns whether the balance should be read now."""
        call, request, answer = entry.call, entry.request, entry.answer
        if call is None or not could_be_billed(self._gateway, request):
            return self._settle_free(call, request, answer)
        if isinstance(answer, NoAnswer):
            if answer.refused:
                self.ledger.release(call)
                self._known.pop(canonical(request), None)
            else:
                self._known[canonical(request)] = answer
            return self.ledger.trusted and not answer.refused
        self._known[canonical(request)] = answer
        told = stated_cost(answer)
        if 200 <= answer.status < 300:
            return self._enter_output(entry, call, answer, told)
        if answer.status == 429:
            self._known.pop(canonical(request))
        if answer.status > 500:
            return False  # a gateway timeout doesn't show whether the call was carried out
        self.ledger.refused(call, told)
        return False

    def _settle_free(self, call: int | None, request: Request, answer: Response | NoAnswer) -> bool:
        """Enters an exchange that should be free. Returns whether it shows the end of a job."""
        if isinstance(answer, Response) and polled_job(self._gateway, request) not in self._submitted:
            self.ledger.free(stated_cost(answer))
        if self._is_reading(request):
            balance = balance_in(answer)
            self._opened |= balance is not None
            self.ledger.read(balance)
        ended = ended_job(self._gateway, request, answer)
        if call is not None:
            self._release_free(call, answer)
        return ended is not None and self.ledger.ended(ended[0], ended[2], completed=ended[1])

    def _release_free(self, call: int, answer: Response | NoAnswer) -> None:
        """Lets the next reading of the balance release what a request reserved, if the gateway is done with it."""
        if isinstance(answer, NoAnswer) and answer.refused:
            self.ledger.release(call)
        elif isinstance(answer, Response) or (self.ledger.readable and not answer.slow):
            self.ledger.refused(call, None)

    def _is_weight_due(self, entry: Exchanged) -> bool:
        """Returns whether the balance should be read after an exchange that should be free: the first of its kind.

        A gateway that bills free requests probably bills all of one kind. Others are checked now and then.
        """
        request, answer = entry.request, entry.answer
        status = 0 if isinstance(answer, NoAnswer) else answer.status
        if request.copy == _LOOK or (status < 300 and could_be_billed(self._gateway, request)):
            return False
        polled = polled_job(self._gateway, request)
        path = request.path if polled is None else request.path.replace(polled, "*")
        kind = (path, request.key, status)
        first, self._unweighed = kind not in self._kinds, self._unweighed + 1
        self._kinds.add(kind)
        return self.ledger.readable and (first or self._unweighed >= _WEIGH_EVERY)

    def _enter_output(self, entry: Exchanged, call: int, answer: Response, told: Decimal | None) -> bool:
        body = answer.json
        request_id = body.get("request_id") if isinstance(body, dict) else None
        # The path of a submit may be one that only the model's page prints. Then its answer shows that it is one.
        printed = not is_call(self._gateway, entry.request, "run") and isinstance(request_id, str)
        if not is_call(self._gateway, entry.request, "submit") and not printed:
            self.ledger.answered(call, told)
            return True
        if isinstance(request_id, str):
            self._submitted[request_id] = entry.at, self._worst(entry.request)
            self.ledger.queued(call, request_id, told)
        return False


class _Looking:
    """Sends the requests that a capped target makes itself."""

    def __init__(self, purse: CappedTarget) -> None:
        self.base_url = purse.base_url
        self.loopback = purse.loopback
        self.send = purse.look

    def close(self) -> None:
        """Leaves the target open."""


def _given(answer: Response | NoAnswer) -> Response:
    if isinstance(answer, NoAnswer):
        raise NoAnswer(str(answer), refused=answer.refused, slow=answer.slow)
    return answer
