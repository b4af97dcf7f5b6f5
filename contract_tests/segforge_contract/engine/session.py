"""Cases against a target: send, judge, follow the jobs, count. What the campaign and the pytest suite share."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from segforge.spec.catalog import Catalog
from segforge_contract.cases.case import Case
from segforge_contract.cases.gate import UNSOUND, sound
from segforge_contract.checks.answers import Broken, Exchange, figure, judge, written_figure
from segforge_contract.checks.balance import Account, Balance, read_balance
from segforge_contract.checks.images import first_image
from segforge_contract.checks.job import Pace, Watch
from segforge_contract.engine.failure import Failure
from segforge_contract.errors import NoAnswer, NotSent, Unreachable
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.base import Target
from segforge_contract.targets.in_process import AsgiTarget
from segforge_contract.targets.together import others, send_together


@dataclass(frozen=True)
class SubmittedJob:
    """A job that was submitted: the case that did it, its id, and when, on the pace's clock."""

    case: Case
    request_id: str
    submitted: float


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
    jobs: list[SubmittedJob] = field(default_factory=list)
    careful: bool = False
    """Follow a job that is to fail at once, so that no second one is sent if it is carried out and billed."""
    money: Account = field(default_factory=Account)
    """What the answers since the last reading of the balance said that they cost."""
    tells_balance: bool = True
    """Whether there is any use in reading the balance."""
    _failed: set[str | None] = field(default_factory=set)
    _outputs: dict[str, str] = field(default_factory=dict)
    _ids: set[str] = field(default_factory=set)
    _looked_early: set[str] = field(default_factory=set)
    _refused: int = 0
    _silent: int = 0
    _limited: int = 0

    def perform(self, case: Case) -> list[Failure]:
        """Send a case and judge the answer. A job that it submits is kept for `settle`. Raises Unreachable."""
        try:
            response = self.answer(case)
        except (NotSent, NoAnswer) as error:
            return self._unanswered(case, error)
        return self._judge(case, response)

    def perform_together(self, cases: Sequence[Case]) -> list[Failure]:
        """Send cases at the same time, and judge the answers as `perform` does."""
        for case in cases:
            if not self._is_sound(case):
                return self._unanswered(case, NotSent(UNSOUND))
        answers = send_together(self.target, [replace(case.request, expects=case.expects) for case in cases])
        self.requests += sum(not isinstance(answer, NotSent) for answer in answers)
        failures = []
        for case, answer in zip(cases, answers, strict=True):
            if isinstance(answer, Response):
                self._note_answer(answer)
                failures += self._judge(case, answer)
            else:
                failures += self._unanswered(case, answer)
        return failures

    def picture(self, case: Case) -> tuple[bytes | None, list[Failure]]:
        """Carry a valid case out; gives its first picture, None where there is none to be had, and what broke."""
        try:
            response = self.answer(case)
            self._note_cost(case, response)
            if case.operation == "run":
                return first_image(response) if response.status == 200 else None, []
            known, broken = len(self.jobs), self._keep_job(case, response)
            watched = self._watched([self.jobs.pop()] if len(self.jobs) > known else [], deep=True)
            served = [watch.image() for _, watch in watched]
            pictures = [first_image(response) for response in served if response is not None]
            return (pictures or [None])[0], _failures(case, broken) + _of(watched)
        except NotSent as error:
            self.unsent[str(error)] += 1
        except NoAnswer as error:
            self.note_silence(error)
        return None, []

    def balance(self) -> Balance | None:
        """The balance of the account, None where the target tells none."""
        if self.tells_balance:
            route = self.catalog.gateway.routes.credits
            try:
                response = self.send(Request(route.method, route.path))
            except (NotSent, NoAnswer):
                return None
            read = read_balance(response)
            if read is not None:
                return read
            self.tells_balance = False
            self.unsent[f"{route.path} tells no balance"] += 1
        return None

    def _unanswered(self, case: Case, error: NotSent | NoAnswer) -> list[Failure]:
        if isinstance(error, NotSent):
            self.unsent[str(error)] += 1
            return []
        self.sent.append(case)
        self.note_silence(error)
        return _failures(case, [Broken(case.rule, "an answer", str(error))])

    def _judge(self, case: Case, response: Response) -> list[Failure]:
        self.sent.append(case)
        self._note_cost(case, response)
        model = None if case.model is None else self.catalog.model(case.model)
        broken = judge(Exchange(self.catalog.gateway, model, case, response))
        if case.starts_job:
            broken += self._keep_job(case, response)
        self.money.tangled |= any(each.rule in (case.rule, "job.id_unique") for each in broken)
        return _failures(case, broken) + self._follow_overdue()

    def answer(self, case: Case) -> Response:
        """Send a case, and judge nothing. Raises NoAnswer, and NotSent where the specs themselves disagree with it."""
        if not self._is_sound(case):
            raise NotSent(UNSOUND)
        return self.send(replace(case.request, expects=case.expects))

    def _is_sound(self, case: Case) -> bool:
        return sound(None if case.model is None else self.catalog.model(case.model), case)

    def end_of_job(self, case: Case, response: Response) -> str | None:
        """The state in which the job of a submit was last seen, judging nothing; None if there is no job."""
        self._keep_job(case, response)
        if not self.jobs:
            return None
        job = self.jobs.pop()
        watch = self.watch(job)
        while watch.look(self.pace.clock() - job.submitted, self.pace.deadline):
            self.pace.sleep(self.pace.interval)
        return watch.state.name if watch.state else None

    def _note_cost(self, case: Case, response: Response) -> None:
        if response.status != 200 or not case.could_be_billed or response.again:
            return
        self.billed += case.expects != "failed job"
        if not case.starts_job:  # a job's cost is told at its end
            self.money.add(
                written_figure(response.headers.get("x-cost")),
                written_figure(response.headers.get("x-remaining-credits")),
            )

    def settle(self) -> list[Failure]:
        """Follow all jobs that were kept until they have ended, and judge how."""
        jobs, self.jobs = self.jobs, []
        return self.follow(jobs)

    def follow(self, jobs: Iterable[SubmittedJob], *, deep: bool = False) -> list[Failure]:
        """Poll jobs, all at one pace, until they have ended; `deep` checks their results too. Raises Unreachable."""
        return _of(self._watched(jobs, deep=deep))

    def _watched(self, jobs: Iterable[SubmittedJob], *, deep: bool) -> list[tuple[SubmittedJob, Watch]]:
        watches = [(job, self.watch(job)) for job in jobs]
        for job, watch in watches:  # one early look at a result for each rule: the protocol doesn't ask why a job runs
            watch.result_asked = not deep and job.case.rule in self._looked_early
            self._looked_early.add(job.case.rule)
        running = watches
        while running:
            running = [(job, watch) for job, watch in running if self._look(job, watch, deep=deep)]
            if running:
                self.pace.sleep(self.pace.interval)
        return watches

    def accounts(self) -> list["Session"]:
        """A session for each key that the target takes, the first of them this one."""
        targets = others(self.target)
        return [
            self,
            *(Session(self.catalog, other, self.pace, sent=self.sent, unsent=self.unsent) for other in targets),
        ]

    def start_afresh(self, ids: set[str], outputs: dict[str, str]) -> None:
        """Forget all jobs; from now on compare ids and outputs with these, and add to them."""
        self.jobs, self._ids, self._outputs = [], ids, outputs

    def watch(self, job: SubmittedJob) -> Watch:
        """A watch of a job."""
        model = None if job.case.model is None else self.catalog.model(job.case.model)
        gateway, payload = self.catalog.gateway, job.case.payload or {}
        return Watch(gateway, model, payload, job.request_id, self.send, self.target.base_url)

    def _look(self, job: SubmittedJob, watch: Watch, *, deep: bool) -> bool:
        """Poll a job once and judge its end, if it has come; gives whether it is to be polled again."""
        try:
            if watch.look(self.pace.clock() - job.submitted, self.pace.deadline):
                return True
            self.conclude(job, watch, deep=deep)
        except NotSent as error:
            self.unsent[str(error)] += 1
        except NoAnswer as error:
            self.note_silence(error)
            watch.report("job.pollable", "an answer", str(error))
        return False

    def conclude(self, job: SubmittedJob, watch: Watch, *, deep: bool) -> None:
        """Judge a job's end, and note what it cost; `deep` checks its result too. Raises NotSent and NoAnswer."""
        state = watch.state
        if state is None or not state.terminal:
            self.money.tangled = True
            return
        self.billed += state.code == 200 and job.case.expects == "failed job"
        if not (job.case.accepted if state.code == 200 else job.case.may_fail):
            wanted = "COMPLETED" if job.case.accepted else "FAILED"
            watch.report(job.case.rule, f"the job to end {wanted}", f"{state.name}, after the submit was accepted")
        elif deep or (state.code != 200 and job.case.model not in self._failed):
            self._check_end(job, watch)
        self.money.tangled |= bool(watch.broken)
        self._note_end(watch)

    def _check_end(self, job: SubmittedJob, watch: Watch) -> None:
        if watch.state is not None and watch.state.code != 200:
            self._failed.add(job.case.model)
            watch.check_failure()
            return
        watch.check_result()
        if watch.output is not None and watch.output.startswith(self.target.base_url):
            other = self._outputs.setdefault(watch.output, job.request_id)
            if other != job.request_id:
                watch.report("job.output_own", "an output of the job's own", f"{watch.output}, as of job {other}")

    def _note_end(self, watch: Watch) -> None:
        """Note what a job cost: nothing if it failed, else what its status says, or else its result."""
        if watch.state is not None and watch.state.code != 200:
            self.money.add(0.0, None)
            return
        if "cost" not in watch.metrics and self.tells_balance and self.money.reading:
            watch.read_metrics()
        self.money.add(figure(watch.metrics.get("cost")), figure(watch.metrics.get("remaining_credits")))

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
        if response.again:  # its job was followed then
            return []
        if request_id in self._ids:
            return [Broken("job.id_unique", "a new request_id", f"{request_id} a second time")]
        self._ids.add(request_id)
        self.jobs.append(SubmittedJob(case, request_id, self.pace.clock()))
        return []

    def send(self, request: Request) -> Response:
        """Send a request and count it. Raises NotSent, NoAnswer and Unreachable."""
        try:
            response = self.target.send(request)
        except NoAnswer:
            self.requests += 1
            raise
        self.requests += 1
        self._note_answer(response)
        return response

    def _note_answer(self, response: Response) -> None:
        """Count an answer. Raises Unreachable where waiting for the end of a rate limit has led nowhere too often."""
        self.answers += 1
        self._refused = self._silent = 0
        self._limited = self._limited + 1 if self.careful and response.status == 429 else 0
        if self._limited >= _GIVE_UP:
            raise Unreachable(f"{self.target.base_url}: {response.in_words}, however long was waited")

    def note_silence(self, error: NoAnswer) -> None:
        """Raise Unreachable where a request without an answer means that nobody is there."""
        self._refused += error.refused or error.slow
        self._silent += 1
        if not self.answers or self._refused >= _GIVE_UP or self._silent >= _GIVE_UP_DROPPED:
            raise Unreachable(f"{self.target.base_url}: {error}") from None


def open_session(
    catalog: Catalog,
    target: Target,
    *,
    deadline: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    careful: bool = False,
    audited: bool = True,
) -> Session:
    """A session with a target; jobs are polled as the docs say, more often on this machine. `deadline` in seconds.

    `audited`: whether the balance is read before and after; it means nothing where part of the answers are recalled.
    """
    lifecycle = catalog.gateway.lifecycle
    nearby = 0.0 if isinstance(target, AsgiTarget) else 0.01
    interval = nearby if target.loopback else lifecycle.poll_interval_seconds
    pace = Pace(interval, lifecycle.deadline_seconds if deadline is None else deadline, sleep, clock)
    return Session(catalog, target, pace, careful=careful, tells_balance=audited)


def _failures(case: Case, broken: Iterable[Broken], polls: Iterable[Request] = ()) -> list[Failure]:
    return [Failure(case, each, (case.request, *polls)) for each in broken]


def _of(watched: Iterable[tuple[SubmittedJob, Watch]]) -> list[Failure]:
    return [failure for job, watch in watched for failure in _failures(job.case, watch.broken, watch.sent)]


_GIVE_UP = 3  # so many refused connections or timeouts in a row mean that the target is gone, and no case broke it
_GIVE_UP_DROPPED = 20  # so many connections that were cut; a fault may well cut those of one rule after the other
_IN_A_PATH = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
