"""Builds the Catalog's parts from the data of checked files."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from segforge.spec import catalog as c
from segforge.spec.values import LIMITS, disputed

_AS_THEY_ARE: Final = frozenset({str, int, bool, type(None)})
"""Types of values that every parameter keeps. Most values have one of them."""
_OWN: Final = frozenset(
    {"type", "required", "description", "title", "enum", "items", "properties", "any_of", "accepts", "inferred"}
)
"""Fields of a parameter's data that are not attributes of the same form."""
_EXCLUDING: Final = frozenset({*LIMITS, "items", "properties", "any_of"})
"""Fields of a parameter's data that exclude values of its type, even values of its set."""


def build_model(data: Mapping[str, Any]) -> c.Model:
    """Returns the Model of a checked model file's data. Shapes must have been replaced by their facts.

    `average` is no field of the file; the caller adds it from the directory.
    """
    return _built(c.Model, data, _parameters(data), _sample(data))


def outlined_model(data: Mapping[str, Any]) -> c.Model:
    """Returns the Model of `build_model`, which builds its parameters and its sample when they are first read.

    Building the parameters of 500 models takes 0.3 s, and the files that all models share need few of them.
    """
    model = _built(_Outlined, data, (), {})
    vars(model)["data"] = data
    for name in _LATER:
        del vars(model)[name]
    return model


class _Outlined(c.Model):
    """A model that has the data of its file in place of its parameters and its sample, until these are read."""

    def __getattr__(self, name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(name)
        return vars(self).setdefault(name, _LATER[name](vars(self)["data"]))


def _parameters(data: Mapping[str, Any]) -> tuple[c.Parameter, ...]:
    sample = _sample(data)
    return tuple(build_parameter(name, value, sample.get(name)) for name, value in data["parameters"].items())


def _sample(data: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the page's sample, its values converted to the types of their parameters."""
    return {name: _converted(data["parameters"].get(name, {}), value) for name, value in data["example"].items()}


_LATER: Final[Mapping[str, Callable[[Mapping[str, Any]], object]]] = {"parameters": _parameters, "example": _sample}


def _built(
    kind: type[c.Model], data: Mapping[str, Any], parameters: tuple[c.Parameter, ...], sample: Mapping[str, Any]
) -> c.Model:
    returns = data["returns"]
    return kind(
        slug=data["slug"],
        title=data["title"],
        description=data["description"],
        source=c.Source(**data["source"]),
        versions=tuple(sorted(data["versions"])),
        returns=c.Returns(
            **{
                **returns,
                "formats": tuple(returns.get("formats", ())),
                "controls": c.Controls(**returns.get("controls", {})),
            }
        ),
        parameters=parameters,
        example=sample,
        level=data.get("level", "complete"),
        sources=tuple(data.get("sources", ())),
        typical_seconds=data.get("typical_seconds"),
        price=_build_price(data["price"]) if "price" in data else None,
        average=c.Average(**data["average"]) if "average" in data else None,
        paths=data.get("paths", {}),
        auth=tuple(data.get("auth", ())),
        encodings=tuple(data.get("encodings", ("json",))),
        conditions=build_conditions(data),
        quirks=tuple(c.Quirk(**quirk) for quirk in data.get("quirks", ())),
        note=data.get("note"),
    )


def _build_price(data: Mapping[str, Any]) -> c.Price:
    """Returns a Price from its checked data."""
    return c.Price(data["printed"], from_=data.get("from"), to=data.get("to"), unit=data.get("unit"))


def build_conditions(data: Mapping[str, Any]) -> tuple[c.Condition, ...]:
    """Returns the conditions of a checked model file's data."""
    return tuple(
        c.Condition(**{key: _frozen(value) for key, value in one.items()}) for one in data.get("conditions", ())
    )


def _frozen(value: Any) -> Any:
    """Returns a list as a tuple, and a mapping with its lists as tuples."""
    if isinstance(value, list):
        return tuple(value)
    return {name: tuple(one) for name, one in value.items()} if isinstance(value, Mapping) else value


def build_parameter(name: str, data: Mapping[str, Any], sample: c.Json = None) -> c.Parameter:
    """Returns a Parameter from its checked data and its value in the page's sample (None if the sample lacks it).

    The data of a part without a type, a description or a flag for `required` is completed as in `segforge.spec.shapes`.
    """
    parameter = undisputed_parameter(name, data)
    choices = parameter.choices
    if _EXCLUDING.isdisjoint(data) and choices is None and parameter.format is None:
        return parameter
    known = choices.known if choices is not None and not _EXCLUDING.isdisjoint(data) else ()
    wrong = disputed(parameter, (parameter.default if "default" in data else None, *known, sample))
    return replace(parameter, disputed=wrong) if wrong else parameter


def undisputed_parameter(name: str, data: Mapping[str, Any]) -> c.Parameter:
    """Returns a Parameter from its checked data, without its disputed values; its parts may have some."""
    converted = {key: _converted(data, value) for key, value in data.items() if key not in _OWN}
    members = enumerate(data.get("any_of", ()))
    return c.Parameter(
        name=name,
        type=data.get("type", "any"),
        required=data.get("required"),
        description=data.get("description", ""),
        choices=_build_choices(data) if "enum" in data else None,
        items=build_parameter("items", data["items"]) if "items" in data else None,
        properties=tuple(build_parameter(key, one) for key, one in data.get("properties", {}).items()),
        any_of=tuple(build_parameter(one.get("title", f"member_{at}"), one) for at, one in members),
        accepts=tuple(data.get("accepts", ())),
        inferred=tuple(data.get("inferred", ())),
        **converted,
    )


def _build_choices(data: Mapping[str, Any]) -> c.Choices:
    """Returns the Choices of a parameter's checked data."""
    entries = data["enum"]["known"]
    labels = tuple(one.get("label") if isinstance(one, Mapping) else None for one in entries)
    known = tuple(_converted(data, entry_value(one)) for one in entries)
    return c.Choices(known, data["enum"]["total"], labels if any(labels) else ())


def entry_value(entry: Any) -> Any:
    """Returns the value of an entry in a set of known values, which may have a label."""
    return entry["value"] if isinstance(entry, Mapping) else entry


def _converted(data: Mapping[str, Any], value: Any) -> Any:
    """Converts a value to its parameter's type, at any depth: 1.0 becomes 1 for an integer, without rounding."""
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, list) and "items" in data:
        return [_converted(data["items"], one) for one in value]
    if isinstance(value, Mapping):
        properties = data.get("properties", {})
        return {key: _converted(properties.get(key, {}), one) for key, one in value.items()}
    whole = isinstance(value, float) and value.is_integer() and data.get("type") == "integer"
    return int(Decimal(repr(value))) if whole else value


def build_gateway(data: Mapping[str, Any]) -> c.Gateway:
    """Returns the Gateway of a checked gateway file's data."""
    return c.Gateway(
        reviewed=data["reviewed"],
        title=data["title"],
        description=data["description"],
        base_url=data["base_url"],
        sample=data.get("sample"),
        auth=c.Auth(**data["auth"]),
        routes=c.Routes(**{name: c.Route(**route) for name, route in data["routes"].items()}),
        content_types=tuple(data["content_types"]["accepted"]),
        headers=tuple(c.Header(**header) for header in data["headers"]),
        statuses=tuple(
            c.Status(
                **{
                    **status,
                    "routes": tuple(status["routes"]),
                    "cases": tuple(c.StatusCase(**case) for case in status["cases"]),
                }
            )
            for status in data["statuses"]
        ),
        lifecycle=c.Lifecycle(
            **{
                **data["lifecycle"],
                "states": tuple(
                    c.State(**{**state, "next": tuple(state["next"])}) for state in data["lifecycle"]["states"]
                ),
            }
        ),
        profiles=tuple(map(_build_profile, data["profiles"])),
        assumptions={name: c.Assumption(**assumption) for name, assumption in data["assumptions"].items()},
        chat_parameters=tuple(c.ChatParameter(**one) for one in data.get("chat_parameters", ())),
        other_routes=tuple(c.OtherRoute(**{**one, "auth": tuple(one["auth"])}) for one in data.get("other_routes", ())),
    )


def build_directory(data: Mapping[str, Any]) -> c.Directory:
    """Returns the Directory of a checked directory file's data."""
    modalities = {name: c.Modality(**one) for name, one in data["modalities"].items()}
    listings = {slug: c.Listing(slug, **one) for slug, one in sorted(data["models"].items())}
    unlisted = {slug: c.Unlisted(slug, **one) for slug, one in sorted(data.get("unlisted", {}).items())}
    return c.Directory(data["source"], data["read"], modalities, listings, unlisted)


def with_average(data: Mapping[str, Any], directory: c.Directory) -> Mapping[str, Any]:
    """Returns the data of a model file with the average cost and time of the directory, if that lists the model."""
    listing = directory.listings.get(data["slug"])
    figures = {} if listing is None else {"usd": listing.usd, "seconds": listing.seconds}
    known = {name: figure for name, figure in figures.items() if figure is not None}
    return {**data, "average": {"read": directory.read, **known}} if known else data


def build_releases(data: Mapping[str, Any]) -> tuple[c.Release, ...]:
    """Returns the releases of a checked change log's data."""
    return tuple(
        c.Release(release["version"], release["date"], tuple(release["changes"])) for release in data["releases"]
    )


def _build_profile(data: Mapping[str, Any]) -> c.Profile:
    outcomes = tuple(
        c.Outcome(tuple(outcome["versions"]), tuple(outcome["violations"]), tuple(outcome["cases"]), outcome["source"])
        for outcome in data["outcomes"]
    )
    lists = {name: tuple(data[name]) for name in ("failed_job_keys", "failed_job_metrics")}
    return c.Profile(**{**data, **lists, "outcomes": outcomes})
