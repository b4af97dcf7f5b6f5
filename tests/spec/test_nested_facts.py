"""Rules about parts, unions, conditions, quirks and levels: each has its place in the file and a valid neighbor."""

from pathlib import Path

import pytest

from segforge import check_specs
from segforge.spec import values
from segforge.spec.catalog import parameter
from segforge.spec.load import check_form

BASE = """\
slug: any
title: Any
level: complete
description: Any.
source: {url: https://www.segmind.com/models/any/api, reviewed: "2026-11-28"}
versions: [v1]
encodings: [json, multipart]
returns: {media: json}
parameters:
  mode: {type: string, required: false, description: M., default: a, enum: {known: [a, b], total: 2}}
  size: {type: integer, required: false, description: S., minimum: 1, maximum: 8}
  image: {type: string, file: image, accepts: [url, part], required: true, description: I.}
  labeled:
    type: string
    required: false
    description: L.
    enum: {known: [{value: x, label: One}, {value: y, label: Two}], total: 2}
  images:
    type: array
    required: false
    description: Is.
    min_items: 1
    max_items: 2
    items:
      type: object
      properties:
        uri: {type: string, format: uri, required: true, description: U.}
        tag: {type: string, required: false, description: T.}
  palette:
    required: false
    description: P.
    any_of:
      - {title: preset, type: object, properties: {name: {type: string, required: true}}}
      - {title: custom, type: object, properties: {members: {type: array, required: true}}}
      - {title: code, type: string, enum: {known: [red], total: 1}}
      - {title: other_code, type: string, enum: {known: [blue], total: 1}}
conditions:
  - {exactly_one_of: [size, labeled]}
  - {only_when: {mode: [a]}, parameters: [palette]}
  - {when: {size: [8]}, when_present: [labeled], forbids: [palette], forbids_values: {mode: [b]}}
quirks:
  - {at: sample.size, found: "8", why: Text for an integer.}
  - {at: "sample.images[0].tag", found: 7, why: A number for a text.}
  - {at: returns, found: Image, why: The page names another medium.}
example:
  image: https://a.test/x.png
  labeled: x
  images: [{uri: https://a.test/x.png}]
"""


def place(text: str, marked: str) -> tuple[int, int]:
    """Returns line and column of a marked text, from 1."""
    start = text.index(marked)
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)


def findings(folder: Path, text: str) -> list[tuple[str, str, int, int]]:
    path = folder / "models" / "any.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return [(found.rule, found.severity, found.line, found.column) for found in check_form(path, "model")[1]]


def test_the_base_has_no_findings(tmp_path: Path) -> None:
    assert findings(tmp_path, BASE) == []


# Name -> the text replaced, the text in its place, the rule, its severity, and the text at the place of the finding.
BROKEN: dict[str, tuple[str, str, str, str, str]] = {
    "no statement": ("{exactly_one_of: [size, labeled]}", "{inferred: true}", "condition.form", "error", "{inferred: true}"),
    "two statements": (
        "{exactly_one_of: [size, labeled]}", "{exactly_one_of: [size, labeled], requires: [mode]}",
        "condition.form", "error", "{exactly_one_of: [size",
    ),
    "only_when without parameters": (", parameters: [palette]}", "}", "condition.form", "error", "{only_when"),
    "premise without consequence": (
        ", forbids: [palette], forbids_values: {mode: [b]}", "", "condition.form", "error", "{when: {size"
    ),
    "consequence without premise": (
        "when: {size: [8]}, when_present: [labeled], ", "", "condition.form", "error", "{forbids: [palette]"
    ),
    "unknown name in a list": ("[size, labeled]}", "[size, other]}", "condition.unknown", "error", "other]}"),
    "unknown name with values": ("only_when: {mode:", "only_when: {other:", "condition.unknown", "error", "other: [a]"),
    "value of another type": ("{size: [8]}", '{size: [8, "8"]}', "condition.value", "error", '"8"]}'),
    "value outside the set": ("mode: [b]}", "mode: [c]}", "condition.value", "warning", "c]}"),
    "value outside the range": ("{size: [8]}", "{size: [9]}", "condition.value", "warning", "9]}"),
    "required, but one of several": ("[size, labeled]}", "[size, image]}", "condition.contradiction", "error", "image]}"),
    "required, but only with a value": (
        "parameters: [palette]", "parameters: [image]", "condition.contradiction", "error", "image]}"
    ),
    "only with itself": ("parameters: [palette]", "parameters: [mode]", "condition.contradiction", "error", "mode]}"),
    "required, but forbidden": ("forbids: [palette]", "forbids: [image]", "condition.contradiction", "error", "image], forb"),
    "premise forbids itself": ("forbids: [palette]", "forbids: [size]", "condition.contradiction", "error", "size], forb"),
    "required and forbidden": (
        "forbids: [palette]", "requires: [palette], forbids: [palette]", "condition.contradiction", "error", "palette], forbids_v"
    ),
    "requires what is sent": ("forbids: [palette]", "requires: [image]", "condition.contradiction", "error", "image], forb"),
    "premise forbids its value": (
        "forbids_values: {mode: [b]}", "forbids_values: {size: [8]}", "condition.contradiction", "error", "[8]}}"
    ),
    "condition twice": (
        "conditions:\n", "conditions:\n  - {exactly_one_of: [size, labeled]}\n",
        "condition.duplicate", "error", "{exactly_one_of: [size, labeled]}\n  - {only",
    ),
    "sample breaks a condition": (
        "  labeled: x\n", "  labeled: x\n  size: 4\n", "example.condition", "warning", "labeled: x\n  size"
    ),
    "sample lacks both": ("  labeled: x\n", "", "example.condition", "warning", "example:\n"),
    "sample breaks an inferred condition": (
        "  - {only_when: {mode: [a]}, parameters: [palette]}", "  - {only_when: {mode: [b]}, parameters: [images], inferred: true}",
        "example.condition", "warning", "images: [{uri",
    ),
    "quirk of no parameter": ("at: sample.size", "at: sample.sizes", "quirk.place", "error", "sample.sizes"),
    "quirk of no part": ("images[0].tag", "images[0].tags", "quirk.place", "error", '"sample.images[0].tags'),
    "quirk of the model with a parameter": ("at: returns", "at: returns.size", "quirk.place", "error", "returns.size"),
    "quirk of a parameter without a name": ("at: returns", "at: default", "quirk.place", "error", "default, found"),
    "quirk in the sample": (
        "at: sample.size, found: \"8\"", "at: sample.labeled, found: x", "quirk.example", "error", "sample.labeled"
    ),
    "quirk deep in the sample": (
        'at: "sample.images[0].tag", found: 7', 'at: "sample.images[0].uri", found: https://a.test/x.png',
        "quirk.example", "error", '"sample.images[0].uri',
    ),
    "quirk twice": (
        "quirks:\n", "quirks:\n  - {at: returns, found: Image, why: Again.}\n", "quirk.duplicate", "error", "{at: returns, found: Image, why: The"
    ),
    "path of no version": ("encodings:", "paths: {v2: \"/v2/x/{slug}\"}\nencodings:", "path.version", "error", "v2: "),
    "part without multipart": ("[json, multipart]", "[json]", "accepts.part", "error", "part], required"),
    "base64 of a uri": (
        "file: image, accepts: [url, part]", "format: uri, file: image, accepts: [url, base64]", "accepts.format", "error", "base64], req"
    ),
    "forms of no file": ("file: image, accepts", "accepts", "accepts.file", "error", "accepts: [url"),
    "keys in common": ("{name: {type: string, required: true}}", "{members: {type: array, required: true}}", "union.apart", "warning", "{title: custom"),
    "sets in common": ("known: [blue]", "known: [red]", "union.apart", "warning", "{title: other_code"),
    "numbers in common": (
        "{title: code, type: string, enum: {known: [red], total: 1}}", "{title: code, type: integer}\n      - {title: float, type: number}",
        "union.apart", "warning", "{title: float",
    ),
    "title twice": ("title: custom", "title: preset", "union.title", "error", "preset, type: object, properties: {m"),
    "label twice": ("label: Two", "label: One", "enum.label", "warning", "One}], total"),
    "inferred and required": ("image, accepts: [url, part], required: true", "image, inferred: [required], required: true", "inferred.required", "error", "required], req"),
    "inferred and absent": ("file: image, accepts: [url, part]", "file: image, inferred: [format]", "inferred.absent", "error", "format], req"),
    "too few items": ("images: [{uri: https://a.test/x.png}]", "images: []", "example.range", "warning", "[]"),
    "too many items": (
        "images: [{uri: https://a.test/x.png}]", "images: [{uri: 'a:b'}, {uri: 'a:b'}, {uri: 'a:b'}]", "example.range", "warning", "[{uri: 'a:b'}"
    ),
    "item without its key": ("[{uri: https://a.test/x.png}]", "[{tag: a}]", "example.required", "warning", "[{tag: a}]"),
    "value of no member": ("  labeled: x\n", "  labeled: x\n  palette: 7\n", "example.type", "error", "7\n"),
    "set with an inferred type": (
        "level: complete", "level: partial\nnote: |\n  A.", "level.set", "error", "2}\n  images"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_fact_is_reported_at_its_place(name: str, tmp_path: Path) -> None:
    old, new, rule, severity, marked = BROKEN[name]
    base = BASE.replace("description: L.\n", "description: L.\n    inferred: [type]\n") if rule == "level.set" else BASE
    assert base.count(old) >= 1
    text = base.replace(old, new, 1)
    assert (rule, severity, *place(text, marked)) in findings(tmp_path, text)


# Facts near to broken ones, which have no finding.
VALID: dict[str, tuple[str, str]] = {
    "two premises": ("{when: {size: [8]}, when_present: [labeled], forbids: [palette],", "{when_present: [size], requires: [mode],"),
    "default as a premise": ("{only_when: {mode: [a]},", "{only_when: {mode: [a]}, with_defaults: true,"),
    "value of an open set": ("mode: [b]}", "labeled: [y]}"),
    "integral float as an integer": ("{size: [8]}", "{size: [8.0]}"),
    "quirk of the whole sample": ("at: sample.size", "at: sample"),
    "quirk of the same value elsewhere": ('at: sample.size, found: "8"', "at: default.labeled, found: x"),
    "quirk of a part of a member": ("at: sample.size", "at: parameter.palette.members"),
    "same place, other value": ("quirks:\n", "quirks:\n  - {at: returns, found: Video, why: Again.}\n"),
    "usual path of another version": ("encodings:", 'paths: {v1: "/v1/models/{slug}"}\nencodings:'),
    "form that fits the format": ("file: image, accepts: [url, part]", "format: uri, file: image, accepts: [url, data_uri, part]"),
    "open set beside a closed one": ("enum: {known: [blue], total: 1}", "format: uri"),
    "inferred type": ("{type: integer, required: false, description: S.", "{type: integer, required: false, inferred: [type], description: S."),
    "partial spec without facts": ("  mode: {", "  more: {}\n  mode: {"),
}  # fmt: skip


@pytest.mark.parametrize("name", VALID)
def test_a_fact_near_a_broken_one_is_valid(name: str, tmp_path: Path) -> None:
    old, new = VALID[name]
    assert BASE.count(old) >= 1
    text = BASE.replace(old, new, 1)
    if name.startswith("partial"):
        text = text.replace("level: complete", "level: partial")
    assert findings(tmp_path, text) == []


@pytest.mark.parametrize(
    ("version", "path", "rule"),
    [
        ("v1", "/v1/{slug}", "path.usual"),
        ("v2", "/v2/{slug}", "path.usual"),
        ("v1", "/v2/{slug}", "path.taken"),
        ("v2", "/v1/requests/{slug}", "path.taken"),
        ("v2", "/v2/requests/{slug}/status", "path.taken"),
        ("v1", "/v1/models/{slug}", None),
        ("v2", "/v2/requests/{slug}/run", None),
    ],
)
def test_a_printed_path_is_neither_usual_nor_another_routes(
    version: str, path: str, rule: str | None, specs: Path
) -> None:
    model = specs / "models" / "flux-ipadapter.yaml"
    model.write_text(
        model.read_text("utf-8").replace("versions:", f'paths: {{{version}: "{path}"}}\nversions:'), "utf-8"
    )
    found = [(each.rule, each.line) for each in check_specs(specs)[1] if each.file.endswith(model.name)]
    line = model.read_text("utf-8").partition("paths:")[0].count("\n") + 1
    assert found == ([(rule, line)] if rule else [])


def test_every_limit_is_checked() -> None:
    assert tuple(values.LIMITS) == parameter.LIMITS
