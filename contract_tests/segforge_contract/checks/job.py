"""Checks of a v2 job from submit to end: each state, each transition, and the result."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from segforge.spec.catalog import Gateway, Model, State
from segforge.spec.printable import show
from segforge_contract.cases.case import Case, Operation
from segforge_contract.cases.requests import poll_request
from segforge_contract.checks.answers import Broken, Exchange, figure, house_broken
from segforge_contract.checks.media import FILES, check_file, check_stated, is_exact, judged_by, states_medium
from segforge_contract.checks.properties import check_result
from segforge_contract.checks.records import agree, output_in
from segforge_contract.checks.shapes import check_job_output
from segforge_contract.checks.urls import foreign_urls, wrong_urls
from segforge_contract.messages.request import Key, Request, Response
from segforge_contract.rules.table import RULES


@dataclass(frozen=True)
class Pace:
    """The seconds between two polls of a job, and the seconds that a job may take."""

    interval: float
    deadline: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


@dataclass
class Watch:
    """One job, the answers seen so far, and the rules that they break."""

    gateway: Gateway
    model: Model | None
    payload: Mapping[str, Any] | None
    """The payload of the submit; None if its body was odd, so that no rule says which output it asks for."""
    request_id: str
    send: Callable[[Request], Response]
    base_url: str
    accepts_any_key: bool = False
    """Whether the target accepts wrong keys on purpose, so that none is sent."""
    broken: list[Broken] = field(default_factory=list)
    state: State | None = None
    result_asked: bool = False
    public_url: str | None = None
    """The start of the URLs that the target states, if it isn't the base URL."""
    asks_first: bool = False
    """Whether to ask for the result before the first poll of the status."""
    polls_first: bool = False
    """Whether to read the v1 poll URL of a completed job before its result."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """The times and the cost in the last poll."""
    output: str | None = None
    """The URL of the output, from the result."""
    result: Response | None = None
    """The first result of the completed job."""
    judged: str | None = None
    """The rule that judged the medium of the output, if one did."""
    sent: list[Request] = field(default_factory=list)
    late: bool = False
    """Whether the job was still running when its time was up."""

    def look(self, waited: float, deadline: float) -> bool:
        """Polls once, `waited` seconds after the first look. Returns whether the job is running and has time left."""
        if self.asks_first and not self.result_asked:
            self.ask_early()
        state = self.poll()
        if state is None or state.terminal:
            return False
        if not self.result_asked:
            self.ask_early()
        if waited <= deadline:
            return True
        self.late = True
        self.report("job.ends_with_result", "COMPLETED or FAILED in time", f"still {state.name} after {deadline:g} s")
        return False

    def poll(self) -> State | None:
        """Polls the status once and checks it. Returns the state, or None if the answer holds none."""
        response = self.ask("status")
        state = self._read_state(response)
        if state is None:
            return None
        self._check_code(state, response)
        self._check_step(state)
        self.state = state
        self._check_metrics(response.json)
        for expected, found in wrong_urls(self.gateway, response.json, self.request_id):
            self.report("job.urls_absolute", expected, found)
        return state

    def check_result(self) -> None:
        """Checks a completed job: its result, metrics, output and v1 poll URL, and that it stays completed.

        All polls are repeated, and none may depend on another one.
        """
        poll = self.ask("poll") if self.polls_first else None
        response = self.result = self.ask("result")
        body = response.json if isinstance(response.json, dict) else {}
        agrees = (
            body.get("status") == getattr(self.state, "name", None)
            and body.get("request_id", self.request_id) == self.request_id
        )
        is_file = self.model is None or (self.model.returns.media in FILES and self.model.returns.printed is None)
        if response.status != 200 or not agrees or not _delivers(body, is_file=is_file):
            output = "the file's URL as its output" if is_file else "an output"
            self.report("job.ends_with_result", f"200 with status COMPLETED and {output}", response.in_words)
        elif not _metrics_hold(body.get("metrics")):
            self.report(
                "job.metrics_present", "metrics.inference_time in seconds", f"metrics {show(body.get('metrics'))}"
            )
        self._check_metrics(body)
        self._check_output(response, body)
        self._check_poll_url(poll or self.ask("poll"), response)
        self._check_strangers()
        self._check_methods()
        ended, now = self.state, self.poll()
        if now is not None and now is ended:  # otherwise another rule is broken
            self.read_again(response)

    def _check_poll_url(self, poll: Response, result: Response) -> None:
        """Checks the answer of the v1 poll URL. If it is a record as the result, both must agree."""
        own, other = output_in(poll), output_in(result)
        if poll.status != 200 or not poll.body:
            self.report("job.poll_url_serves", "200 with the output", poll.in_words)
        elif None not in (own, other) and own != other:
            self.report("job.poll_url_serves", f"the output of the result, {show(other)}", show(own))

    def read_again(self, first: Response) -> None:
        """Reads the result of a completed job once more; it must hold the same output as before."""
        self.compare(first, self.ask("result"))

    def compare(self, first: Response, again: Response) -> None:
        """Compares two results of a completed job."""
        if first.status == 200 and (again.status != 200 or not agree(first, again)):
            self.report("job.result_stable", f"the result again: {first.in_words}", again.in_words)

    def check_failure(self) -> None:
        """Checks that the result of a failed job agrees with its status, and that the job stays failed."""
        response = self.ask("result")
        body = response.json if isinstance(response.json, dict) else {}
        if response.status != getattr(self.state, "code", None) or body.get("status") != getattr(
            self.state, "name", None
        ):
            self.report("job.failed_is_422", "a result that agrees with the status", response.in_words)
        elif _output(body):
            self.report("job.no_early_result", "no output from a failed job", response.in_words)
        self._check_metrics(body)
        self._check_strangers()
        self.poll()
        again = self.ask("result")
        if again.status != response.status:
            self.report("job.terminal_stable", f"the result again: {response.in_words}", again.in_words)

    def read_metrics(self) -> None:
        """Polls the result to read the cost from its metrics."""
        body = self.ask("result").json
        if isinstance(body, dict):
            self._check_metrics(body)

    def file(self) -> Response | None:
        """Downloads a completed job's file. Returns None if another host serves it, since no request goes there."""
        if self.output is None or not self.output.startswith(f"{self.base_url}/"):
            return None
        return self.send(Request("GET", self.output.removeprefix(self.base_url), "missing"))

    def _check_output(self, result: Response, body: Mapping[str, Any]) -> None:
        output, images = body.get("output"), body.get("images")
        self.output = output if isinstance(output, str) else None
        if self.model is None or not _output(body):
            return
        found = list(check_job_output(self.model, output))
        if self.model.returns.media in FILES:
            if self.payload is not None:
                found += check_result(self.model, self.payload, images) if isinstance(images, list) else []
                found += self._check_file(self.model, self.payload, result, body)
        else:
            self.judged = judged_by(self.model, result)
        for rule, expected, what in found:
            self.report(rule, expected, what)

    def _check_file(
        self, model: Model, payload: Mapping[str, Any], result: Response, body: Mapping[str, Any]
    ) -> Iterator[tuple[str, str, str]]:
        """Checks the file of a result, if the target itself serves it, and the content types that the result states."""
        yield from check_stated(model, body)
        self.judged = "bytes.match_media" if states_medium(model.returns.media, body) else None
        served = self.file()
        if served is not None:
            self.judged = judged_by(model, served) or self.judged
            yield from check_file(model, payload, served, exact=is_exact(result))

    def _check_strangers(self) -> None:
        """Checks that a job can't be read without its exact id and a valid key."""
        keys: tuple[tuple[Key, str], ...] = (("missing", "auth.missing"), ("invalid", "auth.invalid"))
        for key, rule in keys[:1] if self.accepts_any_key else keys:
            response = self.ask("result", key)
            if response.status != self.gateway.cases[rule][0].code:
                self.report(rule, f"{self.gateway.cases[rule][0].code}, for an existing job", response.in_words)
        other = self.request_id[:-1] + ("0" if self.request_id[-1] != "0" else "1")
        response = self.send(poll_request(self.gateway, "result", other))
        if response.status != self.gateway.cases["request.unknown"][0].code:
            self.report("request.unknown", f"404, since the job's id is {self.request_id}", response.in_words)

    def _check_methods(self) -> None:
        """Checks that other methods neither delete a job nor crash. The reads that follow notice if one has an effect.

        A server may answer HEAD as GET (RFC 9110, section 9.3.2).
        """
        path = poll_request(self.gateway, "result", self.request_id).path
        allowed = {self.gateway.cases[name][0].code for name in RULES["method.of_polls"].outcomes}
        for method in ("HEAD", "DELETE"):
            response = self.send(Request(method, path, expects="refusal"))
            if response.status not in allowed | ({200} if method == "HEAD" else set()):
                self.report("method.of_polls", f"{method} of an existing job to be refused", response.in_words)

    def _check_metrics(self, body: Mapping[str, Any]) -> None:
        metrics = body.get("metrics")
        if not isinstance(metrics, dict):
            return
        self.metrics = metrics
        for name in ("cost", "remaining_credits"):
            if metrics.get(name) is not None and figure(metrics[name]) is None:
                self.report("money.readable", f"a number as {name}", f"metrics {show(metrics)}")
        times = {name: figure(metrics.get(name)) for name in ("queue_time", "inference_time", "total_time")}
        known = {name: seconds for name, seconds in times.items() if seconds is not None}
        parts = known.get("queue_time", 0.0) + known.get("inference_time", 0.0)
        if min(known.values(), default=0.0) < 0 or known.get("total_time", parts) < parts - _ROUNDING:
            self.report("job.metrics_add_up", "times that add up and are not negative", f"metrics {show(metrics)}")
        if self.state is not None and self.state.code != 200 and figure(metrics.get("cost")) not in (None, 0.0):
            self.report("money.failed_job_is_free", "no cost for a failed job", f"metrics {show(metrics)}")

    def ask(self, operation: Operation, key: Key = "valid") -> Response:
        """Sends one of the polls and checks that the answer doesn't echo the key."""
        request = poll_request(self.gateway, operation, self.request_id, key)
        if request not in self.sent:
            self.sent.append(request)
        response = self.send(request)
        if response.key_echoed:
            self.report("key.not_echoed", "an answer without the key", response.in_words)
        for expected, found in foreign_urls(response.json, self.base_url, self.public_url):
            self.report("job.urls_own", expected, found)
        slug = None if self.model is None else self.model.slug
        poll = Case("job.pollable", operation, slug, None, "a poll", request, (), self.payload)
        for each in house_broken(Exchange(self.gateway, self.model, poll, response)):
            self.report(each.rule, each.expected, each.found)
        return response

    def report(self, rule: str, expected: str, found: str) -> None:
        """Notes a broken rule; each rule once."""
        if rule not in {broken.rule for broken in self.broken}:
            self.broken.append(Broken(rule, expected, found))

    def _read_state(self, response: Response) -> State | None:
        body = response.json
        if response.status == 404:
            self.report("job.pollable", "the job's status", response.in_words)
            return None
        known = {state.name: state for state in self.gateway.lifecycle.states}
        name = body.get("status") if isinstance(body, dict) else None
        if not isinstance(name, str) or name not in known or response.media_type != "application/json":
            self.report("job.status_shape", f"application/json with a status of {', '.join(known)}", response.in_words)
            return None
        # The docs print the id on every poll, except in one record of a failed job.
        if body.get("request_id", None if known[name].code == 200 else self.request_id) != self.request_id:
            self.report("job.status_shape", f"request_id {self.request_id}", response.in_words)
        if _output(body) and not (known[name].terminal and known[name].code == 200):
            self.report("job.no_early_result", "no output before COMPLETED", response.in_words)
        return known[name]

    def _check_code(self, state: State, response: Response) -> None:
        rule = "job.state_is_200" if state.code == 200 else "job.failed_is_422"
        if response.status != state.code:
            self.report(rule, f"{state.code} while {state.name}", response.in_words)
        elif state.code != 200 and not (isinstance(response.json.get("error"), str) and response.json["error"].strip()):
            self.report(rule, f"{state.code} with a non-empty error", response.in_words)

    def _check_step(self, state: State) -> None:
        before = self.state
        if before is None or before.name == state.name or state.name in before.next:
            return
        if before.terminal:
            self.report("job.terminal_stable", f"{before.name} to stay", f"{before.name}, then {state.name}")
        else:
            self.report(
                "job.states_monotone",
                f"one of {', '.join(before.next)} after {before.name}",
                f"{before.name}, then {state.name}",
            )

    def ask_early(self, operation: Operation = "result") -> None:
        """Polls the result, or the output on v1, of a job that may still run. It must hold no output yet."""
        self.result_asked = True
        response = self.ask(operation)
        body = response.json
        if not isinstance(body, dict) or not _output(body):
            return
        # The job may have ended since its last poll. Then this answer and the next poll both say COMPLETED.
        state = self.poll() if body.get("status") in set(_done(self.gateway)) else None
        if state is None or not state.terminal:
            self.report("job.no_early_result", "no output before COMPLETED", response.in_words)


def _done(gateway: Gateway) -> Iterator[str]:
    return (state.name for state in gateway.lifecycle.states if state.terminal and state.code == 200)


def _output(body: Mapping[str, Any]) -> bool:
    output = body.get("output")
    return isinstance(output, str | list | dict) and bool(output)


def _delivers(body: dict[str, Any], *, is_file: bool) -> bool:
    output = body.get("output")
    return _output(body) and (not is_file or (isinstance(output, str) and output.startswith(("https://", "http://"))))


def _metrics_hold(metrics: object) -> bool:
    return isinstance(metrics, dict) and figure(metrics.get("inference_time")) is not None


_ROUNDING = 0.01  # seconds; each time in an answer is rounded separately
