"""Parameters that stand for files in the TypeScript client: their types, and the forms in which they are sent."""

from collections.abc import Iterator, Mapping
from typing import Final

from segforge.emit.clients.files import Sent, sent_as
from segforge.emit.quoting import Code
from segforge.spec.catalog import File, Model, Parameter

INPUTS: Final[Mapping[File, str]] = {
    "image": "MediaInput",
    "video": "VideoInput",
    "audio": "AudioInput",
    "model3d": "Model3dInput",
    "any": "FileInput",
}
"""The type of an input file, by its kind."""

_BYTES: Final = ("Blob", "ArrayBuffer", "Uint8Array")
FORMS: Final = frozenset({"string", "URL", *_BYTES})
"""The members of each of these types."""


def takes_file(parameter: Parameter) -> bool:
    """Returns whether a parameter is a text that stands for a file."""
    is_text = parameter.type == "string" and parameter.choices is None
    return is_text and (parameter.file is not None or parameter.format == "uri")


def kind_of(parameter: Parameter) -> File:
    """Returns the kind of a file. A URI without a kind counts as an image, as the vendor's pages use it."""
    return parameter.file or "image"


def file_members(parameter: Parameter) -> list[Code]:
    """Returns the members of a file's type: only the forms that a source states, if one does."""
    takes_url = not parameter.accepts or "url" in parameter.accepts
    takes_bytes = sent_as(parameter) != "url"
    if takes_url and takes_bytes:
        return [Code(INPUTS[kind_of(parameter)])]
    return [Code("string"), *([Code("URL")] if takes_url else []), *(map(Code, _BYTES) if takes_bytes else [])]


def special_forms(model: Model) -> list[tuple[tuple[str, ...], File, Sent]]:
    """Returns place, kind and form of each file that isn't simply an image sent as a data URL.

    A place is the keys from the top. Items of arrays and members of unions have the place of their whole.
    """
    found: dict[tuple[str, ...], tuple[File, Sent]] = {}
    for parameter in model.parameters:
        for place, part in _placed(parameter, (parameter.name,)):
            if takes_file(part) and (kind_of(part), sent_as(part)) != ("image", "data_uri"):
                is_part = sent_as(part) == "part" and part is parameter and "multipart" in model.encodings
                form = sent_as(part) if is_part or sent_as(part) != "part" else "data_uri"
                found[place] = (kind_of(part), form)
    return [(place, kind, form) for place, (kind, form) in found.items()]


def _placed(parameter: Parameter, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Parameter]]:
    yield place, parameter
    for part in parameter.properties:
        yield from _placed(part, (*place, part.name))
    for part in (*([parameter.items] if parameter.items is not None else []), *parameter.any_of):
        yield from _placed(part, place)
