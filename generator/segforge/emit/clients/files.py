"""Parameters that stand for files: which kinds of them a client takes as bytes, and in which form it sends them."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from segforge.spec.catalog import File, Model, Parameter

Sent: TypeAlias = Literal["data_uri", "base64", "part", "url"]
"""The form in which a client sends the bytes of a file; `url` if it can't send bytes."""


def input_kind(parameter: Parameter) -> File | None:
    """Returns the kind of file of a parameter that takes the file itself, too; None for one that takes text only.

    A URI without a kind counts as an image, as the vendor's pages use it.
    """
    if parameter.type != "string" or parameter.choices is not None or not _is_file(parameter):
        return None
    return (parameter.file or "image") if sent_as(parameter) != "url" else None


def _is_file(parameter: Parameter) -> bool:
    return parameter.file is not None or parameter.format == "uri"


def sent_as(parameter: Parameter) -> Sent:
    """Returns the form in which a client sends a file. If no source states the forms, it is a data URL, or base64."""
    if not parameter.accepts:
        return "base64" if parameter.format == "base64" else "data_uri"
    forms: tuple[Sent, ...] = ("data_uri", "base64", "part")
    return next((form for form in forms if form in parameter.accepts), "url")


def with_parts(model: Model) -> bool:
    """Returns whether a model takes files as parts of a multipart body."""
    return "multipart" in model.encodings and any(
        sent_as(part) == "part" for parameter in model.parameters for part in parameter.walk() if _is_file(part)
    )


def file_parts(parameter: Parameter) -> Iterator[Parameter]:
    """Yields the parts of a parameter that stand for files."""
    return (part for part in parameter.walk() if part.type == "string" and part.choices is None and _is_file(part))
