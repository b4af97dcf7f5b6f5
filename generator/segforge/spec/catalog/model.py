"""The facts about one model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from segforge.spec.catalog.parameter import ABSENT, Absent, Json, Parameter, Scalar

Version: TypeAlias = Literal["v1", "v2"]
Media: TypeAlias = Literal["image", "video", "audio", "model3d", "json", "text"]
Shape: TypeAlias = Literal["openai_chat", "anthropic_chat", "gemini_content", "embedding", "caption"]
CHAT_SHAPES: Final[tuple[Shape, ...]] = ("openai_chat", "anthropic_chat", "gemini_content")
"""The shapes of the answers of chat models, one for each dialect."""
"""The form of a JSON answer."""
PriceUnit: TypeAlias = Literal["generation", "second", "input_second", "token"]
Level: TypeAlias = Literal["complete", "partial"]
FactSource: TypeAlias = Literal["page", "sample", "package_2024", "client_2023", "program"]
Encoding: TypeAlias = Literal["json", "multipart"]


@dataclass(frozen=True)
class Controls:
    """The names of the parameters that control properties of a model's output.

    `size` is a text such as `1280x720` or `1280:720`: width and height in pixels. `duration` is in seconds, `fps` in
    frames per second.
    """

    aspect_ratio: str | None = None
    base64: str | None = None
    count: str | None = None
    duration: str | None = None
    format: str | None = None
    fps: str | None = None
    height: str | None = None
    prompt: str | None = None
    quality: str | None = None
    seed: str | None = None
    size: str | None = None
    size_from_input: str | None = None
    width: str | None = None


MEDIA_TYPES: Final[Mapping[str, str]] = {
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "svg": "image/svg+xml",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "glb": "model/gltf-binary",
}
"""The media type of each file format that a spec may name."""


@dataclass(frozen=True)
class Returns:
    """The answer of a successful call: a file in one of `formats`, or a JSON document of a shape, or text.

    `formats` is empty for JSON, text, and a file of unknown format. `printed` is the page's text after "Returns:" if it
    names another medium, such as Text/JSON for an image.
    """

    media: Media
    formats: tuple[str, ...] = ()
    controls: Controls = Controls()
    shape: Shape | None = None
    printed: str | None = None


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
class Average:
    """The average cost (USD) and time (seconds) of a run in the vendor's directory, `read` on a date (YYYY-MM-DD)."""

    read: str
    usd: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Condition:
    """A statement about several parameters of one payload, as sent.

    The premise is that all parameters of `when_present` are sent, and that each parameter of `when` has one of its
    values. While it holds, `requires` must be sent, `forbids` must not, and no parameter may have one of its values in
    `forbids_values`. `exactly_one_of` says that one of these is sent. `only_when` says that `parameters` may be sent
    only if each parameter of `only_when` has one of its values. `with_defaults` says that the defaults of parameters
    that are not sent count, too. An `inferred` condition was read from prose: readers see it, nothing checks it.
    """

    exactly_one_of: tuple[str, ...] = ()
    only_when: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    when: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    when_present: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    forbids_values: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    with_defaults: bool = False
    inferred: bool = False

    def __hash__(self) -> int:
        """The hash of the names, since the values are mappings."""
        return hash((self.exactly_one_of, self.parameters, self.when_present, self.forbids))

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that the condition is about, those that it restricts first."""
        restricted = (*self.forbids, *self.forbids_values, *self.requires, *self.parameters)
        others = (*self.exactly_one_of, *self.when_present, *self.when, *self.only_when)
        return tuple(dict.fromkeys((*restricted, *others)))


@dataclass(frozen=True)
class Quirk:
    """A contradiction of the page: its place, such as `sample.duration`, what the page prints there, and the reason."""

    at: str
    found: Json
    why: str

    def __hash__(self) -> int:
        """The hash of the place, since `found` may be a list or a mapping."""
        return hash((self.at, self.why))


@dataclass(frozen=True)
class Model:
    """One model: the facts of its docs page. `typical_seconds` is the time that the page prints.

    `paths` are the path templates that the page prints where they differ from the gateway's routes. `auth` lists the
    schemes that the page prints beside the API key. `encodings` are those of request bodies. A `partial` model has
    facts of a page that was not read whole, so it may have more parameters and values than listed here; `sources` says
    where its facts come from.
    """

    slug: str
    title: str
    description: str
    source: Source
    versions: tuple[Version, ...]
    returns: Returns
    parameters: tuple[Parameter, ...]
    example: Mapping[str, Json]
    level: Level = "complete"
    sources: tuple[FactSource, ...] = ()
    typical_seconds: float | None = None
    price: Price | None = None
    average: Average | None = None
    paths: Mapping[Version, str] = field(default_factory=dict)
    auth: tuple[Literal["bearer"], ...] = ()
    encodings: tuple[Encoding, ...] = ("json",)
    conditions: tuple[Condition, ...] = ()
    quirks: tuple[Quirk, ...] = ()
    note: str | None = None

    def __hash__(self) -> int:
        """The hash of the slug, so that results can be cached per model although the sample is a mapping."""
        return hash(self.slug)

    @property
    def parameters_by_name(self) -> dict[str, Parameter]:
        """The parameters by name, in the page's order."""
        return {parameter.name: parameter for parameter in self.parameters}

    def defaults_in(self, condition: Condition) -> dict[str, Json]:
        """Returns the printed defaults of the parameters that a condition is about, in the page's order."""
        named = condition.names
        return {one.name: one.default for one in self.parameters if one.name in named and one.default is not ABSENT}

    @property
    def valid_example(self) -> dict[str, Json]:
        """The page's sample, completed with the printed defaults of required parameters that it lacks."""
        missing = {
            parameter.name: parameter.default
            for parameter in self.parameters
            if parameter.required and parameter.name not in self.example and not isinstance(parameter.default, Absent)
        }
        return {**self.example, **missing}
