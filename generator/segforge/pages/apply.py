"""Writes the decided facts of a page into its spec. Comments, order, notes and undecided facts are kept."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from segforge.pages.difference import ABSENT, Difference, Drift
from segforge.pages.draft import Draft, draft_parameter, is_name, lint_text, quoted, settle_comments, valid
from segforge.pages.page import PageParameter
from segforge.spec.finding import Finding
from segforge.spec.lint import CONTROL_TYPES
from segforge.spec.yaml_edit import Path, at, insert, load, remove, set_value, sync_list
from segforge.spec.yaml_text import mapping, sequence

ORDER: Final = (
    "type",
    "format",
    "required",
    "nullable",
    "description",
    "default",
    "minimum",
    "maximum",
    "enum",
    "note",
)
"""The order of a parameter's fields."""
_CONTRADICTIONS: Final = frozenset(
    f"{what}.{family}" for what in ("default", "example") for family in ("range", "enum", "format")
)
"""Lint rules that warn about a value that its own parameter excludes."""
_HEAD: Final = ("slug", "title", "description", "source", "versions", "typical_seconds", "typical_cost")


def apply(text: str, drift: Drift, today: str | None = None) -> tuple[str, list[Difference]]:
    """Writes every decided difference into a spec's text. Returns the new text and the differences written.

    If any difference is written, `today` (YYYY-MM-DD) becomes the spec's review date.
    """
    edit = _Edit(text, drift)
    written = [one for one in drift.differences if one.decided and edit.write(one)]
    edit.mend()
    if written and today is not None:
        edit.reviewed(today)
    return (edit.text if written else text), written


def apply_linted(text: str, drift: Drift, today: str | None = None) -> tuple[str, list[Difference], list[str]]:
    """Writes the decided differences that lint accepts. Returns the new text, these differences, and the rejections.

    A rejection is one line with the path and the finding. A value that the page itself excludes is rejected too, unless
    the spec already has it. If lint rejects the whole text, each parameter's differences are tried separately, so that
    one contradiction on the page doesn't block its certain facts.
    """
    new, written = apply(text, drift, today)
    findings = _refusals(new, text, drift.slug) if written else []
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
        if findings := _refusals(made, text, drift.slug):
            refused.append(f"{group[0].path}: {findings[0]}")
        else:
            new, done = made, kept
    return (new if done else text), done, refused


def _refusals(new: str, text: str, slug: str) -> list[Finding]:
    """Returns the lint errors of a spec's new text, and the contradictions that the old text did not have."""
    known = {(one.rule, one.found) for one in lint_text(text, slug, warnings=True)}
    return [
        one
        for one in lint_text(new, slug, warnings=True)
        if one.severity == "error" or (one.rule in _CONTRADICTIONS and (one.rule, one.found) not in known)
    ]


def _group(one: Difference) -> Path:
    """Returns the key of the differences written together: a parameter's facts and its value in the example."""
    return ("parameters", *one.at[1:2]) if one.at[:1] in (("parameters",), ("example",)) else one.at


class _Edit:
    """The text of one spec file while differences are written into it."""

    def __init__(self, text: str, drift: Drift) -> None:
        self.text = text
        self.page = {one.name: one for one in drift.page.parameters}
        self.made = Draft(drift.slug, mapping({}))

    def write(self, one: Difference) -> bool:
        """Writes one difference. Returns False if a person must decide it."""
        match one.at:
            case ("title" | "typical_seconds" as key,):
                self._put((key,), one.page, _HEAD)
            case ("versions",):
                self.text = sync_list(self.text, ("versions",), one.page)
            case ("example", str(name)):
                return self._example(name, one)
            case ("parameters", str(name)):
                return self._add(name) if one.page is not ABSENT else self._remove(name)
            case ("parameters", str(name), "enum", *_):
                self._enum(name, self.page[name])
            case ("parameters", str(name), str(key)):
                self._fact(name, key, one)
            case _:
                return False
        return True

    def _fact(self, name: str, key: str, one: Difference) -> None:
        path = ("parameters", name)
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

    def _enum(self, name: str, shown: PageParameter) -> None:
        path: Path = ("parameters", name, "enum")
        known, total = shown.get("enum"), shown.get("enum_total")
        there = "enum" in at(load(self.text), path[:-1])
        if known is None:
            self._put(path, ABSENT, ORDER)
        elif there:
            kept = at(load(self.text), (*path, "known")) if (total or 0) > len(known) else []
            known = [*kept, *(value for value in known if value not in kept)]
            self.text = sync_list(self.text, (*path, "known"), known)
            self.text = set_value(self.text, (*path, "total"), total or len(known))
        else:
            made = mapping({"known": sequence(known), "total": total or len(known)}, flow=len(str(known)) < 80)
            self.text = insert(self.text, path, made, ORDER[: ORDER.index("enum")])

    def _add(self, name: str) -> bool:
        if not is_name(name):
            return False
        order = list(self.page)
        made = draft_parameter(self.made, self.page[name])
        notes = getattr(made, "todo_notes", {})
        made.todo_notes = {
            **notes,
            "type": ["TODO new on the page; rewrite the description in your own words", *notes.get("type", [])],
        }
        settle_comments(made, 2)
        self.text = insert(self.text, ("parameters", name), made, order[: order.index(name)])
        return True

    def _remove(self, name: str) -> bool:
        self.text = remove(self.text, ("parameters", name))
        data = load(self.text)
        if name in data["example"]:
            self.text = remove(self.text, ("example", name))
        for control, target in data["returns"].get("controls", {}).items():
            if target == name:
                self.text = remove(self.text, ("returns", "controls", control))
        return True

    def _example(self, name: str, one: Difference) -> bool:
        data = load(self.text)
        if one.page is ABSENT:
            self.text = remove(self.text, ("example", name)) if name in data["example"] else self.text
            return True
        if name not in data["parameters"] or not valid(data["parameters"][name], one.page):
            return False
        self._put(("example", name), one.page, tuple(data["example"]))
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
