"""Writes the decided facts of a page into its spec. Comments, order, notes and undecided facts are kept."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any, Final

from segforge.pages.draft import Draft, draft_parameter, is_name, quoted, settle_comments, valid
from segforge.pages.drift.difference import ABSENT, Difference, Drift
from segforge.pages.drift.names import places_of
from segforge.pages.drift.nested import fact_of, find
from segforge.pages.drift.removal import remove_mentions, remove_quirks
from segforge.pages.drift.whole import USUAL
from segforge.pages.page import PageParameter
from segforge.spec.build import entry_value
from segforge.spec.finding import Finding
from segforge.spec.inputs import MODELS_FOLDER, SHAPES_FOLDER
from segforge.spec.lint import CONTROL_TYPES
from segforge.spec.load import check_model
from segforge.spec.values import equal, is_among
from segforge.spec.yaml_edit import Path, at, insert, load, remove, rename, set_value, sync_list
from segforge.spec.yaml_text import mapping, scalar, sequence, written

ORDER: Final = (
    "type",
    "format",
    "required",
    "nullable",
    "file",
    "accepts",
    "deprecated",
    "affects_price",
    "description",
    "default",
    "minimum",
    "maximum",
    "exclusive_minimum",
    "exclusive_maximum",
    "multiple_of",
    "min_length",
    "max_length",
    "min_items",
    "max_items",
    "enum",
    "items",
    "properties",
    "any_of",
    "note",
)
"""The order of a parameter's fields."""
_CONTRADICTIONS: Final = frozenset(
    f"{what}.{family}" for what in ("default", "example") for family in ("range", "enum", "format")
)
"""Lint rules that warn about a value that its own parameter excludes."""
_OF_PAGE: Final = ("default", "example", "range", "enum", "format", "length", "number", "type")
"""The first words of lint rules that facts of a page break together."""
_HEAD: Final = (
    *("slug", "title", "description", "level", "source", "sources", "versions", "typical_seconds", "price"),
    *("paths", "auth", "encodings"),
)


def apply(text: str, drift: Drift, today: str | None = None) -> tuple[str, list[Difference]]:
    """Writes every decided difference into a spec's text. Returns the new text and the differences written.

    If any difference is written, `today` (YYYY-MM-DD) becomes the spec's review date.
    """
    edit = _Edit(text, drift)
    ordered = sorted(drift.differences, key=lambda one: one.rule == "parameter.renamed")  # after all facts of the name
    written = [one for one in ordered if one.decided and edit.write(one)]
    edit.mend()
    if written and today is not None:
        edit.reviewed(today)
    return (edit.text if written else text), written


def apply_linted(
    text: str, drift: Drift, today: str | None = None, specs: FilePath | None = None
) -> tuple[str, list[Difference], list[str]]:
    """Writes the decided differences that lint accepts. Returns the new text, these differences, and the rejections.

    A rejection is one line with the reason, the path and the finding. A value that the page itself excludes is rejected
    too, unless the spec already has it. If lint rejects the whole text, each parameter's differences are tried
    separately, so that one contradiction on the page doesn't block its certain facts. `specs` is the folder with the
    shared shapes.
    """
    new, written = apply(text, drift, today)
    findings = _refusals(new, text, drift.slug, specs) if written else []
    if not findings:
        return new, written, []
    groups: dict[Path, list[Difference]] = {}
    for one in written:
        groups.setdefault(_group(one), []).append(one)
    done: list[Difference] = []
    refused = []
    for group in groups.values():
        tried = [one for one in written if one in done or one in group]
        made, kept = apply(text, replace(drift, differences=tuple(tried)), today)
        if findings := _refusals(made, text, drift.slug, specs):
            family = findings[0].rule.partition(".")[0]
            why = "the page contradicts itself" if family in _OF_PAGE else "lint rejects the result"
            refused.append(f"{why}: {group[0].path}: {findings[0]}")
        else:
            new, done = made, kept
    return (new if done else text), done, refused


def _refusals(new: str, text: str, slug: str, specs: FilePath | None) -> list[Finding]:
    """Returns the lint errors of a spec's new text, and the contradictions that the old text did not have."""
    known = {(one.rule, one.found) for one in _lint(text, slug, specs)}
    return [
        one
        for one in _lint(new, slug, specs)
        if one.severity == "error" or (one.rule in _CONTRADICTIONS and (one.rule, one.found) not in known)
    ]


def _lint(text: str, slug: str, specs: FilePath | None) -> list[Finding]:
    """Returns the findings about a spec's text as the file `<slug>.yaml` beside the shared shapes of a folder."""
    with tempfile.TemporaryDirectory() as folder:
        models = FilePath(folder) / MODELS_FOLDER
        models.mkdir()
        if specs is not None and (specs / SHAPES_FOLDER).is_dir():
            shutil.copytree(specs / SHAPES_FOLDER, FilePath(folder) / SHAPES_FOLDER)
        path = models / f"{slug}.yaml"
        path.write_text(text, "utf-8", newline="\n")
        return [replace(one, file=path.name) for one in check_model(path)[1]]


def _group(one: Difference) -> Path:
    """Returns the key of the differences written together: a parameter's facts and its value in the example."""
    return ("parameters", *one.at[1:2]) if one.at[:1] in (("parameters",), ("example",)) else one.at


class _Edit:
    """The text of one spec file while differences are written into it."""

    def __init__(self, text: str, drift: Drift) -> None:
        self.text = text
        self.shown = drift.page.parameters
        self.made = Draft(drift.slug, mapping({}))

    def write(self, one: Difference) -> bool:
        """Writes one difference. Returns False if a person must decide it."""
        match one.at:
            case ("title" | "typical_seconds" as key,):
                self._put((key,), one.page, _HEAD)
            case ("price",):
                self._put(("price",), mapping({key: scalar(one.page[key]) for key in one.page}, flow=True), _HEAD)
            case ("paths", str(version)):
                self._path(version, one.page)
            case ("versions" | "auth" | "encodings" as key,):
                self._list(key, one.page)
            case ("example", str(name)):
                return self._example(name, one)
            case ("parameters", str(name)) if one.rule == "parameter.renamed":
                return self._rename(name, one.page)
            case ("parameters", str(), *_):
                return self._parameter(one)
            case _:
                return False
        return True

    def _parameter(self, one: Difference) -> bool:
        """Writes one difference in a parameter, at any depth."""
        end = fact_of(one.at)
        path = one.at[:end]
        if end == len(one.at):
            return self._add(path) if one.page is not ABSENT else self._remove(path)
        page = find(self.shown, load(self.text)["parameters"], one.at)[0].page
        if page is None or not self._has(path):
            return False
        if one.at[end] == "enum":
            self._enum(path, page)
        else:
            self._fact(path, str(one.at[end]), one)
        return True

    def _has(self, path: Path) -> bool:
        """Returns whether the file itself has a value at a path. The facts of shared shapes are in other files."""
        try:
            at(load(self.text), path)
        except (LookupError, TypeError):
            return False
        return True

    def _list(self, key: str, values: Sequence[str]) -> None:
        if self._has((key,)):
            self.text = sync_list(self.text, (key,), values)
        else:
            self.text = insert(self.text, (key,), sequence(list(values)), _HEAD[: _HEAD.index(key)])

    def _path(self, version: str, path: str) -> None:
        """Writes a printed path. The usual one is left out, as in other specs."""
        usual = USUAL[version]
        if self._has(("paths", version)):
            self.text = remove(self.text, ("paths", version)) if path == usual else self.text
            if not self._has(("paths",)) or not load(self.text)["paths"]:
                self.text = remove(self.text, ("paths",))
        if path == usual:
            return
        if not self._has(("paths",)):
            self.text = insert(self.text, ("paths",), mapping({}), _HEAD[: _HEAD.index("paths")])
        self._put(("paths", version), path, ("v1", "v2"))

    def _fact(self, path: Path, key: str, one: Difference) -> None:
        self._put((*path, key), one.page, ORDER)
        if key == "default" and one.page is None:
            self._put((*path, "nullable"), True, ORDER)
        elif key == "default" and one.spec is None:
            self._put((*path, "nullable"), ABSENT, ORDER)

    def _put(self, path: Path, value: Any, order: Sequence[str]) -> None:
        """Sets a key, or removes it if the page states nothing. A new key goes to its place in `order`."""
        there = path[-1] in at(load(self.text), path[:-1])
        if value is ABSENT:
            self.text = remove(self.text, path) if there else self.text
        elif there:
            self.text = set_value(self.text, path, value)
        else:
            before = order[: order.index(str(path[-1]))] if path[-1] in order else order
            self.text = insert(self.text, path, value, before)

    def _enum(self, path: Path, shown: PageParameter) -> None:
        known, total = shown.get("enum"), shown.get("enum_total")
        parent, place = at(load(self.text), path), (*path, "enum")
        if known is None:
            self._put(place, ABSENT, ORDER)
            return
        labels = shown.get("enum_labels") or [None] * len(known)
        entries = [_entry(value, label) for value, label in zip(known, labels, strict=False)]
        if "enum" in parent:
            old = list(parent["enum"]["known"])
            kept = old if (total or 0) > len(known) else []
            added = [one for one in entries if not is_among(entry_value(one), list(map(entry_value, kept)))]
            wanted = [*kept, *(_old_entry(one, old) for one in added)]
            self.text = sync_list(self.text, (*place, "known"), wanted)
            if parent["enum"]["total"] is not None or total is not None:
                self.text = set_value(self.text, (*place, "total"), total or len(wanted))
        else:
            made = mapping({"known": sequence(entries), "total": total or len(known)}, flow=len(str(known)) < 80)
            self.text = insert(self.text, place, made, ORDER[: ORDER.index("enum")])

    def _add(self, path: Path) -> bool:
        node, _ = find(self.shown, load(self.text)["parameters"], path)
        name = str(path[-1])
        if not is_name(name) or node.page is None or not self._has(path[:-2]):
            return False
        if not self._has(path[:-1]):
            self.text = insert(self.text, path[:-1], mapping({}), ORDER[: ORDER.index("properties")])
        order = list(node.page_beside)
        made = draft_parameter(self.made, node.page)
        notes = getattr(made, "todo_notes", {})
        first = next(iter(made))
        made.todo_notes = {
            **notes,
            first: ["TODO new on the page; rewrite the description in your own words", *notes.get(first, [])],
        }
        settle_comments(made, 2)
        self.text = insert(self.text, path, made, order[: order.index(name)])
        return True

    def _remove(self, path: Path) -> bool:
        if not self._has(path):
            return False
        before = load(self.text)["parameters"]
        self.text = remove(self.text, path)
        if len(path) == 2:
            self.text = remove_mentions(self.text, str(path[1]))
        elif not at(load(self.text), path[:-1]):
            self.text = remove(self.text, path[:-1])
        self.text = remove_quirks(self.text, before)
        return True

    def _rename(self, old: str, new: str) -> bool:
        """Renames a parameter everywhere in the file. Its facts, its place and its comments stay."""
        if not is_name(new):
            return False
        for place in [one for one in places_of(load(self.text), old) if one.key]:
            self.text = rename(self.text, place.path, new)
        for place in [one for one in places_of(load(self.text), old) if not one.key]:
            self.text = set_value(self.text, place.path, place.text.format(new))
        return True

    def _example(self, name: str, one: Difference) -> bool:
        data = load(self.text)
        if one.page is ABSENT:
            self.text = remove(self.text, ("example", name)) if name in data["example"] else self.text
            return True
        if name not in data["parameters"] or not valid(data["parameters"][name], one.page):
            return False
        self._put(("example", name), written(one.page), tuple(data["example"]))
        return True

    def reviewed(self, today: str) -> None:
        """Sets the spec's review date (YYYY-MM-DD)."""
        self.text = set_value(self.text, ("source", "reviewed"), quoted(today))

    def mend(self) -> None:
        """Updates `controls` and `formats` under `returns`, which repeat facts of the parameters."""
        data = load(self.text)
        returns = data["returns"]
        for name, target in returns.get("controls", {}).items():
            if data["parameters"][target]["type"] not in CONTROL_TYPES[name]:
                self.text = remove(self.text, ("returns", "controls", name))
        control = returns.get("controls", {}).get("format")
        known = data["parameters"].get(control, {}).get("enum", {}).get("known") if control else None
        if known and "formats" in returns and sorted(map(str, known)) != sorted(returns["formats"]):
            self.text = sync_list(self.text, ("returns", "formats"), list(known))


def _entry(value: Any, label: str | None) -> Any:
    return scalar(value) if label is None else mapping({"value": scalar(value), "label": scalar(label)}, flow=True)


def _old_entry(entry: Any, old: Sequence[Any]) -> Any:
    """Returns the entry that a list has for the same value, with its label, or else the new one."""
    return next((one for one in old if equal(entry_value(one), entry_value(entry))), entry)
