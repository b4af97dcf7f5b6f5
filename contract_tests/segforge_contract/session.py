"""Cases against a target: send, judge, follow the jobs, count. What the campaign and the pytest suite share."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from segforge.spec.catalog import Catalog
from segforge_contract.cases import Case
from segforge_contract.checks import Broken, Exchange, judge
from segforge_contract.exchange import Request, Response
from segforge_contract.jobs import Pace, Watch
from segforge_contract.target import NoAnswer, NotSent, Target


@dataclass(frozen=True)
class Failure:
    """A broken rule, the case that showed it, and the requests to send again."""

    case: Case
    broken: Broken
    requests: tuple[Request, ...]


@dataclass(frozen=True)
class Job:
    """A job that was submitted: the case that did it, its id, and when, on the pace's clock."""

    case: Case
    request_id: str
    submitted: float


class Unreachable(Exception):
    """Nothing answers at the target at all; the message says what was tried."""


@dataclass
class Session:
    """One target under test, what was sent to it, and what it has still to answer for."""

    catalog: Catalog
    target: Target
    pace: Pace
    requests: int = 0
    answers: int = 0
    billed: int = 0
    sent: list[Case] = field(default_factory=list)
    unsent: Counter[str] = field(default_factory=Counter)
    """How many cases were held back, by the reason."""
    jobs: list[Job] = field(default_factory=list)
    careful: bool = False
    """Follow a job that is to fail at once, so that no second one is sent if it is carried out and billed."""
    _ids: set[str] = field(default_factory=set)
    _refused: int = 0

    def perform(self, case: Case) -> list[Failure]:
        """Send a case and judge the answer. A job that it submits is kept for `settle`. Raises Unreachable."""
        try:
            response = self.answer(case)
        except NotSent as error:
            self.unsent[str(error)] += 1
            return []
        except NoAnswer as error:
            self.sent.append(case)
            self.note_silence(error)
            return _failures(case, [Broken(case.rule, "an answer", str(error))])
        self.sent.append(case)
        if response.status == 200 and case.could_be_billed:
            self.billed += 1
        model = None if case.model is None else self.catalog.model(case.model)
        broken = judge(Exchange(self.catalog.gateway, model, case, response))
        if case.starts_job:
            broken += self._keep_job(case, response)
        return _failures(case, broken) + self._follow_overdue()

    def answer(self, case: Case) -> Response:
        """Send a case, and judge nothing. Raises NoAnswer and NotSent."""
        return self._send(replace(case.request, expects=case.expects))

    def end_of_job(self, case: Case, response: Response) -> str | None:
        """The state in which the job of a submit was last seen, judging nothing; None if there is no job."""
        self._keep_job(case, response)
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            watch = self._watch(job)
            while watch.look(self.pace.clock() - job.submitted, self.pace.deadline):
                self.pace.sleep(self.pace.interval)
            return watch.state.name if watch.state else None
        return None

    def settle(self) -> list[Failure]:
        """Follow all jobs that were kept until they have ended, and judge how."""
        jobs, self.jobs = self.jobs, []
        return self.follow(jobs)

    def follow(self, jobs: Iterable[Job], *, deep: bool = False) -> list[Failure]:
        """Poll jobs, all at one pace, until they have ended; `deep` checks their results too. Raises Unreachable."""
        watches = [(job, self._watch(job)) for job in jobs]
        running = watches
        while running:
            running = [(job, watch) for job, watch in running if self._look(job, watch, deep=deep)]
            if running:
                self.pace.sleep(self.pace.interval)
        return [failure for job, watch in watches for failure in _failures(job.case, watch.broken, watch.sent)]

    def _watch(self, job: Job) -> Watch:
        media = "image" if job.case.model is None else self.catalog.model(job.case.model).returns.media
        return Watch(self.catalog.gateway, media, job.request_id, self._send)

    def _look(self, job: Job, watch: Watch, *, deep: bool) -> bool:
        """Poll a job once and judge its end, if it has come; gives whether it is to be polled again."""
        try:
            if watch.look(self.pace.clock() - job.submitted, self.pace.deadline):
                return True
            state = watch.state
            if state is None or not state.terminal:
                return False
            if (state.code == 200) != job.case.accepted:
                wanted = "COMPLETED" if job.case.accepted else "FAILED"
                watch.report(job.case.rule, f"the job to end {wanted}", f"{state.name}, after the submit was accepted")
            elif state.code == 200 and deep:
                watch.check_result()
        except NotSent as error:
            self.unsent[str(error)] += 1
        except NoAnswer as error:
            self.note_silence(error)
            watch.report("job.pollable", "an answer", str(error))
        return False

    def _follow_overdue(self) -> list[Failure]:
        """Follow jobs whose time is up: in a campaign of hours they would be forgotten by its end."""
        overdue = self.pace.clock() - self.pace.deadline
        jobs = [job for job in self.jobs if job.submitted < overdue or (self.careful and not job.case.accepted)]
        self.jobs = [job for job in self.jobs if job not in jobs]
        return self.follow(jobs)

    def _keep_job(self, case: Case, response: Response) -> list[Broken]:
        body = response.json
        request_id = body.get("request_id") if isinstance(body, dict) else None
        if response.status != 200 or not isinstance(request_id, str) or not _IN_A_PATH.issuperset(request_id):
            return []
        if request_id in self._ids:
            return [Broken("job.id_unique", "a new request_id", f"{request_id} a second time")]
        self._ids.add(request_id)
        self.jobs.append(Job(case, request_id, self.pace.clock()))
        return []

    def _send(self, request: Request) -> Response:
        self.requests += 1
        response = self.target.send(request)
        self.answers += 1
        self._refused = 0
        return response

    def note_silence(self, error: NoAnswer) -> None:
        """Raise Unreachable where a request without an answer means that nobody is there."""
        self._refused += error.refused
        if not self.answers or self._refused >= _GIVE_UP:
            raise Unreachable(f"{self.target.base_url}: {error}") from None


def open_session(
    catalog: Catalog,
    target: Target,
    *,
    deadline: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    careful: bool = False,
) -> Session:
    """A session with a target; jobs are polled as the docs say, more often on this machine. `deadline` in seconds."""
    lifecycle = catalog.gateway.lifecycle
    interval = 0.02 if target.loopback else lifecycle.poll_interval_seconds
    pace = Pace(interval, lifecycle.deadline_seconds if deadline is None else deadline, sleep, clock)
    return Session(catalog, target, pace, careful=careful)


def _failures(case: Case, broken: Iterable[Broken], polls: Iterable[Request] = ()) -> list[Failure]:
    return [Failure(case, each, (case.request, *polls)) for each in broken]


_GIVE_UP = 3  # so many refused connections in a row mean that the target is gone, not that one case broke it
_IN_A_PATH = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
