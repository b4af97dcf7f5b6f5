"""Rules about a model's output: its formats, and the parameters that control it."""

from collections.abc import Iterator, Mapping
from typing import Final

from segforge.spec.finding import Finding
from segforge.spec.lint.parameters import known_values
from segforge.spec.printable import show
from segforge.spec.source import SourceFile

CONTROL_TYPES: Mapping[str, tuple[str, ...]] = {
    "aspect_ratio": ("string",),
    "base64": ("boolean",),
    "count": ("integer",),
    "duration": ("integer", "number", "string"),
    "format": ("string",),
    "fps": ("integer", "number"),
    "height": ("integer",),
    "prompt": ("string",),
    "quality": ("integer",),
    "seed": ("integer",),
    "size": ("string",),
    "size_from_input": ("boolean",),
    "width": ("integer",),
}


def controls_fit(source: SourceFile) -> Iterator[Finding]:
    """Controls name existing parameters of a fitting type."""
    for control, name in source.data["returns"].get("controls", {}).items():
        at = ("returns", "controls", control)
        parameter = source.data["parameters"].get(name)
        if parameter is None:
            yield source.finding(
                at, "controls.unknown", f"{show(name)}", "the name of a parameter below", "correct the name"
            )
        elif parameter.get("type") not in CONTROL_TYPES[control]:
            found = f"{show(name)}, of type {parameter.get('type', 'any')}"
            yield source.finding(
                at,
                "controls.type",
                found,
                f"a parameter of type {' or '.join(CONTROL_TYPES[control])}",
                "name another one",
            )


FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "image": ("jpeg", "jpg", "png", "webp", "svg"),
    "video": ("mp4", "webm"),
    "audio": ("mp3", "wav", "ogg", "flac"),
    "model3d": ("glb",),
    "json": (),
    "text": (),
}
"""The file formats of each medium."""


def returned_formats_fit(source: SourceFile) -> Iterator[Finding]:
    """Media that are files list their formats, the same as their format parameter's values; JSON and text list none.

    A partial spec may list no format of a file: it is unknown.
    """
    returns = source.data["returns"]
    formats, possible = returns.get("formats", []), FORMATS[returns["media"]]
    unknown = source.data.get("level") == "partial" and not formats
    if (bool(formats) != bool(possible) and not unknown) or not set(formats) <= set(possible):
        found = f"media {returns['media']} with formats {show(formats)}"
        expected = f"formats of {', '.join(possible)}" if possible else "no formats"
        yield source.finding(("returns",), "returns.formats", found, expected, "correct formats:")
    if "shape" in returns and returns["media"] != "json":
        found = f"shape {returns['shape']} on media {returns['media']}"
        yield source.finding(("returns", "shape"), "returns.shape", found, "media json", "remove the shape", key=True)
    control = source.data["parameters"].get(returns.get("controls", {}).get("format"), {})
    known = known_values(control)
    if formats and known and set(map(str, known)) != set(formats):
        found, expected = f"formats {show(formats)}", f"the format parameter's values {show(known)}"
        yield source.finding(("returns", "formats"), "returns.formats", found, expected, "use those")
