"""Writes the changes of a list to the text of `directory.yaml`. Comments, `modalities` and other lines are kept."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from segforge.pages.listing.compare import ListDrift
from segforge.spec.catalog import Listing
from segforge.spec.inputs import SpecFile
from segforge.spec.load import valid_data
from segforge.spec.printable import show
from segforge.spec.source import parse_source
from segforge.spec.yaml_text import dump, mapping, scalar

_DATE: Final = re.compile(r"[\"']?[0-9]{4}-[0-9]{2}-[0-9]{2}[\"']?")
_EMPTY: Final = re.compile(r"unlisted:\s*(?:\{\s*\}\s*)?")


class Unwritable(Exception):
    """The file's form doesn't allow the change. The message says what to do."""


@dataclass(frozen=True)
class _Entry:
    """The lines of one model: the comments and blank lines above it, and its own."""

    slug: str
    above: tuple[str, ...]
    own: tuple[str, ...]


def settled(data: Mapping[str, Any], drift: ListDrift, read: str) -> dict[str, Any]:
    """Returns the data of a directory file after a list of the day `read`.

    Models that the list lacks become unlisted, never retired.
    """
    models = {row.listing.slug: _facts(row.listing) for row in drift.listed.rows}
    old = data.get("unlisted", {}).items()
    unlisted = {slug: one for slug, one in old if slug not in models or one["state"] == "retired"}
    for change in drift.changes:
        if change.kind in ("gone", "renamed"):
            instead = f"has {change.new} instead" if change.kind == "renamed" else "lacks it"
            why = f"The list of {data['read']} had it, but the list of {read} {instead}."
            unlisted[change.slug] = {"state": "unlisted", "why": why, "source": data["source"]}
    made = {**data, "read": read, "models": dict(sorted(models.items())), "unlisted": dict(sorted(unlisted.items()))}
    return made if unlisted or "unlisted" in data else {key: one for key, one in made.items() if key != "unlisted"}


def _facts(listing: Listing) -> Mapping[str, Any]:
    """Returns a listing as the file holds it."""
    facts: dict[str, Any] = {"title": listing.title, "modality": listing.modality}
    figures = {"usd": listing.usd, "seconds": listing.seconds}
    return facts | {name: value for name, value in figures.items() if value is not None}


def apply_list(text: str, drift: ListDrift, read: str) -> str:
    """Returns the text of a directory file after a list of the day `read` (YYYY-MM-DD).

    The caller makes sure that the list has no problems and no open questions. Raises Unwritable if the text has another
    form than one model on each line, or if the result would not be valid.
    """
    path = Path("directory.yaml")
    source = parse_source(text.encode(), path, path.name)[0]
    if source is None:
        raise Unwritable("the file is not valid YAML; run segforge lint")
    wanted = settled(source.data, drift, read)
    lines = text.split("\n")
    tops = sorted(line for location, (line, _) in source.keys.items() if len(location) == 1)
    sections = {}
    for name in ("models", "unlisted"):
        if name in source.data:
            first = source.keys[(name,)][0]
            end = next((line - 1 for line in tops if line > first), len(lines))
            keys = {slug: source.keys[(name, slug)] for slug in source.data[name] or ()}
            sections[name] = (first, end, _entries(lines, first, end, keys))
    notes = _notes(sections.values())
    made = {
        name: _section(entries, source.data[name], wanted.get(name, {}), notes)
        for name, (_, _, entries) in sections.items()
    }
    at = source.values[("read",)][0] - 1
    lines[at] = _DATE.sub(f'"{read}"', lines[at], count=1)
    for name in sorted(made, key=lambda one: -sections[one][0]):
        first, end, _ = sections[name]
        lines[first:end] = made[name]
        if name == "unlisted":
            lines[first - 1] = _head(lines[first - 1], wanted["unlisted"])
    if "unlisted" in wanted and "unlisted" not in sections:
        tail = [_line(slug, one, notes.get(slug, "")) for slug, one in wanted["unlisted"].items()]
        lines = [*"\n".join(lines).rstrip("\n").split("\n"), "", "unlisted:", *tail, ""]
    new = "\n".join(lines)
    if (found := valid_data(SpecFile(path, new.encode()), "directory")) != wanted:
        problem = "segforge lint rejects the result" if found is None else "it has another form than expected"
        raise Unwritable(f"{problem}; write one model on each line, as `slug: {{title: ..., modality: ...}}`")
    return new


def _entries(lines: Sequence[str], first: int, end: int, keys: Mapping[str, tuple[int, int]]) -> list[_Entry]:
    """Splits the lines of a section (`first` to `end`, from 0) into entries."""
    entries: list[_Entry] = []
    place = first
    starts = [*sorted((line - 1, column, slug) for slug, (line, column) in keys.items())]
    for number, (start, column, slug) in enumerate(starts):
        following = starts[number + 1][0] if number + 1 < len(starts) else end
        if start < place or following <= start or lines[start][: column - 1].strip():
            raise Unwritable(f"{show(slug)} shares its line; write one model on each line")
        stop = max(at for at in range(start, following) if _is_content(lines[at])) + 1
        entries.append(_Entry(slug, tuple(lines[place:start]), tuple(lines[start:stop])))
        place = stop
    return [*entries, _Entry("", tuple(lines[place:end]), ())]


def _is_content(line: str) -> bool:
    bare = line.lstrip()
    return bool(bare) and not bare.startswith("#")


def _notes(sections: Iterable[tuple[int, int, Sequence[_Entry]]]) -> dict[str, str]:
    """Returns the comment at the end of each entry, with the blanks before it."""
    found = {}
    for _, _, entries in sections:
        for entry in entries:
            if len(entry.own) == 1 and "#" in entry.own[0]:
                tokens = (token for token in yaml.scan(entry.own[0]) if isinstance(token, yaml.FlowMappingEndToken))
                ends = [token.end_mark.index for token in tokens]
                found[entry.slug] = entry.own[0][max(ends) :].rstrip() if ends else ""
    return found


def _section(
    entries: Sequence[_Entry], old: Mapping[str, Any], new: Mapping[str, Any], notes: Mapping[str, str]
) -> list[str]:
    """Returns the lines of a section with the wanted entries, sorted. Comments above an entry stay if it goes."""
    *known, tail = entries
    made: dict[str, _Entry] = {}
    left: list[str] = []
    for entry in known:
        above = (*left, *entry.above)
        if entry.slug not in new:
            left = list(above)
            continue
        left = []
        same = old[entry.slug] == new[entry.slug]
        own = entry.own if same else (_line(entry.slug, new[entry.slug], notes.get(entry.slug, "")),)
        if not same and len(entry.own) > 1:
            above += tuple(line for line in entry.own if line.lstrip().startswith("#"))
        made[entry.slug] = _Entry(entry.slug, above, own)
    for slug in new:
        if slug not in made:
            made[slug] = _Entry(slug, (), (_line(slug, new[slug], notes.get(slug, "")),))
    ordered = [line for slug in sorted(made) for line in (*made[slug].above, *made[slug].own)]
    return [*ordered, *left, *tail.above]


def _line(slug: str, facts: Mapping[str, Any], note: str) -> str:
    value = mapping({key: scalar(one) for key, one in facts.items()}, flow=True)
    return f"  {dump(mapping({slug: value})).rstrip()}{note}"


def _head(line: str, unlisted: Mapping[str, Any]) -> str:
    """Returns the line `unlisted:`, with `{}` if the section is empty."""
    if _EMPTY.fullmatch(line):
        return "unlisted:" if unlisted else "unlisted: {}"
    return line
