"""The Catalog: every fact of the specs as frozen dataclasses, with derived properties only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
ParameterType: TypeAlias = Literal["string", "integer", "number", "boolean"]
Version: TypeAlias = Literal["v1", "v2"]
Media: TypeAlias = Literal["image", "json"]
PriceUnit: TypeAlias = Literal["generation", "second", "input_second", "token"]


class Absent(Enum):
    """A default that the page doesn't print. None means that the page prints null."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True)
class Choices:
    """Allowed values of a parameter: those that the page shows, and the total that it states."""

    known: tuple[Scalar, ...]
    total: int

    @property
    def open(self) -> bool:
        """Whether the page leaves some values out, so that an unknown value may be valid."""
        return self.total > len(self.known)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a model, under its name in the request body.

    All allowed numbers are multiples of `multiple_of`. Lengths count characters, as Unicode code points.
    `disputed` holds values that the page prints although its own facts exclude them; see `segforge.spec.values`. `note`
    is a curator's remark for maintainers; the clients' docs don't show it.
    """

    name: str
    type: ParameterType
    required: bool
    description: str
    format: str | None = None
    nullable: bool = False
    default: Scalar | Absent = ABSENT
    minimum: int | float | None = None
    maximum: int | float | None = None
    exclusive_minimum: int | float | None = None
    exclusive_maximum: int | float | None = None
    multiple_of: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    choices: Choices | None = None
    note: str | None = None
    disputed: tuple[Scalar, ...] = ()


@dataclass(frozen=True)
class Controls:
    """The names of the parameters that control properties of a model's output."""

    aspect_ratio: str | None = None
    base64: str | None = None
    count: str | None = None
    format: str | None = None
    height: str | None = None
    prompt: str | None = None
    quality: str | None = None
    seed: str | None = None
    size_from_input: str | None = None
    width: str | None = None


@dataclass(frozen=True)
class Returns:
    """The answer of a successful call: images in one of `formats`, or a JSON document (then `formats` is empty)."""

    media: Media
    formats: tuple[str, ...] = ()
    controls: Controls = Controls()


@dataclass(frozen=True)
class Source:
    """The docs page with a model's facts, and the date (YYYY-MM-DD) of the last review."""

    url: str
    reviewed: str


@dataclass(frozen=True)
class Price:
    """The price that a page prints: its text, and the ends in USD and the unit as far as the text states them.

    The text tells how many tokens a price per `token` is for.
    """

    printed: str
    from_: float | None = None
    to: float | None = None
    unit: PriceUnit | None = None

    @property
    def facts(self) -> dict[str, str | float]:
        """The stated facts, under their names in a spec."""
        named = {"printed": self.printed, "from": self.from_, "to": self.to, "unit": self.unit}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class Model:
    """One model: the facts of its docs page. `typical_seconds` is a time, `typical_cost` an amount of credits."""

    slug: str
    title: str
    description: str
    source: Source
    versions: tuple[Version, ...]
    returns: Returns
    parameters: tuple[Parameter, ...]
    example: Mapping[str, Scalar]
    typical_seconds: float | None = None
    typical_cost: float | None = None
    price: Price | None = None
    note: str | None = None

    def __hash__(self) -> int:
        """The hash of the slug, so that results can be cached per model although the sample is a mapping."""
        return hash(self.slug)

    @property
    def parameters_by_name(self) -> dict[str, Parameter]:
        """The parameters by name, in the page's order."""
        return {parameter.name: parameter for parameter in self.parameters}

    @property
    def valid_example(self) -> dict[str, Scalar]:
        """The page's sample, completed with the printed defaults of required parameters that it lacks."""
        missing = {
            parameter.name: parameter.default
            for parameter in self.parameters
            if parameter.required and parameter.name not in self.example and not isinstance(parameter.default, Absent)
        }
        return {**self.example, **missing}


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
    """A status code of the gateway, the routes that may return it, and the cases that lead to it."""

    code: int
    title: str
    routes: tuple[str, ...]
    meaning: str
    billed: bool
    on_model_pages: bool
    source: str
    cases: tuple[StatusCase, ...]


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

        Raises KeyError if the profile has none.
        """
        family = violation.partition(".")[0]
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

    @property
    def cases(self) -> dict[str, tuple[Status, StatusCase]]:
        """Each status case under its name, with the status it leads to."""
        return {case.name: (status, case) for status in self.statuses for case in status.cases}


@dataclass(frozen=True)
class Release:
    """One entry of the specs' change log: a semantic version, its date (YYYY-MM-DD or `unreleased`), its changes."""

    version: str
    date: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """All specs, loaded: models in the order of their slugs, releases newest first."""

    gateway: Gateway
    models: tuple[Model, ...] = field(default_factory=tuple)
    releases: tuple[Release, ...] = ()

    def __hash__(self) -> int:
        """The hash of the models, so that results can be cached per catalog."""
        return hash(self.models)

    @property
    def version(self) -> str:
        """The version of the newest release, which the clients share; 0.0.0 without a change log."""
        return self.releases[0].version if self.releases else "0.0.0"

    def model(self, slug: str) -> Model:
        """Returns the model of that slug. Raises KeyError if there is none."""
        for model in self.models:
            if model.slug == slug:
                return model
        raise KeyError(slug)
