"""Sends cases to a target and judges the answers, for campaigns and for the pytest suite."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from segforge.spec.catalog import Catalog
from segforge_contract.cases.case import Case
from segforge_contract.cases.gate import UNSOUND, sound
from segforge_contract.checks.answers import Broken, Exchange, judge
from segforge_contract.checks.images import first_image
from segforge_contract.checks.job import Pace
from segforge_contract.checks.media import judged_by
from segforge_contract.engine.failure import Failure, failures_of
from segforge_contract.engine.follow import Follower, SubmittedJob, failures_in
from segforge_contract.engine.selection import EVERY_RULE, Selection
from segforge_contract.errors import NoAnswer, NotSent, Unreachable
from segforge_contract.messages.request import ADMIN, WRONG_KEYS, Request, Response
from segforge_contract.rules.house import HOUSE
from segforge_contract.targets.base import Target
from segforge_contract.targets.in_process import AsgiTarget
from segforge_contract.targets.patient import PatientTarget
from segforge_contract.targets.together import others, send_together

_UNKNOWN: Final = "sent, but the answer was lost; the call may have been billed, so it isn't sent again"
"""The reason in a report for a paid call whose outcome is unknown."""
ANY_KEY: Final = "the mock accepts any key, so a wrong one can't be tested; start it with --api-key KEY"
"""The reason in a report for a case with a wrong key that isn't sent."""


@dataclass
class Session:
    """One target under test, and what was sent to it. Rate limits of the target are waited out."""

    catalog: Catalog
    target: Target
    pace: Pace
    requests: int = 0
    answers: int = 0
    sent: list[Case] = field(default_factory=list)
    unsent: Counter[str] = field(default_factory=Counter)
    """How many cases were held back, by the reason."""
    careful: bool = False
    """Whether to poll jobs that should fail immediately, see `Follower.take_overdue`."""
    audited: bool = True
    """Whether the balance is read."""
    selection: Selection = EVERY_RULE
    """The rules that are tested."""
    follower: Follower = field(init=False)
    """Follows the jobs, and adds up what calls cost."""
    unanswered: list[Failure] = field(default_factory=list)
    """The failures of the last requests in a row that got no answer."""
    _patient: PatientTarget = field(init=False)
    _judged: set[tuple[str | None, str, str]] = field(default_factory=set)
    _refused: int = 0
    _slow: int = 0
    _silent: int = 0
    _limited: int = 0

    def __post_init__(self) -> None:
        self._patient = (
            self.target if isinstance(self.target, PatientTarget) else PatientTarget(self.target, sleep=self.pace.sleep)
        )
        self.target = self._patient
        self.follower = Follower(
            self.catalog,
            self.target.base_url,
            self.pace,
            self.send,
            self.note_silence,
            self.note_judged,
            self.unsent,
            careful=self.careful,
            reads_balance=self.audited,
            accepts_any_key=lambda: self.accepts_any_key,
        )

    @property
    def public_url(self) -> str | None:
        """The start of the URLs that the target states, if it isn't the base URL."""
        return self.follower.public_url

    @public_url.setter
    def public_url(self, url: str | None) -> None:
        self.follower.public_url = url

    @property
    def billed(self) -> int:
        """How many calls were accepted, by their answers. Each may be billed; the ledger has the credits."""
        return self.follower.billed

    @property
    def lost(self) -> int:
        """How many requests that may have been billed got no answer, even if they were answered when sent again."""
        return self._patient.lost

    @cached_property
    def accepts_any_key(self) -> bool:
        """Whether the target says that it accepts any key, as `segforge mock` does. Asks it once, which is free."""
        route = self.catalog.gateway.routes.credits
        try:  # a copy, so that a journal keeps it apart from the readings of the balance
            answer = self.target.send(Request(route.method, route.path, copy=1))
        except (NoAnswer, NotSent):
            return False
        return answer.headers.get("x-mock-keys") == "any"

    def accounts(self) -> list["Session"]:
        """A session for each key that the target accepts; the first is this session."""
        targets = others(self.target)
        sessions = [
            self,
            *(
                Session(self.catalog, other, self.pace, sent=self.sent, unsent=self.unsent, selection=self.selection)
                for other in targets
            ),
        ]
        for each in sessions:
            each.public_url = self.public_url
        return sessions

    def perform(self, case: Case) -> list[Failure]:
        """Sends a case and judges the answer. A job that it submits is kept for `settle`. Raises Unreachable."""
        if not self.selection.sends(case):
            return []
        try:
            response = self.answer(case)
        except (NotSent, NoAnswer) as error:
            found = self._unanswered(case, error)
        else:
            found = self._judge(case, response)
        if case.rule in self.selection.skipped and any(failure.broken.rule == case.rule for failure in found):
            self.unsent[f"{case.rule} is skipped, but broken, so the answer tests no other rule"] += 1
        return self.selection.kept(found)

    def perform_together(self, cases: Sequence[Case]) -> list[Failure]:
        """Sends cases at the same time, and judges the answers as `perform` does."""
        for case in cases:
            if not self._is_sound(case):
                return self._unanswered(case, NotSent(UNSOUND))
        answers = send_together(self.target, [replace(case.request, expects=case.expects) for case in cases])
        self.requests += sum(not isinstance(answer, NotSent) for answer in answers)
        failures = []
        for case, answer in zip(cases, answers, strict=True):
            if isinstance(answer, Response):
                self._note_answer(case.request, answer)
                failures += self._judge(case, answer)
            else:
                failures += self._unanswered(case, answer)
        return failures

    def image(self, case: Case) -> tuple[bytes | None, list[Failure]]:
        """Sends a valid case. Returns its first image, None if there is none, and the failures."""
        try:
            response = self.answer(case)
            self.follower.count_answer(case, response)
            if case.operation == "run":
                return first_image(response) if response.status == 200 else None, []
            known, broken = len(self.follower.jobs), self.follower.keep(case, response)
            jobs = [self.follower.jobs.pop()] if len(self.follower.jobs) > known else []
            watched = self.follower.follow(jobs, deep=True)
            served = [watch.file() for _, watch in watched]
            images = [first_image(response) for response in served if response is not None]
            return (images or [None])[0], failures_of(case, broken) + failures_in(watched)
        except NotSent as error:
            self.unsent[str(error)] += 1
        except NoAnswer as error:
            self.note_silence(error)
        return None, []

    def settle(self, *, deep: bool = False) -> list[Failure]:
        """Follows all jobs that were kept to their end; `deep` checks their results too. Raises Unreachable."""
        return self.follow(self.follower.take(), deep=deep)

    def follow(self, jobs: Iterable[SubmittedJob], *, deep: bool = False) -> list[Failure]:
        """Follows jobs to their end, and judges them; `deep` checks their results too. Raises Unreachable."""
        return self.selection.kept(failures_in(self.follower.follow(jobs, deep=deep)))

    def answer(self, case: Case) -> Response:
        """Sends a case without judging the answer. Raises NoAnswer, and NotSent if the specs disagree with the case."""
        if not self._is_sound(case):
            raise NotSent(UNSOUND)
        return self.send(replace(case.request, expects=case.expects))

    def send(self, request: Request) -> Response:
        """Sends a request and counts it. Raises NotSent, NoAnswer and Unreachable."""
        if request.key in WRONG_KEYS and self.accepts_any_key:
            raise NotSent(ANY_KEY)
        try:
            response = self.target.send(request)
        except NoAnswer:
            self.requests += 1
            raise
        self.requests += 1
        self._note_answer(request, response)
        return response

    def note_silence(self, error: NoAnswer) -> None:
        """Counts a missing answer. Raises Unreachable if the target seems to be gone."""
        self._refused += error.refused or error.slow
        self._slow += error.slow
        self._silent += 1
        gone = self._refused >= _GIVE_UP or self._slow >= _GIVE_UP_SLOW or self._silent >= _GIVE_UP_DROPPED
        if not self.answers or gone:
            raise Unreachable(f"{self.target.base_url}: {error}") from None

    def _note_answer(self, request: Request, response: Response) -> None:
        """Counts an answer. Raises Unreachable if the rate limit hasn't ended after several waits."""
        self.answers += 1
        self._refused = self._slow = self._silent = 0
        self.unanswered.clear()
        waited = response.status == 429 and request.expects != "limit"
        self._limited = self._limited + 1 if waited else 0
        if self._limited >= _GIVE_UP:
            raise Unreachable(f"{self.target.base_url}: {response.in_words}, after {_GIVE_UP} waits")

    def _unanswered(self, case: Case, error: NotSent | NoAnswer) -> list[Failure]:
        if isinstance(error, NotSent):
            self.unsent[str(error)] += 1
            return []
        self.sent.append(case)
        self.note_silence(error)
        if self.careful and case.expects == "output" and not (error.refused or error.slow):
            self.unsent[_UNKNOWN] += 1
            return []
        failures = failures_of(case, [Broken(case.rule, "an answer", str(error))])
        self.unanswered += failures
        return failures

    def _judge(self, case: Case, response: Response) -> list[Failure]:
        self.sent.append(case)
        self.follower.count_answer(case, response)
        model = None if case.model is None else self.catalog.model(case.model)
        exchange = Exchange(self.catalog.gateway, model, case, response, self.target.base_url, self.public_url)
        broken = judge(exchange)
        if case.operation == "run" and response.status == 200 and model is not None and case.payload is not None:
            self.note_judged(case, judged_by(model, response))
        for rule, each in HOUSE.items():
            self.note_judged(case, rule if each.judges(exchange) else None)
        if case.starts_job:
            broken += self.follower.keep(case, response)
        self.follower.account.tangled |= any(each.rule in (case.rule, "job.id_unique") for each in broken)
        return failures_of(case, broken) + self.follow(self.follower.take_overdue())

    def note_judged(self, case: Case, rule: str | None) -> None:
        """Counts the rule that judged the medium of an output, once for each operation of a model, as sent."""
        if rule is None or rule in self.selection.skipped:
            return
        if (case.model, case.operation, rule) not in self._judged:
            self._judged.add((case.model, case.operation, rule))
            self.sent.append(replace(case, rule=rule, parameter=None))

    def _is_sound(self, case: Case) -> bool:
        return sound(None if case.model is None else self.catalog.model(case.model), case)


def open_session(
    catalog: Catalog,
    target: Target,
    *,
    deadline: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    tell: Callable[[float], None] = lambda _seconds: None,
    careful: bool = False,
    audited: bool = True,
) -> Session:
    """A session with a target. It polls jobs as often as the docs say, and more often on this machine.

    `deadline` is how long a job may take, in seconds; None stands for the documented time. `tell` is called with the
    seconds before each wait for a 429. `careful`: calls cost money, so a paid call without an answer is not sent again.
    `audited`: whether the balance is read before and after. Leave it out if part of the answers comes from a journal.
    """
    lifecycle, in_process = catalog.gateway.lifecycle, isinstance(target, AsgiTarget)
    nearby = 0.0 if in_process else 0.01
    interval = nearby if target.loopback else lifecycle.poll_interval_seconds
    pace = Pace(interval, lifecycle.deadline_seconds if deadline is None else deadline, sleep, clock)

    def resends(request: Request) -> bool:
        if in_process or (request.method == "POST" and request.path.startswith(ADMIN)):
            return False  # in process, no answer gets lost; a second stub would stay for a later case
        return not careful or request.expects != "output"

    patient = PatientTarget(target, resends=resends, sleep=sleep, tell=tell)
    return Session(catalog, patient, pace, careful=careful, audited=audited)


_GIVE_UP = 3  # so many refused connections in a row mean that the target is gone, and no case broke it
_GIVE_UP_SLOW = 2  # timeouts in a row; each takes minutes
_GIVE_UP_DROPPED = 20  # dropped connections in a row; a fault may drop those of one rule after another
