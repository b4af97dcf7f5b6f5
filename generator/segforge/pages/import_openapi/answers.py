"""Reads what a model returns from the answer of its v1 operation."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, cast

from segforge.pages.import_openapi.operations import Operation
from segforge.pages.import_openapi.reading import DocumentReading, problem_line
from segforge.pages.import_openapi.schemas import NotHeld, Schema, Schemas, expect_mapping
from segforge.spec.catalog import MEDIA_TYPES, Controls, Media, Parameter, Returns
from segforge.spec.printable import show

_FORMATS: Final = {type_: format_ for format_, type_ in MEDIA_TYPES.items() if format_ != "jpg"}
_MEDIA: Final = {"image": "image", "video": "video", "audio": "audio", "model": "model3d"}


def returns_of(
    schemas: Schemas, name: str, run: Operation | None, parameters: Sequence[Parameter], reading: DocumentReading
) -> Returns:
    """Reads what a model returns. image/jpeg is called jpg if a parameter has the value `jpg` and none has `jpeg`."""
    content: Schema = {}
    if run is not None:
        at = (*run.at, "responses", "200")
        try:
            responses = expect_mapping(expect_mapping(run.data, run.at).get("responses"), at[:-1])
            with schemas.within(at):
                content = expect_mapping(schemas.whole(responses.get("200"), at).get("content", {}), (*at, "content"))
        except NotHeld as error:
            reading.problems.append(f"{problem_line(name, error)}; the output is unknown")
            reading.notes.append((None, ("returns", "the document doesn't say what the model returns")))
    types = [media.partition(";")[0].strip().lower() for media in content]
    files = [type_ for type_ in types if type_ in _FORMATS]
    if not files:
        for type_ in types:
            if type_.endswith("/*") and (kind := type_.removesuffix("/*")) in _MEDIA:
                reading.notes.append((None, ("returns", f"the document names no format beside {show(type_)}")))
                return Returns(cast("Media", _MEDIA[kind]), (), Controls(base64=_base64(types, parameters)))
        known = ("application/json", "text/plain")
        if odd := [type_ for type_ in types if type_ not in known]:
            reading.notes.append((None, ("returns", f"a spec can't hold the media type {show(odd[0])}")))
        return Returns("text" if "text/plain" in types and "application/json" not in types else "json")
    kind = Counter(type_.partition("/")[0] for type_ in files).most_common(1)[0][0]
    formats = [_FORMATS[type_] for type_ in dict.fromkeys(files) if type_.startswith(kind)]
    spelled = {value for one in parameters if one.choices for value in one.choices.known}
    if "jpg" in spelled and "jpeg" not in spelled:
        formats = ["jpg" if format_ == "jpeg" else format_ for format_ in formats]
    return Returns(cast("Media", _MEDIA[kind]), tuple(formats), Controls(base64=_base64(types, parameters)))


def _base64(types: Sequence[str], parameters: Sequence[Parameter]) -> str | None:
    """Returns the name of the flag for base64 text in JSON, if the answer may be JSON and there is one."""
    flag = any(one.name == "base64" and one.type == "boolean" for one in parameters)
    return "base64" if "application/json" in types and flag else None
