"""The facts that all models share: routes, authentication, statuses, the lifecycle of jobs, profiles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from segforge.spec.catalog.model import Version


@dataclass(frozen=True)
class Auth:
    """The authentication of callers: the header with the key, and the environment variable that holds the key."""

    header: str
    environment: str
    key_pattern: str
    source: str


@dataclass(frozen=True)
class Route:
    """A method and a path template, such as `POST /v1/{slug}`."""

    method: Literal["GET", "POST"]
    path: str
    source: str


@dataclass(frozen=True)
class Routes:
    """The gateway's routes."""

    run: Route
    submit: Route
    status: Route
    result: Route
    poll: Route
    credits: Route


@dataclass(frozen=True)
class OtherRoute:
    """A route of the vendor beside those of models, as its sources describe it: upload, PixelFlow, directory and so on.

    `url` is absolute and may have path parameters in braces. `auth` is what the sources print. `request` and `answers`
    describe the bodies in words; the answers are by status code. `assumed` is what the mock adds to the sources.
    `most_bytes` is the size of the largest file that the route takes. Clients use only `upload_asset`. Contract tests
    ignore these routes.
    """

    name: str
    method: Literal["GET", "POST", "PUT"]
    url: str
    auth: tuple[Literal["api_key", "bearer", "none"], ...]
    meaning: str
    answers: Mapping[str, str]
    source: str
    request: str | None = None
    assumed: str | None = None
    most_bytes: int | None = None


@dataclass(frozen=True)
class ChatParameter:
    """A parameter that chat models take beside those on their pages, such as `prompt`.

    `replaces` is the parameter in whose place it may be sent. An `unsupported` one has no effect: clients refuse it.
    """

    name: str
    meaning: str
    source: str
    replaces: str | None = None
    unsupported: bool = False


@dataclass(frozen=True)
class Header:
    """A header of a successful v1 answer."""

    name: str
    type: Literal["string", "integer", "number"]
    description: str
    example: str | int | float
    source: str


@dataclass(frozen=True)
class StatusCase:
    """One situation that leads to a status, and its body: a JSON object or an HTML page; the other one is None."""

    name: str
    when: str
    source: str
    body: Mapping[str, object] | None = None
    html: str | None = None


@dataclass(frozen=True)
class Status:
    """A status code of the gateway, the routes that may return it, and the cases that lead to it.

    `page_title` is the title that model pages print if it is not `title`.
    """

    code: int
    title: str
    routes: tuple[str, ...]
    meaning: str
    billed: bool
    on_model_pages: bool
    source: str
    cases: tuple[StatusCase, ...]
    page_title: str | None = None


@dataclass(frozen=True)
class State:
    """A state of a v2 job. `next` is empty if the state is terminal; `code` is the status code of a poll."""

    name: str
    meaning: str
    code: int
    next: tuple[str, ...]

    @property
    def terminal(self) -> bool:
        """Whether a job stays in this state."""
        return not self.next


@dataclass(frozen=True)
class Lifecycle:
    """The lifecycle of v2 jobs. All times are in seconds."""

    states: tuple[State, ...]
    retention_seconds: float
    poll_interval_seconds: float
    deadline_seconds: float
    source: str


@dataclass(frozen=True)
class Outcome:
    """The answer to a violation: names of status cases, likeliest first.

    `violations` are the first words of rule names (required, null, type, range, enum, format), and balance.
    """

    versions: tuple[Version, ...]
    violations: tuple[str, ...]
    cases: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Profile:
    """One consistent set of behaviours where sources disagree: documented or observed."""

    name: str
    description: str
    request_ids: Literal["uuid", "hex"]
    key_order: Literal["documented", "alphabetical"]
    numeric_strings: Literal["refused", "cast"]
    formats: Literal["checked", "ignored"]
    failed_job_keys: tuple[str, ...]
    failed_job_metrics: tuple[str, ...]
    outcomes: tuple[Outcome, ...]

    def cases(self, version: Version, violation: str) -> tuple[str, ...]:
        """Returns the status cases of a violation, given as a rule name such as `range.below` or its first word.

        Raises KeyError if the profile has none. No source tells how a broken condition is answered; the sources about
        missing parameters are the nearest.
        """
        family = violation.partition(".")[0].replace("condition", "required")
        for outcome in self.outcomes:
            if version in outcome.versions and family in outcome.violations:
                return outcome.cases
        raise KeyError(f"profile {self.name} has no outcome for {violation} on {version}")


@dataclass(frozen=True)
class Assumption:
    """A value that no page states, and its source."""

    value: str | int | float
    source: str


@dataclass(frozen=True)
class Gateway:
    """The facts that all models share."""

    reviewed: str
    title: str
    description: str
    base_url: str
    auth: Auth
    routes: Routes
    content_types: tuple[str, ...]
    headers: tuple[Header, ...]
    statuses: tuple[Status, ...]
    lifecycle: Lifecycle
    profiles: tuple[Profile, ...]
    assumptions: Mapping[str, Assumption]
    sample: str | None = None
    other_routes: tuple[OtherRoute, ...] = ()
    chat_parameters: tuple[ChatParameter, ...] = ()

    def __hash__(self) -> int:
        """The hash of a few facts, so that results can be cached per gateway."""
        return hash((self.reviewed, self.base_url, self.title))

    @property
    def cases(self) -> dict[str, tuple[Status, StatusCase]]:
        """Each status case under its name, with the status it leads to."""
        return {case.name: (status, case) for status in self.statuses for case in status.cases}
