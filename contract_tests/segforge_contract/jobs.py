"""The life of a v2 job: poll it until it has ended, and check each state, each step between two, and the result."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from segforge.spec.catalog import Gateway, Media, State
from segforge.text import show
from segforge_contract.cases import Operation, poll_request
from segforge_contract.checks import Broken
from segforge_contract.exchange import Request, Response


@dataclass(frozen=True)
class Pace:
    """How often a job is polled and how long it may take, in seconds."""

    interval: float
    deadline: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


@dataclass
class Watch:
    """One job under watch: what was seen of it so far."""

    gateway: Gateway
    media: Media
    request_id: str
    send: Callable[[Request], Response]
    broken: list[Broken] = field(default_factory=list)
    state: State | None = None
    result_asked: bool = False
    sent: list[Request] = field(default_factory=list)

    def look(self, waited: float, deadline: float) -> bool:
        """Poll once, `waited` seconds after the submit; gives whether the job still runs and has time left."""
        state = self.poll()
        if state is None or state.terminal:
            return False
        if not self.result_asked:
            self.result_asked = True
            self._check_early_result()
        if waited <= deadline:
            return True
        self.report("job.ends_with_result", "COMPLETED or FAILED in time", f"still {state.name} after {deadline:g} s")
        return False

    def poll(self) -> State | None:
        """Ask for the status once and check it; gives the state, None if the answer holds none."""
        response = self.ask("status")
        state = self._read_state(response)
        if state is None:
            return None
        self._check_code(state, response)
        self._check_step(state)
        self.state = state
        return state

    def check_result(self) -> None:
        """Check a completed job's result, its metrics, its v1 poll URL, and that it stays completed."""
        response = self.ask("result")
        body = response.json if isinstance(response.json, dict) else {}
        agrees = (
            body.get("status") == getattr(self.state, "name", None)
            and body.get("request_id", self.request_id) == self.request_id
        )
        if response.status != 200 or not agrees or not _delivers(body, self.media):
            output = "the picture's URL as its output" if self.media == "image" else "an output"
            self.report("job.ends_with_result", f"200 with status COMPLETED and {output}", response.in_words)
        elif not _metrics_hold(body.get("metrics")):
            self.report(
                "job.metrics_present", "metrics.inference_time in seconds", f"metrics {show(body.get('metrics'))}"
            )
        poll = self.ask("poll")
        if poll.status != 200 or not poll.body:
            self.report("job.poll_url_serves", "200 with the output", poll.in_words)
        self.poll()

    def ask(self, operation: Operation) -> Response:
        """Send one of the polls; the key must not come back in it."""
        request = poll_request(self.gateway, operation, self.request_id)
        if request not in self.sent:
            self.sent.append(request)
        response = self.send(request)
        if response.key_echoed:
            self.report("key.not_echoed", "an answer without the key", response.in_words)
        return response

    def report(self, rule: str, expected: str, found: str) -> None:
        """Note a broken rule, once each."""
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
        # The docs print the job's own id on every poll but that of a failed job, where one record lacks it.
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
            self.report(rule, f"{state.code} with an error that says why", response.in_words)

    def _check_step(self, state: State) -> None:
        before = self.state
        if before is None or before.name == state.name or state.name in before.next:
            return
        if before.terminal:
            self.report("job.terminal_stable", f"{before.name} for good", f"{before.name}, then {state.name}")
        else:
            self.report(
                "job.states_monotone",
                f"one of {', '.join(before.next)} after {before.name}",
                f"{before.name}, then {state.name}",
            )

    def _check_early_result(self) -> None:
        response = self.ask("result")
        body = response.json
        # The job may have ended since its last poll: then the answer says so itself.
        if isinstance(body, dict) and _output(body) and body.get("status") not in set(_done(self.gateway)):
            self.report("job.no_early_result", "no output before COMPLETED", response.in_words)


def _done(gateway: Gateway) -> Iterator[str]:
    return (state.name for state in gateway.lifecycle.states if state.terminal and state.code == 200)


def _output(body: dict[str, Any]) -> bool:
    output = body.get("output")
    return isinstance(output, str | list | dict) and bool(output)


def _delivers(body: dict[str, Any], media: Media) -> bool:
    output = body.get("output")
    return _output(body) and (
        media != "image" or (isinstance(output, str) and output.startswith(("https://", "http://")))
    )


def _metrics_hold(metrics: object) -> bool:
    seconds = metrics.get("inference_time") if isinstance(metrics, dict) else None
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds >= 0
