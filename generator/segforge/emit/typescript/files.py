"""Parameters that stand for files in the TypeScript client: their types, and the forms in which they are sent."""

from collections.abc import Iterator, Mapping
from typing import Final

from segforge.emit.clients.files import Sent, is_file, sent_as, takes_url
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


def kind_of(parameter: Parameter) -> File:
    """Returns the kind of a file. A URI without a kind counts as an image, as the vendor's pages use it."""
    return parameter.file or "image"


def file_members(parameter: Parameter) -> list[Code]:
    """Returns the members of a file's type: only the forms that a source states, if one does."""
    takes_bytes = sent_as(parameter) != "url"
    if takes_url(parameter) and takes_bytes:
        return [Code(INPUTS[kind_of(parameter)])]
    return [
        Code("string"),
        *([Code("URL")] if takes_url(parameter) else []),
        *(map(Code, _BYTES) if takes_bytes else []),
    ]


def special_forms(model: Model) -> list[tuple[tuple[str, ...], File, Sent]]:
    """Returns place, kind and form of each file that isn't simply an image sent as a data URL.

    A place is the keys from the top. Items of arrays and members of unions have the place of their whole.
    """
    found: dict[tuple[str, ...], list[Parameter]] = {}
    for parameter in model.parameters:
        for place, part in _placed(parameter, (parameter.name,)):
            if is_file(part):
                found.setdefault(place, []).append(part)
    with_parts = {one.name for one in model.parameters if is_file(one)} if "multipart" in model.encodings else set()
    forms = [(place, kind_of(files[0]), sent_as(*files)) for place, files in found.items()]
    sent: list[tuple[tuple[str, ...], File, Sent]] = [
        (place, kind, "data_uri" if form == "part" and (len(place) > 1 or place[0] not in with_parts) else form)
        for place, kind, form in forms
    ]
    return [one for one in sent if one[1:] != ("image", "data_uri")]


def _placed(parameter: Parameter, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Parameter]]:
    yield place, parameter
    for part in parameter.properties:
        yield from _placed(part, (*place, part.name))
    for part in (*([parameter.items] if parameter.items is not None else []), *parameter.any_of):
        yield from _placed(part, place)
