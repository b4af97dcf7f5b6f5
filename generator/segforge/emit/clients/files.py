"""Parameters that stand for files: which kinds of them a client takes as bytes, and in which form it sends them."""

from typing import Literal, TypeAlias

from segforge.spec.catalog import File, Parameter

Sent: TypeAlias = Literal["data_uri", "base64", "part", "url"]
"""The form in which a client sends the bytes of a file; `url` if it can't send bytes."""


def input_kind(parameter: Parameter) -> File | None:
    """Returns the kind of file of a parameter that takes the file itself, too; None for one that takes text only.

    A URI without a kind counts as an image, as the vendor's pages use it.
    """
    if not is_file(parameter) or sent_as(parameter) == "url":
        return None
    return parameter.file or "image"


def is_file(parameter: Parameter) -> bool:
    """Returns whether a parameter itself, and not a part of it, is a text that stands for a file."""
    stands = parameter.file is not None or parameter.format == "uri"
    return stands and parameter.type == "string" and parameter.choices is None


def takes_url(parameter: Parameter) -> bool:
    """Returns whether a file's parameter takes a URL: if a source states that, or if no source states any form."""
    return not parameter.accepts or "url" in parameter.accepts


def sent_as(*members: Parameter) -> Sent:
    """Returns the form in which a client sends a file for a parameter, or for one of several members of a union.

    A form that a source states comes first. If no source states the forms, it is a data URL, as for all images.
    """
    stated = {form for member in members for form in member.accepts}
    stated |= {"base64" for member in members if member.format == "base64" and not member.accepts}
    forms: tuple[Sent, ...] = ("data_uri", "base64", "part")
    found = next((form for form in forms if form in stated), None)
    return found or ("url" if all(member.accepts for member in members) else "data_uri")
