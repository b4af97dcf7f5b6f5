"""Drafts a spec from a page. Facts that the page leaves open become `TODO` comments, and the draft passes lint."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from segforge.pages.layouts.labels import hinted
from segforge.pages.page import Page, PageParameter, Undecided, Value
from segforge.spec.catalog import Choices, Parameter
from segforge.spec.finding import Finding
from segforge.spec.printable import HIDDEN, one_line, show
from segforge.spec.values import LIMITS, type_matches, value_violations
from segforge.spec.yaml_text import dump, mapping, scalar, sequence

SCALARS: Final = ("string", "integer", "number", "boolean")
LEFT_OUT: Final = "Specs hold scalars only; left out are "
FORMATS: Final = ("jpeg", "jpg", "png", "webp")
_HEAD: Final = "# yaml-language-server: $schema=../schema/model.schema.json\n"
_CONTROLS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "aspect_ratio": ("string", ("aspect_ratio",)),
    "base64": ("boolean", ("base64",)),
    "count": ("integer", ("samples", "number_of_images", "num_images", "num_outputs")),
    "format": ("string", ("image_format", "output_format")),
    "height": ("integer", ("height", "img_height", "custom_height")),
    "prompt": ("string", ("prompt",)),
    "quality": ("integer", ("quality", "output_quality", "image_quality")),
    "seed": ("integer", ("seed",)),
    "width": ("integer", ("width", "img_width", "custom_width")),
}


class DraftError(Exception):
    """No spec can be drafted from the page. The message states the reason and the remedy."""


@dataclass
class Draft:
    """A drafted spec: its data for ruamel.yaml, its open questions, and warnings about calls that it can't make."""

    slug: str
    data: Any
    todos: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of the spec file, with its comments."""
        advice = "Rewrite the descriptions in your own words, then run: segforge lint"
        note = f"# Drafted by segforge import; {len(self.todos)} TODO. {advice}\n"
        settle_comments(self.data)
        return _HEAD + note + dump(self.data)


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
    held = {name: one for name, one in parameters.items() if kind_of(one) in SCALARS and is_name(name)}
    if not held:
        raise DraftError(f"{page.name}: the page has no parameter that a spec can hold; write the spec by hand")
    _head(made, page, today)
    _left_out(made, [one for name, one in parameters.items() if name not in held])
    _returns(made, page, held)
    made.data["parameters"] = mapping({})
    for name, one in held.items():
        made.data["parameters"][scalar(name)] = draft_parameter(made, one)
    _example(made, page, held)
    return made


def is_name(name: str) -> bool:
    """Returns whether a spec can hold a parameter with this name."""
    return 0 < len(name) <= 100 and name.isprintable() and name == name.strip() and not HIDDEN.search(name)


def kind_of(parameter: PageParameter) -> str:
    """Returns a parameter's type. If it is undecided, returns the reading that fits the default and the sample."""
    if "type" in parameter.facts:
        return str(parameter.get("type"))
    candidates = parameter.undecided["type"].candidates if "type" in parameter.undecided else ()
    shown = [parameter.get(key) for key in ("sample", "default") if parameter.get(key) is not None]
    fitting = [one for one in candidates if one in SCALARS and all(type_matches(value, one) for value in shown)]
    return str(fitting[0] if fitting else candidates[0]) if candidates else "string"


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


def quoted(text: str) -> Any:
    """Returns a text that ruamel.yaml writes in double quotes."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    return DoubleQuotedScalarString(text)


def media_of(returns: Value) -> str | None:
    """Returns the spec's media for the text of a page's `Returns:` line, or None if no media fits."""
    text = str(returns).lower()
    return "image" if text.startswith("image") else "json" if "json" in text or text.startswith("text") else None


def _returns(made: Draft, page: Page, held: Mapping[str, PageParameter]) -> None:
    media = media_of(page.get("returns"))
    data = mapping({"media": media or "json"})
    if media is None:
        stated = page.get("returns")
        mark_todo(
            made,
            data,
            "media",
            f"the page says {show(stated)}" if stated else "the page doesn't say what the model returns",
        )
    controls = {
        control: name
        for control, (type_, names) in _CONTROLS.items()
        for name in names
        if name in held and kind_of(held[name]) == type_
    }
    known = held[controls["format"]].get("enum") if "format" in controls else None
    usable = known is not None and all(value in FORMATS for value in known)
    if not usable:
        controls.pop("format", None)
    if media == "image":
        data["formats"] = sequence(list(known) if known and usable else ["jpeg"])
        if not usable:
            mark_todo(made, data, "formats", "the page names no format")
    if controls:
        data["controls"] = mapping({control: scalar(name) for control, name in controls.items()})
    made.data["returns"] = data


def draft_parameter(made: Draft, one: PageParameter) -> Any:
    """Returns the data of one parameter. Open facts are omitted or set to the safest reading, with a TODO."""
    kind = kind_of(one)
    data = mapping({"type": kind})
    _ask(made, data, one, "name")
    _ask(made, data, one, "type")
    if kind == "string" and one.get("format") == "uri":
        data["format"] = "uri"
    elif "format" in one.facts and kind == "string":
        mark_todo(made, data, "type", f"the page adds the format {show(one.get('format'))}")
    data["required"] = bool(one.get("required"))
    _ask(made, data, one, "required")
    if "default" in one.facts and one.get("default") is None:
        data["nullable"] = True
    data["description"] = scalar(
        one_line(str(one.get("description") or "To be written.")).strip()[:4000] or "To be written."
    )
    if "description" not in one.facts:
        mark_todo(made, data, "description", "the page has no description")
    _bounds(made, data, one, kind)
    _choices(made, data, one, kind)
    _default(made, data, one)
    return data


def _bounds(made: Draft, data: Any, one: PageParameter, kind: str) -> None:
    ends = {key: one.get(key) for key in ("minimum", "maximum") if key in one.facts}
    fitting = kind in ("integer", "number") and all(type_matches(value, kind) for value in ends.values())
    if ends and (not fitting or (len(ends) == 2 and ends["minimum"] > ends["maximum"])):
        mark_todo(
            made, data, "description", f"the page prints the range {ends.get('minimum')} to {ends.get('maximum')}"
        )
    else:
        for key, value in ends.items():
            data[key] = scalar(value)
    for key in ("minimum", "maximum"):
        _ask(made, data, one, key)


def _choices(made: Draft, data: Any, one: PageParameter, kind: str) -> None:
    known, total = one.get("enum"), one.get("enum_total")
    if (
        known
        and all(type_matches(value, kind) for value in known)
        and len({show(value) for value in known}) == len(known)
    ):
        data["enum"] = mapping({"known": sequence(known), "total": total or len(known)}, flow=len(str(known)) < 80)
    elif known:
        mark_todo(made, data, "description", f"the page lists the values {show(known, 200)}")
    _ask(made, data, one, "enum")
    if "enum" in data:
        _ask(made, data, one, "enum_total")


def _default(made: Draft, data: Any, one: PageParameter) -> None:
    if "default" in one.facts:
        if valid(data, one.get("default")):
            data["default"] = scalar(one.get("default"))
        else:
            mark_todo(
                made,
                data,
                "description",
                f"the page prints the default {show(one.get('default'))}, which its type, range or values exclude",
            )
    _ask(made, data, one, "default")


def valid(parameter: Mapping[str, Any], value: Value) -> bool:
    """Returns whether a parameter's type, range and closed set allow a value. The format is not checked."""
    choices = parameter.get("enum")
    facts = Parameter(
        name="",
        type=parameter["type"],
        required=False,
        description="",
        nullable=bool(parameter.get("nullable")),
        **{key: parameter[key] for key in LIMITS if key in parameter},
        choices=Choices(tuple(choices["known"]), choices["total"]) if choices else None,
    )
    return not any(value_violations(facts, value, formats=False))


def _example(made: Draft, page: Page, held: Mapping[str, PageParameter]) -> None:
    payload = page.get("sample") or {}
    made.data["example"] = mapping({})
    for name, value in payload.items():
        if name not in held:
            continue
        if not isinstance(value, list | dict) and valid(made.data["parameters"][name], value):
            made.data["example"][scalar(name)] = scalar(value)
        else:
            mark_todo(made, made.data, "example", f"the sample sends {name}: {show(value)}")
    for name in payload:
        if name not in held:
            mark_todo(
                made, made.data, "example", f"the sample sends {show(name)}, which is not in the list or not a scalar"
            )
    if not payload:
        mark_todo(made, made.data, "example", "the page has no readable sample")
    if not made.data["example"]:
        made.data["example"].fa.set_flow_style()


def _left_out(made: Draft, missing: Sequence[PageParameter]) -> None:
    if missing:
        made.data["note"] = scalar(left_out(missing))
        names = " and ".join(show(one.name) for one in missing)
        made.warnings.append(f"calls that need {names} can't be made with this spec; specs hold scalars only")
        mark_todo(made, made.data, "note", made.warnings[-1])


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


def _ask(made: Draft, data: Any, one: PageParameter, key: str) -> None:
    doubt: Undecided | None = one.undecided.get(key) or dict(hinted(one)).get(key)
    if doubt is not None:
        readings = " or ".join(show(value) for value in doubt.candidates) or "unknown"
        at = {"enum_total": "enum", "name": "type"}.get(key, key)
        mark_todo(made, data, at if at in data else "description", f"{key} is undecided: {readings}; {doubt.why}")


def mark_todo(made: Draft, data: Any, key: str, text: str) -> None:
    """Adds a TODO above a key of the data. A key can have several. `settle_comments` turns them into comments."""
    note = one_line(text).replace("#", "no.")[:300]
    made.todos.append(note)
    waiting = getattr(data, "todo_notes", {})
    waiting.setdefault(key, []).append(f"TODO {note}")
    data.todo_notes = waiting


def settle_comments(data: Any, indent: int = 0) -> None:
    """Turns the notes of `mark_todo` into comments above their keys, in the whole document."""
    from ruamel.yaml.comments import CommentedMap

    for key, notes in getattr(data, "todo_notes", {}).items():
        if key in data and notes:
            data.yaml_set_comment_before_after_key(key, before="\n".join(notes), indent=indent)
    for value in data.values():
        if isinstance(value, CommentedMap):
            settle_comments(value, indent + 2)


def lint_text(text: str, slug: str, *, warnings: bool = False) -> list[Finding]:
    """Lints a spec's text as the file `<slug>.yaml`. Returns the errors, and with `warnings` the warnings too."""
    import tempfile

    from segforge.spec.load import check_model

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{slug}.yaml"
        path.write_text(text, "utf-8", newline="\n")
        return [replace(one, file=path.name) for one in check_model(path)[1] if warnings or one.severity == "error"]
