"""The facts about a whole model in an OpenAPI document: its tag, with extensions, and the text of its operations.

A document has one tag for each model, so that these facts are in it once. An import reads them back.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from segforge.emit.clients.about import price_sentence
from segforge.spec.catalog import Average, Controls, Model, Returns
from segforge.spec.printable import ended, joined


def model_tag(model: Model) -> dict[str, Any]:
    """Returns the tag of a model: its name, its docs page, and the facts that no keyword of OpenAPI holds."""
    facts: Mapping[str, Any] = {
        "displayName": model.title,
        "reviewed": model.source.reviewed,
        "level": model.level if model.level != "complete" else None,
        "sources": list(model.sources),
        "returns": returns_data(model.returns),
        "typical-seconds": model.typical_seconds,
        "average": None if model.average is None else average_data(model.average),
        "printed-auth": list(model.auth),
        "printed-paths": dict(model.paths),
        "quirks": [{"at": quirk.at, "found": quirk.found, "why": quirk.why} for quirk in model.quirks],
    }
    return {
        "name": model.slug,
        "description": model.description,
        "externalDocs": {"url": model.source.url},
        **{f"x-{name}": fact for name, fact in facts.items() if fact not in (None, [], {})},
    }


def returns_data(returns: Returns) -> dict[str, Any]:
    """Returns the output of a model in the form of a spec."""
    controls = {field.name: getattr(returns.controls, field.name) for field in fields(Controls)}
    named = {name: parameter for name, parameter in controls.items() if parameter is not None}
    facts = {"formats": list(returns.formats), "shape": returns.shape, "printed": returns.printed, "controls": named}
    return {"media": returns.media, **{name: fact for name, fact in facts.items() if fact}}


def average_data(average: Average) -> dict[str, str | float]:
    """Returns the average cost and time of a run in the form of a spec."""
    named = {"read": average.read, "usd": average.usd, "seconds": average.seconds}
    return {name: value for name, value in named.items() if value is not None}


def operation_text(model: Model) -> str:
    """Returns the description of a model's operations: price, averages, and what is unknown or contradictory."""
    parts = []
    if model.price is not None:
        parts.append(price_sentence(model.price))
    if model.average is not None:
        parts.append(_average_sentence(model.average))
    if model.level == "partial":
        parts.append("The docs page was not read whole: there may be more parameters and more allowed values.")
    if "bearer" in model.auth:
        parts.append("The docs page sends the key as a bearer token; the header of the security scheme works always.")
    if model.returns.printed is not None:
        parts.append(ended(f"The docs page says that the output is {' '.join(model.returns.printed.split())}"))
    if model.quirks:
        parts.append("The docs page contradicts itself; see x-quirks of the tag.")
    return joined(*parts)


def _average_sentence(average: Average) -> str:
    stated = [
        *([] if average.usd is None else [f"${average.usd}"]),
        *([] if average.seconds is None else [f"{average.seconds} s"]),
    ]
    return f"Average of a run: {' and '.join(stated)} (directory of {average.read})."
