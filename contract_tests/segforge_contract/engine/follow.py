"""Follows submitted jobs to their end, and adds up what the calls of a session cost."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from segforge.spec.catalog import Catalog
from segforge_contract.cases.case import Case
from segforge_contract.cases.payloads import sets_output
from segforge_contract.checks.answers import Broken, figure, written_figure
from segforge_contract.checks.balance import Account, Balance, read_balance
from segforge_contract.checks.job import Pace, Watch
from segforge_contract.engine.failure import Failure, failures_of
from segforge_contract.engine.waiting import LOOKS, NOT_AWAITED, Waiting, pause
from segforge_contract.errors import NoAnswer, NotSent
from segforge_contract.messages.request import Request, Response


@dataclass(frozen=True)
class SubmittedJob:
    """A job that was submitted: by which case, its id, and when, in seconds on the pace's clock."""

    case: Case
    request_id: str
    submitted: float


@dataclass
class Follower:
    """The jobs of one session that still run, and the account of what its calls cost."""

    catalog: Catalog
    base_url: str
    pace: Pace
    send: Callable[[Request], Response]
    """Sends a request and counts it. Raises NotSent, NoAnswer and Unreachable."""
    note_silence: Callable[[NoAnswer], None]
    """Counts a missing answer. Raises Unreachable if the target seems to be gone."""
    note_judged: Callable[[Case, str | None], None]
    """Counts the rule that judged the medium of a job's output."""
    unsent: Counter[str]
    accepts_any_key: Callable[[], bool]
    """Returns whether the target accepts wrong keys on purpose."""
    careful: bool = False
    reads_balance: bool = True
    """Whether reading the balance is useful."""
    public_url: str | None = None
    """The start of the URLs that the target states, if it isn't the base URL."""
    unreadable: Response | None = None
    """The answer of the credits route, if it was 200 without a balance in numbers."""
    first: tuple[SubmittedJob, Watch] | None = None
    """The first completed job whose result was checked without a finding."""
    billed: int = 0
    jobs: list[SubmittedJob] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    """What the answers since the last reading of the balance stated about costs."""
    _waiting: Waiting = field(init=False)
    _failed: set[str | None] = field(default_factory=set)
    _outputs: dict[str, str] = field(default_factory=dict)
    _ids: set[str] = field(default_factory=set)
    _looked_early: set[str] = field(default_factory=set)
    _deep: int = 0

    def __post_init__(self) -> None:
        self._waiting = Waiting(self.pace.deadline)

    def start_afresh(self, ids: set[str], outputs: dict[str, str]) -> None:
        """Forgets all jobs; from now on ids and outputs are compared with these, and added to them."""
        self.jobs, self._ids, self._outputs = [], ids, outputs

    def keep(self, case: Case, response: Response) -> list[Broken]:
        """Keeps the job that a submit started, if any. Returns the broken rule if its id was used before."""
        body = response.json
        request_id = body.get("request_id") if isinstance(body, dict) else None
        if response.status != 200 or not isinstance(request_id, str) or not _IN_A_PATH.issuperset(request_id):
            return []
        if response.again:  # its job was followed when the answer was first received
            return []
        if request_id in self._ids:
            return [Broken("job.id_unique", "a new request_id", f"{request_id} a second time")]
        self._ids.add(request_id)
        self.jobs.append(SubmittedJob(case, request_id, self.pace.clock()))
        return []

    def take(self, case: Case | None = None) -> list[SubmittedJob]:
        """Removes the jobs of a case, or all jobs, and returns them."""
        taken = [job for job in self.jobs if case is None or job.case is case]
        self.jobs = [] if case is None else [job for job in self.jobs if job.case is not case]
        return taken

    def take_overdue(self) -> list[SubmittedJob]:
        """Removes the jobs that must be followed now, and returns them.

        These are the jobs whose time is up: the gateway would delete them before a campaign of hours ends. A careful
        session polls jobs that should fail immediately, so that one wrongly executed and billed stops the run before
        another is sent.
        """
        overdue = self.pace.clock() - self.pace.deadline
        jobs = [job for job in self.jobs if job.submitted < overdue or (self.careful and not job.case.accepted)]
        self.jobs = [job for job in self.jobs if job not in jobs]
        return jobs

    def watch(self, job: SubmittedJob) -> Watch:
        """A watch of a job."""
        model = None if job.case.model is None else self.catalog.model(job.case.model)
        any_key = self.accepts_any_key()
        return Watch(
            self.catalog.gateway,
            model,
            job.case.payload,
            job.request_id,
            self.send,
            self.base_url,
            any_key,
            public_url=self.public_url,
        )

    def follow(self, jobs: Iterable[SubmittedJob], *, deep: bool) -> list[tuple[SubmittedJob, Watch]]:
        """Polls jobs at one pace until all have ended; `deep` checks their results too. Raises Unreachable."""
        watches = [(job, self.watch(job)) for job in jobs]
        for job, watch in watches:  # one early look at a result per rule suffices: the reason of a job changes nothing
            watch.result_asked = not deep and job.case.rule in self._looked_early
            self._looked_early.add(job.case.rule)
            if deep:  # the polls come in several orders, since none may depend on another one
                self._deep += 1
                watch.polls_first, watch.asks_first = self._deep % 2 == 0, self._deep % 4 == 3
        running = [(job, watch, self._looks(job, watch)) for job, watch in watches]
        since = self.pace.clock()
        for number in itertools.count(1):
            running = [each for each in running if self._runs(*each, deep=deep)]
            if not running:
                break
            self.pace.sleep(pause(self.pace.interval, number, self.pace.clock() - since))
        return watches

    def last_state(self, case: Case, response: Response) -> str | None:
        """Polls the job of a submit to its end without judging it. Returns its last state, None if there is no job."""
        self.keep(case, response)
        if not self.jobs:
            return None
        job = self.jobs.pop()
        watch = self.watch(job)
        since = self.pace.clock()
        for number, _ in enumerate(self._looks(job, watch), 1):
            self.pace.sleep(pause(self.pace.interval, number, self.pace.clock() - since))
        return watch.state.name if watch.state else None

    def _looks(self, job: SubmittedJob, watch: Watch) -> Iterator[None]:
        """Polls a job once for each item, until it has ended or its time is up.

        The time counts from the first look: under load, it may come long after the submit. A job is late only after
        several looks, since a mock may count them.
        """
        model, clock = job.case.model, self.pace.clock
        since, patience, looks = clock(), self._waiting.patience(job.case.model), 1
        while watch.look(waited := clock() - since, self.pace.deadline if looks >= LOOKS else math.inf):
            if patience is not None and waited >= patience and looks >= LOOKS:
                self.unsent[NOT_AWAITED] += 1
                return
            looks += 1
            yield
        if watch.late:
            self._waiting.is_late(model)
        elif watch.state is not None:
            self._waiting.ended(model, clock() - since)

    def _runs(self, job: SubmittedJob, watch: Watch, looks: Iterator[None], *, deep: bool) -> bool:
        """Polls a job once and judges its end, if it has ended. Returns whether to poll it again."""
        try:
            for _ in looks:
                return True
            self.conclude(job, watch, deep=deep)
        except NotSent as error:
            self.unsent[str(error)] += 1
        except NoAnswer as error:
            self.note_silence(error)
            watch.report("job.pollable", "an answer", str(error))
        return False

    def conclude(self, job: SubmittedJob, watch: Watch, *, deep: bool) -> None:
        """Judges the end of a job and counts its cost; `deep` checks its result too. Raises NotSent and NoAnswer."""
        state = watch.state
        if state is None or not state.terminal:
            self.account.tangled = True
            return
        self.billed += state.code == 200 and job.case.expects == "failed job"
        if not (job.case.accepted if state.code == 200 else job.case.may_fail):
            wanted = "COMPLETED" if job.case.accepted else "FAILED"
            watch.report(job.case.rule, f"the job to end {wanted}", f"{state.name}, after the submit was accepted")
        elif deep or self._sets_output(job.case) or (state.code != 200 and job.case.model not in self._failed):
            self._check_end(job, watch)
        self.account.tangled |= bool(watch.broken)
        self._count_job(watch)

    def _sets_output(self, case: Case) -> bool:
        """Whether the payload asks for another output than the sample, so that the output shows a fault."""
        if case.model is None or case.payload is None:
            return False
        return sets_output(self.catalog.model(case.model), case.payload)

    def _check_end(self, job: SubmittedJob, watch: Watch) -> None:
        if watch.state is not None and watch.state.code != 200:
            self._failed.add(job.case.model)
            watch.check_failure()
            return
        watch.check_result()
        if self.first is None and not watch.broken:
            self.first = job, watch
        self.note_judged(job.case, watch.judged)
        if watch.output is not None and watch.output.startswith(self.base_url):
            other = self._outputs.setdefault(watch.output, job.request_id)
            if other != job.request_id:
                watch.report("job.output_own", "an output of the job's own", f"{watch.output}, as of job {other}")

    def _count_job(self, watch: Watch) -> None:
        """Counts what a job cost: nothing if it failed, otherwise the cost in its status, or in its result."""
        if watch.state is not None and watch.state.code != 200:
            self.account.add(0.0, None)
            return
        if "cost" not in watch.metrics and self.reads_balance and self.account.reading:
            watch.read_metrics()
        self.account.add(figure(watch.metrics.get("cost")), figure(watch.metrics.get("remaining_credits")))

    def count_answer(self, case: Case, response: Response) -> None:
        """Counts what an answer says that it cost; a job states its cost at its end."""
        if response.status != 200 or not case.could_be_billed or response.again:
            return
        self.billed += case.expects != "failed job"
        if not case.starts_job:
            self.account.add(
                written_figure(response.headers.get("x-cost")),
                written_figure(response.headers.get("x-remaining-credits")),
            )

    def balance(self) -> Balance | None:
        """Reads the balance of the account. Returns None if the target doesn't state one."""
        if not self.reads_balance:
            return None
        route = self.catalog.gateway.routes.credits
        try:
            response = self.send(Request(route.method, route.path))
        except NoAnswer as error:
            if error.slow:  # a route that hangs is asked once, since each answer is awaited for minutes
                self.reads_balance = False
                self.unsent[f"{route.path} does not answer in time"] += 1
                self.note_silence(error)
            return None
        except NotSent:
            return None
        read = read_balance(response)
        if read is None:
            self.reads_balance = False
            self.unreadable = response if response.status == 200 else None
            self.unsent[f"{route.path} returns no balance in numbers, so no cost can be checked"] += 1
        return read


def failures_in(watched: Iterable[tuple[SubmittedJob, Watch]]) -> list[Failure]:
    """The failures that watches found, with the polls that show them."""
    return [failure for job, watch in watched for failure in failures_of(job.case, watch.broken, watch.sent)]


_IN_A_PATH = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
