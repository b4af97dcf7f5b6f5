"""A target with a spending cap: it reserves the price before it sends, records it, and settles it by the answer."""

import json
import re
import threading
import time
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from segforge.spec.catalog import Gateway
from segforge_contract.errors import NoAnswer, NotSent
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.base import Target
from segforge_contract.targets.journal import Exchanged, Journal, Reservation, Tape, Weighed, canonical, remembered
from segforge_contract.targets.ledger import NOTHING, Ledger, plain
from segforge_contract.targets.patient import PatientTarget

_WEIGH_EVERY = 20  # free requests between two readings of the balance, which shows whether they are billed
_GIVE_UP_READING = 2  # readings of the balance in a row that time out


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
        opening: Response | None = None,
        tell: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """`worst` returns the most credits that a request may cost. Existing journal entries are replayed first.

        `opening` is a first reading of the balance; without one, the balance is read. It is then read again, which
        shows whether reading it is billed. `tell` is called with the seconds before each wait for a 429.
        """
        self.base_url = target.base_url
        self.loopback = target.loopback
        self.ledger = Ledger(cap)
        self.recalled = 0
        """The number of requests that the journal answered."""
        self._target = target
        self._patient = PatientTarget(target, tell=tell)
        self._gateway = gateway
        self._journal = journal
        self._worst = worst
        self._tape = Tape(journal.entries)
        self._known: dict[Request, Response | NoAnswer | None] = {}
        self._submitted: dict[str, float] = {}
        self._calls = 0
        self._unweighed = 0
        self._unread = 0
        self._kinds: set[tuple[str, str, int]] = set()
        self._from_tape = False
        self._lock = threading.Lock()
        for entry in journal.entries:
            self._replay(entry)
        self._enter_balance(self._balance() if opening is None else _balance_in(opening))
        if self.ledger.readable:
            self.weigh()

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
        if not self.ledger.stopped:
            self._enter_balance(self._balance())

    def _enter_balance(self, balance: Decimal | None) -> None:
        if balance is not None:
            self._journal.append(Weighed(balance))
        self.ledger.read(balance)

    def _balance(self) -> Decimal | None:
        if self._unread >= _GIVE_UP_READING:
            return None
        route = self._gateway.routes.credits
        try:
            response = self._patient.send(Request(route.method, route.path))
        except (NoAnswer, NotSent) as error:
            self._unread += isinstance(error, NoAnswer) and error.slow
            return None
        self._unread = 0
        return _balance_in(response)

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
        """Reserves the price of a request. Returns the call's number, or None if it can't be billed. Raises NotSent."""
        if not could_be_billed(self._gateway, request):
            if self.ledger.stopped:
                raise NotSent(self._why_not(request))
            self._refuse_expired(request)
            return None
        worst = self._worst(request)
        # With a cap of 0, only requests that the contract makes free are sent, and they reserve nothing.
        amount = NOTHING if self.ledger.cap == 0 and request.expects != "output" else worst
        if not self.ledger.fits(amount) and self.ledger.awaits_balance:
            self.weigh()
        if not self.ledger.fits(amount):
            raise NotSent(self._why_not(request))
        self._calls += 1
        self.ledger.reserve(self._calls, amount, worst)
        self._journal.append(Reservation(self._calls, amount, worst, request), sync=amount > 0)
        self._known[canonical(request)] = None
        return self._calls

    def _why_not(self, request: Request) -> str:
        ledger = self.ledger
        if ledger.halted is not None:
            return f"halted: {ledger.halted}"
        if ledger.cap == 0 and not ledger.spent and not ledger.held and request.expects == "output":
            return "the request is billed, and the cap is 0"
        return f"the cap of {plain(ledger.cap)} is reached: {plain(ledger.spent)} spent, {plain(ledger.held)} reserved"

    def _refuse_expired(self, request: Request) -> None:
        found = self._polled(request)
        at = self._submitted.get(found) if found else None
        if at is not None and time.time() - at > self._gateway.lifecycle.retention_seconds:
            raise NotSent("the job has expired since the run was interrupted")

    def _note(self, call: int | None, request: Request, answer: Response | NoAnswer) -> None:
        """Records an exchange, then settles it. The order matters: a resumed run settles again from the journal."""
        entry = Exchanged(call, time.time(), request, answer)
        paid = not isinstance(answer, NoAnswer) and call is not None and 200 <= answer.status < 300
        self._journal.append(entry, sync=paid or self._ends_job(request, answer) is not None)
        if self._settle(entry) or self._is_weight_due(entry):
            self.weigh()

    def _replay(self, entry: object) -> None:
        match entry:
            case Reservation(call, amount, worst, request):
                self._calls = max(self._calls, call)
                self.ledger.reserve(call, amount, worst)
                self._known[canonical(request)] = None
            case Exchanged():
                self._settle(entry)
                self._is_weight_due(entry)
            case Weighed(balance):
                self.ledger.read(balance)

    def _settle(self, entry: Exchanged) -> bool:
        """Enters an exchange in the ledger. Returns whether the balance should be read now."""
        call, request, answer = entry.call, entry.request, entry.answer
        if call is None:
            if isinstance(answer, Response) and self._polled(request) not in self._submitted:
                self.ledger.free(_stated(answer))
            ended = self._ends_job(request, answer)
            return ended is not None and self.ledger.ended(ended[0], ended[2], completed=ended[1])
        if isinstance(answer, NoAnswer):
            if answer.refused:
                self.ledger.release(call)
                self._known.pop(canonical(request), None)
            else:
                self._known[canonical(request)] = answer
            return self.ledger.trusted and not answer.refused
        self._known[canonical(request)] = answer
        told = _stated(answer)
        if 200 <= answer.status < 300:
            return self._enter_output(entry, call, answer, told)
        if answer.status == 429:
            self._known.pop(canonical(request))
        if answer.status > 500:
            return False  # a gateway timeout doesn't show whether the call was carried out
        self.ledger.refused(call, told)
        return False

    def _is_weight_due(self, entry: Exchanged) -> bool:
        """Returns whether the balance should be read after an exchange that should be free: the first of its kind.

        A gateway that bills free requests probably bills all of one kind. Others are checked now and then.
        """
        request, answer = entry.request, entry.answer
        status = 0 if isinstance(answer, NoAnswer) else answer.status
        if entry.call is not None and status < 300:
            return False
        polled = self._polled(request)
        path = request.path if polled is None else request.path.replace(polled, "*")
        kind = (path, request.key, status)
        first, self._unweighed = kind not in self._kinds, self._unweighed + 1
        self._kinds.add(kind)
        return self.ledger.readable and (first or self._unweighed >= _WEIGH_EVERY)

    def _polled(self, request: Request) -> str | None:
        """Returns the id of the job that a request polls, or None if it polls none."""
        return _matches(self._gateway, request, "status", "result", "poll")

    def _enter_output(self, entry: Exchanged, call: int, answer: Response, told: Decimal | None) -> bool:
        body = answer.json
        request_id = body.get("request_id") if isinstance(body, dict) else None
        # The path of a submit may be one that only the model's page prints. Then its answer shows that it is one.
        printed = _matches(self._gateway, entry.request, "run") is None and isinstance(request_id, str)
        if _matches(self._gateway, entry.request, "submit") is None and not printed:
            self.ledger.answered(call, told)
            return True
        if isinstance(request_id, str):
            self._submitted[request_id] = entry.at
            self.ledger.queued(call, request_id, told)
        return False

    def _ends_job(self, request: Request, answer: Response | NoAnswer) -> tuple[str, bool, Decimal | None] | None:
        """Returns the ended job that an answer shows: its id, whether it is completed, and its stated cost."""
        request_id = _matches(self._gateway, request, "status", "result")
        if request_id is None or isinstance(answer, NoAnswer):
            return None
        body = _decimals(answer)
        name = body.get("status") if isinstance(body, dict) else None
        state = next((state for state in self._gateway.lifecycle.states if state.name == name), None)
        if state is None or not state.terminal:
            return None
        metrics = body.get("metrics")
        cost = metrics.get("cost") if isinstance(metrics, dict) else None
        return request_id, state.code == 200, _amount(cost) if isinstance(cost, Decimal) else _stated(answer)


def could_be_billed(gateway: Gateway, request: Request) -> bool:
    """Returns whether a faulty gateway could bill a request: all except polls and requests without a valid key."""
    if request.key != "valid":
        return False
    return _matches(gateway, request, "status", "result", "poll", "credits") is None


def _matches(gateway: Gateway, request: Request, *routes: str) -> str | None:
    """Returns the slug or id (or "") in the path of a request to one of these routes; None for another path."""
    for name in routes:
        route = getattr(gateway.routes, name)
        if request.method != route.method:
            continue
        before, placeholder, after = re.split(r"(\{\w+\}|$)", route.path, maxsplit=1)
        inner = "([^/]+)" if placeholder else "()"
        if match := re.fullmatch(re.escape(before) + inner + re.escape(after), request.path):
            return match[1]
    return None


def _balance_in(response: Response) -> Decimal | None:
    """Returns the balance in an answer, paid and free credits together, or None if it holds none."""
    body = _decimals(response)
    credits = body.get("credits") if isinstance(body, dict) else None
    if response.status != 200 or not isinstance(credits, Decimal):
        return None
    free = body.get("free-credits")
    return credits + free if isinstance(free, Decimal) else credits


def _stated(response: Response) -> Decimal | None:
    try:
        return _amount(Decimal(response.headers["x-cost"].strip()))
    except (KeyError, InvalidOperation):
        return None


def _amount(figure: Decimal) -> Decimal | None:
    return figure if figure.is_finite() and figure >= 0 else None


def _decimals(response: Response) -> Any:
    """Returns the body as JSON with exact numbers, or None if it isn't JSON."""
    try:
        return json.loads(response.body.decode(), parse_float=Decimal, parse_int=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError, InvalidOperation):
        return None


def _given(answer: Response | NoAnswer) -> Response:
    if isinstance(answer, NoAnswer):
        raise NoAnswer(str(answer), refused=answer.refused, slow=answer.slow)
    return answer
