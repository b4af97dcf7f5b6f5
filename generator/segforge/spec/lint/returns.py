"""Rules about a model's output: its formats, and the parameters that control it."""

from collections.abc import Iterator, Mapping

from segforge.spec.finding import Finding
from segforge.spec.printable import show
from segforge.spec.source import SourceFile

CONTROL_TYPES: Mapping[str, tuple[str, ...]] = {
    "aspect_ratio": ("string",),
    "base64": ("boolean",),
    "count": ("integer",),
    "format": ("string",),
    "height": ("integer",),
    "prompt": ("string",),
    "quality": ("integer",),
    "seed": ("integer",),
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
        elif parameter["type"] not in CONTROL_TYPES[control]:
            found = f"{show(name)}, of type {parameter['type']}"
            yield source.finding(
                at,
                "controls.type",
                found,
                f"a parameter of type {' or '.join(CONTROL_TYPES[control])}",
                "name another one",
            )


def returned_formats_fit(source: SourceFile) -> Iterator[Finding]:
    """Image models list formats, the same as their format parameter's values; other models list none."""
    returns = source.data["returns"]
    formats = returns.get("formats", [])
    if bool(formats) != (returns["media"] == "image"):
        expected = "the formats of its images" if returns["media"] == "image" else "no formats"
        yield source.finding(
            ("returns",),
            "returns.formats",
            f"media {returns['media']} with {len(formats)} formats",
            expected,
            "correct formats:",
        )
    control = source.data["parameters"].get(returns.get("controls", {}).get("format"), {})
    known = control.get("enum", {}).get("known")
    if formats and known and set(map(str, known)) != set(formats):
        found = f"formats {show(formats)}"
        yield source.finding(
            ("returns", "formats"),
            "returns.formats",
            found,
            f"the format parameter's values {show(known)}",
            "use those",
        )
