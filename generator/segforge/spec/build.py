"""Builds the Catalog's parts from the data of checked files."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from segforge.spec import catalog as c
from segforge.spec.values import disputed


def build_model(data: Mapping[str, Any]) -> c.Model:
    """Returns the Model of a checked model file's data."""
    returns = data["returns"]
    types = {name: value["type"] for name, value in data["parameters"].items()}
    example = {name: _of_type(types[name], value) for name, value in data["example"].items()}
    return c.Model(
        slug=data["slug"],
        title=data["title"],
        description=data["description"],
        source=c.Source(**data["source"]),
        versions=tuple(sorted(data["versions"])),
        returns=c.Returns(
            returns["media"], tuple(returns.get("formats", ())), c.Controls(**returns.get("controls", {}))
        ),
        parameters=tuple(
            _build_parameter(name, value, example.get(name)) for name, value in data["parameters"].items()
        ),
        example=example,
        typical_seconds=data.get("typical_seconds"),
        typical_cost=data.get("typical_cost"),
        price=_build_price(data["price"]) if "price" in data else None,
        note=data.get("note"),
    )


def _build_price(data: Mapping[str, Any]) -> c.Price:
    """Returns a Price from its checked data."""
    return c.Price(data["printed"], from_=data.get("from"), to=data.get("to"), unit=data.get("unit"))


def _build_parameter(name: str, data: Mapping[str, Any], sample: c.Scalar = None) -> c.Parameter:
    """Returns a Parameter from its checked data and its value in the page's sample (None if the sample lacks it)."""
    type_ = data["type"]
    plain = {key: _of_type(type_, value) for key, value in data.items() if key != "enum"}
    known = tuple(_of_type(type_, value) for value in data.get("enum", {}).get("known", ()))
    choices = c.Choices(known, data["enum"]["total"]) if "enum" in data else None
    parameter = c.Parameter(name=name, choices=choices, **plain)
    return replace(parameter, disputed=disputed(parameter, (plain.get("default"), *known, sample)))


def _of_type(type_: str, value: Any) -> Any:
    """Converts a value to its type: 1.0 becomes 1 for an integer, without rounding."""
    return int(Decimal(repr(value))) if type_ == "integer" and isinstance(value, float) else value


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
    )


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
