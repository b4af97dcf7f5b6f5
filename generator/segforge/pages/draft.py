"""Drafts a spec from a page. Facts that the page leaves open become `TODO` comments, and the draft passes lint."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from segforge.pages.layouts.parameters import json_type
from segforge.pages.page import Page, PageParameter, Value
from segforge.pages.parameter_draft import (
    SCALARS,
    draft_parameter,
    drafted_value,
    is_name,
    kind_of,
    type_of,
    valid,
    violations_of,
)
from segforge.pages.todo import Draft, mark_todo, settle_comments
from segforge.spec.finding import Finding
from segforge.spec.lint import CONTROL_TYPES
from segforge.spec.printable import one_line, show
from segforge.spec.yaml_text import mapping, scalar, sequence

__all__ = [
    "SCALARS",
    "Draft",
    "DraftError",
    "draft",
    "draft_parameter",
    "is_left_out",
    "is_name",
    "left_out",
    "lint_text",
    "mark_todo",
    "media_of",
    "quoted",
    "settle_comments",
    "valid",
]

LEFT_OUT: Final = "Specs hold scalars only; left out are "
_FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "image": ("jpeg", "jpg", "png", "webp", "svg"),
    "video": ("mp4", "webm"),
    "audio": ("mp3", "wav", "ogg", "flac"),
    "model3d": ("glb",),
}
"""The file formats of each medium, the usual one first."""
_MEDIA: Final[Mapping[str, str]] = {"3d": "model3d", "text/json": "json", "application/json": "json", "text": "text"}
"""The media of texts after `Returns:` that don't start with the medium's name."""
_MAX_QUIRKS: Final = 100
_CONTROLS: Final[dict[str, tuple[str, ...]]] = {
    "aspect_ratio": ("aspect_ratio",),
    "base64": ("base64",),
    "count": ("samples", "number_of_images", "num_images", "num_outputs"),
    "duration": ("duration",),
    "format": ("image_format", "output_format"),
    "fps": ("fps", "frames_per_second"),
    "height": ("height", "img_height", "custom_height"),
    "prompt": ("prompt",),
    "quality": ("quality", "output_quality", "image_quality"),
    "seed": ("seed",),
    "width": ("width", "img_width", "custom_width"),
}


class DraftError(Exception):
    """No spec can be drafted from the page. The message states the reason and the remedy."""


def draft(page: Page, today: str | None = None) -> Draft:
    """Drafts a spec from a page. Raises DraftError if the page states too little.

    `today` (YYYY-MM-DD) is the review date of the spec, by default the current date.
    """
    slug = page.get("slug")
    if not isinstance(slug, str):
        raise DraftError(f"{page.name}: the page doesn't name its model; write the spec by hand")
    if "parameters" in page.undecided:
        raise DraftError(f"{page.name}: {page.undecided['parameters'].why}; write the spec by hand")
    made = Draft(slug, mapping({}))
    parameters = {one.name: one for one in page.parameters}
    held = {name: one for name, one in parameters.items() if is_name(name)}
    if not held:
        raise DraftError(f"{page.name}: the page has no parameter that a spec can hold; write the spec by hand")
    _head(made, page, today)
    for name in parameters:
        if name not in held:
            mark_todo(made, made.data, "slug", f"the page lists {show(name)}, which can't be a name")
    _returns(made, page, held)
    made.data["parameters"] = mapping({})
    for name, one in held.items():
        made.data["parameters"][scalar(name)] = draft_parameter(made, one)
    _example(made, page, held)
    return made


def _head(made: Draft, page: Page, today: str | None) -> None:
    data = made.data
    data["slug"] = scalar(made.slug)
    data["title"] = scalar(str(page.get("title") or made.slug)[:200])
    data["description"] = scalar(str(page.get("description") or "To be written.")[:4000])
    if "title" not in page.facts:
        mark_todo(made, data, "title", "the page has no title")
    if "description" not in page.facts:
        mark_todo(made, data, "description", "the page has no description")
    folder = "pixelflows" if any("/workflows/" in one.path for one in page.endpoints) else "models"
    address = page.get("page_slug") or made.slug
    source = {
        "url": scalar(f"https://www.segmind.com/{folder}/{address}/api"),
        "reviewed": quoted(today or datetime.date.today().isoformat()),
    }
    data["source"] = mapping(source)
    data["versions"] = sequence(list(page.versions) or ["v1"])
    if not page.versions:
        mark_todo(made, data, "versions", "the page names no version")
    if (page.get("typical_seconds") or 0) > 0:
        data["typical_seconds"] = page.get("typical_seconds")
    if "price" in page.facts:
        data["price"] = drafted_value(page.get("price"))
    elif "price" in page.undecided:
        mark_todo(made, data, "versions", page.undecided["price"].why)
    _access(made, page)


def _access(made: Draft, page: Page) -> None:
    """Adds the paths, authentication and encodings where they differ from those that all models have."""
    paths = {}
    for version in page.versions:
        shown = {
            one.path.removesuffix(made.slug) + "{slug}"
            for one in page.endpoints
            if one.version == version and one.method == "POST" and one.path.rpartition("/")[2] == made.slug
        }
        if len(shown) == 1 and shown != {f"/{version}/{{slug}}"}:
            paths[version] = scalar(*shown)
        elif len(shown) > 1:
            mark_todo(made, made.data, "versions", f"the page prints the paths {' and '.join(sorted(shown))}")
    if paths:
        made.data["paths"] = mapping(paths)
    if page.get("auth"):
        made.data["auth"] = sequence(page.get("auth"))
    if page.get("encodings") not in (None, ["json"]):
        made.data["encodings"] = sequence(page.get("encodings"))


def quoted(text: str) -> Any:
    """Returns a text that ruamel.yaml writes in double quotes."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    return DoubleQuotedScalarString(text)


def media_of(returns: Value) -> str | None:
    """Returns the spec's media for the text of a page's `Returns:` line, or None if no media fits."""
    text = str(returns or "").lower()
    media = next((media for media in _FORMATS if text.startswith(media)), None)
    return media or next((media for start, media in _MEDIA.items() if text.startswith(start)), None)


def _returns(made: Draft, page: Page, held: Mapping[str, PageParameter]) -> None:
    stated = page.get("returns")
    media = media_of(stated)
    data = mapping({"media": media or "json"})
    if media is None:
        if stated:
            data["printed"] = scalar(one_line(str(stated))[:200])
        doubt = f"the page says {show(stated)}" if stated else "the page doesn't say what the model returns"
        mark_todo(made, data, "media", doubt)
    controls = {
        control: name
        for control, names in _CONTROLS.items()
        for name in names
        if name in held and type_of(held[name]) in CONTROL_TYPES[control]
    }
    possible = _FORMATS.get(media or "", ())
    known = held[controls["format"]].get("enum") if "format" in controls else None
    usable = bool(known) and all(value in possible for value in known or ())
    if not usable:
        controls.pop("format", None)
    if possible:
        data["formats"] = sequence(list(known) if known and usable else [possible[0]])
        if not usable:
            mark_todo(made, data, "formats", "the page names no format")
    if controls:
        data["controls"] = mapping({control: scalar(name) for control, name in controls.items()})
    made.data["returns"] = data


def _example(made: Draft, page: Page, held: Mapping[str, PageParameter]) -> None:
    """Adds the sample's payload. A value of another type than its parameter's is a contradiction of the page."""
    payload = page.get("sample") or {}
    quirks = []
    made.data["example"] = mapping({})
    for name, value in payload.items():
        if name not in held:
            mark_todo(made, made.data, "example", f"the sample sends {show(name)}, which is not in the list")
            continue
        broken = violations_of(made.data["parameters"][name], value)
        if not broken:
            made.data["example"][scalar(name)] = drafted_value(value)
        elif value is not None and broken[0].rule.startswith("type.") and broken[0].parameter == "value":
            quirks.append(_quirk(name, value, held[name]))
        else:
            mark_todo(made, made.data, "example", f"the sample sends {name}: {show(value)}")
    if not payload:
        mark_todo(made, made.data, "example", "the page has no readable sample")
    if not made.data["example"]:
        made.data["example"].fa.set_flow_style()
    if quirks:
        made.data.insert(list(made.data).index("example"), "quirks", drafted_value(quirks[:_MAX_QUIRKS], flow=False))


def _quirk(name: str, value: Value, one: PageParameter) -> Any:
    why = f"the page's sample sends a value of type {json_type(value)}, but the page says {kind_of(one)}"
    if type_of(one) == "any":
        why = f"the page's sample sends a value that fits none of the types {kind_of(one)}"
    return mapping({"at": scalar(f"sample.{name}"), "found": drafted_value(value), "why": scalar(why)}, flow=True)


def left_out(missing: Sequence[PageParameter]) -> str:
    """Returns a spec's note about parameters that it can't hold. Drift then treats them as settled."""
    flags = ["required" if one.get("required") else "optional" for one in missing]
    return LEFT_OUT + ", ".join(
        f"{one_line(one.name)} ({flag} {kind_of(one)})" for flag, one in zip(flags, missing, strict=True)
    )


def is_left_out(name: str, note: str) -> bool:
    """Returns whether a spec's note says that a parameter is left out."""
    start = note.find(LEFT_OUT)
    return start >= 0 and f" {one_line(name)} (" in note[start:]


def lint_text(text: str, slug: str, *, warnings: bool = False) -> list[Finding]:
    """Lints a spec's text as the file `<slug>.yaml`. Returns the errors, and with `warnings` the warnings too."""
    import tempfile

    from segforge.spec.load import check_model

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{slug}.yaml"
        path.write_text(text, "utf-8", newline="\n")
        return [replace(one, file=path.name) for one in check_model(path)[1] if warnings or one.severity == "error"]
