"""A case: one request that tests a rule, and the outcomes that keep the rule."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from segforge.spec.catalog import Catalog, Gateway, Model, Version
from segforge.spec.printable import one_line
from segforge_contract.messages.request import Expects, Request
from segforge_contract.rules.table import ACCEPTED, JOB_FAILED, REFUSED, RULES

Operation: TypeAlias = Literal["run", "submit", "status", "result", "poll"]

OPERATIONS: Mapping[Version, Operation] = {"v1": "run", "v2": "submit"}


@dataclass(frozen=True)
class Expected:
    """A way in which a request may end: its name, its status, and whether its body is HTML.

    `job.failed` is the one outcome that a submit shows late: it is answered like any other, and its job ends FAILED.
    """

    name: str
    status: int
    html: bool
    when: str


@dataclass(frozen=True)
class Case:
    """One request under one rule. `change` says in words what it changes, `payload` is the object in its body."""

    rule: str
    operation: Operation
    model: str | None
    parameter: str | None
    change: str
    request: Request
    outcomes: tuple[Expected, ...]
    payload: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """What the case is about, on one line: `range.above flux-img2img submit steps = 51`."""
        return " ".join(part for part in (self.rule, self.model, self.operation, self.change) if part)

    @property
    def accepted(self) -> bool:
        """Whether it is billed while the gateway keeps its contract: carried out rather than refused."""
        return any(outcome.name == ACCEPTED for outcome in self.outcomes)

    @property
    def undecided(self) -> bool:
        """Whether it may be carried out or refused, as the gateway likes."""
        return self.accepted and len(self.outcomes) > 1

    @property
    def may_fail(self) -> bool:
        """Whether the job that comes of it may end FAILED."""
        return any(outcome.name == JOB_FAILED for outcome in self.outcomes)

    @property
    def starts_job(self) -> bool:
        """Whether a job may come of it, one to be COMPLETED or, if the case is not accepted, FAILED."""
        return self.operation == "submit" and any(outcome.name in (ACCEPTED, JOB_FAILED) for outcome in self.outcomes)

    @property
    def expects(self) -> Expects:
        """What follows while the gateway keeps its contract; only an output is billed."""
        if self.accepted:
            return "output"
        return "failed job" if self.starts_job else "refusal"

    @property
    def could_be_billed(self) -> bool:
        """Whether a gateway that breaks its contract could bill it."""
        return self.operation in OPERATIONS.values() and self.request.key == "valid"


def operations(model: Model) -> tuple[Operation, ...]:
    """The ways to call a model that its page documents."""
    return tuple(OPERATIONS[version] for version in model.versions)


def promised(gateway: Gateway, rule: str) -> bool:
    """Whether the gateway's profile promises a rule at all: "20" for 20 is no violation where it is cast."""
    return gateway.profiles[0].numeric_strings == "refused" or rule not in (
        "type.string_for_integer",
        "type.string_for_number",
    )


def under_profile(catalog: Catalog, name: str) -> Catalog:
    """The Catalog with the profile of that name as the one that counts. Raises KeyError if there is none."""
    chosen = {profile.name: profile for profile in catalog.gateway.profiles}[name]
    return replace(catalog, gateway=replace(catalog.gateway, profiles=(chosen,)))


def expected(gateway: Gateway, rule: str, operation: Operation) -> tuple[Expected, ...]:
    """The outcomes that keep a rule under the gateway's first profile. Raises KeyError if the specs lack one."""
    names: list[str] = []
    for name in RULES[rule].outcomes:
        if name == JOB_FAILED and operation != "submit":
            continue
        version: Version = "v2" if operation == "submit" else "v1"
        violation = RULES[rule].violation or rule
        names += gateway.profiles[0].cases(version, violation) if name == REFUSED else (name,)
    return tuple(named(gateway, name, operation) for name in dict.fromkeys(names))


def named(gateway: Gateway, name: str, operation: Operation) -> Expected:
    """The outcome of that name: ACCEPTED, or a status case of the specs."""
    if name == ACCEPTED:
        return Expected(name, 200, html=False, when="the request is carried out")
    if name == JOB_FAILED and operation == "submit":
        return Expected(name, 200, html=False, when="the submit is accepted, and its job ends FAILED")
    status, case = gateway.cases[name]
    return Expected(name, status.code, html=case.html is not None, when=one_line(case.when))
