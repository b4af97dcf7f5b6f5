"""A case: one request that tests a rule, and the outcomes that keep the rule."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from segforge.spec.catalog import Catalog, Gateway, Model, Version
from segforge.spec.printable import one_line
from segforge_contract.messages.request import Expects, Request
from segforge_contract.rules.table import ACCEPTED, ANSWERED, JOB_FAILED, REFUSED, RULES

Operation: TypeAlias = Literal["run", "submit", "status", "result", "poll"]

_TOO_MANY = 429

OPERATIONS: Mapping[Version, Operation] = {"v1": "run", "v2": "submit"}


@dataclass(frozen=True)
class Expected:
    """An outcome that keeps a rule: its name, its HTTP status, whether its body is HTML, and its meaning in words.

    `job.failed` is the one outcome that shows late: the submit is accepted, and its job ends FAILED.
    """

    name: str
    status: int
    html: bool
    when: str


@dataclass(frozen=True)
class Case:
    """One request that tests one rule. `change` is its difference from the sample; `payload` is its JSON body."""

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
        """The name of the case on one line: `range.above flux-img2img submit steps = 51`."""
        return " ".join(part for part in (self.rule, self.model, self.operation, self.change) if part)

    @property
    def accepted(self) -> bool:
        """Whether a gateway that keeps its contract may carry the request out, and so bill it."""
        return any(outcome.name == ACCEPTED for outcome in self.outcomes)

    @property
    def undecided(self) -> bool:
        """Whether the request may be either carried out or refused."""
        return self.accepted and len(self.outcomes) > 1

    @property
    def may_fail(self) -> bool:
        """Whether the job of this submit may end FAILED."""
        return any(outcome.name == JOB_FAILED for outcome in self.outcomes)

    @property
    def starts_job(self) -> bool:
        """Whether the request may start a job. The job must end COMPLETED, or FAILED if the case isn't accepted."""
        return self.operation == "submit" and any(outcome.name in (ACCEPTED, JOB_FAILED) for outcome in self.outcomes)

    @property
    def expects(self) -> Expects:
        """The result if the gateway keeps its contract; only an output is billed."""
        if self.accepted:
            return "output"
        if any(outcome.status == _TOO_MANY for outcome in self.outcomes):
            return "limit"
        return "failed job" if self.starts_job else "refusal"

    @property
    def could_be_billed(self) -> bool:
        """Whether a gateway that breaks its contract could bill the request."""
        return self.operation in OPERATIONS.values() and self.request.key == "valid"


def operations(model: Model) -> tuple[Operation, ...]:
    """Returns the operations that call a model, one for each version that its page documents."""
    return tuple(OPERATIONS[version] for version in model.versions)


def promised(gateway: Gateway, rule: str) -> bool:
    """Returns whether the gateway's profile promises a rule.

    If it casts "20" to 20, it doesn't promise a refusal. If it ignores formats, it promises none about formats.
    """
    profile = gateway.profiles[0]
    if rule.startswith("format."):
        return profile.formats == "checked"
    return profile.numeric_strings == "refused" or rule not in ("type.string_for_integer", "type.string_for_number")


def under_profile(catalog: Catalog, name: str) -> Catalog:
    """Returns the Catalog with only the named profile. Raises KeyError if no profile has that name."""
    chosen = {profile.name: profile for profile in catalog.gateway.profiles}[name]
    return replace(catalog, gateway=replace(catalog.gateway, profiles=(chosen,)))


def expected(gateway: Gateway, rule: str, operation: Operation) -> tuple[Expected, ...]:
    """Returns the outcomes that keep a rule under the first profile. Raises KeyError if the specs lack one."""
    names: list[str] = []
    for name in RULES[rule].outcomes:
        if name == JOB_FAILED and operation != "submit":
            continue
        version: Version = "v2" if operation == "submit" else "v1"
        violation = RULES[rule].violation or rule
        names += gateway.profiles[0].cases(version, violation) if name == REFUSED else (name,)
    return tuple(named(gateway, name, operation) for name in dict.fromkeys(names))


def named(gateway: Gateway, name: str, operation: Operation) -> Expected:
    """Returns the outcome with that name: ACCEPTED, JOB_FAILED, or a status case of the specs."""
    if name == ACCEPTED:
        return Expected(name, 200, html=False, when="the request is carried out")
    if name == JOB_FAILED and operation == "submit":
        return Expected(name, 200, html=False, when="the submit is accepted, and its job ends FAILED")
    if name in ANSWERED:
        return Expected(name, 200 if name == ANSWERED[0] else 204, html=False, when="answered without running a model")
    status, case = gateway.cases[name]
    return Expected(name, status.code, html=case.html is not None, when=one_line(case.when))
